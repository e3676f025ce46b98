/** What a disk changed is noticed, and comes again chunk by chunk. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BlobId } from '../../src/base/ids.ts'
import { blobPath, findBlob, hasChunk, partialPath, storedChunk } from '../../src/files/blobs.ts'
import { checkBlobs, recheckBlob } from '../../src/files/checking.ts'
import type { BlobDisk } from '../../src/world/blob-disk.ts'
import { type Warehouse, warehouse } from './warehouse.ts'

const CHUNK = 256 * 1024
const bytes = (seed: number, chunks = 4) => new Uint8Array(chunks * CHUNK - 5).fill(seed)

/** Turns one bit of a chunk as it lies on the disk. */
function spoil(at: Warehouse, name: string, index: number) {
  const kept = at.files.get(name)
  assert.ok(kept)
  const place = index * (CHUNK + 16) + 100
  kept.bytes[place] = (kept.bytes[place] ?? 0) ^ 4
}

async function findings(at: Warehouse) {
  const found: [BlobId, boolean, number[]][] = []
  for await (const { blob, isMissing, damaged } of checkBlobs(at.store.read, at.disk)) {
    if (isMissing || damaged.length > 0) found.push([blob.id, isMissing, damaged])
  }
  return found
}

test('every blob is looked at, and damaged and missing ones are told', async (t) => {
  const at = await warehouse(t)
  const made = [await at.keep(bytes(1)), await at.keep(bytes(2)), await at.keep(bytes(3))]
  assert.deepEqual(await findings(at), [])
  const [bad, gone] = made
  assert.ok(bad && gone)
  spoil(at, blobPath(bad.blob), 0)
  spoil(at, blobPath(bad.blob), 3)
  await at.disk.remove(blobPath(gone.blob))
  const expected = [
    [bad.blob, false, [0, 3]],
    [gone.blob, true, [0, 1, 2, 3]],
  ]
  assert.deepEqual(await findings(at), expected.sort())
})

test('a damaged chunk is no longer here, the others are still given to those who ask', async (t) => {
  const at = await warehouse(t)
  const { blob: id } = await at.keep(bytes(1))
  spoil(at, blobPath(id), 2)
  assert.equal(await recheckBlob(at, id), 1)
  const blob = await findBlob(at.store.read, id)
  assert.ok(blob?.have)
  assert.equal(blob.isHere, false)
  const have = blob.have
  assert.deepEqual(
    [0, 1, 2, 3].map((index) => hasChunk(have, index)),
    [true, true, false, true],
  )
  assert.ok(await storedChunk(at.disk, blob, 3))
  assert.equal(await storedChunk(at.disk, blob, 2), undefined)
  assert.deepEqual(await findings(at), [])
})

test('a blob of which nothing is right is elsewhere, and a right one stays as it is', async (t) => {
  const at = await warehouse(t)
  const [gone, good] = [await at.keep(bytes(1)), await at.keep(bytes(2))]
  await at.disk.remove(blobPath(gone.blob))
  assert.equal(await recheckBlob(at, gone.blob), 4)
  assert.equal((await at.blob(gone.blob))?.state, 'elsewhere')
  assert.equal(await recheckBlob(at, good.blob), 0)
  assert.equal((await at.blob(good.blob))?.state, 'here')
})

test('a crash between any two steps of it leaves what can be looked at again', async (t) => {
  for (let steps = 0; ; steps++) {
    const at = await warehouse(t)
    const { blob: id } = await at.keep(bytes(1))
    spoil(at, blobPath(id), 1)
    let left = steps
    const dies = () => {
      if (left-- <= 0) throw new Error('power is gone')
    }
    const disk: BlobDisk = {
      ...at.disk,
      async rename(from, to) {
        dies()
        await at.disk.rename(from, to)
      },
    }
    const write: typeof at.store.writer.write = async (action) => {
      dies()
      return await at.store.writer.write(action)
    }
    const store = { ...at.store, writer: { ...at.store.writer, write } }
    const died = await recheckBlob({ store, disk }, id).then(
      () => false,
      () => true,
    )
    assert.equal(await recheckBlob(at, id), 1)
    const blob = await findBlob(at.store.read, id)
    assert.deepEqual([...(blob?.have ?? [])], [0b1011_0000])
    assert.ok(at.files.has(partialPath(id)) && !at.files.has(blobPath(id)))
    if (!died) return assert.ok(steps >= 2)
  }
})
