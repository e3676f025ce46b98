/** A third branch carries mail of two that cannot see each other: whole, once, unread, within its quota. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Writer } from '../../src/base/bytes.ts'
import { HLC_ZERO } from '../../src/base/hlc.ts'
import { signerOf } from '../../src/certificates/signing.ts'
import { decodeBatch, encodeBatch } from '../../src/eventlog/format.ts'
import { decodeOpening, encodeOpening, OPENING_DOMAIN } from '../../src/eventlog/opening.ts'
import { ProtocolError } from '../../src/eventlog/protocol-error.ts'
import { missing } from '../../src/eventlog/reports.ts'
import { exchange, keysOf, mailFeed, open, putBranch, type TestBranch } from './fixture.ts'
import { branchFor } from './pair.ts'

type Extra = { carryBytesMax?: number }

async function threeFor(t: Parameters<typeof branchFor>[0], dnipro: Extra = {}) {
  const keys = ['Kyiv', 'Lviv', 'Dnipro'].map(keysOf)
  const [k, l, d] = keys
  assert(k && l && d)
  const kyiv = await branchFor(t, k, { knows: [l, d] })
  const lviv = await branchFor(t, l, { knows: [k, d] })
  const carrier = await branchFor(t, d, { knows: [k, l], ...dnipro })
  return { kyiv, lviv, dnipro: carrier }
}

/** `from` asks `carrier` to carry what it has for `destination`; what the carrier took of it. */
async function handOver(
  from: TestBranch,
  carrier: TestBranch,
  destination: TestBranch,
  alter = (bytes: Uint8Array) => bytes,
) {
  let full = false
  for (const offer of await from.log.carryOffers([{ to: destination.keys.id, isBlind: false }])) {
    const want = await carrier.log.carryWanted(from.keys.id, offer)
    if (want === undefined || want === 'no-room') continue
    if (want.needsOpening && (await open(from, carrier, offer)) !== 'stored') continue
    for (const { bytes } of await from.log.batchesAfter(offer.n, want.after, 1_000_000)) {
      const taken = await carrier.log.receiveBatch(from.keys.id, alter(bytes))
      full ||= taken.isFull
      const ack = { feed: taken.feed, durable: taken.durable, stable: 0, via: undefined }
      await from.log.acknowledged(carrier.keys.id, [{ ...ack, at: carrier.log.now() }])
    }
  }
  return { full, ...(await carriedBy(carrier)) }
}

async function carriedBy({ store }: TestBranch) {
  const rows = await store.read.selectFrom('carried_batch').select('bytes').execute()
  const feeds = await store.read.selectFrom('feed').select('carriedBytes').execute()
  const counted = feeds.reduce((sum, feed) => sum + feed.carriedBytes, 0)
  assert.equal(
    counted,
    rows.reduce((sum, row) => sum + row.bytes.length, 0),
  )
  return { batches: rows.length, bytes: counted }
}

const texts = (branch: TestBranch) => branch.mail.seen.map(({ body }) => body.text)

test('mail goes over a third branch, once, in order, and is dropped there when it arrived', async (t) => {
  const { kyiv, lviv, dnipro } = await threeFor(t)
  for (const text of ['one', 'two']) await kyiv.post(text, [lviv.keys.id])
  assert.deepEqual((await handOver(kyiv, dnipro, lviv)).batches, 2)
  await exchange(dnipro, lviv)
  assert.deepEqual(texts(lviv), ['one', 'two'])
  assert.deepEqual(await carriedBy(dnipro), { batches: 0, bytes: 0 })
  assert.equal(await kyiv.log.outboxOf(lviv.keys.id), 2, 'no word has come back yet')
  await exchange(kyiv, lviv)
  assert.deepEqual(texts(lviv), ['one', 'two'])
  await kyiv.post('three', [lviv.keys.id])
  await handOver(kyiv, dnipro, lviv)
  await exchange(dnipro, lviv)
  assert.deepEqual(texts(lviv), ['one', 'two', 'three'])
})

test('what its origin says to hold is not dropped by a carrier', async (t) => {
  const { kyiv, lviv, dnipro } = await threeFor(t)
  await kyiv.post('one', [lviv.keys.id])
  await handOver(kyiv, dnipro, lviv)
  const { id: feed } = await mailFeed(kyiv, lviv)
  // As after a loss: it is offered what it wrote, and answers how far it holds that.
  await dnipro.log.acknowledged(kyiv.keys.id, [
    { feed, durable: 1, stable: 1, at: HLC_ZERO, via: undefined },
  ])
  assert.equal((await carriedBy(dnipro)).batches, 1)
  await exchange(dnipro, lviv)
  assert.deepEqual(texts(lviv), ['one'])
})

