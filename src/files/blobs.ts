/**
 * Blobs: bytes by hash, as chunks of ciphertext in one file each, below `blobs/` in the data folder. Owns those files
 * and the table `blob`. What is whole lies under its id; what arrives has a name of its own until it is whole, synced
 * and renamed. Who may read a blob is decided by whoever holds its key (attachments). docs/decisions/043-files.md.
 */
import { createHash, type Hash, hash } from 'node:crypto'
import { concat, hex } from '../base/bytes.ts'
import type { BlobId } from '../base/ids.ts'
import { MIB, type Millis } from '../base/units.ts'
import type { Db, Store } from '../db/open.ts'
import { type BlobDisk, type BlobFile, orMissing } from '../world/blob-disk.ts'
import {
  blobIdOf,
  chunkCount,
  chunkPlace,
  decodeManifest,
  encodeManifest,
  isChunk,
  type Manifest,
  storedBytes,
  TAG_BYTES,
} from './manifest.ts'
import { openChunk, sealing } from './sealing.ts'

/** Files leave so much of the disk to messages. */
export const RESERVE_BYTES = 256 * MIB

export type BlobParts = {
  store: Store
  disk: BlobDisk
  clock: { now(): Millis }
}

/** A blob whose list of chunks is known. */
export type KnownBlob = Manifest & { id: BlobId; isHere: boolean; have: Uint8Array | null }

/** Where a whole blob lies. */
export function blobPath(id: BlobId): string {
  return `blobs/${id.slice(0, 2)}/${id}`
}

/** Where the chunks lie of a blob that is not whole yet. */
export function partialPath(id: BlobId): string {
  return `blobs/partial/${id}`
}

/** Whether a chunk is among those that `have` tells: the first one is the highest bit of the first byte. */
export function hasChunk(have: Uint8Array, index: number): boolean {
  return ((have[index >> 3] ?? 0) & (0x80 >> (index & 7))) !== 0
}

/** A blob as this branch knows it; undefined when its list of chunks is not here. */
export async function findBlob(db: Db, id: BlobId): Promise<KnownBlob | undefined> {
  const row = await db
    .selectFrom('blob')
    .where('id', '=', id)
    .select(['manifest', 'state', 'have'])
    .executeTakeFirst()
  if (!row?.manifest) return undefined
  return { id, ...decodeManifest(row.manifest), isHere: row.state === 'here', have: row.have }
}

/** A chunk as it is stored, when it is here and right; undefined when it is not. */
export async function storedChunk(
  disk: BlobDisk,
  blob: KnownBlob,
  index: number,
): Promise<Uint8Array | undefined> {
  if (index >= chunkCount(blob)) return undefined
  if (!blob.isHere && !(blob.have && hasChunk(blob.have, index))) return undefined
  const file = await orMissing(
    disk.open(blob.isHere ? blobPath(blob.id) : partialPath(blob.id), 'read'),
  )
  if (file === undefined) return undefined
  try {
    return await rightChunk(file, blob, index)
  } finally {
    await file.close()
  }
}

type GivenParts = {
  read: Db
  disk: BlobDisk
  /** A chunk of so many is given. */
  onChunk?(chunk: { blob: BlobId; index: number; count: number }): void
}

/** What another branch is given of a blob: its list (index 0), or chunk index - 1; undefined: it is not here. */
export async function givenPart(
  { read, disk, onChunk }: GivenParts,
  { blob: id, index }: { blob: BlobId; index: number },
): Promise<Uint8Array | undefined> {
  const blob = await findBlob(read, id)
  // What the scanner found is kept from everybody, other branches too.
  if (!blob || (await isInfected(read, id))) return undefined
  if (index === 0) return encodeManifest(blob)
  const chunk = await storedChunk(disk, blob, index - 1)
  if (chunk) onChunk?.({ blob: id, index: index - 1, count: chunkCount(blob) })
  return chunk
}

async function isInfected(read: Db, id: BlobId): Promise<boolean> {
  const row = read
    .selectFrom('blob')
    .where('id', '=', id)
    .where('verdict', '=', 'infected')
    .select('id')
  return (await row.executeTakeFirst()) !== undefined
}

async function rightChunk(
  file: BlobFile,
  blob: Manifest,
  index: number,
): Promise<Uint8Array | undefined> {
  const { at, bytes } = chunkPlace(blob, index)
  const chunk = await file.read(at, bytes)
  return isChunk(blob, index, chunk) ? chunk : undefined
}

/** A chunk of a stored blob is missing or was changed: `doctor` and the reader say so. */
export class DamagedBlob extends Error {
  override name = 'DamagedBlob'
  readonly blob: BlobId
  readonly index: number

  constructor(blob: BlobId, index: number) {
    super(`Chunk ${index} of the blob ${blob} is damaged`)
    this.blob = blob
    this.index = index
  }
}

