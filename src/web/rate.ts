/**
 * Limits on how often: token buckets keyed by text (a login, an address). They fill again steadily, so that nobody is
 * locked out for long: who guesses at a colleague's login slows down tries for that login, and a minute later she
 * gets in. Memory is bounded; time comes from the clock door.
 */
import { AppError } from '../base/errors.ts'
import { MINUTE, type Millis, SECOND } from '../base/units.ts'

export type Rate = {
  /** Tries at once, after a rest. */
  burst: number
  /** One more try each `refillMs`. */
  refillMs: Millis
}

/** Ten tries, then one each six seconds: a person mistypes, a program guesses 14,400 a day at most. */
export const LOGIN_RATE: Rate = { burst: 10, refillMs: 6 * SECOND }
/** A whole office may sit behind one address (a terminal server): wide, but not endless. */
export const ADDRESS_RATE: Rate = { burst: 60, refillMs: SECOND }
/** The set-up code and its like: nobody types one ten times a minute. */
export const CODE_RATE: Rate = { burst: 5, refillMs: MINUTE / 4 }

/** Keys remembered at a time; about 100 bytes each. */
const KEYS_MAX = 10_000

type Limiter = {
  /** Takes one try of each key, or none of any and the seconds to wait. */
  take(...keys: readonly string[]): number
  /** The seconds to wait for a try of this key; takes none. */
  wait(key: string): number
  /** Gives tries back: after a sign-in that succeeded its earlier slips no longer count. */
  forget(key: string): void
  /** Keys held now. */
  readonly size: number
}

/** A limiter of `rate` per key. */
export function createLimiter(
  { clock }: { clock: { now(): Millis } },
  rate: Rate,
  keysMax = KEYS_MAX,
): Limiter {
  // When the key will be rested: each try pushes it `refillMs` further (the "generic cell rate algorithm", ITU I.371).
  const restedAt = new Map<string, Millis>()
  const windowMs = rate.burst * rate.refillMs
  // Clamped, so that a clock set back locks nobody out.
  const restMs = (key: string, now: Millis) =>
    Math.min(windowMs, Math.max(0, (restedAt.get(key) ?? now) - now))
  const waitMsOf = (rest: Millis) => Math.max(0, rest + rate.refillMs - windowMs)
  return {
    wait: (key) => Math.ceil(waitMsOf(restMs(key, clock.now())) / SECOND),
    take(...keys) {
      const now = clock.now()
      const rests = keys.map((key) => restMs(key, now))
      const waitMs = Math.max(0, ...rests.map(waitMsOf))
      if (waitMs > 0) return Math.ceil(waitMs / SECOND)
      keys.forEach((key, i) => {
        restedAt.delete(key) // to the end: the map is in order of last use
        restedAt.set(key, now + (rests[i] ?? 0) + rate.refillMs)
      })
      makeRoom(restedAt, keysMax, now)
      return 0
    },
    forget: (key) => void restedAt.delete(key),
    get size() {
      return restedAt.size
    },
  }
}

/** Throws too-many with the seconds to wait when `wait` is not zero. */
export function refuseTooMany(wait: number): void {
  if (wait === 0) return
  throw new AppError('too-many', `Cannot try again yet: wait ${wait} seconds`, {
    detail: 'too-many-tries',
    values: { seconds: wait },
    retryAfter: wait,
  })
}

// The oldest first: whoever floods us with keys pushes out keys that were used long ago, mostly his own.
function makeRoom(restedAt: Map<string, Millis>, keysMax: number, now: Millis): void {
  for (const [key, at] of restedAt) {
    if (restedAt.size <= keysMax && at > now) return
    restedAt.delete(key)
  }
}
