/** Rules of the organisation: the page and the API. Everybody in the administration reads them. */
import { Hono } from 'hono'
import * as v from 'valibot'
import { rulesPage } from '../../views/admin/rules.ts'
import type { AccountDeps } from '../accounts/authority.ts'
import { asWeb, type Guards, type SignedIn } from '../accounts/guard.ts'
import { mayPutPolicy, policyOf, putPolicy } from '../accounts/policy.ts'
import { ROLES } from '../accounts/records.ts'
import type { ApiOperation } from '../web/api.ts'
import { list, readForm, readJson } from '../web/form.ts'
import type { FrameOf } from '../web/frame.ts'

type RulesDeps = AccountDeps & { guards: Guards; frameOf: FrameOf }

const roles = v.array(v.picklist(ROLES, 'role-unknown'))
const rules = v.object({ secondFactorFor: roles })
const rulesForm = v.object({ secondFactorFor: v.pipe(list, roles) })

export const rulesApi: readonly ApiOperation[] = [
  {
    method: 'get',
    path: '/admin/rules',
    summary: 'Read the rules of the organisation: which roles need a second factor',
    response: rules,
    status: 200,
  },
  {
    method: 'put',
    path: '/admin/rules',
    summary: 'Change the rules of the organisation, at an issuing branch',
    request: rules,
    response: rules,
    status: 200,
  },
]

/** `/admin/rules`. */
export function rulesRoutes(deps: RulesDeps): Hono<SignedIn> {
  const { guards, frameOf, store } = deps
  const app = new Hono<SignedIn>()
  app.use('/admin/rules', guards.signedIn, guards.admin)
  app.get('/admin/rules', async (c) => {
    const { secondFactorFor } = await policyOf(store.read)
    const isSaved = c.req.query('saved') !== undefined
    const flash = { kind: 'ok' as const, text: c.var.t.rules.saved }
    const props = {
      roles: ROLES.map((role) => ({ role, isOn: secondFactorFor.includes(role) })),
      mayChange: await mayPutPolicy(deps, c.var.user),
    }
    return c.html(rulesPage(frameOf(asWeb(c), isSaved ? { flash } : {}), props))
  })
  app.post('/admin/rules', async (c) => {
    await putPolicy(deps, c.var.user, await readForm(c, rulesForm))
    return c.redirect('/admin/rules?saved=yes', 303)
  })
  return app
}

/** The routes of `rulesApi`. */
export function rulesApiRoutes(deps: RulesDeps): Hono<SignedIn> {
  const { guards, store } = deps
  const app = new Hono<SignedIn>()
  app.use('/admin/rules', guards.bearer, guards.admin)
  app.get('/admin/rules', async (c) => c.json(await policyOf(store.read)))
  app.put('/admin/rules', async (c) => {
    await putPolicy(deps, c.var.user, await readJson(c, rules))
    return c.json(await policyOf(store.read))
  })
  return app
}
