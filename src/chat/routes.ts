/**
 * The pages and forms of chats. Everything works with links and forms alone; htmx asks for parts of the same pages.
 * Parse, act or read, render, return: no SQL and no rules here.
 */
import { type Context, Hono } from 'hono'
import * as v from 'valibot'
import {
  type ConversationProps,
  composerError,
  conversationPage,
  olderLines,
} from '../../views/chat/conversation.ts'
import { storyFragment, storyPage } from '../../views/chat/delivery.ts'
import { detailsPage, detailsPanel } from '../../views/chat/details.ts'
import { arrivingLine } from '../../views/chat/line.ts'
import { allRows } from '../../views/chat/list.ts'
import { welcomePage } from '../../views/chat/welcome.ts'
import { problemText } from '../../views/language/words.ts'
import { upsert } from '../../views/partials.ts'
import { asWeb, type SignedIn } from '../accounts/guard.ts'
import { AppError } from '../base/errors.ts'
import type { ConversationId, MessageId, UserId } from '../base/ids.ts'
import { asConversationId, asFileId, asMessageId, timedId } from '../base/ids.ts'
import { list, readForm, readQuery } from '../web/form.ts'
import type { FrameOf } from '../web/frame.ts'
import { tabOf } from '../web/sse.ts'
import { type ChatParts, postMessage, saveDraft } from './actions.ts'
import { getChat } from './chats.ts'
import { blockersOf } from './contacts.ts'
import { placeOf } from './cursors.ts'
import { DRAFT_CHARS_MAX } from './drafts.ts'
import { detailsProps, storyProps, UNTOLD } from './line.ts'
import { filesOf } from './media.ts'
import { membersOf } from './members.ts'
import type { Pace } from './pace.ts'
import { chatProps, type Surroundings, shownLines, welcomeProps, wholeList } from './pages.ts'
import { arrivalsAfter, LINES_PER_PAGE, lineById, type Viewer, writtenBefore } from './queries.ts'
import { type Reading, SEEN_LINES_MAX } from './reading.ts'
import { deliveryStory } from './story.ts'
import { startTyping, type TypingSignal } from './typing.ts'
import { type OnCommitted, waitFor } from './waiting.ts'

export type ChatRoutesParts = ChatParts &
  Surroundings & {
    frameOf: FrameOf
    reading: Reading
    typing: TypingSignal
    pace: Pace
    onCommitted: OnCommitted
    /** A page gets its own message as the answer of its request: the push leaves out its stream. */
    answered?: ((message: MessageId, tab: string) => void) | undefined
    /** In the demo: where the first of the five steps leads. */
    demoChatOf?: ((viewer: UserId) => Promise<string | undefined>) | undefined
  }

const draftSchema = v.object({
  body: v.optional(v.string(), ''),
  clientId: v.optional(v.string()),
  files: list,
})
const typedSchema = v.object({
  body: v.pipe(v.optional(v.string(), ''), v.maxLength(DRAFT_CHARS_MAX, 'too-long')),
})
const seenSchema = v.object({
  upTo: v.pipe(list, v.minLength(1, 'required'), v.maxLength(SEEN_LINES_MAX, 'too-long')),
  mark: v.picklist(['shown', 'read'], 'required'),
})
const pageQuery = v.object({
  before: v.optional(v.string()),
  find: v.optional(v.pipe(v.string(), v.maxLength(100, 'too-long'))),
  /** `all`: more than the recent chats at the left. Anything else means nothing. */
  list: v.optional(v.string()),
  /** Makes the address of a page new, because text browsers keep known ones; only they come with it. */
  e: v.optional(v.string()),
  /** What the menu of a chat has just done. */
  done: v.optional(v.string()),
})
const olderQuery = v.object({ before: v.string('required') })
const waitQuery = v.object({ after: v.pipe(v.string(), v.regex(/^\d{1,15}$/, 'required')) })

/** Three rows of the panel. */
const NEWEST_PICTURES = 6

type C = Context<SignedIn>

/** Who asks. */
export function viewerOf(c: C, parts: Pick<ChatRoutesParts, 'self'>): Viewer {
  return { id: c.var.user.id, at: parts.self }
}

const conversationOf = (c: C) => asConversationId(c.req.param('id') ?? '')

