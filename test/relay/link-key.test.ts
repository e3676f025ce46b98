/** The link key of the organisation changes: who gets the new one, what the old one still opens, and who stays out. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { hex } from '../../src/base/bytes.ts'
import { DAY, MINUTE, SECOND } from '../../src/base/units.ts'
import type { LinkKey } from '../../src/certificates/keys.ts'
import { identityEventBody } from '../../src/relay/events.ts'
import { linkKeyRecords } from '../../src/relay/link-key-records.ts'
import { temporaryFolder } from '../db/store.ts'
import {
  isLinked,
  memoryKeys,
  type Office,
  type Organisation,
  openOffice,
  organisation,
  PORT,
  threeOffices,
  twoOffices,
} from './company.ts'

const keyOf = ({ files }: Office) => hex(files.linkKeys()[0]?.key ?? new Uint8Array(0))
const numberAt = ({ relay }: Office) => relay.authority().linkKey?.number
const rotate = (office: Office) => office.relay.authority().rotateLinkKey()
const count = (at: Office, name: string) => at.lines.filter((line) => line.name === name).length

const settle = async (org: Organisation, ms: number) => {
  for (let at = 0; at < ms; at += SECOND) {
    org.advance(SECOND)
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
  }
}

async function linkedPair(t: TestContext) {
  const org = organisation()
  const { kyivOptions, lvivOptions } = await twoOffices(org, temporaryFolder(t))
  const kyiv = await openOffice(kyivOptions)
  const lviv = await openOffice(lvivOptions)
  for (const office of [kyiv, lviv]) {
    await office.relay.start()
    t.after(() => office.stop())
  }
  await org.until(() => isLinked(kyiv, lviv) && isLinked(lviv, kyiv), 'linked')
  return { org, kyiv, lviv, kyivOptions, lvivOptions }
}

test('a new link key reaches every branch, and lies open in no database', async (t) => {
  const { org, kyiv, lviv, odesa } = await threeOffices(t)
  const all = [kyiv, lviv, odesa]
  const before = keyOf(kyiv)
  assert.equal((await rotate(kyiv)).number, 2)
  await org.until(() => all.every((office) => numberAt(office) === 2), 'all have it')
  assert.equal(new Set(all.map(keyOf)).size, 1)
  assert.notEqual(keyOf(kyiv), before)
  assert.ok(isLinked(kyiv, lviv) && isLinked(lviv, odesa), 'no link ended for it')
  const secret = Buffer.from(keyOf(kyiv), 'hex')
  for (const { store } of all) {
    for (const { body } of await store.read.selectFrom('event').select('body').execute()) {
      const bytes = Buffer.from(body ?? '')
      assert.ok(!bytes.includes(secret) && !bytes.includes(secret.toString('base64')))
    }
    const values = await store.read.selectFrom('meta').select('value').execute()
    assert.ok(values.every(({ value }) => !value.includes(secret.toString('base64'))))
  }
  for (const office of all) await office.stop()
})

test('only an issuing branch may change it', async (t) => {
  const { lviv } = await linkedPair(t)
  await assert.rejects(rotate(lviv), /only an issuing branch/)
  assert.equal(numberAt(lviv), 1)
})

test('after a change by command a branch that missed it links for ten days as before', async (t) => {
  const { org, kyiv, lviv, lvivOptions } = await linkedPair(t)
  await lviv.stop()
  await rotate(kyiv)
  org.advance(4 * DAY)
  const began = org.clock.now()
  const again = await openOffice({ ...lvivOptions, files: lviv.files })
  t.after(() => again.stop())
  await again.relay.start()
  await org.until(() => isLinked(again, kyiv), 'linked at the first call')
  assert.ok(org.clock.now() - began < 3 * SECOND)
  await org.until(() => keyOf(again) === keyOf(kyiv), 'and has the new one')
})

test('a branch that was cut off for a year and two changes links again by itself', async (t) => {
  const { org, kyiv, lviv, lvivOptions } = await linkedPair(t)
  await lviv.stop()
  await rotate(kyiv)
  org.advance(200 * DAY)
  await rotate(kyiv)
  org.advance(150 * DAY)
  await kyiv.relay.authority().renewCertificate({ newKey: false })
  const again = await openOffice({ ...lvivOptions, files: lviv.files })
  t.after(() => again.stop())
  await again.relay.start()
  await org.until(() => isLinked(again, kyiv), 'it is back', 500)
  assert.equal(keyOf(again), keyOf(kyiv))
  await again.post('back again', kyiv)
  await org.until(() => kyiv.texts().includes('back again'), 'mail goes')
})

test('after more than 400 days the old link key opens nothing any more', async (t) => {
  const { org, kyiv, lviv, lvivOptions } = await linkedPair(t)
  await lviv.stop()
  await rotate(kyiv)
  org.advance(401 * DAY)
  await rotate(kyiv)
  assert.deepEqual(
    kyiv.files.linkKeys().map(({ epoch }) => epoch > 1),
    [true, true],
    'it is forgotten',
  )
  const again = await openOffice({ ...lvivOptions, files: lviv.files })
  t.after(() => again.stop())
  await again.relay.start()
  await settle(org, 2 * MINUTE)
  assert.equal(again.relay.links()[0]?.up, false)
})

test('a revocation changes the link key; the revoked branch never gets it', async (t) => {
  const { org, kyiv, lviv, odesa } = await threeOffices(t)
  const before = keyOf(kyiv)
  await kyiv.revoke('Odesa')
  await org.until(() => numberAt(kyiv) === 2 && numberAt(lviv) === 2, 'both have a new one')
  assert.equal(keyOf(lviv), keyOf(kyiv))
  const [record] = await linkKeyRecords(kyiv.store.read)
  assert.deepEqual(record?.statement.revoked, [odesa.keys.branch])
  assert.ok(record && !record.boxes.has(odesa.keys.branch))
  await settle(org, 3 * MINUTE)
  assert.equal(keyOf(odesa), before)
  assert.equal(odesa.relay.links().filter(({ up }) => up).length, 0)
  assert.equal(count(kyiv, 'relay.link-key.changed'), 1, 'once')
  for (const office of [kyiv, lviv, odesa]) await office.stop()
})

test('a branch that was cut off while another was revoked links again within seconds', async (t) => {
  const { org, kyiv, lviv, odesa, optionsOf } = await threeOffices(t)
  await lviv.stop()
  await kyiv.revoke('Odesa')
  await org.until(() => numberAt(kyiv) === 2, 'Kyiv has a new one')
  const again = await openOffice({ ...optionsOf.lviv, files: lviv.files })
  await again.relay.start()
  const began = org.clock.now()
  await org.until(() => isLinked(again, kyiv) && isLinked(kyiv, again), 'linked', 100)
  assert.ok(org.clock.now() - began < 20 * SECOND, `${org.clock.now() - began} ms`)
  await org.until(() => keyOf(again) === keyOf(kyiv), 'it has the new one')
  for (const office of [kyiv, again, odesa]) await office.stop()
})

test('a branch that nobody can call gets the new link key by its own calls', async (t) => {
  const { org, kyiv, lviv, odesa, optionsOf } = await threeOffices(t)
  for (const office of [lviv, odesa]) await office.stop()
  await kyiv.store.writer.write((tx) => tx.updateTable('branch').set({ addresses: '[]' }).execute())
  await kyiv.revoke('Odesa')
  await org.until(() => numberAt(kyiv) === 2, 'Kyiv has a new one')
  const again = await openOffice({ ...optionsOf.lviv, files: lviv.files })
  for (const office of [kyiv, again]) t.after(() => office.stop())
  await again.relay.start()
  const began = org.clock.now()
  await org.until(() => isLinked(again, kyiv) && isLinked(kyiv, again), 'linked', 100)
  assert.ok(org.clock.now() - began < 20 * SECOND, `${org.clock.now() - began} ms`)
  assert.equal(keyOf(again), keyOf(kyiv), 'it had it before it was linked')
})

test('a branch that only answers is called with a key it knows', async (t) => {
  const { org, kyiv, lviv, kyivOptions, lvivOptions } = await linkedPair(t)
  await lviv.stop()
  await kyiv.stop()
  const caller = await openOffice({
    ...{ ...kyivOptions, files: kyiv.files },
    peers: [`10.0.0.2:${PORT}`],
  })
  t.after(() => caller.stop())
  await caller.relay.start()
  await rotate(caller)
  await rotate(caller)
  const answering = await openOffice({ ...lvivOptions, files: lviv.files, peers: [] })
  t.after(() => answering.stop())
  await answering.store.writer.write((tx) =>
    tx.updateTable('branch').set({ addresses: '[]' }).execute(),
  )
  await answering.relay.start()
  await org.until(() => isLinked(answering, caller), 'linked', 500)
  await org.until(() => keyOf(answering) === keyOf(caller), 'and it has the newest')
})

test('a crash before the key file was written loses nothing', async (t) => {
  const { org, kyiv, lviv, kyivOptions } = await linkedPair(t)
  const first = kyiv.files.linkKeys()[0] as LinkKey
  await rotate(kyiv)
  await org.until(() => keyOf(lviv) === keyOf(kyiv), 'Lviv has it')
  const wanted = keyOf(kyiv)
  await kyiv.stop()
  const files = memoryKeys()
  files.saveBranchKeys(kyiv.keys)
  files.setNoiseKeys([kyiv.files.findNoiseKey(kyiv.keys.noise.publicKey)?.secretKey ?? fail()])
  files.saveLinkKey({ ...first, since: 0 })
  const again = await openOffice({ ...kyivOptions, files })
  t.after(() => again.stop())
  await again.relay.start()
  assert.equal(keyOf(again), wanted)
})

const fail = (): never => {
  throw new Error('The key in use is there')
}

test('a branch that was let in elsewhere with an older key is sent the newest', async (t) => {
  const { org, kyiv } = await linkedPair(t)
  await rotate(kyiv)
  const member = org.admitted('Dnipro')
  const body = identityEventBody(member.chain)
  await kyiv.store.writer.write((tx) =>
    kyiv.eventLog.append(tx, { kind: kyiv.kinds.branchIdentity, body, to: 'all' }),
  )
  const dnipro = await openOffice({
    ...{ org, folder: temporaryFolder(t), host: '10.0.0.4', member },
    ...{ knows: [org.founder.chain], peers: [`10.0.0.1:${PORT}`] },
  })
  t.after(() => dnipro.stop())
  await dnipro.relay.start()
  await org.until(() => keyOf(dnipro) === keyOf(kyiv), 'Dnipro has it', 200)
})
