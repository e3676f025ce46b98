/** The life of links: meeting, silence, age, renewal, the cut line, and what else travels on them. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { DAY, HOUR, MINUTE, SECOND } from '../../src/base/units.ts'
import type { LinkState } from '../../src/relay/states.ts'
import { temporaryFolder } from '../db/store.ts'
import {
  isLinked,
  type Office,
  type OfficeOptions,
  openOffice,
  organisation,
  twoOffices,
} from './company.ts'

async function linkedFor(
  t: TestContext,
  extra: { kyiv?: Partial<OfficeOptions>; lviv?: Partial<OfficeOptions> } = {},
) {
  const org = organisation()
  const { kyivOptions, lvivOptions } = await twoOffices(org, temporaryFolder(t))
  const kyiv = await openOffice({ ...kyivOptions, ...extra.kyiv })
  const lviv = await openOffice({ ...lvivOptions, ...extra.lviv })
  t.after(() => kyiv.stop())
  t.after(() => lviv.stop())
  await kyiv.relay.start()
  await lviv.relay.start()
  const linked = () => isLinked(kyiv, lviv) && isLinked(lviv, kyiv)
  await org.until(linked, 'they are linked')
  return { org, kyiv, lviv, linked }
}

const stateOf = (at: Office, of: Office): LinkState | undefined =>
  at.relay.links().find(({ branch }) => branch === of.keys.branch)

test('two branches that call each other at once end with one link, the same on both sides', async (t) => {
  const { org, kyiv, lviv } = await linkedFor(t, { kyiv: { peers: ['10.0.0.2:7900'] } })
  await org.until(
    () => stateOf(kyiv, lviv)?.initiator !== stateOf(lviv, kyiv)?.initiator,
    'they agree who called',
  )
  for (let i = 0; i < 30; i++) await kyiv.post(`${i}`, lviv)
  await org.until(() => lviv.texts().length === 30, 'mail arrives')
})

test('a peer that falls silent is given up after 45 seconds, and called again', async (t) => {
  const { org, kyiv, lviv, linked } = await linkedFor(t)
  org.network.onWay = (bytes) => bytes
  let isSilent = true
  // Lines made before keep delivering; so cut what arrives by swallowing it.
  org.network.onWay = (bytes) => (isSilent ? new Uint8Array(0) : bytes)
  const told: (LinkState | undefined)[] = []
  kyiv.relay.onLinks(([state]) => told.push(state))
  const since = org.clock.now()
  await org.until(() => !isLinked(kyiv, lviv) && !isLinked(lviv, kyiv), 'both gave up', 500)
  assert.ok(told[0] && !told[0].up && told[0].since > since, 'told since when it is lost')
  const passed = org.clock.now() - since
  assert.ok(passed >= 25 * SECOND && passed <= 65 * SECOND, `after ${passed} ms`)
  isSilent = false
  await org.until(linked, 'they are linked again', 500)
})

test('one altered bit ends the link without a word, and nothing is lost', async (t) => {
  const { org, kyiv, lviv, linked } = await linkedFor(t)
  const altered = () => lviv.lines.filter(({ name }) => name === 'relay.link.altered').length
  org.network.onWay = (bytes) => {
    if (altered() > 0 || bytes.length < 200) return bytes
    const copy = bytes.slice()
    copy[100] = (copy[100] ?? 0) ^ 1
    return copy
  }
  await kyiv.post('a', lviv)
  await org.until(() => altered() === 1, 'Lviv noticed')
  await org.until(linked, 'they are linked again')
  await org.until(() => lviv.texts().length === 1, 'mail arrives')
})

test('an idle link lives on by its pings, and measures the way', async (t) => {
  const { org, kyiv, lviv, linked } = await linkedFor(t)
  for (let i = 0; i < 100; i++) {
    org.advance(3 * SECOND)
    for (let n = 0; n < 8; n++) await new Promise((resolve) => setImmediate(resolve))
    assert.ok(linked())
  }
  assert.ok((stateOf(kyiv, lviv)?.roundTripMs ?? -1) >= 0)
  const { bytesIn = 0, bytesOut = 0 } = stateOf(lviv, kyiv) ?? {}
  assert.ok(bytesIn + bytesOut < 12_000, `${bytesIn + bytesOut} bytes in five quiet minutes`)
})

test('a link that is an hour old is replaced by whoever called, and mail goes on', async (t) => {
  const { org, kyiv, lviv, linked } = await linkedFor(t)
  const opened = stateOf(lviv, kyiv)?.since ?? 0
  await org.until(() => (stateOf(lviv, kyiv)?.since ?? 0) > opened, 'a fresh link', 10 * SECOND)
  const age = (stateOf(lviv, kyiv)?.since ?? 0) - opened
  assert.ok(age >= HOUR && age < HOUR + 3 * MINUTE, `after ${age} ms`)
  await org.until(linked, 'both have it')
  await kyiv.post('after', lviv)
  await org.until(() => lviv.texts().length === 1, 'mail arrives')
})

test('a link whose clock is behind that of whoever certified it stays', async (t) => {
  const { org, lviv } = await linkedFor(t, { lviv: { behind: 30 * MINUTE } })
  const end = org.clock.now() + 5 * MINUTE
  await org.until(() => org.clock.now() > end, 'five minutes have passed', 500)
  assert.equal(lviv.lines.filter(({ name }) => name === 'relay.link.opened').length, 1)
})

test('certificates are renewed at half of their life, with a new key, over the live link', async (t) => {
  const { org, kyiv, lviv, linked } = await linkedFor(t)
  const notAfter = () => stateOf(kyiv, lviv)?.certificateNotAfter ?? 0
  const first = notAfter()
  const renewals = (at: Office) =>
    at.lines.filter(({ name }) => name === 'relay.renewal.done').length
  org.advance(5 * DAY - 3 * HOUR)
  await org.until(linked, 'linked again after days of standstill', 500)
  org.advance(2 * MINUTE)
  await org.until(linked, 'linked', 500)
  assert.deepEqual([renewals(kyiv), renewals(lviv)], [0, 0], 'not before half of its life')
  org.advance(3 * HOUR)
  await org.until(() => notAfter() > first, 'Kyiv sees a newer certificate of Lviv', 5 * SECOND)
  assert.deepEqual([renewals(kyiv), renewals(lviv)], [1, 1])
})

test('a branch that was cut off longer than its certificate lives comes back', async (t) => {
  const { org, kyiv, lviv, linked } = await linkedFor(t)
  await lviv.relay.stop()
  // Kyiv goes on by itself meanwhile.
  for (let days = 0; days < 14; days++) {
    org.advance(DAY)
    for (let n = 0; n < 20; n++) await new Promise((resolve) => setImmediate(resolve))
  }
  await kyiv.post('waited', lviv)
  await lviv.relay.start()
  await org.until(linked, 'they are linked again', 200)
  await org.until(() => lviv.texts().length === 1, 'mail arrives')
  assert.equal(lviv.lines.filter(({ name }) => name === 'relay.renewal.done').length, 1)
})

test('a cut line keeps everything back until it is healed', async (t) => {
  const { org, kyiv, lviv, linked } = await linkedFor(t)
  const told: boolean[] = []
  lviv.relay.onLinks((links) => told.push(links.some(({ up }) => up)))
  kyiv.relay.setCut(true)
  await org.until(() => !isLinked(lviv, kyiv), 'Lviv noticed')
  await kyiv.post('later', lviv)
  await lviv.post('later too', kyiv)
  for (let i = 0; i < 50; i++) {
    org.advance(SECOND)
    for (let n = 0; n < 8; n++) await new Promise((resolve) => setImmediate(resolve))
  }
  assert.deepEqual([lviv.texts(), kyiv.texts()], [[], []])
  kyiv.relay.setCut(false)
  await org.until(linked, 'they are linked again')
  await org.until(() => lviv.texts().length === 1 && kyiv.texts().length === 1, 'mail arrives')
  assert.equal(told[0], false)
  assert.equal(told.at(-1), true)
})

test('signals reach linked branches, and nobody else', async (t) => {
  const { org, kyiv, lviv } = await linkedFor(t)
  const heard: string[] = []
  lviv.relay.onSignal((branch, { kind, key, ttl, body }) => {
    heard.push(`${branch === kyiv.keys.branch} ${kind} ${key} ${ttl} ${body.length}`)
  })
  const key = '0a'.repeat(16)
  const signal = { kind: 2, key, ttl: 6, body: new Uint8Array(512) }
  assert.equal(kyiv.relay.sendSignal(lviv.keys.branch, signal), true)
  await org.until(() => heard.length === 1, 'it arrived')
  assert.deepEqual(heard, [`true 2 ${key} 6 512`])
  kyiv.relay.setCut(true)
  assert.equal(kyiv.relay.sendSignal(lviv.keys.branch, signal), false)
})

test('a photo is fetched from its branch, checked by its hash', async (t) => {
  const photo = new Uint8Array(40_000).map((_, i) => i % 253)
  const sha256 = createHash('sha256').update(photo).digest('hex')
  const blobs = new Map([[sha256.slice(0, 32), photo]])
  const { org, kyiv, lviv } = await linkedFor(t, { kyiv: { blobs } })
  const got: (Uint8Array | undefined)[] = []
  const fetched = (hash: string) =>
    lviv.relay.fetchBlob(kyiv.keys.branch, hash).then((bytes) => got.push(bytes))
  await Promise.all([
    fetched(sha256),
    fetched('00'.repeat(32)),
    // The right beginning and another end: what comes is not what was asked for.
    fetched(sha256.slice(0, 32) + '00'.repeat(16)),
    org.until(() => got.length === 3, 'all are answered'),
  ])
  assert.deepEqual(got.filter(Boolean), [photo])
})

test('a directory record of a third branch comes by way of a second one', async (t) => {
  const org = organisation()
  const folder = temporaryFolder(t)
  const { kyivOptions, lvivOptions } = await twoOffices(org, folder)
  const odesaMember = org.admitted('Odesa')
  const all = [org.founder.chain, lvivOptions.member.chain, odesaMember.chain]
  const kyiv = await openOffice({ ...kyivOptions, knows: all.slice(1) })
  // Neither can be called: what they have of each other comes by way of Kyiv.
  const setting = { kind: 'off' } as const
  const lviv = await openOffice({ ...lvivOptions, knows: all, setting })
  const member = odesaMember
  const odesa = await openOffice({ ...lvivOptions, host: '10.0.0.3', member, knows: all, setting })
  for (const office of [kyiv, lviv, odesa]) {
    t.after(() => office.stop())
    await office.relay.start()
  }
  await lviv.publish('before')
  await org.until(() => isLinked(kyiv, lviv) && isLinked(kyiv, odesa), 'both are linked with Kyiv')
  await org.until(() => odesa.record.seen.length === 1, 'Odesa has the record')
  await lviv.publish('while linked')
  await org.until(() => odesa.record.seen.length === 2, 'and the next one')
  await lviv.relay.stop()
  await odesa.relay.stop()
  await odesa.relay.start()
  await org.until(() => isLinked(kyiv, odesa), 'Odesa is back')
  assert.equal(odesa.record.seen[0]?.origin, lviv.keys.branch)
})

test('a feed of a branch that nobody introduced yet is fetched when its identity arrives', async (t) => {
  const org = organisation()
  const folder = temporaryFolder(t)
  const { kyivOptions, lvivOptions } = await twoOffices(org, folder)
  // Kyiv has never heard of Lviv, which holds all rights of a member.
  const kyiv = await openOffice({ ...kyivOptions, knows: [] })
  const lviv = await openOffice(lvivOptions)
  t.after(() => kyiv.stop())
  t.after(() => lviv.stop())
  await lviv.publish('record')
  await kyiv.relay.start()
  await lviv.relay.start()
  for (let i = 0; i < 20; i++) {
    org.advance(SECOND)
    for (let n = 0; n < 8; n++) await new Promise((resolve) => setImmediate(resolve))
  }
  assert.equal(kyiv.record.seen.length, 0)
  const { identity, issuer } = lvivOptions.member.chain
  await kyiv.store.writer.write((tx) =>
    kyiv.eventLog.append(tx, {
      kind: kyiv.kinds.branchIdentity,
      body: { identity: identity.bytes.toBase64(), issuer: issuer.bytes.toBase64() },
      to: 'all',
    }),
  )
  await org.until(() => kyiv.record.seen.length === 1, 'the record is fetched then')
})
