/**
 * `/admin/reports`: what people reported, for auditors and organisation admins and nobody else. Every look at messages
 * is an entry of the audit log: who reads what others wrote is itself written down.
 */
import { type Context, Hono } from 'hono'
import * as v from 'valibot'
import { reportPage, reportsPage } from '../../views/admin/reports.ts'
import { problemText } from '../../views/language/words.ts'
import { asWeb, type Guards, type SignedIn } from '../accounts/guard.ts'
import type { NoteLook } from '../audit/looks.ts'
import { AppError } from '../base/errors.ts'
import { isoTime } from '../base/units.ts'
import type { ChatParts } from '../chat/actions.ts'
import { evidenceFile, evidenceHeaders } from '../chat/evidence.ts'
import { decideReport } from '../chat/reports.ts'
import type { Db } from '../db/open.ts'
import type { ApiOperation } from '../web/api.ts'
import { readForm, readJson } from '../web/form.ts'
import type { FrameOf } from '../web/frame.ts'
import {
  checkedMessages,
  decisionsOf,
  evidenceOfReport,
  getReport,
  type Reported,
  reportsOf,
} from './report-queries.ts'

export type ReportAdminDeps = {
  guards: Guards
  frameOf: FrameOf
  read: Db
  chat: ChatParts
  /** The organisation's id: whoever checks an exported file compares it. */
  organisation: string
  /** Called before anything is shown; when it fails, nothing is. */
  noteLook: NoteLook
}

const decision = v.object({ note: v.optional(v.string(), '') })
const report = v.object({
  ...{ id: v.string(), by: v.string(), branch: v.string(), conversation: v.string() },
  ...{ title: v.string(), note: v.string(), at: v.string(), messages: v.number() },
  ...{ arrived: v.number(), state: v.picklist(['open', 'closed']) },
})
const reports = v.object({ items: v.array(report) })
const whole = v.object({
  ...report.entries,
  evidence: v.array(
    v.object({
      ...{ by: v.string(), branch: v.string(), body: v.string(), at: v.optional(v.string()) },
      /** `verified`: this text is what the author's branch signed. */
      signature: v.picklist(['verified', 'unknown-branch', 'altered']),
      signedBy: v.optional(v.string()),
    }),
  ),
})

const ONE = '/admin/reports/{id}'

export const reportAdminApi: readonly ApiOperation[] = [
  {
    ...{ method: 'get', path: '/admin/reports', response: reports, status: 200 },
    summary: 'List what people reported; for auditors and organisation admins',
  },
  {
    ...{ method: 'get', path: ONE, response: whole, status: 200 },
    summary: 'Read a report with its messages and whether their signatures are right',
  },
  {
    ...{ method: 'get', path: `${ONE}/export`, status: 200, responseType: 'application/json' },
    summary: 'Take a report along with its proofs',
  },
  {
    ...{ method: 'post', path: `${ONE}/close`, request: decision, status: 204 },
    summary: 'Close a report, with a note',
  },
  {
    ...{ method: 'post', path: `${ONE}/open`, request: decision, status: 204 },
    summary: 'Open a report again, with a note',
  },
]

type C = Context<SignedIn>

/** The pages. */
export function reportAdminRoutes(deps: ReportAdminDeps): Hono<SignedIn> {
  const { guards, read, frameOf, organisation } = deps
  const app = new Hono<SignedIn>()
  app.use('/admin/reports', guards.signedIn, guards.reports)
  app.use('/admin/reports/*', guards.signedIn, guards.reports)
  app.get('/admin/reports', async (c) => {
    const frame = frameOf(asWeb(c))
    return c.html(reportsPage(frame, { reports: await reportsOf(read), organisation }))
  })
  app.get('/admin/reports/:id', (c) => showReport(c, deps))
  app.get('/admin/reports/:id/export', (c) => exported(c, deps))
  app.post('/admin/reports/:id/close', (c) => decided(c, deps, true))
  app.post('/admin/reports/:id/open', (c) => decided(c, deps, false))
  return app
}

