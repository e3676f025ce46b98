/**
 * The two cipher states of a link after its handshake: ChaCha20-Poly1305 (RFC 8439) with Noise's
 * 64-bit counter as nonce (Noise rev 34, sections 5.1 and 12.3). One object per direction: what
 * seals can never open, so the key and nonce of one direction are never used in the other. Knows
 * nothing of frames.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto'

export const CIPHER_KEY_BYTES = 32
export const TAG_BYTES = 16
/** Noise's limit for any message; the u16 length before it on the wire could not say more. */
export const NOISE_MESSAGE_BYTES_MAX = 65_535
/**
 * Rekey() by count: a key read from memory opens at most this much of the past. Both sides count
 * alike.
 */
export const MESSAGES_PER_KEY = 16_384
/**
 * After so many messages in one direction the link makes a fresh handshake (fresh Diffie-Hellman).
 */
const MESSAGES_BEFORE_FRESH_HANDSHAKE = 2 ** 20
/** The cipher itself refuses here, far below 2^32, whatever the link above it forgot. */
export const MESSAGES_MAX = 2 ** 24

const NONCE_BYTES = 12
/** Reserved for Rekey(), never for a message (Noise 5.1). */
const REKEY_NONCE = 2n ** 64n - 1n
const NO_BYTES = new Uint8Array(0)

/** A message could not be sealed or opened; the link must be closed, there is nothing to repair. */
export class CipherFailed extends Error {
  override name = 'CipherFailed'
}

/**
 * 32 zero bits and the 64-bit counter, little-endian (Noise 12.3). All 64: a shorter counter
 * repeats nonces.
 */
export function nonceBytes(counter: bigint): Uint8Array {
  const nonce = new Uint8Array(NONCE_BYTES)
  new DataView(nonce.buffer).setBigUint64(4, counter, true)
  return nonce
}

type Sealing = { key: Uint8Array; counter: bigint; ad?: Uint8Array }

/**
 * Ciphertext and tag, behind `before` bytes that are left free. The caller must never pass the same
 * key and counter twice: that reveals both plaintexts.
 */
export function seal(
  { key, counter, ad = NO_BYTES, before = 0 }: Sealing & { before?: number },
  plaintext: Uint8Array,
): Uint8Array {
  const cipher = createCipheriv('chacha20-poly1305', key, nonceBytes(counter), {
    authTagLength: TAG_BYTES,
  })
  cipher.setAAD(ad, { plaintextLength: plaintext.length })
  const sealed = new Uint8Array(before + plaintext.length + TAG_BYTES)
  sealed.set(cipher.update(plaintext), before)
  cipher.final()
  sealed.set(cipher.getAuthTag(), before + plaintext.length)
  return sealed
}

/**
 * The plaintext; throws CipherFailed when the tag is not right for this key, counter and associated
 * data.
 */
export function open({ key, counter, ad = NO_BYTES }: Sealing, sealed: Uint8Array): Uint8Array {
  if (sealed.length < TAG_BYTES) throw new CipherFailed('Cannot open a message: it has no tag')
  const textBytes = sealed.length - TAG_BYTES
  const decipher = createDecipheriv('chacha20-poly1305', key, nonceBytes(counter), {
    authTagLength: TAG_BYTES,
  })
  decipher.setAAD(ad, { plaintextLength: textBytes })
  decipher.setAuthTag(sealed.subarray(textBytes))
  const plaintext = decipher.update(sealed.subarray(0, textBytes))
  try {
    decipher.final()
  } catch (cause) {
    throw new CipherFailed('Cannot open a message: it was altered', { cause })
  }
  // The view, not the Buffer: callers treat it as plain bytes.
  return new Uint8Array(plaintext.buffer, plaintext.byteOffset, plaintext.length)
}

/**
 * What both directions share: one key, one counter that only grows, Rekey() by count, and an end.
 */
class Direction {
  #key: Uint8Array
  #next = 0
  readonly #messagesMax: number
  #isFailed = false

  constructor(key: Uint8Array, messagesMax = MESSAGES_MAX) {
    if (key.length !== CIPHER_KEY_BYTES) throw new TypeError('A cipher key has 32 bytes')
    this.#key = key.slice()
    this.#messagesMax = messagesMax
  }

  /** Messages sealed or opened so far. */
  get messages(): number {
    return this.#next
  }

  /** The link should make a fresh handshake. */
  get isWorn(): boolean {
    return this.#next >= MESSAGES_BEFORE_FRESH_HANDSHAKE
  }

  /** Forgets the key; every later use fails. */
  destroy(): void {
    this.#isFailed = true
    this.#key.fill(0)
  }

  /**
   * Runs `use` with a key and counter that were never given out before and never will be again: the
   * counter is spent before the cipher sees it, and any error ends this direction for ever.
   */
  protected spend(use: (sealing: Sealing) => Uint8Array): Uint8Array {
    if (this.#isFailed) throw new CipherFailed('Cannot use a cipher that failed before')
    if (this.#next >= this.#messagesMax) {
      throw this.#fail(new CipherFailed('Cannot use a link any longer: it needs a fresh handshake'))
    }
    const counter = this.#next++
    try {
      const result = use({ key: this.#key, counter: BigInt(counter) })
      if (this.#next % MESSAGES_PER_KEY === 0) this.#rekey()
      return result
    } catch (error) {
      throw this.#fail(error)
    }
  }

  /**
   * 4.2 REKEY: the new key is what the old one makes of 32 zeros at the last nonce; the counter
   * goes on.
   */
  #rekey(): void {
    const sealed = seal({ key: this.#key, counter: REKEY_NONCE }, new Uint8Array(CIPHER_KEY_BYTES))
    this.#key.fill(0)
    this.#key = sealed.slice(0, CIPHER_KEY_BYTES)
  }

  #fail(error: unknown): unknown {
    this.destroy()
    return error
  }
}

/** The direction in which this branch speaks. */
export class SendingCipher extends Direction {
  /** The next message, sealed, with room before it for whoever sends it. Throws CipherFailed at the limits. */
  seal(plaintext: Uint8Array, before = 0): Uint8Array {
    if (plaintext.length + TAG_BYTES > NOISE_MESSAGE_BYTES_MAX) {
      throw new CipherFailed('Cannot seal a message: it is longer than 65,519 bytes')
    }
    return this.spend((sealing) => seal({ ...sealing, before }, plaintext))
  }
}

/** The direction in which the peer speaks. */
export class ReceivingCipher extends Direction {
  /**
   * The next message, opened. Throws CipherFailed if anything is wrong, and from then on always.
   */
  open(sealed: Uint8Array): Uint8Array {
    return this.spend((sealing) => {
      if (sealed.length > NOISE_MESSAGE_BYTES_MAX) {
        throw new CipherFailed('Cannot open a message: it is longer than 65,535 bytes')
      }
      return open(sealing, sealed)
    })
  }
}
