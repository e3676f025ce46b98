/** Signing in, staying in, going out: pages and API over a real store. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { disableUser, setTemporaryPassword } from '../../src/accounts/actions.ts'
import { DAY, HOUR, MINUTE } from '../../src/base/units.ts'
import { PASSWORD, twoOffices } from './office.ts'

test('a person signs in, is known by the cookie, and is unknown after signing out', async (t) => {
  const { north } = await twoOffices(t)
  await north.people.found('ada', 'organisation-admin')
  const { answer, token } = await north.enter('ada')
  assert.equal(answer.status, 303)
  assert.equal(answer.headers.get('location'), '/chats')
  assert.equal(await (await north.get('/chats', token)).text(), 'Chats of ada')

  const out = await north.post('/sign-out', {}, token)
  assert.equal(out.headers.get('location'), '/sign-in')
  const after = await north.get('/chats', token)
  assert.equal(after.status, 303)
  assert.equal(after.headers.get('location'), '/sign-in')
})

test('only a hash of the token is stored', async (t) => {
  const { north } = await twoOffices(t)
  await north.people.found('ada', 'organisation-admin')
  const { token } = await north.enter('ada')
  const rows = await north.store.read.selectFrom('sign_in').selectAll().execute()
  assert.equal(rows.length, 1)
  const stored = JSON.stringify(
    rows.map((row) => ({ ...row, text: Buffer.from(row.tokenHash).toString('latin1') })),
  )
  assert.ok(!stored.includes(token))
  assert.ok(token.length === 43)
})

test('a sign-in never goes on with a token the browser brought', async (t) => {
  const { north } = await twoOffices(t)
  await north.people.found('ada', 'organisation-admin')
  await north.people.add(undefined, { login: 'mallory' })
  const planted = (await north.enter('mallory')).token
  const { token } = await north.enter('ada', PASSWORD, planted)
  assert.notEqual(token, planted)
  assert.equal((await north.get('/chats', planted)).status, 303) // mallory's own sign-in has ended
  const invented = 'A'.repeat(43)
  const second = await north.enter('ada', PASSWORD, invented)
  assert.notEqual(second.token, invented)
  assert.equal((await north.get('/chats', invented)).status, 303)
})

test('a wrong password and an unknown login get the same answer and cost the same work', async (t) => {
  const { north } = await twoOffices(t)
  await north.people.found('ada', 'organisation-admin')
  const before = north.hasher.calls.length
  const wrong = await north.enter('ada', 'not the password')
  const unknown = await north.enter('nobody', 'not the password')
  assert.equal(north.hasher.calls.length, before + 2)
  assert.deepEqual([wrong.answer.status, unknown.answer.status], [422, 422])
  const text = async (answer: Response) =>
    (await answer.text()).replace(/value="[^"]*"|content="[0-9a-f]*"/g, '')
  assert.equal(await text(wrong.answer), await text(unknown.answer))
})

test('somebody who guesses is slowed down, and the colleague still gets in from her own desk', async (t) => {
  const { north, advance } = await twoOffices(t)
  await north.people.found('ada', 'organisation-admin')
  const from = (address: string, password: string) =>
    north.signIns.signIn({ login: 'ada', password, device: '', kind: 'browser', address })
  await from('10.0.0.1', PASSWORD)
  for (let n = 0; n < 10; n++) {
    await assert.rejects(from('10.0.0.66', `guess number ${n}`), { code: 'not-signed-in' })
  }
  const hashed = north.hasher.calls.length
  await assert.rejects(from('10.0.0.66', PASSWORD), { code: 'too-many' })
  assert.equal(north.hasher.calls.length, hashed, 'a refused attempt costs no hashing')
  await from('10.0.0.1', PASSWORD)
  advance(MINUTE)
  await from('10.0.0.66', PASSWORD)
})

test('the answer to too many attempts says when to try again', async (t) => {
  const { north } = await twoOffices(t)
  let answer = (await north.enter('ada', 'guess')).answer
  for (let n = 0; n < 15; n++) answer = (await north.enter('ada', 'guess')).answer
  assert.equal(answer.status, 429)
  assert.match(answer.headers.get('retry-after') ?? '', /^\d+$/)
})

test('a temporary password opens nothing until it is changed', async (t) => {
  const { north } = await twoOffices(t)
  await north.people.found('ada', 'organisation-admin')
  await north.people.add(undefined, { login: 'bob', temporary: true })
  const { answer, token } = await north.enter('bob')
  assert.equal(answer.headers.get('location'), '/password')
  assert.equal((await north.get('/chats', token)).headers.get('location'), '/password')
  assert.equal(
    (await north.api('POST', '/sign-in', { body: { login: 'bob', password: PASSWORD } })).status,
    403,
  )

  const same = await north.post('/password', { password: PASSWORD, repeat: PASSWORD }, token)
  assert.equal(same.status, 422)
  const fresh = 'quiet harbour 29'
  const changed = await north.post('/password', { password: fresh, repeat: fresh }, token)
  assert.equal(changed.status, 303)
  const next = north.cookieOf(changed) ?? ''
  assert.notEqual(next, token)
  assert.equal((await north.get('/chats', token)).status, 303, 'the old token has ended')
  assert.equal(await (await north.get('/chats', next)).text(), 'Chats of bob')
  assert.equal((await north.enter('bob')).answer.status, 422)
})

test('changing the password ends all other sign-ins and wants the present one', async (t) => {
  const { north } = await twoOffices(t)
  await north.people.found('ada', 'organisation-admin')
  const here = (await north.enter('ada')).token
  const there = (await north.enter('ada')).token
  const fields = {
    current: 'not this one',
    password: 'quiet harbour 29',
    repeat: 'quiet harbour 29',
  }
  assert.equal((await north.post('/profile/password', fields, here)).status, 422)
  assert.equal((await north.get('/chats', there)).status, 200)
  const done = await north.post('/profile/password', { ...fields, current: PASSWORD }, here)
  assert.equal(done.headers.get('location'), '/profile?saved=password')
  assert.equal((await north.get('/chats', there)).status, 303)
  assert.equal((await north.get('/chats', north.cookieOf(done))).status, 200)
})

test('a disabled person is out at once and does not come in again', async (t) => {
  const { north } = await twoOffices(t)
  const ada = await north.people.found('ada', 'organisation-admin')
  const bob = await north.people.add(ada, { login: 'bob' })
  const { token } = await north.enter('bob')
  assert.equal((await north.get('/chats', token)).status, 200)
  await disableUser(north.deps, ada, bob.id)
  assert.equal((await north.get('/chats', token)).status, 303)
  const again = await north.enter('bob')
  assert.equal(again.answer.status, 403)
  assert.match(await again.answer.text(), /disabled/)
  const wrong = await north.enter('bob', 'not the password')
  assert.doesNotMatch(await wrong.answer.text(), /disabled/, 'a stranger learns nothing')
})

test('a browser at home stays signed in while it is used, and not two weeks after', async (t) => {
  const { north, advance } = await twoOffices(t)
  await north.people.found('ada', 'organisation-admin')
  const { token } = await north.enter('ada')
  for (let day = 0; day < 3; day++) {
    advance(10 * DAY)
    assert.equal((await north.get('/chats', token)).status, 200)
    await north.store.writer.write(async () => {}) // the note of the use is written behind the answer
  }
  advance(15 * DAY)
  assert.equal((await north.get('/chats', token)).status, 303)
})

test('the use of a sign-in is noted at most once a minute', async (t) => {
  const { north, advance } = await twoOffices(t)
  await north.people.found('ada', 'organisation-admin')
  const { token } = await north.enter('ada')
  const usedAt = async () => {
    await north.store.writer.write(async () => {})
    return (await north.store.read.selectFrom('sign_in').select('usedAt').executeTakeFirstOrThrow())
      .usedAt
  }
  const first = await usedAt()
  advance(30_000)
  await north.get('/chats', token)
  assert.equal(await usedAt(), first)
  advance(30_000)
  await north.get('/chats', token)
  assert.equal(await usedAt(), first + MINUTE)
})

test('after signing in a person goes on where he was, and never to another site', async (t) => {
  const { north } = await twoOffices(t)
  await north.people.found('ada', 'organisation-admin')
  const asked = await north.get('/profile?saved=x')
  assert.equal(
    asked.headers.get('location'),
    `/sign-in?next=${encodeURIComponent('/profile?saved=x')}`,
  )
  const to = async (next: string) =>
    (await north.post('/sign-in', { login: 'ada', password: PASSWORD, next })).headers.get(
      'location',
    )
  assert.equal(await to('/profile'), '/profile')
  for (const elsewhere of [
    '//evil.example',
    'https://evil.example',
    '/\\evil.example',
    '\t//evil',
  ]) {
    assert.equal(await to(elsewhere), '/chats')
  }
})

test('a part of a page asked for without a sign-in sends the whole page to the door', async (t) => {
  const { north } = await twoOffices(t)
  const answer = await north.get('/chats', undefined, { 'hx-request': 'true' })
  assert.equal(answer.status, 204)
  assert.equal(answer.headers.get('hx-redirect'), '/sign-in')
})

test('the API takes tokens and no cookies, pages take cookies and no tokens', async (t) => {
  const { north } = await twoOffices(t)
  await north.people.found('ada', 'organisation-admin')
  const { token: cookie } = await north.enter('ada')
  const signedIn = await north.api('POST', '/sign-in', {
    body: { login: 'ada', password: PASSWORD, device: 'bot' },
  })
  assert.equal(signedIn.status, 201)
  const { token, user } = (await signedIn.json()) as {
    token: string
    user: { login: string; branch: string }
  }
  assert.deepEqual([user.login, user.branch], ['ada', 'North'])
  assert.equal((await north.api('GET', '/me', { token })).status, 200)
  assert.equal((await north.api('GET', '/me', { token: cookie })).status, 401)
  assert.equal((await north.get('/api/v1/me', cookie)).status, 401)
  assert.equal((await north.get('/chats', token)).status, 303)
  assert.equal((await north.api('POST', '/sign-out', { token })).status, 204)
  assert.equal((await north.api('GET', '/me', { token })).status, 401)
})

test('a short login means this branch first, then the only match, else the branch must be said', async (t) => {
  const { north, south, meet } = await twoOffices(t)
  await north.people.found('ada', 'organisation-admin')
  await north.people.add(undefined, { login: 'eve' })
  await south.people.add(undefined, { login: 'eve' })
  await south.people.add(undefined, { login: 'sam' })
  await meet()
  const known = async (login: string) => {
    const { token } = await north.enter(login)
    return (await north.get('/chats', token)).text()
  }
  assert.equal(await known('eve'), 'Chats of eve')
  assert.equal(await known('Sam '), 'Chats of sam')
  assert.equal(await known('eve@south'), 'Chats of eve')
  const homes = await north.store.read
    .selectFrom('sign_in')
    .innerJoin('user', 'user.id', 'sign_in.userId')
    .select('home')
    .execute()
  assert.equal(homes.filter((row) => row.home === south.keys.id).length, 2)
})

test('an admin who sets a password ends every sign-in of the person', async (t) => {
  const { north } = await twoOffices(t)
  const ada = await north.people.found('ada', 'organisation-admin')
  const bob = await north.people.add(ada, { login: 'bob' })
  const { token } = await north.enter('bob')
  const { password } = await setTemporaryPassword(north.deps, ada, { id: bob.id })
  assert.match(password, /^[a-z2-9]{4}(-[a-z2-9]{4}){4}$/)
  assert.equal((await north.get('/chats', token)).status, 303)
  assert.equal((await north.enter('bob', password)).answer.headers.get('location'), '/password')
})

test('a guest is in while the home branch is heard, an admin as a guest loses the rights after a day', async (t) => {
  const { north, south, meet, advance } = await twoOffices(t)
  const ada = await north.people.found('ada', 'organisation-admin')
  await meet()
  const { token } = await south.enter('ada')
  assert.equal((await south.get('/admin/users', token)).status, 200)
  await south.store.writer.write(async (tx) => {
    await tx
      .updateTable('branch')
      .set({ lostAt: south.deps.clock.now() })
      .where('id', '=', ada.branch.id)
      .execute()
  })
  advance(23 * HOUR)
  assert.equal((await south.get('/admin/users', token)).status, 200)
  advance(2 * HOUR)
  assert.equal((await south.get('/admin/users', token)).status, 403)
  assert.equal((await south.get('/chats', token)).status, 200)
  advance(13 * DAY)
  assert.equal((await south.get('/chats', token)).status, 303)
  const again = await south.enter('ada')
  assert.equal(again.answer.status, 503)
  assert.equal(
    await south.store.read
      .selectFrom('sign_in')
      .select('id')
      .execute()
      .then((all) => all.length),
    1,
  )
})
