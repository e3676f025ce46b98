/** Announcements: their bytes, every reason to drop one, what one that is believed may do, and what it never does. */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { concat, hex } from '../../src/base/bytes.ts'
import type { BranchId, Incarnation } from '../../src/base/ids.ts'
import { HOUR, MINUTE, type Millis, SECOND } from '../../src/base/units.ts'
import type { BranchKeys, LinkKey } from '../../src/certificates/keys.ts'
import { signerOf, verifierOf, verifyBytes } from '../../src/certificates/signing.ts'
import {
  type Announcement,
  announcementKey,
  decodeAnnouncement,
  encodeAnnouncement,
  isOfOrganisation,
  isSigned,
} from '../../src/relay/announcement.ts'
import { Announcements, type AnnounceSetting } from '../../src/relay/announcements.ts'
import { Dialer } from '../../src/relay/dialer.ts'
import { realNetwork } from '../../src/world/network.ts'
import { realRandom } from '../../src/world/random.ts'
import { everyByteAltered } from '../certificates/cast.ts'
import { temporaryFolder } from '../db/store.ts'
import { handClock, keptLog } from '../eventlog/fixture.ts'
import {
  isLinked,
  type Office,
  type OfficeOptions,
  type Organisation,
  openOffice,
  organisation,
  PORT,
  twoOffices,
} from './company.ts'

const ON = { announce: { kind: 'interface' } as AnnounceSetting }
const BROADCAST = { host: '10.0.0.255', port: 7901 }
const INCARNATION = '0f'.repeat(8) as Incarnation

/** A datagram as a branch makes it. */
function made(org: Organisation, keys: BranchKeys, more: Partial<Announcement> = {}): Uint8Array {
  const { epoch } = org.linkKey
  const { branch } = keys
  const at = org.clock.now()
  const said = { epoch, branch, incarnation: INCARNATION, port: PORT, at, ...more }
  const key = announcementKey(org.linkKey.key)
  return encodeAnnouncement(said, { sign: signerOf(keys.sign.secretKey), key })
}

/** Kyiv alone, which knows Lviv and no address of it; what is said is heard by nobody else. */
async function kyivAlone(t: TestContext, more: Partial<OfficeOptions> = {}) {
  const org = organisation()
  const { kyivOptions, lvivOptions } = await twoOffices(org, temporaryFolder(t))
  const dialled: { host: string; at: Millis }[] = []
  const door = org.network.door('10.0.0.1')
  const network = {
    ...door,
    dial: (address: { host: string; port: number }) => {
      dialled.push({ host: `${address.host}:${address.port}`, at: org.clock.now() })
      return door.dial(address, 0)
    },
  }
  const kyiv = await openOffice({ ...kyivOptions, ...ON, network, ...more })
  t.after(() => kyiv.stop())
  await kyiv.relay.start()
  const said = () => org.network.sent.filter(({ from }) => from.host === '10.0.0.1')
  await org.until(() => said().length > 0 || more.announce?.kind === 'off', 'Kyiv announces')
  const lviv = lvivOptions.member.keys
  /** Says something to Kyiv, and lets it happen. */
  const say = async (bytes: Uint8Array, host = '10.0.0.2') => {
    org.network.say({ from: { host, port: 40_000 }, to: BROADCAST, bytes })
    for (let n = 0; n < 6; n++) await new Promise((resolve) => setImmediate(resolve))
    org.advance(1)
    for (let n = 0; n < 6; n++) await new Promise((resolve) => setImmediate(resolve))
  }
  const pass = async (ms: Millis) => {
    for (let passed = 0; passed < ms; passed += 500) {
      org.advance(Math.min(500, ms - passed))
      for (let n = 0; n < 4; n++) await new Promise((resolve) => setImmediate(resolve))
    }
  }
  const heard = () => kyiv.relay.links()[0]?.announced
  const dropped = () =>
    kyiv.lines.flatMap(({ name, fields }) =>
      name === 'relay.announcements-dropped' ? [fields.count] : [],
    )
  return { org, kyiv, kyivOptions, lvivOptions, lviv, dialled, said, say, pass, heard, dropped }
}

