/**
 * ML-KEM-768 (FIPS 203) of node:crypto as the KEM of a handshake: a stranger's recording of a link
 * stays closed as long as this or X25519 holds. The pair follows from a seed that the caller drew;
 * encapsulating draws its own chance inside OpenSSL. test/relay/ml-kem.test.ts compares it
 * with another implementation and with Wycheproof.
 */
import { createPrivateKey, createPublicKey, decapsulate, encapsulate } from 'node:crypto'
import type { Kem } from './noise.ts'

/** FIPS 203, 7.1: d and z, 32 bytes each. */
export const KEM_SEED_BYTES = 64

const asymmetricKeyType = 'ml-kem-768'

export const mlKem768: Kem = {
  // One word in a Noise name, because a hyphen is none of its characters (Noise rev 34, section 8).
  name: 'MLKEM768',
  publicKeyBytes: 1184,
  ciphertextBytes: 1088,
  pairOf(seed) {
    const secretKey = createPrivateKey({ key: seed, format: 'raw-seed', asymmetricKeyType })
    return {
      publicKey: new Uint8Array(createPublicKey(secretKey).export({ format: 'raw-public' })),
      // 7.3: a wrong length throws; a wrong ciphertext gives another secret (implicit rejection).
      decapsulate: (ciphertext) => new Uint8Array(decapsulate(secretKey, ciphertext)),
    }
  },
  encapsulate(publicKey) {
    // 7.2: length and modulus check; OpenSSL makes both when it takes the key in.
    const key = createPublicKey({ key: publicKey, format: 'raw-public', asymmetricKeyType })
    const { sharedKey, ciphertext } = encapsulate(key)
    return { ciphertext: new Uint8Array(ciphertext), secret: new Uint8Array(sharedKey) }
  },
}
