/**
 * One branch: opens its folder, becomes part of an organisation at its first start, and runs. Several fit in one
 * process, because nothing is the process's. What it opens is closed in reverse, also when a start fails half-way.
 */
import { fileURLToPath } from 'node:url'
import type { Hono } from 'hono'
import { createHasher, type Hasher } from './accounts/hasher.ts'
import { createSignInDoor } from './accounts/sign-in-door.ts'
import { TERMINAL_IDLE_MS_MAX } from './accounts/terminals.ts'
import { createShell, type ShellDeps } from './app.ts'
import { AppError } from './base/errors.ts'
import { SECOND } from './base/units.ts'
import { type KeyFiles, keyFiles } from './certificates/keys.ts'
import type { Config } from './config.ts'
import { formatAddress } from './config.ts'
import { buildCore, type Core } from './core.ts'
import { takeLock } from './db/lock.ts'
import { DATABASE_FILE, openStore } from './db/open.ts'
import { createDemoLinks } from './demo-links.ts'
import { createLanTls } from './lan-tls.ts'
import { createOperations, type Operations } from './operations.ts'
import { findMembership } from './organisation/membership.ts'
import { spokenSuites } from './relay/peer-suites.ts'
import { type Running, startRunning } from './running.ts'
import { foundBranch, joinBranch, type SetupParts, setUpBySettings } from './setup/found.ts'
import { setupRoutes } from './setup/routes.ts'
import type { ServedTls } from './tls/served.ts'
import type { Bindings, Visitor } from './web/env.ts'
import { frames } from './web/frame.ts'
import { createStreams, type Streams } from './web/sse.ts'
import { staticFiles } from './web/static.ts'
import { type Disk, realDisk } from './world/disk.ts'
import type { World } from './world/world.ts'

export type { Operations } from './operations.ts'

export type Branch = {
  fetch(request: Request, env: Bindings): Response | Promise<Response>
  /** What answers now: the first-run page, then the branch. */
  readonly app: Hono<Visitor>
  streams: Streams
  /** Certificates of the listener for people; undefined with plain HTTP. */
  tls: ServedTls | undefined
  /** What the first-run page asks for; of no use once the branch is set up. */
  readonly setupCode: string
  /** Undefined until the branch is set up. */
  readonly core: Core | undefined
  readonly operations: Operations | undefined
  stop(): Promise<void>
}

/** Of digits and small letters without those that look alike. */
const CODE_LETTERS = 'abcdefghjkmnpqrstuvwxyz23456789'
const CODE_CHARACTERS = 12

/** Before a branch is set up it has no id: the cookie of its form has this name. */
const SETUP_SCOPE = { branchId: 'setup' }

type BranchParts = {
  demoPassword?: string | undefined
  /** Of passwords; tests of other things give a quick one. */
  hasher?: Hasher
}

