/** Entries of the audit log as pages and exports tell them: who it was, by the names of today. */
import type { AuditRow } from '../../views/admin/audit.ts'
import { fullName } from '../accounts/queries.ts'
import { FAILURES } from '../audit/actions.ts'
import type { Shown } from '../audit/queries.ts'
import { TOLD, toldHashIn } from '../audit/told.ts'
import { ERASED_NAME } from '../base/erased.ts'

/** Done by no person: the server, or another branch's server, did it. */
const BY_ITSELF = [
  ...['sign-in.expired', 'sign-in.failed-many', 'invitation.used'],
  ...['branch.rolled-back'],
]

/** An entry as the page shows it. */
export function rowOf(entry: Shown): AuditRow {
  const { n, at, action, login, address, subjectKind } = entry
  const isOfDoer = entry.subjectId !== null && entry.subjectId === entry.userId
  const { before, after } = changesOf(entry)
  return {
    ...{ n, at, action, login, address, who: whoOf(entry) },
    isFailure: isFailed(action),
    branch: entry.branch === null ? undefined : (entry.branchName ?? entry.branch),
    subject:
      subjectKind === null || isOfDoer
        ? undefined
        : { kind: subjectKind, id: entry.subjectId, ...subjectOf(entry) },
    ...{ before, after },
    isForgotten: entry.toldText === null && toldHashIn(entry.after) !== undefined,
  }
}

/** Whether an entry is about something that did not succeed. */
function isFailed(action: string): boolean {
  const names: readonly string[] = FAILURES
  return names.includes(action)
}

/** Who it was: a person, an operator at the server, the server itself, or nobody known. */
export function whoOf(entry: Shown): AuditRow['who'] {
  const { userId, action } = entry
  if (userId !== null) {
    const { whoLogin: login, whoFirstName, whoLastName } = entry
    const named = nameOf({ login: login ?? userId, first: whoFirstName, last: whoLastName })
    return { kind: 'person', id: userId, ...named }
  }
  if (BY_ITSELF.includes(action)) return { kind: 'system' }
  if (action === 'link-key.changed' && valuesOf(entry.after).isForRevocation === true) {
    return { kind: 'system' }
  }
  return { kind: isFailed(action) ? 'nobody' : 'operator' }
}

/** Whom it was done to: a person by the name of today. */
export function subjectOf(entry: Shown): { name: string; isErased: boolean } {
  const { subjectLogin: login, subjectFirstName: first, subjectLastName: last } = entry
  if (login === null) return { name: entry.subjectName ?? '', isErased: false }
  return nameOf({ login, first, last })
}

function nameOf(of: { login: string; first: string | null; last: string | null }) {
  const { login, first, last } = of
  const isErased = first === ERASED_NAME
  const name = isErased ? '' : fullName(first, last)
  return { name: name === '' ? login : `${name} (${login})`, isErased }
}

/** What changed: of the chain, and what is told of the person beside it. */
export function changesOf(entry: Shown): Pick<AuditRow, 'before' | 'after'> {
  const { [TOLD]: hash, ...after } = valuesOf(entry.after)
  const isTold = toldHashIn(entry.after) !== undefined
  const told = valuesOf(isTold ? entry.toldText : null)
  const rest = isTold || hash === undefined ? {} : { [TOLD]: hash }
  return {
    before: { ...valuesOf(entry.before), ...objectOf(told.before) },
    after: { ...after, ...rest, ...objectOf(told.after) },
  }
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

/** What stands in `before` or `after`; of a row that somebody changed by hand perhaps nothing that can be read. */
function valuesOf(json: string | null): Record<string, unknown> {
  if (json === null) return {}
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null ? { ...value } : { value }
  } catch {
    return { value: json }
  }
}
