/**
 * Ed25519 (RFC 8032). Every signed object has a domain: its name and form, followed by a zero byte,
 * stand before the signed bytes, so that a signature over one kind of object never fits another.
 * noble signs what happens once per certificate, invitation or link; `signerOf` and `verifierOf`
 * keep a node:crypto key for what happens per batch.
 */
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'
import { concat, utf8 } from '../base/bytes.ts'

export const SIGN_KEY_BYTES = 32
export const SIGNATURE_BYTES = 64

/** Signs bytes in a domain such as `batch/1`; domains hold no zero byte. */
type Sign = (domain: string, bytes: Uint8Array) => Uint8Array
/** Whether a signature over bytes in a domain is right; never throws. */
type Verify = (domain: string, bytes: Uint8Array, signature: Uint8Array) => boolean

/** The public key of a secret signing key. */
export function signingPublicKeyOf(secretKey: Uint8Array): Uint8Array {
  return new Uint8Array(createPublicKey(nodeSecret(secretKey)).export({ format: 'raw-public' }))
}

/** One signature over `bytes` in `domain`; for many with one key, `signerOf`. */
export function signBytes(secretKey: Uint8Array, domain: string, bytes: Uint8Array): Uint8Array {
  return ed25519.sign(inDomain(domain, bytes), secretKey)
}

/**
 * Whether one signature is right; strict as in RFC 8032, which also refuses public keys of small
 * order.
 */
export function verifyBytes(
  publicKey: Uint8Array,
  domain: string,
  bytes: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (publicKey.length !== SIGN_KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false
  // DANGER: noble's default (ZIP 215) accepts signatures that RFC 8032 refuses.
  return ed25519.verify(signature, inDomain(domain, bytes), publicKey, { zip215: false })
}

/** A signer that keeps its key ready, for one signature per batch. */
export function signerOf(secretKey: Uint8Array): Sign {
  const key = nodeSecret(secretKey)
  return (domain, bytes) => new Uint8Array(sign(null, inDomain(domain, bytes), key))
}

/** A verifier that keeps a branch's key ready, for one signature per batch. */
export function verifierOf(publicKey: Uint8Array): Verify {
  const key = createPublicKey({
    key: publicKey,
    format: 'raw-public',
    asymmetricKeyType: 'ed25519',
  })
  return (domain, bytes, signature) =>
    signature.length === SIGNATURE_BYTES && verify(null, inDomain(domain, bytes), key, signature)
}

function nodeSecret(secretKey: Uint8Array) {
  return createPrivateKey({ key: secretKey, format: 'raw-private', asymmetricKeyType: 'ed25519' })
}

function inDomain(domain: string, bytes: Uint8Array): Uint8Array {
  return concat(utf8(`${domain}\0`), bytes)
}
