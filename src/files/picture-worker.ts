/**
 * Runs in a process of its own (world/process.ts): what a picture measures as it is shown, and a small copy of it
 * without its hidden data. Four decoders are open to what people upload; all others are shut.
 */
import sharp, { type OutputInfo } from 'sharp'
import { KIB } from '../base/units.ts'
import { kindOf } from './kinds.ts'

export type Picture = { width: number; height: number; thumb: Uint8Array }

/** 50 megapixels: more than phones make, and 200 MB while decoding. A small file can unpack to far more. */
const PIXELS_MAX = 50_000_000
const DECODERS: ReadonlyMap<string, string> = new Map([
  ['image/jpeg', 'VipsForeignLoadJpegBuffer'],
  ['image/png', 'VipsForeignLoadPngBuffer'],
  ['image/webp', 'VipsForeignLoadWebpBuffer'],
  ['image/gif', 'VipsForeignLoadNsgifBuffer'],
])
/** So much crosses a thin line with the message itself. */
const THUMB_BYTES_MAX = 24 * KIB
/** From large and good to small; the last is small enough for noise. */
const TRIES: readonly [longestSide: number, quality: number][] = [
  ...[80, 68, 55, 40, 28].map((quality) => [480, quality] as [number, number]),
  ...[
    [360, 40],
    [240, 40],
    [160, 20],
  ].map(([side = 0, quality = 0]) => [side, quality] as [number, number]),
]

process.on('message', async (message: Uint8Array) => {
  process.send?.(await pictureOf(message))
})

async function pictureOf(bytes: Uint8Array): Promise<Picture | 'none'> {
  if (!DECODERS.has(kindOf(bytes, '').type)) return 'none'
  sharp.block({ operation: ['VipsForeignLoad'] })
  sharp.unblock({ operation: [...DECODERS.values()] })
  sharp.cache(false)
  sharp.concurrency(1)
  try {
    // Of an animation the first picture.
    const options = { limitInputPixels: PIXELS_MAX, pages: 1, failOn: 'error' } as const
    const { autoOrient } = await sharp(bytes, options).metadata()
    const { width, height } = autoOrient
    const [largest] = TRIES[0] ?? [0]
    const small = await sharp(bytes, options)
      .autoOrient()
      .resize(largest, largest, { fit: 'inside', withoutEnlargement: true })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true })
    const thumb = await smallEnough(small.data, small.info)
    return thumb === undefined ? 'none' : { width, height, thumb }
  } catch {
    // Broken, too large, or none of ours: a file without a picture.
    return 'none'
  }
}

async function smallEnough(data: Uint8Array, info: OutputInfo): Promise<Uint8Array | undefined> {
  const raw = { width: info.width, height: info.height, channels: info.channels }
  for (const [side, quality] of TRIES) {
    const bytes = await sharp(data, { raw })
      .resize(side, side, { fit: 'inside', withoutEnlargement: true })
      .webp({ quality, effort: 4 })
      .toBuffer()
    if (bytes.length <= THUMB_BYTES_MAX) return new Uint8Array(bytes)
  }
  return undefined
}
