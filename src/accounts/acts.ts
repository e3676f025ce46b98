/**
 * The newest act of administrators of each kind with a person: a pointer to its event, whose acks tell which branches
 * have it. Owns table `person_act`. What was done is in the tables of the acts themselves.
 */
import type { Selectable } from 'kysely'
import type { UserId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import type { Database } from '../db/schema.ts'
import type { LoggedEvent } from '../eventlog/events.ts'

export type Act = Selectable<Database['person_act']>

/** Notes an act; an older one that comes later changes nothing. */
export async function noteAct(
  tx: Db,
  event: LoggedEvent<{ user: UserId; by?: UserId | undefined }>,
): Promise<void> {
  const { id: eventId, kind, origin: branchId, hlc, body } = event
  const row = { eventId, branchId, byId: body.by ?? null, hlc }
  await tx
    .insertInto('person_act')
    .values({ userId: body.user, kind, ...row })
    .onConflict((conflict) =>
      conflict.columns(['userId', 'kind']).doUpdateSet(row).where('person_act.hlc', '<', hlc),
    )
    .execute()
}

/** The newest act of each kind, the last done first. */
export function actsOf(db: Db, user: UserId) {
  return db
    .selectFrom('person_act')
    .where('userId', '=', user)
    .selectAll()
    .orderBy('hlc', 'desc')
    .execute()
}
