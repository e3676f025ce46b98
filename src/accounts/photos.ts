/**
 * Photos: any JPEG, PNG or WebP becomes a 256 px square WebP of at most 24 KiB without hidden data.
 * The picture comes from a person, so nothing but these three decoders sees it, and never a huge one.
 */
import { createHash } from 'node:crypto'
import { AppError, invalidInput } from '../base/errors.ts'
import type { PhotoHash } from '../base/ids.ts'
import { asPhotoHash } from '../base/ids.ts'
import { MIB } from '../base/units.ts'
import { PHOTO_BYTES_MAX, PHOTO_PIXELS } from './photo-form.ts'

/** What a phone makes; more is a mistake or an attack. */
export const UPLOAD_BYTES_MAX = 10 * MIB
/** 50 megapixels: 200 MB while decoding. A small file can unpack to far more. */
const UPLOAD_PIXELS_MAX = 50_000_000
/** Pictures at work at once: memory, and the other core for everybody else. */
const AT_WORK_MAX = 2
const RETRY_SECONDS = 5
/** From good to small; the last is small enough for any picture of this size. */
const QUALITIES = [82, 70, 55, 40, 25, 10]

export type Photo = { hash: PhotoHash; bytes: Uint8Array }
export type MakePhoto = (upload: Uint8Array) => Promise<Photo>

/** A maker of photos that lets only a few work at once. */
export function createPhotoMaker(): MakePhoto {
  let atWork = 0
  return async (upload) => {
    if (upload.length > UPLOAD_BYTES_MAX) {
      throw invalidInput('photo', 'Cannot use this picture: too large', 'photo-large')
    }
    if (!isKnownPicture(upload)) throw unreadable()
    if (atWork >= AT_WORK_MAX) {
      throw new AppError('too-many', 'Cannot take the picture now: others are at work', {
        field: 'photo',
        detail: 'too-many-tries',
        values: { seconds: RETRY_SECONDS },
        retryAfter: RETRY_SECONDS,
      })
    }
    atWork++
    try {
      return await photoOf(upload)
    } finally {
      atWork--
    }
  }
}

/** JPEG (ITU T.81), PNG (RFC 2083) or WebP (RFC 9649) by their first bytes: the name and type say nothing. */
function isKnownPicture(bytes: Uint8Array): boolean {
  const begins = (...values: number[]) => values.every((value, i) => bytes[i] === value)
  if (begins(0xff, 0xd8, 0xff) || begins(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a))
    return true
  const webp = [0x57, 0x45, 0x42, 0x50].every((value, i) => bytes[8 + i] === value)
  return begins(0x52, 0x49, 0x46, 0x46) && webp
}

async function photoOf(upload: Uint8Array): Promise<Photo> {
  // Only now: the library takes 25 MB, and most days nobody changes his photo.
  const { default: sharp } = await import('sharp')
  try {
    // autoOrient reads the camera's orientation before it is dropped with all other hidden data.
    const { data, info } = await sharp(upload, { limitInputPixels: UPLOAD_PIXELS_MAX, pages: 1 })
      .autoOrient()
      .resize(PHOTO_PIXELS, PHOTO_PIXELS, { fit: 'cover', position: 'attention' })
      .toColourspace('srgb')
      .raw()
      .toBuffer({ resolveWithObject: true })
    const raw = { width: info.width, height: info.height, channels: info.channels }
    for (const quality of QUALITIES) {
      const bytes = new Uint8Array(
        await sharp(data, { raw }).webp({ quality, effort: 5 }).toBuffer(),
      )
      if (bytes.length <= PHOTO_BYTES_MAX) return { hash: hashOf(bytes), bytes }
    }
  } catch (cause) {
    throw unreadable(cause)
  }
  throw unreadable()
}

/** The name of a photo: SHA-256 of its bytes. */
function hashOf(bytes: Uint8Array): PhotoHash {
  return asPhotoHash(createHash('sha256').update(bytes).digest('hex'))
}

function unreadable(cause?: unknown): AppError {
  return new AppError('invalid-input', 'Cannot use this picture: it cannot be read', {
    field: 'photo',
    detail: 'photo-unreadable',
    cause,
  })
}
