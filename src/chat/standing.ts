/**
 * Who stands where when an event is looked at: whether its branch may speak for a person, whether he is a member, and
 * the rows of conversations. What proves it may come later, in another feed: then the event waits.
 */
import { type Selectable, sql } from 'kysely'
import { mayWriteFor } from '../accounts/queries.ts'
import type { Hlc } from '../base/hlc.ts'
import { above, DRIFT_MS_MAX, HLC_ZERO, hlcOf, millisOf } from '../base/hlc.ts'
import type { BranchId, ConversationId, UserId } from '../base/ids.ts'
import { DAY, type Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import { type Holes, prepared } from '../db/prepared.ts'
import type { ConversationTable } from '../db/schema.ts'
import type { LoggedEvent } from '../eventlog/events.ts'
import { Parked } from '../eventlog/events.ts'
import { directIdOf } from './ids.ts'

type Joining = { user: UserId; role: 'owner' | 'member'; joinedAt: Hlc; leftAt?: Hlc | undefined }

/**
 * A branch may speak for a person who is at home there, or was signed in there when the event was written. What proves
 * that comes in another feed, maybe later: then the event waits.
 */
export async function demandVoice(
  tx: Db,
  event: LoggedEvent<unknown>,
  user: UserId,
): Promise<void> {
  const at = millisOf(event.hlc)
  if (!(await mayWriteFor(tx, { user, branch: event.origin, at }))) {
    throw new Parked('waits-for-person')
  }
}

/**
 * How far a decision may be above the clock of the event that tells it. Links end with the ten days of a certificate:
 * no linked clock is further from ours.
 */
export const DECIDED_AHEAD_MS_MAX: Millis = 11 * DAY

/** The same where the person is at home: it tells on what other branches were allowed to decide. */
const TOLD_AHEAD_MS_MAX: Millis = 30 * DAY

/** Looked at before somebody decides about another: more than he has read in one sitting. */
const LINES_LOOKED_AT = 500

/**
 * What somebody decides now: `at` is its place, after `known`. `since`, where it is not `at`, says when it counts from:
 * now, and after what `authors` wrote last and he may have read: nobody knows a clock ahead from his own behind. Of a
 * contact (`isContact`) only where `known` shows that one of two is wrong: else what is new would count as old.
 */
export async function decidedAfter(
  tx: Db,
  { known, now }: { known: Hlc | undefined; now: Hlc },
  of: { conversation: ConversationId; authors: readonly UserId[]; isContact?: boolean },
): Promise<{ at: Hlc; since?: Hlc }> {
  const { conversation, authors, isContact = false } = of
  if (isContact && above(known, now) === now) return { at: now }
  const last = tx
    .selectFrom('message as m')
    .innerJoin('event as e', 'e.position', 'm.position')
    .where('m.conversationId', '=', conversation)
    .where('m.authorId', 'in', authors)
    .orderBy('m.position', 'desc')
    .limit(LINES_LOOKED_AT)
    .select('e.hlc')
  const written = await tx
    .selectFrom(last.as('line'))
    .where('line.hlc', '<', hlcOf(millisOf(now) + DECIDED_AHEAD_MS_MAX, 0))
    .select((eb) => eb.fn.max('line.hlc').as('hlc'))
    .executeTakeFirst()
  const since = above(written?.hlc ?? undefined, now)
  const at = above(known, since)
  return at === since ? { at } : { at, since }
}

/** Whether what an event decides for a person is dated too far ahead: a guest's branch may not fix it for ever. */
export async function isDatedAhead(
  tx: Db,
  { origin, hlc }: Pick<LoggedEvent<unknown>, 'origin' | 'hlc'>,
  { user, at }: { user: UserId; at: Hlc },
): Promise<boolean> {
  if (at <= hlc) return false
  const max = (await isAtHome(tx, origin, user)) ? TOLD_AHEAD_MS_MAX : DECIDED_AHEAD_MS_MAX
  return millisOf(at) - millisOf(hlc) > max
}

/** The same of a decision with its time: home tells on what was decided before, elsewhere it is written at once. */
export async function isMisdated(
  tx: Db,
  event: LoggedEvent<unknown>,
  { user, at, since }: { user: UserId; at: Hlc; since: Hlc },
): Promise<boolean> {
  if (since > at || (await isDatedAhead(tx, event, { user, at }))) return true
  const isBefore = millisOf(since) < millisOf(event.hlc) - DRIFT_MS_MAX
  return isBefore && !(await isAtHome(tx, event.origin, user))
}

/**
 * Somebody who is not a member yet may become one by a record that is still on its way, so the event waits. Who has
 * left stays believed: his branch may have written before it heard of it, and all branches must decide alike.
 */
export async function demandMember(
  tx: Db,
  conversation: ConversationId,
  user: UserId,
): Promise<void> {
  const [row] = await memberRow(tx, { conversation, user })
  if (row === undefined) throw new Parked('waits-for-conversation')
}

const memberRow = prepared((db, value: Holes<{ conversation: ConversationId; user: UserId }>) =>
  db
    .selectFrom('membership')
    .where('conversationId', '=', value('conversation'))
    .where('userId', '=', value('user'))
    .select('userId'),
)

/** The row of a conversation. */
export async function conversationRow(
  tx: Db,
  conversation: ConversationId,
): Promise<Selectable<ConversationTable> | undefined> {
  const [row] = await conversationRows(tx, { conversation })
  return row
}

const conversationRows = prepared((db, value: Holes<{ conversation: ConversationId }>) =>
  db.selectFrom('conversation').selectAll().where('id', '=', value('conversation')),
)

/** Writes a membership as its record says, over the one that was there. */
export async function putMember(
  tx: Db,
  conversationId: ConversationId,
  member: Joining,
): Promise<void> {
  const row = newMember(conversationId, member)
  const { role, joinedAt, leftAt } = row
  await tx
    .insertInto('membership')
    .values(row)
    .onConflict((on) =>
      on.columns(['conversationId', 'userId']).doUpdateSet({ role, joinedAt, leftAt }),
    )
    .execute()
}

/** The row of a member who has seen nothing yet. */
export function newMember(
  conversationId: ConversationId,
  { user: userId, role, joinedAt, leftAt }: Joining,
) {
  const membership = { conversationId, userId, role, joinedAt, leftAt: leftAt ?? null }
  return { ...membership, readPosition: 0, shownPosition: 0 }
}

/**
 * Creates the direct chat of two people when it is missing. Nothing in it tells which event made it, so that all
 * branches hold the same.
 */
export async function ensureDirect(tx: Db, pair: readonly [UserId, UserId]): Promise<boolean> {
  const conversationId = directIdOf(...pair)
  const made = await tx
    .insertInto('conversation')
    .values({
      ...{ id: conversationId, kind: 'direct' as const, title: '', home: null },
      ...{ term: 0, rev: 0, hlc: HLC_ZERO, createdAt: 0 },
      lastPosition: null,
      lastTimeKey: null,
    })
    .onConflict((on) => on.doNothing())
    .executeTakeFirst()
  if (made.numInsertedOrUpdatedRows === 0n) return false
  for (const user of pair) {
    await putMember(tx, conversationId, { user, role: 'member', joinedAt: HLC_ZERO })
  }
  return true
}

/** What the list shows as the last message, when messages were taken away, judged again or moved. */
export async function settleLast(tx: Db, conversation: ConversationId): Promise<void> {
  await sql`update conversation set (lastPosition, lastTimeKey) = (
      select max(position), max(timeKey) from (
        select position, timeKey from message where conversationId = ${conversation} and refused = 0
        order by timeKey desc, id desc limit 1))
    where id = ${conversation}`.execute(tx)
}

/** Whether somebody is at home here. */
export async function isAtHome(tx: Db, self: BranchId, user: UserId): Promise<boolean> {
  const row = tx.selectFrom('user').where('id', '=', user).where('home', '=', self).select('id')
  return (await row.executeTakeFirst()) !== undefined
}
