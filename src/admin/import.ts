/**
 * The pages of importing and exporting people: file, dry run, progress, slips of paper. Only for admins, and each sees
 * only the imports that are his own.
 */
import type { Context } from 'hono'
import { Hono } from 'hono'
import * as v from 'valibot'
import { type ImportKind, importFormPage, importPage, progress } from '../../views/admin/import.ts'
import { slipsPage } from '../../views/admin/import-slips.ts'
import { problemText } from '../../views/language/words.ts'
import { exportedCsv } from '../accounts/export.ts'
import { asWeb, type Guards, type SignedIn } from '../accounts/guard.ts'
import { IMPORT_LINES_MAX } from '../accounts/import-lines.ts'
import type { Outcome } from '../accounts/import-plan.ts'
import { ENCODINGS, type Encoding, IMPORT_BYTES_MAX } from '../accounts/import-text.ts'
import type { Import, Imports } from '../accounts/imports.ts'
import type { LdapRun } from '../accounts/ldap.ts'
import { AppError } from '../base/errors.ts'
import { MIB, type Millis } from '../base/units.ts'
import type { Store } from '../db/open.ts'
import { checked, readForm, readQuery, ticked } from '../web/form.ts'
import type { FrameOf } from '../web/frame.ts'
import { FileTooLarge, formParts } from '../web/multipart.ts'
import { filterOf, serverAddress } from './users.ts'

export type ImportRouteDeps = {
  store: Store
  clock: { now(): Millis }
  guards: Guards
  frameOf: FrameOf
  imports: Imports
  /** undefined: without LDAP, or never imported from it. */
  lastLdapRun(): Promise<LdapRun | undefined> | undefined
}

/** Lines on one page. */
const LINES_PER_PAGE = 100
/** Longer names of files are cut: they only remind. */
const FILE_NAME_CHARACTERS_MAX = 100

const KINDS = ['refused', 'create', 'change', 'same'] as const
const encoding = v.pipe(
  v.fallback(v.picklist(['', ...ENCODINGS]), ''),
  v.transform((name): Encoding | undefined => (name === '' ? undefined : name)),
)
const importForm = v.object({ encoding: v.optional(encoding, ''), renew: ticked })
const encodingForm = v.object({ encoding })
const pageQuery = v.object({
  show: v.fallback(v.optional(v.picklist(KINDS)), undefined),
  page: v.fallback(v.pipe(v.string(), v.regex(/^\d{1,4}$/), v.transform(Number)), 1),
})

/** `/admin/users/import` and `/admin/users/export.csv`; mount it before `/admin/users/:id`. */
export function importRoutes(deps: ImportRouteDeps): Hono<SignedIn> {
  const { guards, frameOf, imports } = deps
  const app = new Hono<SignedIn>()
  for (const path of ['/admin/users/import', '/admin/users/import/*', '/admin/users/export.csv']) {
    app.use(path, guards.signedIn, guards.admin)
  }
  app.get('/admin/users/export.csv', (c) => exported(c, deps))
  app.get('/admin/users/import', (c) => formPage(c, deps, {}))
  app.post('/admin/users/import', (c) => chosen(c, deps))
  app.get('/admin/users/import/:id', (c) => onePage(c, deps, c.req.param('id')))
  app.get('/admin/users/import/:id/progress', (c) => {
    const found = imports.find(c.var.user, c.req.param('id'))
    if (found.state === 'running') return c.html(progress(frameOf(asWeb(c)), countedOf(found)))
    return c.body(null, 204, { 'HX-Redirect': `/admin/users/import/${found.id}` })
  })
  app.post('/admin/users/import/:id/encoding', async (c) => {
    try {
      const form = await readForm(c, encodingForm)
      const shown = await imports.showAgain(c.var.user, c.req.param('id'), form)
      return c.redirect(`/admin/users/import/${shown.id}`, 303)
    } catch (error) {
      return formPage(c, deps, { error })
    }
  })
  app.post('/admin/users/import/:id/run', (c) => {
    const id = c.req.param('id')
    imports.start(c.var.user, id)
    return c.redirect(`/admin/users/import/${id}`, 303)
  })
  app.post('/admin/users/import/:id/slips', (c) => {
    const id = c.req.param('id')
    const slips = imports.takeSlips(c.var.user, id) ?? []
    return c.html(slipsPage(frameOf(asWeb(c)), { id, slips, address: serverAddress(c) }))
  })
  return app
}

