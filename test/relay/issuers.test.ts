/** More than one issuing branch: the root names another one, and the organisation lives on when the first is gone. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { AppError } from '../../src/base/errors.ts'
import { DAY, HOUR, MINUTE } from '../../src/base/units.ts'
import type { Chain } from '../../src/certificates/chain.ts'
import { issueLinkKey } from '../../src/certificates/link-key.ts'
import { sealBox } from '../../src/certificates/sealed-box.ts'
import { findChain, findIssuer } from '../../src/relay/credentials.ts'
import { identityEventBody } from '../../src/relay/events.ts'
import { issuingBranches } from '../../src/relay/issuers.ts'
import { acceptJoin, joinOrganisation } from '../../src/relay/joiner.ts'
import { linkKeyRecords } from '../../src/relay/link-key-records.ts'
import { realRandom } from '../../src/world/random.ts'
import { temporaryFolder } from '../db/store.ts'
import { keptLog } from '../eventlog/fixture.ts'
import {
  isLinked,
  memoryKeys,
  type Office,
  type Organisation,
  openOffice,
  PORT,
  threeOffices,
} from './company.ts'

/** Kyiv, which has the root key, Lviv and Odesa, all linked; with `isNamed` Lviv may issue too. */
async function company(t: TestContext, { isNamed = true } = {}) {
  const found = await threeOffices(t)
  const { org, kyiv, lviv, odesa, odesaChain } = found
  const open = new Set([kyiv, lviv, odesa])
  t.after(async () => {
    for (const office of open) await office.stop()
  })
  kyiv.files.saveRootKey(org.founding.root)
  const stop = async (office: Office) => {
    open.delete(office)
    await office.stop()
  }
  const started = async (office: Office) => {
    open.add(office)
    await office.relay.start()
    return office
  }
  if (isNamed) {
    await kyiv.relay.authority().nameIssuer('Lviv')
    for (const office of [lviv, odesa]) {
      await org.until(async () => (await namesAt(office)).includes('Lviv'), 'it is known', 100)
    }
    // As the founder said it, when it let them in.
    await publish(kyiv, [org.founder.chain, odesaChain])
  }
  return { ...found, stop, started }
}

async function publish(office: Office, chains: readonly Chain[]) {
  for (const chain of chains) {
    const body = identityEventBody(chain)
    await office.store.writer.write((tx) =>
      office.eventLog.append(tx, { kind: office.kinds.branchIdentity, body, to: 'all' }),
    )
  }
}

const namesAt = async (office: Office) =>
  (await issuingBranches(office.store.read)).map(({ name }) => name)
const untilAt = async (office: Office) => (await findChain(office.store.read))?.link.notAfter ?? 0
const count = (at: Office, name: string) => at.lines.filter((line) => line.name === name).length
const detail = (expected: string) => (error: unknown) =>
  error instanceof AppError && (error.detail ?? error.code) === expected

/** Waits for a promise while time goes on. */
async function come<T>(org: Organisation, promise: Promise<T>): Promise<T> {
  let isDone = false
  void promise
    .catch(() => {})
    .finally(() => {
      isDone = true
    })
  await org.until(() => isDone, 'it came back', 200)
  return await promise
}

test('when the first issuing branch is gone for good, certificates renew through the second', async (t) => {
  const { org, kyiv, lviv, odesa, stop } = await company(t)
  await stop(kyiv)
  for (let day = 0; day < 40; day += 4) {
    org.advance(4 * DAY)
    const linked = () => isLinked(odesa, lviv) && isLinked(lviv, odesa)
    await org.until(linked, `linked on day ${day}`, 5000)
    await org.until(async () => (await untilAt(odesa)) > org.clock.now() + 4 * DAY, 'renewed', 5000)
  }
  assert.equal((await findChain(odesa.store.read))?.issuer.branch, lviv.keys.branch)
  assert.equal((await findChain(lviv.store.read))?.issuer.branch, lviv.keys.branch)
  await odesa.post('all is well', lviv)
  await org.until(() => lviv.texts().includes('all is well'), 'mail goes')
})