test('the carrier cannot read it: neither its database nor its log of events holds a word', async (t) => {
  const { kyiv, lviv, dnipro } = await threeFor(t)
  await kyiv.post('the crown jewels are in the cellar', [lviv.keys.id])
  await handOver(kyiv, dnipro, lviv)
  const events = await dnipro.store.read.selectFrom('event').select('position').execute()
  assert.deepEqual(events, [])
  for (const ending of ['', '-wal']) {
    assert.equal(readFileSync(dnipro.path + ending).includes('crown jewels'), false)
  }
})

test('what a carrier alters is not taken, and what was right comes through afterwards', async (t) => {
  const { kyiv, lviv, dnipro } = await threeFor(t)
  await kyiv.post('right', [lviv.keys.id])
  await handOver(kyiv, dnipro, lviv)
  const [{ length }] = (await dnipro.store.read
    .selectFrom('carried_batch')
    .select('bytes')
    .execute()
    .then((rows) => rows.map((row) => row.bytes))) as [Uint8Array]
  for (let at = 8; at < length; at += 7) {
    const altered = exchange(dnipro, lviv, (bytes) => {
      const other = bytes.slice()
      other[at] = (other[at] ?? 0) ^ 1
      return other
    })
    // What is signed shows at the carrier; a sealed body may have been altered before it came there.
    await altered.catch((error) => assert.ok(error instanceof ProtocolError, `byte ${at}`))
  }
  assert.deepEqual(texts(lviv), [])
  await exchange(dnipro, lviv)
  assert.deepEqual(texts(lviv), ['right'])
})

test('a carrier begins where the destination stands, and leaps when the origin says so', async (t) => {
  const { kyiv, lviv, dnipro } = await threeFor(t)
  await kyiv.post('direct', [lviv.keys.id])
  await exchange(kyiv, lviv)
  await kyiv.post('carried', [lviv.keys.id])
  assert.equal((await handOver(kyiv, dnipro, lviv)).batches, 1)
  await exchange(kyiv, lviv)
  await kyiv.post('direct again', [lviv.keys.id])
  await exchange(kyiv, lviv)
  await kyiv.post('carried again', [lviv.keys.id])
  assert.equal((await handOver(kyiv, dnipro, lviv)).batches, 1, 'what Lviv has is not kept')
  await exchange(dnipro, lviv)
  assert.deepEqual(texts(lviv), ['direct', 'carried', 'direct again', 'carried again'])
})

test('a branch that lost all does not take the end of a feed from a carrier for the whole', async (t) => {
  const { kyiv, lviv, dnipro } = await threeFor(t)
  await kyiv.post('old', [lviv.keys.id])
  await exchange(kyiv, lviv)
  await kyiv.post('new', [lviv.keys.id])
  await handOver(kyiv, dnipro, lviv)
  const fresh = await branchFor(t, lviv.keys, { knows: [kyiv.keys, dnipro.keys] })
  await exchange(dnipro, fresh)
  assert.deepEqual(texts(fresh), [])
  await exchange(kyiv, fresh)
  assert.deepEqual(texts(fresh), ['old', 'new'])
})

test('over two carriers in a row it arrives too', async (t) => {
  const { kyiv, lviv, dnipro } = await threeFor(t)
  const odesa = await branchFor(t, keysOf('Odesa'), { knows: [kyiv.keys, lviv.keys, dnipro.keys] })
  await kyiv.post('far', [lviv.keys.id])
  await handOver(kyiv, dnipro, lviv)
  await handOver(dnipro, odesa, lviv)
  await exchange(odesa, lviv)
  assert.deepEqual(texts(lviv), ['far'])
})

test('the quota bounds what is carried, one origin takes half of it, and room that is made is used', async (t) => {
  const { kyiv, lviv, dnipro } = await threeFor(t, { carryBytesMax: 20_000 })
  for (let n = 0; n < 8; n++) await kyiv.post(`${n}${'x'.repeat(2000)}`, [lviv.keys.id])
  const first = await handOver(kyiv, dnipro, lviv)
  assert.equal(first.full, true)
  assert.ok(first.bytes <= 10_000 && first.bytes > 6000, `${first.bytes}`)
  await exchange(dnipro, lviv)
  const before = texts(lviv).length
  assert.ok(before >= 3)
  await handOver(kyiv, dnipro, lviv)
  await exchange(dnipro, lviv)
  await handOver(kyiv, dnipro, lviv)
  await exchange(dnipro, lviv)
  assert.deepEqual(
    texts(lviv).map((text) => Number(text[0])),
    [0, 1, 2, 3, 4, 5, 6, 7],
  )
})

