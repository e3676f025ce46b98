/**
 * Who has seen what. A mark is, per feed that delivered the messages, the highest seq that was shown; for messages
 * written at the reader's own branch it is a position (feedN 0). So a message that arrives late stays unread, although
 * younger ones were read. Source: docs/decisions/013-read-marks.md.
 */
import type { RawBuilder, SqlBool } from 'kysely'
import { sql } from 'kysely'
import * as v from 'valibot'
import type { Hlc } from '../base/hlc.ts'
import { millisOf } from '../base/hlc.ts'
import type { BranchId, ConversationId, FeedId, MessageId, UserId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import { type Holes, prepared } from '../db/prepared.ts'
import type { LoggedEvent } from '../eventlog/events.ts'
import { isShownTo } from './visible.ts'

/** `read` says more than `shown`: what was read was shown. */
export type Mark = 'shown' | 'read'

/** One mark names one feed; a chat of twenty people has fewer feeds that matter. Bounds one event. */
export const MARKS_MAX = 200

/** Kept of one person for chats and branches that are not here yet: more than anybody reads while a line is down. */
export const MARKS_AHEAD_MAX = 1000

const id = <T extends string>(form = /^[0-9a-f]{32}$/) =>
  v.pipe(
    v.string(),
    v.regex(form),
    v.transform((text) => text as T),
  )

export const seenBody = v.object({
  conversation: id<ConversationId>(),
  user: id<UserId>(),
  mark: v.picklist(['shown', 'read']),
  marks: v.pipe(
    v.array(
      v.object({
        /** Messages written there, up to that clock value: how the reader's other branches find them. */
        origin: id<BranchId>(),
        hlc: id<Hlc>(/^[0-9a-f]{16}$/),
        /** The feed that brought them and its seq: exact. Absent for what the reader's branch wrote itself. */
        feed: v.optional(id<FeedId>()),
        seq: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1))),
      }),
    ),
    v.minLength(1),
    v.maxLength(MARKS_MAX),
    // Each is looked for on its own: the same one twice would be work for nothing.
    v.check(
      (marks) => new Set(marks.map(({ origin, feed }) => feed ?? origin)).size === marks.length,
    ),
  ),
  /** The last one on the screen, for people who read the log. */
  lastMessage: id<MessageId>(),
})

export type SeenBody = v.InferOutput<typeof seenBody>
type SeenMark = SeenBody['marks'][number]

/** Up to where a feed was seen; feedN 0: own branch, a position. */
export type FeedMark = { feedN: number; upTo: number }

/**
 * Whether `user` has seen message `m` of the query around (alias `m`), as far as the branch `at` knows: by its place
 * in a feed that carried it, for what was written here by its position, or by the clock of who wrote it, for what he
 * saw at another branch: that speaks of messages too that have not come here yet.
 */
export function isSeen(
  user: UserId | RawBuilder<UserId>,
  at: BranchId,
  mark: Mark,
): RawBuilder<SqlBool> {
  const marks = mark === 'read' ? sql`('read')` : sql`('shown', 'read')`
  return sql<SqlBool>`(
    (m.origin = ${at} and exists (
      select 1 from seen as s where s.conversationId = m.conversationId and s.userId = ${user}
      and s.feedN = 0 and s.mark in ${marks} and s.upTo >= m.position))
    or exists (
      select 1 from feed_entry as fe
      cross join seen as s on s.conversationId = m.conversationId and s.userId = ${user}
      and s.feedN = fe.feedN and s.mark in ${marks} and s.upTo >= fe.seq
      where fe.position = m.position)
    or exists (
      select 1 from seen_before as sb where sb.userId = ${user} and sb.origin = m.origin
      and sb.conversationId = m.conversationId and sb.mark in ${marks} and sb.upTo >= m.timeKey
      and sb.upTo >= (select written.hlc from event as written where written.position = m.position)))`
}

/** What a later `msg.seen` replaces: marks of one feed only ever rise. When each was set is forgotten with it. */
export function seenRecord({ conversation, user, mark, marks }: SeenBody): string {
  const feeds = marks.map(({ origin, feed }) => feed ?? origin).sort()
  return [conversation, user, mark, ...feeds].join(' ')
}

