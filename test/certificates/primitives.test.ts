/**
 * noble against node:crypto against Wycheproof: whatever we use of either must say the same as the
 * other.
 */
import assert from 'node:assert/strict'
import { createPublicKey, hkdfSync, verify } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { ed25519 } from '@noble/curves/ed25519.js'
import { hkdf } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import {
  signBytes,
  signerOf,
  signingPublicKeyOf,
  verifierOf,
  verifyBytes,
} from '../../src/certificates/signing.ts'
import { nobleX25519, nodeX25519 } from '../../src/certificates/x25519.ts'
import { open, seal } from '../../src/relay/cipher.ts'
import { everyByteAltered, seeded } from './cast.ts'

const FOLDER = new URL('../../../shared/vectors/wycheproof/', import.meta.url)
const bytes = (text: string) => Uint8Array.fromHex(text)

type Group<T> = { tests: T[]; publicKey?: { pk: string }; ivSize?: number }

/** The groups of a Wycheproof file, or undefined (and one line) when it is not here. */
function groupsOf<T>(t: TestContext, name: string): Group<T>[] | undefined {
  const path = new URL(`${name}_test.json`, FOLDER)
  if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8')).testGroups
  t.skip(`no ${path.pathname}`)
  return undefined
}

const attempt = (work: () => Uint8Array): string | undefined => {
  try {
    return work().toHex()
  } catch {
    return undefined
  }
}

test('X25519: both implementations answer Wycheproof, and refuse every all-zero secret', (t) => {
  type Vector = { public: string; private: string; shared: string; result: string }
  const groups = groupsOf<Vector>(t, 'x25519')
  if (!groups) return
  let [ran, zeros] = [0, 0]
  for (const { tests } of groups) {
    for (const vector of tests) {
      const isZero = /^0*$/.test(vector.shared)
      const expected = isZero || vector.result === 'invalid' ? undefined : vector.shared
      const keys = [bytes(vector.private), bytes(vector.public)] as const
      assert.equal(
        attempt(() => nodeX25519.sharedSecret(...keys)),
        expected,
      )
      // noble is slow: all the zero ones and every tenth of the others.
      if (isZero || ran % 10 === 0) {
        assert.equal(
          attempt(() => nobleX25519.sharedSecret(...keys)),
          expected,
        )
      }
      ran++
      if (isZero) zeros++
    }
  }
  assert.ok(zeros >= 31)
  t.diagnostic(`x25519: ${ran} run, ${zeros} all-zero`)
})

test('Ed25519: both implementations judge the signatures of Wycheproof alike, and right', (t) => {
  const groups = groupsOf<{ msg: string; sig: string; result: string }>(t, 'ed25519')
  if (!groups) return
  let ran = 0
  for (const { tests, publicKey } of groups) {
    const pk = bytes(publicKey?.pk ?? '')
    const key = createPublicKey({ key: pk, format: 'raw-public', asymmetricKeyType: 'ed25519' })
    for (const { msg, sig, result } of tests) {
      const [message, signature] = [bytes(msg), bytes(sig)]
      const isValid = result === 'valid'
      assert.equal(verify(null, message, key, signature), isValid)
      // A length that `verifyBytes` refuses before it asks noble.
      const isWhole = signature.length === 64
      const strict = { zip215: false }
      assert.equal(isWhole && ed25519.verify(signature, message, pk, strict), isValid)
      ran++
    }
  }
  t.diagnostic(`ed25519: ${ran} run`)
})

