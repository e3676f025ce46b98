/** Entries of the audit log as pages and exports tell them: who it was, by the names of today. */
import type { AuditRow } from '../../views/admin/audit.ts'
import { fullName } from '../accounts/queries.ts'
import { FAILURES } from '../audit/actions.ts'
import type { Shown } from '../audit/queries.ts'

/** Done by no person: the server, or another branch's server, did it. */
const BY_ITSELF = [
  ...['sign-in.expired', 'sign-in.failed-many', 'invitation.used'],
  ...['branch.rolled-back'],
]

/** An entry as the page shows it. */
export function rowOf(entry: Shown): AuditRow {
  const { n, at, action, login, address, subjectKind, subjectName: name } = entry
  const isOfDoer = entry.subjectId !== null && entry.subjectId === entry.userId
  return {
    ...{ n, at, action, login, address, who: whoOf(entry) },
    isFailure: isFailed(action),
    branch: entry.branch === null ? undefined : (entry.branchName ?? entry.branch),
    subject:
      subjectKind === null || isOfDoer
        ? undefined
        : { kind: subjectKind, id: entry.subjectId, name: name ?? '' },
    before: valuesOf(entry.before),
    after: valuesOf(entry.after),
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
  if (userId !== null) return { kind: 'person', id: userId, name: nameOf(entry) }
  if (BY_ITSELF.includes(action)) return { kind: 'system' }
  if (action === 'link-key.changed' && valuesOf(entry.after).isForRevocation === true) {
    return { kind: 'system' }
  }
  return { kind: isFailed(action) ? 'nobody' : 'operator' }
}

function nameOf({ userId, whoLogin, whoFirstName, whoLastName }: Shown): string {
  const name = fullName(whoFirstName, whoLastName)
  if (whoLogin === null) return userId ?? ''
  return name === '' ? whoLogin : `${name} (${whoLogin})`
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