async function showReport(c: C, deps: ReportAdminDeps, error?: AppError): Promise<Response> {
  const { read, frameOf, noteLook } = deps
  const found = await getReport(read, c.req.param('id') ?? '')
  await noteLook({ action: 'report.read', by: c.var.user, subject: subjectOf(found) })
  const messages = await checkedMessages(
    read,
    await evidenceOfReport(read, found.id),
    found.conversation,
  )
  const decisions = await decisionsOf(read, found.id)
  const text = error && problemText(c.var.t, error)
  const page = reportPage(frameOf(asWeb(c)), { ...found, messages, decisions, error: text })
  return c.html(page, error?.status ?? 200)
}

async function decided(c: C, deps: ReportAdminDeps, closed: boolean): Promise<Response> {
  const { note } = await readForm(c, decision)
  const id = c.req.param('id') ?? ''
  try {
    await decideReport(deps.chat, c.var.user, { report: id, closed, note })
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'invalid-input') throw error
    return await showReport(c, deps, error)
  }
  return c.redirect(`/admin/reports/${id}`, 303)
}

async function exported(c: C, { read, chat, noteLook }: ReportAdminDeps): Promise<Response> {
  const { id: by, name } = c.var.user
  const found = await getReport(read, c.req.param('id') ?? '')
  await noteLook({ action: 'report.exported', by: c.var.user, subject: subjectOf(found) })
  const messages = await evidenceOfReport(read, found.id)
  const { conversation, title, ...rest } = found
  const decisions = await decisionsOf(read, found.id)
  const report = { ...rest, at: isoTime(found.at), decisions }
  const file = await evidenceFile(read, {
    ...{ at: chat.clock.now(), exportedBy: { id: by, name }, messages, report },
    conversation: { id: conversation, title },
  })
  return c.body(JSON.stringify(file, null, 1), 200, evidenceHeaders(file))
}

/** The routes of `reportAdminApi`. */
export function reportAdminApiRoutes(deps: ReportAdminDeps): Hono<SignedIn> {
  const { guards, read, chat, noteLook } = deps
  const app = new Hono<SignedIn>()
  app.use('/admin/reports', guards.bearer, guards.reports)
  app.use('/admin/reports/*', guards.bearer, guards.reports)
  app.get('/admin/reports', async (c) => {
    return c.json({ items: (await reportsOf(read)).map(shapeOf) })
  })
  app.get('/admin/reports/:id', async (c) => {
    const found = await getReport(read, c.req.param('id'))
    await noteLook({ action: 'report.read', by: c.var.user, subject: subjectOf(found) })
    const messages = await checkedMessages(
      read,
      await evidenceOfReport(read, found.id),
      found.conversation,
    )
    const evidence = messages.map(({ by, branch, body, at, signature }) => ({
      ...{ by, branch, body, signature: signature.kind },
      ...(signature.kind === 'verified' ? { at: isoTime(at), signedBy: signature.branch } : {}),
    }))
    return c.json({ ...shapeOf(found), evidence })
  })
  app.get('/admin/reports/:id/export', (c) => exported(c, deps))
  const decide = async (c: C, closed: boolean) => {
    const { note } = await readJson(c, decision)
    const wish = { report: c.req.param('id') ?? '', closed, note }
    await decideReport(chat, c.var.user, wish)
    return c.body(null, 204)
  }
  app.post('/admin/reports/:id/close', (c) => decide(c, true))
  app.post('/admin/reports/:id/open', (c) => decide(c, false))
  return app
}

/** As the audit log names it. */
function subjectOf({ id, title }: Reported) {
  return { kind: 'report' as const, id, name: title }
}

function shapeOf(found: Reported): v.InferOutput<typeof report> {
  const { id, by, branch, conversation, title, note, at, count, arrived, isClosed } = found
  const state = isClosed ? 'closed' : 'open'
  const facts = { id, by, branch, conversation, title, note, arrived, state } as const
  return { ...facts, at: isoTime(at), messages: count }
}