async function chosen(c: Context<SignedIn>, deps: ImportRouteDeps) {
  try {
    const { fields, files } = await formParts(c, { fileBytesMax: IMPORT_BYTES_MAX })
    const form = checked(importForm, fields)
    const { bytes = new Uint8Array(0), name = '' } = files[0] ?? {}
    const shown = await deps.imports.show(c.var.user, {
      ...{ bytes, name: name.slice(0, FILE_NAME_CHARACTERS_MAX) },
      ...{ encoding: form.encoding, renews: form.renew === true },
    })
    return c.redirect(`/admin/users/import/${shown.id}`, 303)
  } catch (error) {
    return formPage(c, deps, { error })
  }
}

async function formPage(
  c: Context<SignedIn>,
  { frameOf, lastLdapRun }: ImportRouteDeps,
  of: { error?: unknown },
) {
  const { error } = of
  const isShown = error instanceof FileTooLarge || (error instanceof AppError && error.field)
  if (error !== undefined && !isShown) throw error
  const limits = { mib: IMPORT_BYTES_MAX / MIB, lines: IMPORT_LINES_MAX }
  const text = error instanceof AppError ? problemText(c.var.t, error) : undefined
  const page = importFormPage(frameOf(asWeb(c)), {
    ...{ encodings: ENCODINGS, limits, error: text },
    ldap: await lastLdapRun(),
  })
  return c.html(page, text === undefined ? 200 : 422)
}

function onePage(c: Context<SignedIn>, { frameOf, imports }: ImportRouteDeps, id: string) {
  const { show: wanted, page: wantedPage } = readQuery(c, pageQuery)
  const found = imports.find(c.var.user, id)
  const outcomes = outcomesOf(found)
  const counts = countsOf(outcomes)
  const show = wanted ?? KINDS.find((kind) => counts[kind] > 0) ?? 'create'
  const chosenLines = outcomes.filter(({ kind }) => kind === show)
  const pages = Math.max(1, Math.ceil(chosenLines.length / LINES_PER_PAGE))
  const page = Math.min(Math.max(1, wantedPage), pages)
  const { name, state, plan } = found
  const props = {
    ...{ ...countedOf(found), name, state, counts, show, page, pages, encodings: ENCODINGS },
    ...{ encoding: plan.file.encoding, isGuess: plan.file.isGuess },
    lines: chosenLines.slice((page - 1) * LINES_PER_PAGE, page * LINES_PER_PAGE),
    toDo: outcomes.filter(
      (one) => one.kind === 'create' || one.kind === 'change' || one.hasPassword,
    ).length,
    slips: found.progress.slips.length,
  }
  return c.html(importPage(frameOf(asWeb(c)), props))
}

/** The dry run before, and what came of it after. */
function outcomesOf({ state, plan, progress: made }: Import): readonly Outcome[] {
  return state === 'shown' || state === 'running' ? plan.outcomes : made.outcomes
}

function countedOf({ id, plan, progress: made }: Import) {
  return { id, done: made.outcomes.length, all: plan.outcomes.length }
}

/** How many lines of each kind. */
export function countsOf(outcomes: readonly Outcome[]): Record<ImportKind, number> {
  const counts = { create: 0, change: 0, same: 0, refused: 0 }
  for (const { kind } of outcomes) counts[kind] += 1
  return counts
}

async function exported(c: Context<SignedIn>, deps: ImportRouteDeps) {
  // Spreadsheets of Ukraine and Portugal take a comma for the decimal sign and split at semicolons.
  const separator = c.var.language === 'en' ? ',' : ';'
  const parts = await exportedCsv(deps, c.var.user, { filter: filterOf(c), separator })
  return c.body(streamOf(parts), 200, {
    'content-type': 'text/csv; charset=utf-8',
    'content-disposition': 'attachment; filename="people.csv"',
  })
}

/** Text in parts as the body of an answer: the next part is made when the one before has gone. */
export function streamOf(parts: AsyncIterator<string>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await parts.next()
      if (done) controller.close()
      else controller.enqueue(encoder.encode(value))
    },
  })
}
