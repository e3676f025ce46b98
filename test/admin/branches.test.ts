/** The page of branches and its API: who announced itself, and what ZeroTier says. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Incarnation } from '../../src/base/ids.ts'
import { admit, keysShown } from '../../src/certificates/founding.ts'
import { generateBranchKeys, keyFiles } from '../../src/certificates/keys.ts'
import { signerOf } from '../../src/certificates/signing.ts'
import { announcementKey, encodeAnnouncement } from '../../src/relay/announcement.ts'
import { findIssuer } from '../../src/relay/credentials.ts'
import { type Castle, castle, until } from '../attacks/castle.ts'
import { memoryNetwork } from '../support/transport.ts'
import { answers } from '../zerotier/samples.ts'

const TOKEN = 'sesame-sesame-sesame'

type Listed = {
  items: { name: string; announced?: { address: string; at: string } }[]
  zeroTier?: { state: string; networks: { status: string }[] }
}

/** Lviv becomes a member on paper: its keys, and what it would announce. */
async function lvivOf({ core, world }: Castle) {
  const files = keyFiles(world.disk)
  const issuer = await findIssuer(core.store.read, {
    ...{ self: core.membership.self, keys: files },
    now: world.clock.now(),
  })
  const [linkKey] = files.linkKeys()
  assert.ok(issuer && linkKey)
  const keys = generateBranchKeys((length) => world.random.bytes(length))
  const at = world.clock.now()
  const how = { name: 'Lviv', now: at, serial: world.random.bytes(16) }
  const chain = admit(issuer, keysShown(keys), how)
  const body = {
    identity: chain.identity.bytes.toBase64(),
    issuer: chain.issuer.bytes.toBase64(),
  }
  const kind = core.branches.branchIdentity
  await core.store.writer.write((tx) => core.eventLog.append(tx, { kind, body, to: 'all' }))
  const { epoch, key } = linkKey
  const incarnation = '0f'.repeat(8) as Incarnation
  return encodeAnnouncement(
    { epoch, branch: keys.branch, incarnation, port: 7900, at },
    { sign: signerOf(keys.sign.secretKey), key: announcementKey(key) },
  )
}

test('a branch that is heard and not linked is shown so, with what to look at', async (t) => {
  const network = memoryNetwork()
  const relay = { kind: 'address', address: { host: '10.0.0.1', port: 7900 } } as const
  const door = network.door('10.0.0.1')
  const at = await castle(t, { relay, announce: { kind: 'interface' } }, { network: door })
  const bytes = await lvivOf(at)
  const script = await at.script('ada')
  const list = () => script.json<Listed>('GET', '/admin/branches')
  const found = async () => (await list()).items.find(({ name }) => name === 'Lviv')
  await until('Lviv is known', async () => (await found()) !== undefined)
  assert.equal((await found())?.announced, undefined)
  await until('Kyiv announces', () => network.sent.length > 0)
  const to = { host: '10.0.0.255', port: 7901 }
  network.say({ from: { host: '10.0.0.2', port: 1 }, to, bytes })
  await until('Lviv is heard', async () => (await found())?.announced !== undefined)
  assert.equal((await found())?.announced?.address, '10.0.0.2:7900')
  const ada = await at.browser('ada')
  const page = await (await ada.get('/admin/branches')).text()
  assert.match(page, /announced \d+ seconds? ago at 10\.0\.0\.2:7900/)
  assert.match(page, /It can be heard, but no line opens/)
  assert.doesNotMatch(page, /ZeroTier/, 'without a token nobody is asked')
  assert.equal((await list()).zeroTier, undefined)
})

