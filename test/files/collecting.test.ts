/** The collector never takes what a message shows, and leaves nothing behind. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BlobId, FileId } from '../../src/base/ids.ts'
import { blobPath, findBlob, makeBlob, partialPath, plainBytes } from '../../src/files/blobs.ts'
import { createCollecting } from '../../src/files/collecting.ts'
import { arrivingPath } from '../../src/files/files.ts'
import type { BlobDisk } from '../../src/world/blob-disk.ts'
import { type Warehouse, warehouse } from './warehouse.ts'

const HOUR = 3_600_000
const bytes = (seed: number, length = 1000) => new Uint8Array(length).fill(seed)

const collecting = (at: Warehouse, disk: BlobDisk = at.disk) => createCollecting({ ...at, disk })

/** As a branch does it: every hour. */
async function rounds(at: Warehouse, hours: number, one = collecting(at)) {
  const sum = { blobs: 0, uploads: 0, strays: 0 }
  for (let i = 0; i < hours; i++) {
    at.clock.pass(HOUR + 1)
    const done = await one.round()
    for (const name of ['blobs', 'uploads', 'strays'] as const) sum[name] += done[name]
  }
  return sum
}

async function detach(at: Warehouse, id: FileId) {
  await at.store.writer.write((tx) => tx.deleteFrom('attachment').where('id', '=', id).execute())
}

async function read(at: Warehouse, id: BlobId, key: Uint8Array) {
  const blob = await findBlob(at.store.read, id)
  assert.ok(blob)
  const all: Uint8Array[] = []
  for await (const piece of plainBytes(at.disk, blob, { key, from: 0, to: blob.size })) {
    all.push(piece)
  }
  return Buffer.concat(all)
}

test('what a message or an upload needs stays, the rest goes after an hour', async (t) => {
  const at = await warehouse(t)
  const [shown, small, kept, left] = await Promise.all([1, 2, 3, 4].map((n) => at.keep(bytes(n))))
  assert.ok(shown && small && kept && left)
  await at.attach('plan', shown, { thumb: small })
  await at.upload('not sent', kept)
  at.clock.pass(HOUR - 1)
  assert.deepEqual(await collecting(at).round(), { blobs: 0, uploads: 0, strays: 0 })
  assert.deepEqual(await rounds(at, 2), { blobs: 1, uploads: 0, strays: 0 })
  assert.equal(await at.blob(left.blob), undefined)
  assert.equal(at.files.has(blobPath(left.blob)), false)
  for (const { blob, key } of [shown, small, kept]) assert.ok(await read(at, blob, key))
})

test('bytes that two messages share go with the last of them', async (t) => {
  const at = await warehouse(t)
  const [once, again] = [await at.keep(bytes(1)), await at.keep(bytes(1))]
  assert.equal(once.blob, again.blob)
  const [first, second] = [await at.attach('a', once), await at.attach('b', again)]
  await detach(at, first)
  assert.equal((await rounds(at, 3)).blobs, 0)
  assert.ok(await read(at, once.blob, once.key))
  await detach(at, second)
  assert.equal((await rounds(at, 3)).blobs, 1)
  assert.equal(at.files.size, 0)
})

test('the same bytes uploaded again at the moment their last message goes are not taken', async (t) => {
  const at = await warehouse(t)
  const once = await at.keep(bytes(1))
  const first = await at.attach('a', once)
  at.clock.pass(30 * 24 * HOUR)
  await detach(at, first)
  // The upload has been answered with the bytes of the first; its row is not written yet.
  const again = await at.keep(bytes(1))
  assert.equal(again.blob, once.blob)
  assert.equal((await collecting(at).round()).blobs, 0)
  await at.upload('again', again)
  assert.ok(await read(at, again.blob, again.key))
})

