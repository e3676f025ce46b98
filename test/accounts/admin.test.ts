/** Who may do what with accounts: every route of the administration, as everybody. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { disableUser } from '../../src/accounts/actions.ts'
import type { UserId } from '../../src/base/ids.ts'
import { type Office, PASSWORD, twoOffices } from './office.ts'

const FRESH = 'quiet harbour 29'

async function cast(t: Parameters<typeof twoOffices>[0]) {
  const two = await twoOffices(t)
  const { north, south, meet } = two
  const ada = await north.people.found('ada', 'organisation-admin')
  const ned = await north.people.add(ada, { login: 'ned', role: 'branch-admin' })
  const bob = await north.people.add(ada, { login: 'bob' })
  const sam = await south.people.found('sam', 'branch-admin')
  const liv = await south.people.add(sam, { login: 'liv' })
  await meet()
  return { ...two, ada, ned, bob, sam, liv }
}

const tokenOf = async (office: Office, login: string) => (await office.enter(login)).token
const apiTokenOf = async (office: Office, login: string) => {
  const answer = await office.api('POST', '/sign-in', { body: { login, password: PASSWORD } })
  return ((await answer.json()) as { token: string }).token
}

/** Every way to change somebody, with what is needed for it to succeed; the answer to each. */
async function triesAll(office: Office, token: string, whom: { id: UserId; login: string }) {
  const path = `/admin/users/${whom.id}`
  const record = { firstName: 'New', lastName: '', department: '', post: '', phone: '', room: '' }
  return {
    list: (await office.get('/admin/users', token)).status,
    form: (await office.get('/admin/users/new', token)).status,
    page: (await office.get(path, token)).status,
    edit: (await office.post(path, record, token)).status,
    promote: (await office.post(path, { ...record, role: 'branch-admin' }, token)).status,
    password: (await office.post(`${path}/password`, { password: FRESH }, token)).status,
    disable: (await office.post(`${path}/disable`, { confirm: whom.login }, token)).status,
    enable: (await office.post(`${path}/enable`, {}, token)).status,
  }
}

async function triesApi(office: Office, token: string, id: UserId) {
  const path = `/admin/users/${id}`
  const status = async (method: string, at: string, body?: unknown) =>
    (await office.api(method, at, { token, ...(body === undefined ? {} : { body }) })).status
  return {
    create: await status('POST', '/admin/users', {
      login: 'fresh',
      name: 'Fresh One',
      password: FRESH,
    }),
    edit: await status('PATCH', path, { room: '12' }),
    promote: await status('PATCH', path, { role: 'branch-admin' }),
    password: await status('POST', `${path}/password`, { password: FRESH }),
    disable: await status('POST', `${path}/disable`),
    enable: await status('POST', `${path}/enable`),
  }
}

const same = <K extends string>(keys: readonly K[], status: number) =>
  Object.fromEntries(keys.map((key) => [key, status]))
const PAGES = ['list', 'form', 'page', 'edit', 'promote', 'password', 'disable', 'enable'] as const
const CALLS = ['create', 'edit', 'promote', 'password', 'disable', 'enable'] as const

test('without a sign-in the administration leads to the door', async (t) => {
  const { north, bob } = await cast(t)
  assert.deepEqual(await triesAll(north, '', bob), same(PAGES, 303))
  assert.deepEqual(await triesApi(north, '', bob.id), same(CALLS, 401))
})

test('an employee may do nothing there', async (t) => {
  const { north, ned } = await cast(t)
  assert.deepEqual(await triesAll(north, await tokenOf(north, 'bob'), ned), same(PAGES, 403))
  assert.deepEqual(await triesApi(north, await apiTokenOf(north, 'bob'), ned.id), same(CALLS, 403))
  assert.equal((await north.people.get(ned.id)).firstName, 'ned')
})

test('a branch admin as a guest may do nothing there', async (t) => {
  const { north, bob } = await cast(t)
  assert.deepEqual(await triesAll(north, await tokenOf(north, 'sam'), bob), same(PAGES, 403))
  assert.deepEqual(await triesApi(north, await apiTokenOf(north, 'sam'), bob.id), same(CALLS, 403))
})

test('a branch admin manages the people of the own branch', async (t) => {
  const { north, bob } = await cast(t)
  const done = { ...same(PAGES, 303), list: 200, form: 200, page: 200, password: 200 }
  assert.deepEqual(await triesAll(north, await tokenOf(north, 'ned'), bob), done)
  const bobNow = await north.people.get(bob.id)
  assert.deepEqual([bobNow.firstName, bobNow.role, bobNow.disabled], ['New', 'branch-admin', false])
  assert.equal((await north.enter('bob', FRESH)).answer.headers.get('location'), '/password')
})

