/** Pages of what was sent: one file large, and the lists of what a chat shares. */
import { type Context, Hono } from 'hono'
import * as v from 'valibot'
import {
  type AttachmentProps,
  attachment,
  shownAs,
  stillAttachment,
} from '../../views/chat/attachment.ts'
import { MEDIA_KINDS, type MediaProps, mediaPage } from '../../views/chat/media.ts'
import { type ViewerProps, viewerDialog, viewerNow, viewerPage } from '../../views/chat/viewer.ts'
import { asWeb, type SignedIn } from '../accounts/guard.ts'
import { asConversationId, asFileId, type UserId } from '../base/ids.ts'
import { KIB } from '../base/units.ts'
import { readText } from '../files/kinds.ts'
import { beginningOf } from '../files/serving.ts'
import { readQuery } from '../web/form.ts'
import { attachmentFor } from './attachments.ts'
import { getChat } from './chats.ts'
import { placeOf } from './cursors.ts'
import { fileNow, isAway } from './file-now.ts'
import { mayRemove, receiptsOf } from './file-removals.ts'
import type { FileRoutesParts } from './file-routes.ts'
import { attachmentProps } from './line.ts'
import { fileOf, filesOf, linksOf, type Opened } from './media.ts'
import { viewerOf } from './routes.ts'

/** As much of a text as people read on a page; the rest is in the file. */
const TEXT_BYTES_MAX = 64 * KIB

const mediaQuery = v.object({
  kind: v.optional(v.picklist(MEDIA_KINDS), 'media'),
  before: v.optional(v.string()),
})

const nowQuery = v.object({ as: v.optional(v.literal('card')) })
const cardQuery = v.object({ still: v.optional(v.literal('yes')) })

type C = Context<SignedIn>

/** Routes of `/files/:id/view`, of its parts, and of `/chats/:id/media`. */
export function mediaRoutes(parts: FileRoutesParts): Hono<SignedIn> {
  const app = new Hono<SignedIn>()
  app.get('/files/:id/view', (c) => showFile(c, parts))
  app.get('/files/:id/card', (c) => showCard(c, parts))
  app.get('/files/:id/now', (c) => showNow(c, parts))
  app.get('/chats/:id/media', (c) => showMedia(c, parts))
  return app
}

async function showFile(c: C, parts: FileRoutesParts): Promise<Response> {
  const props = await viewerProps(c, parts, await wantedFile(c, parts))
  const frame = parts.frameOf(asWeb(c))
  return c.html(c.var.isHtmx ? viewerDialog(props, frame) : viewerPage(frame, props))
}

/** What its page asks for by itself while it waits: nothing is wanted by that. */
async function showNow(c: C, parts: FileRoutesParts): Promise<Response> {
  const { as } = readQuery(c, nowQuery)
  const opened = await openedFile(c, parts)
  if (as === 'card') return c.html(stillAttachment(await cardOf(parts, opened), c.var.t))
  return c.html(viewerNow(await viewerProps(c, parts, opened), parts.frameOf(asWeb(c))))
}

/** Its card after a click: it is wanted now. */
async function showCard(c: C, parts: FileRoutesParts): Promise<Response> {
  const { still } = readQuery(c, cardQuery)
  const card = await cardOf(parts, await wantedFile(c, parts))
  return c.html(still === undefined ? attachment(card, c.var.t) : stillAttachment(card, c.var.t))
}

async function cardOf(parts: FileRoutesParts, opened: Opened): Promise<AttachmentProps> {
  const { file, waiting } = await fileNow(parts, opened)
  const isWaiting = file.state === 'elsewhere' && !waiting?.isTooLarge
  return isWaiting ? { waits: 'line', ...file } : file
}

async function openedFile(c: C, parts: FileRoutesParts): Promise<Opened> {
  return await fileOf(parts.read, viewerOf(c, parts).id, asFileId(c.req.param('id') ?? ''))
}

/** The same, fetched from now on when it is elsewhere; what is too large for this branch would only be refused. */
async function wantedFile(c: C, parts: FileRoutesParts): Promise<Opened> {
  const opened = await openedFile(c, parts)
  const { blob, size } = opened.file
  if (isAway(opened) && size <= (await parts.sizeMax())) await parts.want(blob)
  return opened
}

async function viewerProps(c: C, parts: FileRoutesParts, opened: Opened): Promise<ViewerProps> {
  const viewer = viewerOf(c, parts).id
  const { id, state } = opened.file
  const receipts = state === 'removed' ? await receiptsOf(parts.read, [id]) : undefined
  return {
    ...(await fileNow(parts, opened)),
    ...{ chatId: opened.conversation, previous: opened.previous, next: opened.next },
    text: await textOf(parts, viewer, opened),
    mayRemove: await mayRemove(parts.read, c.var.user, id),
    receipts: receipts?.get(id),
  }
}

async function textOf(
  { read, serving }: FileRoutesParts,
  viewer: UserId,
  { file }: Opened,
): Promise<ViewerProps['text']> {
  if (shownAs(file.type) !== 'text' || file.state !== 'here') return undefined
  const { blob, key } = await attachmentFor(read, viewer, { file: file.id })
  const bytes = await beginningOf(serving, { blob, key, bytes: TEXT_BYTES_MAX })
  const isCut = bytes.length < file.size
  return { words: readText(bytes), isCut, bytes: bytes.length }
}

async function showMedia(c: C, parts: FileRoutesParts): Promise<Response> {
  const { kind, before } = readQuery(c, mediaQuery)
  const viewer = viewerOf(c, parts)
  const chat = await getChat(parts.read, viewer, asConversationId(c.req.param('id') ?? ''))
  const of = { conversation: chat.id, before }
  const props: MediaProps = {
    ...{ chatId: chat.id, title: chat.title, kind, files: [], links: [] },
    ...(kind === 'links'
      ? await links(parts, viewer.id, of)
      : await files(parts, viewer.id, { ...of, kind })),
  }
  return c.html(mediaPage(parts.frameOf(asWeb(c)), props))
}

async function files(
  { read, moveOf }: FileRoutesParts,
  viewer: UserId,
  of: Parameters<typeof filesOf>[2],
): Promise<Pick<MediaProps, 'files' | 'older'>> {
  const { items, next } = await filesOf(read, viewer, of)
  const list = items.map(({ file, author, name, sentAt }) => ({
    ...{ file: attachmentProps(file, moveOf(file.blob)), by: { id: author, name }, at: sentAt },
  }))
  return { files: list, older: next }
}

async function links(
  { read }: FileRoutesParts,
  viewer: UserId,
  { conversation, before }: Pick<Parameters<typeof filesOf>[2], 'conversation' | 'before'>,
): Promise<Pick<MediaProps, 'links' | 'older'>> {
  const place = before === undefined ? undefined : placeOf(before, 'before')
  const { items, next } = await linksOf(read, viewer, { conversation, before: place })
  const list = items.map(({ href, host, author, name, sentAt }) => ({
    ...{ href, host, by: { id: author, name }, at: sentAt },
  }))
  return { links: list, older: next }
}