test('a removed file does not keep its bytes', async (t) => {
  const at = await warehouse(t)
  const made = await at.keep(bytes(1))
  const id = await at.attach('a', made)
  await at.store.writer.write((tx) =>
    tx
      .updateTable('attachment')
      .set({ removedAt: at.clock.now(), key: null })
      .where('id', '=', id)
      .execute(),
  )
  assert.equal((await rounds(at, 2)).blobs, 1)
})

test('an upload nobody goes on with ends after a day, with its bytes', async (t) => {
  const at = await warehouse(t)
  const [old, fresh] = [await at.upload('old'), await at.upload('fresh')]
  for (const id of [old, fresh]) {
    const name = arrivingPath(id)
    const making = await makeBlob(at, { name, key: new Uint8Array(32), chunkBytes: 262_144 })
    await making.write(bytes(7))
    await making.close()
  }
  await at.disk.open(`${arrivingPath(old)}-thumb`, 'make')
  at.clock.pass(20 * HOUR)
  // Bytes change no row: the file itself tells that somebody goes on.
  const goesOn = await at.disk.open(arrivingPath(fresh), 'change')
  await goesOn.write(1000, bytes(7))
  assert.deepEqual(await rounds(at, 8), { blobs: 0, uploads: 1, strays: 1 })
  assert.deepEqual([...at.files.keys()], [arrivingPath(fresh)])
})

test('files on the disk that no row knows go after an hour, and no others', async (t) => {
  const at = await warehouse(t)
  const made = await at.keep(bytes(1))
  await at.attach('a', made)
  const arriving = 'ab'.repeat(16) as BlobId
  await at.store.writer.write((tx) =>
    tx
      .insertInto('blob')
      .values({
        ...{ id: arriving, size: 9, manifest: null, have: null, state: 'elsewhere' as const },
        ...{
          addedAt: at.clock.now(),
          openedAt: at.clock.now() + 99 * HOUR,
          sha256: null,
          key: null,
        },
      })
      .execute(),
  )
  const strays = ['blobs/ab/abcd', 'blobs/new/1234', partialPath(made.blob)]
  for (const name of [...strays, partialPath(arriving)]) await at.disk.open(name, 'make')
  const one = collecting(at)
  assert.equal((await one.round()).strays, 0)
  assert.equal((await rounds(at, 2, one)).strays, 3)
  assert.deepEqual([...at.files.keys()].sort(), [blobPath(made.blob), partialPath(arriving)].sort())
})

/** A disk and a writer that die at the n-th step, as a machine does whose power goes. */
function dying(at: Warehouse, steps: number) {
  let left = steps
  const step = () => {
    if (left <= 0) throw new Error('power is gone')
    left -= 1
  }
  const write: typeof at.store.writer.write = async (action) => {
    step()
    const result = await at.store.writer.write(action)
    step()
    return result
  }
  const disk: BlobDisk = {
    ...at.disk,
    async remove(name) {
      step()
      await at.disk.remove(name)
      step()
    },
  }
  return { ...at, disk, store: { ...at.store, writer: { ...at.store.writer, write } } }
}

test('a crash between any two steps loses nothing and leaves nothing', async (t) => {
  for (let steps = 0; ; steps++) {
    const at = await warehouse(t)
    const shown = await at.keep(bytes(1))
    const left = await at.keep(bytes(2))
    await at.attach('a', shown)
    const abandoned = await at.upload('abandoned')
    await at.disk.open(arrivingPath(abandoned), 'make')
    at.clock.pass(25 * HOUR)
    const died = await collecting(dying(at, steps) as Warehouse)
      .round()
      .then(
        () => false,
        () => true,
      )
    assert.ok(await read(at, shown.blob, shown.key))
    await rounds(at, 3)
    assert.ok(await read(at, shown.blob, shown.key))
    assert.deepEqual([...at.files.keys()], [blobPath(shown.blob)])
    assert.equal(await at.blob(left.blob), undefined)
    if (!died) {
      assert.ok(steps >= 8, 'it died at every step before')
      return
    }
  }
})
