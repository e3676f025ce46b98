/** People of LDAP: their second factor outlives a new password there, and every proof asks the directory. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hotp } from '../../src/accounts/totp.ts'
import { MINUTE, SECOND } from '../../src/base/units.ts'
import { type Castle, stopTime } from '../attacks/castle.ts'
import { enter, firm } from './firm.ts'

const OLD = 'ann of the firm'
const NEW = 'another of the firm'

/** Ann with a second factor; `code` waits for the next step. */
async function cast(t: Parameters<typeof firm>[0]) {
  const all = await firm(t)
  const { at } = all
  stopTime(at)
  await all.run()
  let now = at.world.clock.now()
  const forward = (ms: number) => {
    now += ms
    at.world.clock.now = () => now
  }
  const ann = await at.browser('ann', OLD)
  assert.equal((await ann.post('/second-factor/begin', { password: OLD })).status, 303)
  const known = await at.core.signIns.signInOf(ann.cookie.split('=')[1] ?? '')
  const secret = known && at.core.signIns.factors.begun(known.signIn.id)
  assert.ok(secret)
  const code = () => {
    forward(30 * SECOND)
    return hotp(secret, Math.floor(now / (30 * SECOND)))
  }
  const done = await ann.post('/second-factor/confirm', { code: code() })
  assert.equal(done.status, 200)
  const [recovery = ''] = [...(await done.text()).matchAll(/<code>([a-z2-9-]{14})<\/code>/g)].map(
    ([, one]) => one ?? '',
  )
  const put = (password: string) => all.put({ login: 'ann', first: 'ann', password })
  return { ...all, ann, code, recovery, forward, changes: put }
}

/** By API, which takes password and code at once. */
async function status(at: Castle, password: string, code: string) {
  const answer = await at.ask('/api/v1/sign-in', {
    method: 'POST',
    body: JSON.stringify({ login: 'ann', password, code }),
    headers: { 'content-type': 'application/json' },
  })
  return answer.status
}

test('a new password of the directory leaves the second factor as it is', async (t) => {
  const { at, code, recovery, changes } = await cast(t)
  assert.equal(await status(at, OLD, code()), 201)
  changes(NEW)
  assert.equal(await enter(at, 'ann', NEW), '/sign-in/code', 'the code is asked for')
  assert.equal(await status(at, NEW, '000000'), 401)
  assert.equal(await status(at, NEW, code()), 201)
  assert.equal(await status(at, NEW, recovery), 201, 'recovery codes hold too')
  assert.equal(await status(at, NEW, recovery), 401, 'each once')
})

test('a password that was outlived first, and then a new one: the factor is still read', async (t) => {
  const { at, code, changes } = await cast(t)
  changes(NEW)
  assert.equal(await enter(at, 'ann', OLD), 422)
  assert.equal(await status(at, NEW, code()), 201)
})

test('the box of the branch is useless without its key, and goes with the person', async (t) => {
  const { at } = await cast(t)
  const { box, userId } = await at.core.store.read
    .selectFrom('ldap_factor')
    .selectAll()
    .executeTakeFirstOrThrow()
  const { factor } = await at.core.store.read
    .selectFrom('credential')
    .where('userId', '=', userId)
    .select('factor')
    .executeTakeFirstOrThrow()
  assert.ok(factor)
  const [kept, own] = [Buffer.from(box), Buffer.from(factor)]
  assert.deepEqual(kept.subarray(0, 16), own.subarray(0, 16), 'the same factor')
  assert.notDeepEqual(kept.subarray(32), own.subarray(32), 'under another key')
  const ada = await at.script('ada')
  await ada.json('POST', `/admin/users/${userId}/erase`, { login: 'ann', messages: 'keep' })
  assert.deepEqual(await at.core.store.read.selectFrom('ldap_factor').selectAll().execute(), [])
})

test('people of ours have no such box', async (t) => {
  const { at } = await firm(t)
  const ada = await at.browser('ada')
  await ada.post('/second-factor/begin', { password: 'corvid lantern 7' })
  const known = await at.core.signIns.signInOf(ada.cookie.split('=')[1] ?? '')
  const secret = known && at.core.signIns.factors.begun(known.signIn.id)
  assert.ok(secret)
  const code = hotp(secret, Math.floor(at.world.clock.now() / (30 * SECOND)))
  assert.equal((await ada.post('/second-factor/confirm', { code })).status, 200)
  assert.deepEqual(await at.core.store.read.selectFrom('ldap_factor').selectAll().execute(), [])
})

test('who is asked for the password again is asked by the directory', async (t) => {
  const { at, ann, code, changes } = await cast(t)
  const change = async (password: string) => {
    const answer = await ann.post('/second-factor/change', { wish: 'off', code: code(), password })
    return { status: answer.status, text: await answer.text() }
  }
  changes(NEW)
  const early = await change(NEW)
  assert.equal(early.status, 422)
  assert.match(early.text, /Your password at work is a new one/)
  assert.equal((await ann.get('/profile')).status, 200, 'the sign-in goes on')
  const outlived = await change(OLD)
  assert.notEqual(outlived.status, 303, 'the directory refuses it')
  assert.notEqual((await ann.get('/profile')).status, 200, 'an outlived password ends sign-ins')
  assert.equal(await status(at, NEW, code()), 201)
})

test('a shared terminal opens by the password of the directory, not by the one before', async (t) => {
  const { at, run, put } = await firm(t)
  stopTime(at)
  await run()
  let now = at.world.clock.now()
  const forward = (ms: number) => {
    now += ms
    at.world.clock.now = () => now
  }
  const headers = { 'sec-fetch-site': 'same-origin' }
  const first = await at.ask('/sign-in', {
    method: 'POST',
    body: new URLSearchParams({ login: 'ann', password: OLD, shared: 'yes' }),
    headers,
  })
  const line = first.headers.getSetCookie().find((each) => !/^[^=]*=;/.test(each)) ?? ''
  const cookie = line.split(';')[0] ?? ''
  const page = await at.ask('/lock', { headers: { cookie } })
  assert.equal(page.status, 303, 'open')
  forward(6 * MINUTE)
  put({ login: 'ann', first: 'ann', password: NEW })
  const locked = await (await at.ask('/lock', { headers: { cookie } })).text()
  const who = /name="who" value="([0-9a-f]{32})"/.exec(locked)?.[1] ?? ''
  const open = async (secret: string) => {
    const body = new URLSearchParams({ who, secret })
    const asked = { method: 'POST', body, headers: { ...headers, cookie } }
    return (await at.ask('/lock/open', asked)).headers.get('location')
  }
  assert.equal(await open(NEW), '/chats')
  forward(6 * MINUTE)
  assert.equal(await open(OLD), '/sign-in', 'outlived: its sign-ins end')
})
