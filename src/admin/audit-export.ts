/**
 * The audit log as a file: CSV for people (RFC 4180), JSON lines for who wants to check the chain. Written in pieces as
 * the reader takes them, so that a long log costs no memory. docs/operating.md, "Checking an export".
 */
import { FIELDS } from '../audit/chain.ts'
import { addAudit, type Doer } from '../audit/entries.ts'
import { type AuditFilter, auditEntriesUpTo, type Shown } from '../audit/queries.ts'
import { toldHashIn } from '../audit/told.ts'
import { hex, utf8 } from '../base/bytes.ts'
import { isoTime } from '../base/units.ts'
import type { Db, Store } from '../db/open.ts'
import { changesOf, subjectOf, whoOf } from './audit-rows.ts'

type ExportDeps = { store: Store; clock: { now(): number } }

/** Read and written at a time: some 200 KiB. */
const ENTRIES_PER_PIECE = 500
const CSV_TYPE = 'text/csv; charset=utf-8; header=present'
const JSON_LINES_TYPE = 'application/jsonl; charset=utf-8'
/** So that spreadsheets on Windows read Cyrillic letters. */
const BYTE_ORDER_MARK = '\ufeff'

const COLUMNS = [
  ...['number', 'at', 'action', 'who', 'typedLogin', 'address', 'branch'],
  ...['subjectKind', 'subject', 'before', 'after', 'hash'],
]

/** All that a filter lets through, oldest first, as CSV. */
export async function csvOf(
  deps: ExportDeps,
  by: Doer,
  { filter, told }: { filter: AuditFilter; told: string },
): Promise<Response> {
  const upTo = await noteExport(deps, by, { form: 'CSV', filter: told === '' ? undefined : told })
  const head = BYTE_ORDER_MARK + csvLine(COLUMNS)
  const body = streamed(deps.store.read, { filter, upTo, head, lineOf: csvRow })
  return answer(body, { type: CSV_TYPE, name: 'audit.csv' })
}

/** The whole log with its hashes, an entry a line, in the form in which it was hashed. */
export async function jsonLinesOf(deps: ExportDeps, by: Doer): Promise<Response> {
  const upTo = await noteExport(deps, by, { form: 'JSON' })
  const body = streamed(deps.store.read, { filter: {}, upTo, head: '', lineOf: jsonLine })
  return answer(body, { type: JSON_LINES_TYPE, name: 'audit.jsonl' })
}

/** The entry about the export, which is the last one in it. */
async function noteExport(
  { store, clock }: ExportDeps,
  { id, address }: Doer,
  after: { form: string; filter?: string | undefined },
): Promise<number> {
  return await store.writer.write(async (tx) => {
    const entry = { action: 'audit.exported' as const, by: { id, address }, after }
    return await addAudit({ clock }, tx, entry)
  })
}

type Streaming = {
  filter: AuditFilter
  upTo: number
  head: string
  lineOf(entry: Shown): string
}

function streamed(db: Db, { filter, upTo, head, lineOf }: Streaming): ReadableStream<Uint8Array> {
  let after = 0
  let isBegun = false
  return new ReadableStream({
    async pull(controller) {
      if (!isBegun && head !== '') controller.enqueue(utf8(head))
      isBegun = true
      const entries = await auditEntriesUpTo(db, filter, { after, upTo, limit: ENTRIES_PER_PIECE })
      const last = entries.at(-1)
      if (last === undefined) return controller.close()
      after = last.n
      controller.enqueue(utf8(entries.map(lineOf).join('')))
    },
  })
}

function answer(body: ReadableStream<Uint8Array>, { type, name }: { type: string; name: string }) {
  return new Response(body, {
    headers: {
      'Content-Type': type,
      'Content-Disposition': `attachment; filename="${name}"`,
      'Cache-Control': 'no-store',
    },
  })
}

/** The fields as they were hashed, the hash, and what is told beside them with its salt: nothing that is not proved. */
function jsonLine(entry: Shown): string {
  const fields = FIELDS.map((name) => [name, entry[name]] as const)
  const line = { ...Object.fromEntries(fields), hash: hex(entry.hash), ...toldOf(entry) }
  return `${JSON.stringify(line)}\n`
}

/** What is told beside an entry, with the salt of its hash. */
export function toldOf({ after, toldText: text, toldSalt: salt }: Shown) {
  const isTold = toldHashIn(after) !== undefined
  return !isTold || text === null || salt === null ? {} : { told: { salt: hex(salt), text } }
}

const jsonOf = (changed: Readonly<Record<string, unknown>>) =>
  Object.keys(changed).length === 0 ? '' : JSON.stringify(changed)

function csvRow(entry: Shown): string {
  const who = whoOf(entry)
  const { before, after } = changesOf(entry)
  return csvLine([
    ...[String(entry.n), isoTime(entry.at), entry.action],
    ...[who.kind === 'person' ? who.name : who.kind, entry.login ?? '', entry.address],
    ...[entry.branch === null ? '' : (entry.branchName ?? entry.branch)],
    ...[entry.subjectKind ?? '', subjectOf(entry).name, jsonOf(before), jsonOf(after)],
    hex(entry.hash),
  ])
}

const csvLine = (cells: readonly string[]) => `${cells.map(csvCell).join(',')}\r\n`

/** A spreadsheet runs what begins like a formula (OWASP, "CSV Injection"): a quote before it makes it text. */
const FORMULA = /^[=+\-@\t\r]/

/** A cell, quoted where RFC 4180, section 2, demands it. */
function csvCell(text: string): string {
  const safe = FORMULA.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
