/**
 * The event kinds of conversations: what they look like, who may write them, what they change. The same `apply` serves
 * what is written here and what comes from other branches; events may come in any order of feeds.
 * Source: docs/protocol.md, section 8.
 */
import { type Selectable, sql } from 'kysely'
import * as v from 'valibot'
import { mayWriteFor } from '../accounts/queries.ts'
import type { Hlc } from '../base/hlc.ts'
import { DRIFT_MS_MAX, HLC_ZERO, hlcOf, millisOf } from '../base/hlc.ts'
import type { BranchId, ConversationId, MessageId, UserId } from '../base/ids.ts'
import { tidied } from '../base/text.ts'
import { TIME_MS_MAX } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import { type Holes, listed, prepared } from '../db/prepared.ts'
import type { ConversationTable, MessageTable } from '../db/schema.ts'
import type { EventKind, LoggedEvent } from '../eventlog/events.ts'
import { Parked } from '../eventlog/events.ts'
import { endDraft } from './drafts.ts'
import { directIdOf, mayHaveFounded } from './ids.ts'
import { isPast } from './past.ts'
import type { SeenBody } from './seen.ts'
import { applySeen, lastPositionOf, seenBody, seenRecord } from './seen.ts'

/** UTF-16 units of a message; longer texts are files. */
export const BODY_CHARS_MAX = 4000
/** Fits one line of the list on a wide screen. */
export const TITLE_CHARS_MAX = 100
/** The whole membership travels in one event of at most 64 KiB; more people belong into a channel. */
export const MEMBERS_MAX = 500
/** A client's own number for a message, to send it again without doubling it. */
export const CLIENT_ID_CHARS_MAX = 64

const id = <T extends string>() =>
  v.pipe(
    v.string(),
    v.regex(/^[0-9a-f]{32}$/),
    v.transform((text) => text as T),
  )
const hlc = v.pipe(
  v.string(),
  v.regex(/^[0-9a-f]{16}$/),
  v.transform((text) => text as Hlc),
)
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))

/** The text of a message as it is stored: line ends are one unit, 1 to BODY_CHARS_MAX of them. */
const messageText = v.pipe(
  v.string(),
  v.transform((text) => text.replaceAll('\r\n', '\n').toWellFormed()),
  v.minLength(1, 'message-empty'),
  v.maxLength(BODY_CHARS_MAX, 'message-long'),
)

const memberSchema = v.object({
  user: id<UserId>(),
  role: v.picklist(['owner', 'member']),
  joinedAt: hlc,
  /** Present for those who have left: the record is whole, so that any order of arrival ends the same. */
  leftAt: v.optional(hlc),
})
const convSchema = v.object({
  id: id<ConversationId>(),
  kind: v.literal('group'),
  title: v.pipe(v.string(), v.transform(tidied), v.minLength(1), v.maxLength(TITLE_CHARS_MAX)),
  members: v.pipe(v.array(memberSchema), v.maxLength(2 * MEMBERS_MAX)),
  createdAt: v.pipe(count, v.maxValue(TIME_MS_MAX)),
  term: count,
  rev: v.pipe(count, v.minValue(1)),
})
const postSchema = v.object({
  conversation: id<ConversationId>(),
  author: id<UserId>(),
  body: messageText,
  clientId: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(CLIENT_ID_CHARS_MAX))),
  /** The two people of a direct chat, which needs no record of its own. */
  direct: v.optional(v.tuple([id<UserId>(), id<UserId>()])),
})
const contactSchema = v.object({
  owner: id<UserId>(),
  contact: id<UserId>(),
  removed: v.boolean(),
})

export type ConvBody = v.InferOutput<typeof convSchema>
export type Member = v.InferOutput<typeof memberSchema>
export type PostBody = v.InferOutput<typeof postSchema>
export type ContactBody = v.InferOutput<typeof contactSchema>

export type ChatKinds = {
  convPut: EventKind<ConvBody>
  msgPost: EventKind<PostBody>
  msgSeen: EventKind<SeenBody>
  contactPut: EventKind<ContactBody>
}

