/**
 * 0402 msg.post, a message: its form, who may write it, and its place in the timeline and among what is unread. Source:
 * docs/protocol.md, section 8.
 */
import { type Selectable, type SqlBool, sql } from 'kysely'
import * as v from 'valibot'
import type { Hlc } from '../base/hlc.ts'
import { DRIFT_MS_MAX, HLC_ZERO, hlcOf, millisOf } from '../base/hlc.ts'
import type { BranchId, ConversationId, MessageId, UserId } from '../base/ids.ts'
import { HOUR, type Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import { type Holes, listed, prepared } from '../db/prepared.ts'
import type { MessageTable } from '../db/schema.ts'
import type { EventKind, LoggedEvent } from '../eventlog/events.ts'
import { fileIdOf } from '../files/file-ids.ts'
import { keepAttachments, sentFiles } from './attachments.ts'
import { isRefusedPost, showFrom } from './contact-records.ts'
import { endDraft } from './drafts.ts'
import { hlc, id } from './fields.ts'
import { directIdOf } from './ids.ts'
import { isPast } from './past.ts'
import { lastPositionOf } from './seen.ts'
import { conversationRow, demandMember, demandVoice, ensureDirect, settleLast } from './standing.ts'

/** UTF-16 units of a message; longer texts are files. */
export const BODY_CHARS_MAX = 4000
/** A client's own number for a message, to send it again without doubling it. */
export const CLIENT_ID_CHARS_MAX = 64

/** The text of a message as it is stored: line ends are one unit, 1 to BODY_CHARS_MAX of them. */
const messageText = v.pipe(
  v.string(),
  v.transform((text) => text.replaceAll('\r\n', '\n').toWellFormed()),
  v.minLength(1, 'message-empty'),
  v.maxLength(BODY_CHARS_MAX, 'message-long'),
)

const postSchema = v.object({
  conversation: id<ConversationId>(),
  author: id<UserId>(),
  body: messageText,
  clientId: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(CLIENT_ID_CHARS_MAX))),
  /** The two people of a direct chat, which needs no record of its own. */
  direct: v.optional(v.tuple([id<UserId>(), id<UserId>()])),
  /** With them and no text of its own, its text is their names. */
  files: v.optional(sentFiles),
  /** `at` of the latest contact.block about the author that his branch knew, where its `since` is later than this. */
  decided: v.optional(hlc),
})

export type PostBody = v.InferOutput<typeof postSchema>

/** The kind; `self` is the branch that applies it. */
export function postKind(self: BranchId): EventKind<PostBody> {
  return {
    code: 0x0402,
    name: 'msg.post',
    scope: 'to',
    parse: (body) => v.parse(postSchema, body),
    refusal: postRefusal,
    apply: (tx, event) => applyPost(tx, event, self),
    conversationOf: (body) => body.conversation,
    isWritten: true,
  }
}

async function postRefusal(tx: Db, event: LoggedEvent<PostBody>): Promise<string | undefined> {
  const { author, conversation, direct, files } = event.body
  await demandVoice(tx, event, author)
  // A file of somebody else under its own id would stand in the way of his message.
  if (files?.some(({ id, seed }) => id !== fileIdOf(author, seed))) return 'wrong-file'
  if (direct === undefined) {
    await demandMember(tx, conversation, author)
    return undefined
  }
  const [a, b] = direct
  // The id follows from the two people: no branch can put its words into a chat of others.
  if (a === b || directIdOf(a, b) !== conversation) return 'wrong-conversation'
  return author === a || author === b ? undefined : 'not-a-member'
}