test('a branch that carries nothing says no, and nothing is carried for a stranger or a revoked branch', async (t) => {
  const { kyiv, lviv, dnipro } = await threeFor(t, { carryBytesMax: 0 })
  await kyiv.post('x', [lviv.keys.id])
  assert.deepEqual(await handOver(kyiv, dnipro, lviv), { full: false, batches: 0, bytes: 0 })
  const nobody = keysOf('Nobody')
  await kyiv.store.writer.write((tx) => putBranch(tx, nobody))
  await kyiv.post('y', [nobody.id])
  const odesa = await branchFor(t, keysOf('Odesa'), { knows: [kyiv.keys] })
  const [offer] = await kyiv.log.carryOffers([{ to: nobody.id, isBlind: false }])
  assert(offer)
  assert.equal(await odesa.log.carryWanted(kyiv.keys.id, offer), undefined)
  assert.equal(await open(kyiv, odesa, offer), 'not-taken')
})

test('a carrier that starts anew forgets what was delivered, keeps what was not, and takes the rest', async (t) => {
  const { kyiv, lviv, dnipro } = await threeFor(t)
  await kyiv.post('one', [lviv.keys.id])
  await handOver(kyiv, dnipro, lviv)
  await dnipro.store.close()
  const folder = dnipro.path.replace(/\/[^/]+$/, '')
  const again = await branchFor(t, dnipro.keys, { knows: [kyiv.keys, lviv.keys], folder })
  assert.equal((await carriedBy(again)).batches, 1)
  await exchange(again, lviv)
  assert.deepEqual(texts(lviv), ['one'])
  await again.store.close()
  const third = await branchFor(t, dnipro.keys, { knows: [kyiv.keys, lviv.keys], folder })
  const feeds = await third.store.read.selectFrom('feed').select('id').execute()
  assert.deepEqual(feeds, [], 'the feed is forgotten with it')
  await kyiv.post('two', [lviv.keys.id])
  await handOver(kyiv, third, lviv)
  await exchange(third, lviv)
  assert.deepEqual(texts(lviv), ['one', 'two'])
})

test('a writer who spoils sealed mail does not part its destination and an honest carrier', async (t) => {
  const { kyiv, lviv, dnipro } = await threeFor(t)
  await kyiv.post('spoiled', [lviv.keys.id])
  const spoil = (bytes: Uint8Array) =>
    bytes.map((byte, at) => (at === bytes.length - 65 ? byte ^ 1 : byte)) // before the signature
  await handOver(kyiv, dnipro, lviv, spoil)
  assert.equal((await carriedBy(dnipro)).batches, 1, 'the carrier cannot see it')
  await exchange(dnipro, lviv)
  assert.deepEqual(texts(lviv), [])
  assert.ok(lviv.lines.some(({ name }) => name === 'eventlog.hidden-fault'))
  const feed = await mailFeed(kyiv, lviv)
  const [batch] = await kyiv.log.batchesAfter(feed.n, 0, 100_000)
  assert.ok(batch)
  await assert.rejects(lviv.log.receiveBatch(kyiv.keys.id, spoil(batch.bytes)), ProtocolError)
  await exchange(kyiv, lviv)
  assert.deepEqual(texts(lviv), ['spoiled'], 'the true one still fits')
})

test('mail without its bodies is not carried: its destination would blame the carrier', async (t) => {
  const { kyiv, lviv, dnipro } = await threeFor(t)
  await kyiv.post('erased', [lviv.keys.id])
  await handOver(kyiv, dnipro, lviv, (bytes) => {
    const { headerBytes, events, signature } = decodeBatch(bytes)
    const bare = events.map(({ header }) => ({ header, body: undefined }))
    return encodeBatch(headerBytes, bare, signature)
  })
  assert.equal((await carriedBy(dnipro)).batches, 0)
  await exchange(dnipro, lviv)
})

test('a feed key that is sealed to nobody does not part its destination and an honest carrier', async (t) => {
  const { kyiv, lviv, dnipro } = await threeFor(t)
  await kyiv.post('x', [lviv.keys.id])
  const { id } = await mailFeed(kyiv, lviv)
  const made = await kyiv.log.openingOf(id)
  assert.ok(made)
  const { opening } = decodeOpening(made)
  assert.ok(opening.sealed)
  const sealed = { ...opening.sealed, destination: new Uint8Array(80) }
  const unsigned = encodeOpening({ ...opening, sealed })
  const sign = signerOf(kyiv.keys.signKey)
  const bytes = new Uint8Array([...unsigned, ...sign(OPENING_DOMAIN, unsigned)])
  assert.equal(await dnipro.log.receiveOpening(kyiv.keys.id, bytes), 'stored')
  assert.equal(await lviv.log.receiveOpening(dnipro.keys.id, bytes), 'not-taken')
  await assert.rejects(lviv.log.receiveOpening(kyiv.keys.id, bytes), ProtocolError)
})

