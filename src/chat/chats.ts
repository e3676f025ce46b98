/**
 * Reads of chats as wholes: my list, and the head of one. A direct chat is in my list when I added the person or
 * something was written in it; who deleted a contact sees the chat again when something new is written.
 */

import { type SqlBool, sql } from 'kysely'
import { fullName } from '../accounts/queries.ts'
import { ERASED_NAME } from '../base/erased.ts'
import { notFound } from '../base/errors.ts'
import { HLC_ZERO, type Hlc } from '../base/hlc.ts'
import type { ConversationId, MessageId, UserId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import { type Holes, listed, prepared } from '../db/prepared.ts'
import type { ChatPerson } from './members.ts'
import { UNREAD_MAX, type Viewer } from './queries.ts'
import { isSeen } from './seen.ts'
import { I_BLOCK_THEM, isBlocking, isShownTo, THEY_BLOCK_ME } from './visible.ts'

/** More chats than anybody looks through; the rest is found by the find field. */
const CHATS_MAX = 1000
/** A page shows so many of them: four screens of rows, where nearly all one looks for is. A row is 0.7 KB of HTML. */
const RECENT_CHATS = 50

/** The other one of a direct chat. */
export type Other = ChatPerson & {
  post: string
  department: string
  phone: string
  room: string
  isDisabled: boolean
}

export type Chat = {
  id: ConversationId
  kind: 'direct' | 'group'
  /** Of a direct chat: the other's name. */
  title: string
  other: Other | undefined
  /** Present members, and their branches, of a group. */
  memberCount: number
  branchCount: number
  last:
    | {
        id: MessageId
        position: number
        at: Millis
        text: string
        /** The name is known in groups, where it is shown. */
        author: { id: UserId; firstName: string | undefined }
        /** Of a group: the viewer has blocked its author. */
        isFolded: boolean
      }
    | undefined
  unread: number
  /** Last activity: the order of the list. */
  timeKey: Hlc
  /** Of a direct chat: who of the two takes no messages from the other. */
  isBlockedByMe: boolean
  isBlockedByOther: boolean
}

/** The viewer's memberships with their chats, and the other one of a direct chat as his contact. */
function mine(db: Db, viewer: Pick<Viewer, 'id'>) {
  return db
    .selectFrom('membership as mine')
    .innerJoin('conversation as c', 'c.id', 'mine.conversationId')
    .leftJoin('membership as theirs', (on) =>
      on
        .onRef('theirs.conversationId', '=', 'c.id')
        .on('c.kind', '=', 'direct')
        .on('theirs.userId', '!=', viewer.id),
    )
    .leftJoin('contact as k', (on) =>
      on.on('k.ownerId', '=', viewer.id).onRef('k.contactId', '=', 'theirs.userId'),
    )
    .where('mine.userId', '=', viewer.id)
    .where('mine.leftAt', 'is', null)
}

function chats(db: Db, viewer: Viewer) {
  return mine(db, viewer)
    .leftJoin('user as other', 'other.id', 'theirs.userId')
    .leftJoin('branch as place', 'place.id', 'other.home')
    .leftJoin('photo', 'photo.hash', 'other.photo')
    .leftJoin('message as last', (on) =>
      on
        .onRef('last.position', '=', 'c.lastPosition')
        .onRef('last.timeKey', '>=', 'mine.joinedAt')
        .on(isShownTo(viewer.id, 'last')),
    )
    .leftJoin('user as writer', (on) =>
      on.on('c.kind', '=', 'group').onRef('writer.id', '=', 'last.authorId'),
    )
    .select([
      ...(['c.id', 'c.kind', 'c.title', 'mine.joinedAt'] as const),
      ...(['other.id as otherId', 'other.login', 'other.firstName', 'other.lastName'] as const),
      ...(['other.home as otherHome', 'other.post', 'other.department'] as const),
      'photo.hash as photo',
      ...(['other.phone', 'other.room', 'other.disabled', 'place.name as branch'] as const),
      ...(['k.since as contactAt', 'k.removed', 'last.id as lastId', 'last.body'] as const),
      ...(['last.sentAt', 'last.position as lastPosition'] as const),
      // Also of what was cleared: the chat keeps its place.
      sql<Hlc | null>`iif(c.lastTimeKey >= mine.joinedAt, c.lastTimeKey, null)`.as('lastKey'),
      ...(['last.authorId', 'writer.firstName as writerFirst'] as const),
      unreadCount(viewer).as('unread'),
      isBlocking(viewer.id, sql.ref<UserId>('last.authorId')).as('isFolded'),
      I_BLOCK_THEM.as('isBlockedByMe'),
      THEY_BLOCK_ME.as('isBlockedByOther'),
      groupCount('count(*)').as('memberCount'),
      groupCount('count(distinct u.home)').as('branchCount'),
    ])
}

/** Correlated: the unread ones of the chat of `mine`, from the position where everything is read. */
function unreadLines(viewer: Viewer) {
  return sql`select 1 from message as m
    where m.conversationId = mine.conversationId and m.position > mine.readPosition
    and m.authorId <> ${viewer.id} and +m.timeKey >= mine.joinedAt and ${isShownTo(viewer.id)}
    and not ${isSeen(viewer.id, viewer.at, 'read')}`
}

function unreadCount(viewer: Viewer) {
  return sql<number>`(select count(*) from (${unreadLines(viewer)} limit ${UNREAD_MAX}))`
}

function groupCount(what: 'count(*)' | 'count(distinct u.home)') {
  return sql<number>`case c.kind when 'group' then (
    select ${sql.raw(what)} from membership as mb join user as u on u.id = mb.userId
    where mb.conversationId = c.id and mb.leftAt is null) else 0 end`
}

type ChatRow = Awaited<ReturnType<ReturnType<typeof chats>['execute']>>[number]

function chatOf(row: ChatRow): Chat {
  const other = otherOf(row)
  return {
    id: row.id,
    kind: row.kind,
    title: other?.name ?? row.title,
    other,
    memberCount: row.memberCount,
    branchCount: row.branchCount,
    last: lastOf(row),
    unread: row.unread,
    timeKey: activityOf(row),
    isBlockedByMe: row.isBlockedByMe === 1,
    isBlockedByOther: row.isBlockedByOther === 1,
  }
}

function otherOf(row: ChatRow): Other | undefined {
  if (row.otherId === null || row.otherHome === null) return undefined
  return {
    id: row.otherId,
    login: row.firstName === ERASED_NAME ? '' : (row.login ?? ''),
    name: fullName(row.firstName, row.lastName),
    branch: { id: row.otherHome, name: row.branch ?? '' },
    photo: row.photo ?? undefined,
    post: row.post ?? '',
    department: row.department ?? '',
    phone: row.phone ?? '',
    room: row.room ?? '',
    isDisabled: row.disabled === 1,
  }
}

function lastOf(row: ChatRow): Chat['last'] {
  const { lastId, sentAt, body, authorId, lastPosition } = row
  if (lastId === null || sentAt === null || authorId === null) return undefined
  return {
    id: lastId,
    position: lastPosition ?? 0,
    at: sentAt,
    text: body ?? '',
    author: { id: authorId, firstName: row.writerFirst ?? undefined },
    isFolded: row.kind === 'group' && row.isFolded === 1,
  }
}

function activityOf(row: ChatRow): Hlc {
  const added = row.removed === 0 ? row.contactAt : null
  const keys = [row.lastKey, added, row.kind === 'group' ? row.joinedAt : null]
  return keys.reduce<Hlc>((latest, key) => (key !== null && key > latest ? key : latest), HLC_ZERO)
}

/** The viewer's chats, last activity first. */
export async function chatsOf(db: Db, { id, at }: Viewer): Promise<Chat[]> {
  return inOrder(await chatList(db, { id, at }))
}

function inOrder(rows: readonly ChatRow[]): Chat[] {
  return rows.map(chatOf).sort((a, b) => (a.timeKey < b.timeKey ? 1 : -1))
}

// In a direct chat: written after the contact was deleted, or by somebody who never was one; or written before and
// come late, so that nobody has seen it.
function isListed(viewer: Viewer) {
  return sql<SqlBool>`(c.kind = 'group' or k.removed = 0
  or c.lastTimeKey > coalesce(k.since, ${sql.lit(HLC_ZERO)})
  or exists (${unreadLines(viewer)} and m.late = 1))`
}

const chatList = prepared((db, value: Holes<Viewer>) => {
  const viewer = { id: value('id'), at: value('at') }
  return chats(db, viewer)
    .where(isListed(viewer))
    .orderBy('c.lastTimeKey', 'desc')
    .orderBy('c.id')
    .limit(CHATS_MAX)
})

/**
 * What a page lists: the newest chats, every older one in which something is unread, and the one that is open; with
 * the number of all. Which they are is asked first, of few tables: names and counts are for the shown ones alone.
 */
export async function recentChats(
  db: Db,
  { id, at }: Viewer,
  open: ConversationId | undefined,
): Promise<{ chats: Chat[]; total: number }> {
  const all = await activities(db, { id, at })
  const shown = all.filter(
    (chat, place) => place < RECENT_CHATS || chat.isUnread === 1 || chat.id === open,
  )
  const ids = JSON.stringify(shown.map((chat) => chat.id))
  return { chats: inOrder(await chatsById(db, { id, at, ids })), total: all.length }
}

const chatsById = prepared((db, value: Holes<Viewer & { ids: string }>) =>
  chats(db, { id: value('id'), at: value('at') }).where(
    'mine.conversationId',
    'in',
    listed<ConversationId>(value('ids')),
  ),
)

/** `activityOf` in SQL: the clock value of a chat's last message is kept with the chat. */
const ACTIVITY = sql<Hlc>`max(
  iif(c.lastTimeKey >= mine.joinedAt, c.lastTimeKey, ${sql.lit(HLC_ZERO)}),
  iif(k.removed = 0, k.since, ${sql.lit(HLC_ZERO)}),
  iif(c.kind = 'group', mine.joinedAt, ${sql.lit(HLC_ZERO)}))`

/** All chats in the order of the list, and whether something in them is unread: a look into an index for each. */
const activities = prepared((db, value: Holes<Viewer>) => {
  const viewer = { id: value('id'), at: value('at') }
  return mine(db, viewer)
    .where(isListed(viewer))
    .select(['c.id', sql<0 | 1>`exists (${unreadLines(viewer)})`.as('isUnread')])
    .orderBy(ACTIVITY, 'desc')
    .orderBy('c.id')
    .limit(CHATS_MAX)
})

/** One chat of the viewer; throws not-found, also for what is not his. */
export async function getChat(db: Db, viewer: Viewer, conversation: ConversationId): Promise<Chat> {
  const [row] = await oneChat(db, { id: viewer.id, at: viewer.at, conversation })
  if (row === undefined) throw notFound('chat')
  return chatOf(row)
}

const oneChat = prepared((db, value: Holes<Viewer & { conversation: ConversationId }>) =>
  chats(db, { id: value('id'), at: value('at') }).where('c.id', '=', value('conversation')),
)