test('an announcement is 124 bytes, as the paper draws them', () => {
  const org = organisation()
  const { keys } = org.founder
  const at = 1_800_000_000_123
  const bytes = made(org, keys, { at })
  assert.equal(bytes.length, 124)
  assert.equal(new TextDecoder().decode(bytes.subarray(0, 4)), 'BRLA')
  assert.equal(hex(bytes.subarray(4, 8)), '01001edc', 'version, reserved, port 7900')
  assert.equal(hex(bytes.subarray(8, 12)), org.linkKey.epoch.toString(16).padStart(8, '0'))
  assert.equal(hex(bytes.subarray(12, 28)), keys.branch)
  assert.equal(hex(bytes.subarray(28, 36)), INCARNATION)
  assert.equal(hex(bytes.subarray(36, 44)), at.toString(16).padStart(16, '0'))
  // By the other implementation of Ed25519, and HMAC written out.
  const [signed, signature] = [bytes.subarray(0, 44), bytes.subarray(44, 108)]
  assert.ok(verifyBytes(keys.sign.publicKey, 'announcement/1', signed, signature))
  const key = announcementKey(org.linkKey.key)
  const tag = createHmac('sha256', key).update(bytes.subarray(0, 108)).digest()
  assert.equal(hex(bytes.subarray(108)), hex(tag.subarray(0, 16)))
  const said = { epoch: org.linkKey.epoch, branch: keys.branch, incarnation: INCARNATION }
  assert.deepEqual(decodeAnnouncement(bytes), { ...said, port: PORT, at })
})

test('an announcement with any byte altered is not the organisation’s or not the branch’s', () => {
  const org = organisation()
  const { keys } = org.founder
  const bytes = made(org, keys)
  const key = announcementKey(org.linkKey.key)
  const verify = verifierOf(keys.sign.publicKey)
  assert.ok(isOfOrganisation(bytes, key) && isSigned(bytes, verify))
  everyByteAltered(bytes, (altered) => assert.equal(isOfOrganisation(altered, key), false))
  everyByteAltered(bytes.subarray(0, 108), (altered) =>
    assert.equal(isSigned(altered, verify), false),
  )
  for (const wrong of [bytes.subarray(1), concat(bytes, bytes), new Uint8Array(0)]) {
    assert.equal(decodeAnnouncement(wrong), undefined)
  }
  assert.notDeepEqual(key, org.linkKey.key)
})

test('two branches without any address find each other, and say so', async (t) => {
  const org = organisation()
  const { kyivOptions, lvivOptions } = await twoOffices(org, temporaryFolder(t))
  const kyiv = await openOffice({ ...kyivOptions, ...ON })
  const lviv = await openOffice({ ...lvivOptions, ...ON, peers: [] })
  t.after(() => kyiv.stop())
  t.after(() => lviv.stop())
  const since = org.clock.now()
  await kyiv.relay.start()
  await lviv.relay.start()
  await org.until(() => isLinked(kyiv, lviv) && isLinked(lviv, kyiv), 'they are linked')
  assert.ok(org.clock.now() - since < 7 * SECOND, 'within one announcement')
  const announced = lviv.relay.links()[0]?.announced
  assert.equal(announced?.address, '10.0.0.1:7900')
  await kyiv.post('found you', lviv)
  await org.until(() => lviv.texts().length === 1, 'mail arrives')
  const rows = await lviv.store.read.selectFrom('peer_address').selectAll().execute()
  assert.deepEqual(rows, [], 'a hint is stored nowhere')
})

test('every five seconds or so one datagram goes out, each newer than the last', async (t) => {
  const { said, pass, kyiv } = await kyivAlone(t)
  const before = said().length
  await pass(5 * MINUTE)
  const count = said().length - before
  assert.ok(count >= 50 && count <= 75, `${count} in five minutes`)
  const times = said().map(({ bytes }) => decodeAnnouncement(bytes)?.at ?? 0)
  assert.ok(times.every((at, n) => n === 0 || at > (times[n - 1] ?? 0)))
  for (const { to, bytes } of said()) {
    assert.deepEqual(to, BROADCAST)
    assert.equal(decodeAnnouncement(bytes)?.branch, kyiv.keys.branch)
  }
})

