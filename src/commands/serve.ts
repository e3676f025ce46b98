/** `serve`: runs the branch of a data folder until a signal ends it. */
import { rmSync } from 'node:fs'
import { createAdaptorServer } from '@hono/node-server'
import { AppError } from '../base/errors.ts'
import type { Millis } from '../base/units.ts'
import { SECOND } from '../base/units.ts'
import { type Branch, createBranch } from '../branch.ts'
import type { Config } from '../config.ts'
import { isLoopback, UsageError } from '../config.ts'
import { type Listener, listen } from '../web/listen.ts'
import { realWorld } from '../world/world.ts'
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
  let pages: Listener | undefined
  let control: Closable | undefined
  try {
    const { clock, log } = world
    const { fetch, streams } = branch
    pages = await started(() => listen({ fetch, streams, clock, log, ...config.listen }))
    control = await listenForCommands(branch, config, isDemo)
    announce(call, branch, pages.url)
    await stopSignal()
    world.log.info('branch.stopping', {})
  } finally {
    const timer = setTimeout(() => process.exit(0), STOP_MS_MAX)
    timer.unref()
    await control?.close()
    // First the door: who is inside still finds the database open.
    await pages?.close()
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

function announce({ err }: Call, branch: Branch, url: string): void {
  if (branch.operations) err(`Branchline serves ${branch.operations.branchName} at ${url}\n`)
  else
    err(`Branchline is not set up yet.\n  Open ${url}/setup\n  Set-up code: ${branch.setupCode}\n`)
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve())
    process.once('SIGINT', () => resolve())
  })
}