test('a branch that signs a head of the feed of another does not stand in the way of the true one', async (t) => {
  const { kyiv, lviv, dnipro } = await threeFor(t)
  await kyiv.post('x', [lviv.keys.id])
  const { id } = await mailFeed(kyiv, lviv)
  const unsigned = new Writer(64)
    .hex(id)
    .hex(dnipro.keys.id)
    .hex(lviv.keys.id)
    .u64(1000)
    .hex(dnipro.log.now())
    .done()
  const sign = signerOf(dnipro.keys.signKey)
  const squat = new Uint8Array([...unsigned, ...sign('feed-head/1', unsigned)])
  for (const branch of [kyiv, lviv]) await branch.log.receiveHead(squat)
  const [head] = await kyiv.log.headsFor(lviv.keys.id)
  assert.ok(head, 'Kyiv still says what it wrote')
  assert.deepEqual(await lviv.log.receiveHead(head), { for: lviv.keys.id })
  const told = await missing(lviv.store.read, lviv.keys.id)
  assert.ok(told.some(({ origin, events }) => origin === kyiv.keys.id && events === 1))
  await exchange(kyiv, lviv)
  const left = await missing(lviv.store.read, lviv.keys.id)
  assert.deepEqual(
    left.map(({ origin }) => origin),
    [dnipro.keys.id],
  )
})

test('entries of one peer to be carried do not push out where the feed of another begins', async (t) => {
  const { kyiv, lviv, dnipro } = await threeFor(t)
  await kyiv.post('x', [lviv.keys.id])
  await exchange(kyiv, lviv)
  await kyiv.post('carried', [lviv.keys.id])
  const [offer] = await kyiv.log.carryOffers([{ to: lviv.keys.id, isBlind: false }])
  assert.ok(offer)
  const want = await dnipro.log.carryWanted(kyiv.keys.id, offer)
  assert(want !== undefined && want !== 'no-room')
  assert.equal(want.after, 1)
  const thief = keysOf('Thief').id
  for (let n = 0; n < 1001; n++) {
    const id = n.toString(16).padStart(32, '0') as typeof offer.id
    await dnipro.log.carryWanted(thief, { ...offer, id, head: 2 })
  }
  await dnipro.log.carryWanted(thief, { ...offer, carry: { ...offer.carry, after: 0 } })
  await open(kyiv, dnipro, offer)
  for (const { bytes } of await kyiv.log.batchesAfter(offer.n, 1, 100_000)) {
    await dnipro.log.receiveBatch(kyiv.keys.id, bytes)
  }
  assert.equal((await carriedBy(dnipro)).batches, 1)
})

test('a branch that has a feed begin too late at a carrier does not keep its origin from beginning before', async (t) => {
  const { kyiv, lviv, dnipro } = await threeFor(t)
  for (const text of ['one', 'two']) await kyiv.post(text, [lviv.keys.id])
  const thief = keysOf('Thief').id
  const [offer] = await kyiv.log.carryOffers([{ to: lviv.keys.id, isBlind: false }])
  assert.ok(offer)
  const late = { ...offer, carry: { ...offer.carry, after: 1 } }
  await dnipro.log.carryWanted(thief, late)
  await open(kyiv, dnipro, offer)
  for (const { bytes } of await kyiv.log.batchesAfter(offer.n, 1, 100_000)) {
    await dnipro.log.receiveBatch(thief, bytes)
  }
  assert.equal((await carriedBy(dnipro)).batches, 1)
  await handOver(kyiv, dnipro, lviv)
  assert.equal((await carriedBy(dnipro)).batches, 2)
  await exchange(dnipro, lviv)
  assert.deepEqual(texts(lviv), ['one', 'two'])
})

test('what another carrier spoiled before is replaced by what the origin gives', async (t) => {
  const { kyiv, lviv, dnipro } = await threeFor(t)
  await kyiv.post('whole', [lviv.keys.id])
  const thief = keysOf('Thief').id
  const [offer] = await kyiv.log.carryOffers([{ to: lviv.keys.id, isBlind: false }])
  assert.ok(offer)
  await dnipro.log.carryWanted(thief, offer)
  await open(kyiv, dnipro, offer)
  for (const { bytes } of await kyiv.log.batchesAfter(offer.n, 0, 100_000)) {
    const spoiled = bytes.map((byte, at) => (at === bytes.length - 65 ? byte ^ 1 : byte))
    await dnipro.log.receiveBatch(thief, spoiled)
  }
  await exchange(dnipro, lviv)
  assert.deepEqual(texts(lviv), [])
  for (let n = 0; n < 2; n++) assert.equal((await handOver(kyiv, dnipro, lviv)).batches, 1)
  await exchange(dnipro, lviv)
  assert.deepEqual(texts(lviv), ['whole'])
})
