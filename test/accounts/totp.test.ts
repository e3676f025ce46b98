/** One-time codes against the vectors of RFC 4226 and RFC 6238; recovery codes and their box. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { signerOf } from '../../src/accounts/credentials.ts'
import {
  FACTOR_BYTES,
  newFactor,
  openFactor,
  RECOVERY_CODES,
  recoveryCodeOf,
  sealFactor,
} from '../../src/accounts/factor-box.ts'
import { qrPath } from '../../src/accounts/qr.ts'
import { base32, hotp, otpauthUri, stepOfCode } from '../../src/accounts/totp.ts'
import { utf8 } from '../../src/base/bytes.ts'
import type { UserId } from '../../src/base/ids.ts'
import { realRandom } from '../../src/world/random.ts'

const codeAt = (secret: Uint8Array, now: number) => hotp(secret, Math.floor(now / 30_000))

const SECRET = utf8('12345678901234567890')

test('codes are those of RFC 4226, appendix D', () => {
  const expected = '755224 287082 359152 969429 338314 254676 287922 162583 399871 520489'
  const codes = Array.from({ length: 10 }, (_, counter) => hotp(SECRET, counter))
  assert.equal(codes.join(' '), expected)
})

test('codes are those of RFC 6238, appendix B, in their last six digits', () => {
  const vectors: [seconds: number, code: string][] = [
    [59, '94287082'],
    [1111111109, '07081804'],
    [1111111111, '14050471'],
    [1234567890, '89005924'],
    [2000000000, '69279037'],
    [20000000000, '65353130'],
  ]
  for (const [seconds, code] of vectors) {
    assert.equal(codeAt(SECRET, seconds * 1000), code.slice(2))
  }
})

test('a code holds for its step and one on each side, and says which', () => {
  const now = 59_000
  const code = codeAt(SECRET, now)
  for (const [at, step] of [
    [0, 1],
    [30_000, 1],
    [89_999, 1],
    [90_000, undefined],
  ] as const) {
    assert.equal(stepOfCode(SECRET, code, at), step, `at ${at}`)
  }
  for (const other of ['', '28708', '2870822', '000000', 'abcdef', '２８７０８２']) {
    assert.equal(stepOfCode(SECRET, other, now), undefined, other)
  }
})

test('a secret is written as RFC 4648 writes it', () => {
  const pairs = { '': '', f: 'MY', fo: 'MZXQ', foo: 'MZXW6', foob: 'MZXW6YQ', foobar: 'MZXW6YTBOI' }
  for (const [text, written] of Object.entries(pairs)) assert.equal(base32(utf8(text)), written)
})

test('the address of an authenticator escapes names, and fits a QR code', () => {
  const uri = otpauthUri({ issuer: 'Довіра & Co', account: 'olena@Київ', secret: SECRET })
  const url = new URL(uri)
  assert.equal(url.searchParams.get('secret'), base32(SECRET))
  assert.equal(url.searchParams.get('issuer'), 'Довіра & Co')
  assert.equal(decodeURIComponent(url.pathname), '/Довіра & Co:olena@Київ')
  const { size, path } = qrPath(uri)
  assert.ok(size > 40 && size < 120, `${size} modules`)
  assert.match(path, /^(M\d+ \d+h1v1h-1z)+$/)
  // As long as names may be: a QR code takes 2,331 bytes at this level.
  const long = 'Ж'.repeat(100)
  assert.ok(qrPath(otpauthUri({ issuer: long, account: long, secret: SECRET })).size > size)
})

const seed = (n: number) => signerOf(new Uint8Array(32).fill(n))
const user = 'ab'.repeat(16) as UserId

test('a box opens under its password and for its person alone, and whole alone', () => {
  const random = realRandom()
  const { factor } = newFactor(random, SECRET)
  const signer = seed(1)
  const box = sealFactor(factor, { user, signer, random })
  assert.equal(box.length, FACTOR_BYTES)
  assert.deepEqual(openFactor(box, { user, signer }), factor)
  assert.equal(openFactor(box, { user, signer: seed(2) }), undefined)
  assert.equal(openFactor(box, { user: 'cd'.repeat(16) as UserId, signer }), undefined)
  assert.equal(openFactor(box.subarray(1), { user, signer }), undefined)
  for (let i = 0; i < box.length; i++) {
    const altered = box.slice()
    altered[i] = (altered[i] ?? 0) ^ 1
    assert.equal(openFactor(altered, { user, signer }), undefined, `byte ${i}`)
  }
  assert.notDeepEqual(sealFactor(factor, { user, signer, random }), box, 'a new salt each time')
})

test('recovery codes are ten, known however they are typed, and no others are', () => {
  const { factor, codes } = newFactor(realRandom(), SECRET)
  assert.equal(new Set(codes).size, RECOVERY_CODES)
  codes.forEach((code, n) => {
    assert.match(code, /^[a-z2-9]{4}-[a-z2-9]{4}-[a-z2-9]{4}$/)
    assert.equal(recoveryCodeOf(factor, code), n)
    assert.equal(recoveryCodeOf(factor, ` ${code.toUpperCase().replaceAll('-', ' ')}`), n)
  })
  for (const other of ['', 'aaaa-aaaa-aaaa', '755224', codes.join('')]) {
    assert.equal(recoveryCodeOf(factor, other), undefined)
  }
})
