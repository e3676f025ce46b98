/** `serve`: runs the branch of a data folder until a signal ends it. */
import { rmSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { createAdaptorServer } from '@hono/node-server'
import { AppError } from '../base/errors.ts'
import type { Millis } from '../base/units.ts'
import { SECOND } from '../base/units.ts'
import { type Branch, createBranch } from '../branch.ts'
import type { Config } from '../config.ts'
import { UsageError } from '../config.ts'
import { isLoopback } from '../config-values.ts'
import { type Listener, listen } from '../web/listen.ts'
import { realWorld, type World } from '../world/world.ts'
import type { Call } from './commands.ts'
import { controlApp } from './control.ts'
import { CONTROL_SOCKET } from './control-client.ts'
import { DEMO_PASSWORD } from './demo/company.ts'

/** The contract: SIGTERM ends it cleanly within 10 s. After this long what is left is dropped. */
const STOP_MS_MAX: Millis = 9 * SECOND
/** `sun_path` of Linux holds 108 bytes with the closing zero. */
const SOCKET_PATH_BYTES_MAX = 107

type Closable = { close(): Promise<void> }

/** The command `serve`. */
export async function serve(call: Call): Promise<number> {
  const { config } = call
  const isDemo = call.flags.demo === true && isLoopback(config.listen.host)
  const world = realWorld(config.data, call.out, config.log)
  const branch = await started(() =>
    createBranch(world, config, {
      demoPassword: isDemo ? DEMO_PASSWORD : undefined,
    }),
  )
  const listeners: Listener[] = []
  let control: Closable | undefined
  try {
    for (const pages of await listenForPeople(world, branch, config)) listeners.push(pages)
    control = await listenForCommands(branch, config, isDemo)
    announce(call, branch, listeners)
    // Node keeps compiled code at a clean end only; a power cut must not cost the next start. The first time it takes a
    // tenth of a second: now, while nobody is here.
    flushCompileCache()
    await stopSignal()
    world.log.info('branch.stopping', {})
  } finally {
    const timer = setTimeout(() => process.exit(0), STOP_MS_MAX)
    timer.unref()
    await control?.close()
    // First the door: who is inside still finds the database open.
    await Promise.all(listeners.map((listener) => listener.close()))
    await branch.stop()
  }
  return 0
}

/** What the operator can mend is wrong usage (status 2), in one sentence. */
async function started<T>(start: () => Promise<T>): Promise<T> {
  try {
    return await start()
  } catch (error) {
    const words = wordsOf(error)
    if (words === undefined) throw error
    throw new UsageError(words)
  }
}

function wordsOf(error: unknown): string | undefined {
  if (error instanceof AppError) return error.message
  const { code, path } = error as NodeJS.ErrnoException
  switch (code) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return `Cannot write ${path}: give this user the right to, or choose another folder with --data DIR`
    case 'ENOTDIR':
    case 'EEXIST':
      return `${path} is not a folder: choose another with --data DIR`
    default:
      return undefined
  }
}

/** HTTPS or plain HTTP, and plain HTTP beside HTTPS for who cannot trust a root. */
async function listenForPeople(
  { clock, log }: World,
  { fetch, streams, tls }: Branch,
  { listen: address, listenPlain }: Config,
): Promise<Listener[]> {
  const common = { fetch, streams, clock, log }
  const pages = await started(() => listen({ ...common, ...address, tls: tls?.current() }))
  tls?.onChange(pages.useCertificate)
  if (!listenPlain) return [pages]
  try {
    return [pages, await started(() => listen({ ...common, ...listenPlain }))]
  } catch (error) {
    await pages.close()
    throw error
  }
}

async function listenForCommands(
  branch: Branch,
  config: Config,
  isDemo: boolean,
): Promise<Closable> {
  const path = `${config.data}/${CONTROL_SOCKET}`
  if (Buffer.byteLength(path) > SOCKET_PATH_BYTES_MAX) {
    throw new UsageError(`The path of --data is too long for a socket in it (${path})`)
  }
  rmSync(path, { force: true }) // of a server that was killed: the lock says that none runs
  const server = createAdaptorServer({ fetch: controlApp(branch, { isDemo }).fetch })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        if ('closeAllConnections' in server) server.closeAllConnections()
      }),
  }
}

function announce({ err, config }: Call, branch: Branch, listeners: readonly Listener[]): void {
  const [url = '', ...others] = listeners.map((listener) => urlOf(listener, config))
  if (branch.operations) err(`Branchline serves ${branch.operations.branchName} at ${url}\n`)
  else
    err(`Branchline is not set up yet.\n  Open ${url}/setup\n  Set-up code: ${branch.setupCode}\n`)
  for (const other of others) err(`  Without encryption at ${other}\n`)
  const trust = branch.tls?.trust()
  if (!trust) return
  const whose =
    trust.kind === 'temporary'
      ? 'Temporary certificate, until the organisation gives one'
      : `Root certificate of the organisation, how to trust it: ${url}/trust`
  err(`  ${whose}\n  SHA-256 ${trust.fingerprint}\n`)
}

/** An address people can type: a listener on all addresses is reached by the name of the machine. */
function urlOf({ host, port, url }: Listener, { names, machine }: Config): string {
  if (host !== '0.0.0.0' && host !== '::') return url
  return `${new URL(url).protocol}//${names[0] ?? machine}:${port}`
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve())
    process.once('SIGINT', () => resolve())
  })
}