test('what is heard is called at once, forgotten after a minute, and never answered', async (t) => {
  const { org, lviv, say, pass, heard, dialled, said } = await kyivAlone(t)
  const before = said().length
  await say(made(org, lviv))
  assert.deepEqual(
    dialled.map(({ host }) => host),
    ['10.0.0.2:7900'],
  )
  assert.equal(heard()?.address, '10.0.0.2:7900')
  assert.equal(said().length, before, 'nothing goes out because something came in')
  await pass(59 * SECOND)
  assert.ok(heard())
  await pass(2 * SECOND)
  assert.equal(heard(), undefined)
  const called = dialled.length
  await pass(5 * MINUTE)
  assert.equal(dialled.length, called, 'nobody is called where nothing is known any more')
})

/** What must have no effect, and the word for it in the log. */
const REFUSED: readonly [
  what: string,
  word: string,
  bytes: (of: { org: Organisation; lviv: BranchKeys; kyiv: Office }) => Uint8Array,
][] = [
  ['garbage', 'not-ours', () => new Uint8Array(124).fill(66)],
  ['one byte less', 'not-ours', ({ org, lviv }) => made(org, lviv).subarray(1)],
  [
    'another version',
    'not-ours',
    ({ org, lviv }) => made(org, lviv).map((byte, at) => (at === 4 ? 2 : byte)),
  ],
  ['port 0', 'not-ours', ({ org, lviv }) => made(org, lviv, { port: 0 })],
  [
    'another organisation’s',
    'other-organisation',
    ({ org, lviv }) => made({ ...organisation(), clock: org.clock }, lviv),
  ],
  ['an unknown epoch', 'other-organisation', ({ org, lviv }) => made(org, lviv, { epoch: 99 })],
  [
    'one of six minutes ago',
    'wrong-time',
    ({ org, lviv }) => made(org, lviv, { at: org.clock.now() - 6 * MINUTE }),
  ],
  [
    'one of an hour ahead',
    'wrong-time',
    ({ org, lviv }) => made(org, lviv, { at: org.clock.now() + HOUR }),
  ],
  ['a branch nobody knows', 'unknown-branch', ({ org }) => made(org, org.admitted('Odesa').keys)],
  [
    'a member in another’s name',
    'not-signed',
    ({ org, lviv }) => made(org, org.admitted('Odesa').keys, { branch: lviv.branch }),
  ],
]

for (const [what, word, bytes] of REFUSED) {
  test(`${what} does nothing: ${word}`, async (t) => {
    const { org, kyiv, lviv, say, heard, dialled, said, dropped } = await kyivAlone(t)
    const before = said().length
    await say(bytes({ org, lviv, kyiv }))
    assert.equal(heard(), undefined)
    assert.deepEqual(dialled, [])
    assert.equal(said().length, before)
    assert.deepEqual(dropped(), [{ [word]: 1 }])
    await say(made(org, lviv))
    assert.ok(heard(), 'an honest one is heard after it')
  })
}

test('one from outside the subnet does nothing', async (t) => {
  const { org, lviv, say, heard, dialled, dropped } = await kyivAlone(t)
  await say(made(org, lviv), '192.168.1.7')
  assert.deepEqual([heard(), dialled], [undefined, []])
  assert.deepEqual(dropped(), [{ 'outside-subnet': 1 }])
})

test('a recorded one does nothing, even when it was forgotten, and moves nobody', async (t) => {
  const { org, lviv, say, pass, heard, dialled } = await kyivAlone(t)
  const [older, newer] = [made(org, lviv), made(org, lviv, { at: org.clock.now() + 1 })]
  await say(newer)
  const called = dialled.length
  for (const bytes of [newer, older]) await say(bytes, '10.0.0.66')
  assert.equal(heard()?.address, '10.0.0.2:7900')
  assert.deepEqual(dialled.slice(called), [])
  await pass(2 * MINUTE)
  await say(newer, '10.0.0.66')
  assert.equal(heard(), undefined)
})

