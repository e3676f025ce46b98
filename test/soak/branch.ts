/**
 * A branch under the soak: its process is killed, ended cleanly and started again, and an end that nobody asked for is
 * a fault. Every process is one life with samples of its memory and descriptors.
 */
import { readdirSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import {
  processorSeconds,
  residentKib,
  type Server,
  type Site,
  start,
  stop,
} from '../bench/servers.ts'

export type Sample = {
  /** Minutes since the start of the soak. */
  minute: number
  rssMib: number
  descriptors: number
  databaseMib: number
  walMib: number
}
export type Life = { pid: number; samples: Sample[]; processorSeconds: number }

/** What SIGTERM may take: README and docs/operating.md promise 10 s. */
const STOP_MS_MAX = 10_000
const MIB = 2 ** 20

export class Branch {
  readonly site: Site
  readonly origin: string
  readonly lives: Life[] = []
  readonly faults: string[] = []
  /** How long starts after the first took until the branch was ready. */
  readonly startMs: number[] = []
  readonly stopMs: number[] = []
  readonly #nodeFlags: readonly string[]
  #server: Server | undefined

  constructor(site: Site, nodeFlags: readonly string[]) {
    this.site = site
    this.origin = `http://${site.host ?? '127.0.0.1'}:${site.port}`
    this.#nodeFlags = nodeFlags
  }

  get name(): string {
    return this.site.name
  }

  /** Takes over a process that runs. */
  adopt(server: Server): void {
    this.#server = server
    this.lives.push({ pid: server.pid, samples: [], processorSeconds: 0 })
    server.process.once('exit', (status, signal) => {
      if (this.#server?.pid === server.pid) {
        this.#server = undefined
        this.faults.push(`${this.name} ended by itself: status ${status}, signal ${signal}`)
      }
    })
  }

  async start(): Promise<void> {
    const began = performance.now()
    this.adopt(await start(this.site, { nodeFlags: this.#nodeFlags }))
    this.startMs.push(performance.now() - began)
  }

  /** Starts it and does not wait until it is ready: it may be killed before. */
  async launch(): Promise<void> {
    this.adopt(await start(this.site, { nodeFlags: this.#nodeFlags, wait: false }))
  }

  /** As a power cut would. */
  async kill(): Promise<void> {
    const server = this.#letGo()
    if (server) await stop(server.process, 'SIGKILL')
  }

  /** With SIGTERM, which must end it with status 0 and in time. */
  async end(): Promise<void> {
    const server = this.#letGo()
    if (!server) return
    const began = performance.now()
    await stop(server.process)
    const ms = performance.now() - began
    this.stopMs.push(ms)
    const { exitCode, signalCode } = server.process
    if (exitCode !== 0) {
      this.faults.push(`${this.name}: SIGTERM ended with ${exitCode ?? signalCode}, not with 0`)
    } else if (ms > STOP_MS_MAX) {
      this.faults.push(`${this.name}: SIGTERM took ${Math.round(ms)} ms`)
    }
  }

  #letGo(): Server | undefined {
    const server = this.#server
    this.#server = undefined
    if (server) this.#account(server.pid)
    return server
  }

  #account(pid: number): void {
    const life = this.lives.at(-1)
    if (life?.pid === pid) life.processorSeconds = processorSeconds(pid)
  }

  /** Looks at the process now; nothing while none runs. */
  sample(minute: number): void {
    const pid = this.#server?.pid
    if (pid === undefined) return
    try {
      this.#account(pid)
      this.lives.at(-1)?.samples.push({
        minute,
        rssMib: residentKib(pid) / 1024,
        descriptors: readdirSync(`/proc/${pid}/fd`).length,
        ...this.sizes(),
      })
    } catch {
      // It ended while we looked: the exit says more.
    }
  }

  /** The database and its log file on the disk. */
  sizes(): { databaseMib: number; walMib: number } {
    const path = join(this.site.data, 'branchline.db')
    const size = (file: string) => (statSync(file, { throwIfNoEntry: false })?.size ?? 0) / MIB
    return { databaseMib: size(path), walMib: size(`${path}-wal`) }
  }
}

/** Below the range the system takes for callers: a caller could be given the port of a server that is down. */
const PORT_MIN = 20_000
const PORT_MAX = 32_000

/** Ports that nobody listens on, the first after a place drawn by `chance`. */
export async function quietPorts(count: number, chance: () => number): Promise<number[]> {
  const found: number[] = []
  let port = PORT_MIN + Math.floor(chance() * (PORT_MAX - PORT_MIN - 1000))
  while (found.length < count && port < PORT_MAX) {
    port++
    if (await isFree(port)) found.push(port)
  }
  return found
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}
