/** Branches with people for tests of accounts: a real store and event log, a quick hasher, the pages and the API. */
import { Hono } from 'hono'
import { accountApiRoutes } from '../../src/accounts/api.ts'
import { auditedUserKinds } from '../../src/accounts/audited.ts'
import { createGuards, type SignedIn } from '../../src/accounts/guard.ts'
import { createUser, type NewPerson, preparePerson } from '../../src/accounts/new-person.ts'
import { ownSignInApiRoutes } from '../../src/accounts/own-sign-in-routes.ts'
import { createPhotoMaker } from '../../src/accounts/photos.ts'
import { getPerson, type Person } from '../../src/accounts/queries.ts'
import type { Role } from '../../src/accounts/records.ts'
import { accountRoutes } from '../../src/accounts/routes.ts'
import { createSignIns } from '../../src/accounts/sign-ins.ts'
import { userWish } from '../../src/accounts/wishes.ts'
import { userAdminApiRoutes } from '../../src/admin/api.ts'
import { rulesApiRoutes, rulesRoutes } from '../../src/admin/rules.ts'
import { userAdminRoutes } from '../../src/admin/users.ts'
import type { UserId } from '../../src/base/ids.ts'
import { putMeta } from '../../src/db/meta.ts'
import type { EventKind } from '../../src/eventlog/events.ts'
import { userStatus } from '../../src/presence/status-events.ts'
import { cookieName } from '../../src/web/cookies.ts'
import { crossSiteGuard } from '../../src/web/cross-site.ts'
import type { Visitor as WebVisitor } from '../../src/web/env.ts'
import { errorHandler, notFoundHandler } from '../../src/web/errors.ts'
import { frames } from '../../src/web/frame.ts'
import { visitor } from '../../src/web/guard.ts'
import { realRandom } from '../../src/world/random.ts'
import { temporaryFolder } from '../db/store.ts'
import {
  exchange,
  handClock,
  type Keys,
  keptLog,
  keysOf,
  startBranch,
} from '../eventlog/fixture.ts'
import { quickHasher } from '../support/quick-hasher.ts'

export const PASSWORD = 'corvid lantern 7'

type Test = { after(fn: () => void | Promise<void>): void }
export type Office = Awaited<ReturnType<typeof office>>

/** Two branches that know each other: north issues certificates and has ada, its organisation admin. */
export async function twoOffices(t: Test) {
  const [northKeys, southKeys] = [keysOf('North'), keysOf('South')]
  const time = handClock()
  const north = await office(t, { keys: northKeys, knows: [southKeys], issuer: northKeys, time })
  const south = await office(t, { keys: southKeys, knows: [northKeys], issuer: northKeys, time })
  const meet = async () => {
    await exchange(north.branch, south.branch)
    await exchange(south.branch, north.branch)
    await exchange(north.branch, south.branch)
  }
  return { north, south, meet, advance: time.advance }
}

export async function office(
  t: Test,
  of: {
    keys: Keys
    knows: Keys[]
    issuer: Keys
    time: ReturnType<typeof handClock>
    more?: readonly object[]
    /** Of a copy that is put back. */
    folder?: string
  },
) {
  const { keys, knows, time } = of
  const { clock } = time
  const branch = await startBranch({
    keys,
    knows,
    folder: of.folder ?? temporaryFolder(t),
    clock,
    kinds: (append) =>
      [
        ...auditedUserKinds({ self: keys.id, clock }),
        ...[userStatus, userWish({ self: keys.id, clock, append }), ...(of.more ?? [])],
      ] as EventKind<unknown>[],
  })
  t.after(() => branch.store.close())
  const { store, log } = branch
  await store.writer.write(async (tx) => {
    await putMeta(tx, { selfBranchId: keys.id })
    const serial = 'first'
    const certificate = new Uint8Array(1)
    await tx
      .insertInto('issuer')
      .values({ serial, branchId: of.issuer.id, certificate })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
    // All branches were linked a moment ago and still are.
    await tx.updateTable('branch').set({ heardAt: clock.now() }).execute()
  })
  const hasher = quickHasher()
  const deps = {
    store,
    append: log.append,
    hasher,
    clock,
    random: realRandom(),
    self: keys.id,
    log: keptLog(),
  }
  const signIns = createSignIns(deps)
  const all = { ...deps, signIns }
  const app = pagesOf(all, keys)
  return {
    keys,
    branch,
    store,
    hasher,
    deps: all,
    signIns,
    app,
    people: people(all),
    ...asking(app, keys),
  }
}

