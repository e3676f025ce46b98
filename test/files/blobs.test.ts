import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { FormatError } from '../../src/base/bytes.ts'
import type { BlobId } from '../../src/base/ids.ts'
import { GIB, KIB, MIB } from '../../src/base/units.ts'
import {
  blobPath,
  DamagedBlob,
  findBlob,
  makeBlob,
  plainBytes,
  storedChunk,
  WrongKey,
} from '../../src/files/blobs.ts'
import {
  BLOB_BYTES_MAX,
  blobIdOf,
  CHUNKS_MAX,
  chunkBytesFor,
  chunkCount,
  decodeManifest,
  encodeManifest,
} from '../../src/files/manifest.ts'
import { openChunk } from '../../src/files/sealing.ts'
import { temporaryStore } from '../db/store.ts'
import { type BlobMemory, memoryBlobDisk } from '../support/blob-disk.ts'
import { prng } from '../support/prng.ts'

const CHUNK = 256 * KIB

async function workshop(t: TestContext) {
  const files: BlobMemory = new Map()
  const disk = memoryBlobDisk(files)
  const store = await temporaryStore(t)
  return { files, disk, store, parts: { store, disk, clock: { now: () => 1000 } } }
}

function bytesOf(seed: number, length: number): Uint8Array {
  const chance = prng(seed)
  return Uint8Array.from({ length }, () => Math.floor(chance() * 256))
}

async function all(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const piece of pieces) parts.push(piece)
  return new Uint8Array(Buffer.concat(parts))
}

const key = (seed: number) => bytesOf(seed, 32)
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

test('what was written comes back, whole and in parts, and its id is the hash of its list of chunks', async (t) => {
  const { disk, store, parts } = await workshop(t)
  const plain = bytesOf(1, 2 * CHUNK + 777)
  const making = await makeBlob(parts, { name: 'blobs/new/a', key: key(2), chunkBytes: CHUNK })
  for (let at = 0; at < plain.length; at += 60_001)
    await making.write(plain.subarray(at, at + 60_001))
  const made = await making.finish()
  assert.equal(made.sha256, sha256(plain))
  const blob = await findBlob(store.read, made.blob)
  assert.ok(blob)
  assert.equal(blobIdOf(encodeManifest(blob)), made.blob)
  for (const [from, to] of [
    [0, plain.length],
    [0, 1],
    [CHUNK - 1, CHUNK + 1],
    [2 * CHUNK, plain.length],
    [5, 5],
  ] as const) {
    const part = await all(plainBytes(disk, blob, { key: made.key, from, to }))
    assert.deepEqual(part, plain.subarray(from, to))
  }
  assert.equal(await disk.find('blobs/new/a'), undefined)
})

test('on the disk lies nothing that was written, and a wrong key opens nothing', async (t) => {
  const { files, disk, store, parts } = await workshop(t)
  const plain = new TextEncoder().encode('the salary of everybody '.repeat(1000))
  const making = await makeBlob(parts, { name: 'blobs/new/a', key: key(2), chunkBytes: CHUNK })
  await making.write(plain)
  const { blob: id } = await making.finish()
  const stored = files.get(blobPath(id))
  assert.ok(stored)
  assert.equal(Buffer.from(stored.bytes).includes('salary'), false)
  const blob = await findBlob(store.read, id)
  assert.ok(blob)
  const chunk = await storedChunk(disk, blob, 0)
  assert.ok(chunk)
  assert.equal(openChunk(key(3), 0, chunk), undefined)
  assert.equal(openChunk(key(2), 1, chunk), undefined, 'a chunk has one place')
  await assert.rejects(all(plainBytes(disk, blob, { key: key(3), from: 0, to: 1 })), WrongKey)
})

test('an upload goes on after a restart behind the last whole chunk that is right', async (t) => {
  const { files, store, parts } = await workshop(t)
  const of = { name: 'blobs/new/a', key: key(2), chunkBytes: CHUNK }
  const plain = bytesOf(1, 4 * CHUNK + 5)
  const first = await makeBlob(parts, of)
  await first.write(plain.subarray(0, 3 * CHUNK + 100))
  // The process is gone; the disk has lost a part of the third chunk.
  const kept = files.get(of.name)
  assert.ok(kept)
  kept.bytes[2 * (CHUNK + 16) + 9] = (kept.bytes[2 * (CHUNK + 16) + 9] ?? 0) ^ 1
  const second = await makeBlob(parts, of)
  assert.equal(second.whole, 2 * CHUNK)
  await second.write(plain.subarray(2 * CHUNK))
  const made = await second.finish()
  assert.equal(made.sha256, sha256(plain))
  assert.equal((await findBlob(store.read, made.blob))?.size, plain.length)
})