/** The stored chunk is right and the key does not open it: whoever named this key for the blob was wrong, or lied. */
export class WrongKey extends Error {
  override name = 'WrongKey'

  constructor(blob: BlobId, index: number) {
    super(`The key does not open chunk ${index} of the blob ${blob}`)
  }
}

/**
 * The plain bytes [from, to) of a whole blob, chunk by chunk, each checked before any of it is given away. Throws
 * DamagedBlob and WrongKey.
 */
export async function* plainBytes(
  disk: BlobDisk,
  blob: KnownBlob,
  { key, from, to }: { key: Uint8Array; from: number; to: number },
): AsyncGenerator<Uint8Array> {
  if (from >= to) return
  const first = Math.floor(from / blob.chunkBytes)
  const file = await orMissing(disk.open(blobPath(blob.id), 'read'))
  if (file === undefined) throw new DamagedBlob(blob.id, first)
  try {
    for (let index = first; index * blob.chunkBytes < to; index++) {
      const { at, bytes } = chunkPlace(blob, index)
      const chunk = await file.read(at, bytes)
      const plain = openChunk(key, index, chunk)
      if (plain === undefined) {
        throw isChunk(blob, index, chunk)
          ? new WrongKey(blob.id, index)
          : new DamagedBlob(blob.id, index)
      }
      const begin = index * blob.chunkBytes
      yield plain.subarray(Math.max(0, from - begin), Math.min(plain.length, to - begin))
    }
  } finally {
    await file.close()
  }
}

/** The same for a part that is held whole: the beginning of a file, or one of a known size. */
export async function plainPart(...of: Parameters<typeof plainBytes>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const piece of plainBytes(...of)) pieces.push(piece)
  return concat(...pieces)
}

/** A blob that is being made: plain bytes go in, in order; memory does not grow with them. */
export type Making = {
  /** Plain bytes in whole chunks: where it may go on after an interruption. */
  readonly whole: number
  /** Plain bytes so far. */
  readonly received: number
  write(piece: Uint8Array): Promise<void>
  /** Forgets the bytes of a chunk that is not whole. */
  interrupt(): Promise<void>
  /** Syncs, names and remembers it. Call it once. */
  finish(): Promise<MadeBlob>
  /** Lets go of the file, which stays. */
  close(): Promise<void>
}

export type MadeBlob = { blob: BlobId; key: Uint8Array; sha256: string; size: number }

type Unfinished = { name: string; key: Uint8Array; chunkBytes: number }

/**
 * Begins a blob, or goes on with the whole chunks that are in the file already: each is opened, so a chunk that was cut
 * off by a power loss comes again.
 */
export async function makeBlob(parts: BlobParts, of: Unfinished): Promise<Making> {
  const { disk } = parts
  const known = await disk.find(of.name)
  const file = await disk.open(of.name, known === undefined ? 'make' : 'change')
  const state = new Growing(file, of)
  try {
    await state.readBack(known?.bytes ?? 0)
  } catch (error) {
    await file.close()
    throw error
  }
  return {
    get whole() {
      return state.index * of.chunkBytes
    },
    get received() {
      return state.index * of.chunkBytes + state.filled
    },
    write: (piece) => state.write(piece),
    interrupt: () => state.interrupt(),
    close: () => file.close(),
    async finish() {
      const { size, sha256, hashes } = await state.end()
      await file.sync()
      await file.close()
      if ((await disk.find(of.name))?.bytes !== storedBytes({ size, chunkBytes: of.chunkBytes }))
        throw new Error('A file changed while it was kept')
      const made = { manifest: encodeManifest({ size, chunkBytes: of.chunkBytes, hashes }), sha256 }
      return await remember(parts, { ...made, key: of.key, name: of.name, size })
    },
  }
}

class Growing {
  readonly #file: BlobFile
  readonly #of: Unfinished
  readonly #hashes: Uint8Array[] = []
  #plain: Hash = createHash('sha256')
  /** `#plain` as it was at the end of the last whole chunk. */
  #plainBefore: Hash = this.#plain.copy()
  #chunk: { hash: Hash; sealing: ReturnType<typeof sealing> } | undefined
  index = 0
  filled = 0

  constructor(file: BlobFile, of: Unfinished) {
    this.#file = file
    this.#of = of
  }

  async readBack(bytes: number): Promise<void> {
    const { chunkBytes, key } = this.#of
    const stored = chunkBytes + TAG_BYTES
    while ((this.index + 1) * stored <= bytes) {
      const chunk = await this.#file.read(this.index * stored, stored)
      const plain = openChunk(key, this.index, chunk)
      if (plain === undefined) break
      this.#plain.update(plain)
      this.#hashes.push(hash('sha256', chunk, 'buffer'))
      this.index += 1
    }
    this.#plainBefore = this.#plain.copy()
    await this.#file.cut(this.index * stored)
  }

