/** Reporting messages and taking a chat along with its proofs: pages and the API. */
import { type Context, Hono } from 'hono'
import * as v from 'valibot'
import { reportFormPage } from '../../views/chat/report.ts'
import { problemText } from '../../views/language/words.ts'
import { asWeb, type Guards, type SignedIn } from '../accounts/guard.ts'
import { AppError } from '../base/errors.ts'
import { asConversationId } from '../base/ids.ts'
import type { ApiOperation } from '../web/api.ts'
import { list, readForm, readJson, readQuery } from '../web/form.ts'
import { getChat } from './chats.ts'
import { cursorOf, placeOf } from './cursors.ts'
import { type EvidenceFile, evidenceFile, evidenceHeaders } from './evidence.ts'
import { lineProps } from './line.ts'
import { LINES_PER_PAGE, LINES_PER_PAGE_MAX, type Line, linesBefore } from './queries.ts'
import { type Evidence, REPORTED_MAX } from './report-records.ts'
import { evidenceOf, type Reporting, reportMessages } from './reports.ts'
import { type ChatRoutesParts, viewerOf } from './routes.ts'

/** Messages of one exported file, some megabytes; `older` in it leads on. */
const EXPORTED_MAX = 2000

const query = v.object({ before: v.optional(v.string()) })
const reportForm = v.object({
  id: v.optional(v.string()),
  messages: v.optional(list, []),
  note: v.optional(v.string(), ''),
})
const newReport = v.object({
  conversation: v.string('required'),
  messages: v.array(v.string()),
  note: v.string('required'),
  /** 32 hexadecimal digits: the same again is the same report. */
  id: v.optional(v.string()),
})
const created = v.object({ id: v.string() })

export const reportsApi: readonly ApiOperation[] = [
  {
    ...{ method: 'post', path: '/reports', request: newReport, response: created, status: 201 },
    summary: 'Report up to 50 messages of an own chat to the auditors, with a note',
  },
  {
    ...{ method: 'get', path: '/conversations/{id}/export', query, status: 200 },
    summary: 'Take the newest 2,000 messages of a chat along with their proofs, or older ones',
    responseType: 'application/json',
  },
]

type C = Context<SignedIn>

/** Routes of `/chats/:id/report` and `/chats/:id/export`. */
export function reportRoutes(parts: ChatRoutesParts): Hono<SignedIn> {
  const app = new Hono<SignedIn>()
  app.get('/chats/:id/report', async (c) => {
    const { before } = readQuery(c, query)
    return c.html(await formPage(c, parts, { before }))
  })
  app.post('/chats/:id/report', (c) => send(c, parts))
  app.get('/chats/:id/export', (c) => exported(c, parts))
  return app
}

/** The routes of `reportsApi`. */
export function reportsApiRoutes(parts: ChatRoutesParts & { guards: Guards }): Hono<SignedIn> {
  const app = new Hono<SignedIn>()
  const { bearer } = parts.guards
  app.post('/reports', bearer, async (c) => {
    const { conversation, ...rest } = await readJson(c, newReport)
    const viewer = c.var.user.id
    parts.pace.post(viewer)
    const wish: Reporting = { conversation: asConversationId(conversation), ...rest }
    return c.json({ id: await reportMessages(parts, viewer, wish) }, 201)
  })
  app.get('/conversations/:id/export', bearer, (c) => exported(c, parts))
  return app
}

const conversationOf = (c: C) => asConversationId(c.req.param('id') ?? '')

type Shown = {
  before?: string | undefined
  chosen?: readonly string[]
  note?: string
  id?: string | undefined
  errors?: { messages?: string; note?: string }
}

async function formPage(c: C, parts: ChatRoutesParts, shown: Shown): Promise<string> {
  const conversation = conversationOf(c)
  const viewer = viewerOf(c, parts)
  await getChat(parts.read, viewer, conversation)
  const { before, id = parts.random.id(), ...rest } = shown
  const place = before === undefined ? undefined : placeOf(before, 'before')
  const page = await linesBefore(parts.read, viewer, {
    ...{ conversation, before: place, limit: LINES_PER_PAGE },
  })
  const lines = page.lines.map((line) => lineProps(line))
  const props = { chatId: conversation, id, lines, older: page.next, most: REPORTED_MAX }
  return reportFormPage(parts.frameOf(asWeb(c)), { ...props, ...rest })
}

async function send(c: C, parts: ChatRoutesParts): Promise<Response> {
  const { id, messages, note } = await readForm(c, reportForm)
  const conversation = conversationOf(c)
  const viewer = viewerOf(c, parts)
  try {
    parts.pace.post(viewer.id)
    await reportMessages(parts, viewer.id, { conversation, messages, note, id })
    return c.redirect(`/chats/${conversation}?done=reported`, 303)
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'invalid-input') throw error
    const text = problemText(c.var.t, error)
    const errors = error.field === 'note' ? { note: text } : { messages: text }
    const page = await formPage(c, parts, { chosen: messages, note, id, errors })
    return c.html(page, error.status)
  }
}

async function exported(c: C, parts: ChatRoutesParts): Promise<Response> {
  const { before } = readQuery(c, query)
  const viewer = viewerOf(c, parts)
  const { id, title } = await getChat(parts.read, viewer, conversationOf(c))
  const lines: Line[] = []
  let next = before
  do {
    const page = await linesBefore(parts.read, viewer, {
      ...{ conversation: id, limit: LINES_PER_PAGE_MAX },
      before: next === undefined ? undefined : placeOf(next, 'before'),
    })
    lines.unshift(...page.lines)
    next = page.next
  } while (next !== undefined && lines.length < EXPORTED_MAX)
  const messages: Evidence[] = []
  for (const line of lines) {
    const evidence = await evidenceOf(parts.read, line)
    if (evidence !== undefined) messages.push(evidence)
  }
  const [oldest] = lines
  const older = next !== undefined && oldest ? { older: cursorOf(oldest) } : {}
  const { id: person, name } = c.var.user
  const file: EvidenceFile = await evidenceFile(parts.read, {
    ...{ at: parts.clock.now(), exportedBy: { id: person, name }, messages, ...older },
    conversation: { id, title },
  })
  return c.body(JSON.stringify(file, null, 1), 200, evidenceHeaders(file))
}
