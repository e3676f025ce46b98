/**
 * How many events of one branch may wait for others. Each is tried again whenever something was applied, so a branch
 * that was taken over could keep every other one busy with events that never come right. docs/protocol.md, section 7.
 */
import { sql } from 'kysely'
import type { Db } from '../db/open.ts'
import { FAILED, UNKNOWN_KIND } from './apply.ts'
import type { Scope } from './opening.ts'

/** Trying so many again takes a second; between honest branches some tens wait, for the time records are under way. */
export const WAITING_PER_BRANCH_MAX = 2000

/** Parked until the program changes: tried at start alone. The others wait for events. */
export const UNTIL_UPGRADE = [UNKNOWN_KIND, FAILED]

/** A literal, because an index of parked events serves no parameter. */
export const isParked = sql<boolean>`event.state = 'parked'`

/** Whether as many events of a branch wait for others as may. Mail waits for records, so the two count apart. */
export async function isFull(
  tx: Db,
  { originN, scope }: { originN: number; scope: Scope },
): Promise<boolean> {
  const { waiting } = await tx
    .selectFrom('event')
    .innerJoin('feed_entry', 'feed_entry.position', 'event.position')
    .innerJoin('feed', 'feed.n', 'feed_entry.feedN')
    .select((eb) => eb.fn.countAll<number>().as('waiting'))
    .where(isParked)
    .where('event.originN', '=', originN)
    .where('event.reason', 'not in', UNTIL_UPGRADE)
    .where('feed.scope', '=', scope)
    .executeTakeFirstOrThrow()
  return waiting >= WAITING_PER_BRANCH_MAX
}
