/** Second factors between branches: what opens with which code where, who may switch one off, which record wins. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { removeSecondFactor, setTemporaryPassword } from '../../src/accounts/actions.ts'
import {
  credentialBytes,
  factorBytes,
  newCredential,
  type Signer,
} from '../../src/accounts/credentials.ts'
import { userCred } from '../../src/accounts/events.ts'
import { userFactor } from '../../src/accounts/factor-events.ts'
import { changePassword } from '../../src/accounts/own.ts'
import { policyPut, putPolicy } from '../../src/accounts/policy.ts'
import type { Person } from '../../src/accounts/queries.ts'
import { hotp } from '../../src/accounts/totp.ts'
import { hex } from '../../src/base/bytes.ts'
import type { UserId } from '../../src/base/ids.ts'
import { MINUTE, SECOND } from '../../src/base/units.ts'
import type { EventKind } from '../../src/eventlog/events.ts'
import { cookieName } from '../../src/web/cookies.ts'
import { type Office, PASSWORD, twoOffices } from './office.ts'

type Test = Parameters<typeof twoOffices>[0]
const codeAt = (secret: Uint8Array, now: number) => hotp(secret, Math.floor(now / 30_000))

const OTHER = 'marble window 31'

async function forges<Body>(office: Office, kind: EventKind<Body>, body: Body): Promise<void> {
  const lawless = { ...kind, refusal: async () => undefined, apply: async () => {} }
  await office.store.writer.write((tx) =>
    office.branch.log.append(tx, { kind: lawless, body, to: 'all' }),
  )
}

async function kept(office: Office): Promise<string[]> {
  const rows = await office.store.read
    .selectFrom('event')
    .where('state', 'in', ['refused', 'parked'])
    .select(['state', 'reason'])
    .orderBy('position')
    .execute()
  return rows.map((row) => `${row.state} ${row.reason}`)
}

const credentialOf = (office: Office, user: UserId) =>
  office.store.read
    .selectFrom('credential')
    .where('userId', '=', user)
    .selectAll()
    .executeTakeFirstOrThrow()

/** A person's authenticator: it knows the secret and waits for the next step when a code was used. */
function phone(office: Office, advance: (ms: number) => void) {
  let secret = new Uint8Array(0)
  return {
    learn(bytes: Uint8Array<ArrayBuffer>) {
      secret = bytes
    },
    secret: () => secret,
    now: () => codeAt(secret, office.deps.clock.now()),
    next() {
      advance(30 * SECOND)
      return codeAt(secret, office.deps.clock.now())
    },
  }
}

async function cast(t: Test) {
  const two = await twoOffices(t)
  const { north, meet } = two
  const ada = await north.people.found('ada', 'organisation-admin')
  const bob = await north.people.add(ada, { login: 'bob' })
  await meet()
  const app = phone(north, two.advance)
  const { codes, token } = await switchOn(north, bob, app)
  await meet()
  return { ...two, ada, bob, app, codes, token }
}

/** Sets a factor up through the pages, as a person does. */
async function switchOn(office: Office, person: Person, app: ReturnType<typeof phone>) {
  const { token } = await office.enter(person.login)
  const begun = await office.post('/second-factor/begin', { password: PASSWORD }, token)
  assert.equal(begun.status, 303)
  const known = await office.signIns.signInOf(token)
  assert.ok(known)
  const secret = office.signIns.factors.begun(known.signIn.id)
  assert.ok(secret)
  app.learn(new Uint8Array(secret))
  const done = await office.post('/second-factor/confirm', { code: app.now() }, token)
  const codes = [...(await done.text()).matchAll(/<code>([a-z2-9-]{14})<\/code>/g)].map(
    ([, code]) => code ?? '',
  )
  assert.equal(codes.length, 10)
  return { codes, token }
}

