/** `/admin/branches`: what this branch is linked with, what waits, and invitations for new branches. */
import { type Context, Hono } from 'hono'
import * as v from 'valibot'
import { type BranchesProps, branchesPage } from '../../views/admin/branches.ts'
import { problemText } from '../../views/language/words.ts'
import type { Guards, SignedIn } from '../accounts/guard.ts'
import { asWeb } from '../accounts/guard.ts'
import type { Person } from '../accounts/queries.ts'
import type { Doer } from '../audit/entries.ts'
import { AppError } from '../base/errors.ts'
import type { BranchId, UserId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import { DAY } from '../base/units.ts'
import type { ClockProblem } from '../certificates/dates.ts'
import { REASONS } from '../certificates/revocation.ts'
import type { RecoveryState } from '../organisation/recovery.ts'
import type { Revoked, Revoking } from '../relay/revocations.ts'
import type { Suite } from '../relay/suites.ts'
import { readForm } from '../web/form.ts'
import type { FrameOf } from '../web/frame.ts'
import type { Clock } from '../world/clock.ts'
import type { ZeroTierState } from '../zerotier/service.ts'
import { doneText, type KeyDeps, keysProps } from './keys.ts'

/** An operator joins within a day, or asks again. */
export const INVITATION_MS: Millis = DAY

/** A branch as the page and the API tell of it. */
export type BranchState = {
  id: BranchId
  name: string
  isSelf: boolean
  up: boolean
  /** Since when it is linked or not; undefined: never linked. */
  since: Millis | undefined
  address: string | undefined
  /** Events that wait here for it. */
  outbox: number
  lastError: string | undefined
  /** A certificate was refused for its dates; of the own branch: its clock or certificate is wrong. */
  clockProblem: ClockProblem | undefined
  bytesIn: number
  bytesOut: number
  clockOffsetMs: number | undefined
  certificateNotAfter: Millis | undefined
  /** Names of the branches that carry to it while it has no link. */
  over: string[]
  /** Of the link: 2 is the post-quantum one. */
  suite: Suite | undefined
  /** Where and when it last announced itself on the relay's network, within the last minute. */
  announced: { address: string; at: Millis } | undefined
}

/** Mail that goes by way of others, with branches by name. */
export type MailOnTheWay = {
  /** What this branch carries between two others. */
  carried: { from: string; to: string; events: number; bytes: number }[]
  /** What a branch says it wrote for us, and nobody has handed over. */
  missing: { from: string; events: number; since: Millis }[]
}

export type BranchAdminDeps = KeyDeps & {
  guards: Guards
  frameOf: FrameOf
  clock: Clock
  branchStates(): Promise<BranchState[]>
  mailOnTheWay(): Promise<MailOnTheWay>
  /** When the newest copy of the database was made that may still be put back. */
  lastBackup(): Promise<Millis | undefined>
  /** What came back after this database was put back or lost; undefined: nothing to tell. */
  recovery(): Promise<RecoveryState | undefined>
  hideRecovery(by: Doer): Promise<void>
  /** Absent without the token of the local service. */
  zeroTier: (() => Promise<ZeroTierState>) | undefined
  revoked(): Promise<Revoked[]>
  revoke(wish: Revoking): Promise<Revoked>
  invite(wish: {
    branchName: string
    createdBy: UserId | undefined
    by: Doer
    validMs: Millis
  }): Promise<{ line: string; expiresAt: Millis }>
  /** Whether a person may sign for the organisation here: invite branches and revoke them. */
  mayIssue(person: Person): Promise<boolean>
}

/** What a suite is called on the page and in the API. */
export const PROTECTIONS = { 1: 'classical', 2: 'post-quantum' } as const satisfies Record<
  Suite,
  string
>

const text = v.optional(v.pipe(v.string(), v.trim()), '')
const invitationForm = v.object({ branch: text })
const revocationForm = v.object({
  revokedBranch: text,
  reason: v.picklist(REASONS, 'reason-unknown'),
  note: text,
})

const PATHS = [
  ...['/admin', '/admin/branches', '/admin/invitations', '/admin/revocations'],
  '/admin/recovery/read',
] as const

/** The pages of branches; for administrators. */
export function branchAdminRoutes(deps: BranchAdminDeps): Hono<SignedIn> {
  const { guards, frameOf } = deps
  const app = new Hono<SignedIn>()
  for (const path of PATHS) app.use(path, guards.signedIn, guards.admin)
  app.get('/admin', (c) => c.redirect('/admin/users', 303))
  app.get('/admin/branches', async (c) => {
    const text = doneText(c)
    const more = text === undefined ? {} : { flash: { kind: 'ok' as const, text } }
    return c.html(branchesPage(frameOf(asWeb(c), more), await branchesProps(c, deps)))
  })
  app.post('/admin/invitations', async (c) => {
    const { branch } = await readForm(c, invitationForm)
    const props = await branchesProps(c, deps)
    try {
      const invitation = await inviteAs(deps, c.var.user, { branch, validMs: INVITATION_MS })
      return c.html(branchesPage(frameOf(asWeb(c)), { ...props, invitation }), 201)
    } catch (error) {
      if (!(error instanceof AppError) || error.field === undefined) throw error
      const errors = { branch: problemText(c.var.t, error) }
      const page = branchesPage(frameOf(asWeb(c)), { ...props, values: { branch }, errors })
      return c.html(page, error.status)
    }
  })
  app.post('/admin/recovery/read', async (c) => {
    await readForm(c, v.object({}))
    await deps.hideRecovery(c.var.user)
    return c.redirect('/admin/branches', 303)
  })
  app.post('/admin/revocations', async (c) => {
    const { revokedBranch, ...rest } = await readForm(c, revocationForm)
    const wish = { ...rest, name: revokedBranch }
    try {
      await revokeAs(deps, c.var.user, wish)
      return c.redirect('/admin/branches', 303)
    } catch (error) {
      if (!(error instanceof AppError) || error.field === undefined) throw error
      const field = error.field === 'note' ? 'note' : 'revokedBranch'
      const errors = { [field]: problemText(c.var.t, error) }
      const values = { ...rest, revokedBranch }
      const page = branchesPage(frameOf(asWeb(c)), {
        ...(await branchesProps(c, deps)),
        values,
        errors,
      })
      return c.html(page, error.status)
    }
  })
  return app
}

/** Revokes a branch in a person's name; throws forbidden without the right. */
export async function revokeAs(
  deps: Pick<BranchAdminDeps, 'mayIssue' | 'revoke'>,
  person: Person,
  wish: Revoking,
): Promise<Revoked> {
  await demandIssuing(deps, person, 'revoke a branch')
  return await deps.revoke({ ...wish, by: person })
}

/** Makes an invitation in a person's name; throws forbidden without the right. */
export async function inviteAs(
  deps: Pick<BranchAdminDeps, 'mayIssue' | 'invite'>,
  person: Person,
  { branch, validMs }: { branch: string; validMs: Millis },
): Promise<{ branch: string; line: string; expiresAt: Millis }> {
  await demandIssuing(deps, person, 'invite a branch')
  const made = await deps.invite({ branchName: branch, createdBy: person.id, by: person, validMs })
  return { branch, ...made }
}

/** Throws forbidden for whoever may not sign for the organisation here. */
export async function demandIssuing(
  { mayIssue }: Pick<BranchAdminDeps, 'mayIssue'>,
  person: Person,
  what: 'invite a branch' | 'revoke a branch' | 'change the link key',
): Promise<void> {
  if (await mayIssue(person)) return
  throw new AppError('forbidden', `Cannot ${what}: only organisation admins can`)
}

/** What the page shows, to whom asks for it. */
export async function branchesProps(
  c: Context<SignedIn>,
  deps: BranchAdminDeps,
): Promise<BranchesProps> {
  const now = deps.clock.now()
  const states = await deps.branchStates()
  return {
    mayIssue: await deps.mayIssue(c.var.user),
    keys: await keysProps(deps, c.var.user),
    zeroTier: await deps.zeroTier?.(),
    revoked: await deps.revoked(),
    recovery: await deps.recovery(),
    lastBackup: await deps.lastBackup(),
    ...(await deps.mailOnTheWay()),
    branches: states.map((state) => ({
      id: state.id,
      name: state.name,
      isSelf: state.isSelf,
      state: state.isSelf ? 'self' : state.up ? 'up' : 'down',
      since: state.since,
      address: state.address,
      queue: state.outbox,
      over: state.over,
      lastError: state.lastError,
      clockProblem: state.clockProblem,
      bytesSent: state.bytesOut,
      bytesReceived: state.bytesIn,
      clockOffsetMs: state.clockOffsetMs,
      protection: state.suite && PROTECTIONS[state.suite],
      announced: state.announced,
      certificateDaysLeft:
        state.certificateNotAfter === undefined
          ? undefined
          : Math.floor((state.certificateNotAfter - now) / DAY),
    })),
  }
}