test('a new branch joins through the second and hears of everything the first one said', async (t) => {
  const { org, kyiv, lviv, odesa, stop, started } = await company(t)
  await kyiv.publish('said by Kyiv')
  await odesa.publish('said by Odesa')
  const seen = (at: Office) => at.record.seen.map(({ body }) => body.text).sort()
  await org.until(() => seen(lviv).length === 2, 'Lviv has both')
  await org.until(async () => (await introducedAt(lviv)).length > 0, 'it introduces Kyiv', 1000)
  await stop(kyiv)
  const wish = { branchName: 'Dnipro', createdBy: undefined, validMs: HOUR }
  const { line } = await lviv.relay.createInvitation(wish)
  const files = memoryKeys()
  const parts = { clock: org.clock, random: realRandom(), log: keptLog(), keys: files }
  const network = org.network.door('10.0.0.4')
  const admission = await come(
    org,
    joinOrganisation(
      { ...parts, network, suites: { least: 1, strongest: 2 } },
      { line, addresses: [`10.0.0.4:${PORT}`] },
    ),
  )
  const { issuer, identity, link } = admission.joined
  const dnipro = await openOffice({
    ...{ org, folder: temporaryFolder(t), host: '10.0.0.4', knows: [], files },
    member: { keys: admission.keys, chain: { issuer, identity, link } },
    linkKey: admission.joined.linkKey,
  })
  await dnipro.store.writer.write((tx) => acceptJoin(tx, admission))
  await started(dnipro)
  await org.until(() => seen(dnipro).length === 2, 'Dnipro has both', 200)
  await org.until(() => isLinked(dnipro, odesa), 'it is linked with Odesa', 200)
  assert.deepEqual(await namesAt(dnipro), ['Kyiv', 'Lviv'])
})

const introducedAt = (office: Office) =>
  office.store.read
    .selectFrom('event')
    .innerJoin('branch', 'branch.n', 'event.originN')
    .where('branch.id', '=', office.keys.branch)
    .where('kind', '=', 0x0209)
    .select('position')
    .execute()

test('only the root names issuing branches, and only those there are', async (t) => {
  const { org, kyiv, lviv } = await company(t)
  const name = (office: Office, text: string) => office.relay.authority().nameIssuer(text)
  await assert.rejects(name(lviv, 'Odesa'), detail('forbidden'))
  await assert.rejects(name(kyiv, 'Lviv'), detail('branch-issues'))
  await assert.rejects(name(kyiv, 'Rivne'), detail('branch-unknown'))
  await kyiv.revoke('Odesa')
  await assert.rejects(name(kyiv, 'Odesa'), detail('branch-revoked'))
  kyiv.files.lendRootKey(org.founding.root, { from: 0, until: org.clock.now() })
  await assert.rejects(name(kyiv, 'Lviv'), detail('forbidden'))
  assert.equal(kyiv.files.findRootKey(), undefined, 'the loan is over')
})

test('a root key that was brought to any branch lets it issue, when nobody else can', async (t) => {
  const { org, kyiv, lviv, odesa, stop } = await company(t, { isNamed: false })
  await stop(kyiv)
  const from = org.clock.now()
  odesa.files.lendRootKey(org.founding.root, { from, until: from + HOUR })
  const named = await odesa.relay.authority().nameIssuer('Odesa')
  assert.equal(named.branch, odesa.keys.branch)
  org.advance(7 * DAY)
  await org.until(async () => (await untilAt(lviv)) > org.clock.now() + 9 * DAY, 'renewed', 5000)
  assert.equal(odesa.files.findRootKey(), undefined)
  assert.equal((await findChain(lviv.store.read))?.issuer.branch, odesa.keys.branch)
})

test('the root renews the right of all issuing branches, where it lies', async (t) => {
  const { org, kyiv, lviv } = await company(t)
  for (let day = 0; day < 200; day += 12) {
    org.advance(12 * DAY)
    await org.until(() => isLinked(kyiv, lviv), `linked on day ${day}`, 5000)
  }
  await org.until(
    async () =>
      (await issuingBranches(lviv.store.read)).every(({ branch, notAfter }) => {
        return branch === kyiv.keys.branch || notAfter > org.clock.now() + 150 * DAY
      }),
    'Lviv may go on',
    1000,
  )
  assert.equal(count(kyiv, 'relay.issuer.named'), 2, 'once by hand, once at half of the year')
  assert.equal(count(lviv, 'relay.issuer.ends'), 0)
})

