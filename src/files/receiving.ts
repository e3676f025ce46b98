/**
 * A blob that arrives from elsewhere: chunks in any order, each right before it is written, each remembered only after
 * its bytes were synced. So after a cut, a kill or a power loss it goes on with what is proved to be here.
 */
import type { BlobId } from '../base/ids.ts'
import { MIB, type Millis, SECOND } from '../base/units.ts'
import type { BlobFile } from '../world/blob-disk.ts'
import { type BlobParts, blobPath, hasChunk, type KnownBlob, partialPath } from './blobs.ts'
import { chunkCount, chunkPlace, encodeManifest, isChunk, type Manifest } from './manifest.ts'

/** Chunks that a crash would cost at most; each sync waits for the disk. */
const UNSYNCED_BYTES_MAX = 8 * MIB
const UNSYNCED_MS_MAX: Millis = 5 * SECOND

/** Remembers the list of a blob that is elsewhere. */
export async function keepManifest(
  { store }: Pick<BlobParts, 'store'>,
  id: BlobId,
  manifest: Manifest,
): Promise<void> {
  await store.writer.write((tx) =>
    tx
      .updateTable('blob')
      .set({ manifest: encodeManifest(manifest), size: manifest.size })
      .where('id', '=', id)
      .where('manifest', 'is', null)
      .execute(),
  )
}

/** Opens what is here of a blob; undefined when it proves to be here whole. */
export async function openArriving(
  parts: BlobParts,
  blob: KnownBlob,
): Promise<ArrivingBlob | undefined> {
  const { disk } = parts
  const { id } = blob
  const count = chunkCount(blob)
  let have = new Uint8Array(Math.ceil(count / 8))
  if (blob.have?.length === have.length) have = new Uint8Array(blob.have)
  if ((await disk.find(partialPath(id))) === undefined) {
    if ((await disk.find(blobPath(id))) === undefined) have.fill(0)
    else if (holdsAll(have, count)) {
      // It was whole and had its name, and the power went before the table knew.
      await told(parts, id, { state: 'here', have: null })
      return undefined
    } else await disk.rename(blobPath(id), partialPath(id)) // some of it was found damaged
  }
  const isBegun = (await disk.find(partialPath(id))) !== undefined
  const file = await disk.open(partialPath(id), isBegun ? 'change' : 'make')
  return new ArrivingBlob(parts, { blob, file, have })
}

export class ArrivingBlob {
  readonly blob: KnownBlob
  readonly #parts: BlobParts
  readonly #file: BlobFile
  /** What is written, and what of it is synced. */
  readonly #have: Uint8Array
  readonly #count: number
  #held = 0
  #bytes = 0
  #unsynced = 0
  #syncedAt: Millis
  #syncing: Promise<void> = Promise.resolve()
  #isClosed = false

  constructor(
    parts: BlobParts,
    { blob, file, have }: { blob: KnownBlob; file: BlobFile; have: Uint8Array },
  ) {
    this.blob = blob
    this.#parts = parts
    this.#file = file
    this.#have = have
    this.#count = chunkCount(blob)
    this.#syncedAt = parts.clock.now()
    for (let index = 0; index < this.#count; index++) {
      if (hasChunk(have, index)) this.#counted(index)
    }
  }

  /** Bytes that are here, of all that are stored of it. */
  get bytes(): number {
    return this.#bytes
  }

  get isWhole(): boolean {
    return this.#held === this.#count
  }

  has(index: number): boolean {
    return hasChunk(this.#have, index)
  }

  /** Numbers of the chunks that are not here. */
  missing(): number[] {
    return Array.from({ length: this.#count }, (_, i) => i).filter((i) => !hasChunk(this.#have, i))
  }

  /** Takes a chunk; false: it is not what the list says, and nothing was written. Rejects when the disk is full. */
  async put(index: number, bytes: Uint8Array): Promise<boolean> {
    if (!isChunk(this.blob, index, bytes)) return false
    if (this.#isClosed || hasChunk(this.#have, index)) return true
    await this.#file.write(chunkPlace(this.blob, index).at, bytes)
    if (this.#isClosed || hasChunk(this.#have, index)) return true
    this.#have[index >> 3] = (this.#have[index >> 3] ?? 0) | (0x80 >> (index & 7))
    this.#counted(index)
    this.#unsynced += bytes.length
    const isDue =
      this.#unsynced >= UNSYNCED_BYTES_MAX ||
      this.#parts.clock.now() - this.#syncedAt >= UNSYNCED_MS_MAX
    if (isDue) await this.sync()
    return true
  }

  /** What was taken survives a power loss, and is known after it. */
  sync(): Promise<void> {
    const before = this.#syncing
    this.#unsynced = 0
    this.#syncedAt = this.#parts.clock.now()
    this.#syncing = before.catch(() => {}).then(() => this.#sync())
    return this.#syncing
  }

  async #sync(): Promise<void> {
    const have = this.#have.slice() // before the sync: what comes during it may not be on the disk
    await this.#file.sync()
    await told(this.#parts, this.blob.id, { state: 'partial', have })
  }

  /** It is whole: gives it its name. False: nobody wants it any more, and it is gone. */
  async finish(): Promise<boolean> {
    const { disk } = this.#parts
    const { id } = this.blob
    await this.sync()
    this.#isClosed = true
    await this.#file.close()
    await disk.rename(partialPath(id), blobPath(id))
    const isKnown = await told(this.#parts, id, { state: 'here', have: null })
    if (!isKnown) await disk.remove(blobPath(id))
    return isKnown
  }

  /** Lets go of it; what has come stays. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    try {
      if (this.#unsynced > 0) await this.sync()
      else await this.#syncing
    } finally {
      await this.#file.close()
    }
  }

  #counted(index: number): void {
    this.#held += 1
    this.#bytes += chunkPlace(this.blob, index).bytes
  }
}

function holdsAll(have: Uint8Array, count: number): boolean {
  for (let index = 0; index < count; index++) if (!hasChunk(have, index)) return false
  return true
}

/** False: there is no such blob any more. */
async function told(
  { store }: BlobParts,
  id: BlobId,
  what: { state: 'here' | 'partial'; have: Uint8Array | null },
): Promise<boolean> {
  const [result] = await store.writer.write((tx) =>
    tx.updateTable('blob').set(what).where('id', '=', id).execute(),
  )
  return (result?.numUpdatedRows ?? 0n) > 0n
}