async function applyPost(tx: Db, event: LoggedEvent<PostBody>, self: BranchId): Promise<void> {
  const { body, position, arrivedAt, origin } = event
  const conversation = await conversationRow(tx, body.conversation)
  if (conversation === undefined && body.direct) await ensureDirect(tx, body.direct)
  const timeKey = await placeOf(tx, event)
  const newest = conversation?.lastTimeKey ?? HLC_ZERO
  const { conversation: conversationId, author } = body
  await endDraft(tx, event, timeKey)
  await keepUp(tx, { conversation: conversationId, author, position })
  const isRefused = await isRefusedPost(tx, {
    ...{ conversation: conversationId, author, hlc: event.hlc },
    decided: body.decided ?? HLC_ZERO,
  })
  await insertMessage(tx, {
    ...{ position, id: messageIdOf(event), conversationId: body.conversation },
    ...{ authorId: body.author, origin, body: body.body, arrivedAt, timeKey },
    sentAt: millisOf(timeKey),
    clientId: await freeClientId(tx, event, self),
    late: newest > timeKey && !(await isPast(tx, event, self)) ? 1 : 0,
    refused: isRefused ? 1 : 0,
    decided: body.decided ?? HLC_ZERO,
    files: body.files?.length ?? 0,
  })
  if (body.files) {
    const message = messageIdOf(event)
    await keepAttachments(tx, body.files, {
      message,
      conversation: conversationId,
      timeKey,
      arrivedAt,
      owner: origin === self ? author : undefined,
    })
  }
  // Also before what is the last one: what is refused may stand behind that.
  await showFrom(tx, { conversation: conversationId, timeKey })
  // What one of the two is not shown is not the last message in anybody's list.
  if (newest > timeKey || isRefused) return
  const id = messageIdOf(event)
  await moveLast(tx, { conversation: conversationId, position, timeKey, id })
}

/** Somebody who joined by a clock further ahead than this sees what comes when the time is there. */
const JOINED_MS_MAX: Millis = HOUR

/**
 * A clock far ahead must not hold its messages at the end of everybody's history (docs/protocol.md, section 8). But
 * what was written after somebody joined, by the same clock, never stands before that: he would not be shown it.
 */
async function placeOf(tx: Db, { body, hlc, arrivedAt }: LoggedEvent<PostBody>): Promise<Hlc> {
  const limit = hlcOf(arrivedAt + DRIFT_MS_MAX, 0)
  if (hlc <= limit) return hlc
  const [joined] = await lastJoined(tx, { conversation: body.conversation, hlc })
  const isNear = joined !== undefined && joined.joinedAt <= hlcOf(arrivedAt + JOINED_MS_MAX, 0)
  return isNear && joined.joinedAt > limit ? joined.joinedAt : limit
}

/**
 * Somebody joined: the same for what came here before the record of it. By its own clock it was written after that, and
 * where that is no clock ahead he is shown it.
 */
export async function moveToJoined(
  tx: Db,
  { conversation, joinedAt }: { conversation: ConversationId; joinedAt: Hlc },
): Promise<void> {
  const from = hlcOf(Math.max(0, millisOf(joinedAt) - JOINED_MS_MAX), 0)
  const moved = await sql<{ id: MessageId }>`update message
    set timeKey = ${joinedAt}, sentAt = ${millisOf(joinedAt)}
    where conversationId = ${conversation} and timeKey >= ${from} and timeKey < ${joinedAt}
      and (select e.hlc from event as e where e.position = message.position) >= ${joinedAt}
    returning id`.execute(tx)
  if (moved.rows.length === 0) return
  const ids = listed<MessageId>(JSON.stringify(moved.rows.map(({ id }) => id)))
  const attached = tx.updateTable('attachment').set({ timeKey: joinedAt })
  await attached.where('messageId', 'in', ids).execute()
  await settleLast(tx, conversation)
}

const lastJoined = prepared((db, value: Holes<{ conversation: ConversationId; hlc: Hlc }>) =>
  db
    .selectFrom('membership')
    .where('conversationId', '=', value('conversation'))
    .where('joinedAt', '<=', value('hlc'))
    .select('joinedAt')
    .orderBy('joinedAt', 'desc')
    .limit(1),
)

