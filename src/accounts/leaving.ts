/**
 * A guest has left: nobody is signed in any more in that name at the branch. It says so to all (`user.left`), so that
 * nothing more is sent there. Nobody else can say it, and what was written before holds.
 */
import * as v from 'valibot'
import type { BranchId } from '../base/ids.ts'
import { MINUTE, type Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import type { EventKind } from '../eventlog/events.ts'
import { createLimiter, type Rate } from '../web/rate.ts'
import type { AccountDeps } from './authority.ts'
import { endLeftStay, LEFT_SLACK_MS } from './departures.ts'
import { knownPerson } from './event-parts.ts'
import { branch, user } from './records.ts'

const userLeftBody = v.object({ user, branch })
type UserLeft = v.InferOutput<typeof userLeftBody>

/** 030b: a person is at a branch no more. */
export const userLeft: EventKind<UserLeft> = {
  code: 0x030b,
  name: 'user.left',
  scope: 'all',
  parse: (body) => v.parse(userLeftBody, body),
  async refusal(tx, { body, origin }) {
    if (body.branch !== origin) return 'not-its-branch'
    return (await knownPerson(tx, body.user)).home === origin ? 'at-home' : undefined
  },
  async apply(tx, { body: { user: userId, branch: branchId }, hlc }) {
    await tx
      .insertInto('departure')
      .values({ userId, branchId, hlc })
      .onConflict((on) =>
        on.columns(['userId', 'branchId']).doUpdateSet({ hlc }).where('departure.hlc', '<', hlc),
      )
      .execute()
    await endLeftStay(tx, { userId, branchId })
  },
}

/**
 * Departures of one guest that are told at once, then one in ten minutes: each makes all branches write when he comes
 * again (chats, marks, contacts). Until it is told the stay goes on, and coming again costs nothing.
 */
const DEPARTURES_TOLD: Rate = { burst: 3, refillMs: 10 * MINUTE }

type Deps = Pick<AccountDeps, 'store' | 'append' | 'clock' | 'self'>

/** Says of every guest who is signed in here no more that he has left; call when sign-ins end, and now and then. */
export function createLeaving({ store, append, clock, self }: Deps): () => Promise<void> {
  const told = createLimiter({ clock }, DEPARTURES_TOLD)
  const gone = (db: Db) => whoIsGone(db, { self, now: clock.now() })
  return async () => {
    if ((await gone(store.read)).length === 0) return
    await store.writer.write(async (tx) => {
      for (const { userId } of await gone(tx)) {
        if (told.take(userId) > 0) continue
        await append(tx, { kind: userLeft, to: 'all', body: { user: userId, branch: self } })
      }
    })
  }
}

function whoIsGone(db: Db, { self, now }: { self: BranchId; now: Millis }) {
  return db
    .selectFrom('location as l')
    .innerJoin('user as u', 'u.id', 'l.userId')
    .where('l.branchId', '=', self)
    .where('u.home', '!=', self)
    .where('l.until', '>', now + LEFT_SLACK_MS)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('sign_in as s')
            .whereRef('s.userId', '=', 'l.userId')
            .where('s.expiresAt', '>', now)
            .select('s.id'),
        ),
      ),
    )
    .select('l.userId')
    .execute()
}