type All = Parameters<typeof createSignIns>[0] & { signIns: ReturnType<typeof createSignIns> }

function pagesOf(deps: All, keys: Keys) {
  const scope = { branchId: keys.id }
  const guards = createGuards({ ...deps, scope })
  const names = () => ({ organisation: 'Example', branch: keys.name })
  const assets = { css: '/a.css', js: '/a.js', icons: '/a.svg' }
  const frameOf = frames({ ...deps, assets, scope, timeZone: 'UTC', names, lockSeconds: 301 })
  const all = { ...deps, guards, frameOf, scope, names, makePhoto: createPhotoMaker() }
  const presenceOf = () => ({ state: 'offline' as const })
  const app = new Hono<WebVisitor>()
  app.onError(errorHandler(all))
  app.notFound(notFoundHandler(all))
  app.use(visitor(deps))
  app.use(guards.visitor)
  app.use(crossSiteGuard({ scope }))
  app.route(
    '/',
    accountRoutes({
      ...all,
      isRebuilding: async () => false,
      isSharedTerminal: () => false,
      statusOf: () => undefined,
    }),
  )
  app.route('/', userAdminRoutes({ ...all, lineTo: () => undefined }))
  app.route('/', rulesRoutes(all))
  app.route(
    '/api/v1',
    ownSignInApiRoutes({ ...all, presenceOf, hiddenFrom: async () => new Set() }),
  )
  app.route('/api/v1', accountApiRoutes({ ...all, presenceOf, hiddenFrom: async () => new Set() }))
  app.route('/api/v1', userAdminApiRoutes(all))
  app.route('/api/v1', rulesApiRoutes(all))
  const chats = new Hono<SignedIn>()
  chats.get('/chats', guards.signedIn, (c) => c.text(`Chats of ${c.var.user.login}`))
  app.route('/', chats)
  return app
}

function people(deps: All) {
  const add = async (by: Person | undefined, input: Partial<NewPerson> & { login: string }) => {
    const { id } = await createUser(deps, by, {
      firstName: input.login,
      password: PASSWORD,
      temporary: false,
      ...input,
    })
    return getPerson(deps.store.read, id)
  }
  return {
    add,
    /** The first admin, as set-up makes one. */
    async found(login: string, role: Extract<Role, 'organisation-admin' | 'branch-admin'>) {
      const admin = {
        login,
        firstName: login,
        lastName: 'Admin',
        password: PASSWORD,
        role,
        temporary: false,
      }
      const prepared = await preparePerson(deps, admin)
      const id = await deps.store.writer.write((tx) => prepared.write(tx))
      return getPerson(deps.store.read, id)
    },
    get: (id: UserId) => getPerson(deps.store.read, id),
  }
}

/** A browser's and a script's way to ask: forms and cookies, JSON and tokens. */
function asking(app: ReturnType<typeof pagesOf>, keys: Keys) {
  const name = cookieName(keys.id)
  const cookieOf = (answer: Response) =>
    answer.headers
      .getSetCookie()
      .map((line) => new RegExp(`^${name}=([^;]*)`).exec(line)?.[1])
      .findLast((value) => value !== undefined)
  const get = (path: string, token?: string, headers: Record<string, string> = {}) =>
    app.request(path, { headers: { ...headers, ...(token ? { cookie: `${name}=${token}` } : {}) } })
  const post = (path: string, fields: Record<string, string>, token?: string) =>
    app.request(path, {
      method: 'POST',
      body: new URLSearchParams(fields),
      headers: {
        'sec-fetch-site': 'same-origin',
        ...(token ? { cookie: `${name}=${token}` } : {}),
      },
    })
  const api = (method: string, path: string, of: { token?: string; body?: unknown } = {}) =>
    app.request(`/api/v1${path}`, {
      method,
      ...(of.body === undefined ? {} : { body: JSON.stringify(of.body) }),
      headers: {
        'content-type': 'application/json',
        ...(of.token ? { authorization: `Bearer ${of.token}` } : {}),
      },
    })
  const enter = async (login: string, password = PASSWORD, token?: string) => {
    const answer = await post('/sign-in', { login, password }, token)
    return { answer, token: cookieOf(answer) ?? '' }
  }
  return { get, post, api, enter, cookieOf }
}
