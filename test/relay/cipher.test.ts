/**
 * The transport ciphers: nonces beyond 32 bits, Rekey() by count, the end of a key, and no second
 * chance.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import {
  CipherFailed,
  MESSAGES_MAX,
  MESSAGES_PER_KEY,
  NOISE_MESSAGE_BYTES_MAX,
  nonceBytes,
  open,
  ReceivingCipher,
  SendingCipher,
  seal,
} from '../../src/relay/cipher.ts'

const key = new Uint8Array(32).fill(6)
const text = Uint8Array.from([1, 2, 3, 4, 5])

test('the counter fills all 64 bits of the nonce, little-endian', () => {
  const expected = { 0: '0000000000000000', 1: '0100000000000000', 4294967296: '0000000001000000' }
  for (const [counter, bytes] of Object.entries(expected)) {
    assert.equal(nonceBytes(BigInt(counter)).toHex(), `00000000${bytes}`)
  }
  assert.equal(nonceBytes(2n ** 64n - 1n).toHex(), '00000000ffffffffffffffff')
  assert.notDeepEqual(seal({ key, counter: 0n }, text), seal({ key, counter: 2n ** 32n }, text))
})

test('node:crypto and noble seal alike, for lengths and counters of every kind', () => {
  const ad = new Uint8Array(32).fill(1)
  for (const length of [0, 1, 15, 16, 17, 63, 64, 65, 1000, 65_519]) {
    for (const counter of [0n, 1n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 63n]) {
      const plain = new Uint8Array(length).fill(length)
      const sealed = seal({ key, counter, ad }, plain)
      const other = chacha20poly1305(key, nonceBytes(counter), ad)
      assert.deepEqual(sealed, other.encrypt(plain))
      assert.deepEqual(open({ key, counter, ad }, sealed), plain)
      assert.deepEqual(other.decrypt(sealed), plain)
    }
  }
})

test('after 16,384 messages the key changes as Noise says, and the counter goes on', () => {
  const sending = new SendingCipher(key)
  const receiving = new ReceivingCipher(key)
  for (let n = 0; n < MESSAGES_PER_KEY; n++) receiving.open(sending.seal(text))
  // A second, plain reading of Rekey() in noble's words.
  const zeros = new Uint8Array(32)
  const next = chacha20poly1305(key, nonceBytes(2n ** 64n - 1n))
    .encrypt(zeros)
    .subarray(0, 32)
  const sealed = sending.seal(text)
  assert.deepEqual(
    sealed,
    chacha20poly1305(next, nonceBytes(BigInt(MESSAGES_PER_KEY))).encrypt(text),
  )
  assert.deepEqual(receiving.open(sealed), text)
  assert.equal(sending.messages, MESSAGES_PER_KEY + 1)
})

test('a message that fails to open is the last one', () => {
  for (const spoil of [
    (sealed: Uint8Array) => sealed.map((byte, at) => (at === 3 ? byte ^ 1 : byte)),
    (sealed: Uint8Array) => sealed.subarray(0, sealed.length - 1),
    () => new Uint8Array(15),
    () => new Uint8Array(NOISE_MESSAGE_BYTES_MAX + 1),
  ]) {
    const sending = new SendingCipher(key)
    const receiving = new ReceivingCipher(key)
    receiving.open(sending.seal(text))
    const second = sending.seal(text)
    assert.throws(() => receiving.open(spoil(second)), CipherFailed)
    assert.throws(() => receiving.open(second), CipherFailed)
  }
})

test('a message that is repeated, skipped or sent back to its sender does not open', () => {
  const sending = new SendingCipher(key)
  const [first, second] = [sending.seal(text), sending.seal(text)]
  const repeated = new ReceivingCipher(key)
  repeated.open(first)
  assert.throws(() => repeated.open(first), CipherFailed)
  assert.throws(() => new ReceivingCipher(key).open(second), CipherFailed)
})

test('no key and nonce serve twice: equal texts never look equal, not even after a failure', () => {
  const sending = new SendingCipher(key)
  const seen = new Set<string>()
  for (let n = 0; n < 2000; n++) seen.add(sending.seal(text).toHex())
  assert.equal(seen.size, 2000)
  const tooLong = new Uint8Array(NOISE_MESSAGE_BYTES_MAX)
  assert.throws(() => sending.seal(tooLong), CipherFailed)
  assert.ok(!seen.has(sending.seal(text).toHex()))
})

test('the hard stop lies far below 2^32 and a forgotten cipher stays silent', () => {
  assert.ok(MESSAGES_MAX <= 2 ** 24)
  const sending = new SendingCipher(key)
  sending.destroy()
  assert.throws(() => sending.seal(text), CipherFailed)
  const short = new SendingCipher(key, 3)
  for (let n = 0; n < 3; n++) short.seal(text)
  assert.throws(() => short.seal(text), CipherFailed)
  assert.throws(() => new SendingCipher(new Uint8Array(31)), TypeError)
})