/** Password and code in a browser; the answer to the code. */
async function enters(office: Office, login: string, code: string, password = PASSWORD) {
  const first = await office.enter(login, password)
  assert.equal(first.token, '', 'nobody is in by the password alone')
  assert.equal(first.answer.headers.get('location'), '/sign-in/code')
  const name = `${cookieName(office.keys.id)}-code`
  const line = first.answer.headers.getSetCookie().find((each) => each.startsWith(name)) ?? ''
  assert.match(line, /HttpOnly/)
  const answer = await office.app.request('/sign-in/code', {
    method: 'POST',
    body: new URLSearchParams({ code }),
    headers: { 'sec-fetch-site': 'same-origin', cookie: line.split(';')[0] ?? '' },
  })
  return { answer, status: answer.status, token: office.cookieOf(answer) ?? '' }
}

test('a sign-in needs the code, at the home branch and, with no line to it, at another', async (t) => {
  const { north, south, app } = await cast(t)
  for (const [office, login] of [
    [north, 'bob'],
    [south, 'bob'],
  ] as const) {
    const { answer, token } = await enters(office, login, app.next())
    assert.equal(answer.headers.get('location'), '/chats')
    assert.equal((await office.get('/chats', token)).status, 200)
    assert.equal((await enters(office, login, '000000')).status, 422)
  }
})

test('a script brings the code with the password, or is told that one is needed', async (t) => {
  const { south, app } = await cast(t)
  const ask = async (body: object) => {
    const answer = await south.api('POST', '/sign-in', { body: { login: 'bob', ...body } })
    return [answer.status, ((await answer.json()) as { error?: { code: string } }).error?.code]
  }
  assert.deepEqual(await ask({ password: PASSWORD }), [403, 'second-factor-required'])
  assert.deepEqual(await ask({ password: 'wrong', code: app.next() }), [401, 'not-signed-in'])
  assert.deepEqual(await ask({ password: PASSWORD, code: '123123' }), [401, 'not-signed-in'])
  assert.deepEqual(await ask({ password: PASSWORD, code: app.next() }), [201, undefined])
})

test('a code serves once, and none of an earlier step after it', async (t) => {
  const { south, app } = await cast(t)
  const early = app.next()
  const late = app.next()
  assert.equal((await enters(south, 'bob', late)).status, 303)
  assert.equal((await enters(south, 'bob', late)).status, 422)
  assert.equal((await enters(south, 'bob', early)).status, 422)
  assert.equal((await enters(south, 'bob', app.next())).status, 303)
})

test('two tries with the same code at once let one in', async (t) => {
  const { south, app } = await cast(t)
  const code = app.next()
  const tries = await Promise.all([1, 2, 3].map(() => enters(south, 'bob', code)))
  assert.deepEqual(tries.map(({ status }) => status).toSorted(), [303, 422, 422])
})

test('a recovery code serves once everywhere, and the page says how many are left', async (t) => {
  const { north, south, meet, codes } = await cast(t)
  const code = codes[3] ?? ''
  const { status, token } = await enters(south, 'bob', code.toUpperCase())
  assert.equal(status, 303)
  assert.match(await (await south.get('/second-factor', token)).text(), /9 recovery codes/)
  assert.equal((await enters(south, 'bob', code)).status, 422)
  await meet()
  assert.equal((await enters(north, 'bob', code)).status, 422)
  assert.deepEqual(await kept(north), [])
})

test('cut apart, each side takes a recovery code; afterwards both know of all that were used', async (t) => {
  const { north, south, meet, bob, codes } = await cast(t)
  assert.equal((await enters(north, 'bob', codes[0] ?? '')).status, 303)
  assert.equal((await enters(south, 'bob', codes[1] ?? '')).status, 303)
  assert.equal(
    (await enters(south, 'bob', codes[0] ?? '')).status,
    303,
    'not known yet: written down',
  )
  await meet()
  for (const office of [north, south]) {
    assert.equal((await credentialOf(office, bob.id)).factorUsed, 0b11)
  }
})

