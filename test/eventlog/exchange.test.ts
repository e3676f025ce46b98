/** Two logs exchanging bytes: order, no event twice, nothing left out, clocks and acks. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromUtf8 } from '../../src/base/bytes.ts'
import { hlcOf } from '../../src/base/hlc.ts'
import type { EventId } from '../../src/base/ids.ts'
import { temporaryFolder } from '../db/store.ts'
import { exchange, handClock, keysOf, mailFeed, noteOf, open } from './fixture.ts'
import { branchFor, pairFor } from './pair.ts'

test('what a branch writes arrives in order, applied once, and is acknowledged', async (t) => {
  const { kyiv, lviv, lvivKeys } = await pairFor(t)
  const heard: string[] = []
  lviv.log.onCommitted((events) => heard.push(...events.map((event) => event.id)))
  const posted = [
    await kyiv.post('one', [lvivKeys.id]),
    ...(await Promise.all(['two', 'three'].map((text) => kyiv.post(text, [lvivKeys.id])))),
  ]
  assert.equal(await kyiv.log.outboxOf(lvivKeys.id), 3)
  await exchange(kyiv, lviv)
  assert.deepEqual(
    lviv.mail.seen.map((event) => event.body.text),
    ['one', 'two', 'three'],
  )
  assert.deepEqual(
    heard,
    posted.map((event) => event.id),
  )
  assert.deepEqual(lviv.mail.seen[0]?.to, [lvivKeys.id])
  assert.equal(await kyiv.log.outboxOf(lvivKeys.id), 0)
})

test('what one commit wrote to a feed is one batch; records for all stand alone', async (t) => {
  const { kyiv, lviv, lvivKeys } = await pairFor(t)
  await Promise.all([
    ...['a', 'b', 'c'].map((text) => kyiv.post(text, [lvivKeys.id])),
    ...['x', 'y'].map((text) => kyiv.publish(text)),
  ])
  const batches = kyiv.store.read
    .selectFrom('batch')
    .innerJoin('feed', 'feed.n', 'batch.feedN')
    .select(['feed.scope', 'batch.count'])
    .orderBy('feed.scope')
    .orderBy('batch.firstSeq')
  assert.deepEqual(await batches.execute(), [
    { scope: 'all', count: 1 },
    { scope: 'all', count: 1 },
    { scope: 'to', count: 3 },
  ])
  await exchange(kyiv, lviv)
  assert.equal(lviv.record.seen.length, 2)
  assert.deepEqual(lviv.record.seen[0]?.to, [])
})

test('a large commit is cut into batches a peer takes', async (t) => {
  const { kyiv, lviv, lvivKeys } = await pairFor(t)
  const texts = Array.from({ length: 150 }, (_, i) => (i % 40 === 0 ? 'x'.repeat(60_000) : `${i}`))
  await Promise.all(texts.map((text) => kyiv.post(text, [lvivKeys.id])))
  await exchange(kyiv, lviv)
  assert.deepEqual(
    lviv.mail.seen.map((event) => event.body.text),
    texts,
  )
})

test('local events stay here', async (t) => {
  const { kyiv, lvivKeys, kyivKeys } = await pairFor(t)
  const event = await kyiv.post('to myself', [kyivKeys.id])
  assert.deepEqual(event.to, [])
  assert.deepEqual(await kyiv.log.offersTo(lvivKeys.id), [])
  assert.equal(await noteOf(kyiv.store.read, event.id), 'to myself')
})

test('a repeated batch is answered with our cursor and changes nothing', async (t) => {
  const { kyiv, lviv, kyivKeys, lvivKeys } = await pairFor(t)
  const { id } = await kyiv.post('once', [lvivKeys.id])
  await exchange(kyiv, lviv)
  const { n } = await mailFeed(kyiv, lviv)
  const [batch] = await kyiv.log.batchesAfter(n, 0, 100_000)
  assert.ok(batch)
  const { durable } = await lviv.log.receiveBatch(kyivKeys.id, batch.bytes)
  assert.equal(durable, 1)
  assert.equal(await noteOf(lviv.store.read, id), 'once')
})

test('a gap is refused, and so is a batch of a feed that was not opened', async (t) => {
  const { kyiv, lviv, kyivKeys, lvivKeys } = await pairFor(t)
  await kyiv.post('one', [lvivKeys.id])
  await kyiv.post('two', [lvivKeys.id])
  const feed = await mailFeed(kyiv, lviv)
  const [first, second] = await kyiv.log.batchesAfter(feed.n, 0, 100_000)
  assert.ok(first && second)
  const send = (bytes: Uint8Array) => lviv.log.receiveBatch(kyivKeys.id, bytes)
  await assert.rejects(send(first.bytes), { name: 'ProtocolError', message: /not opened/ })
  await open(kyiv, lviv, feed)
  await assert.rejects(send(second.bytes), { name: 'ProtocolError', message: /gap/ })
  // Both at once, as a link delivers them: the second stands on the first, in one commit.
  const answers = await Promise.all([send(first.bytes), send(second.bytes)])
  assert.deepEqual(
    answers.map((each) => each.durable),
    [1, 2],
  )
})

test('a batch that another branch passes on after a gap is left out, and called no fork', async (t) => {
  const { kyiv, lviv, lvivKeys } = await pairFor(t)
  await kyiv.post('one', [lvivKeys.id])
  await kyiv.post('two', [lvivKeys.id])
  const feed = await mailFeed(kyiv, lviv)
  await open(kyiv, lviv, feed)
  const [first, second] = await kyiv.log.batchesAfter(feed.n, 0, 100_000)
  assert.ok(first && second)
  const odesa = keysOf('Odesa').id
  assert.equal((await lviv.log.receiveBatch(odesa, second.bytes)).durable, 0)
  assert.ok(!lviv.lines.some(({ name }) => name === 'eventlog.fork'))
  await lviv.log.receiveBatch(odesa, first.bytes)
  assert.equal((await lviv.log.receiveBatch(odesa, second.bytes)).durable, 2)
})

test('an action that fails leaves no hole in the feed', async (t) => {
  const { kyiv, lviv, lvivKeys } = await pairFor(t)
  const failing = kyiv.store.writer.write(async (tx) => {
    const draft = { kind: kyiv.mail, body: { text: 'undone' }, to: [lvivKeys.id] }
    await kyiv.log.append(tx, draft)
    throw new Error('changed my mind')
  })
  const good = kyiv.post('kept', [lvivKeys.id])
  await assert.rejects(failing, { message: 'changed my mind' })
  await good
  await exchange(kyiv, lviv)
  assert.deepEqual(
    lviv.mail.seen.map((event) => event.body.text),
    ['kept'],
  )
})

test('a commit that fails after signing leaves no hole either', async (t) => {
  const { kyiv, lviv, lvivKeys } = await pairFor(t)
  await kyiv.post('before', [lvivKeys.id])
  let broken = true
  kyiv.store.writer.beforeCommit(async () => {
    if (broken) throw new Error('no room')
  })
  const told: unknown[] = []
  kyiv.log.onCommitted((events) => told.push(...events))
  await assert.rejects(kyiv.post('lost', [lvivKeys.id]), { message: 'no room' })
  broken = false
  await kyiv.post('after', [lvivKeys.id])
  await exchange(kyiv, lviv)
  assert.deepEqual(
    lviv.mail.seen.map((event) => event.body.text),
    ['before', 'after'],
  )
  assert.equal(told.length, 1)
})

test('clock values only grow, whatever the wall clock does, also over a restart', async (t) => {
  const { kyivKeys, lvivKeys } = await pairFor(t)
  const folder = temporaryFolder(t)
  const wall = handClock()
  const options = { knows: [lvivKeys], folder, clock: wall.clock }
  const first = await branchFor(t, kyivKeys, options)
  const a = await first.post('a', [lvivKeys.id])
  wall.advance(-3_600_000)
  const b = await first.post('b', [lvivKeys.id])
  await first.store.close()
  const second = await branchFor(t, kyivKeys, options)
  const c = await second.post('c', [lvivKeys.id])
  assert.ok(a.hlc < b.hlc && b.hlc < c.hlc)
})

test('an ack is told, counts once and never goes back', async (t) => {
  const { kyiv, lviv, lvivKeys } = await pairFor(t)
  const marks: number[] = []
  kyiv.log.onStored((stored) => marks.push(...stored.map((mark) => mark.upTo)))
  for (const text of ['one', 'two']) await kyiv.post(text, [lvivKeys.id])
  await exchange(kyiv, lviv)
  const { id } = await mailFeed(kyiv, lviv)
  const old = { feed: id, durable: 1, stable: 0, at: kyiv.log.now(), via: undefined }
  await kyiv.log.acknowledged(lvivKeys.id, [old, { ...old, durable: 99 }])
  assert.deepEqual(marks, [1, 2])
  assert.equal(await kyiv.log.outboxOf(lvivKeys.id), 0)
  assert.ok(kyiv.lines.some((line) => line.name === 'eventlog.ack-beyond-head'))
})

test('who is ahead of us with records of another branch is no alarm', async (t) => {
  const { kyiv, lviv, lvivKeys } = await pairFor(t)
  await lviv.publish('one')
  await exchange(lviv, kyiv)
  const [records] = await lviv.log.offersTo(kyiv.keys.id)
  assert.ok(records)
  const ack = { feed: records.id, durable: 2, stable: 2, at: kyiv.log.now(), via: undefined }
  await kyiv.log.acknowledged(lvivKeys.id, [ack])
  assert.deepEqual(
    kyiv.lines.filter(({ name }) => name === 'eventlog.ack-beyond-head'),
    [],
  )
})

test('an ack names no time in the future, nor one before the event was written', async (t) => {
  const wall = handClock()
  const { kyiv, lviv, lvivKeys } = await pairFor(t, { kyiv: { clock: wall.clock } })
  const times: number[] = []
  kyiv.log.onStored((stored) => times.push(...stored.map((mark) => mark.at)))
  const written = wall.clock.now()
  for (const text of ['one', 'two', 'three']) await kyiv.post(text, [lvivKeys.id])
  wall.advance(5000)
  const { id } = await mailFeed(kyiv, lviv)
  const says = (durable: number, at: number) =>
    kyiv.log.acknowledged(lvivKeys.id, [
      { feed: id, durable, stable: 0, at: hlcOf(at, 0), via: undefined },
    ])
  await says(1, written - 86_400_000)
  await says(2, written + 2000)
  await says(3, written + 86_400_000)
  assert.deepEqual(times, [written, written + 2000, written + 5000])
})

test('bodies of mail travel sealed, records in plain', async (t) => {
  const { kyiv, lviv, lvivKeys } = await pairFor(t)
  await kyiv.post('a secret for Lviv', [lvivKeys.id])
  await kyiv.publish('a record for all')
  const wire: string[] = []
  await exchange(kyiv, lviv, (bytes) => {
    wire.push(fromUtf8(bytes.map((byte) => (byte < 128 ? byte : 63))))
    return bytes
  })
  assert.equal(wire.length, 2)
  assert.ok(wire.some((text) => text.includes('a record for all')))
  assert.ok(!wire.some((text) => text.includes('secret')))
})

test('an event may not come twice under one id', async (t) => {
  const { kyiv, kyivKeys } = await pairFor(t)
  const id = 'ab'.repeat(16) as EventId
  const write = (text: string) =>
    kyiv.store.writer.write((tx) =>
      kyiv.log.append(tx, { kind: kyiv.mail, body: { text }, to: [kyivKeys.id], id }),
    )
  await write('first')
  await assert.rejects(write('second'), { code: 'conflict' })
})
