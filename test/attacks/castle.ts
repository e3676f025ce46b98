/**
 * A whole branch for attacks: everything a server has but its sockets and its relay, in a temporary folder, with people
 * of every role. Browsers carry cookies, scripts carry tokens; what the server logged can be searched for secrets.
 */
import { join } from 'node:path'
import type { Hono } from 'hono'
import { setTemporaryPassword } from '../../src/accounts/actions.ts'
import type { Hasher } from '../../src/accounts/hasher.ts'
import { createUser } from '../../src/accounts/new-person.ts'
import { getPerson, type Person } from '../../src/accounts/queries.ts'
import type { Role } from '../../src/accounts/records.ts'
import type { UserId } from '../../src/base/ids.ts'
import { type Branch, createBranch } from '../../src/branch.ts'
import type { Config } from '../../src/config.ts'
import type { Core } from '../../src/core.ts'
import { DATABASE_FILE } from '../../src/db/open.ts'
import { cookieName } from '../../src/web/cookies.ts'
import type { Visitor } from '../../src/web/env.ts'
import { type Listener, listen } from '../../src/web/listen.ts'
import type { Network } from '../../src/world/network.ts'
import { realWorld, type World } from '../../src/world/world.ts'
import { putEmptyDatabase, temporaryFolder } from '../db/store.ts'
import { quickHasher } from '../support/quick-hasher.ts'

export const PASSWORD = 'corvid lantern 7'
export const SETUP_CODE = 'hark-bell-code'
const ORIGIN = 'http://castle.test:8080'

type Test = { after(fn: () => void | Promise<void>): void }

/** What every test branch is started with. */
export function configIn(data: string, more: Partial<Config> = {}): Config {
  return {
    ...{ data, listen: { host: '127.0.0.1', port: 0 }, insecureLan: false, origins: [] },
    ...{
      tls: { kind: 'off' as const },
      names: [],
      machine: 'castle',
      tlsDomains: [],
      listenPlain: undefined,
    },
    postsPerSecond: 0,
    guestDays: 30,
    isSharedTerminal: () => false,
    minSuite: 1,
    files: { rate: 0, hours: undefined, ahead: undefined },
    carry: 10,
    ...{ scanner: undefined, fileSize: 2048, fileQuota: 0, fileRoom: 0 },
    ...{ relay: { kind: 'off' as const }, peers: [], org: undefined, branch: undefined },
    ...{ announce: { kind: 'off' as const }, zerotierToken: undefined },
    ...{ join: undefined, adminLogin: undefined, adminName: undefined, adminPassword: undefined },
    ...{
      setupCode: SETUP_CODE,
      ldap: undefined,
      timezone: 'UTC',
      language: 'en' as const,
      log: 'debug' as const,
    },
    ...more,
  }
}

export type Ruin = {
  branch: Branch
  folder: string
  world: World
  /** Everything that was logged, as one text. */
  logged(): string
  /** Asks as anybody would, with nothing but what is given. */
  ask(path: string, init?: RequestInit): Promise<Response>
  app(): Hono<Visitor>
  serve(): Promise<Listener>
}

type RuinOptions = {
  demo?: boolean
  network?: Network | undefined
  ldap?: World['ldap'] | undefined
  /** A quick one when absent; tests of floods of passwords need the real one. */
  hasher?: Hasher | undefined
}

/** A branch that nobody has set up. */
export async function ruin(
  t: Test,
  more: Partial<Config> = {},
  { demo = false, network, ldap, hasher = quickHasher() }: RuinOptions = {},
): Promise<Ruin> {
  const folder = temporaryFolder(t)
  await putEmptyDatabase(join(folder, DATABASE_FILE))
  const lines: string[] = []
  const real = realWorld(folder, (line) => void lines.push(line), 'debug')
  // Its own clock, so that `stopTime` stops nobody else's.
  const world = {
    ...real,
    clock: { ...real.clock },
    network: network ?? real.network,
    ...(ldap && { ldap }),
  }
  const branch = await createBranch(world, configIn(folder, more), {
    ...(demo && { demoPassword: PASSWORD }),
    hasher,
  })
  t.after(() => branch.stop())
  return {
    branch,
    folder,
    world,
    logged: () => lines.join(''),
    ask: async (path, init) => await branch.fetch(new Request(`${ORIGIN}${path}`, init), {}),
    app: () => branch.app as Hono<Visitor>,
    async serve() {
      const { clock, log } = world
      const { fetch, streams } = branch
      const served = await listen({ fetch, streams, clock, log, host: '127.0.0.1', port: 0 })
      t.after(() => served.close())
      return served
    },
  }
}

/** Limits that refill with time must not refill because a machine is slow. */
export function stopTime({ world }: Pick<Ruin, 'world'>): void {
  const now = world.clock.now()
  world.clock.now = () => now
}

