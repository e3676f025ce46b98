/** Reads of reports, for those who read all of them: whoever calls has checked that. */
import { fullName, mayWriteFor, peopleByIds } from '../accounts/queries.ts'
import { notFound } from '../base/errors.ts'
import { millisOf } from '../base/hlc.ts'
import type { BranchId, UserId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import { verifyBytes } from '../certificates/signing.ts'
import type { Evidence } from '../chat/report-records.ts'
import type { Db } from '../db/open.ts'
import { type Proved, provedBy } from '../eventlog/proof.ts'

/** More open reports than an organisation has; the newest are shown. */
const REPORTS_MAX = 500

export type Reported = {
  id: string
  /** Who reported it, and the home branch. */
  by: string
  branch: string
  title: string
  conversation: string
  note: string
  at: Millis
  count: number
  arrived: number
  isClosed: boolean
}

/** All reports that have come here, the newest first. */
export async function reportsOf(db: Db): Promise<Reported[]> {
  const rows = await reports(db).orderBy('r.at', 'desc').limit(REPORTS_MAX).execute()
  return rows.map(reportedOf)
}

/** One report; throws not-found. */
export async function getReport(db: Db, id: string): Promise<Reported> {
  const row = await reports(db).where('r.id', '=', id).executeTakeFirst()
  if (row === undefined) throw notFound('report')
  return reportedOf(row)
}

function reports(db: Db) {
  return db
    .selectFrom('report as r')
    .leftJoin('user as u', 'u.id', 'r.reporterId')
    .leftJoin('branch as b', 'b.id', 'u.home')
    .select(['r.id', 'r.at', 'r.title', 'r.note', 'r.count', 'r.conversationId'])
    .select(['u.firstName', 'u.lastName', 'b.name as branch'])
    .select((eb) => [
      eb
        .selectFrom('report_item as i')
        .whereRef('i.reportId', '=', 'r.id')
        .select((inner) => inner.fn.countAll<number>().as('n'))
        .as('arrived'),
      eb
        .selectFrom('report_note as n')
        .whereRef('n.reportId', '=', 'r.id')
        .orderBy('n.at', 'desc')
        .limit(1)
        .select('n.isClosed')
        .as('isClosed'),
    ])
}

type Row = Awaited<ReturnType<ReturnType<typeof reports>['execute']>>[number]

function reportedOf(row: Row): Reported {
  const { id, title, note, count } = row
  return {
    ...{ id, title, note, count, conversation: row.conversationId },
    by: fullName(row.firstName, row.lastName),
    branch: row.branch ?? '',
    at: millisOf(row.at),
    arrived: row.arrived ?? 0,
    isClosed: row.isClosed === 1,
  }
}

/** The messages of a report as they came, in the order of the report. */
export async function evidenceOfReport(db: Db, report: string): Promise<Evidence[]> {
  const rows = await db
    .selectFrom('report_item')
    .where('reportId', '=', report)
    .orderBy('n')
    .select('evidence')
    .execute()
  return rows.map(({ evidence }) => JSON.parse(evidence) as Evidence)
}

type Signature = { kind: 'verified'; branch: string } | { kind: 'unknown-branch' | 'altered' }

type CheckedMessage = {
  by: string
  branch: string
  at: Millis
  body: string
  signature: Signature
}

/** Messages as they are shown: their signatures are checked each time somebody looks. */
export async function checkedMessages(
  db: Db,
  list: readonly Evidence[],
  conversation: string,
): Promise<CheckedMessage[]> {
  const origins = [...new Set(list.map(({ origin }) => origin))]
  const keys = await keysOf(db, origins)
  const people = await peopleByIds(db, [...new Set(list.map(({ author }) => author.id as UserId))])
  const checked: CheckedMessage[] = []
  for (const { origin, author, proof } of list)
    checked.push(await checkedOne({ origin, author, proof }))
  return checked

  async function checkedOne({ origin, author, proof }: Evidence): Promise<CheckedMessage> {
    const branch = keys.get(origin)
    // Who it is, says our own directory; what came with the report is the word of one branch.
    const person = people.find(({ id }) => id === author.id)
    const shown = { by: person?.name ?? author.name, branch: person?.branch.name ?? author.branch }
    if (branch === undefined)
      return { ...shown, ...UNPROVED, signature: { kind: 'unknown-branch' } }
    const proved = provedBy(proof, origin, (domain, bytes, signature) =>
      verifyBytes(branch.signPublicKey, domain, bytes, signature),
    )
    const post = proved && postOf(proved, { author: author.id, conversation })
    const voice = proved && { user: author.id as UserId, branch: origin, at: millisOf(proved.hlc) }
    const isBelieved = voice !== undefined && (await mayWriteFor(db, voice))
    if (!post || !isBelieved) return { ...shown, ...UNPROVED, signature: { kind: 'altered' } }
    return { ...shown, ...post, signature: { kind: 'verified', branch: branch.name } }
  }
}

/** The code of the kind msg.post. */
const MSG_POST = 0x0402
/** Of what is not proved nothing is shown. */
const UNPROVED = { at: 0, body: '' }

/** A signed event that is a message of this author in this chat; what else a branch signed is none. */
function postOf(
  { kind, hlc, body }: Proved,
  of: { author: string; conversation: string },
): { at: Millis; body: string } | undefined {
  const said = body as { author?: unknown; conversation?: unknown; body?: unknown } | null
  if (kind !== MSG_POST || said?.conversation !== of.conversation) return undefined
  if (said.author !== of.author || typeof said.body !== 'string') return undefined
  return { at: millisOf(hlc), body: said.body }
}

async function keysOf(db: Db, origins: readonly BranchId[]) {
  if (origins.length === 0) return new Map<BranchId, { name: string; signPublicKey: Uint8Array }>()
  const rows = await db
    .selectFrom('branch')
    .where('id', 'in', [...origins])
    .select(['id', 'name', 'signPublicKey'])
    .execute()
  return new Map(rows.map((row) => [row.id, row]))
}

/** What was decided about a report, the first first. */
export async function decisionsOf(db: Db, report: string) {
  const rows = await db
    .selectFrom('report_note as n')
    .leftJoin('user as u', 'u.id', 'n.byId')
    .where('n.reportId', '=', report)
    .orderBy('n.at')
    .select(['n.at', 'n.isClosed', 'n.note', 'u.firstName', 'u.lastName'])
    .execute()
  return rows.map(({ at, isClosed, note, firstName, lastName }) => ({
    ...{ by: fullName(firstName, lastName), at: millisOf(at), isClosed: isClosed === 1, note },
  }))
}