test('the newer word of a branch holds, and calls go there', async (t) => {
  const { org, lviv, say, pass, heard, dialled } = await kyivAlone(t)
  await say(made(org, lviv))
  await pass(11 * SECOND)
  dialled.length = 0
  await say(made(org, lviv, { port: 7999 }), '10.0.0.9')
  assert.equal(heard()?.address, '10.0.0.9:7999')
  assert.equal(dialled[0]?.host, '10.0.0.9:7999')
})

test('a hint takes the place of no address: the static ones are called in every round', async (t) => {
  const { org, lviv, say, pass, dialled } = await kyivAlone(t, {
    peers: ['10.0.0.7:7900', '10.0.0.8:7900'],
  })
  await pass(3 * MINUTE)
  dialled.length = 0
  await say(made(org, lviv), '10.0.0.66')
  await pass(SECOND)
  assert.equal(dialled[0]?.host, '10.0.0.66:7900', 'called at once')
  dialled.length = 0
  await pass(2 * MINUTE)
  const counts = Map.groupBy(dialled, ({ host }) => host)
  for (const host of ['10.0.0.7:7900', '10.0.0.8:7900']) {
    assert.ok((counts.get(host)?.length ?? 0) >= 1, host)
  }
})

test('an announcement that comes again and again ends a wait every ten seconds at most', async (t) => {
  const { org, lviv, say, pass, dialled } = await kyivAlone(t)
  for (let n = 0; n < 60; n++) {
    await say(made(org, lviv))
    await pass(SECOND)
  }
  // By a wait that doubles: after 1, 2, 4, 8, 16 and 32 s; and six that announcements ended.
  assert.ok(dialled.length >= 6 && dialled.length <= 14, `${dialled.length} calls in a minute`)
})

test('an announcement does not end the wait that a peer asked for, nor that of a fault', async () => {
  const { clock, advance } = handClock()
  const branch = 'ab'.repeat(16) as BranchId
  const calls: Millis[] = []
  const dialer = new Dialer({
    ...{ clock, random: realRandom(), isLinked: () => false, onFailed: () => {} },
    hintOf: () => '10.0.0.2:7900',
    call: async () => {
      calls.push(clock.now())
      throw new Error('no')
    },
  })
  dialer.setTargets([{ branch, addresses: [] }], [])
  dialer.start()
  advance(0)
  await new Promise((resolve) => setImmediate(resolve)) // the first call fails
  const callsWithin = async (ms: Millis) => {
    const before = calls.length
    for (let passed = 0; passed < ms; passed += SECOND) {
      dialer.announced(branch)
      advance(SECOND)
      await new Promise((resolve) => setImmediate(resolve))
    }
    return calls.length - before
  }
  dialer.lost(branch, { after: 30 * SECOND, isFault: false })
  assert.equal(await callsWithin(29 * SECOND), 0)
  assert.ok((await callsWithin(3 * SECOND)) > 0)
  for (let n = 0; n < 6; n++) dialer.lost(branch, { after: 0, isFault: true })
  assert.equal(await callsWithin(25 * SECOND), 0, 'the sixth fault is waited for half a minute')
})

test('a revoked branch can announce what it likes', async (t) => {
  const { org, kyiv, lviv, say, heard, dialled, dropped } = await kyivAlone(t)
  await say(made(org, lviv))
  assert.ok(heard())
  await kyiv.revoke('Lviv')
  for (let n = 0; n < 10; n++) await new Promise((resolve) => setImmediate(resolve))
  dialled.length = 0
  await say(made(org, lviv, { at: org.clock.now() + 5 }))
  assert.deepEqual(kyiv.relay.links(), [])
  assert.deepEqual(dialled, [])
  assert.deepEqual(dropped(), [{ 'unknown-branch': 1 }])
})