test('after five wrong codes a right one has to wait, and somebody else does not', async (t) => {
  const { north, south, ada, app, advance } = await cast(t)
  for (let i = 0; i < 5; i++) assert.equal((await enters(south, 'bob', '000000')).status, 422)
  const { answer } = await enters(south, 'bob', app.next())
  assert.equal(answer.status, 429)
  assert.ok(Number(answer.headers.get('retry-after')) > 60)
  assert.equal((await north.enter(ada.login)).answer.status, 303)
  advance(5 * MINUTE)
  assert.equal((await enters(south, 'bob', app.next())).status, 303)
})

test('a half sign-in opens nothing, and ends after five minutes', async (t) => {
  const { south, app, advance } = await cast(t)
  const first = await south.enter('bob')
  const cookie = first.answer.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  const value = cookie.split('=')[1] ?? ''
  assert.equal((await south.get('/chats', value)).headers.get('location'), '/sign-in')
  assert.equal((await south.api('GET', '/me', { token: value })).status, 401)
  advance(5 * MINUTE)
  const late = await south.app.request('/sign-in/code', {
    method: 'POST',
    body: new URLSearchParams({ code: app.now() }),
    headers: { 'sec-fetch-site': 'same-origin', cookie },
  })
  assert.match(late.headers.get('location') ?? '', /^\/sign-in/)
})

test('a stolen database without the password gives neither secret nor recovery codes away', async (t) => {
  const { north, bob, app, codes } = await cast(t)
  const rows = await north.store.read.selectFrom('event').select('body').execute()
  const { factor } = await credentialOf(north, bob.id)
  assert.ok(factor)
  const all = Buffer.concat([factor, ...rows.map(({ body }) => body ?? new Uint8Array())])
  assert.ok(all.includes(Buffer.from(factor)), 'the search finds what is there')
  for (const secret of [app.secret(), ...codes.map((code) => Buffer.from(code))]) {
    assert.ok(!all.includes(Buffer.from(secret)))
  }
})

test('a password change at either branch keeps the factor, its codes and what was used of them', async (t) => {
  const { north, south, meet, bob, app, codes } = await cast(t)
  const { token } = await enters(south, 'bob', codes[0] ?? '')
  const known = await south.signIns.signInOf(token)
  assert.ok(known)
  await changePassword(south.deps, known, { current: PASSWORD, password: OTHER, address: '' })
  await meet()
  assert.deepEqual(await kept(north), [])
  assert.equal((await enters(north, 'bob', app.next(), OTHER)).status, 303)
  assert.equal((await enters(north, 'bob', codes[0] ?? '', OTHER)).status, 422)
  const atHome = await enters(north, 'bob', codes[1] ?? '', OTHER)
  const again = await north.signIns.signInOf(atHome.token)
  assert.ok(again)
  await changePassword(north.deps, again, { current: OTHER, password: PASSWORD, address: '' })
  await meet()
  assert.equal((await enters(south, 'bob', app.next())).status, 303)
  assert.equal((await credentialOf(south, bob.id)).factorUsed, 0b11)
})

test('a password change whose factor was taken off on the way is refused', async (t) => {
  const { north, south, meet, bob } = await cast(t)
  const old = await south.signIns.provedAgain(bob, PASSWORD, '')
  const { epoch, rev } = await credentialOf(south, bob.id)
  const { credential } = await newCredential(south.deps, OTHER)
  const { salt } = credential
  const next = { user: bob.id, epoch, rev: rev + 1, salt, publicKey: hex(credential.publicKey) }
  const factor = { sealed: 'ab'.repeat(228), used: 0 }
  const signed = credentialBytes({ ...next, branch: south.keys.id, factor })
  const body = { ...next, mustChange: false, signature: hex(old.sign(signed)) }
  await forges(south, userCred, body)
  await forges(south, userCred, { ...body, factor: { ...factor, used: 1 } })
  await meet()
  assert.deepEqual(await kept(north), Array(2).fill('refused signature-wrong'))
  await forges(south, userCred, { ...body, factor })
  await meet()
  assert.equal((await credentialOf(north, bob.id)).rev, rev + 1)
})

