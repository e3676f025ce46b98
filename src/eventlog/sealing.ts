/**
 * Bodies of `to` feeds are sealed with the feed's key, so that a branch which carries them cannot read them. The
 * nonce is the seq: a feed has one writer and a fresh key for every boot, so no pair of key and nonce comes twice
 * (docs/protocol.md, I16). The associated data ties a body to its feed and header.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto'
import { TAG_BYTES } from './format.ts'

const CIPHER = 'chacha20-poly1305'
const OPTIONS = { authTagLength: TAG_BYTES }
const NONCE_BYTES = 12

type BodyPlace = {
  key: Uint8Array
  /** The feed's id as 16 bytes. */
  feed: Uint8Array
  seq: number
  eventHeader: Uint8Array
}

/** Ciphertext and tag of salt16 + JSON. */
export function sealBody(place: BodyPlace, plain: Uint8Array): Uint8Array {
  const cipher = createCipheriv(CIPHER, place.key, nonceOf(place.seq), OPTIONS)
  cipher.setAAD(Buffer.concat([place.feed, place.eventHeader]), { plaintextLength: plain.length })
  const text = cipher.update(plain)
  cipher.final()
  return Buffer.concat([text, cipher.getAuthTag()])
}

/** salt16 + JSON of a sealed body, or undefined when it was altered or belongs elsewhere. */
export function openBody(place: BodyPlace, sealed: Uint8Array): Uint8Array | undefined {
  const length = sealed.length - TAG_BYTES
  if (length < 0) return undefined
  const decipher = createDecipheriv(CIPHER, place.key, nonceOf(place.seq), OPTIONS)
  decipher.setAAD(Buffer.concat([place.feed, place.eventHeader]), { plaintextLength: length })
  decipher.setAuthTag(sealed.subarray(length))
  const plain = decipher.update(sealed.subarray(0, length))
  try {
    decipher.final()
    return plain
  } catch {
    return undefined
  }
}

function nonceOf(seq: number): Uint8Array {
  const nonce = Buffer.alloc(NONCE_BYTES)
  nonce.writeBigUInt64BE(BigInt(seq), NONCE_BYTES - 8)
  return nonce
}
