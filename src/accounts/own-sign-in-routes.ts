/** Ending own sign-ins: forms of the profile, and the API. */
import { Hono } from 'hono'
import * as v from 'valibot'
import { notFound } from '../base/errors.ts'
import { asBranchId, asSignInId } from '../base/ids.ts'
import { isoTime } from '../base/units.ts'
import type { ApiOperation } from '../web/api.ts'
import { clearSignInCookie } from '../web/cookies.ts'
import { readQuery } from '../web/form.ts'
import type { AccountApiDeps } from './api.ts'
import type { SignedIn } from './guard.ts'
import { endSignInsAt, type OwnSignIn, signedInElsewhere, signInsOf } from './own-sign-ins.ts'
import type { AccountRouteDeps } from './route-parts.ts'

/** `/profile/sign-ins` and what is under it. */
export function ownSignInRoutes(deps: AccountRouteDeps): Hono<SignedIn> {
  const { guards, signIns, scope } = deps
  const app = new Hono<SignedIn>()
  const back = '/profile?saved=ended'

  app.post('/profile/sign-ins/:id/end', guards.signedIn, async (c) => {
    await signIns.end(c.var.user, asSignInId(c.req.param('id')))
    return c.redirect(back, 303)
  })

  app.post('/profile/sign-ins/at/:branch/end', guards.signedIn, async (c) => {
    await endSignInsAt(deps, c.var.user, asBranchId(c.req.param('branch')))
    return c.redirect(back, 303)
  })

  app.post('/profile/sign-ins/end-others', guards.signedIn, async (c) => {
    await signIns.endOthers(c.var.user, c.var.signIn.id)
    return c.redirect(back, 303)
  })

  app.post('/profile/sign-ins/end-all', guards.signedIn, async (c) => {
    await endSignInsAt(deps, c.var.user)
    clearSignInCookie(c, scope)
    return c.redirect('/sign-in', 303)
  })
  return app
}

const signIn = v.object({
  id: v.string(),
  kind: v.picklist(['browser', 'api']),
  device: v.string(),
  /** Of the machine it was made from. */
  address: v.optional(v.string()),
  createdAt: v.string(),
  lastUsedAt: v.string(),
  isThis: v.boolean(),
  isShared: v.boolean(),
})
const elsewhere = v.object({ branch: v.string(), id: v.string(), until: v.optional(v.string()) })
/** `others` at this branch, or all of them at every branch, this one too. */
const ending = v.object({ which: v.optional(v.picklist(['others', 'everywhere']), 'others') })

export const ownSignInApi: readonly ApiOperation[] = [
  {
    method: 'get',
    path: '/me/sign-ins',
    summary: 'List the own sign-ins at this branch, and other branches that have let one in',
    response: v.object({ items: v.array(signIn), elsewhere: v.array(elsewhere) }),
    status: 200,
  },
  {
    method: 'delete',
    path: '/me/sign-ins',
    summary: 'End all other own sign-ins at this branch, or all of them at every branch',
    query: ending,
    status: 204,
  },
  {
    method: 'delete',
    path: '/me/sign-ins/{id}',
    summary: 'End an own sign-in at this branch',
    status: 204,
  },
  {
    method: 'delete',
    path: '/me/sign-ins/at/{branch}',
    summary: 'End the own sign-ins at another branch',
    status: 204,
  },
]

/** The routes of `ownSignInApi`. */
export function ownSignInApiRoutes(deps: AccountApiDeps): Hono<SignedIn> {
  const { guards, signIns, store, self, clock } = deps
  const app = new Hono<SignedIn>()

  app.get('/me/sign-ins', guards.bearer, async (c) => {
    const { user, signIn } = c.var
    const now = clock.now()
    const own = await signInsOf(store.read, user.id, now)
    const others = await signedInElsewhere(store.read, { self, user, now })
    return c.json({
      items: own.map((one) => ({ ...shapeOf(one), isThis: one.id === signIn.id })),
      elsewhere: others.map(({ branch, until }) => ({
        ...{ branch: branch.name, id: branch.id },
        ...(until === undefined ? {} : { until: isoTime(until) }),
      })),
    })
  })

  app.delete('/me/sign-ins', guards.bearer, async (c) => {
    const { which } = readQuery(c, ending)
    if (which === 'everywhere') await endSignInsAt(deps, c.var.user)
    else await signIns.endOthers(c.var.user, c.var.signIn.id)
    return c.body(null, 204)
  })

  app.delete('/me/sign-ins/:id', guards.bearer, async (c) => {
    await signIns.end(c.var.user, asSignInId(c.req.param('id')))
    return c.body(null, 204)
  })

  app.delete('/me/sign-ins/at/:branch', guards.bearer, async (c) => {
    const branch = asBranchId(c.req.param('branch'))
    const known = await store.read
      .selectFrom('branch')
      .where('id', '=', branch)
      .select('id')
      .executeTakeFirst()
    if (known === undefined) throw notFound('branch')
    await endSignInsAt(deps, c.var.user, branch)
    return c.body(null, 204)
  })
  return app
}

function shapeOf({ id, kind, device, address, isShared, createdAt, usedAt }: OwnSignIn) {
  return {
    ...{ id, kind, device, isShared },
    ...(address === '' ? {} : { address }),
    ...{ createdAt: isoTime(createdAt), lastUsedAt: isoTime(usedAt) },
  }
}
