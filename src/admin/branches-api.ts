/** Branches and invitations in the API: the same actions as the pages. */
import { Hono } from 'hono'
import * as v from 'valibot'
import type { SignedIn } from '../accounts/guard.ts'
import { HOUR, isoTime } from '../base/units.ts'
import type { ClockProblem } from '../certificates/dates.ts'
import { REASONS } from '../certificates/revocation.ts'
import type { RecoveryState } from '../organisation/recovery.ts'
import type { Revoked } from '../relay/revocations.ts'
import type { ApiOperation } from '../web/api.ts'
import { readJson } from '../web/form.ts'
import type { ZeroTierState } from '../zerotier/service.ts'
import {
  type BranchAdminDeps,
  type BranchState,
  INVITATION_MS,
  inviteAs,
  PROTECTIONS,
  revokeAs,
} from './branches.ts'

const HOURS_MAX = 30 * 24

const newInvitation = v.object({
  branch: v.string(),
  validHours: v.optional(v.pipe(v.number(), v.minValue(1), v.maxValue(HOURS_MAX))),
})
const invitation = v.object({ invitation: v.string(), expiresAt: v.string() })
const newRevocation = v.object({
  branch: v.string(),
  reason: v.picklist(REASONS, 'reason-unknown'),
  note: v.optional(v.string(), ''),
})
const revocation = v.object({
  branch: v.string(),
  reason: v.picklist(REASONS),
  note: v.string(),
  revokedAt: v.string(),
})
const branch = v.object({
  id: v.string(),
  name: v.string(),
  isSelf: v.boolean(),
  linked: v.boolean(),
  since: v.optional(v.string()),
  address: v.optional(v.string()),
  waiting: v.number(),
  lastError: v.optional(v.string()),
  /** Dates of a certificate (or of the newest event here) that do not fit the clock, and whose clock it probably is. */
  clockProblem: v.optional(
    v.object({
      of: v.picklist(['link', 'issuer', 'records']),
      when: v.picklist(['not-yet', 'expired']),
      byMs: v.number(),
      clock: v.picklist(['here', 'there', 'unknown', 'none']),
    }),
  ),
  certificateNotAfter: v.optional(v.string()),
  /** Who carries to it while there is no link. */
  over: v.array(v.string()),
  protection: v.optional(v.picklist(Object.values(PROTECTIONS))),
  announced: v.optional(v.object({ address: v.string(), at: v.string() })),
})
/** Of the service on this server; absent without its token. */
const zeroTier = v.object({
  state: v.picklist(['answers', 'not-running', 'wrong-token', 'silent', 'other-answer']),
  online: v.optional(v.boolean()),
  networks: v.array(
    v.object({ id: v.string(), status: v.string(), addresses: v.array(v.string()) }),
  ),
})
const carried = v.object({
  from: v.string(),
  to: v.string(),
  events: v.number(),
  bytes: v.number(),
})
/** After the database was put back or lost: how much of this branch's own came back, and who was not linked since. */
const recovery = v.object({
  kind: v.picklist(['restored', 'rebuilt', 'rolled-back']),
  at: v.string(),
  copyAt: v.optional(v.string()),
  cameBack: v.number(),
  notHeard: v.array(v.string()),
})
const missing = v.object({ from: v.string(), events: v.number(), since: v.string() })

export const branchAdminApi: readonly ApiOperation[] = [
  {
    method: 'get',
    path: '/admin/branches',
    summary: 'List the branches and the state of their links',
    response: v.object({
      items: v.array(branch),
      revoked: v.array(revocation),
      carried: v.array(carried),
      missing: v.array(missing),
      /** When the newest copy was made that may still be put back. */
      lastBackup: v.optional(v.string()),
      recovery: v.optional(recovery),
      zeroTier: v.optional(zeroTier),
    }),
    status: 200,
  },
  {
    method: 'post',
    path: '/admin/invitations',
    summary: 'Invite a new branch; the line is shown once',
    request: newInvitation,
    response: invitation,
    status: 201,
  },
  {
    method: 'post',
    path: '/admin/revocations',
    summary: 'Revoke a branch for good: no link to it opens, nothing it writes is taken',
    request: newRevocation,
    response: revocation,
    status: 201,
  },
]

