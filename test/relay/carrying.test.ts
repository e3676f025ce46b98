/** Two branches that cannot see each other write over a third: whole relays, a cut line, a clock moved by hand. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SECOND } from '../../src/base/units.ts'
import { missing } from '../../src/eventlog/reports.ts'
import { admitBranch } from '../../src/relay/events.ts'
import {
  isLinked,
  type Office,
  type Organisation,
  openOffice,
  PORT,
  threeOffices,
} from './company.ts'

const carriedAt = async (office: Office) =>
  (await office.store.read.selectFrom('carried_batch').select('firstSeq').execute()).length

const waitingFor = (to: Office, from: Office) => from.eventLog.outboxOf(to.keys.branch)

/** Lets some seconds pass. */
async function moments(org: Organisation, seconds: number) {
  const end = org.clock.now() + seconds * SECOND
  await org.until(() => org.clock.now() >= end, 'time passes', 100)
}

async function apart(t: Parameters<typeof threeOffices>[0], more = {}) {
  const at = await threeOffices(t, more)
  const { org, kyiv, lviv, setCut } = at
  await kyiv.post('before', lviv)
  await org.until(async () => (await waitingFor(lviv, kyiv)) === 0, 'it goes directly')
  setCut(kyiv, lviv, true)
  await kyiv.post('cut off', lviv) // the line dies at the first byte
  await org.until(() => !isLinked(kyiv, lviv) && !isLinked(lviv, kyiv), 'the line is gone')
  const stop = async () => {
    for (const office of [kyiv, lviv, at.odesa]) await office.stop()
  }
  return { ...at, stop }
}

test('with the line between two cut, mail goes over the third within two seconds, both ways', async (t) => {
  const { org, kyiv, lviv, odesa, stop } = await apart(t)
  const began = org.clock.now()
  await kyiv.post('over Odesa', lviv)
  await lviv.post('and back', kyiv)
  await org.until(() => lviv.texts().length === 3 && kyiv.texts().length === 1, 'it arrives')
  assert.ok(org.clock.now() - began < 2 * SECOND, `${org.clock.now() - began} ms`)
  assert.deepEqual(lviv.texts(), ['before', 'cut off', 'over Odesa'])
  assert.deepEqual(kyiv.texts(), ['and back'])
  await org.until(async () => (await carriedAt(odesa)) === 0, 'Odesa keeps nothing of it')
  assert.deepEqual(odesa.texts(), [])
  const live = org.clock.now()
  await kyiv.post('at once', lviv)
  await org.until(() => lviv.texts().length === 4, 'the way is open')
  assert.ok(org.clock.now() - live < SECOND, `${org.clock.now() - live} ms`)
  await stop()
})

test('when the line is back mail goes directly again, nothing is doubled, nothing is carried', async (t) => {
  const { org, kyiv, lviv, odesa, setCut, stop } = await apart(t)
  await kyiv.post('carried', lviv)
  await org.until(() => lviv.texts().length === 3, 'it arrives')
  setCut(kyiv, lviv, false)
  await org.until(() => isLinked(kyiv, lviv) && isLinked(lviv, kyiv), 'the line is back', 100)
  await org.until(async () => (await waitingFor(lviv, kyiv)) === 0, 'Kyiv knows')
  await moments(org, 2)
  const feeds = await odesa.store.read.selectFrom('feed').select(['id', 'head']).execute()
  await kyiv.post('direct', lviv)
  await org.until(() => lviv.texts().length === 4, 'it goes directly')
  await moments(org, 5)
  assert.deepEqual(lviv.texts(), ['before', 'cut off', 'carried', 'direct'])
  const after = await odesa.store.read.selectFrom('feed').select(['id', 'head']).execute()
  assert.deepEqual(after, feeds, 'Odesa is not given what went directly')
  await stop()
})

test('who carried is told when the line is back', async (t) => {
  const { org, kyiv, lviv, odesa, setCut, stop } = await apart(t)
  await org.until(() => lviv.texts().length === 2, 'it arrives')
  setCut(kyiv, lviv, false)
  await org.until(async () => (await waitingFor(lviv, kyiv)) === 0, 'Kyiv knows', 100)
  const marks = await kyiv.store.read
    .selectFrom('stored_mark')
    .innerJoin('feed', 'feed.n', 'feedN')
    .where('scope', '=', 'to')
    .where('branchId', '=', lviv.keys.branch)
    .orderBy('upTo')
    .select(['upTo', 'stored_mark.via'])
    .execute()
  assert.deepEqual(marks, [
    { upTo: 1, via: null },
    { upTo: 2, via: odesa.keys.branch },
  ])
  await stop()
})

