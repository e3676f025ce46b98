/**
 * The demo's two servers: real processes of their own with real data folders, started and killed like an operator
 * would. What they print goes to a file beside their data.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { flushCompileCache, getCompileCacheDir } from 'node:module'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Control } from '../control-client.ts'
import { runningControl } from '../control-client.ts'
import type { DemoBranch } from './company.ts'

export type DemoServer = {
  branch: DemoBranch
  folder: string
  /** Of its pages. */
  port: number
  relayPort: number
  peerRelayPort: number
}

/** How long a server may take to answer after its start. */
const START_MS_MAX = 60_000
const ASK_EVERY_MS = 50
/** How many ports after the wanted one are tried. */
const PORTS_TRIED_MAX = 50

/** The first free port from `wanted` on that is not in `taken`. */
export async function freePort(wanted: number, taken: readonly number[] = []): Promise<number> {
  for (let port = wanted; port < wanted + PORTS_TRIED_MAX; port++) {
    if (!taken.includes(port) && (await isFree(port))) return port
  }
  throw new Error(`Ports ${wanted} to ${wanted + PORTS_TRIED_MAX} are all in use; free one of them`)
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen({ host: '127.0.0.1', port }, () => probe.close(() => resolve(true)))
  })
}

/** Starts the process of a branch; resolves with its control when it serves. */
export async function startServer(
  server: DemoServer,
  entry: string,
): Promise<{ process: ChildProcess; control: Control }> {
  const log = openSync(join(server.folder, 'server.log'), 'a', 0o600)
  // What this process has compiled, its servers need not compile again.
  flushCompileCache()
  const child = spawn(process.execPath, [entry, 'serve', ...flagsOf(server)], {
    stdio: ['ignore', log, log],
    env: { ...process.env, NODE_COMPILE_CACHE: getCompileCacheDir() },
  })
  closeSync(log)
  let exit: number | null | undefined
  child.once('exit', (code) => {
    exit = code
  })
  const deadline = Date.now() + START_MS_MAX
  while (Date.now() < deadline && exit === undefined) {
    const control = await runningControl({ data: server.folder })
    if (control) return { process: child, control }
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS))
  }
  child.kill('SIGKILL')
  throw new Error(
    `The ${server.branch} server did not start; ${join(server.folder, 'server.log')} says why`,
  )
}

function flagsOf({ folder, port, relayPort, peerRelayPort }: DemoServer): string[] {
  return [
    ...['--data', folder],
    ...['--listen', `127.0.0.1:${port}`],
    ...['--relay', `127.0.0.1:${relayPort}`],
    ...['--peers', `127.0.0.1:${peerRelayPort}`],
    '--demo',
  ]
}
