/** The API of one's own account and of the directory: mounted at /api/v1, validated by the schemas of `accountApi`. */
import { Hono } from 'hono'
import * as v from 'valibot'
import { notFound } from '../base/errors.ts'
import { asUserId, isId, type UserId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import type { ApiOperation } from '../web/api.ts'
import { readJson, readQuery } from '../web/form.ts'
import { me, meShape, type PresenceOf, person, personShape } from './api-shapes.ts'
import { deviceOf } from './device.ts'
import { directoryPage } from './directory.ts'
import { addressOf, type Guards, type SignedIn } from './guard.ts'
import { firstName, lastName, namesOf, required, theme, typed } from './inputs.ts'
import { editProfile, type OwnPasswordDeps } from './own.ts'
import { PEOPLE_PER_PAGE_MAX, personByLogin } from './queries.ts'
import { wishOf } from './wish-rows.ts'

const PEOPLE_PER_PAGE = 50

const signInRequest = v.object({
  login: required,
  password: required,
  device: v.optional(typed),
  code: v.optional(typed),
})
const signInResponse = v.object({ token: v.string(), user: me })
const meChanges = v.object({
  name: v.optional(firstName),
  firstName: v.optional(firstName),
  lastName: v.optional(lastName),
  language: v.optional(v.picklist(['en', 'uk', 'pt'], 'language-unknown')),
  theme: v.optional(theme),
})
const peopleQuery = v.object({
  q: v.optional(typed, ''),
  /** Id or name of a branch. */
  branch: v.optional(typed),
  department: v.optional(typed),
  limit: v.optional(v.pipe(v.string(), v.regex(/^\d{1,3}$/), v.transform(Number))),
  after: v.optional(typed),
})
const peopleResponse = v.object({ items: v.array(person), next: v.optional(v.string()) })

export const accountApi: readonly ApiOperation[] = [
  {
    method: 'post',
    path: '/sign-in',
    summary:
      'Sign in; a temporary password is refused with password-change-required, a missing code with second-factor-required',
    request: signInRequest,
    response: signInResponse,
    status: 201,
    isOpen: true,
  },
  { method: 'post', path: '/sign-out', summary: 'End the sign-in of this token', status: 204 },
  { method: 'get', path: '/me', summary: 'Read the own account', response: me, status: 200 },
  {
    method: 'patch',
    path: '/me',
    summary: 'Change the own name, language or look',
    request: meChanges,
    response: me,
    status: 200,
  },
  {
    method: 'get',
    path: '/people',
    summary:
      'Find people of all branches by login, login@branch, or words of name, department, post, phone or room',
    query: peopleQuery,
    response: peopleResponse,
    status: 200,
  },
  {
    method: 'get',
    path: '/people/{login}',
    summary: 'Read a person by login or login@branch',
    response: person,
    status: 200,
  },
]

export type AccountApiDeps = OwnPasswordDeps & {
  guards: Guards
  presenceOf: PresenceOf
  /** Those who do not tell this person whether they are there. */
  hiddenFrom(viewer: UserId): Promise<ReadonlySet<UserId>>
}

/** The routes of `accountApi`. */
export function accountApiRoutes(deps: AccountApiDeps): Hono<SignedIn> {
  const { signIns, store, guards, self } = deps
  const app = new Hono<SignedIn>()
  const toldTo = async (viewer: UserId): Promise<PresenceOf> => {
    const hidden = await deps.hiddenFrom(viewer)
    return (user) => (hidden.has(user) ? { state: 'offline' } : deps.presenceOf(user))
  }

  app.post('/sign-in', async (c) => {
    const { login, password, device, code } = await readJson(c, signInRequest)
    const from = { device: device ?? deviceOf(c.req.header('user-agent')), address: addressOf(c) }
    const known = await signIns.signIn({ login, password, kind: 'api', code, ...from })
    return c.json({ token: known.token, user: meShape(known.user) }, 201)
  })

  app.post('/sign-out', guards.bearer, async (c) => {
    await signIns.signOut(c.var.signIn.id, c.var.user)
    return c.body(null, 204)
  })

  app.get('/me', guards.bearer, async (c) =>
    c.json(meShape(c.var.user, await wishOf(store.read, c.var.user.id))),
  )

  app.patch('/me', guards.bearer, async (c) => {
    const { name, ...changes } = await readJson(c, meChanges)
    const names = name === undefined ? {} : namesOf(name)
    const user = await editProfile(deps, c.var.user, { ...names, ...changes })
    return c.json(meShape(user, await wishOf(store.read, user.id)))
  })

  app.get('/people', guards.bearer, async (c) => {
    const query = readQuery(c, peopleQuery)
    const limit = Math.min(Math.max(1, query.limit ?? PEOPLE_PER_PAGE), PEOPLE_PER_PAGE_MAX)
    const branch = query.branch === undefined ? undefined : await branchOf(store.read, query.branch)
    const after = query.after === undefined ? undefined : asUserId(query.after)
    const found = await directoryPage(store.read, {
      except: c.var.user.id,
      department: query.department,
      text: query.q,
      limit: limit + 1,
      branch,
      after,
    })
    const items = found.slice(0, limit)
    const next = found.length > limit ? { next: items.at(-1)?.id } : {}
    const presenceOf = await toldTo(c.var.user.id)
    return c.json({ items: items.map((one) => personShape(one, presenceOf)), ...next })
  })

  app.get('/people/:login', guards.bearer, async (c) => {
    const found = await personByLogin(store.read, self, c.req.param('login'))
    if (found === undefined) throw notFound('person')
    return c.json(personShape(found, await toldTo(c.var.user.id)))
  })
  return app
}

async function branchOf(db: Db, text: string) {
  const branches = await db.selectFrom('branch').select(['id', 'name']).execute()
  const wanted = text.toLowerCase().normalize('NFC')
  const found = branches.find(
    ({ id, name }) => (isId(wanted) && id === wanted) || name.toLowerCase() === wanted,
  )
  if (found === undefined) throw notFound('branch')
  return found.id
}
