/** The API of chats and messages: mounted at /api/v1, validated by the schemas of `chatApi`. */
import { type Context, Hono } from 'hono'
import * as v from 'valibot'
import type { Guards, SignedIn } from '../accounts/guard.ts'
import { personByLogin } from '../accounts/queries.ts'
import { AppError, invalidInput } from '../base/errors.ts'
import type { ConversationId, UserId } from '../base/ids.ts'
import { asConversationId, asFileId, asMessageId, isId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import type { ApiOperation } from '../web/api.ts'
import { readJson, readQuery } from '../web/form.ts'
import { type ChatParts, openDirect, postMessage } from './actions.ts'
import * as shapes from './api-shapes.ts'
import { chatsOf, getChat } from './chats.ts'
import { type Place, placeOf } from './cursors.ts'
import { addMember, createGroup, leaveGroup, removeMember } from './groups.ts'
import type { History } from './older.ts'
import type { Pace } from './pace.ts'
import {
  headPosition,
  LINES_PER_PAGE,
  LINES_PER_PAGE_MAX,
  lineById,
  linesAfter,
  type Page,
  type Viewer,
} from './queries.ts'
import type { Reading } from './reading.ts'
import { deliveryStory, type LinkOf } from './story.ts'
import { startTyping, type TypingSignal } from './typing.ts'

const MEMBERS_PER_REQUEST_MAX = 500
const required = v.pipe(v.string('required'), v.minLength(1, 'required'))

const newConversation = v.variant('kind', [
  v.object({ kind: v.literal('direct'), with: required }),
  v.object({
    kind: v.picklist(['group', 'channel']),
    title: required,
    members: v.pipe(v.array(required), v.maxLength(MEMBERS_PER_REQUEST_MAX, 'too-long')),
  }),
])
const linesQuery = v.object({
  /** A cursor, or the id of a message. */
  before: v.optional(v.string()),
  after: v.optional(v.string()),
  limit: v.optional(v.pipe(v.string(), v.regex(/^\d{1,4}$/), v.transform(Number))),
})
const newMessage = v.object({
  body: v.string('required'),
  clientId: v.optional(v.string()),
  replyTo: v.optional(v.string()),
  files: v.optional(v.array(v.string())),
})
const readUpTo = v.object({ upTo: required })

const MEMBER = '/conversations/{id}/members/{login}'
const MESSAGES = '/conversations/{id}/messages'

export const chatApi: readonly ApiOperation[] = [
  {
    method: 'get',
    path: '/conversations',
    summary: 'List the own chats, last activity first',
    response: shapes.conversations,
    status: 200,
  },
  {
    method: 'post',
    path: '/conversations',
    summary: 'Open a direct chat (200 when it exists) or found a group',
    request: newConversation,
    response: shapes.conversation,
    status: 201,
  },
  { method: 'put', path: MEMBER, summary: 'Bring somebody into a group', status: 204 },
  {
    method: 'delete',
    path: MEMBER,
    summary: 'Take somebody out of a group; `me` leaves it',
    status: 204,
  },
  {
    method: 'get',
    path: MESSAGES,
    summary: 'Read messages, oldest first: the newest page, or the one before or after a cursor',
    query: linesQuery,
    response: shapes.messages,
    status: 200,
  },
  {
    method: 'post',
    path: MESSAGES,
    summary: 'Write a message; the same clientId again answers 200 with the same message',
    request: newMessage,
    response: shapes.message,
    status: 201,
  },
  {
    method: 'post',
    path: '/conversations/{id}/read',
    summary: 'Mark everything up to a message as read',
    request: readUpTo,
    status: 204,
  },
  {
    method: 'post',
    path: '/conversations/{id}/typing',
    summary: 'Tell the others that one is typing',
    status: 204,
  },
  {
    method: 'get',
    path: '/messages/{id}/delivery',
    summary: 'Read the way of an own message: where it is and who has seen it',
    response: shapes.delivery,
    status: 200,
  },
]

export type ChatApiDeps = ChatParts & {
  read: Db
  history: History
  guards: Guards
  reading: Reading
  typing: TypingSignal
  pace: Pace
  linkOf: LinkOf
}

type C = Context<SignedIn>

/** The routes of `chatApi`. */
export function chatApiRoutes(parts: ChatApiDeps): Hono<SignedIn> {
  const app = new Hono<SignedIn>()
  const { bearer } = parts.guards
  const viewerOf = (c: C): Viewer => ({ id: c.var.user.id, at: parts.self })

  app.get('/conversations', bearer, async (c) => {
    // Read first: what is committed in between comes twice, and never not at all.
    const position = await headPosition(parts.read)
    const chats = await chatsOf(parts.read, viewerOf(c))
    const items = await shapes.conversationShapes(parts.read, viewerOf(c), chats)
    return c.json({ items, position })
  })

  app.post('/conversations', bearer, async (c) => {
    const asked = await readJson(c, newConversation)
    const viewer = viewerOf(c)
    const { conversation, isNew } = await begun(parts, viewer, asked)
    const chat = await getChat(parts.read, viewer, conversation)
    const [shape] = await shapes.conversationShapes(parts.read, viewer, [chat])
    return c.json(shape, isNew ? 201 : 200)
  })

  app.put('/conversations/:id/members/:login', bearer, async (c) => {
    if (c.req.param('login') === 'me') {
      throw new AppError('forbidden', 'Only owners bring people into a group', {
        detail: 'owners-only',
      })
    }
    const user = await userCalled(parts, c.req.param('login'), 'login')
    await addMember(parts, c.var.user.id, { conversation: conversationOf(c), user })
    return c.body(null, 204)
  })

  app.delete('/conversations/:id/members/:login', bearer, async (c) => {
    const viewer = c.var.user.id
    const login = c.req.param('login')
    const user = login === 'me' ? viewer : await userCalled(parts, login, 'login')
    const conversation = conversationOf(c)
    if (user === viewer) await leaveGroup(parts, viewer, conversation)
    else await removeMember(parts, viewer, { conversation, user })
    return c.body(null, 204)
  })

  app.get('/conversations/:id/messages', bearer, async (c) => {
    const page = await pageOf(parts, viewerOf(c), conversationOf(c), readQuery(c, linesQuery))
    const items = page.lines.map((line) => shapes.messageShape(line, c.var.user.id))
    const { next, isPartial } = page
    return c.json({ items, ...(next && { next }), ...(isPartial && { isPartial }) })
  })

  app.post('/conversations/:id/messages', bearer, async (c) => {
    const { body, clientId, replyTo, files } = await readJson(c, newMessage)
    if (replyTo !== undefined) throw invalidInput('replyTo', 'Replies are not there yet')
    const conversation = conversationOf(c)
    const viewer = viewerOf(c)
    parts.pace.post(viewer.id)
    const written = await postMessage(parts, viewer.id, {
      ...{ conversation, body, clientId, files: files?.map(asFileId) },
    })
    parts.typing.stopped(conversation, viewer.id)
    const line = await lineById(parts.read, viewer, written.message)
    return c.json(shapes.messageShape(line, viewer.id), written.isNew ? 201 : 200)
  })

  app.post('/conversations/:id/read', bearer, async (c) => {
    const { upTo } = await readJson(c, readUpTo)
    const seeing = { lines: [asMessageId(upTo)], mark: 'read' as const, withLate: true }
    const conversation = conversationOf(c)
    await parts.reading.markSeen(c.var.user.id, { conversation, ...seeing })
    return c.body(null, 204)
  })

  app.post('/conversations/:id/typing', bearer, async (c) => {
    if (parts.pace.mayType(c.var.user.id)) {
      await startTyping(parts, c.var.user.id, conversationOf(c))
    }
    return c.body(null, 204)
  })

  app.get('/messages/:id/delivery', bearer, async (c) => {
    const message = asMessageId(c.req.param('id'))
    const { linkOf } = parts
    const story = await deliveryStory(parts.read, viewerOf(c), { message, linkOf })
    return c.json(shapes.deliveryShape(story))
  })
  return app
}

function conversationOf(c: C): ConversationId {
  return asConversationId(c.req.param('id') ?? '')
}

async function begun(
  parts: ChatApiDeps,
  viewer: Viewer,
  asked: v.InferOutput<typeof newConversation>,
): Promise<{ conversation: ConversationId; isNew: boolean }> {
  if (asked.kind === 'direct') {
    return await openDirect(parts, viewer.id, await userCalled(parts, asked.with, 'with'))
  }
  if (asked.kind === 'channel') throw invalidInput('kind', 'Channels are not there yet')
  const members: UserId[] = []
  for (const login of asked.members) members.push(await userCalled(parts, login, 'members'))
  const { title } = asked
  return { conversation: await createGroup(parts, viewer.id, { title, members }), isNew: true }
}

/** Somebody by `login` or `login@branch`. */
async function userCalled(parts: ChatApiDeps, login: string, field: string): Promise<UserId> {
  const person = await personByLogin(parts.read, parts.self, login)
  if (person === undefined) {
    throw invalidInput(field, 'Nobody has this login', 'person-unknown')
  }
  return person.id
}

async function pageOf(
  { read: db, history }: Pick<ChatApiDeps, 'read' | 'history'>,
  viewer: Viewer,
  conversation: ConversationId,
  query: v.InferOutput<typeof linesQuery>,
): Promise<Page & { isPartial?: boolean }> {
  if (query.before !== undefined && query.after !== undefined) {
    throw invalidInput('after', 'Ask for what is before or after, not both')
  }
  await getChat(db, viewer, conversation) // an empty page and a chat of others are two answers
  const limit = Math.min(Math.max(1, query.limit ?? LINES_PER_PAGE), LINES_PER_PAGE_MAX)
  if (query.after !== undefined) {
    const after = await placeCalled(db, viewer, query.after, 'after')
    return await linesAfter(db, viewer, { conversation, after, limit })
  }
  const before = query.before && (await placeCalled(db, viewer, query.before, 'before'))
  return await history.page(viewer, { conversation, before: before || undefined, limit })
}

/** A cursor, or the id of a message; a cursor of 32 characters is never all hexadecimal by chance. */
async function placeCalled(db: Db, viewer: Viewer, text: string, field: string): Promise<Place> {
  if (!isId(text)) return placeOf(text, field)
  return await lineById(db, viewer, asMessageId(text))
}
