/** The API of accounts for admins: mounted at /api/v1, validated by the schemas of `userAdminApi`. */
import { Hono } from 'hono'
import * as v from 'valibot'
import {
  disableUser,
  editUser,
  enableUser,
  removeSecondFactor,
  setTemporaryPassword,
} from '../accounts/actions.ts'
import { account, accountShape } from '../accounts/api-shapes.ts'
import type { AccountDeps } from '../accounts/authority.ts'
import type { Guards, SignedIn } from '../accounts/guard.ts'
import * as inputs from '../accounts/inputs.ts'
import { createUser } from '../accounts/new-person.ts'
import { getPerson } from '../accounts/queries.ts'
import { invalidInput } from '../base/errors.ts'
import { asUserId } from '../base/ids.ts'
import type { ApiOperation } from '../web/api.ts'
import { readJson } from '../web/form.ts'

const newUser = v.object({
  ...inputs.recordFields,
  login: inputs.required,
  /** Instead of firstName and lastName. */
  name: v.optional(inputs.firstName),
  /** Drawn, and given in the answer, when absent. */
  password: v.optional(inputs.typed),
  /** False for accounts of scripts: the password need not be changed. */
  temporary: v.optional(v.boolean()),
})
const created = v.object({ ...account.entries, password: v.optional(v.string()) })
const changes = v.object({ ...inputs.recordFields, name: v.optional(inputs.firstName) })
const newPassword = v.object({
  password: v.optional(inputs.typed),
  temporary: v.optional(v.boolean()),
})
const issued = v.object({ password: v.string() })

export const userAdminApi: readonly ApiOperation[] = [
  {
    method: 'post',
    path: '/admin/users',
    summary: 'Create an account of this branch; a photo is added on its page',
    request: newUser,
    response: created,
    status: 201,
  },
  {
    method: 'patch',
    path: '/admin/users/{id}',
    summary: 'Change record or role of an account; what is absent stays',
    request: changes,
    response: account,
    status: 200,
  },
  {
    method: 'post',
    path: '/admin/users/{id}/disable',
    summary: 'Disable an account: every sign-in ends',
    response: account,
    status: 200,
  },
  {
    method: 'delete',
    path: '/admin/users/{id}/second-factor',
    summary:
      'Remove a second factor whose telephone is lost: the password stays, every sign-in ends',
    status: 204,
  },
  {
    method: 'post',
    path: '/admin/users/{id}/enable',
    summary: 'Enable an account again',
    response: account,
    status: 200,
  },
  {
    method: 'post',
    path: '/admin/users/{id}/password',
    summary: 'Set a temporary password; every sign-in ends',
    request: newPassword,
    response: issued,
    status: 200,
  },
]

/** The routes of `userAdminApi`. */
export function userAdminApiRoutes(deps: AccountDeps & { guards: Guards }): Hono<SignedIn> {
  const { guards, store } = deps
  const app = new Hono<SignedIn>()
  app.use('/admin/users', guards.bearer, guards.admin)
  app.use('/admin/users/*', guards.bearer, guards.admin)
  const shown = async (id: string) => accountShape(await getPerson(store.read, asUserId(id)))

  app.post('/admin/users', async (c) => {
    const { name, ...input } = await readJson(c, newUser)
    const names = name === undefined ? {} : inputs.namesOf(name)
    const { firstName, ...person } = { ...input, ...names }
    if (firstName === undefined)
      throw invalidInput('name', 'Cannot create: the name is missing', 'required')
    const { id, password } = await createUser(deps, c.var.user, { ...person, firstName })
    const drawn = input.password === undefined ? { password } : {}
    return c.json({ ...(await shown(id)), ...drawn }, 201)
  })

  app.patch('/admin/users/:id', async (c) => {
    const id = asUserId(c.req.param('id'))
    const { name, ...record } = await readJson(c, changes)
    const names = name === undefined ? {} : inputs.namesOf(name)
    await editUser(deps, c.var.user, { id, changes: { ...record, ...names } })
    return c.json(await shown(id))
  })

  app.post('/admin/users/:id/disable', async (c) => {
    await disableUser(deps, c.var.user, asUserId(c.req.param('id')))
    return c.json(await shown(c.req.param('id')))
  })

  app.delete('/admin/users/:id/second-factor', async (c) => {
    await removeSecondFactor(deps, c.var.user, asUserId(c.req.param('id')))
    return c.body(null, 204)
  })

  app.post('/admin/users/:id/enable', async (c) => {
    await enableUser(deps, c.var.user, asUserId(c.req.param('id')))
    return c.json(await shown(c.req.param('id')))
  })

  app.post('/admin/users/:id/password', async (c) => {
    const input = await readJson(c, newPassword)
    const id = asUserId(c.req.param('id'))
    const { password } = await setTemporaryPassword(deps, c.var.user, { id, ...input })
    return c.json({ password })
  })
  return app
}
