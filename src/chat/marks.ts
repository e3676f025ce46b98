/**
 * How far a message has come: the lowest state over all its recipients, never an optimistic one. Only the branch
 * where it was written knows; elsewhere it says no more than "written". Source: docs/decisions/013-read-marks.md.
 */
import { sql } from 'kysely'
import type { MarkState } from '../../views/chat/line.ts'
import type { Hlc } from '../base/hlc.ts'
import type { BranchId, ConversationId, UserId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import { type Holes, listed, prepared } from '../db/prepared.ts'

/** In larger chats nobody tells who has seen what: each message would cost an event per person. */
export const TELLING_MEMBERS_MAX = 20

/** A message as far as its mark is concerned. */
export type Marked = {
  position: number
  conversation: ConversationId
  author: UserId
  origin: BranchId
  timeKey: Hlc
}

/** Where a message stands in a feed to another branch, and up to where that branch holds the feed. */
export type Entry = {
  position: number
  feedN: number
  seq: number
  destination: BranchId
  durable: number
}

export type Recipient = { user: UserId; joinedAt: Hlc; leftAt: Hlc | null }

/** The places of messages in the feeds that the branch `at` writes to others. */
export async function entriesOf(
  db: Db,
  at: BranchId,
  positions: readonly number[],
): Promise<Entry[]> {
  if (positions.length === 0) return []
  const rows = await entryRows(db, { at, positions: JSON.stringify(positions) })
  return rows.flatMap(({ destination, durable, ...row }) =>
    destination === null ? [] : [{ ...row, destination, durable: durable ?? 0 }],
  )
}

const entryRows = prepared((db, value: Holes<{ at: BranchId; positions: string }>) =>
  db
    .selectFrom('feed_entry as fe')
    .innerJoin('feed as f', 'f.n', 'fe.feedN')
    .leftJoin('peer_ack as pa', (on) =>
      on.onRef('pa.feedN', '=', 'fe.feedN').onRef('pa.branchId', '=', 'f.destination'),
    )
    .where('fe.position', 'in', listed<number>(value('positions')))
    .where('f.origin', '=', value('at'))
    .where('f.scope', '=', 'to')
    .select(['fe.position', 'fe.feedN', 'fe.seq', 'f.destination', 'pa.durable'])
    .orderBy('fe.position')
    .orderBy('fe.feedN'),
)

/** Everybody besides the author who is or was a member; `isFor` tells whom a message was for. */
export async function recipientsOf(
  db: Db,
  conversation: ConversationId,
  author: UserId,
): Promise<Recipient[]> {
  return await othersIn(db, { conversation, author })
}

const othersIn = prepared((db, value: Holes<{ conversation: ConversationId; author: UserId }>) =>
  db
    .selectFrom('membership')
    .where('conversationId', '=', value('conversation'))
    .where('userId', '!=', value('author'))
    .select(['userId as user', 'joinedAt', 'leftAt'])
    .orderBy('userId'),
)

/** Whether somebody was a member when a message was written. */
export function isFor(recipient: Recipient, timeKey: Hlc): boolean {
  const { joinedAt, leftAt } = recipient
  return joinedAt <= timeKey && (leftAt === null || leftAt > timeKey)
}

type Seen = { user: UserId; feedN: number; shown: number; read: number }

/** The highest marks of each member on each of the feeds (0: this branch, a position): two seeks each. */
function seenOn(db: Db, conversation: ConversationId, feeds: readonly number[]): Promise<Seen[]> {
  return seenRows(db, { conversation, feeds: JSON.stringify(feeds) })
}

const seenRows = prepared((db, value: Holes<{ conversation: ConversationId; feeds: string }>) => {
  const highest = (mark: 'shown' | 'read') => sql<number>`coalesce((
    select max(s.upTo) from seen as s where s.conversationId = mb.conversationId
    and s.userId = mb.userId and s.feedN = feed.value and s.mark = ${mark}), 0)`
  const list = sql<{ value: number }>`json_each(${value('feeds')})`
  return db
    .selectFrom(['membership as mb', list.as('feed')])
    .where('mb.conversationId', '=', value('conversation'))
    .select(['mb.userId as user', 'feed.value as feedN'])
    .select([highest('shown').as('shown'), highest('read').as('read')])
    .orderBy('mb.userId')
})

/** The marks of messages, by position. */
export async function marksOf(
  db: Db,
  at: BranchId,
  messages: readonly Marked[],
): Promise<Map<number, MarkState>> {
  const marks = new Map<number, MarkState>()
  for (const m of messages) marks.set(m.position, 'written')
  const own = messages.filter((m) => m.origin === at)
  if (own.length === 0) return marks
  const positions = own.map((m) => m.position)
  const entries = Map.groupBy(await entriesOf(db, at, positions), (e) => e.position)
  const stored = own
    .map((m) => ({ ...m, carried: entries.get(m.position) ?? [] }))
    .filter(({ carried }) => isStored(carried))
  for (const group of byAuthorAndChat(stored).values()) {
    for (const [position, state] of await seenStates(db, group)) marks.set(position, state)
  }
  for (const position of await refusedOf(db, positions)) marks.set(position, 'refused')
  return marks
}

/** Messages by whose they are and where: the recipients of each group are the same. */
export function byAuthorAndChat<M extends Marked>(messages: readonly M[]): Map<string, M[]> {
  return Map.groupBy(messages, (m) => `${m.author} ${m.conversation}`)
}

type Stored = Marked & { carried: readonly Entry[] }

/** How far stored messages of one author in one chat have been seen. */
async function seenStates(
  db: Db,
  messages: readonly Stored[],
): Promise<[position: number, state: MarkState][]> {
  const [first] = messages
  if (first === undefined) return []
  const { conversation, author } = first
  const recipients = await recipientsOf(db, conversation, author)
  const present = recipients.filter((r) => r.leftAt === null)
  if (present.length >= TELLING_MEMBERS_MAX) return messages.map((m) => [m.position, 'stored'])
  const feeds = messages.flatMap(({ carried }) => carried.map((e) => e.feedN))
  const seen = await seenOn(db, conversation, [0, ...new Set(feeds)])
  return messages.map((m) => {
    const places = [{ feedN: 0, seq: m.position }, ...m.carried]
    const waited = recipients.filter((r) => isFor(r, m.timeKey))
    return [m.position, lowest(waited.map((r) => stateOf(r.user, places, seen)))]
  })
}

/** Messages that a branch stored and will not show: somebody will never see them, whoever else has. */
async function refusedOf(db: Db, positions: readonly number[]): Promise<Set<number>> {
  const rows = await refusals(db, { positions: JSON.stringify(positions) })
  return new Set(rows.map((row) => row.position))
}

const refusals = prepared((db, value: Holes<{ positions: string }>) =>
  db
    .selectFrom('refusal')
    .where('position', 'in', listed<number>(value('positions')))
    .select('position')
    // Its reader had blocked the author: no branch refused it, and yet nobody will see it.
    .unionAll(
      db
        .selectFrom('message')
        .where('position', 'in', listed<number>(value('positions')))
        .where('refused', '=', 1)
        .select('position'),
    ),
)

/** Whether every branch it goes to holds it; a branch may be served by several feeds after a restore. */
function isStored(entries: readonly Entry[]): boolean {
  const missing = new Set(entries.map((e) => e.destination))
  for (const e of entries) if (e.durable >= e.seq) missing.delete(e.destination)
  return missing.size === 0
}

/** Where a message can be seen: in a feed that carries it, or here. */
type Place = { feedN: number; seq: number }

function stateOf(user: UserId, places: readonly Place[], seen: readonly Seen[]): MarkState {
  let state: MarkState = 'stored'
  for (const s of seen) {
    if (s.user !== user) continue
    const place = places.find((p) => p.feedN === s.feedN)
    if (place === undefined) continue
    if (s.read >= place.seq) return 'read'
    if (s.shown >= place.seq) state = 'shown'
  }
  return state
}

/** The lowest of states at or above `stored`; with nobody to wait for it is stored. */
function lowest(states: readonly MarkState[]): MarkState {
  if (states.length === 0 || states.includes('stored')) return 'stored'
  return states.includes('shown') ? 'shown' : 'read'
}