test('an admin resets the password: the factor ends, and the page has said so', async (t) => {
  const { north, south, meet, ada, bob } = await cast(t)
  const admin = await north.enter('ada')
  const page = await (await north.get(`/admin/users/${bob.id}`, admin.token)).text()
  assert.match(page, /also ends the second factor/)
  const { password } = await setTemporaryPassword(north.deps, ada, { id: bob.id })
  await meet()
  assert.equal((await south.enter('bob', password)).answer.headers.get('location'), '/password')
})

test('an admin removes the factor of a lost telephone: the password stays, sign-ins end everywhere', async (t) => {
  const { north, south, meet, ada, bob, token, app } = await cast(t)
  const guest = await enters(south, 'bob', app.next())
  const admin = await north.enter('ada')
  const path = `/admin/users/${bob.id}/second-factor/remove`
  assert.equal((await north.post(path, {}, admin.token)).status, 303)
  await meet()
  assert.equal((await north.get('/chats', token)).status, 303)
  assert.equal((await south.get('/chats', guest.token)).status, 303)
  assert.equal((await south.enter('bob')).answer.headers.get('location'), '/chats')
  await assert.rejects(removeSecondFactor(north.deps, ada, bob.id), { code: 'not-found' })
  await assert.rejects(removeSecondFactor(south.deps, ada, bob.id), { code: 'forbidden' })
})

test('who has no right removes nobody’s factor', async (t) => {
  const { north, bob, token } = await cast(t)
  const eve = await north.people.add(undefined, { login: 'eve' })
  await assert.rejects(removeSecondFactor(north.deps, eve, bob.id), { code: 'forbidden' })
  const answer = await north.post(`/admin/users/${bob.id}/second-factor/remove`, {}, token)
  assert.equal(answer.status, 403)
})

test('the owner switches it off with password and code, and with nothing less', async (t) => {
  const { north, south, meet, token, app } = await cast(t)
  const change = (fields: Record<string, string>) =>
    north.post('/second-factor/change', { wish: 'off', ...fields }, token)
  assert.equal((await change({ password: 'wrong', code: app.next() })).status, 422)
  assert.equal((await change({ password: PASSWORD, code: '000000' })).status, 422)
  assert.equal((await change({ password: PASSWORD, code: app.next() })).status, 303)
  await meet()
  assert.equal((await south.enter('bob')).answer.headers.get('location'), '/chats')
})

test('of two set up at once the first stays; nobody replaces one without its code', async (t) => {
  const { north, ada, advance } = await cast(t)
  const apps = [phone(north, advance), phone(north, advance)]
  const ways = await Promise.all(
    apps.map(async (app) => {
      const { token } = await north.enter('ada')
      const begun = await north.post('/second-factor/begin', { password: PASSWORD }, token)
      assert.equal(begun.status, 303)
      const known = await north.signIns.signInOf(token)
      const secret = known && north.signIns.factors.begun(known.signIn.id)
      assert.ok(secret)
      app.learn(new Uint8Array(secret))
      return { app, token }
    }),
  )
  const answers: number[] = []
  for (const { app, token } of ways) {
    const answer = await north.post('/second-factor/confirm', { code: app.next() }, token)
    answers.push(answer.status)
    if (answer.status === 422) assert.match(await answer.text(), /A second factor is on already/)
  }
  assert.deepEqual(answers, [200, 422])
  assert.equal((await credentialOf(north, ada.id)).factorN, 1)
  const [first] = apps
  assert.equal((await enters(north, 'ada', first?.next() ?? '')).status, 303)
})

