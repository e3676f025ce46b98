/** HTTPS as people meet it: over real sockets on loopback, with clients that believe the downloaded root and no more. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { test } from 'node:test'
import { createBranch } from '../../src/branch.ts'
import { castle, configIn, PASSWORD, ruin, SETUP_CODE, until } from '../attacks/castle.ts'
import { freePort } from '../scenarios/servers.ts'
import { ask, serveTls, shown, streamFrom } from './office.ts'

const TLS = { tls: { kind: 'auto' as const }, names: ['chat.kyiv.lan'] }
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
const OPTIONS = { timeout: 60_000 }

const credentials = `login=ada&password=${encodeURIComponent(PASSWORD)}`

test('who trusts the downloaded root reaches the server by its names', OPTIONS, async (t) => {
  const at = await castle(t, TLS)
  const listener = await serveTls(t, at.branch, at.world)
  const crt = await ask(listener, '/trust/root.crt')
  assert.equal(crt.headers['content-type'], 'application/x-x509-ca-cert')
  const root = new Uint8Array(crt.body)
  for (const name of ['chat.kyiv.lan', 'castle', 'localhost']) {
    assert.equal((await ask(listener, '/healthz', { root, name })).status, 200, name)
  }
  await assert.rejects(ask(listener, '/healthz', { root, name: 'bank.example' }), /altnames/)
  const pem = (await ask(listener, '/trust/root.pem')).body.toString()
  assert.deepEqual(new X509Certificate(pem).raw, Buffer.from(root))
  const page = (await ask(listener, '/trust')).body.toString()
  const fingerprint = new X509Certificate(root).fingerprint256.replaceAll(':', '')
  assert.ok(page.includes((fingerprint.match(/.{4}/g) ?? []).join(' ')))
  assert.doesNotMatch(page, /plain HTTP/)
})

test(
  "cookies are the listener's: secure with TLS, plain beside it, and neither serves the other",
  OPTIONS,
  async (t) => {
    const at = await castle(t, TLS)
    const secure = await serveTls(t, at.branch, at.world)
    const plain = await at.serve()
    const signIn = await ask(secure, '/sign-in', {
      ...{ method: 'POST', body: credentials },
      headers: { ...FORM, origin: `https://localhost:${secure.port}` },
    })
    assert.equal(signIn.status, 303)
    const given = signIn.headers['set-cookie']?.find((line) => line.includes('Max-Age')) ?? ''
    assert.match(
      given,
      /^__Host-branchline-[0-9a-f]{8}=.*; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    )
    assert.equal(signIn.headers['cross-origin-opener-policy'], 'same-origin')
    assert.equal(signIn.headers['strict-transport-security'], undefined)
    const cookie = given.split(';')[0] ?? ''
    assert.equal((await ask(secure, '/profile', { headers: { cookie } })).status, 200)

    const manual = { redirect: 'manual' as const }
    const stolen = await fetch(`${plain.url}/profile`, { ...manual, headers: { cookie } })
    assert.equal(stolen.status, 303, 'the secure cookie is none of the plain listener')
    const there = await fetch(`${plain.url}/sign-in`, {
      ...{ ...manual, method: 'POST', body: credentials },
      headers: { ...FORM, origin: plain.url },
    })
    const plainCookie = there.headers.getSetCookie().find((line) => line.includes('Max-Age')) ?? ''
    assert.match(plainCookie, /^branchline-[0-9a-f]{8}=/)
    assert.doesNotMatch(plainCookie, /Secure/)
    assert.equal(there.headers.get('cross-origin-opener-policy'), null)
    const planted = plainCookie.split(';')[0] ?? ''
    const refused = await ask(secure, '/profile', { headers: { cookie: planted } })
    assert.equal(refused.status, 303, 'what plain HTTP could plant is no sign-in with TLS')
  },
)

test('a plain page under our name cannot send forms to the secure one', OPTIONS, async (t) => {
  const at = await castle(t, TLS)
  const listener = await serveTls(t, at.branch, at.world)
  const origin = `http://localhost:${listener.port}`
  const headers = { ...FORM, origin }
  const sent = { method: 'POST', body: credentials, headers }
  assert.equal((await ask(listener, '/sign-in', sent)).status, 403)
})

test(
  'the page says it when it came by plain HTTP, and is nowhere without TLS of ours',
  OPTIONS,
  async (t) => {
    const at = await castle(t, TLS)
    assert.match(await (await at.ask('/trust')).text(), /reading this page over plain HTTP/)
    assert.match(await (await at.ask('/sign-in')).text(), /href="\/trust"/)
    const without = await castle(t)
    assert.equal((await without.ask('/trust')).status, 404)
    assert.doesNotMatch(await (await without.ask('/sign-in')).text(), /href="\/trust"/)
  },
)

test('the page is there in three languages before anybody signs in', OPTIONS, async (t) => {
  const at = await castle(t, TLS)
  for (const [language, words] of [
    ['en', 'Trust this server'],
    ['uk', 'Довіра до цього сервера'],
    ['pt', 'Confiar neste servidor'],
  ] as const) {
    const page = await (await at.ask('/trust', { headers: { 'accept-language': language } })).text()
    assert.ok(page.includes(words))
    for (const system of ['Windows', 'Linux', 'macOS', 'Firefox', 'Android', 'iOS']) {
      assert.ok(page.includes(`<summary>${system}`), system)
    }
  }
})

test(
  "until set-up a temporary certificate serves; the organisation's takes its place without a pause",
  OPTIONS,
  async (t) => {
    const at = await ruin(t, TLS)
    const listener = await serveTls(t, at.branch, at.world)
    const before = await shown(listener)
    const trust = at.branch.tls?.trust()
    assert.equal(trust?.kind, 'temporary')
    assert.equal(trust?.fingerprint.replaceAll(' ', ''), before.fingerprint256.replaceAll(':', ''))
    assert.equal((await ask(listener, '/trust/root.crt')).status, 404)
    assert.match((await ask(listener, '/trust')).body.toString(), /temporary one/)

    const fields = new URLSearchParams({
      ...{ choice: 'create', code: SETUP_CODE, organisation: 'Dovira', branch: 'Kyiv' },
      ...{ login: 'ada', firstName: 'Ada', lastName: '', password: PASSWORD },
    })
    const headers = { ...FORM, 'sec-fetch-site': 'same-origin' }
    const set = await ask(listener, '/setup', { method: 'POST', body: fields.toString(), headers })
    assert.equal(set.status, 303)
    await until('the certificate changes', async () => {
      return (await shown(listener)).fingerprint256 !== before.fingerprint256
    })
    const root = new Uint8Array((await ask(listener, '/trust/root.crt')).body)
    const answer = await ask(listener, '/sign-in', { root, name: 'chat.kyiv.lan' })
    assert.equal(answer.status, 200)
  },
)

test('a new certificate ends no open stream', OPTIONS, async (t) => {
  const at = await castle(t, TLS)
  const listener = await serveTls(t, at.branch, at.world)
  const { token } = await at.script('ada')
  const stream = await streamFrom(listener, '/api/v1/events', { authorization: `Bearer ${token}` })
  assert.equal(stream.statusCode, 200)
  const before = await shown(listener)
  const other = await castle(t, TLS)
  const certificate = other.branch.tls?.current()
  assert.ok(certificate)
  listener.useCertificate(certificate)
  assert.notEqual((await shown(listener)).fingerprint256, before.fingerprint256)
  const heard = once(stream, 'data')
  const ada = await at.script('ada')
  await at.add('bob')
  const { id } = await ada.json<{ id: string }>('POST', '/conversations', {
    kind: 'direct',
    with: 'bob',
  })
  await ada.json('POST', `/conversations/${id}/messages`, { body: 'Still here' })
  assert.ok((await heard)[0])
  stream.destroy()
})

test('a restart shows another certificate under the same root', OPTIONS, async (t) => {
  const first = await castle(t, TLS)
  const trusted = first.branch.tls?.trust()
  await first.branch.stop()
  const again = await createBranch(first.world, configIn(first.folder, TLS))
  t.after(() => again.stop())
  assert.deepEqual(again.tls?.trust(), trusted)
  assert.notEqual(again.tls?.current().cert, first.branch.tls?.current().cert)
})

test(
  "a branch that joins is given its names and nobody else's, under the same root",
  OPTIONS,
  async (t) => {
    const address = { host: '127.0.0.1', port: await freePort() }
    const kyiv = await castle(t, { ...TLS, relay: { kind: 'address', address } })
    const wish = { branch: 'Lviv', validMs: 60_000 }
    const made = await kyiv.branch.operations?.invite(wish)
    const lviv = await ruin(t, {
      ...{ ...TLS, names: ['chat.lviv.lan', 'bank.example', 'chat.kyiv.lan', '8.8.8.8'] },
      ...{ join: made?.invitation, machine: 'lviv-1' },
      relay: { kind: 'address', address: { host: '127.0.0.1', port: await freePort() } },
    })
    const listener = await serveTls(t, lviv.branch, lviv.world)
    await until(
      'Lviv has its intermediate',
      () => lviv.branch.tls?.trust()?.kind === 'organisation',
    )
    assert.equal(lviv.branch.tls?.trust()?.fingerprint, kyiv.branch.tls?.trust()?.fingerprint)
    const root = new Uint8Array((await ask(listener, '/trust/root.crt')).body)
    for (const name of ['chat.lviv.lan', 'lviv-1', 'localhost']) {
      assert.equal((await ask(listener, '/healthz', { root, name })).status, 200, name)
    }
    for (const name of ['bank.example', 'chat.kyiv.lan']) {
      await assert.rejects(ask(listener, '/healthz', { root, name }), /altnames/, name)
    }
    assert.match(kyiv.logged(), /"tls.names-refused".*bank\.example/)
    await until('Lviv is told', () => /"tls.names-lacking"/.test(lviv.logged()))
    const keys = [kyiv, lviv].map(({ world }) => world.disk.list('keys').includes('tls-root.json'))
    assert.deepEqual(keys, [true, false], 'a key is never sent')
  },
)

test(
  "without the root's key nothing is issued, no other root is made, and the log says so",
  OPTIONS,
  async (t) => {
    const first = await castle(t, TLS)
    const trusted = first.branch.tls?.trust()
    await first.branch.stop()
    first.world.disk.remove('keys/tls-root.json')
    const again = await createBranch(
      first.world,
      configIn(first.folder, { ...TLS, names: ['new.kyiv.lan'] }),
    )
    t.after(() => again.stop())
    assert.deepEqual(again.tls?.trust(), trusted, 'what was issued goes on')
    await until('it is said', () => /"tls.root-key-absent"/.test(first.logged()))
    assert.equal(first.world.disk.exists('keys/tls-root.json'), false)
  },
)
