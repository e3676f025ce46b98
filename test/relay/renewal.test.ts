/** A certificate asked for by hand: by the branch itself, over a link, and by a key that nobody can have seen. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { hex } from '../../src/base/bytes.ts'
import { DAY, HOUR, SECOND } from '../../src/base/units.ts'
import { findChain } from '../../src/relay/credentials.ts'
import { temporaryFolder } from '../db/store.ts'
import {
  isLinked,
  type Office,
  openOffice,
  organisation,
  threeOffices,
  twoOffices,
} from './company.ts'

async function linkedCompany(t: TestContext) {
  const org = organisation()
  const options = await twoOffices(org, temporaryFolder(t))
  const kyiv = await openOffice(options.kyivOptions)
  const lviv = await openOffice(options.lvivOptions)
  t.after(() => kyiv.stop())
  t.after(() => lviv.stop())
  await kyiv.relay.start()
  await lviv.relay.start()
  await org.until(() => isLinked(kyiv, lviv) && isLinked(lviv, kyiv), 'linked')
  return { org, kyiv, lviv, ...options }
}

const keyOf = async (at: Office) => {
  const chain = await findChain(at.store.read)
  return hex(chain?.link.noisePublicKey ?? new Uint8Array(0))
}

/** Waits for a promise while time goes on. */
async function come<T>(org: ReturnType<typeof organisation>, promise: Promise<T>): Promise<T> {
  let isDone = false
  void promise.finally(() => {
    isDone = true
  })
  await org.until(() => isDone, 'it came back', 200)
  return await promise
}

test('an issuing branch renews by itself, another one over its link; both say until when and by whom', async (t) => {
  const { org, kyiv, lviv } = await linkedCompany(t)
  org.advance(SECOND)
  const before = await keyOf(lviv)
  for (const at of [kyiv, lviv]) {
    const outcome = await come(org, at.relay.authority().renewCertificate({ newKey: false }))
    assert.equal(outcome.kind, 'renewed')
    assert.equal(outcome.kind === 'renewed' && outcome.by, kyiv.keys.branch)
    const until = outcome.kind === 'renewed' ? outcome.notAfter : 0
    assert.ok(Math.abs(until - org.clock.now() - 10 * DAY) < 60 * SECOND)
  }
  assert.notEqual(await keyOf(lviv), before)
  const linked = () => isLinked(kyiv, lviv) && isLinked(lviv, kyiv)
  await org.until(linked, 'linked again')
  const state = lviv.relay.links()[0]
  assert.equal(state?.certificateIssuer, kyiv.keys.branch)
})

test('without a link to an issuing branch nobody is there to ask', async (t) => {
  const { org, kyiv, lviv } = await linkedCompany(t)
  await kyiv.relay.stop()
  await org.until(() => !isLinked(lviv, kyiv), 'apart')
  assert.deepEqual(await lviv.relay.authority().renewCertificate({ newKey: false }), {
    kind: 'nobody',
  })
})

test('an issuer that is silent is waited for twenty seconds, and nothing is lost', async (t) => {
  const { org, kyiv, lviv } = await linkedCompany(t)
  const before = await keyOf(lviv)
  org.network.onWay = () => new Uint8Array(0)
  const outcome = await come(org, lviv.relay.authority().renewCertificate({ newKey: true }))
  assert.deepEqual(outcome, { kind: 'no-answer', by: kyiv.keys.branch })
  assert.equal(await keyOf(lviv), before)
  org.network.onWay = (bytes) => bytes
  const again = () => isLinked(lviv, kyiv) && isLinked(kyiv, lviv)
  await org.until(() => !again(), 'the silent link ends', 1000)
  await org.until(again, 'linked by the key that was in use all the time', 1000)
  const later = await come(org, lviv.relay.authority().renewCertificate({ newKey: true }))
  assert.equal(later.kind, 'renewed')
})