export type Castle = Ruin & {
  core: Core
  add(login: string, role?: Role): Promise<Person>
  /** A browser in which somebody is signed in. */
  browser(login: string, password?: string): Promise<Browser>
  /** A script with a token. */
  script(login: string, password?: string): Promise<Script>
  reset(id: UserId, password: string): Promise<unknown>
}

/** A branch with its first admin, ada. */
export async function castle(
  t: Test,
  more: Partial<Config> = {},
  parts: Omit<RuinOptions, 'demo'> = {},
): Promise<Castle> {
  const admin = { adminLogin: 'ada', adminName: 'Ada Admin', adminPassword: PASSWORD }
  const ruined = await ruin(t, { org: 'Dovira', branch: 'Kyiv', ...admin, ...more }, parts)
  const core = ruined.branch.core
  if (core === undefined) throw new Error('The branch is not set up')
  return {
    ...ruined,
    core,
    async add(login, role = 'employee') {
      const names = { firstName: login, lastName: 'Test' }
      const wish = { login, ...names, role, password: PASSWORD, temporary: false }
      const { id } = await createUser(core.accounts, undefined, wish)
      return await getPerson(core.store.read, id)
    },
    browser: (login, password = PASSWORD) => browserOf(ruined, core, { login, password }),
    script: (login, password = PASSWORD) => scriptOf(ruined, { login, password }),
    reset: (id, password) => setTemporaryPassword(core.accounts, undefined, { id, password }),
  }
}

export type Browser = {
  cookie: string
  /** Proves forms of browsers that say nothing of where they come from. */
  formToken: string
  get(path: string, headers?: Record<string, string>): Promise<Response>
  post(
    path: string,
    fields: Record<string, string> | [string, string][],
    headers?: Record<string, string>,
  ): Promise<Response>
}

async function browserOf(
  at: Ruin,
  core: Core,
  who: { login: string; password: string },
): Promise<Browser> {
  const answer = await at.ask('/sign-in', {
    method: 'POST',
    body: new URLSearchParams(who),
    headers: { 'sec-fetch-site': 'same-origin' },
  })
  const name = cookieName(core.membership.self)
  const line = answer.headers.getSetCookie().find((each) => each.startsWith(`${name}=`))
  const cookie = line?.split(';')[0]
  if (cookie === undefined) throw new Error(`${who.login} did not get in: ${answer.status}`)
  const get: Browser['get'] = (path, headers = {}) =>
    at.ask(path, { headers: { cookie, ...headers } })
  const page = await (await get('/profile')).text()
  const formToken = /name="formToken" value="([0-9a-f]+)"/.exec(page)?.[1] ?? ''
  return {
    cookie,
    formToken,
    get,
    post: (path, fields, headers = {}) =>
      at.ask(path, {
        method: 'POST',
        body: new URLSearchParams(fields),
        headers: { cookie, 'sec-fetch-site': 'same-origin', ...headers },
      }),
  }
}

export type Script = {
  token: string
  call(method: string, path: string, body?: unknown): Promise<Response>
  /** The JSON of an answer that must be a success. */
  json<T>(method: string, path: string, body?: unknown): Promise<T>
}

async function scriptOf(at: Ruin, who: { login: string; password: string }): Promise<Script> {
  const call =
    (token: string): Script['call'] =>
    (method, path, body) =>
      at.ask(`/api/v1${path}`, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        headers: {
          'content-type': 'application/json',
          ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
        },
      })
  const answer = await call('')('POST', '/sign-in', who)
  if (!answer.ok) throw new Error(`${who.login} did not get in: ${answer.status}`)
  const { token } = (await answer.json()) as { token: string }
  return {
    token,
    call: call(token),
    async json(method, path, body) {
      const response = await call(token)(method, path, body)
      const text = await response.text()
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
      return (text === '' ? undefined : JSON.parse(text)) as never
    },
  }
}

/** An open event stream over a real socket: its text so far, and whether it has ended. */
export async function streamAt(
  served: Listener,
  path: string,
  headers: Record<string, string>,
): Promise<{ text(): string; ended: Promise<void>; isOpen(): boolean; close(): void }> {
  const controller = new AbortController()
  const response = await fetch(`${served.url}${path}`, { headers, signal: controller.signal })
  let text = ''
  let open = true
  const read = async () => {
    const decoder = new TextDecoder()
    for await (const chunk of response.body ?? []) text += decoder.decode(chunk, { stream: true })
  }
  const ended = read()
    .catch(() => {})
    .then(() => {
      open = false
    })
  return { text: () => text, ended, isOpen: () => open, close: () => controller.abort() }
}

/** Waits until something is true, for at most ten seconds; says what never became true. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const endsAt = Date.now() + 10_000
  while (!(await isSo())) {
    if (Date.now() > endsAt) throw new Error(`It never came true: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