test('two issuing branches change the link key at once: all have the same in the end', async (t) => {
  const { org, setCut, kyiv, lviv, odesa } = await company(t)
  const newest = ({ files }: Office) => files.linkKeys()[0]
  const all = [kyiv, lviv, odesa]
  setCut(kyiv, lviv, true)
  org.network.onWay = () => undefined
  await org.until(() => !isLinked(kyiv, lviv) && !isLinked(kyiv, odesa), 'all apart', 1000)
  for (const office of [kyiv, lviv]) await office.relay.authority().rotateLinkKey()
  assert.notDeepEqual(newest(kyiv)?.key, newest(lviv)?.key)
  org.network.onWay = (bytes) => bytes
  const same = () => new Set(all.map((office) => newest(office)?.epoch)).size === 1
  await org.until(same, 'all have the same', 200)
  const whole = () => all.every((a) => all.every((b) => a === b || isLinked(a, b)))
  await org.until(whole, 'all are linked', 200)
  assert.equal(new Set(all.map((office) => newest(office)?.key.toHex())).size, 1)
  for (const office of all) assert.equal(office.files.linkKeys().length, 3, 'both were taken')
})

test('two issuing branches revoke one each at once: neither of these has the newest link key', async (t) => {
  const { org, kyiv, lviv, odesa } = await company(t)
  const member = org.admitted('Rivne')
  await publish(kyiv, [member.chain])
  const knowsRivne = async () =>
    (await lviv.store.read.selectFrom('branch').select('id').execute()).length === 4
  await org.until(knowsRivne, 'Lviv knows Rivne')
  org.network.onWay = () => undefined
  await org.until(() => !isLinked(kyiv, lviv), 'apart', 1000)
  await kyiv.revoke('Odesa')
  await lviv.revoke('Rivne')
  const number = ({ relay }: Office) => relay.authority().linkKey?.number ?? 0
  await org.until(() => number(kyiv) === 2 && number(lviv) === 2, 'each has its own')
  org.network.onWay = (bytes) => bytes
  const epoch = ({ files }: Office) => files.linkKeys()[0]?.epoch
  await org.until(() => number(kyiv) === 3 && epoch(kyiv) === epoch(lviv), 'a third one', 500)
  const [record] = await linkKeyRecords(kyiv.store.read)
  const gone = [odesa.keys.branch, member.keys.branch]
  assert.deepEqual([...(record?.statement.revoked ?? [])].sort(), [...gone].sort())
  assert.ok(gone.every((branch) => record?.boxes.has(branch) === false))
})

test('an issuing branch that used up the epochs is revoked, and the link key changes all the same', async (t) => {
  const { org, kyiv, lviv, odesa, stop } = await company(t)
  const newest = ({ files }: Office) => files.linkKeys()[0]
  const all = [kyiv, lviv, odesa]
  const epoch = 2 ** 32 - 1
  await drawLinkKey(org, lviv, { epoch, to: all })
  await org.until(() => all.every((office) => newest(office)?.epoch === epoch), 'all took it')
  await assert.rejects(kyiv.relay.authority().rotateLinkKey(), RangeError)
  const lost = newest(lviv)?.key.toHex()
  await kyiv.revoke('Lviv')
  const changed = (office: Office) => newest(office)?.epoch !== epoch
  await org.until(() => changed(kyiv) && changed(odesa), 'a new one', 500)
  assert.equal(newest(kyiv)?.key.toHex(), newest(odesa)?.key.toHex())
  assert.equal(newest(kyiv)?.isForRevocation, true)
  assert.ok(kyiv.files.linkKeys().some(({ key }) => key.toHex() === lost))
  await stop(lviv)
  await kyiv.relay.authority().rotateLinkKey()
  await org.until(() => kyiv.relay.authority().linkKey?.number === 3, 'and it goes on')
  await org.until(() => newest(odesa)?.epoch === newest(kyiv)?.epoch, 'everywhere', 200)
})