/** The kinds of this feature; `self` is the branch that applies them. */
export function chatKinds({ self }: { self: BranchId }): ChatKinds {
  return {
    convPut: {
      code: 0x0401,
      name: 'conv.put',
      scope: 'to',
      parse: (body) => v.parse(convSchema, body),
      refusal: convRefusal,
      apply: applyConv,
      conversationOf: (body) => body.id,
    },
    msgPost: {
      code: 0x0402,
      name: 'msg.post',
      scope: 'to',
      parse: (body) => v.parse(postSchema, body),
      refusal: postRefusal,
      apply: (tx, event) => applyPost(tx, event, self),
      conversationOf: (body) => body.conversation,
    },
    msgSeen: {
      code: 0x0403,
      name: 'msg.seen',
      scope: 'to',
      parse: (body) => v.parse(seenBody, body),
      refusal: async (tx, event) => {
        await demandVoice(tx, event, event.body.user)
        await demandMember(tx, event.body.conversation, event.body.user)
        return undefined
      },
      apply: (tx, event) => applySeen(tx, event, self),
      conversationOf: (body) => body.conversation,
      recordOf: seenRecord,
    },
    contactPut: {
      code: 0x0404,
      name: 'contact.put',
      scope: 'to',
      parse: (body) => v.parse(contactSchema, body),
      refusal: async (tx, event) => {
        await demandVoice(tx, event, event.body.owner)
        return event.body.owner === event.body.contact ? 'wrong-contact' : undefined
      },
      apply: applyContact,
    },
  }
}

/**
 * A branch may speak for a person who is at home there, or was signed in there when the event was written. What proves
 * that comes in another feed, maybe later: then the event waits.
 */
async function demandVoice(tx: Db, event: LoggedEvent<unknown>, user: UserId): Promise<void> {
  const at = millisOf(event.hlc)
  if (!(await mayWriteFor(tx, { user, branch: event.origin, at }))) {
    throw new Parked('waits-for-person')
  }
}

/**
 * Somebody who is not a member yet may become one by a record that is still on its way, so the event waits. Who has
 * left stays believed: his branch may have written before it heard of it, and all branches must decide alike.
 */