/** Carries a `msg.seen` into the tables. */
export async function applySeen(
  tx: Db,
  event: LoggedEvent<SeenBody>,
  self: BranchId,
): Promise<void> {
  const { conversation, user, mark } = event.body
  const isHere = event.origin !== self && (await readsHere(tx, user, self))
  // A reader's branch may only speak of what it was sent, and not of the future.
  const at = Math.min(millisOf(event.hlc), event.arrivedAt)
  let expected: ReadonlySet<BranchId> | undefined
  for (const each of event.body.marks) {
    const marks = await feedMarksOf(tx, event, each, { self, isHere })
    for (const found of marks) await raise(tx, { conversation, user, mark, at }, found)
    // Our own that was lost and came back speaks of what may come back later.
    const isAhead = event.origin === self && !marks.some(({ upTo }) => upTo >= (each.seq ?? 0))
    if (!isHere && !isAhead) continue
    expected ??= await expectedOrigins(tx, event.body)
    if (expected.has(each.origin)) await keepBefore(tx, event.body, each)
  }
  if (event.origin === self || isHere) await advance(tx, { conversation, user, mark }, self)
}

/** Whether a person reads at this branch: at home, or as a guest, now or before. */
export async function readsHere(tx: Db, user: UserId, self: BranchId): Promise<boolean> {
  const row = await tx
    .selectFrom('user as u')
    .leftJoin('location as l', (on) =>
      on.onRef('l.userId', '=', 'u.id').on('l.branchId', '=', self),
    )
    .where('u.id', '=', user)
    .select(['u.home', 'l.until'])
    .executeTakeFirst()
  return row !== undefined && (row.home === self || row.until !== null)
}

/** What a mark means in this branch's own numbers. */
async function feedMarksOf(
  tx: Db,
  event: LoggedEvent<SeenBody>,
  mark: SeenMark,
  { self, isHere }: { self: BranchId; isHere: boolean },
): Promise<FeedMark[]> {
  const found: FeedMark[] = []
  if (mark.feed !== undefined && mark.seq !== undefined) {
    const exact = await exactMark(tx, event, { feed: mark.feed, seq: mark.seq })
    if (exact) found.push(exact)
  }
  const isOwn = mark.feed === undefined && event.origin === self && mark.origin === self
  if (isOwn || (isHere && mark.origin === self)) {
    const { conversation, user, mark: kind } = event.body
    const after = await markOf(tx, { conversation, user, mark: kind }, 0)
    const position = await ownPosition(tx, conversation, { ...mark, after }, self)
    if (position !== undefined) found.push({ feedN: 0, upTo: position })
  }
  return found
}

async function exactMark(
  tx: Db,
  event: LoggedEvent<SeenBody>,
  { feed, seq }: { feed: FeedId; seq: number },
): Promise<FeedMark | undefined> {
  const row = await tx
    .selectFrom('feed')
    .where('id', '=', feed)
    .where('scope', '=', 'to')
    // The reader's branch is the one the feed leads to: nobody marks what others were sent.
    .where('destination', '=', event.origin)
    .select(['n', 'head'])
    .executeTakeFirst()
  return row && { feedN: row.n, upTo: Math.min(seq, row.head) }
}

/**
 * The last message of the conversation written here up to that clock value. The order of our log, not of the timeline:
 * with the wall clock set back, what was written later stands earlier. `after`: nothing before it is looked for.
 */
export async function ownPosition(
  tx: Db,
  conversation: ConversationId,
  mark: Pick<SeenMark, 'hlc'> & { after?: number },
  self: BranchId,
): Promise<number | undefined> {
  const row = await tx
    .selectFrom('message as m')
    .innerJoin('event as e', 'e.position', 'm.position')
    .where('m.conversationId', '=', conversation)
    .where('m.position', '>', mark.after ?? 0)
    .where(sql<SqlBool>`+m.timeKey <= ${mark.hlc}`)
    .where('m.origin', '=', self)
    .where(sql<SqlBool>`+e.hlc <= ${mark.hlc}`)
    .orderBy('m.position', 'desc')
    .limit(1)
    .select('m.position')
    .executeTakeFirst()
  return row?.position
}

/** The reader sits, or sat, at another branch: it saw the same messages by other feeds. */
async function keepBefore(
  tx: Db,
  { user: userId, conversation: conversationId, mark }: SeenBody,
  { origin, hlc: upTo }: SeenMark,
): Promise<void> {
  await tx
    .insertInto('seen_before')
    .values({ userId, conversationId, origin, mark, upTo })
    .onConflict((on) =>
      on
        .columns(['userId', 'conversationId', 'origin', 'mark'])
        .doUpdateSet({ upTo })
        .where('seen_before.upTo', '<', upTo),
    )
    .execute()
}

/**
 * Of which branches marks are kept: those known here, in a chat that is the reader's; else as many as MARKS_AHEAD_MAX
 * leaves, for the mark of a guest may come before his chat or the branch does. What is not kept stays unread.
 */
