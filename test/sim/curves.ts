/** Ed25519 and X25519 as src/certificates asks noble for them, by node:crypto: see native.ts. */
import {
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto'

type Kind = 'ed25519' | 'x25519'

const secretOf = (asymmetricKeyType: Kind, key: Uint8Array): KeyObject =>
  createPrivateKey({ key, format: 'raw-private', asymmetricKeyType })
const publicOf = (asymmetricKeyType: Kind, key: Uint8Array): KeyObject =>
  createPublicKey({ key, format: 'raw-public', asymmetricKeyType })

export const ed25519 = {
  sign: (bytes: Uint8Array, secretKey: Uint8Array) =>
    new Uint8Array(sign(null, bytes, secretOf('ed25519', secretKey))),
  verify: (signature: Uint8Array, bytes: Uint8Array, publicKey: Uint8Array) =>
    verify(null, bytes, publicOf('ed25519', publicKey), signature),
}

export const x25519 = {
  getPublicKey: (secretKey: Uint8Array) =>
    new Uint8Array(createPublicKey(secretOf('x25519', secretKey)).export({ format: 'raw-public' })),
  getSharedSecret: (secretKey: Uint8Array, publicKey: Uint8Array) =>
    new Uint8Array(
      diffieHellman({
        privateKey: secretOf('x25519', secretKey),
        publicKey: publicOf('x25519', publicKey),
      }),
    ),
}