test('a revocation counts from its commit on, before branches are read anew', async () => {
  const org = organisation()
  const lviv = org.admitted('Lviv').keys
  const kyiv = org.founder.keys
  const revoked = new Set<BranchId>()
  const heard: BranchId[] = []
  const announcements = new Announcements({
    ...{ clock: org.clock, random: realRandom(), network: org.network.door('10.0.0.1') },
    ...{ log: keptLog(), setting: ON.announce, self: kyiv.branch, incarnation: INCARNATION },
    keys: {
      findBranchKeys: () => kyiv,
      linkKeys: () => [{ ...org.linkKey, since: 0 }],
    },
    isRevoked: (branch) => revoked.has(branch),
    bound: () => ({ host: '10.0.0.1', port: PORT }),
    onHeard: (branch) => void heard.push(branch),
  })
  announcements.setBranches([{ branch: lviv.branch, signPublicKey: lviv.sign.publicKey }])
  announcements.start()
  org.advance(1)
  const say = async () => {
    const bytes = made(org, lviv)
    org.network.say({ from: { host: '10.0.0.2', port: 1 }, to: BROADCAST, bytes })
    for (let n = 0; n < 6; n++) await new Promise((resolve) => setImmediate(resolve))
    org.advance(1)
  }
  await new Promise((resolve) => setImmediate(resolve))
  await say()
  revoked.add(lviv.branch)
  await say()
  assert.deepEqual(heard, [lviv.branch])
  announcements.stop()
})

test('a flood of forged ones costs fifty signature checks a second, and no memory', async (t) => {
  const { org, lviv, say, pass, heard, dropped } = await kyivAlone(t)
  const thief = org.admitted('Thief').keys
  await pass(SECOND)
  const forged = (n: number) => {
    const at = org.clock.now() + n
    org.network.say({
      ...{ from: { host: '10.0.0.2', port: 1 }, to: BROADCAST },
      bytes: made(org, thief, { branch: lviv.branch, at }),
    })
  }
  for (let n = 0; n < 500; n++) forged(n)
  await say(made(org, lviv, { at: org.clock.now() + 1000 }))
  assert.equal(heard(), undefined, 'an honest one may be lost meanwhile: it was a hint')
  await pass(MINUTE)
  await say(new Uint8Array(3))
  const [, total = {}] = dropped() as Record<string, number>[]
  assert.equal((total['not-signed'] ?? 0) + 1, 50, 'the first stands in the line before')
  assert.equal(total['too-many'], 451)
  await say(made(org, lviv))
  assert.ok(heard(), 'later they are heard again')
})

test('a second server with our keys is told of, our own voice is not', async (t) => {
  const { org, kyiv, say, said, dialled } = await kyivAlone(t)
  const own = said()[0]?.bytes ?? new Uint8Array(0)
  await say(own, '10.0.0.1')
  await say(made(org, kyiv.keys, { at: org.clock.now() - MINUTE }), '10.0.0.5') // of its last life
  const twins = () => kyiv.lines.filter(({ name }) => name === 'relay.twin')
  assert.equal(twins().length, 0)
  await say(made(org, kyiv.keys, { at: org.clock.now() + 9 }), '10.0.0.5')
  assert.deepEqual(twins()[0]?.fields, { address: '10.0.0.5:7900' })
  assert.deepEqual(dialled, [])
})

