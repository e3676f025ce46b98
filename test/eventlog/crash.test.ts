/** Power losses, restarts and databases put back from a copy. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { temporaryFolder } from '../db/store.ts'
import { crashImage, exchange, keysOf, mailFeed, noteOf, open } from './fixture.ts'
import { branchFor, pairFor } from './pair.ts'

test('a crash between receiving and the ack: nothing is lost and nothing comes twice', async (t) => {
  const { kyiv, lviv, kyivKeys, lvivKeys } = await pairFor(t)
  const posted = await kyiv.post('once', [lvivKeys.id])
  const feed = await mailFeed(kyiv, lviv)
  await open(kyiv, lviv, feed)
  const [batch] = await kyiv.log.batchesAfter(feed.n, 0, 100_000)
  assert.ok(batch)
  await lviv.log.receiveBatch(kyivKeys.id, batch.bytes)
  const folder = crashImage(lviv, temporaryFolder(t))
  const again = await branchFor(t, lvivKeys, { knows: [kyivKeys], folder })
  assert.equal(await kyiv.log.outboxOf(lvivKeys.id), 1)
  assert.equal(await noteOf(again.store.read, posted.id), 'once')
  const { durable } = await again.log.receiveBatch(kyivKeys.id, batch.bytes)
  assert.equal(durable, 1)
  assert.equal(await noteOf(again.store.read, posted.id), 'once')
})

test('a restart writes new feeds; what the old one held is still offered', async (t) => {
  const { kyiv, lviv, kyivKeys, lvivKeys } = await pairFor(t)
  await kyiv.post('before', [lvivKeys.id])
  const folder = crashImage(kyiv, temporaryFolder(t))
  const again = await branchFor(t, kyivKeys, { knows: [lvivKeys], folder })
  await again.post('after', [lvivKeys.id])
  assert.equal((await again.log.offersTo(lvivKeys.id)).length, 2)
  await exchange(again, lviv)
  assert.deepEqual(
    lviv.mail.seen.map((event) => event.body.text),
    ['before', 'after'],
  )
})

test('a branch put back from an old copy gets its own events back from its peer', async (t) => {
  const { kyiv, lviv, kyivKeys, lvivKeys } = await pairFor(t)
  await kyiv.post('old', [lvivKeys.id])
  const folder = crashImage(kyiv, temporaryFolder(t))
  const lost = await kyiv.post('lost at its origin', [lvivKeys.id])
  await kyiv.publish('a lost record')
  await exchange(kyiv, lviv)

  const restored = await branchFor(t, kyivKeys, { knows: [lvivKeys], folder })
  const fresh = await restored.post('new', [lvivKeys.id])
  await exchange(lviv, restored)
  assert.equal(await noteOf(restored.store.read, lost.id), 'lost at its origin')
  assert.equal(restored.record.seen.length, 1)
  assert.ok(restored.lines.some((line) => line.name === 'eventlog.rolled-back'))
  await exchange(restored, lviv)
  assert.equal(await noteOf(lviv.store.read, lost.id), 'lost at its origin')
  assert.equal(await noteOf(lviv.store.read, fresh.id), 'new')
})

test('what comes back goes on to those who may never have had it, once', async (t) => {
  const [kyivKeys, lvivKeys, odesaKeys] = [keysOf('Kyiv'), keysOf('Lviv'), keysOf('Odesa')]
  const kyiv = await branchFor(t, kyivKeys, { knows: [lvivKeys, odesaKeys] })
  const lviv = await branchFor(t, lvivKeys, { knows: [kyivKeys, odesaKeys] })
  const odesa = await branchFor(t, odesaKeys, { knows: [kyivKeys, lvivKeys] })
  const folder = crashImage(kyiv, temporaryFolder(t))
  const event = await kyiv.post('for both', [lvivKeys.id, odesaKeys.id])
  await exchange(kyiv, lviv)
  const restored = await branchFor(t, kyivKeys, { knows: [lvivKeys, odesaKeys], folder })
  await exchange(lviv, restored)
  await exchange(restored, odesa)
  assert.equal(await noteOf(odesa.store.read, event.id), 'for both')
  // The first copy turns up after all: the same event, by another feed.
  await exchange(kyiv, odesa)
  assert.equal(await noteOf(odesa.store.read, event.id), 'for both')
  const entries = await odesa.store.read.selectFrom('feed_entry').select('position').execute()
  assert.deepEqual(entries, [{ position: 1 }, { position: 1 }])
})