test('bytes of a chunk that was cut off are forgotten, and what comes instead is taken', async (t) => {
  const { parts } = await workshop(t)
  const plain = bytesOf(1, CHUNK + 1000)
  const making = await makeBlob(parts, { name: 'blobs/new/a', key: key(2), chunkBytes: CHUNK })
  await making.write(plain.subarray(0, CHUNK + 300))
  await making.interrupt()
  assert.equal(making.whole, CHUNK)
  assert.equal(making.received, CHUNK)
  await making.write(plain.subarray(CHUNK))
  assert.equal((await making.finish()).sha256, sha256(plain))
})

test('the same bytes are stored once', async (t) => {
  const { files, parts } = await workshop(t)
  const plain = bytesOf(1, 1000)
  const made = []
  for (const name of ['blobs/new/a', 'blobs/new/b']) {
    const making = await makeBlob(parts, { name, key: key(made.length), chunkBytes: CHUNK })
    await making.write(plain)
    made.push(await making.finish())
  }
  assert.equal(made[1]?.blob, made[0]?.blob)
  assert.deepEqual(new Uint8Array(made[1]?.key ?? []), made[0]?.key)
  assert.deepEqual([...files.keys()], [blobPath(made[0]?.blob as BlobId)])
})

test('a good copy is never given up for a damaged one', async (t) => {
  const { files, disk, store, parts } = await workshop(t)
  const plain = bytesOf(1, CHUNK + 1000)
  const keep = async (seed: number) => {
    const name = `blobs/new/${seed}`
    const making = await makeBlob(parts, { name, key: key(seed), chunkBytes: CHUNK })
    await making.write(plain)
    const made = await making.finish()
    const blob = await findBlob(store.read, made.blob)
    assert.ok(blob)
    const read = () => all(plainBytes(disk, blob, { key: made.key, from: 0, to: plain.length }))
    return { id: made.blob, read, stored: files.get(blobPath(made.blob)) }
  }
  const cut = await keep(1)
  if (cut.stored) cut.stored.length = 100
  const changed = await keep(2)
  assert.notEqual(changed.id, cut.id)
  assert.deepEqual(await changed.read(), plain)
  if (changed.stored) changed.stored.bytes[CHUNK + 50] = (changed.stored.bytes[CHUNK + 50] ?? 0) ^ 1
  const good = await keep(3)
  assert.deepEqual(await good.read(), plain)
  assert.equal((await keep(4)).id, good.id, 'the good one is the one that is found')
})

test('a changed chunk is not given to anybody', async (t) => {
  const { files, disk, store, parts } = await workshop(t)
  const making = await makeBlob(parts, { name: 'blobs/new/a', key: key(2), chunkBytes: CHUNK })
  await making.write(bytesOf(1, 2 * CHUNK))
  const { blob: id } = await making.finish()
  const stored = files.get(blobPath(id))
  const blob = await findBlob(store.read, id)
  assert.ok(stored && blob)
  stored.bytes[CHUNK + 50] = (stored.bytes[CHUNK + 50] ?? 0) ^ 1
  assert.ok(await storedChunk(disk, blob, 0))
  assert.equal(await storedChunk(disk, blob, 1), undefined)
  assert.equal(await storedChunk(disk, blob, 2), undefined, 'there is none')
  const reading = plainBytes(disk, blob, { key: key(2), from: 0, to: 2 * CHUNK })
  assert.equal((await reading.next()).value?.length, CHUNK)
  await assert.rejects(reading.next(), DamagedBlob)
})

test('chunks grow with the file, so that a list stays below 64 KiB', () => {
  assert.equal(chunkBytesFor(0), CHUNK)
  assert.equal(chunkBytesFor(512 * MIB), CHUNK)
  assert.equal(chunkBytesFor(512 * MIB + 1), 2 * CHUNK)
  assert.equal(chunkBytesFor(2 * GIB), MIB)
  for (const size of [1, CHUNK, 3 * GIB + 1, BLOB_BYTES_MAX]) {
    assert.ok(chunkCount({ size, chunkBytes: chunkBytesFor(size) }) <= CHUNKS_MAX)
  }
})

test('a list of chunks that lies is refused', () => {
  const right = encodeManifest({ size: 2 * CHUNK, chunkBytes: CHUNK, hashes: new Uint8Array(64) })
  assert.equal(decodeManifest(right).size, 2 * CHUNK)
  const wrong = [
    right.subarray(0, 70),
    new Uint8Array([...right, 0]),
    encodeManifest({ size: 2 * CHUNK + 1, chunkBytes: CHUNK, hashes: new Uint8Array(64) }),
    encodeManifest({ size: 10, chunkBytes: 1, hashes: new Uint8Array(320) }),
    encodeManifest({ size: 10, chunkBytes: 64 * MIB, hashes: new Uint8Array(32) }),
    new Uint8Array(0),
  ]
  for (const bytes of wrong) assert.throws(() => decodeManifest(bytes), FormatError)
})
