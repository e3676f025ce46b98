/**
 * A guest has left: nobody is signed in any more in that name at the branch. It says so to all (`user.left`), so that
 * nothing more is sent there. Nobody else can say it, and what was written before holds.
 */
import * as v from 'valibot'
import type { Db } from '../db/open.ts'
import type { EventKind } from '../eventlog/events.ts'
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

/** Says of every guest who is signed in here no more that he has left. */
export async function tellWhoLeft({
  store,
  append,
  clock,
  self,
}: Pick<AccountDeps, 'store' | 'append' | 'clock' | 'self'>): Promise<void> {
  const gone = (db: Db) =>
    db
      .selectFrom('location as l')
      .innerJoin('user as u', 'u.id', 'l.userId')
      .where('l.branchId', '=', self)
      .where('u.home', '!=', self)
      .where('l.until', '>', clock.now() + LEFT_SLACK_MS)
      .where(({ not, exists, selectFrom }) =>
        not(
          exists(
            selectFrom('sign_in as s')
              .whereRef('s.userId', '=', 'l.userId')
              .where('s.expiresAt', '>', clock.now())
              .select('s.id'),
          ),
        ),
      )
      .select('l.userId')
      .execute()
  if ((await gone(store.read)).length === 0) return
  await store.writer.write(async (tx) => {
    for (const { userId } of await gone(tx)) {
      await append(tx, { kind: userLeft, to: 'all', body: { user: userId, branch: self } })
    }
  })
}
