/** `/admin/files`: room, limits, the scanner, what stays closed, and what was taken away; page and API. */
import { type Context, Hono } from 'hono'
import * as v from 'valibot'
import { filesPage } from '../../views/admin/files.ts'
import { problemText } from '../../views/language/words.ts'
import type { AccountDeps } from '../accounts/authority.ts'
import { asWeb, type Guards, type SignedIn } from '../accounts/guard.ts'
import { mayPutPolicy } from '../accounts/policy.ts'
import type { Person } from '../accounts/queries.ts'
import { hasRight } from '../accounts/rights.ts'
import { addAudit } from '../audit/entries.ts'
import { AppError, notFound } from '../base/errors.ts'
import { asFileId, type BlobId } from '../base/ids.ts'
import { isoTime, type Millis } from '../base/units.ts'
import type { ChatParts } from '../chat/actions.ts'
import { removeFile } from '../chat/file-removals.ts'
import { metaOf } from '../db/meta.ts'
import { fileRules, fileRulesOf, putFileRules } from '../files/rules.ts'
import { SCANNING, scanAgain } from '../files/scanning.ts'
import type { ApiOperation } from '../web/api.ts'
import { readForm, readJson } from '../web/form.ts'
import type { FrameOf } from '../web/frame.ts'
import {
  branchLimits,
  closedFiles,
  largestSenders,
  removals,
  storedFiles,
  waitingForScanner,
} from './file-queries.ts'

export type FileAdminDeps = AccountDeps & {
  guards: Guards
  frameOf: FrameOf
  chat: ChatParts
  scannerAwaySince(): Millis | undefined
  /** Files are looked at again. */
  rescan(): void
  /** Bytes of the disk. */
  free(): Promise<number>
  /** Files that wait for room on it. */
  waitingForRoom(): number
}

const stored = v.object({ files: v.number(), bytes: v.number() })
const overview = v.object({
  stored: v.object({ here: stored, partial: stored, elsewhere: stored }),
  /** Bytes free on the disk. */
  free: v.number(),
  /** Files of other branches that wait for room on it. */
  waitingForRoom: v.number(),
  people: v.array(
    v.object({ user: v.string(), name: v.string(), files: v.number(), bytes: v.number() }),
  ),
  limits: v.array(v.object({ branch: v.string(), sizeMax: v.number() })),
  rules: fileRules,
  scanner: v.object({
    isAsked: v.boolean(),
    waiting: v.number(),
    awaySince: v.optional(v.string()),
  }),
  closed: v.array(
    v.object({
      ...{ blob: v.string(), file: v.optional(v.string()), name: v.string(), size: v.number() },
      ...{ verdict: v.picklist(['infected', 'failed']), threat: v.string(), at: v.string() },
    }),
  ),
  removals: v.array(
    v.object({
      ...{ file: v.string(), by: v.string(), at: v.string() },
      places: v.array(v.object({ branch: v.string(), at: v.optional(v.string()) })),
    }),
  ),
})
const rulesForm = v.object({
  refused: v.optional(v.string(), ''),
  days: v.optional(v.string(), '0'),
})

export const fileAdminApi: readonly ApiOperation[] = [
  {
    ...{ method: 'get', path: '/admin/files', response: overview, status: 200 },
    summary: 'Read what files there are, whose, the limits, and what stays closed',
  },
  {
    ...{ method: 'put', path: '/admin/files/rules', request: fileRules, response: fileRules },
    ...{ status: 200, summary: 'Change the rules about files, at an issuing branch' },
  },
  {
    ...{ method: 'post', path: '/admin/files/{id}/scan', status: 204 },
    summary: 'Have a file checked again; the id is that of its bytes (`blob`)',
  },
]

type C = Context<SignedIn>

async function factsOf(deps: FileAdminDeps) {
  const db = deps.store.read
  const isAsked = (await metaOf(db, SCANNING)) === 'yes'
  const waiting = isAsked ? await waitingForScanner(db) : 0
  return {
    stored: await storedFiles(db),
    free: await deps.free(),
    waitingForRoom: deps.waitingForRoom(),
    people: await largestSenders(db),
    limits: await branchLimits(db),
    rules: await fileRulesOf(db),
    scanner: { isAsked, waiting, awaySince: deps.scannerAwaySince() },
    closed: await closedFiles(db),
    removals: await removals(db),
  }
}

