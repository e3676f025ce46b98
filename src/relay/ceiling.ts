/**
 * How fast files may go over one link in one direction, pure: each part says when it may go. What was not used is not
 * saved up, so there are no bursts.
 */
import type { Millis } from '../base/units.ts'
import type { Clock } from '../world/clock.ts'

/** Bytes in a millisecond that files may take at a time; undefined: all that is left. */
export type FileRate = (now: Millis) => number | undefined

export class Ceiling {
  readonly #clock: Pick<Clock, 'now'>
  readonly #rate: FileRate
  #freeAt: Millis = 0

  constructor(clock: Pick<Clock, 'now'>, rate: FileRate) {
    this.#clock = clock
    this.#rate = rate
  }

  /** How long so many bytes must wait; they count from now on. */
  waitFor(bytes: number): Millis {
    const now = this.#clock.now()
    const rate = this.#rate(now)
    if (rate === undefined) return 0
    const at = Math.max(now, this.#freeAt)
    this.#freeAt = at + bytes / rate
    return at - now
  }
}
