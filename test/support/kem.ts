/** ML-KEM-768 whose encapsulating draws what it is given: so that a whole handshake of suite 2 can be had again. */
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js'
import { mlKem768 } from '../../src/relay/ml-kem.ts'
import type { Kem } from '../../src/relay/noise.ts'

/** `chance` gives 32 bytes, the m of FIPS 203, 6.2; node:crypto draws it itself, and noble lets us give it. */
export function determinedKem(chance: () => Uint8Array): Kem {
  return {
    ...mlKem768,
    encapsulate(publicKey) {
      const { cipherText, sharedSecret } = ml_kem768.encapsulate(publicKey, chance())
      return { ciphertext: cipherText, secret: sharedSecret }
    },
  }
}