  async write(piece: Uint8Array): Promise<void> {
    for (let at = 0; at < piece.length; ) {
      const part = piece.subarray(at, at + this.#of.chunkBytes - this.filled)
      await this.#put(part)
      at += part.length
      if (this.filled === this.#of.chunkBytes) await this.#endChunk()
    }
  }

  async #put(part: Uint8Array): Promise<void> {
    const { key, chunkBytes } = this.#of
    this.#chunk ??= { hash: createHash('sha256'), sealing: sealing(key, this.index) }
    this.#plain.update(part)
    const sealed = this.#chunk.sealing.seal(part)
    this.#chunk.hash.update(sealed)
    const at = this.index * (chunkBytes + TAG_BYTES) + this.filled
    this.filled += part.length
    await this.#file.write(at, sealed)
  }

  async #endChunk(): Promise<void> {
    if (this.#chunk === undefined) return
    const { hash: chunkHash, sealing } = this.#chunk
    const tag = sealing.end()
    const at = this.index * (this.#of.chunkBytes + TAG_BYTES) + this.filled
    this.#hashes.push(chunkHash.update(tag).digest())
    this.#chunk = undefined
    this.index += 1
    this.filled = 0
    this.#plainBefore = this.#plain.copy()
    await this.#file.write(at, tag)
  }

  async interrupt(): Promise<void> {
    this.#chunk = undefined
    this.filled = 0
    this.#plain = this.#plainBefore.copy()
    await this.#file.cut(this.index * (this.#of.chunkBytes + TAG_BYTES))
  }

  async end(): Promise<{ size: number; sha256: string; hashes: Uint8Array }> {
    const size = this.index * this.#of.chunkBytes + this.filled
    if (this.filled > 0) await this.#endChunk()
    const hashes = new Uint8Array(Buffer.concat(this.#hashes))
    return { size, sha256: hex(this.#plain.digest()), hashes }
  }
}

type Made = { manifest: Uint8Array; key: Uint8Array; sha256: string; size: number; name: string }

/** The same bytes are stored once: a second copy is given up for the first, when that is whole and right. */
async function remember(parts: BlobParts, made: Made): Promise<MadeBlob> {
  const { store, disk, clock } = parts
  const { key, sha256, size } = made
  const known = await sameBytes(parts, { sha256, size })
  if (known !== undefined && (await isRight(parts, known.blob))) {
    await disk.remove(made.name)
    return { ...known, sha256, size }
  }
  const blob = blobIdOf(made.manifest)
  await disk.rename(made.name, blobPath(blob))
  const now = clock.now()
  await store.writer.write(async (tx) => {
    // From now on the good copy is the one that is found; `doctor` and readers tell of the other.
    if (known) {
      await tx.updateTable('blob').set({ sha256: null }).where('id', '=', known.blob).execute()
    }
    await tx
      .insertInto('blob')
      .values({
        ...{ id: blob, size, manifest: made.manifest, have: null, state: 'here', sha256, key },
        ...{ addedAt: now, openedAt: now },
      })
      .onConflict((on) =>
        on
          .column('id')
          .doUpdateSet({ state: 'here', manifest: made.manifest, have: null, openedAt: now }),
      )
      .execute()
  })
  return { blob, key, sha256, size }
}

/**
 * Whether every chunk of it is on the disk as its list says: bytes go only for others that are proved to be there.
 * Takes as long as reading it, a chunk at a time.
 */
async function isRight({ store, disk }: BlobParts, id: BlobId): Promise<boolean> {
  const blob = await findBlob(store.read, id)
  const found = await disk.find(blobPath(id))
  if (blob === undefined || found?.bytes !== storedBytes(blob)) return false
  const file = await orMissing(disk.open(blobPath(id), 'read'))
  if (file === undefined) return false
  try {
    for (let index = 0; index < chunkCount(blob); index++) {
      if ((await rightChunk(file, blob, index)) === undefined) return false
    }
    return true
  } finally {
    await file.close()
  }
}

/** Marked as asked for in the same step: the collector leaves it until a message or a file needs it. */
async function sameBytes(
  { store, clock }: BlobParts,
  { sha256, size }: { sha256: string; size: number },
): Promise<{ blob: BlobId; key: Uint8Array } | undefined> {
  const row = await store.writer.write((tx) =>
    tx
      .updateTable('blob')
      .set({ openedAt: clock.now() })
      .where('sha256', '=', sha256)
      .where('size', '=', size)
      .where('state', '=', 'here')
      .returning(['id', 'key'])
      .executeTakeFirst(),
  )
  return row?.key ? { blob: row.id, key: row.key } : undefined
}
