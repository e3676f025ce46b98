/** The door to time. Timers of the real clock never keep the process alive by themselves. */
import type { Millis } from '../base/units.ts'

export type Cancel = () => void

export type Clock = {
  /** Unix milliseconds. */
  now(): Millis
  /** Runs `fn` once after `ms`; the result cancels it. */
  after(ms: Millis, fn: () => void): Cancel
  /** Runs `fn` once when the work at hand is done (a turn of the event loop): many callers share one batch. */
  soon(fn: () => void): void
}

export const realClock: Clock = {
  now: () => Date.now(),
  after(ms, fn) {
    const timer = setTimeout(fn, ms)
    timer.unref()
    return () => clearTimeout(timer)
  },
  soon(fn) {
    setImmediate(fn)
  },
}

/** Runs `fn` every `ms` after each run's end until cancelled; a run that throws does not end the series. */
export function every(
  clock: Clock,
  ms: Millis,
  fn: () => Promise<void> | void,
  onError: (error: unknown) => void,
): Cancel {
  let stopped = false
  let cancel: Cancel = () => {}
  const run = async () => {
    try {
      await fn()
    } catch (error) {
      onError(error)
    }
    if (!stopped) cancel = clock.after(ms, run)
  }
  cancel = clock.after(ms, run)
  return () => {
    stopped = true
    cancel()
  }
}
