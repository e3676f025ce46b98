/** Photos of other branches: kept only in the form we make ourselves, and no branch holds up the photos of another. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import sharp from 'sharp'
import { userPut } from '../../src/accounts/events.ts'
import { isPhoto } from '../../src/accounts/photo-form.ts'
import { createPhotoMaker } from '../../src/accounts/photos.ts'
import type { BranchId, PhotoHash, UserId } from '../../src/base/ids.ts'
import { createPhotoFetching } from '../../src/jobs/photos.ts'
import { temporaryFolder } from '../db/store.ts'
import { keptLog, keysOf, startBranch } from '../eventlog/fixture.ts'

const picture = (side: number, channels: 3 | 4 = 3) =>
  sharp({
    create: { width: side, height: side, channels, background: { r: 9, g: 99, b: 9, alpha: 0.5 } },
  })

test('what we make is a photo; larger, moving, cut, padded and foreign pictures are none', async () => {
  const make = createPhotoMaker()
  for (const channels of [3, 4] as const) {
    const { bytes } = await make(new Uint8Array(await picture(400, channels).png().toBuffer()))
    assert.equal(isPhoto(bytes), true, `${channels} channels`)
    assert.equal(isPhoto(bytes.subarray(0, bytes.length - 1)), false)
    assert.equal(isPhoto(new Uint8Array([...bytes, 0])), false)
  }
  const webp = async (side: number, lossless = false) =>
    new Uint8Array(await picture(side).webp({ lossless }).toBuffer())
  assert.equal(isPhoto(await webp(256, true)), true)
  assert.equal(isPhoto(await webp(257)), false)
  assert.equal(isPhoto(await webp(257, true)), false)
  assert.equal(isPhoto(new Uint8Array(await picture(100).png().toBuffer())), false)
  assert.equal(isPhoto(new TextEncoder().encode('<svg onload="alert(1)"/>')), false)
  const { bytes } = await make(new Uint8Array(await picture(400, 4).png().toBuffer()))
  assert.equal(String.fromCharCode(...bytes.subarray(12, 16)), 'VP8X')
  const moving = bytes.slice()
  moving[20] = (moving[20] ?? 0) | 2
  assert.equal(isPhoto(moving), false)
  const larger = bytes.slice()
  larger[25] = 1 // a canvas of 512 px
  assert.equal(isPhoto(larger), false)
})

const person = (id: string, home: BranchId, photo: string) => ({
  ...{ id: id as UserId, home, login: `l${id}`, firstName: 'X', lastName: '', searchName: 'x' },
  ...{ photo: photo as PhotoHash, post: '', department: '', phone: '', room: '', language: null },
  ...{ theme: 'auto' as const, role: 'employee' as const, roleRev: 0, roleHlc: '0'.repeat(16) },
  ...{ roleBranch: home, rev: 1, hlc: '0'.repeat(16), blockGeneration: 0, disabled: 0 as const },
  createdAt: 0,
})
const idOf = (n: number) => n.toString(16).padStart(32, '0')

test('six hundred that never come and a branch that never answers hold up nobody else', async (t) => {
  const [own, bad, silent, good] = [keysOf('Own'), keysOf('Bad'), keysOf('Silent'), keysOf('Good')]
  const branch = await startBranch({
    ...{ keys: own, knows: [bad, silent, good], folder: temporaryFolder(t), kinds: [userPut] },
  })
  const { store } = branch
  const bytes = (await createPhotoMaker()(new Uint8Array(await picture(300).png().toBuffer())))
    .bytes
  const hash = createHash('sha256').update(bytes).digest('hex') as PhotoHash
  await store.writer.write(async (tx) => {
    for (let n = 0; n < 600; n++) {
      const each = person(idOf(n), bad.id, idOf(n).repeat(2)) as never
      await tx.insertInto('user').values(each).execute()
    }
    await tx
      .insertInto('user')
      .values(person(idOf(700), silent.id, 'ab'.repeat(32)) as never)
      .execute()
    await tx
      .insertInto('user')
      .values(person(idOf(800), bad.id, 'cd'.repeat(32)) as never)
      .execute()
    await tx
      .insertInto('user')
      .values(person(idOf(900), good.id, hash) as never)
      .execute()
  })
  let asked = 0
  const { promise: arrived, resolve } = Promise.withResolvers<UserId[]>()
  const silence = Promise.withResolvers<undefined>()
  const svg = new TextEncoder().encode('<svg/>')
  const fetching = createPhotoFetching({
    ...{
      store,
      self: own.id,
      log: keptLog(),
      linkedBranches: () => [bad.id, silent.id, good.id],
      onArrived: resolve,
    },
    fetchBlob: async (home, photo) => {
      if (home === silent.id) return await silence.promise
      if (home === good.id) return bytes
      if (photo.startsWith('cd')) asked++
      return photo.startsWith('cd') ? svg : undefined
    },
  })
  fetching.look()
  assert.deepEqual(await arrived, [idOf(900)])
  fetching.look()
  silence.resolve(undefined)
  await fetching.stop()
  await store.close()
  assert.equal(asked, 1, 'beyond the first five hundred, and not again')
})

test('a branch that lost its database asks all others for the photos of its own people', async (t) => {
  const [own, without, holder] = [keysOf('Own'), keysOf('Without'), keysOf('Holder')]
  const branch = await startBranch({
    ...{ keys: own, knows: [without, holder], folder: temporaryFolder(t), kinds: [userPut] },
  })
  const { store } = branch
  const bytes = (await createPhotoMaker()(new Uint8Array(await picture(300).png().toBuffer())))
    .bytes
  const hash = createHash('sha256').update(bytes).digest('hex') as PhotoHash
  await store.writer.write((tx) =>
    tx
      .insertInto('user')
      .values(person(idOf(1), own.id, hash) as never)
      .execute(),
  )
  const asked: BranchId[] = []
  const { promise: arrived, resolve } = Promise.withResolvers<UserId[]>()
  const fetching = createPhotoFetching({
    ...{ store, self: own.id, log: keptLog(), onArrived: resolve },
    linkedBranches: () => [without.id, holder.id],
    fetchBlob: async (from) => {
      asked.push(from)
      return from === holder.id ? bytes : undefined
    },
  })
  fetching.look()
  assert.deepEqual(await arrived, [idOf(1)])
  await fetching.stop()
  await store.close()
  assert.deepEqual(asked, [without.id, holder.id])
})