/** The routes of `branchAdminApi`. */
export function branchAdminApiRoutes(deps: BranchAdminDeps): Hono<SignedIn> {
  const { guards } = deps
  const app = new Hono<SignedIn>()
  for (const path of ['/admin/branches', '/admin/invitations', '/admin/revocations']) {
    app.use(path, guards.bearer, guards.admin)
  }
  app.get('/admin/branches', async (c) => {
    const [states, revoked] = [await deps.branchStates(), await deps.revoked()]
    const mail = await deps.mailOnTheWay()
    const local = await deps.zeroTier?.()
    const recovered = await deps.recovery()
    const madeAt = await deps.lastBackup()
    return c.json({
      items: states.map(branchShape),
      revoked: revoked.map(revocationShape),
      carried: mail.carried,
      missing: mail.missing.map((each) => ({ ...each, since: isoTime(each.since) })),
      ...(madeAt === undefined ? {} : { lastBackup: isoTime(madeAt) }),
      ...(recovered && { recovery: recoveryShape(recovered) }),
      ...(local === undefined ? {} : { zeroTier: zeroTierShape(local) }),
    })
  })
  app.post('/admin/invitations', async (c) => {
    const wish = await readJson(c, newInvitation)
    const validMs = wish.validHours === undefined ? INVITATION_MS : wish.validHours * HOUR
    const made = await inviteAs(deps, c.var.user, { branch: wish.branch, validMs })
    return c.json({ invitation: made.line, expiresAt: isoTime(made.expiresAt) }, 201)
  })
  app.post('/admin/revocations', async (c) => {
    const { branch: name, reason, note } = await readJson(c, newRevocation)
    const revoked = await revokeAs(deps, c.var.user, { name, reason, note })
    return c.json(revocationShape(revoked), 201)
  })
  return app
}

function revocationShape(of: Revoked): v.InferOutput<typeof revocation> {
  const { name, reason, note, revokedAt } = of
  return { branch: name, reason, note, revokedAt: isoTime(revokedAt) }
}

function branchShape(state: BranchState): v.InferOutput<typeof branch> {
  const { id, name, isSelf, address, lastError, announced, clockProblem } = state
  return {
    ...{ id, name, isSelf, linked: state.isSelf || state.up, waiting: state.outbox },
    over: state.over,
    ...(state.since === undefined ? {} : { since: isoTime(state.since) }),
    ...(address === undefined ? {} : { address }),
    ...((state.isSelf && state.up) || lastError === undefined ? {} : { lastError }),
    ...(clockProblem && { clockProblem: clockProblemShape(clockProblem) }),
    ...(state.suite === undefined ? {} : { protection: PROTECTIONS[state.suite] }),
    ...(announced && { announced: { address: announced.address, at: isoTime(announced.at) } }),
    ...(state.certificateNotAfter === undefined
      ? {}
      : { certificateNotAfter: isoTime(state.certificateNotAfter) }),
  }
}

function recoveryShape({ at, copyAt, ...rest }: RecoveryState): v.InferOutput<typeof recovery> {
  return { ...rest, at: isoTime(at), ...(copyAt === undefined ? {} : { copyAt: isoTime(copyAt) }) }
}

function clockProblemShape({ by, ...rest }: ClockProblem) {
  return { ...rest, byMs: by }
}

function zeroTierShape(of: ZeroTierState): v.InferOutput<typeof zeroTier> {
  if (of.kind === 'away') return { state: of.reason, networks: [] }
  const networks = of.networks.map(({ id, status, addresses }) => ({ id, status, addresses }))
  return { state: 'answers', online: of.isOnline, networks }
}