test('new recovery codes end the old ones, and the authenticator stays', async (t) => {
  const { north, south, meet, codes, token, app } = await cast(t)
  const fields = { wish: 'codes', password: PASSWORD, code: app.next() }
  const answer = await north.post('/second-factor/change', fields, token)
  const fresh = /<code>([a-z2-9-]{14})<\/code>/.exec(await answer.text())?.[1] ?? ''
  await meet()
  assert.equal((await enters(south, 'bob', codes[0] ?? '')).status, 422)
  assert.equal((await enters(south, 'bob', fresh)).status, 303)
  assert.equal((await enters(south, 'bob', app.next())).status, 303)
})

/** A factor record as `office` would write it, signed by `signer`. */
async function record(
  office: Office,
  of: { user: UserId; signer: Signer; n: number; sealed: string | null; used?: number },
) {
  const { epoch, rev } = await credentialOf(office, of.user)
  const body = { user: of.user, epoch, rev, n: of.n, sealed: of.sealed, used: of.used ?? 0 }
  const signed = factorBytes({ ...body, branch: office.keys.id })
  return { ...body, signature: hex(of.signer.sign(signed)) }
}

test('no branch switches a factor off by itself, neither home nor another', async (t) => {
  const { north, south, meet, bob } = await cast(t)
  const signer = await south.signIns.provedAgain(bob, PASSWORD, '')
  const good = await record(south, { user: bob.id, signer, n: 2, sealed: null })
  const rows: [string, Partial<typeof good>][] = [
    ['no signature of the person', { signature: '00'.repeat(64) }],
    ['signed for another number', { n: 3 }],
    ['signed for other codes', { used: 1 }],
    ['signed for another box', { sealed: 'ab'.repeat(228) }],
  ]
  for (const [, change] of rows) await forges(south, userFactor, { ...good, ...change })
  // Signed for South, and written by North.
  await forges(north, userFactor, good)
  await meet()
  assert.deepEqual(
    await kept(north),
    rows.map(() => 'refused signature-wrong'),
  )
  assert.deepEqual(await kept(south), ['refused signature-wrong'])
  await forges(south, userFactor, { ...good, epoch: good.epoch + 5 })
  await meet()
  assert.equal((await kept(north)).at(-1), 'parked waits-for-credential')
  assert.ok((await credentialOf(north, bob.id)).factor)
  await forges(south, userFactor, good)
  await meet()
  assert.equal((await credentialOf(north, bob.id)).factor, null, 'only the person can')
})

test('of records of a factor the highest number holds, then the newest; used codes stay used', async (t) => {
  const { north, south, meet, bob } = await cast(t)
  const signer = await south.signIns.provedAgain(bob, PASSWORD, '')
  const box = (byte: string) => byte.repeat(228)
  for (const [n, sealed, used] of [
    [4, box('aa'), 1],
    [2, null, 0],
    [4, box('bb'), 2],
    [3, box('cc'), 4],
    [4, box('bb'), 8],
    [1, box('bb'), 16],
  ] as const) {
    await forges(south, userFactor, await record(south, { user: bob.id, signer, n, sealed, used }))
  }
  await meet()
  const { factor, factorN, factorUsed } = await credentialOf(north, bob.id)
  assert.deepEqual([hex(factor ?? new Uint8Array()), factorN], [box('bb'), 4])
  assert.equal(factorUsed, 2 | 8 | 16)
})

test('a factor of a password that was replaced counts no more', async (t) => {
  const { north, south, meet, ada, bob } = await cast(t)
  const signer = await south.signIns.provedAgain(bob, PASSWORD, '')
  const late = await record(south, { user: bob.id, signer, n: 2, sealed: 'ab'.repeat(228) })
  await removeSecondFactor(north.deps, ada, bob.id)
  await meet()
  await forges(south, userFactor, late)
  await meet()
  assert.deepEqual(await kept(north), [])
  assert.equal((await credentialOf(north, bob.id)).factor, null)
})

