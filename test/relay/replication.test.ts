/** Two real event logs over links in memory: whatever breaks, nothing is lost, nothing doubled, the order is kept. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BranchId } from '../../src/base/ids.ts'
import { performed } from '../../src/relay/replication.ts'
import { temporaryFolder } from '../db/store.ts'
import { prng } from '../support/prng.ts'
import { isLinked, openOffice, organisation, twoOffices } from './company.ts'

test('what is written on both sides arrives in order, at once', async (t) => {
  const org = organisation()
  const { kyivOptions, lvivOptions } = await twoOffices(org, temporaryFolder(t))
  const kyiv = await openOffice(kyivOptions)
  const lviv = await openOffice(lvivOptions)
  await kyiv.relay.start()
  await lviv.relay.start()
  await org.until(() => isLinked(kyiv, lviv) && isLinked(lviv, kyiv), 'they are linked')
  for (const text of ['a', 'b', 'c']) await kyiv.post(text, lviv)
  await lviv.post('x', kyiv)
  await kyiv.publish('record')
  await org.until(() => lviv.texts().length === 3 && kyiv.texts().length === 1, 'it arrived')
  assert.deepEqual(lviv.texts(), ['a', 'b', 'c'])
  assert.deepEqual(kyiv.texts(), ['x'])
  await org.until(() => lviv.record.seen.length === 1, 'the record arrived')
  await org.until(
    async () => (await kyiv.eventLog.outboxOf(lviv.keys.branch)) === 0,
    'Lviv acknowledged',
  )
  await kyiv.stop()
  await lviv.stop()
})

for (const seed of [1, 2, 3, 4]) {
  test(`the line is cut at random messages and nothing is lost or doubled (seed ${seed})`, async (t) => {
    const org = organisation()
    const chance = prng(seed)
    const { kyivOptions, lvivOptions } = await twoOffices(org, temporaryFolder(t))
    let kyiv = await openOffice(kyivOptions)
    const lviv = await openOffice(lvivOptions)
    let cuts = 0
    org.network.onWay = (bytes) => {
      if (chance() > 0.06) return bytes
      cuts += 1
      return undefined
    }
    await kyiv.relay.start()
    await lviv.relay.start()
    const sent = { kyiv: [] as string[], lviv: [] as string[] }
    const seenBefore: string[] = []
    for (let round = 0; round < 80; round++) {
      const [from, to, texts] =
        chance() < 0.5 ? ([kyiv, lviv, sent.kyiv] as const) : ([lviv, kyiv, sent.lviv] as const)
      const text = `${round} `
      texts.push(text)
      await from.post(text, to)
      org.advance(Math.floor(chance() * 2000))
      for (let i = 0; i < 12; i++) await new Promise((resolve) => setImmediate(resolve))
      if (round === 40) {
        // A restart in the middle: another boot, hence other feeds.
        seenBefore.push(...kyiv.texts())
        await kyiv.stop()
        kyiv = await openOffice({ ...kyivOptions, files: kyiv.files })
        await kyiv.relay.start()
      }
    }
    assert.ok(cuts > 5, `only ${cuts} cuts`)
    org.network.onWay = (bytes) => bytes
    const atKyiv = () => [...seenBefore, ...kyiv.texts()]
    await org.until(
      () => lviv.texts().length >= sent.kyiv.length && atKyiv().length >= sent.lviv.length,
      'everything arrived',
      200,
    )
    const outboxes = async () => [
      await kyiv.eventLog.outboxOf(lviv.keys.branch),
      await lviv.eventLog.outboxOf(kyiv.keys.branch),
    ]
    await org.until(async () => `${await outboxes()}` === '0,0', 'every ack arrived', 100)
    // Feeds of two boots have no common order; inside each of them there is one.
    assert.deepEqual(lviv.texts().toSorted(byNumber), sent.kyiv)
    assert.deepEqual(atKyiv(), sent.lviv)
    for (const half of [sent.kyiv.filter(isFirstHalf), sent.kyiv.filter((x) => !isFirstHalf(x))]) {
      assert.deepEqual(
        lviv.texts().filter((text) => half.includes(text)),
        half,
      )
    }
    const faults = [...kyiv.lines, ...lviv.lines].filter(({ name }) =>
      /link.failed|broken|altered|commit-failed/.test(name),
    )
    assert.deepEqual(faults, [])
    await kyiv.stop()
    await lviv.stop()
  })
}

const byNumber = (a: string, b: string) => Number(a) - Number(b)
const isFirstHalf = (text: string) => Number(text) <= 40

test('what a carrier holds the end of alone is looked at again: it must hear when the rest came by another way', async (t) => {
  const org = organisation()
  const { kyivOptions, lvivOptions } = await twoOffices(org, temporaryFolder(t))
  const [kyiv, lviv] = [await openOffice(kyivOptions), await openOffice(lvivOptions)]
  await lviv.post('one', kyiv)
  const [mail] = (await lviv.eventLog.offersTo(kyiv.keys.branch)).filter(({ isMail }) => isMail)
  assert.ok(mail)
  const { eventLog } = kyiv
  const carrier = 'c0'.repeat(16) as BranchId
  const parts = {
    ...{ eventLog, read: kyiv.store.read, self: kyiv.keys.branch, peer: carrier },
    ...{ settings: () => undefined, routes: () => [], onCarried: () => {}, isDropped: () => false },
  }
  const chain8 = mail.chain.subarray(0, 8)
  const look = async (floor: number) => {
    const entry = { id: mail.id, floor, head: 1, chain8 }
    const found = await performed({ kind: 'find', entry }, parts)
    assert.ok(found?.kind === 'found')
    return { isAgain: found.isFull, isWanted: found.want !== undefined, acked: found.ack?.durable }
  }
  assert.deepEqual(await look(1), { isAgain: true, isWanted: false, acked: undefined })
  assert.deepEqual(await look(0), { isAgain: false, isWanted: true, acked: undefined })
  await kyiv.relay.start()
  await lviv.relay.start()
  await org.until(() => kyiv.texts().length === 1, 'it came by another way')
  assert.deepEqual(await look(1), { isAgain: false, isWanted: false, acked: 1 })
  await kyiv.stop()
  await lviv.stop()
})
