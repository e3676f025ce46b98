/**
 * A file that is nowhere whole: bytes that follow from a seed, so that any part of it can be sent again and none has to
 * be kept. What counts at the end is its SHA-256.
 */
import { createCipheriv, createHash, hash } from 'node:crypto'

const BLOCK_BYTES = 16
/** Read at a time; a multiple of the cipher's block. */
export const PIECE_BYTES = 256 * 1024

export class Drawing {
  readonly name: string
  readonly size: number
  readonly #key: Buffer
  #sha256: string | undefined

  constructor(seed: string, size: number, name = `${seed.replaceAll('/', '-')}.bin`) {
    this.name = name
    this.size = size
    this.#key = hash('sha256', seed, 'buffer')
  }

  /** From a multiple of the block on (AES-CTR counts them), in pieces. */
  *from(offset: number): Generator<Uint8Array<ArrayBuffer>> {
    if (offset % BLOCK_BYTES !== 0 && offset !== this.size) throw new RangeError('Between blocks')
    const counter = Buffer.alloc(BLOCK_BYTES)
    counter.writeBigUInt64BE(BigInt(offset / BLOCK_BYTES), 8)
    const cipher = createCipheriv('aes-256-ctr', this.#key, counter)
    for (let at = offset; at < this.size; at += PIECE_BYTES) {
      const zeros = new Uint8Array(Math.min(PIECE_BYTES, this.size - at))
      yield new Uint8Array(cipher.update(zeros))
    }
  }

  get sha256(): string {
    if (this.#sha256 !== undefined) return this.#sha256
    const sum = createHash('sha256')
    for (const piece of this.from(0)) sum.update(piece)
    this.#sha256 = sum.digest('hex')
    return this.#sha256
  }
}

/** The SHA-256 and length of a body, read as it comes. */
export async function summed(body: AsyncIterable<Uint8Array>) {
  const sum = createHash('sha256')
  let size = 0
  for await (const piece of body) {
    sum.update(piece)
    size += piece.length
  }
  return { sha256: sum.digest('hex'), size }
}
