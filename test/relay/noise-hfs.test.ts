/**
 * Suite 2 against the same handshake written out in one row from the specifications, over noble's primitives; and its
 * bytes as they were when it was made. No public vectors of it exist: this proves that two readings agree and that
 * nothing changes unseen, not that others read the specification alike.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { x25519 } from '@noble/curves/ed25519.js'
import { extract } from '@noble/hashes/hkdf.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js'
import { initiator, responder } from '../../src/relay/suites.ts'
import { determinedKem } from '../support/kem.ts'

const NONE = new Uint8Array(0)
type Bytes = Uint8Array<ArrayBuffer>
const filled = (value: number, length = 32): Bytes => new Uint8Array(length).fill(value)
const joined = (...parts: readonly Uint8Array[]): Bytes =>
  Uint8Array.from(parts.flatMap((part) => [...part]))

const prologue = new TextEncoder().encode('branch-link/1')
const psk = filled(9)
const [north, south] = [
  { staticKey: filled(1), ephemeralKey: filled(2), kemSeed: filled(5, 64) },
  { staticKey: filled(3), ephemeralKey: filled(4) },
]
const ENCAPSULATION_CHANCE = filled(6)
const payloads = [NONE, filled(7, 320), filled(8, 256)] as const

/** HKDF as Noise has it (4.3): the salt is the chaining key, there is no info. */
function derived(chainingKey: Bytes, input: Uint8Array): [Bytes, Bytes, Bytes] {
  const temporary = extract(sha256, input, chainingKey)
  const first = joined(hmac(sha256, temporary, Uint8Array.of(1)))
  const second = joined(hmac(sha256, temporary, joined(first, Uint8Array.of(2))))
  return [first, second, joined(hmac(sha256, temporary, joined(second, Uint8Array.of(3))))]
}

/** Both sides at once: everything is known here, so only what is written has to be computed. */
function writtenOut() {
  const name = 'Noise_XXhfs+psk0_25519+MLKEM768_ChaChaPoly_SHA256'
  let h = joined(sha256(new TextEncoder().encode(name)))
  let ck = h
  let key = NONE
  let n = 0
  const mixHash = (data: Uint8Array) => {
    h = joined(sha256(joined(h, data)))
  }
  const mixKey = (input: Uint8Array) => {
    const [first, second] = derived(ck, input)
    ck = first
    key = second
    n = 0
  }
  const encryptAndHash = (text: Uint8Array) => {
    const nonce = new Uint8Array(12)
    nonce[4] = n++
    const sealed = chacha20poly1305(key, nonce, h).encrypt(text)
    mixHash(sealed)
    return sealed
  }
  const dh = (secret: Uint8Array, other: Uint8Array) =>
    mixKey(x25519.getSharedSecret(secret, x25519.getPublicKey(other)))
  const e = (secret: Uint8Array) => {
    const publicKey = x25519.getPublicKey(secret)
    mixHash(publicKey)
    mixKey(publicKey) // 9.2: because there is a psk
    return publicKey
  }
  const s = (secret: Uint8Array) => encryptAndHash(x25519.getPublicKey(secret))

  mixHash(prologue)
  // -> psk, e, e1
  const [first, toHash, second] = derived(ck, psk)
  ck = first
  mixHash(toHash)
  key = second
  n = 0
  const pair = ml_kem768.keygen(north.kemSeed)
  const message1 = joined(
    e(north.ephemeralKey),
    encryptAndHash(pair.publicKey),
    encryptAndHash(payloads[0]),
  )
  // <- e, ee, ekem1, s, es
  const e2 = e(south.ephemeralKey)
  dh(south.ephemeralKey, north.ephemeralKey)
  const closed = ml_kem768.encapsulate(pair.publicKey, ENCAPSULATION_CHANCE)
  const ekem1 = encryptAndHash(closed.cipherText)
  mixKey(closed.sharedSecret)
  const s2 = s(south.staticKey)
  dh(north.ephemeralKey, south.staticKey)
  const message2 = joined(e2, ekem1, s2, encryptAndHash(payloads[1]))
  // -> s, se
  const s3 = s(north.staticKey)
  dh(north.staticKey, south.ephemeralKey)
  const message3 = joined(s3, encryptAndHash(payloads[2]))
  const [toSouth] = derived(ck, NONE)
  const said = chacha20poly1305(toSouth, new Uint8Array(12)).encrypt(filled(1, 3))
  return { messages: [message1, message2, message3], handshakeHash: h, said }
}

function ours() {
  const dialling = initiator(2, { prologue, psk, ...north })
  const kem = determinedKem(() => ENCAPSULATION_CHANCE)
  const answering = responder(2, { prologue, psk, ...south, kem })
  const messages: Uint8Array[] = []
  for (const [turn, payload] of payloads.entries()) {
    const [writer, reader] = turn === 1 ? [answering, dialling] : [dialling, answering]
    const message = writer.writeMessage(payload)
    assert.deepEqual(reader.readMessage(message), payload)
    messages.push(message)
  }
  const [a, b] = [dialling.split(), answering.split()]
  const said = a.send.seal(filled(1, 3))
  assert.deepEqual(b.receive.open(said), filled(1, 3))
  return { messages, handshakeHash: a.handshakeHash, said }
}

test('the engine writes what the handshake written out in one row writes', () => {
  assert.deepEqual(ours(), writtenOut())
})

test('the bytes of suite 2 are those of its first day', () => {
  const { messages, handshakeHash, said } = ours()
  const seen = {
    sizes: messages.map((message) => message.length),
    messages: messages.map((message) => sha256(message).toHex()),
    handshakeHash: handshakeHash.toHex(),
    said: said.toHex(),
  }
  assert.deepEqual(seen, FROZEN)
})

const FROZEN = {
  sizes: [1248, 32 + 1104 + 48 + 336, 48 + 272],
  messages: [
    'd2ba777dd842baad2c31e9e84f4bf5c16b01e08faf068753065ff878e1fb1fb6',
    'fbeeddc41e58dc95034e840c2d2cb28bd726313925436b3104388dfbc43df941',
    'e86a44a5665694ea362a7450c6aedd7104978e9d0f31747ba55c25d1b52b9ede',
  ],
  handshakeHash: '8bca70a154be92e688dcccc83c5d48352d49421b2bd9a9eccce172d227b7e799',
  said: 'b09457cbdadb6817d612d8f8c91b43967c3aa8',
}
