/**
 * Virtual time: one queue of events ordered by (time, number). After each event one turn of the event loop passes:
 * Kysely over better-sqlite3 runs on microtasks alone, so by then everything the event caused has been done. What
 * happens is hashed, so that two runs can be compared, and the last lines are kept for whoever must understand a
 * failure.
 */
import { createHash } from 'node:crypto'
import type { Millis } from '../../src/base/units.ts'

/** When every run begins: a working day. */
export const BEGINNING: Millis = Date.UTC(2026, 10, 2, 8)
const LINES_KEPT_MAX = 4000

type Happening = { at: number; number: number; fn: () => void | Promise<void> }

export type Cancel = () => void

export class Timeline {
  /** Milliseconds since the beginning. */
  now = 0
  /** Days that passed at once, on every calendar: timers do not notice. */
  leapt: Millis = 0
  /** Events so far. */
  count = 0
  readonly lines: string[] = []
  readonly #queue: (Happening | undefined)[] = []
  readonly #hash = createHash('sha256')
  readonly #cancelled = new Set<number>()
  #number = 0
  /** Runs before each event: faults that wait for a number of events. */
  beforeEvent: () => void | Promise<void> = () => {}

  after(ms: Millis, fn: () => void | Promise<void>): Cancel {
    const number = ++this.#number
    this.#push({ at: this.now + Math.max(0, ms || 0), number, fn })
    return () => void this.#cancelled.add(number)
  }

  /** Into the hash and the lines kept. */
  note(line: string): void {
    this.#hash.update(`${this.now} ${line}\n`)
    this.lines.push(`${(this.now / 1000).toFixed(3).padStart(9)} ${line}`)
    if (this.lines.length > 2 * LINES_KEPT_MAX) this.lines.splice(0, LINES_KEPT_MAX)
  }

  /** Into the hash alone. */
  mix(bytes: Uint8Array): void {
    this.#hash.update(bytes)
  }

  get hash(): string {
    return this.#hash.copy().digest('hex')
  }

  /** Runs until `until` (asked every `step` of virtual time) or until `limit` has passed; answers whether it came true. */
  async runUntil(
    limit: Millis,
    until: () => boolean | Promise<boolean> = () => false,
    step: Millis = 500,
  ): Promise<boolean> {
    const end = this.now + limit
    while (this.now < end) {
      const stop = Math.min(end, this.now + step)
      await this.#runTo(stop)
      if (await until()) return true
    }
    return false
  }

  async #runTo(stop: number): Promise<void> {
    await barrier() // what was begun outside of any event
    for (;;) {
      const next = this.#queue[0]
      if (next === undefined || next.at > stop) break
      this.#pop()
      if (this.#cancelled.delete(next.number)) continue
      await this.beforeEvent()
      this.now = Math.max(this.now, next.at)
      this.count += 1
      const done = next.fn()
      if (done instanceof Promise) await done
      await barrier()
    }
    this.now = stop
  }

  #push(happening: Happening): void {
    const queue = this.#queue
    let at = queue.length
    queue.push(happening)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (isBefore(queue[parent], happening)) break
      queue[at] = queue[parent]
      at = parent
    }
    queue[at] = happening
  }

  #pop(): void {
    const queue = this.#queue
    const last = queue.pop()
    if (queue.length === 0 || last === undefined) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= queue.length) break
      if (child + 1 < queue.length && isBefore(queue[child + 1], queue[child])) child += 1
      if (isBefore(last, queue[child])) break
      queue[at] = queue[child]
      at = child
    }
    queue[at] = last
  }
}

function isBefore(a: Happening | undefined, b: Happening | undefined): boolean {
  if (a === undefined || b === undefined) return a !== undefined
  return a.at < b.at || (a.at === b.at && a.number < b.number)
}

/** Lets everything that waits on microtasks run out. */
export function barrier(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
