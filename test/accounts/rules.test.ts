/** Rules without a branch: passwords, logins, rights, devices; and the real hashing once. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import bcrypt from 'bcryptjs'
import sharp from 'sharp'
import { createAttempts } from '../../src/accounts/attempts.ts'
import { newCredential, provedBy, signerOf } from '../../src/accounts/credentials.ts'
import { deviceOf } from '../../src/accounts/device.ts'
import { createHasher } from '../../src/accounts/hasher.ts'
import { namesOf } from '../../src/accounts/inputs.ts'
import { asLogin, loginSkeleton } from '../../src/accounts/logins.ts'
import { checkNewPassword, generatedPassword, prehashOf } from '../../src/accounts/passwords.ts'
import { PHOTO_BYTES_MAX } from '../../src/accounts/photo-form.ts'
import { createPhotoMaker } from '../../src/accounts/photos.ts'
import { rightsOver, rolesForNew } from '../../src/accounts/rights.ts'
import { turnedAway } from '../../src/accounts/sign-in-door.ts'
import type { BranchId } from '../../src/base/ids.ts'
import { tidied } from '../../src/base/text.ts'
import { realRandom } from '../../src/world/random.ts'
import { bomb } from '../support/bomb.ts'

test('the real hasher: the seed follows from bcrypt, long and Cyrillic passwords count whole', async (t) => {
  const hasher = createHasher()
  t.after(() => hasher.close())
  const random = realRandom()
  const password = `Довгий пароль, ${'ї'.repeat(100)} кінець`
  const { credential } = await newCredential({ hasher, random }, password)
  assert.match(credential.salt, /^\$2b\$10\$[./A-Za-z0-9]{22}$/)
  const output = bcrypt.hashSync(prehashOf(password), credential.salt)
  const seed = createHash('sha256').update(`cred/1${output}`).digest()
  assert.deepEqual(signerOf(seed).publicKey, credential.publicKey)
  assert.ok(await provedBy(hasher, credential, password))
  assert.ok(
    await provedBy(hasher, credential, password.normalize('NFD')),
    'typed on another system',
  )
  assert.equal(await provedBy(hasher, credential, `${password.slice(0, -1)}!`), undefined)
})

test('too many passwords at once are told to come back', async (t) => {
  const hasher = createHasher({ threads: 1 })
  t.after(() => hasher.close())
  const salt = `$2b$04$${'a'.repeat(22)}` // quick here; other branches cannot send such a one
  const all = await Promise.allSettled(Array.from({ length: 80 }, () => hasher.seedOf('x', salt)))
  const refused = all.filter((one) => one.status === 'rejected')
  assert.ok(refused.length > 0 && refused.length < 80)
  for (const one of refused) assert.equal(one.reason.code, 'too-many')
})

test('whoever is known is served first, and guessers from addresses that slipped last', async (t) => {
  const hasher = createHasher({ threads: 1 })
  t.after(() => hasher.close())
  const salt = `$2b$04$${'a'.repeat(22)}`
  const served: string[] = []
  const ask = (caller: 'known' | 'fresh' | 'slipped') =>
    hasher.seedOf('x', salt, caller).then(
      () => void served.push(caller),
      () => void served.push(`no room: ${caller}`),
    )
  const flood = Array.from({ length: 40 }, () => ask('slipped'))
  assert.ok(hasher.isFullFor?.('slipped'))
  assert.equal(hasher.isFullFor?.('fresh'), false, 'the flood takes no place of others')
  await Promise.all([...flood, ask('fresh'), ask('fresh'), ask('known')])
  const done = served.filter((one) => !one.startsWith('no'))
  assert.deepEqual(done.slice(0, 4), ['slipped', 'known', 'fresh', 'fresh'])
  assert.equal(served.length - done.length, 7)
})

test('who is overtaken by too many is told to come again instead of waiting without end', async (t) => {
  const hasher = createHasher({ threads: 1, overtakenMax: 3 })
  t.after(() => hasher.close())
  const salt = `$2b$04$${'a'.repeat(22)}`
  const ask = (caller: 'known' | 'slipped') => hasher.seedOf('x', salt, caller)
  let served = ask('known')
  const late = assert.rejects(ask('slipped'), { code: 'too-many' })
  for (let next = ask('known'), n = 0; n < 5; n++) {
    await served
    served = next
    next = ask('known')
  }
  await late
  assert.equal((await ask('slipped')).length, 32, 'and later there is room')
})

test('who comes again and again while there is no room counts as one who guesses', () => {
  const attempts = createAttempts({ clock: { now: () => 1000 } })
  const hasher = { isFullFor: () => true }
  const come = () => turnedAway({ attempts, hasher }, '10.0.0.1')
  for (let n = 0; n < 4; n++) assert.equal(come(), 3)
  assert.equal(attempts.callerOf('10.0.0.1'), 'fresh', 'a person who tries twice')
  come()
  assert.equal(attempts.callerOf('10.0.0.1'), 'slipped')
  attempts.succeeded('ada', '10.0.0.1')
  assert.equal(attempts.callerOf('10.0.0.1', 'ada'), 'known')
  assert.equal(attempts.callerOf('10.0.0.1', 'eva'), 'fresh')
})

test('passwords that are tried first are refused, others of ten characters serve', () => {
  const common = [
    'password12',
    'Password123!',
    'qwertyuiop',
    'QWERTYUIOP1',
    '1234567890',
    '0987654321',
    '19851985',
    'aaaaaaaaaaaa',
    'abcabcabcabc',
    'admin!!!!2026',
    'пароль1234',
    'ЙЦУКЕНГШЩЗ',
    'i.love.you.too',
    '1qaz2wsx3edc',
    'olena.k2026',
    'short',
  ]
  for (const password of common) {
    assert.throws(() => checkNewPassword(password, 'olena.k'), { code: 'invalid-input' }, password)
  }
  for (const password of ['corvid lantern 7', 'x7Kq-m2Pw9', 'сніданок о шостій', 'zebra tin 4']) {
    assert.doesNotThrow(() => checkNewPassword(password, 'olena.k'), password)
  }
  assert.doesNotThrow(() =>
    checkNewPassword(generatedPassword(realRandom()).repeat(20).slice(0, 256), 'olena'),
  )
  assert.throws(() => checkNewPassword('ab1 cd2 ef3'.repeat(30), 'olena'), {
    detail: 'password-long',
  })
  for (let n = 0; n < 50; n++) checkNewPassword(generatedPassword(realRandom()), 'olena')
})

test('logins are kept in lower case and must have the form', () => {
  assert.equal(asLogin(' Olena.K '), 'olena.k')
  for (const bad of ['a', '.ab', '-ab', 'a b', 'олена', 'a@b', 'a'.repeat(33), '']) {
    assert.throws(() => asLogin(bad), { detail: 'login-form' }, bad)
  }
  assert.equal(loginSkeleton('o1.g-a_0'), loginSkeleton('olgao'))
  assert.notEqual(loginSkeleton('olga'), loginSkeleton('olha'))
})

test('names lose what nobody sees', () => {
  assert.equal(tidied('  Ada\u202e\u200b\tLovelace\n'), 'Ada Lovelace')
  assert.deepEqual(namesOf('Ada  King Lovelace'), { firstName: 'Ada', lastName: 'King Lovelace' })
})

test('rights: an admin never has a hand on somebody with more rights', () => {
  const [self, other] = ['a'.repeat(32) as BranchId, 'b'.repeat(32) as BranchId]
  const who = (role: Parameters<typeof rightsOver>[1]['role'], branch = self) => ({
    id: role,
    role,
    branch: { id: branch },
  })
  const here = { self, isIssuing: false }
  const nothing = { mayEdit: false, mayBlock: false, mayErase: false, roles: [] }
  for (const role of ['employee', 'auditor'] as const) {
    assert.deepEqual(rightsOver(who(role), who('employee'), here), nothing)
  }
  const branchAdmin = who('branch-admin')
  assert.deepEqual(rightsOver(branchAdmin, who('employee'), here), {
    mayEdit: true,
    mayBlock: true,
    mayErase: true,
    roles: ['employee', 'branch-admin'],
  })
  assert.deepEqual(rightsOver(branchAdmin, who('organisation-admin'), here), nothing)
  assert.deepEqual(rightsOver(branchAdmin, who('auditor'), here), nothing)
  assert.deepEqual(rightsOver(branchAdmin, who('employee', other), here), nothing)
  assert.deepEqual(
    rightsOver(who('branch-admin', other), who('employee'), here),
    nothing,
    'a guest is no admin here',
  )
  const organisationAdmin = who('organisation-admin', other)
  assert.deepEqual(rightsOver(organisationAdmin, who('employee', other), here), {
    ...nothing,
    mayBlock: true,
  })
  assert.deepEqual(
    rightsOver(organisationAdmin, who('employee', other), { self, isIssuing: true }).mayBlock,
    true,
  )
  assert.deepEqual(rolesForNew(branchAdmin, { self, isIssuing: true }), [
    'employee',
    'branch-admin',
  ])
  assert.equal(rolesForNew(organisationAdmin, { self, isIssuing: true }).length, 4)
})

test('a photo becomes a small square without hidden data, and other files are refused', async () => {
  const make = createPhotoMaker()
  const noise = Buffer.from(
    Array.from({ length: 900 * 600 * 3 }, (_, i) => (i * 7919 + (i >> 3) * 31) % 256),
  )
  const jpeg = await sharp(noise, { raw: { width: 900, height: 600, channels: 3 } })
    .withExif({ IFD0: { Copyright: 'where the photographer lives' } })
    .jpeg()
    .toBuffer()
  assert.ok(jpeg.includes('photographer'))
  const { bytes, hash } = await make(new Uint8Array(jpeg))
  const { format, width, height, exif } = await sharp(bytes).metadata()
  assert.deepEqual([format, width, height, exif], ['webp', 256, 256, undefined])
  assert.ok(bytes.length <= PHOTO_BYTES_MAX)
  assert.equal(hash, createHash('sha256').update(bytes).digest('hex'))
  const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')
  const cut = jpeg.subarray(0, 300)
  for (const bad of [svg, cut, Buffer.from('GIF89a'), Buffer.alloc(0)]) {
    await assert.rejects(make(new Uint8Array(bad)), { detail: 'photo-unreadable' })
  }
  // A small file that unpacks to 400 megapixels.
  await assert.rejects(make(bomb(20_000, 20_000)), { detail: 'photo-unreadable' })
  assert.equal((await make(bomb(4_000, 4_000))).hash.length, 64, 'the same by its form')
})

test('a browser is called by names a person knows', () => {
  const chrome =
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36'
  assert.equal(deviceOf(chrome), 'Chrome, Linux')
  assert.equal(
    deviceOf('Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:155.0) Gecko/20100101 Firefox/155.0'),
    'Firefox, Windows',
  )
  assert.equal(deviceOf('w3m/0.5.3+git20230121'), 'w3m')
  assert.equal(deviceOf(undefined), '')
})