test('with its token ZeroTier’s state stands on the page, and the token nowhere', async (t) => {
  const all = answers()
  const of: Record<string, unknown> = {
    '/status': all.status,
    '/network': [{ ...(all.networks as object[])[0], status: 'ACCESS_DENIED' }],
    '/peer': all.peers,
  }
  let isUp = true
  const askLocal = async ({ path }: { path: string }) => {
    if (!isUp) throw Object.assign(new Error('no'), { code: 'ECONNREFUSED' })
    return { status: 200, body: new TextEncoder().encode(JSON.stringify(of[path])) }
  }
  const network = { ...memoryNetwork(), askLocal }
  const at = await castle(t, { zerotierToken: TOKEN }, { network })
  const ada = await at.browser('ada')
  const page = await (await ada.get('/admin/branches')).text()
  assert.match(page, /ZeroTier on this server/)
  assert.match(page, /not admitted: the network’s administrator must authorise this node/)
  const facts = ['a1b2c3d4e5', 'zta2hk6glg', '10.147.20.11/24', '45.81.2.2:9993', 'through a root']
  for (const fact of facts) assert.ok(page.includes(fact), fact)
  const script = await at.script('ada')
  const listed = await script.json<Listed>('GET', '/admin/branches')
  assert.equal(listed.zeroTier?.networks[0]?.status, 'ACCESS_DENIED')
  await at.add('bob')
  const bob = await at.browser('bob')
  assert.equal((await bob.get('/admin/branches')).status, 403)
  isUp = false
  const later = at.world.clock.now() + 6000
  at.world.clock.now = () => later
  const down = await (await ada.get('/admin/branches')).text()
  assert.match(down, /Nothing answers at 127\.0\.0\.1:9993/)
  for (const text of [page, down, at.logged(), JSON.stringify(listed)]) {
    assert.ok(!text.includes(TOKEN))
  }
})

test('the page says who may issue, renews, lets another branch issue, and changes the link key', async (t) => {
  const network = memoryNetwork()
  const relay = { kind: 'address', address: { host: '10.0.0.1', port: 7900 } } as const
  const at = await castle(t, { relay }, { network: network.door('10.0.0.1') })
  await lvivOf(at)
  const ada = await at.browser('ada')
  const self = at.core.membership.self
  const names = await at.core.store.read.selectFrom('branch').select(['id', 'name']).execute()
  const own = names.find(({ id }) => id === self)?.name ?? ''
  const page = async (path = '/admin/branches') => await (await ada.get(path)).text()
  assert.ok((await page()).includes(`Only ${own} may issue certificates and invitations`))
  const led = async (path: string, fields: Record<string, string>, to: string) => {
    const answer = await ada.post(path, fields)
    assert.equal(answer.status, 303, await answer.text())
    assert.equal(answer.headers.get('location'), to)
    return await page(to)
  }
  const renewed = await led('/admin/certificates/renew', {}, '/admin/branches?done=renewed')
  assert.match(renewed, /The certificate was renewed/)
  const keyFile = () => at.world.disk.read('keys/noise.json')?.toHex()
  const before = keyFile()
  await led('/admin/certificates/renew', { newKey: 'yes' }, '/admin/branches?done=renewed')
  assert.notEqual(keyFile(), before)
  const named = await led('/admin/issuers', { issuer: 'Lviv' }, '/admin/branches?done=issuer')
  assert.match(named, /These branches may issue: .*Lviv/)
  const wrong = await ada.post('/admin/link-key', { confirm: 'Lviv' })
  assert.equal(wrong.status, 422)
  assert.match(await wrong.text(), /To confirm, type .* exactly/)
  const changed = await led('/admin/link-key', { confirm: own }, '/admin/branches?done=link-key')
  assert.match(changed, /This is number 2/)
  const script = await at.script('ada')
  const state = await script.json<{ issuing: { branch: string }[]; linkKey: { number: number } }>(
    'GET',
    '/admin/keys',
  )
  assert.deepEqual(state.issuing.map(({ branch }) => branch).sort(), ['Lviv', own].sort())
  assert.equal(state.linkKey.number, 2)
  await at.add('emil')
  const emil = await at.browser('emil')
  for (const path of ['/admin/certificates/renew', '/admin/issuers', '/admin/link-key']) {
    assert.equal((await emil.post(path, {})).status, 403, path)
  }
})
