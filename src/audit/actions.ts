/**
 * Everything the audit log can say: the one list of its actions. The names are stored and exported, so a name never
 * changes its meaning; the words for people stand in views/language/*-audit.ts.
 */

/** `isFailure`: what the filter "only failed" shows. */
const ACTIONS = {
  'sign-in': {},
  'sign-in.failed': { isFailure: true },
  /** More different logins and addresses than are told apart. */
  'sign-in.failed-many': { isFailure: true },
  /** Five wrong PINs or passwords at a shared terminal. */
  'sign-in.pins-wrong': { isFailure: true },
  'sign-out': {},
  /** Ended by the person from another sign-in. */
  'sign-in.ended': {},
  /** Those at every branch, or at another one. */
  'sign-in.ended-all': {},
  'sign-in.expired': {},
  'own.profile': {},
  /** A guest asks the home branch to change the own profile. */
  'own.wish': {},
  'own.password': {},
  /** Set while another branch, cut off, set the one that holds. */
  'own.password-lost': {},
  'own.factor': {},
  'own.factor-codes': {},
  'own.factor-off': {},
  'account.created': {},
  'account.edited': {},
  'account.role': {},
  'account.password': {},
  'account.disabled': {},
  'account.enabled': {},
  'account.factor-removed': {},
  'account.exported': {},
  'policy.changed': {},
  'account.erased': {},
  'invitation.made': {},
  'invitation.used': {},
  'branch.set-up': {},
  'branch.revoked': {},
  'branch.restored': {},
  'branch.rebuilt': {},
  'branch.rolled-back': {},
  'issuer.named': {},
  'certificate.renewed': {},
  'link-key.changed': {},
  'suite.forgotten': {},
  'key.exported': {},
  'key.removed': {},
  'key.imported': {},
  'backup.made': {},
  'backup.dropped': {},
  'recovery.read': {},
  'trace.read': {},
  'report.read': {},
  'report.exported': {},
  'report.closed': {},
  'report.opened': {},
  'audit.read': {},
  'audit.exported': {},
  'file.infected': {},
  'file.scanned-again': {},
  'file.removed': {},
} as const satisfies Record<string, { isFailure?: true }>

export type AuditAction = keyof typeof ACTIONS

/** All of them, in the order of the filter. */
export const AUDIT_ACTIONS = Object.keys(ACTIONS) as readonly AuditAction[]

/** What did not succeed. */
export const FAILURES: readonly AuditAction[] = AUDIT_ACTIONS.filter(
  (action) => 'isFailure' in ACTIONS[action],
)

/** After one of these the log may be shorter than others hold it, or go on in another way. */
export const RECOVERIES: readonly AuditAction[] = [
  'branch.restored',
  'branch.rebuilt',
  'branch.rolled-back',
]

/** Whether a text names an action of this release. */
export function isAuditAction(text: string): text is AuditAction {
  return Object.hasOwn(ACTIONS, text)
}
