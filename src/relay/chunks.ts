/**
 * What stands in the frames of files, byte by byte: CHUNK_WANT and CHUNK. One protocol for what is small (photos, lists
 * of chunks) and for the chunks of large files. docs/protocol.md, section 12.
 */
import { Reader, Writer } from '../base/bytes.ts'
import type { BranchId } from '../base/ids.ts'
import { decoded, FLAG_MORE, FRAME, type Frame, PAYLOAD_BYTES_MAX } from './frames.ts'

/** The whole of a small thing: a photo, or the list of a blob's chunks. */
export const WHOLE = 0

/**
 * CHUNK_WANT, 20 B: file id16 (SHA-256[0..16]) | index u32 (0: the whole of it; n + 1: chunk n of the blob whose list
 * has this hash). 17 B may follow: holder id16 | hops u8: if it is not here, ask this branch, over so many links.
 */
export type ChunkWant = {
  file: string
  index: number
  pass?: { holder: BranchId; hops: number } | undefined
}

const WANT_BYTES = 20
const PASS_BYTES = 17
const NO_BYTES = new Uint8Array(0)

/** Writes a want. */
export function encodeChunkWant({ file, index, pass }: ChunkWant): Uint8Array {
  const writer = new Writer(WANT_BYTES + PASS_BYTES).hex(file).u32(index)
  return (pass ? writer.hex(pass.holder).u8(pass.hops) : writer).done()
}

/** Reads a want; bytes after the known ones belong to later releases. */
export function decodeChunkWant(payload: Uint8Array): ChunkWant {
  return decoded(FRAME.CHUNK_WANT, () => {
    const reader = new Reader(payload)
    const want = { file: reader.hex(16), index: reader.u32() }
    if (reader.left < PASS_BYTES) return want
    return { ...want, pass: { holder: reader.hex(16) as BranchId, hops: reader.u8() } }
  })
}

export const CHUNK_HEADER_BYTES = 24
export const CHUNK_DATA_BYTES_MAX = PAYLOAD_BYTES_MAX - CHUNK_HEADER_BYTES

/**
 * CHUNK, 24 B and data: file id16 | index u32 | offset u32 | data. `more` says that data follows. A frame without data
 * is an end: at offset 0 it is not here, after that it was broken off.
 */
type Chunk = { file: string; index: number; offset: number; data: Uint8Array }

/** The frame of a part of what was wanted. */
export function chunkFrame({ file, index, offset, data }: Chunk, isMore: boolean): Frame {
  const head = new Writer(CHUNK_HEADER_BYTES).hex(file).u32(index).u32(offset).done()
  return { type: FRAME.CHUNK, flags: isMore ? FLAG_MORE : 0, payload: head, data }
}

/** Reads a part; the data is a view of the payload. */
export function decodeChunk(payload: Uint8Array): Chunk {
  return decoded(FRAME.CHUNK, () => {
    const reader = new Reader(payload)
    const head = { file: reader.hex(16), index: reader.u32(), offset: reader.u32() }
    return { ...head, data: reader.rest() }
  })
}

/** A frame CHUNK in two: the first with so many bytes of payload at most. Throws when that leaves no room for data. */
export function splitChunk({ payload, data = NO_BYTES, flags }: Frame, bytes: number): Frame[] {
  const { offset, ...of } = decodeChunk(payload)
  const isMore = (flags & FLAG_MORE) !== 0
  const first = bytes - CHUNK_HEADER_BYTES
  if (first < 1) throw new RangeError('The first part of a chunk would be empty')
  return [
    chunkFrame({ ...of, offset, data: data.subarray(0, first) }, true),
    chunkFrame({ ...of, offset: offset + first, data: data.subarray(first) }, isMore),
  ]
}
