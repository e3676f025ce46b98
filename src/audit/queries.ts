/** Reading the audit log: newest first, by person, action, time and failure. Only for routes behind the audit guard. */
import { sql } from 'kysely'
import type { UserId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import { type AuditAction, FAILURES } from './actions.ts'
import type { Entry } from './chain.ts'

/** More on one page help nobody. */
export const ENTRIES_PER_PAGE_MAX = 200

export type AuditFilter = {
  /** Who did it, or whom it was done to; with the login as typed, failed sign-ins too. */
  person?: { id: UserId | undefined; login: string } | undefined
  action?: AuditAction | undefined
  /** From this instant on, and before that one. */
  from?: Millis | undefined
  until?: Millis | undefined
  isFailed?: boolean | undefined
}

/** An entry with the names of today. */
export type Shown = Entry & {
  /** Of who did it; null: nobody known, or an operator. */
  whoLogin: string | null
  whoFirstName: string | null
  whoLastName: string | null
  /** Of whom it was done to, if it is a person. */
  subjectLogin: string | null
  subjectFirstName: string | null
  subjectLastName: string | null
  /** What is told of the person beside the chain, and the salt of its hash. */
  toldText: string | null
  toldSalt: Uint8Array | null
  branchName: string | null
}

/** Entries below a number (all, when absent), newest first. */
export async function auditEntries(
  db: Db,
  filter: AuditFilter,
  of: { before?: number | undefined; limit: number },
): Promise<Shown[]> {
  let query = filtered(db, filter).orderBy('audit.n', 'desc').limit(of.limit)
  if (of.before !== undefined) query = query.where('audit.n', '<', of.before)
  return await query.execute()
}

/** Entries above a number up to another, oldest first: for exports. */
export async function auditEntriesUpTo(
  db: Db,
  filter: AuditFilter,
  of: { after: number; upTo: number; limit: number },
): Promise<Shown[]> {
  return await filtered(db, filter)
    .where('audit.n', '>', of.after)
    .where('audit.n', '<=', of.upTo)
    .orderBy('audit.n')
    .limit(of.limit)
    .execute()
}

function filtered(db: Db, { person, action, from, until, isFailed }: AuditFilter) {
  let query = db
    .selectFrom('audit')
    .leftJoin('user', 'user.id', 'audit.userId')
    .leftJoin('branch', 'branch.id', 'audit.branch')
    .leftJoin('user as subject', (join) =>
      join
        .onRef('subject.id', '=', 'audit.subjectId')
        .on('audit.subjectKind', '=', sql.lit('person')),
    )
    .leftJoin('audit_told', 'audit_told.n', 'audit.n')
    .selectAll('audit')
    .select(['user.login as whoLogin', 'user.firstName as whoFirstName'])
    .select(['user.lastName as whoLastName', 'branch.name as branchName'])
    .select(['subject.login as subjectLogin', 'subject.firstName as subjectFirstName'])
    .select(['subject.lastName as subjectLastName'])
    .select(['audit_told.text as toldText', 'audit_told.salt as toldSalt'])
  if (person !== undefined) {
    const { id, login } = person
    query = query.where((eb) =>
      eb.or([
        eb('audit.login', '=', login),
        ...(id === undefined ? [] : [eb('audit.userId', '=', id), eb('audit.subjectId', '=', id)]),
      ]),
    )
  }
  if (action !== undefined) query = query.where('audit.action', '=', action)
  if (from !== undefined) query = query.where('audit.at', '>=', from)
  if (until !== undefined) query = query.where('audit.at', '<', until)
  if (isFailed) query = query.where('audit.action', 'in', [...FAILURES])
  return query
}
