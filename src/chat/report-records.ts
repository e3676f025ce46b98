/**
 * Reports to the auditors: 0407 report.put (who, about which chat, why), 0408 report.item (one message each, with the
 * proof that stands in the event log), 0409 report.note (an auditor closes or opens it, and says why). They go to the
 * branches of auditors and organisation admins; nothing in them is ever changed. Source: docs/protocol.md, section 8.
 */
import * as v from 'valibot'
import type { BranchId, ConversationId, UserId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import { type EventKind, type LoggedEvent, Parked } from '../eventlog/events.ts'
import { HASHES_CHARS_MAX } from '../eventlog/proof.ts'
import { count, id } from './fields.ts'
import { demandVoice } from './standing.ts'

/** A page of history; whoever needs more writes a second report. */
export const REPORTED_MAX = 50
/** UTF-16 units: a screen of text. */
export const NOTE_CHARS_MAX = 2000
/** A person's name is 2 of 64, a group's title 100. */
const NAME_CHARS_MAX = 200

const name = v.pipe(v.string(), v.maxLength(NAME_CHARS_MAX))
const note = v.pipe(v.string(), v.maxLength(NOTE_CHARS_MAX))
const base64 = (most: number) => v.pipe(v.string(), v.base64(), v.maxLength(most))
/** A message of 4,000 characters that are all escaped, in base64. */
const BODY_CHARS_MAX = 40_000

const putSchema = v.object({
  id: id<string>(),
  reporter: id<UserId>(),
  conversation: id<ConversationId>(),
  title: name,
  note,
  count: v.pipe(count, v.minValue(1), v.maxValue(REPORTED_MAX)),
})
/** Who wrote it, in words of that day: the signed body holds the id alone. */
const authorSchema = v.object({ id: id<UserId>(), name, login: name, branch: name })
const evidenceSchema = v.object({
  /** The branch that signed it. */
  origin: id<BranchId>(),
  author: authorSchema,
  proof: v.object({
    batch: base64(200),
    hashes: base64(HASHES_CHARS_MAX),
    index: count,
    header: base64(8000),
    body: base64(BODY_CHARS_MAX),
    signature: base64(100),
  }),
})
const itemSchema = v.object({ report: id<string>(), n: count, evidence: evidenceSchema })
const noteSchema = v.object({ report: id<string>(), by: id<UserId>(), closed: v.boolean(), note })

export type ReportBody = v.InferOutput<typeof putSchema>
export type ReportItemBody = v.InferOutput<typeof itemSchema>
export type ReportNoteBody = v.InferOutput<typeof noteSchema>
export type Evidence = v.InferOutput<typeof evidenceSchema>

/** 0407: somebody reports messages. */
export const reportPut: EventKind<ReportBody> = {
  code: 0x0407,
  name: 'report.put',
  scope: 'to',
  parse: (body) => v.parse(putSchema, body),
  async refusal(tx, event) {
    await demandVoice(tx, event, event.body.reporter)
    const known = await reportRow(tx, event.body.id)
    return known === undefined || known.origin === event.origin ? undefined : 'wrong-report'
  },
  async apply(tx, { body, origin, hlc: at }) {
    const { id, reporter: reporterId, conversation: conversationId, title, note, count } = body
    await tx
      .insertInto('report')
      .values({ id, reporterId, conversationId, title, note, count, origin, at })
      .onConflict((on) => on.doNothing())
      .execute()
  },
}

/** 0408: a message of a report. */
export const reportItem: EventKind<ReportItemBody> = {
  code: 0x0408,
  name: 'report.item',
  scope: 'to',
  parse: (body) => v.parse(itemSchema, body),
  async refusal(tx, { body, origin }) {
    const report = await demandReport(tx, body.report)
    return report.origin === origin && body.n < report.count ? undefined : 'wrong-report'
  },
  async apply(tx, { body: { report: reportId, n, evidence } }) {
    await tx
      .insertInto('report_item')
      .values({ reportId, n, evidence: JSON.stringify(evidence) })
      .onConflict((on) => on.doNothing())
      .execute()
  },
}

/** 0409: an auditor decides about a report. */
export const reportNote: EventKind<ReportNoteBody> = {
  code: 0x0409,
  name: 'report.note',
  scope: 'to',
  parse: (body) => v.parse(noteSchema, body),
  async refusal(tx, event) {
    await demandVoice(tx, event, event.body.by)
    await demandReport(tx, event.body.report)
    await demandAuditor(tx, event)
    return undefined
  },
  async apply(tx, { body, hlc: at }) {
    const { report: reportId, by: byId, closed, note } = body
    await tx
      .insertInto('report_note')
      .values({ reportId, at, byId, isClosed: closed ? 1 : 0, note })
      .onConflict((on) => on.doNothing())
      .execute()
  },
}

async function demandReport(tx: Db, report: string) {
  const row = await reportRow(tx, report)
  if (row === undefined) throw new Parked('waits-for-report')
  return row
}

async function demandAuditor(tx: Db, { body }: LoggedEvent<ReportNoteBody>): Promise<void> {
  const row = await tx.selectFrom('user').where('id', '=', body.by).select('role').execute()
  if (row.some(({ role }) => AUDITING.includes(role))) return
  // A role is given by another branch than this comes from: it may still be on its way.
  throw new Parked('waits-for-role')
}

/** Roles that read reports. */
export const AUDITING: readonly string[] = ['auditor', 'organisation-admin']

async function reportRow(tx: Db, report: string) {
  const query = tx.selectFrom('report').where('id', '=', report).select(['origin', 'count'])
  return await query.executeTakeFirst()
}
