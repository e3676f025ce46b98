/**
 * X25519 (RFC 7748) in two implementations with one face. noble serves what happens once per link;
 * node:crypto, which is thirty times faster, serves what a stranger can make us repeat and what
 * happens once per feed. test/certificates/x25519.test.ts compares the two on everything.
 */
import { createPrivateKey, createPublicKey, diffieHellman } from 'node:crypto'
import { x25519 } from '@noble/curves/ed25519.js'

export const X25519_KEY_BYTES = 32

export type Curve = {
  /** The public key of a secret one. */
  publicKeyOf(secretKey: Uint8Array): Uint8Array
  /**
   * The shared secret; throws when it is all zero (a public key of small order) or a key has not 32
   * bytes.
   */
  sharedSecret(secretKey: Uint8Array, publicKey: Uint8Array): Uint8Array
}

export const nobleX25519: Curve = {
  publicKeyOf: (secretKey) => x25519.getPublicKey(secretKey),
  sharedSecret: (secretKey, publicKey) => x25519.getSharedSecret(secretKey, publicKey),
}

export const nodeX25519: Curve = {
  publicKeyOf: (secretKey) =>
    new Uint8Array(createPublicKey(nodeSecret(secretKey)).export({ format: 'raw-public' })),
  sharedSecret: (secretKey, publicKey) =>
    new Uint8Array(
      diffieHellman({
        privateKey: nodeSecret(secretKey),
        publicKey: createPublicKey({
          key: publicKey,
          format: 'raw-public',
          asymmetricKeyType: 'x25519',
        }),
      }),
    ),
}

function nodeSecret(secretKey: Uint8Array) {
  return createPrivateKey({ key: secretKey, format: 'raw-private', asymmetricKeyType: 'x25519' })
}
