/**
 * The door to programs of this machine that look at files for the branch: a socket to one that runs already, or one
 * that is started for a single file. The operator names it; nothing that comes from people or branches chooses it.
 */
import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import type { Millis } from '../base/units.ts'
import { KIB } from '../base/units.ts'
import { type Address, connected, type Transport } from './network.ts'

/** What looks for viruses, as the setting names it. */
export type ScannerSetting =
  | { kind: 'clamd'; at: Address | { path: string } }
  | { kind: 'icap'; at: Address; service: string }
  | { kind: 'command'; program: string }

/** How a program ended: its exit status (null when it was killed), and the beginning of what it printed. */
type Ended = { status: number | null; output: string }

export type LocalServices = {
  /** Rejects with the system's error, or when nobody answers in time. */
  connect(to: Address | { path: string }, timeoutMs: Millis): Promise<Transport>
  /**
   * Starts a program without a shell, without arguments and with `input` on its standard input; kills it when it takes
   * longer. Rejects when it cannot be started, and with the error of `input`.
   */
  run(program: string, input: AsyncIterable<Uint8Array>, timeoutMs: Millis): Promise<Ended>
}

/** A name of what was found; more is of no use. */
const OUTPUT_BYTES_MAX = 4 * KIB

export const realLocalServices: LocalServices = {
  connect: (to, timeoutMs) =>
    connected('path' in to ? connect(to.path) : connect({ ...to, noDelay: true }), timeoutMs),
  run: (program, input, timeoutMs) =>
    new Promise((resolve, reject) => {
      // Secrets of the branch may be in its environment: the program gets none of it.
      const env = { PATH: '/usr/local/bin:/usr/bin:/bin' }
      const child = spawn(program, [], { env, stdio: ['pipe', 'pipe', 'ignore'] })
      const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
      let output = ''
      child.stdout.on('data', (part: Buffer) => {
        if (output.length < OUTPUT_BYTES_MAX) output += part.toString('latin1')
      })
      child.on('error', reject)
      child.on('close', (status) => {
        clearTimeout(timer)
        resolve({ status, output: output.slice(0, OUTPUT_BYTES_MAX) })
      })
      child.stdin.on('error', () => {}) // it may answer before it has read all: its status counts
      feed(child.stdin, input).catch((error: unknown) => {
        child.kill('SIGKILL')
        reject(error)
      })
    }),
}

async function feed(into: NodeJS.WritableStream, input: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const piece of input) {
    if (!into.writable) return
    if (!into.write(piece)) {
      await new Promise<void>((resolve) => {
        const go = () => {
          into.off('drain', go)
          into.off('close', go)
          resolve()
        }
        into.on('drain', go)
        into.on('close', go)
      })
    }
  }
  into.end()
}
