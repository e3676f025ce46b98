/**
 * Branches for benchmarks: processes of their own on loopback with their data on a real disk, started as an operator
 * starts them, with the default log going to a file. One company is prepared once; every scenario runs on a copy.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, cpSync, mkdtempSync, openSync, readFileSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Connection, type Place } from './http.ts'
import { pause, until } from './wait.ts'

export const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
/** `statfs` of Linux: a disk of memory, where nothing is ever durable. */
const TMPFS = 0x01021994
const STOP_MS_MAX = 12_000
/** As `npm start`, the image and docs/operating.md start a branch. */
const SERVICE_FLAGS = ['--max-semi-space-size=8'] as const

/** A folder of this run on a disk that has a real fsync. */
export function benchFolder(of = 'bench'): string {
  const disk = [tmpdir(), '/var/tmp', process.cwd()].find((path) => statfsSync(path).type !== TMPFS)
  if (disk === undefined) throw new Error('No folder on a real disk: set TMPDIR to one')
  return mkdtempSync(join(disk, `branchline-${of}-`))
}

/** Where a branch lives; the ports stay the same in every copy. */
export type Site = {
  name: string
  data: string
  port: number
  relayPort: number
  /** What stands before `node` on the command line: `ip netns exec NAME` of a lab. */
  within?: readonly string[]
  /** Where we reach its pages, when that is not loopback. */
  host?: string
  /** Instead of listening on loopback at the two ports. */
  listening?: readonly string[]
}

export type Server = Site & { readonly pid: number; process: ChildProcess }

const running = new Set<ChildProcess>()

// Whatever ends this process ends what it started, and nothing else.
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

/** Keeps a process in mind until it ends. */
export function owned(child: ChildProcess): ChildProcess {
  running.add(child)
  child.once('exit', () => running.delete(child))
  return child
}

/** Starts a branch; `isReady` false returns at once. */
export async function start(
  site: Site,
  { more = [], nodeFlags = [], wait = true }: StartOptions = {},
): Promise<Server> {
  const log = openSync(`${site.data}.log`, 'a')
  const loopback = ['--listen', `127.0.0.1:${site.port}`, '--relay', `127.0.0.1:${site.relayPort}`]
  const flags = ['--data', site.data, '--timezone', 'UTC', ...(site.listening ?? loopback)]
  const args = [...SERVICE_FLAGS, ...nodeFlags, MAIN, 'serve', ...flags, ...more]
  const [command = '', ...before] = [...(site.within ?? []), process.execPath]
  const child = owned(
    spawn(command, [...before, ...args], {
      stdio: ['ignore', log, log],
      env: { PATH: process.env.PATH },
    }),
  )
  closeSync(log)
  const server = { ...site, pid: child.pid ?? 0, process: child }
  if (wait) await ready(server)
  return server
}

export type StartOptions = {
  more?: readonly string[]
  /** Flags of Node: `--cpu-prof` of a profile. */
  nodeFlags?: readonly string[]
  wait?: boolean
}

/** Waits until the branch is ready. */
export async function ready(server: Server): Promise<void> {
  await until(`${server.name} is ready`, async () => {
    if (server.process.exitCode !== null) {
      throw new Error(`${server.name} ended: ${readFileSync(`${server.data}.log`, 'utf8')}`)
    }
    return (await statusOf(server, '/readyz')) === 200
  })
}

/** The status of a page, 0 when nobody answers. */
export async function statusOf({ host, port }: Place, path: string): Promise<number> {
  const connection = new Connection({ host, port })
  try {
    return (await connection.ask({ method: 'GET', path })).status
  } catch {
    return 0
  } finally {
    connection.close()
  }
}

/** Ends a process: cleanly, or as a power cut would. */
export async function stop(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM') {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill(signal)
  await Promise.race([gone, pause(STOP_MS_MAX)])
  child.kill('SIGKILL')
  await gone
}

/** A copy of a stopped branch's folder. */
export function copyOf(site: Site, folder: string): Site {
  const data = join(mkdtempSync(join(folder, 'copy-')), site.name)
  cpSync(site.data, data, { recursive: true, filter: (path) => !path.endsWith('.sock') })
  return { ...site, data }
}

/** Removes a copy and its log. */
export function removeCopy(site: Site): void {
  rmSync(join(site.data, '..'), { recursive: true, force: true })
}

/** Memory of a process that is really there, in KiB (VmRSS). */
export function residentKib(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
}

/** Seconds of processor time a process has used. */
export function processorSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}
