/** The audit log with the same text in every place, for the tests that look at all pages. */
import type { AuditRow } from '../../views/admin/audit.ts'

const AT = 1_800_000_000_000

/** What the page of the audit log shows of a hostile text. */
export function auditProps(text: string) {
  const row: AuditRow = {
    ...{ n: 12_345, at: AT, action: 'account.edited', isFailure: false, branch: text },
    who: { kind: 'person', id: 'ab'.repeat(16), name: text, isErased: false },
    ...{ login: text, address: text, isForgotten: true },
    subject: { kind: 'person', id: 'cd'.repeat(16), name: text, isErased: true },
    before: { role: 'employee', disabled: false, [text]: text },
    after: { role: text, disabled: true, photo: null, until: '2026-11-22T10:00:00.000Z', a: text },
  }
  const strange: AuditRow = {
    ...{ ...row, n: 12_344, action: text, isFailure: true, who: { kind: 'nobody' }, login: null },
    ...{ address: '', branch: undefined },
    subject: { kind: 'branch', id: null, name: text, isErased: false },
    ...{ before: {}, after: {} },
  }
  const told = { number: 1204, at: AT }
  const holder = { isSelf: false, name: text, upTo: 7, lost: told }
  return {
    filter: { person: text, action: '', from: '2026-11-01', until: '', failed: 'yes' },
    ...{
      errors: { person: text },
      actions: ['sign-in', 'sign-out'] as const,
      rows: [row, strange],
    },
    ...{ before: 12_300, isNewest: false, entries: 12_345 },
    check: { entries: 12, brokenAt: 13 },
    confirmations: [
      { ...holder, wrong: { ...told, why: 'shorter' as const } },
      { ...holder, isSelf: true, wrong: { ...told, why: 'different' as const } },
    ],
    held: [{ name: text, number: 3, hash: 'ab'.repeat(32), at: AT, wentBack: true }],
  }
}
