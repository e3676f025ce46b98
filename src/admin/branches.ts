/** `/admin/branches`: what this branch is linked with, what waits, and invitations for new branches. */
import { type Context, Hono } from 'hono'
import * as v from 'valibot'
import { type BranchesProps, branchesPage } from '../../views/admin/branches.ts'
import { problemText } from '../../views/language/words.ts'
import type { Guards, SignedIn } from '../accounts/guard.ts'
import { asWeb } from '../accounts/guard.ts'
import type { Person } from '../accounts/queries.ts'
import { AppError } from '../base/errors.ts'
import type { BranchId, UserId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import { DAY } from '../base/units.ts'
import { readForm } from '../web/form.ts'
import type { FrameOf } from '../web/frame.ts'
import type { Clock } from '../world/clock.ts'

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
  bytesIn: number
  bytesOut: number
  clockOffsetMs: number | undefined
  certificateNotAfter: Millis | undefined
}

export type BranchAdminDeps = {
  guards: Guards
  frameOf: FrameOf
  clock: Clock
  branchStates(): Promise<BranchState[]>
  invite(wish: {
    branchName: string
    createdBy: UserId | undefined
    validMs: Millis
  }): Promise<{ line: string; expiresAt: Millis }>
  mayInvite(person: Person): Promise<boolean>
}

const form = v.object({ branch: v.optional(v.pipe(v.string(), v.trim()), '') })

/** The pages of branches; for administrators. */
export function branchAdminRoutes(deps: BranchAdminDeps): Hono<SignedIn> {
  const { guards, frameOf } = deps
  const app = new Hono<SignedIn>()
  for (const path of ['/admin', '/admin/branches', '/admin/invitations']) {
    app.use(path, guards.signedIn, guards.admin)
  }
  app.get('/admin', (c) => c.redirect('/admin/users', 303))
  app.get('/admin/branches', async (c) => {
    return c.html(branchesPage(frameOf(asWeb(c)), await propsOf(c, deps)))
  })
  app.post('/admin/invitations', async (c) => {
    const { branch } = await readForm(c, form)
    const props = await propsOf(c, deps)
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
  return app
}

/** Makes an invitation in a person's name; throws forbidden without the right. */
export async function inviteAs(
  deps: Pick<BranchAdminDeps, 'mayInvite' | 'invite'>,
  person: Person,
  { branch, validMs }: { branch: string; validMs: Millis },
): Promise<{ branch: string; line: string; expiresAt: Millis }> {
  if (!(await deps.mayInvite(person))) {
    throw new AppError('forbidden', 'Cannot invite a branch: only organisation admins can')
  }
  const made = await deps.invite({ branchName: branch, createdBy: person.id, validMs })
  return { branch, ...made }
}

async function propsOf(c: Context<SignedIn>, deps: BranchAdminDeps): Promise<BranchesProps> {
  const now = deps.clock.now()
  const states = await deps.branchStates()
  return {
    mayInvite: await deps.mayInvite(c.var.user),
    branches: states.map((state) => ({
      id: state.id,
      name: state.name,
      isSelf: state.isSelf,
      state: state.isSelf ? 'self' : state.up ? 'up' : 'down',
      since: state.since,
      address: state.address,
      queue: state.outbox,
      lastError: state.up ? undefined : state.lastError,
      bytesSent: state.bytesOut,
      bytesReceived: state.bytesIn,
      clockOffsetMs: state.clockOffsetMs,
      certificateDaysLeft:
        state.certificateNotAfter === undefined
          ? undefined
          : Math.floor((state.certificateNotAfter - now) / DAY),
    })),
  }
}
