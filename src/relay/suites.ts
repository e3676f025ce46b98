/**
 * The two suites of links: what each is made of, how long its messages are, and the sides of its
 * handshake. Suite 2 adds ML-KEM-768 to suite 1: what is recorded today then stays closed to a later
 * quantum computer. Who must use which is for peer-suites.ts. docs/protocol.md, section 2.
 */
import { nobleX25519, nodeX25519, X25519_KEY_BYTES } from '../certificates/x25519.ts'
import { TAG_BYTES } from './cipher.ts'
import { KEM_SEED_BYTES, mlKem768 } from './ml-kem.ts'
import { Handshake, type Kem, type Pattern, type Token } from './noise.ts'

/**
 * 1: Noise_XXpsk0_25519_ChaChaPoly_SHA256. 2: Noise_XXhfs+psk0_25519+MLKEM768_ChaChaPoly_SHA256.
 * The numbers of the preface; a higher one is stronger.
 */
export type Suite = 1 | 2

/** XX and psk0 (Noise 7.5 and 9.4): the psk keeps strangers out, the static keys are sent sealed. */
export const XX_PSK0 = pattern('XXpsk0', [
  ['psk', 'e'],
  ['e', 'ee', 's', 'es'],
  ['s', 'se'],
])

/** The same with hfs (noise_hfs_spec, section 5): e1 after the first e, ekem1 after the first ee. */
export const XXHFS_PSK0 = pattern('XXhfs+psk0', [
  ['psk', 'e', 'e1'],
  ['e', 'ee', 'ekem1', 's', 'es'],
  ['s', 'se'],
])

function pattern(name: string, messages: readonly (readonly Token[])[]): Pattern {
  return { name, known: { initiator: false, responder: false }, messages }
}

const SUITES = {
  1: { pattern: XX_PSK0, kemKeyBytes: 0, kemCiphertextBytes: 0 },
  2: {
    pattern: XXHFS_PSK0,
    kem: mlKem768,
    // Both are sealed: the psk has given the handshake a key before either comes.
    kemKeyBytes: mlKem768.publicKeyBytes + TAG_BYTES,
    kemCiphertextBytes: mlKem768.ciphertextBytes + TAG_BYTES,
  },
} as const

/** Message 1: keys and the tag of an empty payload. Any other length is a stranger's. */
export function message1Bytes(suite: Suite): number {
  return X25519_KEY_BYTES + SUITES[suite].kemKeyBytes + TAG_BYTES
}

/** The longest message 2 (message 3 is shorter): keys, ciphertext and tags around a payload. */
export function message2BytesMax(suite: Suite, payloadBytesMax: number): number {
  const keys = X25519_KEY_BYTES + SUITES[suite].kemCiphertextBytes + X25519_KEY_BYTES
  return keys + TAG_BYTES + payloadBytesMax + TAG_BYTES
}

/** Secret keys are 32 bytes each; public keys are derived when they are needed. */
export type LinkKeys = {
  prologue: Uint8Array
  psk: Uint8Array
  staticKey: Uint8Array
  /** 32 fresh random bytes, used for this handshake alone. */
  ephemeralKey: Uint8Array
  /** 64 of them for the side that dials in suite 2. */
  kemSeed?: Uint8Array
  /** In the place of node:crypto's, for the side that answers in suite 2: see `SpokenSuites`. */
  kem?: Kem | undefined
}

/** The side that dials. */
export function initiator(suite: Suite, keys: LinkKeys): Handshake {
  const { kemSeed } = keys
  return new Handshake({ ...parts(suite, keys), isInitiator: true, curve: nobleX25519, kemSeed })
}

/**
 * The side that answers. Its curve is node:crypto's: a replayed message 1 passes the psk, and this
 * side then works for somebody it does not know yet.
 */
export function responder(suite: Suite, keys: LinkKeys): Handshake {
  const kem = suite === 2 ? (keys.kem ?? mlKem768) : undefined
  return new Handshake({ ...parts(suite, keys), isInitiator: false, curve: nodeX25519, kem })
}

function parts(suite: Suite, { prologue, psk, staticKey, ephemeralKey }: LinkKeys) {
  const { kemKeyBytes, kemCiphertextBytes, ...engine } = SUITES[suite]
  // Message 1 can be replayed by anybody who saw it, so it carries nothing (7.7: destination
  // property 0).
  return { ...engine, prologue, psks: [psk], staticKey, ephemeralKey, isFirstEmpty: true }
}

/** The strongest suite this Node can speak: an OpenSSL of a distribution may lack ML-KEM. */
export function strongestSuite(): Suite {
  try {
    mlKem768.pairOf(new Uint8Array(KEM_SEED_BYTES))
    return 2
  } catch {
    return 1
  }
}
