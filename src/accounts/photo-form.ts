/**
 * Whether bytes have the form of a photo as `createPhotoMaker` makes them: a still WebP, at most 256 px each way. Only
 * heads are read: what another branch sends is not given to a decoder of ours, and to browsers only in this form.
 * Source: RFC 9649, sections 2.5 to 2.7, and RFC 6386, section 9.1.
 */
import { KIB } from '../base/units.ts'

export const PHOTO_PIXELS = 256
export const PHOTO_BYTES_MAX = 24 * KIB

const RIFF_HEAD_BYTES = 12
const CHUNK_HEAD_BYTES = 8
/** Of VP8X: what moves. */
const ANIMATED = 0b10
/** Of VP8L: its first byte. */
const LOSSLESS = 0x2f

/** Whether they are: known chunks only, whole, one picture, and no size above the one we make. */
export function isPhoto(bytes: Uint8Array): boolean {
  if (bytes.length < RIFF_HEAD_BYTES || bytes.length > PHOTO_BYTES_MAX) return false
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (nameAt(bytes, 0) !== 'RIFF' || nameAt(bytes, 8) !== 'WEBP') return false
  if (view.getUint32(4, true) !== bytes.length - 8) return false
  let pictures = 0
  for (let at = RIFF_HEAD_BYTES; at < bytes.length; ) {
    if (at + CHUNK_HEAD_BYTES > bytes.length) return false
    const length = view.getUint32(at + 4, true)
    const start = at + CHUNK_HEAD_BYTES
    if (start + length > bytes.length) return false
    const chunk = new DataView(view.buffer, view.byteOffset + start, length)
    const kind = nameAt(bytes, at)
    if (!isSmall(kind, chunk)) return false
    if (kind === 'VP8 ' || kind === 'VP8L') pictures++
    at = start + length + (length % 2)
  }
  return pictures === 1
}

const nameAt = (bytes: Uint8Array, at: number) => String.fromCharCode(...bytes.subarray(at, at + 4))

/** Whether a chunk may stand in a photo, and names no size above ours. */
function isSmall(kind: string, chunk: DataView): boolean {
  if (kind === 'ALPH') return true // the size of its picture
  if (chunk.byteLength < 10) return kind === 'VP8L' && isSmallLossless(chunk)
  if (kind === 'VP8L') return isSmallLossless(chunk)
  if (kind === 'VP8X') {
    const size = (at: number) => 1 + (chunk.getUint32(at, true) & 0xffffff)
    const isStill = (chunk.getUint8(0) & ANIMATED) === 0
    return (
      isStill && size(4) <= PHOTO_PIXELS && 1 + (chunk.getUint32(6, true) >>> 8) <= PHOTO_PIXELS
    )
  }
  if (kind !== 'VP8 ') return false
  const isKeyFrame = (chunk.getUint8(0) & 1) === 0
  const isMarked = chunk.getUint16(3, false) === 0x9d01 && chunk.getUint8(5) === 0x2a
  const size = (at: number) => chunk.getUint16(at, true) & 0x3fff
  return isKeyFrame && isMarked && isWithin(size(6)) && isWithin(size(8))
}

function isSmallLossless(chunk: DataView): boolean {
  if (chunk.byteLength < 5 || chunk.getUint8(0) !== LOSSLESS) return false
  const bits = chunk.getUint32(1, true)
  return isWithin(1 + (bits & 0x3fff)) && isWithin(1 + ((bits >>> 14) & 0x3fff))
}

const isWithin = (pixels: number) => pixels >= 1 && pixels <= PHOTO_PIXELS