/** `/admin/files`. */
export function fileAdminRoutes(deps: FileAdminDeps): Hono<SignedIn> {
  const { guards } = deps
  const app = new Hono<SignedIn>()
  app.use('/admin/files', guards.signedIn, guards.admin)
  app.use('/admin/files/*', guards.signedIn, guards.admin)
  app.get('/admin/files', (c) => show(c, deps))
  app.post('/admin/files/rules', async (c) => {
    const given = await readForm(c, rulesForm)
    try {
      await putFileRules(deps, c.var.user, rulesIn(given))
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'invalid-input') throw error
      return await show(c, deps, {
        ...given,
        errors: { [error.field ?? 'refused']: problemText(c.var.t, error) },
      })
    }
    return c.redirect('/admin/files?saved=yes', 303)
  })
  app.post('/admin/files/:id/scan', async (c) => {
    await rescan(deps, c.var.user, c.req.param('id'))
    return c.redirect('/admin/files', 303)
  })
  app.post('/admin/files/:id/remove', async (c) => {
    await removeFile(deps.chat, c.var.user, asFileId(c.req.param('id')))
    return c.redirect('/admin/files', 303)
  })
  return app
}

async function show(
  c: C,
  deps: FileAdminDeps,
  wrong?: { refused: string; days: string; errors: Record<string, string> },
): Promise<Response> {
  const { t, user } = c.var
  const flash = { kind: 'ok' as const, text: t.rules.saved }
  const isSaved = c.req.query('saved') !== undefined && wrong === undefined
  const facts = await factsOf(deps)
  const props = {
    ...facts,
    typed: wrong ?? { refused: facts.rules.refused.join(', '), days: String(facts.rules.days) },
    ...(wrong && { errors: wrong.errors }),
    mayChange: await mayPutPolicy(deps, user),
    mayRemove: hasRight(user.role, 'reports'),
  }
  const frame = deps.frameOf(asWeb(c), isSaved ? { flash } : {})
  return c.html(filesPage(frame, props), wrong ? 422 : 200)
}

/** As typed: commas, spaces or lines between endings, with or without their dots. */
function rulesIn({ refused, days }: v.InferOutput<typeof rulesForm>) {
  const entries = refused
    .split(/[\s,;]+/)
    .map((entry) => entry.replace(/^\*?\./, '').toLowerCase())
    .filter((entry) => entry !== '')
  const read = v.safeParse(fileRules, { refused: entries, days: Number(days) })
  if (read.success) return read.output
  const field = read.issues[0].path?.[0].key === 'days' ? 'days' : 'refused'
  throw new AppError('invalid-input', `Cannot take these rules: ${field}`, {
    field,
    detail: field === 'days' ? 'days-form' : 'refused-form',
  })
}

async function rescan(deps: FileAdminDeps, by: Person, id: string): Promise<void> {
  const isFound = await deps.store.writer.write(async (tx) => {
    if (!(await scanAgain(tx, id as BlobId))) return false
    const subject = { kind: 'file' as const, id, name: '' }
    await addAudit(deps, tx, { action: 'file.scanned-again', by, subject })
    return true
  })
  if (!isFound) throw notFound('file')
  deps.rescan()
}

/** The routes of `fileAdminApi`. */
export function fileAdminApiRoutes(deps: FileAdminDeps): Hono<SignedIn> {
  const { guards } = deps
  const app = new Hono<SignedIn>()
  app.use('/admin/files', guards.bearer, guards.admin)
  app.use('/admin/files/*', guards.bearer, guards.admin)
  app.get('/admin/files', async (c) => {
    const { scanner, closed, removals: gone, ...facts } = await factsOf(deps)
    const { awaySince, ...state } = scanner
    const time = (at: Millis | undefined) => (at === undefined ? {} : { at: isoTime(at) })
    return c.json({
      ...facts,
      scanner: { ...state, ...(awaySince && { awaySince: isoTime(awaySince) }) },
      closed: closed.map((file) => ({ ...file, at: isoTime(file.at) })),
      removals: gone.map(({ places, ...of }) => ({
        ...{ ...of, at: isoTime(of.at) },
        places: places.map(({ branch, at }) => ({ branch, ...time(at) })),
      })),
    })
  })
  app.put('/admin/files/rules', async (c) => {
    await putFileRules(deps, c.var.user, await readJson(c, fileRules))
    return c.json(await fileRulesOf(deps.store.read))
  })
  app.post('/admin/files/:id/scan', async (c) => {
    await rescan(deps, c.var.user, c.req.param('id'))
    return c.body(null, 204)
  })
  return app
}
