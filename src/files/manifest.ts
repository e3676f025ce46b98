/**
 * The list of a blob's chunks: its length, the length of a chunk and the SHA-256 of each chunk as it is stored and
 * sent. A blob's id is the beginning of the SHA-256 of this list, so whoever holds the id knows a right chunk from a
 * wrong one, whoever sent it. docs/protocol.md, section 12.
 */
import { hash } from 'node:crypto'
import { equal, FormatError, Reader, Writer } from '../base/bytes.ts'
import type { BlobId } from '../base/ids.ts'
import { GIB, KIB } from '../base/units.ts'

/** Of the authentication code behind each chunk (RFC 8439, 2.8). */
export const TAG_BYTES = 16
/** Smaller chunks would make the list long, larger ones would have to come again whole after a fault. */
export const CHUNK_BYTES_MIN = 256 * KIB
/** A list of at most 64 KiB goes with one answer. */
export const CHUNKS_MAX = 2048
/** Chunks of 8 MiB are the largest that are held whole in memory to be checked. */
export const BLOB_BYTES_MAX = 16 * GIB
/** Of SHA-256. */
const HASH_BYTES = 32
const HEAD_BYTES = 12

export type Manifest = {
  /** Bytes of the file itself. */
  size: number
  /** Bytes of the file in each chunk but the last. */
  chunkBytes: number
  /** SHA-256 of every chunk, one behind the other. */
  hashes: Uint8Array
}

/** The length of the chunks of a file of at most `size` bytes. */
export function chunkBytesFor(size: number): number {
  let bytes = CHUNK_BYTES_MIN
  while (bytes * CHUNKS_MAX < size) bytes *= 2
  return bytes
}

/** How many chunks a file has; an empty one has none. */
export function chunkCount({ size, chunkBytes }: Pick<Manifest, 'size' | 'chunkBytes'>): number {
  return Math.ceil(size / chunkBytes)
}

/** Where a chunk lies in a stored blob, and how long it is there. */
export function chunkPlace(
  { size, chunkBytes }: Pick<Manifest, 'size' | 'chunkBytes'>,
  index: number,
): { at: number; bytes: number } {
  const bytes = Math.min(chunkBytes, size - index * chunkBytes) + TAG_BYTES
  return { at: index * (chunkBytes + TAG_BYTES), bytes }
}

/** Whether bytes are the chunk that the list names there. */
export function isChunk(
  { hashes }: Pick<Manifest, 'hashes'>,
  index: number,
  chunk: Uint8Array,
): boolean {
  const named = hashes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES)
  return equal(hash('sha256', chunk, 'buffer'), named)
}

/** Bytes of a whole blob on the disk. */
export function storedBytes(list: Pick<Manifest, 'size' | 'chunkBytes'>): number {
  return list.size + chunkCount(list) * TAG_BYTES
}

/** The bytes of a list. */
export function encodeManifest({ size, chunkBytes, hashes }: Manifest): Uint8Array {
  return new Writer(HEAD_BYTES + hashes.length).u64(size).u32(chunkBytes).bytes(hashes).done()
}

/** Reads a list; throws FormatError for what is none. */
export function decodeManifest(bytes: Uint8Array): Manifest {
  const reader = new Reader(bytes)
  const size = reader.u64()
  const chunkBytes = reader.u32()
  const isRight =
    size <= BLOB_BYTES_MAX &&
    chunkBytes >= CHUNK_BYTES_MIN &&
    chunkBytes <= BLOB_BYTES_MAX / CHUNKS_MAX &&
    bytes.length === HEAD_BYTES + chunkCount({ size, chunkBytes }) * HASH_BYTES
  if (!isRight) throw new FormatError('Not a list of chunks')
  return { size, chunkBytes, hashes: bytes.slice(HEAD_BYTES) }
}

/** The id of the blob whose list this is. */
export function blobIdOf(manifest: Uint8Array): BlobId {
  return hash('sha256', manifest, 'hex').slice(0, 32) as BlobId
}