const insertMessage = prepared((db, value: Holes<Selectable<MessageTable>>) =>
  db
    .insertInto('message')
    .values({
      position: value('position'),
      id: value('id'),
      conversationId: value('conversationId'),
      authorId: value('authorId'),
      origin: value('origin'),
      body: value('body'),
      arrivedAt: value('arrivedAt'),
      timeKey: value('timeKey'),
      sentAt: value('sentAt'),
      clientId: value('clientId'),
      late: value('late'),
      refused: value('refused'),
      decided: value('decided'),
      files: value('files'),
    })
    .onConflict((on) => on.doNothing()),
)

type Last = { conversation: ConversationId; position: number; timeKey: Hlc; id: MessageId }

/** In the order of pages: of two with one clock value the one with the higher id is the last. */
const moveLast = prepared((db, value: Holes<Last>) =>
  db
    .updateTable('conversation')
    .set({ lastPosition: value('position'), lastTimeKey: value('timeKey') })
    .where('id', '=', value('conversation'))
    .where(sql<SqlBool>`(lastPosition is null or lastTimeKey < ${value('timeKey')}
      or (select m.id from message as m where m.position = lastPosition) < ${value('id')})`),
)

/**
 * Keeps the positions up to which all was seen true. An event that had waited comes with its old position: nobody can
 * have seen it yet. And who had seen everything has seen his own message too: else counting what is unread would walk
 * over all he wrote.
 */
async function keepUp(
  tx: Db,
  of: { conversation: ConversationId; author: UserId; position: number },
): Promise<void> {
  const { conversation, author, position } = of
  const before = await lastPositionOf(tx, conversation)
  if (before > position) await keepUnread(tx, { conversation, unread: position })
  else await keepRead(tx, { conversation, author, before, position })
}

const keepUnread = prepared(
  (db, value: Holes<{ conversation: ConversationId; unread: number }>) => {
    const atMost = (column: 'readPosition' | 'shownPosition') =>
      sql<number>`min(${sql.ref(column)}, ${value('unread')} - 1)`
    return db
      .updateTable('membership')
      .set({ readPosition: atMost('readPosition'), shownPosition: atMost('shownPosition') })
      .where('conversationId', '=', value('conversation'))
  },
)

type OwnMessage = { conversation: ConversationId; author: UserId; before: number; position: number }

const keepRead = prepared((db, value: Holes<OwnMessage>) => {
  const moved = (column: 'readPosition' | 'shownPosition') =>
    sql<number>`iif(${sql.ref(column)} >= ${value('before')}, ${value('position')}, ${sql.ref(column)})`
  return db
    .updateTable('membership')
    .set({ readPosition: moved('readPosition'), shownPosition: moved('shownPosition') })
    .where('conversationId', '=', value('conversation'))
    .where('userId', '=', value('author'))
})

/** A message's id is the id of its event. */
function messageIdOf(event: LoggedEvent): MessageId {
  return event.id as string as MessageId
}

/** Client ids guard the branch where they were given; elsewhere the same one may stand for two messages. */
async function freeClientId(
  tx: Db,
  event: LoggedEvent<PostBody>,
  self: BranchId,
): Promise<string | null> {
  const { author, clientId } = event.body
  if (clientId === undefined || event.origin !== self) return null
  const taken = await messageOfClient(tx, author, clientId)
  return taken === undefined ? clientId : null
}

/** The message an author has written under a client id. */
export async function messageOfClient(tx: Db, author: UserId, clientId: string) {
  const [row] = await rowOfClient(tx, { author, clientId })
  return row
}

const rowOfClient = prepared((db, value: Holes<{ author: UserId; clientId: string }>) =>
  db
    .selectFrom('message')
    .where('authorId', '=', value('author'))
    .where('clientId', '=', value('clientId'))
    .select(['id', 'position', 'conversationId', 'body']),
)
