/**
 * What an admin may do with an account at this branch: a pure rule, used by the pages (what to show), by the actions
 * (what to refuse) and by the API. Who may originate what is in events.ts.
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
  /** Roles that may be given; empty when the role is not theirs to change. */
  roles: readonly Role[]
}

const NONE: Rights = { mayEdit: false, mayBlock: false, roles: [] }
const OF_BRANCH_ADMIN: readonly Role[] = ['employee', 'branch-admin']
const ALL: readonly Role[] = ['employee', 'auditor', 'branch-admin', 'organisation-admin']

/** Whether somebody is an admin at this branch: a branch admin is one only at home. */
export function isAdminHere(who: Who, here: { self: BranchId }): boolean {
  if (who.role === 'organisation-admin') return true
  return who.role === 'branch-admin' && who.branch.id === here.self
}

/** What `by` may do with `subject` here; `by` undefined is an operator at the server itself. */
export function rightsOver(by: Who | undefined, subject: Who, here: Here): Rights {
  if (by !== undefined && !isAdminHere(by, here)) return NONE
  const isOwn = subject.branch.id === here.self
  const hasAll = by === undefined || by.role === 'organisation-admin'
  // DANGER: who may set the password of somebody can become that person, so never of somebody with more rights.
  if (!hasAll && !(isOwn && OF_BRANCH_ADMIN.includes(subject.role))) return NONE
  return {
    mayEdit: isOwn,
    mayBlock: isOwn || here.isIssuing,
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
  if (by !== undefined && !isAdminHere(by, here)) return []
  const hasAll = by === undefined || by.role === 'organisation-admin'
  return rolesFor({ hasAll, isOwn: true, role: 'employee', here })
}
