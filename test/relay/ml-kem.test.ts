/** ML-KEM-768 of node:crypto against noble's and against Wycheproof: whatever we use of it must say the same. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js'
import { KEM_SEED_BYTES, mlKem768 } from '../../src/relay/ml-kem.ts'
import { prng } from '../support/prng.ts'

const FOLDER = new URL('../../../shared/vectors/wycheproof/', import.meta.url)
const bytes = (text: string) => Uint8Array.fromHex(text)

type Vector = { tcId: number; result: string; seed: string; ek: string; c: string; K: string }

/** The tests of a Wycheproof file, or none (and one line) when it is not here. */
function vectorsOf(t: TestContext, name: string): Vector[] {
  const path = new URL(`${name}_test.json`, FOLDER)
  if (!existsSync(path)) {
    t.skip(`no ${path.pathname}`)
    return []
  }
  const { testGroups } = JSON.parse(readFileSync(path, 'utf8')) as {
    testGroups: { tests: Vector[] }[]
  }
  return testGroups.flatMap(({ tests }) => tests)
}

/** The answer in hexadecimal, or undefined: refused. */
const attempt = (work: () => Uint8Array): string | undefined => {
  try {
    return work().toHex()
  } catch {
    return undefined
  }
}

const drawn = (seed: number, length: number) => {
  const chance = prng(seed)
  return Uint8Array.from({ length }, () => Math.floor(chance() * 256))
}

test('both make the same pair of a seed, and open what the other one closed', () => {
  for (let n = 0; n < 20; n++) {
    const seed = drawn(n, KEM_SEED_BYTES)
    const [ours, theirs] = [mlKem768.pairOf(seed), ml_kem768.keygen(seed)]
    assert.deepEqual(ours.publicKey, theirs.publicKey)
    assert.equal(ours.publicKey.length, mlKem768.publicKeyBytes)
    const closed = mlKem768.encapsulate(ours.publicKey)
    assert.equal(closed.ciphertext.length, mlKem768.ciphertextBytes)
    assert.deepEqual(ml_kem768.decapsulate(closed.ciphertext, theirs.secretKey), closed.secret)
    const { cipherText, sharedSecret } = ml_kem768.encapsulate(ours.publicKey, drawn(n, 32))
    assert.deepEqual(ours.decapsulate(cipherText), sharedSecret)
    // FIPS 203, 6.3: an altered ciphertext gives a secret that follows from the key and from it.
    const altered = cipherText.with(n * 50, (cipherText[n * 50] ?? 0) ^ (1 << (n % 8)))
    const rejected = ours.decapsulate(altered)
    assert.notDeepEqual(rejected, sharedSecret)
    assert.deepEqual(rejected, ml_kem768.decapsulate(altered, theirs.secretKey))
  }
})

test('encapsulating twice to one key gives two secrets', () => {
  const { publicKey } = mlKem768.pairOf(drawn(1, KEM_SEED_BYTES))
  const [first, second] = [mlKem768.encapsulate(publicKey), mlKem768.encapsulate(publicKey)]
  assert.notDeepEqual(first.secret, second.secret)
})

test('keys, ciphertexts and seeds of a wrong length are refused, and keys beyond the modulus', () => {
  const pair = mlKem768.pairOf(drawn(2, KEM_SEED_BYTES))
  const { publicKey } = pair
  const { ciphertext } = mlKem768.encapsulate(publicKey)
  const longer = (of: Uint8Array) => Uint8Array.from([...of, 0])
  for (const key of [publicKey.subarray(1), longer(publicKey), new Uint8Array(0)]) {
    assert.throws(() => mlKem768.encapsulate(key))
  }
  for (const wrong of [ciphertext.subarray(1), longer(ciphertext), new Uint8Array(0)]) {
    assert.throws(() => pair.decapsulate(wrong))
  }
  for (const length of [0, 32, 63, 65]) {
    assert.throws(() => mlKem768.pairOf(new Uint8Array(length)))
  }
  // Two coefficients in three bytes, twelve bits each: 3328 is the largest, 3329 is the modulus.
  const withFirst = (coefficient: number) =>
    publicKey.with(0, coefficient & 255).with(1, ((publicKey[1] ?? 0) & 0xf0) | (coefficient >> 8))
  assert.equal(mlKem768.encapsulate(withFirst(3328)).secret.length, 32)
  for (const coefficient of [3329, 4095]) {
    assert.throws(() => mlKem768.encapsulate(withFirst(coefficient)))
    assert.throws(() => ml_kem768.encapsulate(withFirst(coefficient)))
  }
})

test('Wycheproof: the public key of every seed', (t) => {
  for (const { tcId, seed, ek } of vectorsOf(t, 'mlkem_768_keygen_seed')) {
    assert.equal(mlKem768.pairOf(bytes(seed)).publicKey.toHex(), ek, `vector ${tcId}`)
  }
})

test('Wycheproof: every ciphertext is opened, or refused by its form', (t) => {
  const counts = { valid: 0, invalid: 0 }
  for (const { tcId, seed, ek, c, K, result } of vectorsOf(t, 'mlkem_768')) {
    const isValid = result === 'valid'
    const opened = attempt(() => {
      const pair = mlKem768.pairOf(bytes(seed))
      assert.equal(pair.publicKey.toHex(), ek)
      return pair.decapsulate(bytes(c))
    })
    assert.equal(opened, isValid ? K : undefined, `vector ${tcId}`)
    counts[isValid ? 'valid' : 'invalid']++
  }
  t.diagnostic(JSON.stringify(counts))
})

test('Wycheproof: every bad public key is refused, every good one taken', (t) => {
  const counts = { valid: 0, invalid: 0 }
  for (const { tcId, ek, result } of vectorsOf(t, 'mlkem_768_encaps')) {
    const isValid = result === 'valid'
    const taken = attempt(() => mlKem768.encapsulate(bytes(ek)).secret)
    assert.equal(taken !== undefined, isValid, `vector ${tcId}`)
    counts[isValid ? 'valid' : 'invalid']++
  }
  t.diagnostic(JSON.stringify(counts))
})