test('bodies of a factor that break the form are refused', () => {
  const good = {
    ...{ user: 'ab'.repeat(16), epoch: 1, rev: 0, n: 1, sealed: 'ab'.repeat(228), used: 0 },
    signature: '0'.repeat(128),
  }
  assert.doesNotThrow(() => userFactor.parse(good))
  for (const bad of [
    { sealed: 'ab' },
    { sealed: 'zz'.repeat(228) },
    { used: 1024 },
    { n: -1 },
    { signature: '' },
  ]) {
    assert.throws(() => userFactor.parse({ ...good, ...bad }), JSON.stringify(bad))
  }
})

test('a role that needs one is led to set it up, and nothing else opens', async (t) => {
  const { north, south, meet, ada } = await cast(t)
  await north.people.add(ada, { login: 'eve' })
  await putPolicy(north.deps, ada, { secondFactorFor: ['employee'] })
  await meet()
  const { token } = await south.enter('eve')
  const { token: script } = await (async () => {
    const answer = await south.api('POST', '/sign-in', {
      body: { login: 'eve', password: PASSWORD },
    })
    assert.equal(answer.status, 403)
    return { token: '' }
  })()
  assert.equal(script, '')
  assert.equal((await south.get('/chats', token)).headers.get('location'), '/second-factor')
  assert.equal((await south.get('/profile', token)).headers.get('location'), '/second-factor')
  const page = await (await south.get('/second-factor', token)).text()
  assert.match(page, /<svg class="qr"/, 'the password was just typed')
  const known = await south.signIns.signInOf(token)
  assert.ok(known)
  const secret = south.signIns.factors.begun(known.signIn.id)
  assert.ok(secret)
  const code = codeAt(secret, south.deps.clock.now())
  const done = await south.post('/second-factor/confirm', { code }, token)
  assert.equal(done.status, 200)
  assert.equal((await south.get('/chats', token)).status, 200)
  const off = { wish: 'off', password: PASSWORD, code: '000000' }
  const kept = await (await south.post('/second-factor/change', off, token)).text()
  assert.match(kept, /cannot be switched off/)
})

test('a temporary password comes before the factor that the role needs', async (t) => {
  const { north, meet, ada, bob } = await cast(t)
  await putPolicy(north.deps, ada, { secondFactorFor: ['employee'] })
  const { password } = await setTemporaryPassword(north.deps, ada, { id: bob.id })
  await meet()
  const { answer, token } = await north.enter('bob', password)
  assert.equal(answer.headers.get('location'), '/password')
  const changed = await north.post('/password', { password: OTHER, repeat: OTHER }, token)
  const fresh = north.cookieOf(changed) ?? ''
  assert.equal((await north.get('/chats', fresh)).headers.get('location'), '/second-factor')
  assert.match(await (await north.get('/second-factor', fresh)).text(), /<svg class="qr"/)
})

test('rules come from an issuing branch and from nobody else', async (t) => {
  const { north, south, meet, ada, bob } = await cast(t)
  const at = { secondFactorFor: ['auditor' as const] }
  await assert.rejects(putPolicy(south.deps, ada, at), { code: 'forbidden' })
  await assert.rejects(putPolicy(north.deps, bob, at), { code: 'forbidden' })
  await forges(south, policyPut, { rev: 1, ...at })
  await forges(north, policyPut, { rev: 9, ...at })
  await meet()
  assert.deepEqual(await kept(north), ['parked waits-for-issuer'])
  assert.deepEqual(await kept(south), ['parked waits-for-earlier'])
  const admin = await north.enter('ada')
  const page = await north.post('/admin/rules', { secondFactorFor: 'auditor' }, admin.token)
  assert.equal(page.status, 303)
  const read = await (await north.get('/admin/rules', admin.token)).text()
  assert.match(read, /value="auditor" checked/)
})
