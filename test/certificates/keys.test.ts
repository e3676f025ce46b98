/** Key files and sealed boxes: what was saved comes back, what was altered does not. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  generateBranchKeys,
  KeyFileDamaged,
  keyFiles,
  signKeyPair,
  x25519KeyPair,
} from '../../src/certificates/keys.ts'
import { openBox, SEALED_BOX_BYTES, sealBox } from '../../src/certificates/sealed-box.ts'
import { realDisk } from '../../src/world/disk.ts'
import { everyByteAltered, seeded } from './cast.ts'

const random = seeded('keys')

/** A disk in memory. */
function memory() {
  const files = new Map<string, Uint8Array>()
  const disk = {
    files,
    read: (path: string) => files.get(path),
    write: (path: string, bytes: Uint8Array) => void files.set(path, bytes),
    remove: (path: string) => void files.delete(path),
  }
  return { disk, keys: keyFiles(disk) }
}

test('the keys of a branch come back, and its id with them', () => {
  const { keys } = memory()
  assert.equal(keys.findBranchKeys(), undefined)
  const made = generateBranchKeys(random)
  keys.saveBranchKeys(made)
  assert.deepEqual(keys.findBranchKeys(), made)
  assert.match(made.branch, /^[0-9a-f]{32}$/)
  assert.notDeepEqual(made, generateBranchKeys(random))
})

test('a renewal keeps the old link key until the new one is certified, and no third', () => {
  const { keys } = memory()
  const made = generateBranchKeys(random)
  keys.saveBranchKeys(made)
  const second = x25519KeyPair(random(32))
  keys.addNoiseKey(second.secretKey)
  assert.deepEqual(keys.findNoiseKey(second.publicKey), second)
  assert.deepEqual(keys.findNoiseKey(made.noise.publicKey), made.noise)
  keys.addNoiseKey(random(32))
  assert.equal(keys.findNoiseKey(made.noise.publicKey), undefined)
  assert.deepEqual(keys.findNoiseKey(second.publicKey), second)
})

test('the root key can be taken away, the issuer key stays', () => {
  const { keys } = memory()
  const [root, issuer] = [signKeyPair(random(32)), signKeyPair(random(32))]
  keys.saveRootKey(root)
  keys.saveIssuerKey(issuer)
  assert.deepEqual(keys.findRootKey(), root)
  keys.removeRootKey()
  assert.equal(keys.findRootKey(), undefined)
  assert.deepEqual(keys.findIssuerKey(), issuer)
})

test('link keys are kept by epoch, newest first', () => {
  const { keys } = memory()
  assert.deepEqual(keys.linkKeys(), [])
  const rows = [2, 1, 3].map((epoch) => ({ epoch, key: random(32), since: epoch * 10 }))
  for (const row of rows) keys.saveLinkKey(row)
  assert.deepEqual(
    keys.linkKeys().map((row) => row.epoch),
    [3, 2, 1],
  )
  const replaced = { epoch: 2, key: random(32), since: 99 }
  keys.saveLinkKey(replaced)
  assert.deepEqual(keys.linkKeys()[1], replaced)
  assert.equal(keys.linkKeys().length, 3)
})

test('a damaged or missing key file is an error that quotes nothing, never a new key', () => {
  const { disk, keys } = memory()
  const made = generateBranchKeys(random)
  keys.saveBranchKeys(made)
  const secret = made.sign.secretKey.toHex()
  for (const content of [`{"sign":["${secret.slice(2)}"]}`, secret, '{}', '', '{"sign":[7]}']) {
    disk.files.set('keys/sign.json', new TextEncoder().encode(content))
    assert.throws(
      () => keys.findBranchKeys(),
      (error) => {
        assert.ok(error instanceof KeyFileDamaged)
        assert.ok(!`${error.stack} ${String(error.cause)}`.includes(secret.slice(4, 20)))
        return true
      },
    )
  }
  disk.files.delete('keys/sign.json')
  assert.throws(() => keys.findBranchKeys(), KeyFileDamaged)
})

test('key files belong to their owner alone', () => {
  const folder = mkdtempSync(join(tmpdir(), 'keys-'))
  try {
    keyFiles(realDisk(folder)).saveBranchKeys(generateBranchKeys(random))
    assert.equal(statSync(join(folder, 'keys')).mode & 0o777, 0o700)
    for (const name of ['sign', 'box', 'noise']) {
      assert.equal(statSync(join(folder, `keys/${name}.json`)).mode & 0o777, 0o600)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('a sealed box has 80 bytes and opens for its reader only, and only unaltered', () => {
  const [reader, other] = [x25519KeyPair(random(32)), x25519KeyPair(random(32))]
  const feedKey = random(32)
  const sealed = sealBox(reader.publicKey, feedKey, random(32))
  assert.equal(sealed.length, SEALED_BOX_BYTES)
  assert.deepEqual(openBox(reader, sealed), feedKey)
  assert.equal(openBox(other, sealed), undefined)
  assert.ok(!sealed.toHex().includes(feedKey.toHex()))
  assert.notDeepEqual(sealBox(reader.publicKey, feedKey, random(32)), sealed)
  everyByteAltered(sealed, (altered, at) => {
    assert.equal(openBox(reader, altered), undefined, `byte ${at}`)
  })
  const zero = sealed.slice()
  zero.fill(0, 0, 32)
  assert.equal(openBox(reader, zero), undefined)
  assert.equal(openBox(reader, sealed.subarray(1)), undefined)
  assert.throws(() => sealBox(new Uint8Array(32), feedKey, random(32)))
})
