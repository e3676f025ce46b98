/**
 * I13: what waits for one peer stays below the windows and 2 MiB. Looked at whenever a frame is queued in any link of
 * the process.
 */
import { KIB, MIB } from '../../src/base/units.ts'
import type { Frame } from '../../src/relay/frames.ts'
import { Queues } from '../../src/relay/queues.ts'

/** As each side says in its SETTINGS: durable and bulk. */
const WINDOWS_BYTES = 1024 * KIB + 256 * KIB
const WAITING_BYTES_MAX = WINDOWS_BYTES + 2 * MIB

const faults: string[] = []
let most = 0

/** Forgets what was seen before. */
export function beginMemory(): void {
  faults.length = 0
  most = 0
}

/** Queues that grew beyond it since the beginning. */
export function queuesTooLong(): readonly string[] {
  return faults
}

/** The longest queue since the beginning, in bytes. */
export function longestQueue(): number {
  return most
}

const { push, pushSignal } = Queues.prototype
Queues.prototype.push = function (this: Queues, each: Frame) {
  push.call(this, each)
  look(this)
}
Queues.prototype.pushSignal = function (this: Queues, key: string, each: Frame) {
  pushSignal.call(this, key, each)
  look(this)
}

function look(queues: Queues): void {
  let bytes = 0
  for (const each of [0, 1, 2, 3] as const) bytes += queues.waiting(each)
  most = Math.max(most, bytes)
  if (bytes > WAITING_BYTES_MAX) faults.push(`${bytes} bytes wait for one peer`)
}
