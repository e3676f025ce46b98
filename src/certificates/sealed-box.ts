/**
 * A sealed box: a feed's key, readable only by the branch whose box key it was sealed to. An
 * ephemeral X25519 key is agreed with the box key, HKDF-SHA256 makes one ChaCha20-Poly1305 key of
 * it, used once (hence nonce zero).
 *   80 bytes: ephemeral public key 32, sealed feed key 32, tag 16
 * It says nothing about who sealed it: the FEED_OPEN around it is signed.
 */
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto'
import { concat } from '../base/bytes.ts'
import { nodeX25519, X25519_KEY_BYTES } from './x25519.ts'

const FEED_KEY_BYTES = 32
export const SEALED_BOX_BYTES = 80

const TAG_BYTES = 16
const NONCE = new Uint8Array(12)

/**
 * The box for one reader. The ephemeral key must be 32 fresh random bytes: a second use would
 * repeat key and nonce.
 */
export function sealBox(
  boxPublicKey: Uint8Array,
  feedKey: Uint8Array,
  ephemeralKey: Uint8Array,
): Uint8Array {
  if (feedKey.length !== FEED_KEY_BYTES) throw new TypeError('A feed key has 32 bytes')
  const ephemeralPublicKey = nodeX25519.publicKeyOf(ephemeralKey)
  const shared = nodeX25519.sharedSecret(ephemeralKey, boxPublicKey)
  const key = boxKey(shared, ephemeralPublicKey, boxPublicKey)
  const cipher = createCipheriv('chacha20-poly1305', key, NONCE, { authTagLength: TAG_BYTES })
  const sealed = cipher.update(feedKey)
  cipher.final()
  return concat(ephemeralPublicKey, sealed, cipher.getAuthTag())
}

/** The feed key in a box, or undefined when it was sealed to another key or altered. */
export function openBox(
  box: { secretKey: Uint8Array; publicKey: Uint8Array },
  sealed: Uint8Array,
): Uint8Array | undefined {
  if (sealed.length !== SEALED_BOX_BYTES) return undefined
  const ephemeralPublicKey = sealed.subarray(0, X25519_KEY_BYTES)
  try {
    const shared = nodeX25519.sharedSecret(box.secretKey, ephemeralPublicKey)
    const key = boxKey(shared, ephemeralPublicKey, box.publicKey)
    const decipher = createDecipheriv('chacha20-poly1305', key, NONCE, { authTagLength: TAG_BYTES })
    decipher.setAuthTag(sealed.subarray(SEALED_BOX_BYTES - TAG_BYTES))
    const end = SEALED_BOX_BYTES - TAG_BYTES
    const feedKey = new Uint8Array(decipher.update(sealed.subarray(X25519_KEY_BYTES, end)))
    decipher.final()
    return feedKey
  } catch {
    return undefined // an all-zero agreement or a wrong tag: to the reader the same
  }
}

function boxKey(shared: Uint8Array, ephemeral: Uint8Array, box: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', shared, concat(ephemeral, box), 'sealed-feed-key/1', 32))
}
