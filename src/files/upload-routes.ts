/**
 * Uploads of pages and of the API: told first (name, length), then sent in as many parts as the line allows, each from
 * the offset that is here (headers as in the IETF's draft of resumable uploads, draft-ietf-httpbis-resumable-upload).
 * The API also takes a whole file with one request.
 */
import { type Context, Hono, type MiddlewareHandler } from 'hono'
import * as v from 'valibot'
import type { Guards, SignedIn } from '../accounts/guard.ts'
import { AppError, invalidInput } from '../base/errors.ts'
import { asFileId } from '../base/ids.ts'
import type { ApiOperation } from '../web/api.ts'
import { bodyStream, statedLength } from '../web/body.ts'
import { readForm, readJson } from '../web/form.ts'
import type { Files, OwnFile } from './files.ts'
import { namedIn } from './names.ts'

/** A name longer than this is cut in any case. */
const NAME_CHARS_MAX = 1000

const digits = v.pipe(v.string('required'), v.regex(/^\d{1,15}$/, 'invalid'), v.transform(Number))
const wishForm = v.object({
  name: v.pipe(v.string('required'), v.maxLength(NAME_CHARS_MAX, 'too-long')),
  size: digits,
})
const wishJson = v.object({
  name: v.pipe(v.string('required'), v.maxLength(NAME_CHARS_MAX, 'too-long')),
  size: v.pipe(v.number('required'), v.safeInteger(), v.minValue(0)),
})
const shape = v.object({
  id: v.string(),
  name: v.string(),
  type: v.string(),
  size: v.optional(v.number()),
  /** Bytes that are here. */
  offset: v.number(),
  /** Of the whole file, when it is here. */
  sha256: v.optional(v.string()),
})

const UPLOAD = '/uploads/{id}'

export const uploadApi: readonly ApiOperation[] = [
  {
    ...{ method: 'post', path: '/files', response: shape, status: 201 },
    summary: 'Upload a whole file: the body is its bytes, Content-Disposition its name',
  },
  {
    ...{ method: 'post', path: '/uploads', request: wishJson, response: shape, status: 201 },
    summary: 'Begin an upload that may be interrupted; what may not be sent is refused here',
  },
  {
    ...{ method: 'get', path: UPLOAD, response: shape, status: 200 },
    summary: 'Read how many bytes are here (`Upload-Offset`)',
  },
  {
    ...{ method: 'patch', path: UPLOAD, response: shape, status: 200 },
    summary: 'Send bytes from `Upload-Offset` on; 409 tells the offset when it is another one',
  },
  { method: 'delete', path: UPLOAD, summary: 'Give up a file that was not sent yet', status: 204 },
]

export type UploadDeps = { guards: Guards; files: Files }
type C = Context<SignedIn>

/** Uploads of pages, signed in by cookie. */
export function uploadRoutes({ guards, files }: UploadDeps): Hono<SignedIn> {
  return routes(files, guards.signedIn, async (c) => await readForm(c, wishForm))
}

/** The routes of `uploadApi`. */
export function uploadApiRoutes({ guards, files }: UploadDeps): Hono<SignedIn> {
  const app = routes(files, guards.bearer, async (c) => await readJson(c, wishJson))
  app.post('/files', guards.bearer, async (c) => {
    const size = statedLength(c)
    const name = namedIn(c.req.header('content-disposition'))
    if (Number(c.req.header('upload-offset') ?? 0) !== 0) {
      throw invalidInput('Upload-Offset', 'A whole file begins at 0: to go on, use /uploads')
    }
    const { id } = await files.begin(c.var.user.id, { name, size })
    const part = { offset: 0, body: bodyStream(c), isLast: true }
    return c.json(await files.append(c.var.user.id, id, part), 201)
  })
  return app
}

function routes(
  files: Files,
  guard: MiddlewareHandler<SignedIn>,
  wishOf: (c: C) => Promise<{ name: string; size: number }>,
): Hono<SignedIn> {
  const app = new Hono<SignedIn>()
  const idOf = (c: C) => asFileId(c.req.param('id') ?? '')
  const answer = (c: C, file: OwnFile, status: 200 | 201 = 200) => {
    c.header('upload-offset', String(file.offset))
    return c.json(file, status)
  }
  app.post('/uploads', guard, async (c) => {
    const wish = await wishOf(c)
    return answer(c, await files.begin(c.var.user.id, wish), 201)
  })
  // Also HEAD: Hono answers it with the head of GET.
  app.get('/uploads/:id', guard, async (c) => answer(c, await files.find(c.var.user.id, idOf(c))))
  app.patch('/uploads/:id', guard, async (c) => {
    const stated = c.req.header('upload-offset') ?? ''
    if (!/^\d{1,15}$/.test(stated)) {
      throw invalidInput('Upload-Offset', 'The header Upload-Offset tells where these bytes begin')
    }
    try {
      const part = { offset: Number(stated), body: bodyStream(c) }
      return answer(c, await files.append(c.var.user.id, idOf(c), part))
    } catch (error) {
      const offset = error instanceof AppError ? error.values.offset : undefined
      if (offset !== undefined) c.header('upload-offset', String(offset))
      throw error
    }
  })
  app.delete('/uploads/:id', guard, async (c) => {
    await files.stop(c.var.user.id, idOf(c))
    return c.body(null, 204)
  })
  return app
}
