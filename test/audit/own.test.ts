/** What people do with their own account is in the audit log: a second factor, ended sign-ins, wrong PINs, exports. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hotp } from '../../src/accounts/totp.ts'
import { HOUR, SECOND } from '../../src/base/units.ts'
import { type Office, PASSWORD, twoOffices } from '../accounts/office.ts'
import { type Browser, type Castle, castle, stopTime } from '../attacks/castle.ts'
import { added } from './support.ts'

const actions = (entries: Awaited<ReturnType<typeof added>>) => entries.map(({ action }) => action)

const codeAt = (secret: Uint8Array, now: number) => hotp(secret, Math.floor(now / (30 * SECOND)))

/** A person with a browser at a branch whose clock moves by hand, and his authenticator. */
async function personAt(at: Castle, login: string) {
  stopTime(at)
  const { id } = await at.add(login)
  const browser = await at.browser(login)
  const token = browser.cookie.split('=')[1] ?? ''
  let now = at.world.clock.now()
  const next = () => {
    now += 30 * SECOND
    at.world.clock.now = () => now
    return now
  }
  return { id, browser, token, next }
}

test('a second factor set up, its codes made anew and switched off are entries of their person', async (t) => {
  const at = await castle(t)
  const { id, browser, token, next } = await personAt(at, 'vic')
  let secret: Uint8Array | undefined
  const post = async (path: string, fields: Record<string, string>) => {
    const { status } = await browser.post(path, fields)
    assert.ok(status < 400, `${path}: ${status}`)
  }
  const setUp = await added(at, async () => {
    await post('/second-factor/begin', { password: PASSWORD })
    const signIn = (await at.core.signIns.signInOf(token))?.signIn.id
    secret = signIn && at.core.signIns.factors.begun(signIn)
    assert.ok(secret)
    await post('/second-factor/confirm', { code: codeAt(secret, next()) })
  })
  assert.deepEqual(actions(setUp), ['own.factor'])
  const change = (wish: string) =>
    added(at, async () => {
      const code = codeAt(secret ?? new Uint8Array(0), next())
      await post('/second-factor/change', { wish, code, password: PASSWORD })
    })
  const codes = await change('codes')
  const off = await change('off')
  assert.deepEqual([...actions(codes), ...actions(off)], ['own.factor-codes', 'own.factor-off'])
  for (const { userId, subjectId, before, after } of [...setUp, ...codes, ...off]) {
    assert.deepEqual([userId, subjectId, before, after], [id, id, null, null])
  }
})

test('a code that is wrong changes nothing and leaves no entry', async (t) => {
  const at = await castle(t)
  const { browser } = await personAt(at, 'vic')
  const entries = await added(at, async () => {
    await browser.post('/second-factor/begin', { password: PASSWORD })
    const { status } = await browser.post('/second-factor/confirm', { code: '000000' })
    assert.equal(status, 422)
  })
  assert.deepEqual(entries, [])
})

test('ending the own sign-ins everywhere, or at another branch, is an entry that says where', async (t) => {
  const { north, south } = await twoOffices(t)
  const ada = await north.people.found('ada', 'organisation-admin')
  const { token } = await north.enter('ada')
  await north.post(`/profile/sign-ins/at/${south.keys.id}/end`, {}, token)
  await north.post('/profile/sign-ins/end-all', {}, token)
  const rows = await entriesOf(north, 'sign-in.ended-all')
  assert.deepEqual(
    rows.map(({ userId, after }) => [userId, JSON.parse(after ?? '').where]),
    [
      [ada.id, 'South'],
      [ada.id, 'everywhere'],
    ],
  )
})

test('sign-ins ended from another branch are an entry at home, if any ended', async (t) => {
  const { north, south, meet, advance } = await twoOffices(t)
  const ada = await north.people.found('ada', 'organisation-admin')
  await meet()
  await north.enter('ada')
  const { token } = await south.enter('ada')
  advance(SECOND)
  await south.post('/profile/sign-ins/end-all', {}, token)
  await meet()
  const again = await south.enter('ada')
  advance(SECOND)
  await south.post('/profile/sign-ins/end-all', {}, again.token)
  await meet()
  const rows = await entriesOf(north, 'sign-in.ended-all')
  assert.deepEqual(
    rows.map(({ userId, subjectId, branch }) => [userId, subjectId, branch]),
    [[ada.id, ada.id, south.keys.id]],
  )
})

function entriesOf({ store }: Office, action: string) {
  const query = store.read.selectFrom('audit').selectAll().where('action', '=', action)
  return query.orderBy('n').execute()
}

test('five wrong PINs at a shared terminal are one failed entry, also when they come at once', async (t) => {
  const at = await castle(t)
  const vic = await at.add('vic')
  const { browser, who } = await terminalOf(at, 'vic')
  const entries = await added(at, async () => {
    const tries = ['0001', '0002', '0003', '0004', '0005', '0006', '0007']
    await Promise.all(tries.map((secret) => browser.post('/lock/open', { who, secret })))
  })
  assert.deepEqual(
    entries.map(({ action, userId, subjectId }) => [action, userId, subjectId]),
    [['sign-in.pins-wrong', null, vic.id]],
  )
  assert.equal(JSON.parse(entries[0]?.after ?? '').times, 5)
  const audit = await (await (await at.browser('ada')).get('/admin/audit?failed=yes')).text()
  assert.match(audit, /Sign-in ended after five wrong PINs/)
})

/** Somebody at a shared terminal that is locked. */
async function terminalOf(at: Castle, login: string): Promise<{ browser: Browser; who: string }> {
  const answer = await at.ask('/sign-in', {
    method: 'POST',
    body: new URLSearchParams({ login, password: PASSWORD, shared: 'yes' }),
    headers: { 'sec-fetch-site': 'same-origin' },
  })
  const cookie = answer.headers.getSetCookie().find((line) => !/^[^=]*=;/.test(line)) ?? ''
  const name = cookie.split(';')[0] ?? ''
  const post: Browser['post'] = (path, fields) =>
    at.ask(path, {
      method: 'POST',
      body: new URLSearchParams(fields),
      headers: { 'sec-fetch-site': 'same-origin', cookie: name },
    })
  const get: Browser['get'] = (path) => at.ask(path, { headers: { cookie: name } })
  const later = at.world.clock.now() + HOUR
  at.world.clock.now = () => later
  const page = await (await get('/lock')).text()
  const who = /name="who" value="([0-9a-f]{32})"/.exec(page)?.[1] ?? ''
  assert.notEqual(who, '')
  return { browser: { cookie: name, formToken: '', get, post }, who }
}

test('whoever takes the list of accounts along is an entry, with the filter', async (t) => {
  const at = await castle(t)
  const [browser, script] = [await at.browser('ada'), await at.script('ada')]
  const ada = (await at.core.signIns.signInOf(script.token))?.user.id
  const entries = await added(at, async () => {
    await (await browser.get('/admin/users/export.csv?q=ad')).text()
    await (await script.call('GET', '/admin/users.csv')).text()
    await at.branch.operations?.exportUsers()
  })
  assert.deepEqual(
    entries.map(({ action, userId, after }) => [action, userId, JSON.parse(after ?? '')]),
    [
      ['account.exported', ada, { form: 'CSV', filter: 'ad' }],
      ['account.exported', ada, { form: 'CSV' }],
      ['account.exported', null, { form: 'CSV' }],
    ],
  )
})