/** Opens the folder of a branch and starts it; what is not set up yet serves the first-run page. */
export async function createBranch(
  world: World,
  config: Config,
  { demoPassword, hasher = createHasher() }: BranchParts = {},
): Promise<Branch> {
  const { clock, random, log, disk } = world
  await using started = new AsyncDisposableStack()
  const suites = spokenSuites(config.minSuite) // first: wrong settings leave nothing behind
  const tls = await createLanTls(world, config)
  started.defer(() => tls.served?.stop())
  started.defer(takeLock(disk, `process ${process.pid}`))
  const files = keyFiles(disk)
  demandDatabase(disk, files)
  const store = await openStore({ path: disk.path(DATABASE_FILE), clock, log })
  started.defer(() => store.close())
  started.defer(() => hasher.close())
  const streams = createStreams({ clock })
  const program = staticFiles(realDisk(fileURLToPath(new URL('..', import.meta.url))))
  const shell: Omit<ShellDeps, 'scope' | 'frameOf'> = {
    world,
    language: config.language,
    origins: config.origins,
    staticRoutes: program.routes,
    trust: () => tls.served?.trust(),
  }
  const framesFor = (scope: ShellDeps['scope'], names: Running['names']) =>
    frames({
      ...{ assets: program.assets, clock, random, scope, timeZone: config.timezone, names },
      lockSeconds: TERMINAL_IDLE_MS_MAX / SECOND + 1,
      hasTrustPage: () => tls.served?.trust() !== undefined,
    })

  const demo = demoPassword === undefined ? undefined : createDemoLinks(random, demoPassword)
  const { carry: carryMib } = config
  const setup: SetupParts = { world, store, files, hasher, suites, carryMib }
  const setupCode = config.setupCode ?? drawnCode(random)
  let running: Running | undefined
  const run = async (core: Core) => {
    running = await startRunning({
      ...{ core, world, files, config, suites, streams, shell, framesFor, tls },
      icons: program.assets.icons,
      demo,
    })
  }

  const membership = await findMembership(store.read)
  const core = membership
    ? await buildCore({ world, store, keys: keysOf(files), membership, hasher, carryMib })
    : await setUpBySettings(setup, {
        ...{ org: config.org, branch: config.branch, join: config.join },
        admin: adminOf(config),
        addresses: relayAddresses(config),
      })
  if (core) await run(core)

  const names = () => ({ organisation: '', branch: '' })
  const frameOf = framesFor(SETUP_SCOPE, names)
  const setupApp = createShell({ ...shell, scope: SETUP_SCOPE, frameOf }).route(
    '/',
    setupRoutes({
      ...{ frameOf, clock, setupCode },
      found: async (wish) => run(await foundBranch(setup, wish)),
      join: async (wish) =>
        run(await joinBranch(setup, { ...wish, addresses: relayAddresses(config) })),
    }),
  )
  const door = createSignInDoor({
    ...{ clock, isProxied: config.origins.length > 0 },
    turnedAway: (address) => running?.core.signIns.atDoor.turnedAway(address) ?? 0,
    onRefused: () => running?.core.signIns.atDoor.onRefused(),
  })
  const opened = started.move()
  return {
    fetch: (request, env) => door(request, env) ?? (running?.app ?? setupApp).fetch(request, env),
    ...{ streams, setupCode, tls: tls.served },
    get app() {
      return running?.app ?? setupApp
    },
    get core() {
      return running?.core
    },
    get operations() {
      return running && createOperations(running, demo)
    },
    async stop() {
      streams.closeAll()
      await running?.stop()
      await opened.disposeAsync()
    },
  }
}

/** A branch that lost its database must not be taken for a new one: its keys would get a second organisation. */
function demandDatabase(disk: Disk, files: KeyFiles): void {
  if (disk.exists(DATABASE_FILE) || files.findCard() === undefined) return
  throw new AppError(
    'conflict',
    `The folder ${disk.root} has the keys of a branch and no database: ` +
      'put a copy back with `restore FILE`, or begin an empty one with `rebuild`',
  )
}

function keysOf(files: KeyFiles) {
  const keys = files.findBranchKeys()
  if (keys) return keys
  throw new AppError(
    'conflict',
    'The folder has a database but no keys: restore the folder keys/ from its backup',
  )
}

function drawnCode(random: World['random']): string {
  const letters = Array.from(
    { length: CODE_CHARACTERS },
    () => CODE_LETTERS[random.below(CODE_LETTERS.length)],
  )
  return letters.join('').replace(/(.{4})(?=.)/g, '$1-')
}

/** Where other branches will find this one's relay, as far as the settings say. */
function relayAddresses({ relay }: Config): string[] {
  if (relay.kind !== 'address' || relay.address.host === '0.0.0.0') return []
  return [formatAddress(relay.address)]
}

function adminOf({ adminLogin, adminName, adminPassword }: Config) {
  if (adminLogin === undefined || adminPassword === undefined) return undefined
  const [firstName = '', ...rest] = (adminName ?? adminLogin).trim().split(/\s+/)
  return { login: adminLogin, firstName, lastName: rest.join(' '), password: adminPassword }
}