async function expectedOrigins(
  tx: Db,
  { user, conversation, marks }: SeenBody,
): Promise<ReadonlySet<BranchId>> {
  const origins = [...new Set(marks.map(({ origin }) => origin))]
  const mine = tx.selectFrom('membership').where('conversationId', '=', conversation)
  const isMine =
    (await mine.where('userId', '=', user).select('userId').executeTakeFirst()) !== undefined
  const branches = await tx.selectFrom('branch').where('id', 'in', origins).select('id').execute()
  const expected = new Set(isMine ? branches.map(({ id }) => id) : [])
  const kept = await tx
    .selectFrom('seen_before')
    .where('userId', '=', user)
    .where('conversationId', '=', conversation)
    .select('origin')
    .execute()
  for (const { origin } of kept) expected.add(origin)
  const others = origins.filter((origin) => !expected.has(origin))
  if (others.length === 0) return expected
  const [ahead] = await marksAhead(tx, { user })
  const room = Math.max(0, MARKS_AHEAD_MAX - (ahead?.count ?? 0))
  return new Set([...expected, ...others.slice(0, room)])
}

/** Those of a chat that is not his, or of a branch that is not known. */
const marksAhead = prepared((db, value: Holes<{ user: UserId }>) =>
  db
    .selectFrom('seen_before as sb')
    .leftJoin('membership as mine', (on) =>
      on
        .onRef('mine.conversationId', '=', 'sb.conversationId')
        .onRef('mine.userId', '=', 'sb.userId'),
    )
    .leftJoin('branch as b', 'b.id', 'sb.origin')
    .where('sb.userId', '=', value('user'))
    .where((eb) => eb.or([eb('mine.userId', 'is', null), eb('b.id', 'is', null)]))
    .select((eb) => eb.fn.countAll<number>().as('count')),
)

type Reading = { conversation: ConversationId; user: UserId; mark: Mark }

/** Where a feed's mark stands; 0 when nothing was seen. */
export async function markOf(tx: Db, reading: Reading, feedN: number): Promise<number> {
  const { conversation, user, mark } = reading
  const [row] = await highestMark(tx, { conversation, user, mark, feedN })
  return row?.upTo ?? 0
}

const highestMark = prepared((db, value: Holes<Reading & { feedN: number }>) =>
  db
    .selectFrom('seen')
    .where('conversationId', '=', value('conversation'))
    .where('userId', '=', value('user'))
    .where('feedN', '=', value('feedN'))
    .where('mark', '=', value('mark'))
    .orderBy('upTo', 'desc')
    .limit(1)
    .select('upTo'),
)

/** Marks only rise; each rise is kept with its time, for the delivery story. */
async function raise(tx: Db, reading: Reading & { at: Millis }, found: FeedMark): Promise<void> {
  if ((await markOf(tx, reading, found.feedN)) >= found.upTo) return
  const { conversation: conversationId, user: userId, mark, at } = reading
  await tx
    .insertInto('seen')
    .values({ conversationId, userId, mark, at, ...found })
    .execute()
}

/** Moves the position up to which everything is seen, so that counting unread ones starts there. */
async function advance(tx: Db, reading: Reading, self: BranchId): Promise<void> {
  const { conversation, user, mark } = reading
  const column = mark === 'read' ? 'readPosition' : 'shownPosition'
  const unseen = await tx
    .selectFrom('membership as mine')
    .innerJoin('message as m', (on) =>
      on
        .onRef('m.conversationId', '=', 'mine.conversationId')
        .onRef('m.position', '>', `mine.${column}`),
    )
    .where('mine.conversationId', '=', conversation)
    .where('mine.userId', '=', user)
    .where('m.authorId', '!=', user)
    .where(sql<SqlBool>`+m.timeKey >= mine.joinedAt`)
    .where(isShownTo(user))
    .where((eb) => eb.not(isSeen(user, self, mark)))
    .orderBy('m.position')
    .limit(1)
    .select('m.position')
    .executeTakeFirst()
  const upTo = unseen ? unseen.position - 1 : await lastPositionOf(tx, conversation)
  await tx
    .updateTable('membership')
    .set({ [column]: upTo })
    .where('conversationId', '=', conversation)
    .where('userId', '=', user)
    .where(column, '<', upTo)
    .execute()
}

/** The position of the newest arrival in a conversation, 0 when it is empty. */
export async function lastPositionOf(tx: Db, conversation: ConversationId): Promise<number> {
  const [row] = await newestArrival(tx, { conversation })
  return row?.position ?? 0
}

const newestArrival = prepared((db, value: Holes<{ conversation: ConversationId }>) =>
  db
    .selectFrom('message')
    .where('conversationId', '=', value('conversation'))
    .orderBy('position', 'desc')
    .limit(1)
    .select('position'),
)
