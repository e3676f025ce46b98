/** Uploads from inside: what happens between the last byte and the name, with a disk that waits, and one that is full. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { AppError } from '../../src/base/errors.ts'
import type { FileId, UserId } from '../../src/base/ids.ts'
import { KIB, MIB } from '../../src/base/units.ts'
import { findBlob, plainBytes } from '../../src/files/blobs.ts'
import { createFiles, type Described } from '../../src/files/files.ts'
import type { BlobDisk } from '../../src/world/blob-disk.ts'
import { silentLog, temporaryStore } from '../db/store.ts'
import { memoryBlobDisk } from '../support/blob-disk.ts'

const OWNER = 'a'.repeat(32) as UserId
const PLAIN = new Uint8Array(300_000).fill(5)

async function* given(...pieces: Uint8Array[]) {
  yield* pieces
}

async function desk(
  t: TestContext,
  disk: BlobDisk = memoryBlobDisk(),
  described: Described = { type: 'text/plain' },
) {
  const store = await temporaryStore(t)
  let drawn = 0
  const files = createFiles({
    ...{ store, disk, clock: { now: () => 1000 }, log: silentLog },
    random: {
      id: () => String(++drawn).padStart(32, '0'),
      bytes: (length) => new Uint8Array(length).fill(7),
      below: () => 0,
      chance: () => 0,
    },
    describe: async () => described,
    demandAllowed: async () => {},
    onWhole: () => {},
    sizeMax: async () => 10 * MIB,
  })
  t.after(() => files.close())
  const read = async (id: FileId) => {
    const row = await store.read
      .selectFrom('file')
      .where('id', '=', id)
      .selectAll()
      .executeTakeFirst()
    const blob = row?.blobId ? await findBlob(store.read, row.blobId) : undefined
    assert.ok(row && blob)
    const pieces: Uint8Array[] = []
    const range = { key: row.key, from: 0, to: blob.size }
    for await (const piece of plainBytes(disk, blob, range)) pieces.push(piece)
    return Buffer.concat(pieces)
  }
  return { files, read }
}

const isBusy = (error: unknown) => error instanceof AppError && error.detail === 'file-busy'

/** A disk that waits before it says that bytes are safe. */
function slowDisk() {
  const [reached, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const disk = memoryBlobDisk()
  const open: BlobDisk['open'] = async (name, how) => ({
    ...(await disk.open(name, how)),
    async sync() {
      reached.resolve()
      await gate.promise
    },
  })
  return { disk: { ...disk, open }, reached: reached.promise, go: gate.resolve }
}

test('whoever comes again while the last bytes are made safe is told to wait, and the file is whole', async (t) => {
  const { disk, reached, go } = slowDisk()
  const { files, read } = await desk(t, disk)
  const { id } = await files.begin(OWNER, { name: 'plan', size: PLAIN.length })
  const first = files.append(OWNER, id, { offset: 0, body: given(PLAIN) })
  await reached
  const { offset } = await files.find(OWNER, id)
  await assert.rejects(files.append(OWNER, id, { offset, body: given() }), isBusy)
  go()
  const done = await first
  assert.equal(done.offset, PLAIN.length)
  assert.deepEqual(await read(id), Buffer.from(PLAIN))
  const again = await files.append(OWNER, id, { offset: 0, body: given() })
  assert.equal(again.sha256, done.sha256, 'who asks later learns that it is whole')
})

test('an upload that is given up while it is put away leaves nothing', async (t) => {
  const { disk, reached, go } = slowDisk()
  const { files } = await desk(t, disk)
  const { id } = await files.begin(OWNER, { name: 'plan', size: PLAIN.length })
  const first = files.append(OWNER, id, { offset: 0, body: given(PLAIN) })
  await reached
  const stopped = files.stop(OWNER, id)
  go()
  await Promise.allSettled([first])
  await stopped
  await assert.rejects(files.find(OWNER, id), { code: 'not-found' })
  assert.deepEqual(await disk.list('blobs/new'), [])
})

test('a sender whose line is dead makes way for the next one', async (t) => {
  const { files, read } = await desk(t)
  const { id } = await files.begin(OWNER, { name: 'plan', size: PLAIN.length })
  const taken = Promise.withResolvers<void>()
  const dead: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => {
      let n = 0
      const next = async (): Promise<IteratorResult<Uint8Array>> => {
        if (n++ === 0) return { done: false, value: PLAIN.subarray(0, 256 * KIB + 5) }
        taken.resolve()
        return await new Promise(() => {}) // nothing comes any more, and nobody says so
      }
      return { next, return: () => new Promise(() => {}) }
    },
  }
  const first = files.append(OWNER, id, { offset: 0, body: dead })
  const ended = assert.rejects(first, isBusy)
  await taken.promise
  await assert.rejects(files.append(OWNER, id, { offset: 0, body: given() }), isBusy)
  await ended
  const { offset } = await files.find(OWNER, id)
  assert.equal(offset, 256 * KIB)
  await files.append(OWNER, id, { offset, body: given(PLAIN.subarray(offset)) })
  assert.deepEqual(await read(id), Buffer.from(PLAIN))
})

test('the last room of the disk is for messages', async (t) => {
  const { files } = await desk(t, memoryBlobDisk(new Map(), { room: 263 * MIB }))
  const isFull = { code: 'unavailable', detail: 'disk-full' }
  await assert.rejects(files.begin(OWNER, { name: 'large', size: 10 * MIB }), isFull)
  const { id } = await files.begin(OWNER, { name: 'of any length' })
  const body = given(...Array.from({ length: 159 }, () => new Uint8Array(64 * KIB)))
  const part = { offset: 0, body, isLast: true }
  await assert.rejects(files.append(OWNER, id, part), isFull, 'asked again while it comes')
  assert.ok((await files.find(OWNER, id)).offset > 0, 'what has come stays')
  await assert.rejects(files.begin(OWNER, { name: 'second', size: 2 * MIB }), isFull)
})

test('a disk that fills while the small picture is written leaves no file open', async (t) => {
  const disk = memoryBlobDisk()
  let openNow = 0
  let isFull = true
  const open: BlobDisk['open'] = async (name, how) => {
    const file = await disk.open(name, how)
    if (how === 'read') return file
    openNow += 1
    return {
      ...file,
      async write(at, bytes) {
        if (isFull && name.endsWith('-thumb')) {
          throw Object.assign(new Error('no space'), { code: 'ENOSPC' })
        }
        await file.write(at, bytes)
      },
      async close() {
        openNow -= 1
        await file.close()
      },
    }
  }
  const picture = { width: 9, height: 9, thumb: new Uint8Array(500).fill(3) }
  const { files } = await desk(t, { ...disk, open }, { type: 'image/png', picture })
  const { id } = await files.begin(OWNER, { name: 'a.png', size: PLAIN.length })
  const append = () => files.append(OWNER, id, { offset: 0, body: given(PLAIN) })
  await assert.rejects(append(), { code: 'ENOSPC' })
  assert.equal(openNow, 0)
  isFull = false
  assert.equal((await append()).offset, PLAIN.length, 'it goes through once there is room')
})
