/**
 * A person sees messages: which marks rise by that, and one event for many of them. Pages say "seen" about once a
 * second; at most one event per person, chat, mark and WINDOW_MS goes out (without a script: per page), and only when
 * something rose.
 * Source: docs/decisions/013-read-marks.md.
 */
import { type RawBuilder, type SqlBool, sql } from 'kysely'
import { branchesOf } from '../accounts/queries.ts'
import { notFound } from '../base/errors.ts'
import type { Hlc } from '../base/hlc.ts'
import type { BranchId, ConversationId, FeedId, MessageId, UserId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import { SECOND } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import { listed } from '../db/prepared.ts'
import type { Cancel } from '../world/clock.ts'
import type { Log } from '../world/log.ts'
import { type ChatParts, membership } from './actions.ts'
import { TELLING_MEMBERS_MAX } from './marks.ts'
import { type FeedMark, isSeen, MARKS_MAX, type Mark, markOf, type SeenBody } from './seen.ts'
import { isShownTo } from './visible.ts'

/** Short enough that ticks feel live, long enough that a reader who scrolls is one event. */
const WINDOW_MS: Millis = 2 * SECOND
/** Ids of one request or window: more lines than a page holds. */
export const SEEN_LINES_MAX = 500

type Seeing = {
  conversation: ConversationId
  mark: Mark
  /** Lines that were on the screen. What arrived before them and lies above them counts as passed over. */
  lines: readonly MessageId[]
  /** A program has all that arrived, late ones too: it is not a page on which one can overlook something. */
  withLate?: boolean
  /** A page without a script: each follows a link, and the next one must show what the last one wrote. */
  atOnce?: boolean
}

export type Reading = {
  /** Notes that the viewer saw lines; resolves when it is written, or, unless `atOnce`, when it joins what waits. */
  markSeen(viewer: UserId, seeing: Seeing): Promise<void>
  /** Writes what waits: at shutdown, and in tests. */
  flush(): Promise<void>
}

type Waiting = { viewer: UserId; seeing: Seeing; more: Set<MessageId>; cancel: Cancel }

/** The reading of a branch: what waits lives in memory, a loss costs a tick that the next page makes up for. */
export function createReading(parts: ChatParts & { log: Log }): Reading {
  const waiting = new Map<string, Waiting>()
  const write = (viewer: UserId, seeing: Seeing) =>
    parts.store.writer.write((tx) => writeSeen(parts, tx, viewer, seeing))

  const end = async (key: string) => {
    const entry = waiting.get(key)
    if (entry === undefined) return
    entry.cancel()
    waiting.delete(key)
    if (entry.more.size === 0) return
    const seeing = { ...entry.seeing, lines: [...entry.more] }
    begin(key, entry.viewer, seeing)
    try {
      await write(entry.viewer, seeing)
    } catch (error) {
      parts.log.warn('chat.seen-failed', { user: entry.viewer, error })
    }
  }
  const begin = (key: string, viewer: UserId, seeing: Seeing) => {
    const cancel = parts.clock.after(WINDOW_MS, () => void end(key))
    waiting.set(key, { viewer, seeing, more: new Set(), cancel })
  }

  return {
    async markSeen(viewer, seeing) {
      const lines = seeing.lines.slice(0, SEEN_LINES_MAX)
      const key = `${viewer} ${seeing.conversation} ${seeing.mark}`
      const entry = waiting.get(key)
      if (entry === undefined) {
        await write(viewer, { ...seeing, lines })
        if (!waiting.has(key)) begin(key, viewer, seeing)
        return
      }
      for (const line of lines) if (entry.more.size < SEEN_LINES_MAX) entry.more.add(line)
      if (seeing.atOnce) await end(key)
    },
    async flush() {
      for (const key of [...waiting.keys()]) await end(key)
      for (const { cancel } of waiting.values()) cancel()
      waiting.clear()
    },
  }
}

/** Works out which marks rise and appends one event for them; nothing when none does. */
async function writeSeen(parts: ChatParts, tx: Db, viewer: UserId, seeing: Seeing): Promise<void> {
  const { conversation, mark } = seeing
  const mine = await membership(tx, viewer, conversation)
  if (mine === undefined) throw notFound('chat')
  const shown = await shownLines(tx, seeing, mine.joinedAt)
  const top = shown.at(-1)
  if (top === undefined) throw notFound('message')
  const theirs = shown.filter((line) => line.authorId !== viewer)
  const places = await placesOf(tx, parts.self, theirs)
  const from = mark === 'read' ? mine.readPosition : mine.shownPosition
  places.push(...(await passedOver(parts, tx, { viewer, seeing, shown, from })))
  const marks: SeenBody['marks'] = []
  for (const place of highestPerFeed(places)) {
    if ((await heightOf(tx, { conversation, user: viewer, mark }, place.feedN)) >= place.upTo)
      continue
    const { origin, hlc, feed, upTo } = place
    marks.push({ origin, hlc, ...(feed === null ? {} : { feed, seq: upTo }) })
  }
  for (let i = 0; i < marks.length; i += MARKS_MAX) {
    const some = marks.slice(i, i + MARKS_MAX)
    const body = { conversation, user: viewer, mark, marks: some, lastMessage: top.id }
    const to = await audienceOf(parts, tx, body)
    await parts.append(tx, { kind: parts.kinds.msgSeen, body, to })
  }
}

/** Who was shown that need not hear of it: what was read was shown. */
async function heightOf(
  tx: Db,
  reading: { conversation: ConversationId; user: UserId; mark: Mark },
  feedN: number,
): Promise<number> {
  const own = await markOf(tx, reading, feedN)
  if (reading.mark === 'read') return own
  return Math.max(own, await markOf(tx, { ...reading, mark: 'read' }, feedN))
}

type Shown = { position: number; id: MessageId; timeKey: Hlc; authorId: UserId }

/** The lines named that the viewer may see, in the order of the timeline. */
async function shownLines(
  tx: Db,
  { conversation, lines }: Seeing,
  joinedAt: Hlc,
): Promise<Shown[]> {
  if (lines.length === 0) return []
  return await tx
    .selectFrom('message as m')
    .where('m.id', 'in', [...lines])
    // `+` keeps SQLite from walking the timeline: the ids lead to them.
    .where(sql<SqlBool>`+m.conversationId = ${conversation} and +m.timeKey >= ${joinedAt}`)
    .select(['m.position', 'm.id', 'm.timeKey', 'm.authorId'])
    .orderBy('m.timeKey')
    .orderBy('m.id')
    .execute()
}

/** A message's place in a feed that brought it; feedN 0 and no feed: it was written here. */
type Placed = FeedMark & { origin: BranchId; hlc: Hlc; feed: FeedId | null }

async function placesOf(
  tx: Db,
  self: BranchId,
  lines: readonly { position: number }[],
): Promise<Placed[]> {
  if (lines.length === 0) return []
  const rows = await tx
    .selectFrom('message as m')
    .innerJoin('event as e', 'e.position', 'm.position')
    .leftJoin('feed_entry as fe', (on) =>
      on.onRef('fe.position', '=', 'm.position').on('m.origin', '!=', self),
    )
    .leftJoin('feed as f', 'f.n', 'fe.feedN')
    .where(
      'm.position',
      'in',
      lines.map((line) => line.position),
    )
    .select(['m.position', 'm.origin', 'e.hlc', 'fe.feedN', 'fe.seq', 'f.id as feed'])
    .orderBy('m.position')
    .execute()
  return rows.flatMap(({ position, origin, hlc, feedN, seq, feed }): Placed[] => {
    if (origin === self) return [{ origin, hlc, feed: null, feedN: 0, upTo: position }]
    // An event of ours that came back after a restore has no feed here; its own mark is by position.
    if (feedN === null || seq === null || feed === null) return []
    return [{ origin, hlc, feed, feedN, upTo: seq }]
  })
}

/**
 * What the viewer scrolled past: unseen, above the last line shown, here before it, and not late. A late one is seen
 * only when it is named itself, or a younger one of its own feed is.
 */
async function passedOver(
  { self }: ChatParts,
  tx: Db,
  at: { viewer: UserId; seeing: Seeing; shown: readonly Shown[]; from: number },
): Promise<Placed[]> {
  const { viewer, seeing, shown, from } = at
  const top = shown.at(-1)
  if (top === undefined) return []
  const newest = Math.max(...shown.map((line) => line.position))
  const found: Placed[] = []
  for (let below = newest + 1; ; ) {
    const rows = await tx
      .selectFrom('message as m')
      .where('m.conversationId', '=', seeing.conversation)
      .where('m.late', 'in', seeing.withLate ? [0, 1] : [0])
      .where('m.position', '>', from)
      .where('m.position', '<', below)
      .where(sql<SqlBool>`+m.timeKey <= ${top.timeKey}`)
      .where('m.authorId', '!=', viewer)
      .where(isShownTo(viewer))
      .where((eb) => eb.not(isSeen(viewer, self, seeing.mark)))
      .where((eb) => eb.not(isIn(found, self)))
      .orderBy('m.position', 'desc')
      .limit(SEEN_LINES_MAX)
      .select('m.position')
      .execute()
    found.push(...highestPerFeed(await placesOf(tx, self, rows)))
    const last = rows.at(-1)
    if (last === undefined || rows.length < SEEN_LINES_MAX) return found
    below = last.position
  }
}

/** Whether message `m` lies in one of these feeds: what came by the same feed before is seen with its last one. */
function isIn(places: readonly Placed[], self: BranchId): RawBuilder<SqlBool> {
  const feeds = places.map(({ feedN }) => feedN)
  return sql<SqlBool>`(
    (m.origin = ${self} and ${feeds.includes(0) ? 1 : 0}) or exists (
      select 1 from feed_entry as fe where fe.position = m.position and m.origin != ${self}
      and fe.feedN in ${listed(JSON.stringify(feeds))}))`
}

function highestPerFeed(places: readonly Placed[]): Placed[] {
  const highest = new Map<number, Placed>()
  for (const place of places) {
    const known = highest.get(place.feedN)
    if (known === undefined || known.upTo < place.upTo) highest.set(place.feedN, place)
  }
  return [...highest.values()].sort((a, b) => a.feedN - b.feedN)
}

/** The branches that wrote what was seen, and the reader's own; in large chats only the latter. */
async function audienceOf({ clock }: ChatParts, tx: Db, body: SeenBody): Promise<BranchId[]> {
  const own = await branchesOf(tx, [body.user], clock.now())
  const members = await tx
    .selectFrom('membership')
    .where('conversationId', '=', body.conversation)
    .where('leftAt', 'is', null)
    .select((eb) => eb.fn.countAll<number>().as('n'))
    .executeTakeFirstOrThrow()
  if (members.n > TELLING_MEMBERS_MAX) return own
  return [...own, ...body.marks.map((mark) => mark.origin)]
}
