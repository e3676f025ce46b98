/**
 * Reads of chats. Who asks is a parameter of each, and membership is checked in the SQL: "not there" and "not yours"
 * are the same answer. New members see from joining on.
 */

import type { ExpressionBuilder, RawBuilder, SqlBool } from 'kysely'
import { sql } from 'kysely'
import { fullName } from '../accounts/queries.ts'
import { ERASED_NAME } from '../base/erased.ts'
import { notFound } from '../base/errors.ts'
import type { Hlc } from '../base/hlc.ts'
import type { BranchId, ConversationId, MessageId, PhotoHash, UserId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import { type Holes, prepared } from '../db/prepared.ts'
import type { Database } from '../db/schema.ts'
import { LINE_FILES, type LineFile, lineFiles } from './attachments.ts'
import { cursorOf, type Place } from './cursors.ts'
import type { Marked } from './marks.ts'
import { isSeen } from './seen.ts'
import { isShownTo } from './visible.ts'

/** Who asks, and the branch that answers: what was seen is known per branch. */
export type Viewer = { id: UserId; at: BranchId }

/** Counting goes no further: badges say `99+`. */
export const UNREAD_MAX = 100
/** A page of history. */
export const LINES_PER_PAGE = 50
/** Of the API, and of a page that reaches back to the first unread line. */
export const LINES_PER_PAGE_MAX = 200
/** A stream that missed more begins anew: the page is loaded again. */
const REPLAY_MAX = 500

/** Somebody as a chat shows him. */
type Author = {
  id: UserId
  login: string
  name: string
  branch: string
  photo: PhotoHash | undefined
}

/** A message as shown to a viewer. */
export type Line = Marked & {
  id: MessageId
  kind: 'direct' | 'group'
  body: string
  sentAt: Millis
  arrivedAt: Millis
  isLate: boolean
  clientId: string | undefined
  /** Of a direct chat: the other one had blocked its author when it was written. */
  isRefused: boolean
  files: LineFile[]
  by: Author
}

export type Page = {
  /** Oldest first. */
  lines: Line[]
  /** Cursor of the next page in the direction asked; undefined at the end. */
  next: string | undefined
}

type Joined = Database & {
  m: Database['message']
  mine: Database['membership']
  c: Database['conversation']
}

/** Messages a viewer may see, with their authors; `mine` is his membership. The walk begins where he joined. */
function visibleLines(
  db: Db,
  viewer: Pick<Viewer, 'id'>,
  timeKey: RawBuilder<Hlc> = sql.ref('m.timeKey'),
) {
  return db
    .selectFrom('message as m')
    .innerJoin('membership as mine', 'mine.conversationId', 'm.conversationId')
    .innerJoin('conversation as c', 'c.id', 'm.conversationId')
    .innerJoin('user as author', 'author.id', 'm.authorId')
    .leftJoin('branch as place', 'place.id', 'author.home')
    .leftJoin('photo', 'photo.hash', 'author.photo')
    .where('mine.userId', '=', viewer.id)
    .where('mine.leftAt', 'is', null)
    .where((eb) => eb(timeKey, '>=', sql<Hlc>`max(mine.joinedAt, mine.shownFrom, mine.wholeFrom)`))
    .where(isShownTo(viewer.id))
    .select([
      ...(['m.position', 'm.id', 'm.conversationId', 'm.authorId', 'm.origin'] as const),
      ...([
        'm.body',
        'm.sentAt',
        'm.arrivedAt',
        'm.timeKey',
        'm.late',
        'm.clientId',
        'm.refused',
      ] as const),
      ...(['c.kind', 'author.login', 'author.firstName', 'author.lastName'] as const),
      ...(['photo.hash as photo', 'place.name as branch'] as const),
      LINE_FILES.as('files'),
    ])
}

type LineRow = Awaited<ReturnType<ReturnType<typeof visibleLines>['execute']>>[number]

function lineOf(row: LineRow): Line {
  const { position, id, origin, body, sentAt, arrivedAt, timeKey, kind } = row
  return {
    ...{ position, id, origin, body, sentAt, arrivedAt, timeKey, kind },
    conversation: row.conversationId,
    author: row.authorId,
    isLate: row.late === 1,
    clientId: row.clientId ?? undefined,
    isRefused: row.refused === 1,
    files: lineFiles(row.files),
    by: {
      id: row.authorId,
      login: row.firstName === ERASED_NAME ? '' : row.login,
      name: fullName(row.firstName, row.lastName),
      branch: row.branch ?? '',
      photo: row.photo ?? undefined,
    },
  }
}

type LinesOf = { conversation: ConversationId; limit: number }

/** The newest page, or the one before a place. */
export async function linesBefore(
  db: Db,
  viewer: Viewer,
  { conversation, before, limit }: LinesOf & { before?: Place | undefined },
): Promise<Page> {
  // One more tells whether there is a page before.
  const asked = { viewer: viewer.id, conversation, rows: limit + 1 }
  const rows = before
    ? await olderLines(db, { ...asked, timeKey: before.timeKey, id: before.id })
    : await newestLines(db, asked)
  const lines = rows.slice(0, limit).map(lineOf).reverse()
  return { lines, next: rows.length > limit ? cursorAt(lines[0]) : undefined }
}

type RowsOf = { viewer: UserId; conversation: ConversationId; rows: number }

const newestLines = prepared((db, value: Holes<RowsOf>) => downwards(db, value))

const olderLines = prepared((db, value: Holes<RowsOf & Place>) =>
  downwards(db, value).where((eb) =>
    isBeside(eb, '<', { timeKey: value('timeKey'), id: value('id') }),
  ),
)

function downwards(db: Db, value: Holes<RowsOf>) {
  return visibleLines(db, { id: value('viewer') })
    .where('m.conversationId', '=', value('conversation'))
    .orderBy('m.timeKey', 'desc')
    .orderBy('m.id', 'desc')
    .limit(value('rows'))
}

/** When the message before one was written; undefined for the first of its chat. */
export async function writtenBefore(db: Db, line: Line): Promise<Millis | undefined> {
  const { conversation, timeKey, id } = line
  const [row] = await sentBefore(db, { conversation, timeKey, id })
  return row?.sentAt
}

const sentBefore = prepared((db, value: Holes<Place & { conversation: ConversationId }>) =>
  db
    .selectFrom('message as m')
    .where('m.conversationId', '=', value('conversation'))
    .where((eb) => isBeside(eb, '<', { timeKey: value('timeKey'), id: value('id') }))
    .select('m.sentAt')
    .orderBy('m.timeKey', 'desc')
    .orderBy('m.id', 'desc')
    .limit(1),
)

/** The page after a place, towards the present. */
export async function linesAfter(
  db: Db,
  viewer: Viewer,
  { conversation, after, limit }: LinesOf & { after: Place },
): Promise<Page> {
  // `+`: it begins after the place, not where he joined.
  const rows = await visibleLines(db, viewer, sql`+m.timeKey`)
    .where('m.conversationId', '=', conversation)
    .where((eb) => isBeside(eb, '>', after))
    .orderBy('m.timeKey')
    .orderBy('m.id')
    .limit(limit + 1)
    .execute()
  const lines = rows.slice(0, limit).map(lineOf)
  return { lines, next: rows.length > limit ? cursorAt(lines.at(-1)) : undefined }
}

function cursorAt(line: Line | undefined): string | undefined {
  return line && cursorOf(line)
}

function isBeside(eb: ExpressionBuilder<Joined, 'm'>, operator: '<' | '>', place: Place) {
  return eb(eb.refTuple('m.timeKey', 'm.id'), operator, eb.tuple(place.timeKey, place.id))
}

/** One message; throws not-found for who may not see it. */
export async function lineById(db: Db, viewer: Viewer, message: MessageId): Promise<Line> {
  const [row] = await visibleLine(db, { viewer: viewer.id, message })
  if (row === undefined) throw notFound('message')
  return lineOf(row)
}

const visibleLine = prepared((db, value: Holes<{ viewer: UserId; message: MessageId }>) =>
  visibleLines(db, { id: value('viewer') }).where('m.id', '=', value('message')),
)

/** Messages that arrived here after a position, in order of arrival. */
export async function arrivalsAfter(
  db: Db,
  viewer: Viewer,
  { conversation, after, limit }: LinesOf & { after: number },
): Promise<Line[]> {
  const rows = await visibleLines(db, viewer)
    .where('m.conversationId', '=', conversation)
    .where('m.position', '>', after)
    .orderBy('m.position')
    .limit(limit)
    .execute()
  return rows.map(lineOf)
}

/** The first line in the timeline that the viewer has not read. */
export async function firstUnread(
  db: Db,
  viewer: Viewer,
  conversation: ConversationId,
): Promise<Place | undefined> {
  const [place] = await unreadPlace(db, { id: viewer.id, at: viewer.at, conversation })
  return place
}

/** `+` keeps SQLite from walking the timeline: what is unread lies behind a position. */
const unreadPlace = prepared((db, value: Holes<Viewer & { conversation: ConversationId }>) =>
  db
    .selectFrom('membership as mine')
    .innerJoin('message as m', (on) =>
      on
        .onRef('m.conversationId', '=', 'mine.conversationId')
        .onRef('m.position', '>', 'mine.readPosition'),
    )
    .where('mine.userId', '=', value('id'))
    .where('mine.leftAt', 'is', null)
    .where('m.conversationId', '=', value('conversation'))
    .where('m.authorId', '!=', value('id'))
    .where(sql<SqlBool>`+m.timeKey >= mine.joinedAt`)
    .where(isShownTo(value('id')))
    .where((eb) => eb.not(isSeen(value('id'), value('at'), 'read')))
    .select(['m.timeKey', 'm.id'])
    .orderBy(sql`+m.timeKey`)
    .orderBy('m.id')
    .limit(1),
)

/** The same for several members of one chat, for pushes: counted in one query, whoever asks has checked. */
export async function unreadOfMembers(
  db: Db,
  at: BranchId,
  { conversation, users }: { conversation: ConversationId; users: readonly UserId[] },
): Promise<Map<UserId, number>> {
  if (users.length === 0) return new Map()
  const reader = sql<UserId>`mb.userId`
  const count = sql<number>`(select count(*) from (
    select 1 from message as m
    where m.conversationId = mb.conversationId and m.position > mb.readPosition
    and m.authorId <> mb.userId and +m.timeKey >= mb.joinedAt and ${isShownTo(reader)}
    and not ${isSeen(reader, at, 'read')} limit ${UNREAD_MAX}))`
  const rows = await db
    .selectFrom('membership as mb')
    .where('mb.conversationId', '=', conversation)
    .where('mb.userId', 'in', [...users])
    .where('mb.leftAt', 'is', null)
    .select(['mb.userId', count.as('n')])
    .execute()
  return new Map(rows.map((row) => [row.userId, row.n]))
}

/** Messages by position that the viewer may see, in no order. */
export async function linesAt(
  db: Db,
  viewer: Viewer,
  positions: readonly number[],
): Promise<Line[]> {
  if (positions.length === 0) return []
  const rows = await visibleLines(db, viewer)
    .where('m.position', 'in', [...positions])
    .execute()
  return rows.map(lineOf)
}

/** Everything up to here is committed and readable: where streams and long polls start. */
export async function headPosition(db: Db): Promise<number> {
  const [row] = await newestEvent(db, {})
  return row?.position ?? 0
}

const newestEvent = prepared((db) =>
  db.selectFrom('event').select('position').orderBy('position', 'desc').limit(1),
)

/** An event that a viewer's stream missed. */
export type Missed = {
  position: number
  kind: number
  conversation: ConversationId
  message: MessageId | undefined
}

/** What happened in the viewer's chats after a position; undefined when it is too much to be told one by one. */
export async function missedAfter(
  db: Db,
  viewer: Viewer,
  position: number,
): Promise<Missed[] | undefined> {
  const rows = await db
    .selectFrom('membership as mine')
    .innerJoin('event as e', (on) =>
      on.onRef('e.conversationId', '=', 'mine.conversationId').on('e.position', '>', position),
    )
    .leftJoin('message as m', 'm.position', 'e.position')
    .where('mine.userId', '=', viewer.id)
    .where('mine.leftAt', 'is', null)
    .where('e.state', '=', 'applied')
    .where((eb) =>
      eb.or([
        eb('m.position', 'is', null),
        eb.and([eb('m.timeKey', '>=', eb.ref('mine.joinedAt')), isShownTo(viewer.id)]),
      ]),
    )
    .select(['e.position', 'e.kind', 'mine.conversationId as conversation', 'm.id as message'])
    .orderBy('e.position')
    .limit(REPLAY_MAX + 1)
    .execute()
  if (rows.length > REPLAY_MAX) return undefined
  return rows.map((row) => ({ ...row, message: row.message ?? undefined }))
}
