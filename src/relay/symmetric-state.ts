/**
 * The symmetric half of a Noise handshake (rev 34, section 5.2): everything that is hashed, derived
 * and sealed before the link has its transport ciphers. node:crypto throughout: a stranger's
 * message 1 costs three derivations at most.
 */
import { hash as digest, hkdfSync } from 'node:crypto'
import { concat, utf8 } from '../base/bytes.ts'
import { CIPHER_KEY_BYTES, open, seal } from './cipher.ts'

export type HashName = 'SHA256' | 'SHA512' | 'BLAKE2s' | 'BLAKE2b'

const HASHES: Record<HashName, { algorithm: string; bytes: number }> = {
  SHA256: { algorithm: 'sha256', bytes: 32 },
  SHA512: { algorithm: 'sha512', bytes: 64 },
  BLAKE2s: { algorithm: 'blake2s256', bytes: 32 },
  BLAKE2b: { algorithm: 'blake2b512', bytes: 64 },
}

/** 5.2: the chaining key, the running hash, and the current handshake key with its counter. */
export class SymmetricState {
  readonly #hash: { algorithm: string; bytes: number }
  #chainingKey: Uint8Array
  #h: Uint8Array
  #key: Uint8Array | undefined
  #counter = 0n

  constructor(protocolName: string, hash: HashName) {
    this.#hash = HASHES[hash]
    const name = utf8(protocolName)
    // 5.2 InitializeSymmetric(): a short name is padded with zeros, a longer one is hashed.
    this.#h =
      name.length > this.#hash.bytes
        ? this.#digest(name)
        : concat(name, new Uint8Array(this.#hash.bytes - name.length))
    this.#chainingKey = this.#h
  }

  get hash(): Uint8Array {
    return this.#h.slice()
  }

  get hasKey(): boolean {
    return this.#key !== undefined
  }

  mixHash(bytes: Uint8Array): void {
    this.#h = this.#digest(concat(this.#h, bytes))
  }

  mixKey(input: Uint8Array): void {
    const [chainingKey, key] = this.#derive(input)
    this.#chainingKey = chainingKey
    this.#setKey(key)
  }

  mixKeyAndHash(input: Uint8Array): void {
    const [chainingKey, toHash, key] = this.#derive(input)
    this.#chainingKey = chainingKey
    this.mixHash(toHash)
    this.#setKey(key)
  }

  sealAndHash(plaintext: Uint8Array): Uint8Array {
    const key = this.#key
    const text = key
      ? seal({ key, counter: this.#counter++, ad: this.#h }, plaintext)
      : plaintext.slice()
    this.mixHash(text)
    return text
  }

  openAndHash(text: Uint8Array): Uint8Array {
    const key = this.#key
    const plaintext = key
      ? open({ key, counter: this.#counter++, ad: this.#h }, text)
      : text.slice()
    this.mixHash(text)
    return plaintext
  }

  split(): [Uint8Array, Uint8Array] {
    const [first, second] = this.#derive(new Uint8Array(0))
    return [cipherKey(first), cipherKey(second)]
  }

  forget(): void {
    this.#chainingKey.fill(0)
    this.#key?.fill(0)
  }

  #setKey(key: Uint8Array): void {
    this.#key = cipherKey(key)
    this.#counter = 0n
  }

  #digest(bytes: Uint8Array): Uint8Array {
    return new Uint8Array(digest(this.#hash.algorithm, bytes, 'buffer'))
  }

  /**
   * 4.3 HKDF: RFC 5869 with the chaining key as salt and no info; the first outputs do not depend
   * on how many.
   */
  #derive(input: Uint8Array): [Uint8Array, Uint8Array, Uint8Array] {
    const { algorithm, bytes } = this.#hash
    const all = new Uint8Array(hkdfSync(algorithm, input, this.#chainingKey, '', bytes * 3))
    return [all.slice(0, bytes), all.slice(bytes, bytes * 2), all.slice(bytes * 2)]
  }
}

/** 5.2: where the hash is longer than a cipher key, the key is its first 32 bytes. */
function cipherKey(output: Uint8Array): Uint8Array {
  return output.slice(0, CIPHER_KEY_BYTES)
}
