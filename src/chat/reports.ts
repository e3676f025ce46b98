/**
 * Reporting messages to the auditors, deciding about reports, and reports on their way: to the branches of auditors of
 * today, and of those who become one, or sign in elsewhere, later.
 */
import { branchesOf } from '../accounts/queries.ts'
import type { RoleGrant, UserAt } from '../accounts/records.ts'
import { addAudit, type Doer } from '../audit/entries.ts'
import { invalidInput, notFound } from '../base/errors.ts'
import { asMessageId, type BranchId, type ConversationId, isId, type UserId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import type { EventKind, Forward } from '../eventlog/events.ts'
import { proofOf } from '../eventlog/proof.ts'
import type { ChatParts } from './actions.ts'
import { getChat } from './chats.ts'
import { type Line, lineById } from './queries.ts'
import {
  AUDITING,
  type Evidence,
  NOTE_CHARS_MAX,
  REPORTED_MAX,
  reportItem,
  reportNote,
  reportPut,
} from './report-records.ts'

export type Reporting = {
  conversation: ConversationId
  messages: readonly string[]
  note: string
  /** The same twice is one report: a form that is sent again. */
  id?: string | undefined
}

/** Sends the auditors signed copies of messages; the id of the report. Messages of others' chats are not found. */
export async function reportMessages(
  parts: ChatParts,
  viewer: UserId,
  wish: Reporting,
): Promise<string> {
  const { conversation } = wish
  const messages = [...new Set(wish.messages)]
  if (messages.length === 0) throw invalidInput('messages', 'Nothing was chosen', 'report-empty')
  if (messages.length > REPORTED_MAX) {
    const max = REPORTED_MAX
    throw invalidInput('messages', `At most ${max} messages`, 'report-many', { max })
  }
  const note = usableNote(wish.note)
  if (note.trim() === '') throw invalidInput('note', 'A report needs a note', 'required')
  const id = wish.id !== undefined && isId(wish.id) ? wish.id : parts.random.id()
  return await parts.store.writer.write(async (tx) => {
    if (await isKnown(tx, { id, viewer })) return id
    const asker = { id: viewer, at: parts.self }
    const { title } = await getChat(tx, asker, conversation)
    const lines: Line[] = []
    for (const message of messages) {
      const line = await lineById(tx, asker, asMessageId(message))
      if (line.conversation !== conversation) throw notFound('message')
      lines.push(line)
    }
    const to = await auditorBranches(tx, parts.clock.now())
    const put = { id, reporter: viewer, conversation, title, note, count: lines.length }
    await parts.append(tx, { kind: reportPut, body: put, to })
    for (const [n, line] of lines.entries()) {
      const evidence = await evidenceOf(tx, line)
      if (evidence === undefined) throw notFound('message')
      await parts.append(tx, { kind: reportItem, body: { report: id, n, evidence }, to })
    }
    return id
  })
}

function usableNote(text: string): string {
  const note = text.replaceAll('\r\n', '\n').toWellFormed()
  if (note.length <= NOTE_CHARS_MAX) return note
  throw invalidInput('note', 'The note is too long', 'too-long', { max: NOTE_CHARS_MAX })
}

async function isKnown(tx: Db, of: { id: string; viewer: UserId }): Promise<boolean> {
  const known = tx.selectFrom('report').where('id', '=', of.id).select('reporterId')
  const row = await known.executeTakeFirst()
  if (row !== undefined && row.reporterId !== of.viewer) throw notFound('report')
  return row !== undefined
}

/** A message with its proof; undefined when it was erased. */
export async function evidenceOf(db: Db, line: Line): Promise<Evidence | undefined> {
  const proof = await proofOf(db, line.position)
  if (proof === undefined) return undefined
  const { id, name, login, branch } = line.by
  return { origin: line.origin, author: { id, name, login, branch }, proof }
}

/** An auditor closes a report, or opens it again; whoever calls has checked the right. */
export async function decideReport(
  { store, append, clock }: ChatParts,
  by: Doer & { id: UserId },
  wish: { report: string; closed: boolean; note: string },
): Promise<void> {
  const note = usableNote(wish.note)
  const { report, closed } = wish
  await store.writer.write(async (tx) => {
    const known = tx.selectFrom('report').where('id', '=', report).select('title')
    const found = await known.executeTakeFirst()
    if (found === undefined) throw notFound('report')
    const last = await tx
      .selectFrom('report_note')
      .where('reportId', '=', report)
      .orderBy('at', 'desc')
      .limit(1)
      .select(['isClosed', 'note'])
      .executeTakeFirst()
    if ((last?.isClosed === 1) === closed && (last?.note ?? '') === note) return
    const to = await auditorBranches(tx, clock.now())
    await append(tx, { kind: reportNote, body: { report, by: by.id, closed, note }, to })
    await addAudit({ clock }, tx, {
      ...{ action: closed ? 'report.closed' : 'report.opened', by, after: { note } },
      subject: { kind: 'report', id: report, name: found.title },
    })
  })
}

/** Where auditors and organisation admins are: both read reports. */
async function auditorBranches(tx: Db, now: Millis): Promise<BranchId[]> {
  const rows = await tx
    .selectFrom('user')
    .where('role', 'in', ['auditor', 'organisation-admin'])
    .where('disabled', '=', 0)
    .select('id')
    .execute()
  return await branchesOf(
    tx,
    rows.map(({ id }) => id),
    now,
  )
}

type Parts = { forward: Forward; self: BranchId }

/** The kinds by which somebody comes to read reports at a branch: what was written here before goes there too. */
export function followedByReports(
  { userAt, roleGrant }: { userAt: EventKind<UserAt>; roleGrant: EventKind<RoleGrant> },
  parts: Parts,
): { userAt: EventKind<UserAt>; roleGrant: EventKind<RoleGrant> } {
  const followed = <Body extends { user: UserId }>(kind: EventKind<Body>): EventKind<Body> => ({
    ...kind,
    async apply(tx, event) {
      await kind.apply(tx, event)
      await sendReports(parts, tx, { user: event.body.user, now: event.arrivedAt })
    },
  })
  return { userAt: followed(userAt), roleGrant: followed(roleGrant) }
}

const REPORT_KINDS = [reportPut.code, reportItem.code, reportNote.code]

async function sendReports(
  { forward, self }: Parts,
  tx: Db,
  { user, now }: { user: UserId; now: Millis },
): Promise<void> {
  const person = tx.selectFrom('user').where('id', '=', user).select('role')
  if (!AUDITING.includes((await person.executeTakeFirst())?.role ?? '')) return
  // Nearly always there is none: then the log need not be looked through.
  const any = tx.selectFrom('report').select('id').limit(1)
  if ((await any.executeTakeFirst()) === undefined) return
  for (const branch of await branchesOf(tx, [user], now)) {
    if (branch === self) continue
    const missed = await tx
      .selectFrom('event as e')
      .innerJoin('branch as b', 'b.n', 'e.originN')
      .where('b.id', '=', self)
      .where('e.kind', 'in', REPORT_KINDS)
      .where(({ not, exists, selectFrom }) =>
        not(
          exists(
            selectFrom('feed_entry as fe')
              .innerJoin('feed as f', 'f.n', 'fe.feedN')
              .whereRef('fe.position', '=', 'e.position')
              .where('f.destination', '=', branch)
              .select('f.n'),
          ),
        ),
      )
      .select('e.position')
      .orderBy('e.position')
      .execute()
    for (const { position } of missed) await forward(tx, position, branch)
  }
}