/** A link key of any epoch, as an issuing branch could say it that is not honest. */
async function drawLinkKey(
  org: Organisation,
  office: Office,
  { epoch, to }: { epoch: number; to: readonly Office[] },
) {
  const now = org.clock.now()
  const { keys, files, store, kinds, eventLog } = office
  const issuer = await findIssuer(store.read, { self: keys.branch, keys: files, now })
  assert.ok(issuer)
  const key = realRandom().bytes(32)
  const how = { epoch, key, isForRevocation: false, revoked: [], now }
  const boxes = to.map(({ keys: { branch, box } }) => ({
    ...{ branch, box: sealBox(box.publicKey, key, realRandom().bytes(32)).toBase64() },
  }))
  const statement = issueLinkKey(issuer, how).bytes.toBase64()
  const body = { statement, issuer: issuer.certificate.bytes.toBase64(), boxes }
  await store.writer.write((tx) => eventLog.append(tx, { kind: kinds.linkKey, body, to: 'all' }))
}

test('an issuing branch that was away seals the new link key to nobody who was revoked', async (t) => {
  const { org, kyiv, lviv, odesa, optionsOf, stop, started } = await company(t)
  await stop(lviv)
  await kyiv.revoke('Odesa')
  await org.until(() => kyiv.relay.authority().linkKey?.number === 2, 'Kyiv has a new one')
  const again = await started(await openOffice({ ...optionsOf.lviv, files: lviv.files }))
  await org.until(() => again.relay.authority().linkKey?.number === 2, 'Lviv too', 200)
  for (let minute = 0; minute < 3; minute++) {
    org.advance(MINUTE)
    for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve))
  }
  for (const office of [kyiv, again]) {
    const records = await linkKeyRecords(office.store.read)
    assert.ok(records.every(({ boxes }) => !boxes.has(odesa.keys.branch)))
  }
})

test('who has the new link key and has not heard why tells it to nobody who must not have it', async (t) => {
  const { org, kyiv, lviv, odesa, optionsOf, stop, started } = await company(t)
  await stop(lviv)
  // Each calls nobody but whom its settings name: Lviv calls Kyiv, Odesa calls Lviv.
  const callNobody = ({ store }: Office) =>
    store.writer.write((tx) => tx.updateTable('branch').set({ addresses: '[]' }).execute())
  await callNobody(kyiv)
  await kyiv.revoke('Odesa')
  await org.until(() => kyiv.relay.authority().linkKey?.number === 2, 'Kyiv has a new one')
  const newest = ({ files }: Office) => files.linkKeys()[0]?.key.toHex()
  const lost = newest(odesa)
  // Lviv gets the key by a call that renews, and then sees Odesa, not Kyiv any more: the revocation does not come.
  org.network.onWay = (bytes, { hosts }) => {
    const shut = lviv.files.linkKeys().length === 2 ? '10.0.0.1' : '10.0.0.3'
    return hosts.includes(shut) ? undefined : bytes
  }
  const again = await openOffice({ ...optionsOf.lviv, files: lviv.files })
  await callNobody(again)
  await started(again)
  const isTold = () => again.relay.authority().linkKey?.number === 2
  await org.until(isTold, 'Lviv has the new one', 200)
  const answered = () => count(again, 'relay.renewal.granted') > 0
  await org.until(answered, 'Odesa called Lviv to renew', 500)
  for (let minute = 0; minute < 3; minute++) {
    org.advance(MINUTE)
    for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve))
  }
  assert.equal(newest(odesa), lost)
  const records = await linkKeyRecords(again.store.read)
  assert.ok(records.length === 1 && records.every(({ boxes }) => boxes.size === 0))
  assert.equal(count(again, 'relay.care-failed'), 0)
})

test('a branch whose certificate nobody renewed for five days says so, daily', async (t) => {
  const { org, kyiv, lviv, odesa, stop } = await company(t)
  await stop(kyiv)
  await stop(lviv)
  assert.equal(odesa.relay.authority().isRenewalLate, false)
  const hours = async (n: number) => {
    for (let hour = 0; hour < n; hour++) {
      org.advance(HOUR)
      for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve))
    }
  }
  await hours(5 * 24 - 4)
  assert.equal(odesa.relay.authority().isRenewalLate, false)
  assert.equal(count(odesa, 'relay.renewal.late'), 0)
  await hours(8)
  assert.equal(odesa.relay.authority().isRenewalLate, true)
  assert.equal(count(odesa, 'relay.renewal.late'), 1)
  await hours(24)
  assert.equal(count(odesa, 'relay.renewal.late'), 2)
})
