/**
 * What other branches say of people's presence is believed of those at home there and of guests who have signed a stay
 * there. The word often comes before the record of the stay: it waits for that.
 */
import type { Homes } from '../accounts/homes.ts'
import { guestsAt } from '../accounts/queries.ts'
import type { BranchId, UserId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import type { Presence } from '../presence/presence.ts'
import {
  DIGEST_SIGNAL,
  decodeDigest,
  decodePresence,
  decodeRoll,
  decodeWanted,
  PRESENCE_SIGNAL,
  ROLL_SIGNAL,
  type Roll,
  type Seen,
  WANTED_SIGNAL,
} from '../presence/signals.ts'

/** Words that wait for a record: more people than arrive in a moment. */
const WAITING_MAX = 1000

type Signal = { kind: number; body: Uint8Array }

type Parts = {
  read: Db
  clock: { now(): Millis }
  homes: Pick<Homes, 'homeOf'>
  presence: Pick<Presence, 'received' | 'doubted' | 'rolled' | 'compared' | 'asked'>
}

/** The listener of presence signals. */
export function createPresenceHeard({ read, clock, homes, presence }: Parts) {
  const waiting = new Map<string, Seen>()
  const keyOf = (branch: BranchId, user: UserId) => `${branch} ${user}`

  async function said(branch: BranchId, people: readonly Seen[]): Promise<void> {
    const others = people.map(({ user }) => user).filter((user) => homes.homeOf(user) !== branch)
    const guests = await guestsAt(read, { branch, users: others, now: clock.now() })
    const isBelieved = ({ user }: Seen) => homes.homeOf(user) === branch || guests.has(user)
    for (const seen of people) {
      waiting.delete(keyOf(branch, seen.user))
      if (!isBelieved(seen)) waiting.set(keyOf(branch, seen.user), seen)
      const [oldest] = waiting.keys()
      if (waiting.size > WAITING_MAX && oldest !== undefined) waiting.delete(oldest)
    }
    presence.received(branch, people.filter(isBelieved))
    presence.doubted(
      branch,
      people.filter((seen) => !isBelieved(seen)),
    )
  }

  async function rolled(branch: BranchId, roll: Roll): Promise<void> {
    const lastSeenAt = clock.now()
    presence.rolled(branch, roll)
    await said(
      branch,
      roll.users.map((user) => ({ user, isOnline: true, lastSeenAt })),
    )
  }

  return {
    /** A signal that is not of presence is none of its business. */
    async heard(branch: BranchId, { kind, body }: Signal): Promise<void> {
      if (kind === PRESENCE_SIGNAL) await said(branch, decodePresence(body))
      if (kind === DIGEST_SIGNAL) presence.compared(branch, decodeDigest(body))
      if (kind === WANTED_SIGNAL) presence.asked(branch, decodeWanted(body))
      if (kind === ROLL_SIGNAL) await rolled(branch, decodeRoll(body))
    },
    /** A record of a person or of a stay has come: what was said before it counts now. */
    stayed(branch: BranchId, user: UserId): void {
      const seen = waiting.get(keyOf(branch, user))
      if (seen === undefined) return
      waiting.delete(keyOf(branch, user))
      presence.received(branch, [seen])
    },
  }
}