test('ChaCha20-Poly1305: seal and open answer Wycheproof', (t) => {
  type Vector = Record<'key' | 'iv' | 'aad' | 'msg' | 'ct' | 'tag' | 'result', string>
  const groups = groupsOf<Vector>(t, 'chacha20_poly1305')
  if (!groups) return
  let [ran, other] = [0, 0]
  for (const { tests, ivSize } of groups) {
    for (const { key, iv, aad, msg, ct, tag, result } of tests) {
      const isValid = result === 'valid'
      if (ivSize === 96) {
        const noble = chacha20poly1305(bytes(key), bytes(iv), bytes(aad))
        assert.equal(
          attempt(() => noble.decrypt(bytes(ct + tag))),
          isValid ? msg : undefined,
        )
      }
      // Noise's nonces begin with 32 zero bits: ours cannot make others, so those prove noble only.
      if (ivSize !== 96 || !iv.startsWith('00000000')) {
        other++
        continue
      }
      const counter = new DataView(bytes(iv).buffer).getBigUint64(4, true)
      const sealing = { key: bytes(key), counter, ad: bytes(aad) }
      assert.equal(
        attempt(() => open(sealing, bytes(ct + tag))),
        isValid ? msg : undefined,
      )
      if (isValid) assert.equal(seal(sealing, bytes(msg)).toHex(), ct + tag)
      ran++
    }
  }
  assert.ok(ran > 0)
  t.diagnostic(`chacha20-poly1305: ${ran} run, ${other} with noble only (other nonces)`)
})

test('HKDF-SHA256: node:crypto answers Wycheproof, and noble agrees', (t) => {
  type Vector = {
    ikm: string
    salt: string
    info: string
    size: number
    okm: string
    result: string
  }
  const groups = groupsOf<Vector>(t, 'hkdf_sha256')
  if (!groups) return
  let ran = 0
  for (const { tests } of groups) {
    for (const { ikm, salt, info, size, okm, result } of tests) {
      const parts = [bytes(ikm), bytes(salt), bytes(info), size] as const
      const expected = result === 'valid' ? okm : undefined
      assert.equal(
        attempt(() => new Uint8Array(hkdfSync('sha256', ...parts))),
        expected,
      )
      assert.equal(
        attempt(() => hkdf(sha256, ...parts)),
        expected,
      )
      ran++
    }
  }
  t.diagnostic(`hkdf-sha256: ${ran} run`)
})

test('noble and node:crypto agree and sign alike over keys and texts of every length', () => {
  const random = seeded('differential')
  for (let n = 0; n < 16; n++) {
    const [a, b] = [random(32), random(32)]
    const [pa, pb] = [nodeX25519.publicKeyOf(a), nobleX25519.publicKeyOf(b)]
    assert.deepEqual(pa, nobleX25519.publicKeyOf(a))
    assert.deepEqual(nodeX25519.sharedSecret(a, pb), nobleX25519.sharedSecret(b, pa))
    const text = random(n * 17)
    const signature = signBytes(a, 'test/1', text)
    assert.deepEqual(signerOf(a)('test/1', text), signature)
    const publicKey = signingPublicKeyOf(a)
    assert.ok(verifierOf(publicKey)('test/1', text, signature))
    assert.ok(verifyBytes(publicKey, 'test/1', text, signature))
  }
})

test('a signature fits its key, its domain, its bytes and nothing else', () => {
  const random = seeded('signing')
  const secretKey = random(32)
  const publicKey = signingPublicKeyOf(secretKey)
  const text = random(20)
  const signature = signBytes(secretKey, 'one/1', text)
  const other = signingPublicKeyOf(random(32))
  for (const judge of [
    verifyBytes,
    (key: Uint8Array, ...rest: [string, Uint8Array, Uint8Array]) => verifierOf(key)(...rest),
  ]) {
    assert.ok(judge(publicKey, 'one/1', text, signature))
    assert.ok(!judge(publicKey, 'one/2', text, signature))
    assert.ok(!judge(other, 'one/1', text, signature))
    assert.ok(!judge(publicKey, 'one/1', text.subarray(1), signature))
    assert.ok(!judge(publicKey, 'one/1', text, signature.subarray(1)))
    assert.ok(!judge(publicKey, 'one/1', text, new Uint8Array(0)))
  }
  const judge = verifierOf(publicKey)
  everyByteAltered(signature, (altered) => assert.ok(!judge('one/1', text, altered)))
})
