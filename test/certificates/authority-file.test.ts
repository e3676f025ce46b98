/** The root key in a file: it comes back with the passphrase alone, unaltered or not at all. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openAuthority, sealAuthority } from '../../src/certificates/authority-file.ts'
import { signKeyPair } from '../../src/certificates/keys.ts'
import { seeded } from './cast.ts'

const random = seeded('authority')
const root = signKeyPair(random(32))
const PASSPHRASE = 'п’ять слів на папері'
const salt = random(16)
const nonce = random(12)
const text = sealAuthority(root, PASSPHRASE, { salt, nonce })
const prefix = text.slice(0, text.indexOf(':') + 1)
const bytes = Uint8Array.fromBase64(text.trim().slice(prefix.length))

const reasonOf = (file: string, passphrase = PASSPHRASE) => {
  const opened = openAuthority(file, passphrase)
  return opened.ok ? 'opened' : opened.reason
}

test('a root key comes back with its passphrase, however its letters were composed', () => {
  assert.deepEqual(openAuthority(text, PASSPHRASE), { ok: true, root })
  assert.deepEqual(openAuthority(`  ${text}\n`, PASSPHRASE.normalize('NFD')), { ok: true, root })
  assert.equal(reasonOf(text, `${PASSPHRASE} `), 'passphrase')
})

test('the file shows neither key nor passphrase, and is as documented', () => {
  const whole = Buffer.from(bytes)
  assert.equal(whole.indexOf(root.secretKey), -1)
  assert.equal(prefix, 'branchline-authority-1:')
  assert.equal(bytes.length, 116)
  assert.equal(whole.subarray(0, 4).toString(), 'BRLK')
  assert.deepEqual([...bytes.subarray(4, 8)], [1, 17, 8, 1])
  assert.deepEqual(bytes.slice(8, 24), salt)
  assert.deepEqual(bytes.slice(24, 36), nonce)
})

test('altered in any of its parts it does not open', () => {
  for (const at of [8, 24, 36, 68, 100, 115]) {
    const altered = bytes.slice()
    altered[at] = (altered[at] ?? 0) ^ 1
    assert.equal(reasonOf(`${prefix}${altered.toBase64()}`), 'passphrase', `byte ${at}`)
  }
})

test('what is no such file, or asks for other work, is not even tried', () => {
  for (let at = 0; at < 8; at++) {
    const altered = bytes.slice()
    altered[at] = (altered[at] ?? 0) ^ 1
    assert.equal(reasonOf(`${prefix}${altered.toBase64()}`), 'malformed', `byte ${at}`)
  }
  const cut = `${prefix}${bytes.slice(0, -1).toBase64()}`
  for (const other of ['', 'hello', prefix, cut, `${prefix}???`, text.slice(1)]) {
    assert.equal(reasonOf(other), 'malformed')
  }
})