test('the writer knows within two seconds that it arrived, while the line is still cut', async (t) => {
  const { org, kyiv, lviv, odesa, stop } = await apart(t)
  const began = org.clock.now()
  await org.until(() => lviv.texts().length === 2, 'it arrives')
  await org.until(async () => (await waitingFor(lviv, kyiv)) === 0, 'Kyiv knows')
  assert.ok(org.clock.now() - began < 2 * SECOND, `${org.clock.now() - began} ms`)
  assert.equal(isLinked(kyiv, lviv), false)
  const [mark] = await kyiv.store.read
    .selectFrom('stored_mark')
    .where('branchId', '=', lviv.keys.branch)
    .where('upTo', '=', 2)
    .select('via')
    .execute()
  assert.equal(mark?.via, odesa.keys.branch)
  await stop()
})

test('a carrier that keeps something back is found out by the word of the origin', async (t) => {
  const { org, kyiv, lviv, odesa, stop } = await apart(t)
  await org.until(async () => (await waitingFor(lviv, kyiv)) === 0, 'Kyiv knows')
  assert.deepEqual(await missing(lviv.store.read, lviv.keys.branch), [])
  odesa.eventLog.batchesAfter = async () => []
  await kyiv.post('kept back', lviv)
  await moments(org, 70)
  assert.deepEqual(lviv.texts(), ['before', 'cut off'])
  const [told, ...others] = await missing(lviv.store.read, lviv.keys.branch)
  assert.deepEqual([told?.origin, told?.events, others], [kyiv.keys.branch, 1, []])
  await stop()
})

test('a line that falls silent is not waited for: the third carries within half a minute', async (t) => {
  const { org, kyiv, lviv, odesa, setCut } = await threeOffices(t)
  setCut(kyiv, lviv, 'silent')
  await kyiv.post('into the silence', lviv)
  const began = org.clock.now()
  await org.until(() => lviv.texts().length === 1, 'it arrives', 100)
  const passed = org.clock.now() - began
  assert.ok(passed < 30 * SECOND, `${passed} ms`)
  assert.ok(isLinked(kyiv, lviv), 'the line was not given up yet')
  for (const office of [kyiv, lviv, odesa]) await office.stop()
})

test('mail is handed to a branch that does not see its destination either, once that is away for long', async (t) => {
  const { org, kyiv, lviv, odesa } = await threeOffices(t)
  await lviv.stop()
  await kyiv.post('for later', lviv)
  await org.until(() => !isLinked(kyiv, lviv) && !isLinked(odesa, lviv), 'Lviv is away')
  await moments(org, 10)
  assert.equal(await carriedAt(odesa), 0, 'it may come back any moment')
  await org.until(async () => (await carriedAt(odesa)) === 1, 'Odesa holds it', 1000)
  for (const office of [kyiv, odesa]) await office.stop()
})

test('a branch that carries nothing is passed over', async (t) => {
  const { org, kyiv, lviv, odesa, setCut, stop } = await apart(t, { carryBytesMax: 0 })
  await kyiv.post('waits', lviv)
  await moments(org, 20)
  assert.deepEqual(lviv.texts(), ['before'])
  assert.equal(await carriedAt(odesa), 0)
  setCut(kyiv, lviv, false)
  await org.until(() => lviv.texts().length === 3, 'the line is back', 100)
  assert.deepEqual(lviv.texts(), ['before', 'cut off', 'waits'])
  await stop()
})

test('a line that is lost while nothing waits does not hide what is written afterwards', async (t) => {
  const { org, kyiv, lviv, odesa, setCut } = await threeOffices(t)
  await kyiv.post('before', lviv)
  await org.until(async () => (await waitingFor(lviv, kyiv)) === 0, 'it goes directly')
  await moments(org, 2)
  setCut(kyiv, lviv, true)
  await org.until(() => !isLinked(kyiv, lviv) && !isLinked(lviv, kyiv), 'the line is gone', 500)
  await org.until(() => odesa.relay.links().every(({ up }) => up), 'Odesa sees both', 500)
  await moments(org, 2)
  await kyiv.post('over Odesa', lviv)
  await moments(org, 5)
  assert.deepEqual(lviv.texts(), ['before', 'over Odesa'])
  for (const office of [kyiv, lviv, odesa]) await office.stop()
})

