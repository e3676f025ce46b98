/**
 * Chunks as they are stored and sent: each sealed with the file's own key (ChaCha20-Poly1305, RFC 8439), its number the
 * nonce. A key serves one file only, so no nonce comes twice. node:crypto: this happens for every byte.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto'
import { TAG_BYTES } from './manifest.ts'

export const KEY_BYTES = 32
const ALGORITHM = 'chacha20-poly1305'
const NONCE_BYTES = 12

/** Seals one chunk piece by piece; `end` gives the authentication code that stands behind it. */
export function sealing(key: Uint8Array, index: number) {
  const cipher = createCipheriv(ALGORITHM, key, nonceOf(index), { authTagLength: TAG_BYTES })
  return {
    seal: (piece: Uint8Array): Uint8Array => cipher.update(piece),
    end(): Uint8Array {
      cipher.final()
      return cipher.getAuthTag()
    },
  }
}

/** The plain bytes of a whole chunk; undefined when it, or the key, is not the right one. */
export function openChunk(
  key: Uint8Array,
  index: number,
  chunk: Uint8Array,
): Uint8Array | undefined {
  if (chunk.length < TAG_BYTES) return undefined
  const decipher = createDecipheriv(ALGORITHM, key, nonceOf(index), { authTagLength: TAG_BYTES })
  decipher.setAuthTag(chunk.subarray(chunk.length - TAG_BYTES))
  const plain = decipher.update(chunk.subarray(0, chunk.length - TAG_BYTES))
  try {
    decipher.final()
  } catch {
    return undefined
  }
  return plain
}

function nonceOf(index: number): Uint8Array {
  const nonce = new Uint8Array(NONCE_BYTES)
  new DataView(nonce.buffer).setUint32(NONCE_BYTES - 4, index)
  return nonce
}
