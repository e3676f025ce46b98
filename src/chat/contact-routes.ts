/**
 * What the menu of a chat does: clear the own history, delete the contact, block and take messages again. Each is asked
 * in an overlay, or on a page without a script.
 */
import { type Context, Hono } from 'hono'
import { type ConfirmProps, confirmDialog, confirmPage } from '../../views/chat/confirm.ts'
import type { Words } from '../../views/language/words.ts'
import { asWeb, type SignedIn } from '../accounts/guard.ts'
import { notFound } from '../base/errors.ts'
import { asConversationId, type ConversationId, type UserId } from '../base/ids.ts'
import { type Chat, getChat } from './chats.ts'
import { clearHistory, deleteContact, setBlock } from './contacts.ts'
import { type ChatRoutesParts, viewerOf } from './routes.ts'

type C = Context<SignedIn>
type Doing = { conversation: ConversationId; viewer: UserId; other: UserId }

/** One entry of the menu: what it does, and where it leads. */
type Act = {
  /** Only in chats of two. */
  isForDirect: boolean
  run(parts: ChatRoutesParts, doing: Doing): Promise<void>
  next(conversation: ConversationId): string
}

/** What is asked before, at its address. */
type Question = {
  name: string
  question(chat: Chat, t: Words): Pick<ConfirmProps, 'title' | 'text' | 'button' | 'isDangerous'>
}

const clear: Act & Question = {
  name: 'clear',
  question: (_chat, { contacts: t }) => ({
    ...{ title: t.clear, text: t.clearText, button: t.clear, isDangerous: true },
  }),
  isForDirect: false,
  run: (parts, { viewer, conversation }) => clearHistory(parts, viewer, conversation),
  next: (conversation) => `/chats/${conversation}?done=cleared`,
}

const remove: Act & Question = {
  name: 'delete',
  question: ({ title: name }, { contacts: t }) => ({
    ...{ title: t.remove, text: t.removeText(name), button: t.remove, isDangerous: false },
  }),
  isForDirect: true,
  run: (parts, { viewer, other }) => deleteContact(parts, viewer, other),
  next: () => '/chats?done=removed',
}

const block: Act & Question = {
  name: 'block',
  question: ({ title: name }, { contacts: t }) => ({
    ...{ title: t.blockOf(name), text: t.blockText(name), button: t.block, isDangerous: true },
  }),
  isForDirect: true,
  run: (parts, { viewer, other }) => setBlock(parts, viewer, { user: other, on: true }),
  next: (conversation) => `/chats/${conversation}?done=blocked`,
}

const unblock: Act = {
  isForDirect: true,
  run: (parts, { viewer, other }) => setBlock(parts, viewer, { user: other, on: false }),
  next: (conversation) => `/chats/${conversation}?done=unblocked`,
}

/** Routes of `/chats/:id/clear`, `/delete`, `/block` and `/unblock`. */
export function contactRoutes(parts: ChatRoutesParts): Hono<SignedIn> {
  const app = new Hono<SignedIn>()
  app.get('/chats/:id/clear', (c) => ask(c, parts, clear))
  app.post('/chats/:id/clear', (c) => act(c, parts, clear))
  app.get('/chats/:id/delete', (c) => ask(c, parts, remove))
  app.post('/chats/:id/delete', (c) => act(c, parts, remove))
  app.get('/chats/:id/block', (c) => ask(c, parts, block))
  app.post('/chats/:id/block', (c) => act(c, parts, block))
  app.post('/chats/:id/unblock', (c) => act(c, parts, unblock))
  return app
}

async function ask(c: C, parts: ChatRoutesParts, asked: Act & Question): Promise<Response> {
  const chat = await chatOf(c, parts, asked)
  const action = `/chats/${chat.id}/${asked.name}`
  const props = { chatId: chat.id, action, ...asked.question(chat, c.var.t) }
  const frame = parts.frameOf(asWeb(c))
  return c.html(c.var.isHtmx ? confirmDialog(props, frame) : confirmPage(frame, props))
}

async function act(c: C, parts: ChatRoutesParts, done: Act): Promise<Response> {
  const viewer = viewerOf(c, parts)
  const { id: conversation, other } = await chatOf(c, parts, done)
  parts.pace.post(viewer.id)
  await done.run(parts, { conversation, viewer: viewer.id, other: other?.id ?? viewer.id })
  return c.redirect(done.next(conversation), 303)
}

async function chatOf(c: C, parts: ChatRoutesParts, { isForDirect }: Act): Promise<Chat> {
  const conversation = asConversationId(c.req.param('id') ?? '')
  const chat = await getChat(parts.read, viewerOf(c, parts), conversation)
  if (isForDirect && chat.other === undefined) throw notFound('chat')
  return chat
}
