/**
 * Who may do what: the one table of roles and rights, and what an admin may do with an account at this branch. Pure
 * rules, used by the guards, by the pages (what to show), by the actions (what to refuse) and by the API. Who may
 * originate what is in events.ts.
 */
import type { BranchId } from '../base/ids.ts'
import type { Role } from './records.ts'

/** This branch, and whether it holds an issuer certificate. */
export type Here = { self: BranchId; isIssuing: boolean }

type Who = { id: string; role: Role; branch: { id: BranchId } }

export type Rights = {
  /** Record and temporary password: the home branch alone writes them. */
  mayEdit: boolean
  /** Disable and enable. */
  mayBlock: boolean
  /** Delete for ever: where records of the person may be ended, at home or where certificates are issued. */
  mayErase: boolean
  /** Roles that may be given; empty when the role is not theirs to change. */
  roles: readonly Role[]
}

/** Over somebody who was deleted, and of somebody without rights. */
export const NO_RIGHTS: Rights = { mayEdit: false, mayBlock: false, mayErase: false, roles: [] }
const OF_BRANCH_ADMIN: readonly Role[] = ['employee', 'branch-admin']
const ALL: readonly Role[] = ['employee', 'auditor', 'branch-admin', 'organisation-admin']

/** The table: every right, and the roles that have it. Decided in docs/decisions/032-audit-log.md. */
const RIGHTS = {
  /** Accounts, branches, certificates, tracing: the admin area. */
  administration: ['branch-admin', 'organisation-admin'],
  /** What is signed for the organisation: inviting and revoking branches, issuing branches, the link key. */
  organisation: ['organisation-admin'],
  /** Reading and exporting the audit log. Whose doings stand in it, the admins of a branch, do not judge it. */
  audit: ['auditor', 'organisation-admin'],
  /** Reports: what people showed the auditors. */
  reports: ['auditor', 'organisation-admin'],
} as const satisfies Record<string, readonly Role[]>

export type Right = keyof typeof RIGHTS

/** Whether a role has a right somewhere. */
export function hasRight(role: Role, right: Right): boolean {
  const roles: readonly Role[] = RIGHTS[right]
  return roles.includes(role)
}

/** Whether somebody has a right at this branch: a branch admin has his at home only. */
export function may(
  who: Pick<Who, 'role' | 'branch'>,
  right: Right,
  here: { self: BranchId },
): boolean {
  const isHere = who.role !== 'branch-admin' || who.branch.id === here.self
  return isHere && hasRight(who.role, right)
}

/** All rights somebody has at this branch. */
export function rightsHere(
  who: Pick<Who, 'role' | 'branch'>,
  here: { self: BranchId },
): readonly Right[] {
  return (Object.keys(RIGHTS) as Right[]).filter((right) => may(who, right, here))
}

/** What `by` may do with `subject` here; `by` undefined is an operator at the server itself. */
export function rightsOver(by: Who | undefined, subject: Who, here: Here): Rights {
  if (by !== undefined && !may(by, 'administration', here)) return NO_RIGHTS
  const isOwn = subject.branch.id === here.self
  const hasAll = by === undefined || by.role === 'organisation-admin'
  // DANGER: who may set the password of somebody can become that person, so never of somebody with more rights.
  if (!hasAll && !(isOwn && OF_BRANCH_ADMIN.includes(subject.role))) return NO_RIGHTS
  return {
    mayEdit: isOwn,
    // An organisation admin from any branch: the event says who, and all branches look (blocks.ts).
    mayBlock: isOwn || here.isIssuing || by?.role === 'organisation-admin',
    mayErase: isOwn || here.isIssuing,
    roles: rolesFor({ hasAll, isOwn, role: subject.role, here }),
  }
}

function rolesFor(of: {
  hasAll: boolean
  isOwn: boolean
  role: Role
  here: Here
}): readonly Role[] {
  if (of.hasAll && of.here.isIssuing) return ALL
  return of.isOwn && OF_BRANCH_ADMIN.includes(of.role) ? OF_BRANCH_ADMIN : []
}

/** Roles `by` may give to somebody new. */
export function rolesForNew(by: Who | undefined, here: Here): readonly Role[] {
  if (by !== undefined && !may(by, 'administration', here)) return []
  const hasAll = by === undefined || by.role === 'organisation-admin'
  return rolesFor({ hasAll, isOwn: true, role: 'employee', here })
}