async function demandMember(tx: Db, conversation: ConversationId, user: UserId): Promise<void> {
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

async function postRefusal(tx: Db, event: LoggedEvent<PostBody>): Promise<string | undefined> {
  const { author, conversation, direct } = event.body
  await demandVoice(tx, event, author)
  if (direct === undefined) {
    await demandMember(tx, conversation, author)
    return undefined
  }
  const [a, b] = direct
  // The id follows from the two people: no branch can put its words into a chat of others.
  if (a === b || directIdOf(a, b) !== conversation) return 'wrong-conversation'
  return author === a || author === b ? undefined : 'not-a-member'
}

async function convRefusal(tx: Db, event: LoggedEvent<ConvBody>): Promise<string | undefined> {
  const { body, origin } = event
  const known = await conversationRow(tx, body.id)
  if (known === undefined) {
    // A later term comes only after the earlier ones, which name the home it was taken from.
    if (body.term > 0) throw new Parked('waits-for-conversation')
    return mayHaveFounded(origin, body.id) ? undefined : 'not-its-home'
  }
  if (known.kind !== 'group') return 'wrong-conversation'
  if (known.term !== body.term) return 'wrong-term'
  return known.home === origin ? undefined : 'not-its-home'
}

async function conversationRow(
  tx: Db,
  conversation: ConversationId,
): Promise<Selectable<ConversationTable> | undefined> {
  const [row] = await conversationRows(tx, { conversation })
  return row
}

const conversationRows = prepared((db, value: Holes<{ conversation: ConversationId }>) =>
  db.selectFrom('conversation').selectAll().where('id', '=', value('conversation')),
)

async function applyConv(tx: Db, event: LoggedEvent<ConvBody>): Promise<void> {
  const { body, origin, hlc: at } = event
  const known = await conversationRow(tx, body.id)
  // One writer counts `rev`, but its feeds (one per start) may arrive in any order: the highest wins.
  if (known !== undefined && known.rev > body.rev) return
  if (known?.rev === body.rev && !(await replaces(tx, event, known))) return
  const { id: conversation, kind, title, term, rev, createdAt } = body
  await tx
    .insertInto('conversation')
    .values({
      ...{ id: conversation, kind, title, home: origin, term, rev, hlc: at, createdAt },
      lastPosition: null,
      lastTimeKey: null,
    })
    .onConflict((on) => on.column('id').doUpdateSet({ title, rev, hlc: at }))
    .execute()
  for (const member of body.members) await putMember(tx, conversation, member)
}

/**
 * Of two records with one `rev` the later one counts: a branch that was put back from an old copy counted again. The
 * same record sent again, to a guest's branch, is no other one: its first time stands.
 */
async function replaces(
  tx: Db,
  { body, hlc: at }: LoggedEvent<ConvBody>,
  known: Selectable<ConversationTable>,
): Promise<boolean> {
  const conversation = tx.updateTable('conversation').where('id', '=', body.id)
  const members = tx.deleteFrom('membership').where('conversationId', '=', body.id)
  if (known.title === body.title && (await isSameMembers(tx, body))) {
    if (at < known.hlc) await conversation.set({ hlc: at }).execute()
    return false
  }
  if (at < known.hlc) return false
  const users = JSON.stringify(body.members.map(({ user }) => user))
  await members.where('userId', 'not in', listed<UserId>(users)).execute()
  return true
}

async function isSameMembers(tx: Db, { id, members }: ConvBody): Promise<boolean> {
  const rows = await tx
    .selectFrom('membership')
    .where('conversationId', '=', id)
    .select(['userId', 'role', 'joinedAt', 'leftAt'])
    .execute()
  const textOf = (user: UserId, role: string, joinedAt: Hlc, leftAt: Hlc | null | undefined) =>
    [user, role, joinedAt, leftAt ?? ''].join(' ')
  const here = new Set(rows.map((m) => textOf(m.userId, m.role, m.joinedAt, m.leftAt)))
  const said = members.map((m) => textOf(m.user, m.role, m.joinedAt, m.leftAt))
  return said.length === here.size && said.every((text) => here.has(text))
}

async function putMember(tx: Db, conversationId: ConversationId, member: Member): Promise<void> {
  const { user: userId, role, joinedAt } = member
  const leftAt = member.leftAt ?? null
  await tx
    .insertInto('membership')
    .values({
      ...{ conversationId, userId, role, joinedAt, leftAt },
      readPosition: 0,
      shownPosition: 0,
    })
    .onConflict((on) =>
      on.columns(['conversationId', 'userId']).doUpdateSet({ role, joinedAt, leftAt }),
    )
    .execute()
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

async function applyPost(tx: Db, event: LoggedEvent<PostBody>, self: BranchId): Promise<void> {
  const { body, position, arrivedAt, origin } = event
  const conversation = await conversationRow(tx, body.conversation)
  if (conversation === undefined && body.direct) await ensureDirect(tx, body.direct)
  // A clock far ahead must not hold its messages at the end of everybody's history (docs/protocol.md, section 8).
  const limit = hlcOf(arrivedAt + DRIFT_MS_MAX, 0)
  const isAhead = event.hlc > limit
  const timeKey = isAhead ? limit : event.hlc
  const newest = conversation?.lastTimeKey ?? HLC_ZERO
  await endDraft(tx, event)
  await keepUp(tx, { conversation: body.conversation, author: body.author, position })
  await insertMessage(tx, {
    ...{ position, id: messageIdOf(event), conversationId: body.conversation },
    ...{ authorId: body.author, origin, body: body.body, arrivedAt, timeKey },
    sentAt: millisOf(timeKey),
    clientId: await freeClientId(tx, event, self),
    late: newest > timeKey && !(await isPast(tx, event, self)) ? 1 : 0,
  })
  if (newest > timeKey) return
  await moveLast(tx, { conversation: body.conversation, position, timeKey })
}

const insertMessage = prepared((db, value: Holes<Selectable<MessageTable>>) =>
  db.insertInto('message').values({
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
  }),
)

const moveLast = prepared(
  (db, value: Holes<{ conversation: ConversationId; position: number; timeKey: Hlc }>) =>
    db
      .updateTable('conversation')
      .set({ lastPosition: value('position'), lastTimeKey: value('timeKey') })
      .where('id', '=', value('conversation')),
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

async function applyContact(tx: Db, event: LoggedEvent<ContactBody>): Promise<void> {
  const { owner, contact, removed } = event.body
  const values = {
    addedAt: millisOf(event.hlc),
    hlc: event.hlc,
    removed: removed ? (1 as const) : (0 as const),
  }
  await tx
    .insertInto('contact')
    .values({ ownerId: owner, contactId: contact, ...values })
    .onConflict((on) =>
      on.columns(['ownerId', 'contactId']).doUpdateSet(values).where('contact.hlc', '<', event.hlc),
    )
    .execute()
  if (!removed) await ensureDirect(tx, [owner, contact])
}