test('a new key was never on the disk before, the old one is gone, and every link is opened anew', async (t) => {
  const { org, kyiv, lviv, lvivOptions } = await linkedCompany(t)
  const used = lviv.files.findBranchKeys()?.noise.publicKey ?? new Uint8Array(0)
  // A key was drawn for a question that nobody answered: it may be in the copy that others saw.
  const pending = new Uint8Array(32).fill(7)
  lviv.files.addNoiseKey(pending)
  const drawn = lviv.files.findBranchKeys()?.noise.publicKey ?? new Uint8Array(0)
  const opened = lviv.lines.filter(({ name }) => name === 'relay.link.opened').length
  for (const at of [lviv, kyiv]) {
    const outcome = await come(org, at.relay.authority().renewCertificate({ newKey: true }))
    assert.equal(outcome.kind, 'renewed')
  }
  assert.equal(lviv.files.findNoiseKey(used), undefined)
  assert.equal(lviv.files.findNoiseKey(drawn), undefined)
  const reopened = () =>
    lviv.lines.filter(({ name }) => name === 'relay.link.opened').length >= opened + 2
  await org.until(() => reopened() && isLinked(kyiv, lviv) && isLinked(lviv, kyiv), 'new links')
  await lviv.stop()
  const again = await openOffice({ ...lvivOptions, files: lviv.files })
  await again.relay.start()
  await org.until(() => isLinked(again, kyiv), 'it starts with the new key alone', 200)
  await again.stop()
})

test('a branch that sees no issuing branch renews by mail over one that does', async (t) => {
  const { org, setCut, kyiv, lviv, odesa } = await threeOffices(t)
  for (const office of [kyiv, lviv, odesa]) t.after(() => office.stop())
  setCut(kyiv, odesa, true)
  const apart = () => !isLinked(kyiv, odesa) && !isLinked(odesa, kyiv)
  await org.until(apart, 'Kyiv and Odesa are apart', 500)
  const before = await keyOf(odesa)
  const mailed = () => odesa.lines.filter(({ name }) => name === 'relay.renewal.mailed').length
  for (let hour = 0; hour < 5 * 24 - 2; hour += 2) {
    org.advance(2 * HOUR)
    for (let i = 0; i < 30; i++) await new Promise((resolve) => setImmediate(resolve))
  }
  assert.equal(mailed(), 0, 'not before it is due')
  assert.equal(await keyOf(odesa), before)
  const renewed = async () => (await keyOf(odesa)) !== before
  await org.until(renewed, 'Odesa has another certificate', 5 * SECOND)
  assert.ok(apart(), 'still')
  assert.equal(mailed(), 1)
  const chain = await findChain(odesa.store.read)
  assert.equal(chain?.issuer.branch, kyiv.keys.branch)
  assert.ok((chain?.link.notAfter ?? 0) > org.clock.now() + 9 * DAY)
  assert.equal(odesa.lines.filter(({ name }) => name === 'relay.renewal.late').length, 0)
  await org.until(() => isLinked(odesa, lviv) && isLinked(lviv, odesa), 'its links go on', SECOND)
})

test('mail for a key that was not asked for, or to a branch that may not issue, changes nothing', async (t) => {
  const { org, kyiv, lviv } = await linkedCompany(t)
  const before = await keyOf(lviv)
  const { renewalRequest, renewalAnswer } = kyiv.kinds
  const send = (from: Office, to: Office, body: { noiseKey: string }) =>
    from.store.writer.write((tx) =>
      from.eventLog.append(tx, { kind: renewalRequest, body, to: [to.keys.branch] }),
    )
  const answers = async () =>
    (await lviv.store.read.selectFrom('event').where('kind', '=', 0x020b).select('id').execute())
      .length
  const noiseKey = lviv.keys.noise.publicKey.toBase64()
  await send(kyiv, lviv, { noiseKey })
  await send(lviv, kyiv, { noiseKey: kyiv.keys.noise.publicKey.toBase64() })
  await org.until(async () => (await answers()) === 1, 'Kyiv answered')
  await send(lviv, kyiv, { noiseKey })
  org.advance(SECOND)
  for (let i = 0; i < 100; i++) await new Promise((resolve) => setImmediate(resolve))
  assert.equal(await answers(), 1, 'once an hour at most')
  assert.equal(await keyOf(lviv), before)
  assert.equal(renewalAnswer.name, 'cert.renew.ok')
  assert.ok(lviv.lines.some(({ name }) => name === 'relay.renewal.wrong'))
})
