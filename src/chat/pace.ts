/**
 * How fast one person may write. Nobody types so fast: it is for programs that run wild with somebody's token, each of
 * whose messages costs every branch of the chat a commit. Per person, not per chat or device: who it is, is told. Off
 * unless it is set: a program that speaks for many (an alarm, a gateway) has one account.
 */
import { AppError } from '../base/errors.ts'
import type { UserId } from '../base/ids.ts'
import { SECOND } from '../base/units.ts'
import { createLimiter } from '../web/rate.ts'
import type { Clock } from '../world/clock.ts'

/** So many seconds' worth at once: a pasted list, or what a program kept while the server was away. */
const BURST_SECONDS = 6

export type Pace = {
  /** Throws too-many when a person has written too much in a short time. */
  post(user: UserId): void
  /** Whether a sign of typing is passed on; one too many is forgotten, like any sign that gets lost. */
  mayType(user: UserId): boolean
}

/** The pace of a branch: messages a second and person; 0 is no limit. */
export function createPace(parts: { clock: Pick<Clock, 'now'> }, perSecond: number): Pace {
  if (perSecond === 0) return { post: () => {}, mayType: () => true }
  const rate = { burst: BURST_SECONDS * perSecond, refillMs: SECOND / perSecond }
  const posts = createLimiter(parts, rate)
  const signs = createLimiter(parts, rate)
  return {
    post(user) {
      const seconds = posts.take(user)
      if (seconds === 0) return
      throw new AppError('too-many', `Cannot post so fast: wait ${seconds} seconds`, {
        detail: 'too-fast',
        values: { seconds },
        retryAfter: seconds,
      })
    },
    mayType: (user) => signs.take(user) === 0,
  }
}