test('a branch admin reaches neither people of other branches nor somebody with more rights', async (t) => {
  const { north, ada, liv } = await cast(t)
  const token = await tokenOf(north, 'ned')
  const seen = { list: 200, form: 200, page: 200 }
  for (const whom of [liv, ada]) {
    assert.deepEqual(await triesAll(north, token, whom), { ...same(PAGES, 403), ...seen })
    const answer = await north.get(`/admin/users/${whom.id}`, token)
    assert.doesNotMatch(await answer.text(), /action="\/admin\/users\/\w+/)
  }
  assert.equal((await north.enter('ada')).answer.status, 303)
})

test('a branch admin makes no organisation admin, nor an auditor', async (t) => {
  const { north, bob } = await cast(t)
  const token = await apiTokenOf(north, 'ned')
  for (const role of ['organisation-admin', 'auditor']) {
    const path = `/admin/users/${bob.id}`
    assert.equal((await north.api('PATCH', path, { token, body: { role } })).status, 403)
    const body = { login: 'fresh', name: 'Fresh', password: FRESH, role }
    assert.equal((await north.api('POST', '/admin/users', { token, body })).status, 403)
  }
  assert.equal((await north.people.get(bob.id)).role, 'employee')
})

test('an organisation admin at the issuing branch: roles and blocks for all, records for the own people', async (t) => {
  const { north, liv, bob } = await cast(t)
  const token = await apiTokenOf(north, 'ada')
  const all = same(CALLS, 200)
  assert.deepEqual(await triesApi(north, token, bob.id), { ...all, create: 201 })
  const other = await triesApi(north, token, liv.id)
  assert.deepEqual(other, { ...all, create: 422, edit: 403, password: 403 }) // that login is taken now
})

test('an account is made on the page, and its password is shown once', async (t) => {
  const { north } = await cast(t)
  const token = await tokenOf(north, 'ada')
  const record = {
    firstName: '<i>Дана</i>',
    lastName: 'Лис',
    department: 'Sales',
    post: '',
    phone: '',
    room: '',
  }
  const form = { ...record, login: 'Dana', password: FRESH, role: 'employee' }
  const taken = await north.post('/admin/users', { ...form, login: 'b0b' }, token)
  assert.equal(taken.status, 422)
  const again = await taken.text()
  assert.match(again, /looks too much like another/)
  assert.ok(!again.includes(FRESH), 'a password does not come back')
  const made = await north.post('/admin/users', form, token)
  assert.equal(made.status, 200)
  const page = await made.text()
  assert.ok(page.includes(FRESH) && page.includes('&lt;i&gt;Дана'))
  assert.equal((await north.enter('dana', FRESH)).answer.headers.get('location'), '/password')
})

test('a login is never given again, and the same login at another branch is another', async (t) => {
  const { north, south, ada, sam, bob } = await cast(t)
  await disableUser(north.deps, ada, bob.id)
  await assert.rejects(north.people.add(ada, { login: 'bob' }), { detail: 'login-taken' })
  await assert.rejects(north.people.add(ada, { login: 'b.o.b' }), { detail: 'login-lookalike' })
  await assert.rejects(north.people.add(ada, { login: 'l.i.v' }), { detail: 'login-lookalike' })
  const other = await south.people.add(sam, { login: 'bob' })
  assert.notEqual(other.id, bob.id)
})

test('disabling wants the login typed, and nobody disables himself or the last admin', async (t) => {
  const { north, ada, bob, ned } = await cast(t)
  const token = await tokenOf(north, 'ada')
  const wrong = await north.post(`/admin/users/${bob.id}/disable`, { confirm: 'bobb' }, token)
  assert.equal(wrong.status, 422)
  assert.match(await wrong.text(), /type bob exactly/)
  assert.equal((await north.people.get(bob.id)).disabled, false)
  const self = await north.post(`/admin/users/${ada.id}/disable`, { confirm: 'ada' }, token)
  assert.equal(self.status, 403)
  await assert.rejects(disableUser(north.deps, undefined, ada.id), { detail: 'last-admin' })
  await disableUser(north.deps, ada, ned.id)
})

test('the list filters by name, branch and state, page by page', async (t) => {
  const { north, south, ada, bob, meet } = await cast(t)
  const crowd = Array.from({ length: 55 }, (_, i) => 10 + i).map((n) =>
    north.people.add(ada, { login: `crowd.${n}x`, firstName: 'Crowd', lastName: `${n}` }),
  )
  await Promise.all(crowd)
  await disableUser(north.deps, ada, bob.id)
  await meet()
  const token = await tokenOf(north, 'ada')
  const logins = async (query: string) => {
    const text = await (await north.get(`/admin/users?${query}`, token)).text()
    return [...text.matchAll(/<td>([a-z0-9.]+)<\/td><td>(?:North|South)/g)].map((match) => match[1])
  }
  assert.deepEqual(await logins('q=crowd+1'), [
    'crowd.10x',
    'crowd.11x',
    'crowd.12x',
    'crowd.13x',
    'crowd.14x',
    'crowd.15x',
    'crowd.16x',
    'crowd.17x',
    'crowd.18x',
    'crowd.19x',
  ])
  assert.deepEqual(await logins(`branch=${south.keys.id}`), ['liv', 'sam'])
  assert.deepEqual(await logins('state=disabled'), ['bob'])
  assert.equal((await logins('q=crowd')).length, 50)
  assert.equal((await logins('q=crowd&page=2')).length, 5)
  assert.deepEqual(await logins('q=%25'), [])
})
