/** Bytes that are not what the origin signed leave no trace. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keysOf, mailFeed, open, putBranch } from './fixture.ts'
import { branchFor, pairFor } from './pair.ts'

const altered = (bytes: Uint8Array, at: number, bit = 1) =>
  bytes.map((byte, index) => (index === at ? byte ^ bit : byte))

test('a batch altered in any byte is refused, and the true one still fits', async (t) => {
  const { kyiv, lviv, kyivKeys, lvivKeys } = await pairFor(t)
  await Promise.all(['one', 'two'].map((text) => kyiv.post(text, [lvivKeys.id])))
  const feed = await mailFeed(kyiv, lviv)
  await open(kyiv, lviv, feed)
  const [batch] = await kyiv.log.batchesAfter(feed.n, 0, 100_000)
  assert.ok(batch)
  const attempts: Uint8Array[] = [...batch.bytes.keys()].map((at) =>
    altered(batch.bytes, at, 1 << (at % 8)),
  )
  attempts.push(batch.bytes.subarray(0, -1), new Uint8Array([...batch.bytes, 0]), new Uint8Array())
  const results = await Promise.allSettled(
    attempts.map((bytes) => lviv.log.receiveBatch(kyivKeys.id, bytes)),
  )
  for (const [index, result] of results.entries()) {
    assert.equal(result.status, 'rejected', `byte ${index}`)
    assert.equal(result.reason.name, 'ProtocolError', `byte ${index}: ${result.reason}`)
  }
  assert.deepEqual(await lviv.store.read.selectFrom('event').select('id').execute(), [])
  const { durable } = await lviv.log.receiveBatch(kyivKeys.id, batch.bytes)
  assert.equal(durable, 2)
  const events = await lviv.store.read.selectFrom('event').select('state').execute()
  assert.deepEqual(events, [{ state: 'applied' }, { state: 'applied' }])
})

test('an opening altered in any byte opens nothing', async (t) => {
  const { kyiv, lviv, kyivKeys, lvivKeys } = await pairFor(t)
  await kyiv.post('one', [lvivKeys.id])
  const { id } = await mailFeed(kyiv, lviv)
  const bytes = await kyiv.log.openingOf(id)
  assert.ok(bytes)
  const results = await Promise.allSettled(
    [...bytes.keys()].map((at) => lviv.log.receiveOpening(kyivKeys.id, altered(bytes, at))),
  )
  for (const [index, result] of results.entries()) {
    // With the second half of the origin's id altered, it names a branch nobody knows.
    const answer = result.status === 'fulfilled' ? result.value : result.reason.name
    assert.ok(['ProtocolError', 'unknown-origin'].includes(answer), `byte ${index}: ${answer}`)
  }
  assert.equal(await lviv.log.receiveOpening(kyivKeys.id, bytes), 'stored')
  assert.equal(await lviv.log.receiveOpening(kyivKeys.id, bytes), 'known')
})

test('a feed of an unknown branch is not stored until its identity is here', async (t) => {
  const [kyivKeys, lvivKeys] = [keysOf('Kyiv'), keysOf('Lviv')]
  const kyiv = await branchFor(t, kyivKeys, { knows: [lvivKeys] })
  const lviv = await branchFor(t, lvivKeys, { knows: [] })
  await kyiv.post('one', [lvivKeys.id])
  const feed = await mailFeed(kyiv, lviv)
  assert.equal(await open(kyiv, lviv, feed), 'unknown-origin')
  await lviv.store.writer.write((tx) => putBranch(tx, kyivKeys))
  assert.equal(await open(kyiv, lviv, feed), 'stored')
})

test('mail for a branch that nobody knows is not taken, and a feed for its origin alone is refused', async (t) => {
  const { kyiv, lviv, kyivKeys } = await pairFor(t)
  const odesaKeys = keysOf('Odesa')
  await kyiv.store.writer.write((tx) => putBranch(tx, odesaKeys))
  await kyiv.post('for Odesa', [odesaKeys.id])
  const [offer] = await kyiv.log.offersTo(odesaKeys.id)
  assert.ok(offer)
  const bytes = await kyiv.log.openingOf(offer.id)
  assert.ok(bytes)
  assert.equal(await lviv.log.receiveOpening(kyivKeys.id, bytes), 'not-taken')
  await kyiv.post('for nobody else', [])
  const own = kyiv.store.read.selectFrom('feed').where('scope', '=', 'self').select('opening')
  const { opening } = await own.executeTakeFirstOrThrow()
  await assert.rejects(lviv.log.receiveOpening(kyivKeys.id, opening), { name: 'ProtocolError' })
})

test('a peer that is not the origin cannot leave bodies out', async (t) => {
  const { kyiv, lviv, kyivKeys } = await pairFor(t)
  const odesaKeys = keysOf('Odesa')
  await kyiv.publish('for all')
  const [offer] = await kyiv.log.offersTo(lviv.keys.id)
  assert.ok(offer)
  await open(kyiv, lviv, offer)
  const [batch] = await kyiv.log.batchesAfter(offer.n, 0, 100_000)
  assert.ok(batch)
  // 88 + 68: the length of the only body; then the signature.
  const bytes = batch.bytes
  const emptied = new Uint8Array([
    ...bytes.subarray(0, 156),
    ...[255, 255, 255, 255],
    ...bytes.subarray(-64),
  ])
  await assert.rejects(lviv.log.receiveBatch(odesaKeys.id, emptied), { name: 'ProtocolError' })
  await lviv.log.receiveBatch(kyivKeys.id, emptied)
  const event = await lviv.store.read.selectFrom('event').select(['state', 'body']).execute()
  assert.deepEqual(event, [{ state: 'erased', body: null }])
})