/** Routes of `/chats` and `/messages`; `SignedIn` is promised by the guard before them. */
export function chatRoutes(parts: ChatRoutesParts): Hono<SignedIn> {
  const app = new Hono<SignedIn>()
  app.get('/', (c) => c.redirect('/chats', 303))

  app.get('/chats', async (c) => {
    const { find, list: which, done } = readQuery(c, pageQuery)
    const viewer = viewerOf(c, parts)
    const all = which === 'all'
    if (all && c.var.isHtmx) return await answerWholeList(c, parts)
    const props = await welcomeProps(parts, { viewer, find, all, t: c.var.t })
    const chatHref = await parts.demoChatOf?.(viewer.id)
    if (chatHref !== undefined) props.demo = { chatHref }
    return c.html(welcomePage(parts.frameOf(asWeb(c), doneFlash(c, done)), props))
  })

  app.get('/chats/:id', (c) => showChat(c, parts))
  app.get('/chats/:id/older', (c) => showOlder(c, parts))
  app.get('/chats/:id/wait', (c) => waitForNew(c, parts))
  app.get('/chats/:id/details', (c) => showDetails(c, parts))
  app.post('/chats/:id/messages', (c) => send(c, parts))

  app.post('/chats/:id/typing', async (c) => {
    const { id } = viewerOf(c, parts)
    if (parts.pace.mayType(id)) await startTyping(parts, id, conversationOf(c))
    return c.body(null, 204)
  })

  app.post('/chats/:id/draft', async (c) => {
    const { body } = await readForm(c, typedSchema)
    const user = viewerOf(c, parts).id
    if (parts.pace.mayType(user))
      await saveDraft(parts, { user, conversation: conversationOf(c), body })
    return c.body(null, 204)
  })

  app.post('/chats/:id/seen', async (c) => {
    const { upTo, mark } = await readForm(c, seenSchema)
    const lines = upTo.map(asMessageId)
    const conversation = conversationOf(c)
    await parts.reading.markSeen(viewerOf(c, parts).id, { conversation, lines, mark })
    return c.body(null, 204)
  })

  app.get('/messages/:id/delivery', async (c) => {
    const message = asMessageId(c.req.param('id'))
    const { linkOf } = parts
    const story = await deliveryStory(parts.read, viewerOf(c, parts), { message, linkOf })
    const frame = parts.frameOf(asWeb(c))
    if (c.var.isHtmx) return c.html(storyFragment(storyProps(story), frame))
    return c.html(storyPage(frame, storyProps(story)))
  })
  return app
}

async function showChat(c: C, parts: ChatRoutesParts): Promise<Response> {
  const { before, find, e, list: which, done } = readQuery(c, pageQuery)
  const viewer = viewerOf(c, parts)
  const conversation = conversationOf(c)
  const all = which === 'all'
  if (all && c.var.isHtmx) return await answerWholeList(c, parts, conversation)
  const made = await chatProps(parts, {
    ...{ viewer, conversation, before, find, all, t: c.var.t },
  })
  const { lines } = made
  let props: ConversationProps = {
    ...made.props,
    composer: { ...made.props.composer, plain: c.var.isTextBrowser },
  }
  const isWithoutScript = c.var.isTextBrowser || e !== undefined
  const theirs = lines.filter((line) => line.author !== viewer.id)
  if (isWithoutScript && theirs.length > 0) {
    const ids = theirs.map((line) => line.id)
    const seeing = { conversation, lines: ids, mark: 'read' as const, atOnce: true }
    await parts.reading.markSeen(viewer.id, seeing)
    if (before === undefined) props = withoutUnread(props, conversation)
  }
  return c.html(conversationPage(parts.frameOf(asWeb(c), doneFlash(c, done)), props))
}

/** What was just done, in words. */
function doneFlash(c: C, done: string | undefined) {
  const words: Record<string, string> = c.var.t.contacts.done
  const text = done !== undefined && Object.hasOwn(words, done) ? words[done] : undefined
  return text === undefined ? {} : { flash: { kind: 'ok' as const, text } }
}

async function answerWholeList(c: C, parts: ChatRoutesParts, current?: ConversationId) {
  const list = await wholeList(parts, { viewer: viewerOf(c, parts), t: c.var.t }, current)
  return c.html(allRows(list, parts.frameOf(asWeb(c))))
}

/** The page as it is once it was read: without a script nothing would correct the counter beside it. */
function withoutUnread(props: ConversationProps, chat: ConversationId): ConversationProps {
  const counted = props.list.rows.find((row) => row.id === chat)?.unread ?? 0
  const rows = props.list.rows.map((row) => (row.id === chat ? { ...row, unread: 0 } : row))
  return { ...props, list: { ...props.list, rows }, unread: (props.unread ?? 0) - counted }
}

async function showOlder(c: C, parts: ChatRoutesParts): Promise<Response> {
  const { before } = readQuery(c, olderQuery)
  const viewer = viewerOf(c, parts)
  const conversation = conversationOf(c)
  await getChat(parts.read, viewer, conversation)
  const place = placeOf(before, 'before')
  const page = await parts.history.page(viewer, {
    conversation,
    before: place,
    limit: LINES_PER_PAGE,
  })
  const lines = await shownLines(parts, viewer, page.lines)
  const { next: older, isPartial } = page
  const props = { chatId: conversation, lines, older, isPartial, before, viewer: viewer.id }
  return c.html(olderLines(props, parts.frameOf(asWeb(c))))
}

