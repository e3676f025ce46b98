/**
 * Looks whether stored blobs are what their lists of chunks say. What is damaged is no longer called here, chunk by
 * chunk, so that it comes again from another branch. `doctor --files` reads beside a running server; that one repairs.
 */
import type { BlobId } from '../base/ids.ts'
import type { Db, Store } from '../db/open.ts'
import { type BlobDisk, type BlobFile, orMissing } from '../world/blob-disk.ts'
import { blobPath, findBlob, hasChunk, type KnownBlob, partialPath } from './blobs.ts'
import { chunkCount, chunkPlace, isChunk } from './manifest.ts'

/** Rows read at a time. */
const BLOBS_PER_PAGE = 500

export type Checked = {
  blob: KnownBlob
  /** The file is not there at all. */
  isMissing: boolean
  /** Numbers of chunks that should be here and are wrong. */
  damaged: number[]
}

/** Every blob that is here, whole or in part, one after the other. */
export async function* checkBlobs(db: Db, disk: BlobDisk): AsyncGenerator<Checked> {
  for (let after = ''; ; ) {
    const page = await db
      .selectFrom('blob')
      .where('id', '>', after as BlobId)
      .where('state', '<>', 'elsewhere')
      .select('id')
      .orderBy('id')
      .limit(BLOBS_PER_PAGE)
      .execute()
    for (const { id } of page) {
      after = id
      const blob = await findBlob(db, id)
      if (blob === undefined) continue
      const checked = await checkBlob(disk, blob)
      const isWell = !checked.isMissing && checked.damaged.length === 0
      // A server that runs may have moved or removed it meanwhile: what it says now counts.
      const now = isWell ? blob : await findBlob(db, id)
      if (now && now.isHere === blob.isHere) yield { blob, ...checked }
    }
    if (page.length < BLOBS_PER_PAGE) return
  }
}

async function checkBlob(
  disk: BlobDisk,
  blob: KnownBlob,
): Promise<{ isMissing: boolean; damaged: number[] }> {
  const file = await orMissing(
    disk.open(blob.isHere ? blobPath(blob.id) : partialPath(blob.id), 'read'),
  )
  const expected = Array.from({ length: chunkCount(blob) }, (_, index) => index).filter(
    (index) => blob.isHere || (blob.have !== null && hasChunk(blob.have, index)),
  )
  if (file === undefined)
    return { isMissing: blob.isHere || expected.length > 0, damaged: expected }
  try {
    const damaged: number[] = []
    for (const index of expected) {
      if (!(await isRight(file, blob, index))) damaged.push(index)
    }
    return { isMissing: false, damaged }
  } finally {
    await file.close()
  }
}

async function isRight(file: BlobFile, blob: KnownBlob, index: number): Promise<boolean> {
  const { at, bytes } = chunkPlace(blob, index)
  const chunk = await file.read(at, bytes)
  return isChunk(blob, index, chunk)
}

/**
 * Looks at a blob and calls here only what is right; answers how many chunks are not. A crash between two of its steps
 * leaves a blob whose file is under the other name: run again, it goes on from there.
 */
export async function recheckBlob(
  { store, disk }: { store: Store; disk: BlobDisk },
  id: BlobId,
): Promise<number> {
  const blob = await findBlob(store.read, id)
  if (blob === undefined) return 0
  const [whole, partial] = [blobPath(id), partialPath(id)]
  if ((await disk.find(whole)) !== undefined) {
    const { damaged } = await checkBlob(disk, { ...blob, isHere: true })
    if (damaged.length === 0) {
      await setState(store, id, { state: 'here', have: null })
      return 0
    }
    // From here on nobody reads it as whole.
    await disk.rename(whole, partial)
  }
  const all = everyChunk(chunkCount(blob))
  const { damaged } = await checkBlob(disk, { ...blob, isHere: false, have: all })
  if (damaged.length === 0 && (await disk.find(partial)) !== undefined) {
    await disk.rename(partial, whole)
    await setState(store, id, { state: 'here', have: null })
    return 0
  }
  for (const index of damaged) all[index >> 3] = (all[index >> 3] ?? 0) & ~(0x80 >> (index & 7))
  const isAnyRight = damaged.length < chunkCount(blob)
  await setState(store, id, {
    state: isAnyRight ? 'partial' : 'elsewhere',
    have: isAnyRight ? all : null,
  })
  if (!isAnyRight) await disk.remove(partial)
  return Math.max(1, damaged.length)
}

/** Bits beyond the last chunk are 0. */
function everyChunk(count: number): Uint8Array {
  const bits = new Uint8Array(Math.ceil(count / 8))
  for (let index = 0; index < count; index++) {
    bits[index >> 3] = (bits[index >> 3] ?? 0) | (0x80 >> (index & 7))
  }
  return bits
}

async function setState(
  store: Store,
  id: BlobId,
  to: { state: 'here' | 'partial' | 'elsewhere'; have: Uint8Array | null },
): Promise<void> {
  await store.writer.write(async (tx) => {
    await tx.updateTable('blob').set(to).where('id', '=', id).execute()
  })
}
