/**
 * Files of chats: sending some without a script, and opening what stands in messages. Who may see a message may open
 * its files, and nobody else.
 */
import { type Context, Hono } from 'hono'
import * as v from 'valibot'
import { attachPage } from '../../views/chat/attach.ts'
import { confirmDialog, confirmPage } from '../../views/chat/confirm.ts'
import { byteWords } from '../../views/language/times.ts'
import { problemText } from '../../views/language/words.ts'
import { asWeb, type Guards, type SignedIn } from '../accounts/guard.ts'
import { AppError, notFound } from '../base/errors.ts'
import { asConversationId, asFileId, type BlobId, type FileId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import type { Files } from '../files/files.ts'
import type { FilePolicy } from '../files/policy.ts'
import { type Serving, served } from '../files/serving.ts'
import type { ApiOperation } from '../web/api.ts'
import { statedLength } from '../web/body.ts'
import { streamedForm } from '../web/multipart.ts'
import { postMessage } from './actions.ts'
import { attachmentFor, FILES_PER_MESSAGE_MAX } from './attachments.ts'
import { getChat } from './chats.ts'
import { mayRemove, removeFile } from './file-removals.ts'
import { type ChatRoutesParts, viewerOf } from './routes.ts'

export type FileRoutesParts = ChatRoutesParts & {
  guards: Guards
  read: Db
  files: Files
  serving: Serving
  sizeMax(): Promise<number>
  /** Somebody opened what is at another branch. */
  want(blob: BlobId): Promise<void>
  limits: FilePolicy['limits']
}

const typed = v.object({ body: v.optional(v.string(), ''), clientId: v.optional(v.string()) })

type C = Context<SignedIn>

/** Routes of `/chats/:id/attach` and `/files`. */
export function fileRoutes(parts: FileRoutesParts): Hono<SignedIn> {
  const app = new Hono<SignedIn>()
  app.get('/chats/:id/attach', (c) => showAttach(c, parts))
  app.post('/chats/:id/attach', (c) => attach(c, parts))
  app.get('/chats/:id/limits', (c) => tellLimits(c, parts))
  app.get('/files/:id', (c) => openFile(c, parts))
  app.get('/files/:id/inline', (c) => openFile(c, parts, { isInline: true }))
  app.get('/files/:id/thumb', (c) => openFile(c, parts, { which: 'thumb', isInline: true }))
  app.get('/files/:id/remove', (c) => askRemoval(c, parts))
  app.post('/files/:id/remove', (c) => remove(c, parts))
  return app
}

export const fileApi: readonly ApiOperation[] = [
  {
    ...{
      method: 'get',
      path: '/files/{id}',
      responseType: 'application/octet-stream',
      status: 200,
    },
    summary: 'Read a file of a message; 409 while its bytes are at another branch',
  },
  {
    ...{ method: 'delete', path: '/files/{id}', status: 204 },
    summary: 'Remove an own file from its message, at every branch; auditors remove any',
  },
]

/** The routes of `fileApi`. */
export function fileApiRoutes(parts: FileRoutesParts): Hono<SignedIn> {
  const app = new Hono<SignedIn>()
  app.get('/files/:id', parts.guards.bearer, (c) => openFile(c, parts))
  app.delete('/files/:id', parts.guards.bearer, async (c) => {
    await removeFile(parts, c.var.user, asFileId(c.req.param('id')))
    return c.body(null, 204)
  })
  return app
}

const conversationOf = (c: C) => asConversationId(c.req.param('id') ?? '')

async function showAttach(c: C, parts: FileRoutesParts, error?: AppError): Promise<Response> {
  const chat = await getChat(parts.read, viewerOf(c, parts), conversationOf(c))
  const limits = await parts.limits(parts.read, { viewer: c.var.user.id, conversation: chat.id })
  const props = {
    ...{ chatId: chat.id, title: chat.title, limits },
    ...(error ? { error: problemText(c.var.t, error) } : {}),
  }
  return c.html(attachPage(parts.frameOf(asWeb(c)), props), error?.status ?? 200)
}

/** What a page has to know before it sends a file, with the sentences it says then. */
async function tellLimits(c: C, parts: FileRoutesParts): Promise<Response> {
  const { id } = await getChat(parts.read, viewerOf(c, parts), conversationOf(c))
  const { sizeMax, sizeMaxOf, left, refused } = await parts.limits(parts.read, {
    ...{ viewer: c.var.user.id, conversation: id },
  })
  const { uploads, problems, language } = c.var.t
  return c.json({
    ...{ sizeMax, tooLarge: problems['file-large']({ max: sizeMax }) },
    ...(left === undefined
      ? {}
      : {
          left,
          full: problems['quota-full']({ left }),
          fullTogether: uploads.together(byteWords(left, language, { isLimit: true })),
        }),
    refused: refused.map((rule) => ({ rule, text: problems['type-refused']({ type: rule }) })),
    smaller: sizeMaxOf.map((of) => ({
      sizeMax: of.sizeMax,
      text: uploads.smaller(of.branch, byteWords(of.sizeMax, language, { isLimit: true })),
    })),
  })
}

async function attach(c: C, parts: FileRoutesParts): Promise<Response> {
  const viewer = viewerOf(c, parts)
  const conversation = conversationOf(c)
  await getChat(parts.read, viewer, conversation)
  const sent: FileId[] = []
  try {
    const fields = await streamedForm(c, {
      filesMax: FILES_PER_MESSAGE_MAX,
      async onFile(name, body) {
        const { id } = await parts.files.begin(viewer.id, { name, sizeMax: statedLength(c) })
        sent.push(id)
        await parts.files.append(viewer.id, id, { offset: 0, body, isLast: true })
      },
    })
    const { body, clientId } = v.parse(typed, fields)
    parts.pace.post(viewer.id)
    const draft = { conversation, body, clientId, files: sent }
    const { message, position } = await postMessage(parts, viewer.id, draft)
    return c.redirect(`/chats/${conversation}?e=${position}#m-${message}`, 303)
  } catch (error) {
    for (const id of sent) await parts.files.stop(viewer.id, id).catch(() => {}) // sent after all
    if (!(error instanceof AppError) || error.status >= 500) throw error
    return await showAttach(c, parts, error)
  }
}

/** The question, with the name. */
async function askRemoval(c: C, parts: FileRoutesParts): Promise<Response> {
  const { file, name, conversation } = await openRemoval(c, parts)
  const t = c.var.t.fileAdmin
  const props = {
    ...{ chatId: conversation, title: t.removeTitle, text: t.removeText(name) },
    ...{ action: `/files/${file}/remove`, button: t.removeButton, isDangerous: true },
  }
  const frame = parts.frameOf(asWeb(c))
  return c.html(c.var.isHtmx ? confirmDialog(props, frame) : confirmPage(frame, props))
}

async function remove(c: C, parts: FileRoutesParts): Promise<Response> {
  const { file, conversation, message } = await openRemoval(c, parts)
  await removeFile(parts, c.var.user, file)
  return c.redirect(`/chats/${conversation}#m-${message}`, 303)
}

/** A file the viewer sees, and may take away. */
async function openRemoval(c: C, parts: FileRoutesParts) {
  const file = asFileId(c.req.param('id') ?? '')
  const { name, message, conversation } = await attachmentFor(parts.read, c.var.user.id, { file })
  const isAllowed = message !== undefined && (await mayRemove(parts.read, c.var.user, file))
  if (!isAllowed || !conversation) throw notFound('file')
  return { file, name, message, conversation }
}

type How = { which?: 'file' | 'thumb'; isInline?: boolean }

async function openFile(
  c: C,
  parts: FileRoutesParts,
  { which = 'file', isInline = false }: How = {},
): Promise<Response> {
  const file = asFileId(c.req.param('id') ?? '')
  const opened = await attachmentFor(parts.read, viewerOf(c, parts).id, { file, which })
  try {
    return await served(c, parts.serving, { ...opened, isInline })
  } catch (error) {
    if (error instanceof AppError && error.detail === 'not-here-yet') await parts.want(opened.blob)
    throw error
  }
}