async function waitForNew(c: C, parts: ChatRoutesParts): Promise<Response> {
  const after = Number(readQuery(c, waitQuery).after)
  const viewer = viewerOf(c, parts)
  const conversation = conversationOf(c)
  await getChat(parts.read, viewer, conversation)
  const { signal } = c.req.raw
  const arrived = await waitFor(parts, { conversation, signal }, async () => {
    const [first] = await arrivalsAfter(parts.read, viewer, { conversation, after, limit: 1 })
    return first
  })
  // Every answer has an address of its own: a known one with a fragment comes from the cache of lynx and links.
  const base = `/chats/${conversation}`
  if (arrived === undefined) return c.redirect(`${base}?e=${after}-${parts.clock.now()}`, 303)
  return c.redirect(`${base}?e=${arrived.position}#m-${arrived.id}`, 303)
}

async function showDetails(c: C, parts: ChatRoutesParts): Promise<Response> {
  const viewer = viewerOf(c, parts)
  const conversation = conversationOf(c)
  const chat = await getChat(parts.read, viewer, conversation)
  const members = chat.kind === 'group' ? await membersOf(parts.read, viewer, conversation) : []
  const hidden = await blockersOf(parts.read, viewer.id)
  const wanted = { conversation, kind: 'pictures', limit: NEWEST_PICTURES } as const
  const newest = await filesOf(parts.read, viewer.id, wanted)
  const presenceOf = (user: UserId) => (hidden.has(user) ? UNTOLD : parts.presenceOf(user))
  const files = newest.items.map(({ file }) => file)
  const props = detailsProps({ chat, members, files }, presenceOf)
  const frame = parts.frameOf(asWeb(c))
  return c.html(c.var.isHtmx ? detailsPanel(props, frame) : detailsPage(frame, props))
}

async function send(c: C, parts: ChatRoutesParts): Promise<Response> {
  const draft = await readForm(c, draftSchema)
  const viewer = viewerOf(c, parts)
  const conversation = conversationOf(c)
  const id = asMessageId(timedId(parts.clock.now(), parts.random.id()))
  const tab = tabOf(c)
  if (tab !== undefined) parts.answered?.(id, tab)
  try {
    parts.pace.post(viewer.id)
    const { message, position } = await postMessage(parts, viewer.id, {
      conversation,
      id,
      ...draft,
      files: draft.files.map(asFileId),
    })
    parts.typing.stopped(conversation, viewer.id)
    if (c.var.isHtmx) return await answerLine(c, parts, { viewer, message })
    return c.redirect(`/chats/${conversation}?e=${position}#m-${message}`, 303)
  } catch (error) {
    if (!(error instanceof AppError) || !MENDABLE.has(error.code)) throw error
    return await answerProblem(c, parts, { conversation, body: draft.body, error })
  }
}

/** What the writer can mend or must know while his text is still before him. */
const MENDABLE: ReadonlySet<string> = new Set([
  'invalid-input',
  'forbidden',
  'conflict',
  'too-many',
])

/** The author's line: the box was emptied when the request was built, so nothing else changes. */
async function answerLine(
  c: C,
  parts: ChatRoutesParts,
  { viewer, message }: { viewer: Viewer; message: MessageId },
): Promise<Response> {
  const written = await lineById(parts.read, viewer, message)
  const frame = parts.frameOf(asWeb(c))
  const [shown] = await shownLines(parts, viewer, [written])
  if (shown === undefined) throw new Error('A message that was just written has no line')
  const before = await writtenBefore(parts.read, written)
  return c.html(upsert('#log', arrivingLine(shown, frame, { before, mine: true })))
}

async function answerProblem(
  c: C,
  parts: ChatRoutesParts,
  { conversation, body, error }: { conversation: ConversationId; body: string; error: AppError },
): Promise<Response> {
  const text = problemText(c.var.t, error)
  // htmx shows what a 422 brings beside the composer; other errors have no place there.
  if (c.var.isHtmx) return c.html(composerError(text), 422)
  const viewer = viewerOf(c, parts)
  const nothing = { before: undefined, find: undefined, all: false }
  const { props } = await chatProps(parts, { viewer, conversation, t: c.var.t, ...nothing })
  props.composer = { draft: body, error: text, plain: c.var.isTextBrowser }
  return c.html(conversationPage(parts.frameOf(asWeb(c)), props), error.status)
}