test('mail that arrived before the line was lost, and its ack did not, is not waited for for ever', async (t) => {
  const { org, kyiv, lviv, odesa } = await threeOffices(t)
  await kyiv.post('before', lviv)
  await org.until(async () => (await waitingFor(lviv, kyiv)) === 0, 'it goes directly')
  const ends = [kyiv, lviv].map(({ address }) => address.replace(/:.*/, ''))
  org.network.onWay = (bytes, wire) => {
    const isCut = lviv.texts().length === 2 && wire.hosts.every((host) => ends.includes(host))
    return isCut ? undefined : bytes
  }
  await kyiv.post('acked in vain', lviv)
  await org.until(() => !isLinked(kyiv, lviv) && !isLinked(lviv, kyiv), 'the line is gone', 100)
  assert.equal(lviv.texts().length, 2)
  assert.equal(await waitingFor(lviv, kyiv), 1)
  await moments(org, 10)
  assert.equal(await waitingFor(lviv, kyiv), 0)
  for (const office of [kyiv, lviv, odesa]) await office.stop()
})

test('a carrier that had no room when it was asked asks when it has some', async (t) => {
  const { org, kyiv, lviv, odesa, setCut } = await threeOffices(t)
  await moments(org, 2)
  const fill = (carriedBytes: number) => {
    const some = odesa.store.read.selectFrom('feed').select((eb) => eb.fn.min('n').as('n'))
    return odesa.store.writer.write((tx) =>
      tx.updateTable('feed').set({ carriedBytes }).where('n', '=', some).execute(),
    )
  }
  await odesa.publish('a feed')
  await fill(10_000_000)
  setCut(kyiv, lviv, true)
  await kyiv.post('waits for room', lviv)
  await org.until(() => !isLinked(kyiv, lviv) && !isLinked(lviv, kyiv), 'the line is gone')
  await moments(org, 15)
  assert.deepEqual(lviv.texts(), [])
  await fill(0)
  await moments(org, 15)
  assert.deepEqual(lviv.texts(), ['waits for room'])
  for (const office of [kyiv, lviv, odesa]) await office.stop()
})

test('an ack that stood at a carrier without a way on goes on when there is one', async (t) => {
  const { org, kyiv, lviv, odesa, optionsOf, odesaChain } = await threeOffices(t)
  const member = org.admitted('Dnipro')
  for (const { store } of [kyiv, lviv, odesa]) {
    await store.writer.write((tx) => admitBranch(tx, member.chain))
  }
  const dnipro = await openOffice({
    ...{ org, member, folder: optionsOf.kyiv.folder, host: '10.0.0.4' },
    knows: [...optionsOf.kyiv.knows, org.founder.chain, odesaChain],
    peers: [`10.0.0.1:${PORT}`, `10.0.0.2:${PORT}`, `10.0.0.3:${PORT}`],
  })
  // Kyiv - Odesa - Dnipro - Lviv
  const line = [kyiv, odesa, dnipro, lviv].map(({ address }) => address.replace(/:.*/, ''))
  let isBroken = false
  org.network.onWay = (bytes, { hosts }) => {
    const [a, b] = hosts.map((host) => line.indexOf(host)).sort()
    return b === (a ?? 0) + 1 && !(isBroken && a === 1) ? bytes : undefined
  }
  await dnipro.relay.start()
  const leads = (from: Office, to: Office) =>
    from.relay.links().some(({ branch, over }) => branch === to.keys.branch && over.length > 0)
  await org.until(() => leads(kyiv, lviv) && leads(lviv, kyiv), 'a way is there', 200)
  await kyiv.post('far', lviv)
  await org.until(() => lviv.texts().length === 1, 'it arrives')
  isBroken = true
  await odesa.publish('the line dies at the first byte')
  await org.until(() => !isLinked(odesa, dnipro) && !isLinked(dnipro, odesa), 'a cut', 20)
  await moments(org, 5)
  assert.equal(await waitingFor(lviv, kyiv), 1, 'the word did not come through')
  isBroken = false
  await org.until(() => leads(kyiv, lviv) && leads(lviv, kyiv), 'the way is back', 200)
  await moments(org, 10)
  assert.equal(await waitingFor(lviv, kyiv), 0)
  for (const office of [kyiv, lviv, odesa, dnipro]) await office.stop()
})