test('while the interface is away nothing is said and nothing heard; with it both come back', async (t) => {
  const org = organisation()
  const { kyivOptions, lvivOptions } = await twoOffices(org, temporaryFolder(t))
  const door = org.network.door('10.0.0.1')
  let own = door.interfaces()
  const network = { ...door, interfaces: () => own }
  const kyiv = await openOffice({ ...kyivOptions, ...ON, network })
  t.after(() => kyiv.stop())
  await kyiv.relay.start()
  const said = () => org.network.sent.length
  await org.until(() => said() > 0, 'it announces')
  own = []
  const pass = async (ms: Millis) => {
    const end = org.clock.now() + ms
    await org.until(() => org.clock.now() >= end, 'time passes', 250)
  }
  await pass(7 * SECOND)
  const before = said()
  org.network.say({
    ...{ from: { host: '10.0.0.2', port: 1 }, to: BROADCAST },
    bytes: made(org, lvivOptions.member.keys),
  })
  await pass(MINUTE)
  assert.equal(said(), before)
  assert.equal(kyiv.relay.links()[0]?.announced, undefined)
  own = door.interfaces()
  await pass(7 * SECOND)
  assert.ok(said() > before)
})

test('on loopback, and when it is switched off, a branch is silent and deaf', async (t) => {
  for (const more of [{ announce: { kind: 'off' } as AnnounceSetting }, { host: '127.0.0.1' }]) {
    const org = organisation()
    const { kyivOptions, lvivOptions } = await twoOffices(org, temporaryFolder(t))
    const kyiv = await openOffice({ ...kyivOptions, ...ON, ...more })
    t.after(() => kyiv.stop())
    await kyiv.relay.start()
    const end = org.clock.now() + MINUTE
    await org.until(() => org.clock.now() > end, 'a minute passes', 500)
    assert.deepEqual(org.network.sent, [])
    for (const host of ['10.0.0.255', '127.255.255.255']) {
      const bytes = made(org, lvivOptions.member.keys)
      org.network.say({ from: { host: '10.0.0.2', port: 1 }, to: { host, port: 7901 }, bytes })
    }
    for (let n = 0; n < 6; n++) await new Promise((resolve) => setImmediate(resolve))
    assert.equal(kyiv.relay.links()[0]?.announced, undefined)
  }
})

test('the link key before is heard too, an older one not', async (t) => {
  const { org, kyiv, lviv, say, pass, heard } = await kyivAlone(t)
  const older: LinkKey = org.linkKey
  const next = (n: number): LinkKey => ({ epoch: older.epoch + n, key: new Uint8Array(32).fill(n) })
  const learn = async (linkKey: LinkKey) => {
    kyiv.files.saveLinkKey({ ...linkKey, since: org.clock.now() })
    await pass(7 * SECOND)
  }
  await learn(next(1))
  await say(made(org, lviv))
  assert.ok(heard())
  await pass(2 * MINUTE)
  await learn(next(2))
  await say(made(org, lviv))
  assert.equal(heard(), undefined)
  await say(made({ ...org, linkKey: next(2) }, lviv))
  assert.ok(heard())
})

test('a cut line neither says nor hears', async (t) => {
  const { org, kyiv, lviv, say, pass, heard, said } = await kyivAlone(t)
  kyiv.relay.setCut(true)
  const before = said().length
  await say(made(org, lviv))
  await pass(MINUTE)
  assert.equal(said().length, before)
  assert.equal(heard(), undefined)
  kyiv.relay.setCut(false)
  await pass(7 * SECOND)
  assert.ok(said().length > before)
})

test('over real sockets several hear one broadcast address, and only what is sent there', {
  timeout: 10_000,
}, async (t) => {
  const heard: string[] = []
  const to = { host: '127.255.255.255', port: 0 }
  const probe = await realNetwork.datagrams({ host: '127.0.0.1', port: 0 }, () => {})
  t.after(() => probe.close())
  to.port = 20_000 + (process.pid % 20_000)
  const { promise, resolve } = Promise.withResolvers<void>()
  const open = (name: string) =>
    realNetwork.datagrams(to, (bytes, from) => {
      heard.push(`${name} ${hex(bytes)} ${from.host}`)
      if (heard.length === 2) resolve()
    })
  for (const socket of [await open('a'), await open('b')]) t.after(() => socket.close())
  probe.send(new Uint8Array([1]), { host: '127.0.0.1', port: to.port })
  probe.send(new Uint8Array([2]), to)
  await promise
  assert.deepEqual(heard.sort(), ['a 02 127.0.0.1', 'b 02 127.0.0.1'])
})
