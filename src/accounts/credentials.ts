/**
 * Credentials: what a password is checked against is a bcrypt salt and an Ed25519 public key whose seed follows from
 * the bcrypt output (docs/decisions/010-passwords.md). So no branch can claim somebody whose password it never saw, and
 * guessing costs as much as with a stored hash.
 */
import {
  createPrivateKey,
  createPublicKey,
  hkdfSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto'
import { encodeBase64 } from 'bcryptjs'
import { concat, equal, fromHex, utf8, Writer } from '../base/bytes.ts'
import type { BranchId, UserId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import type { Random } from '../world/random.ts'
import { fastSeed, isFastSalt, newFastSalt } from './fast-hash.ts'
import type { Caller, Hasher } from './hasher.ts'

/** About 70 ms on an office server (docs/decisions/010-passwords.md). */
const BCRYPT_COST = 10
const SALT_BYTES = 16
/**
 * What other branches may make us compute: cost 10 to 12, so that nobody sends us work for hours; or the quick function
 * of drawn passwords.
 */
export const SALT = /^\$(?:2b\$1[0-2]|sha384)\$[./A-Za-z0-9]{22}$/
const PUBLIC_KEY_BYTES = 32
const SIGNATURE_BYTES = 64
const KEY_BYTES = 32

/** The public half as stored and replicated. */
export type Credential = { salt: string; publicKey: Uint8Array }

/** Signs as a person whose password was just checked; forgotten after the request. */
export type Signer = {
  publicKey: Uint8Array
  sign(bytes: Uint8Array): Uint8Array
  /** A key of 32 bytes that only the right password leads to (RFC 5869); `info` says what for. */
  keyFor(salt: Uint8Array, info: Uint8Array): Uint8Array
}

/** A new salt of our cost. */
export function newSalt(random: Random): string {
  return `$2b$${BCRYPT_COST}$${encodeBase64([...random.bytes(SALT_BYTES)], SALT_BYTES)}`
}

/** The credential of a new password, and its signer. */
export async function newCredential(
  { hasher, random }: { hasher: Hasher; random: Random },
  password: string,
): Promise<{ credential: Credential; signer: Signer }> {
  const salt = newSalt(random)
  const signer = signerOf(await hasher.seedOf(password, salt, 'known'))
  return { credential: { salt, publicKey: signer.publicKey }, signer }
}

/** The credential of a password this program has just drawn, in microseconds; only ever one that must be changed. */
export function drawnCredential(random: Random, drawn: string): Credential {
  const salt = newFastSalt(random)
  return { salt, publicKey: signerOf(fastSeed(drawn, salt)).publicKey }
}

/**
 * The signer when the password is right, undefined when it is not; the same work either way.
 */
export async function provedBy(
  hasher: Hasher,
  credential: Credential,
  password: string,
  caller: Caller = 'known',
): Promise<Signer | undefined> {
  const { salt } = credential
  const seed = isFastSalt(salt)
    ? fastSeed(password, salt)
    : await hasher.seedOf(password, salt, caller)
  const signer = signerOf(seed)
  return equal(signer.publicKey, credential.publicKey) ? signer : undefined
}

/** The signer of a seed (RFC 8032: 32 bytes). */
export function signerOf(seed: Uint8Array): Signer {
  const key = createPrivateKey({ key: seed, format: 'raw-private', asymmetricKeyType: 'ed25519' })
  const publicKey = new Uint8Array(rawPublicKey(createPublicKey(key)))
  return {
    publicKey,
    sign: (bytes) => new Uint8Array(sign(null, bytes, key)),
    keyFor: (salt, info) => new Uint8Array(hkdfSync('sha256', seed, salt, info, KEY_BYTES)),
  }
}

function rawPublicKey(key: KeyObject): Uint8Array {
  return key.export({ format: 'raw-public' })
}

/** Whether a signature by a credential's key is right; never throws. */
export function isSignedBy(
  publicKey: Uint8Array,
  bytes: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (publicKey.length !== PUBLIC_KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false
  try {
    const key = createPublicKey({
      key: publicKey,
      format: 'raw-public',
      asymmetricKeyType: 'ed25519',
    })
    return verify(null, bytes, key, signature)
  } catch {
    return false // not a point on the curve: nobody can have signed with it
  }
}

/** What a person signs to be at a branch: "user.at/1" 0, user 16, branch 16, epoch u32, rev u32, until u64. */
export function locationBytes(at: {
  user: UserId
  branch: BranchId
  epoch: number
  rev: number
  until: Millis
}): Uint8Array {
  const fields = new Writer(64).hex(at.user).hex(at.branch).u32(at.epoch).u32(at.rev).u64(at.until)
  return concat(utf8('user.at/1\0'), fields.done())
}

/**
 * What the old key signs for a new credential: "user.cred/1" 0, user 16, branch 16, epoch u32, rev u32, salt 29 ASCII,
 * new public key 32. With a second factor: "user.cred/2" 0, the same, used u16 and the sealed factor, so that nobody
 * takes it off on the way.
 */
export function credentialBytes(next: {
  user: UserId
  branch: BranchId
  epoch: number
  rev: number
  salt: string
  publicKey: string
  factor?: { sealed: string; used: number } | undefined
}): Uint8Array {
  const fields = new Writer(160).hex(next.user).hex(next.branch).u32(next.epoch).u32(next.rev)
  const all = concat(fields.done(), utf8(next.salt), fromHex(next.publicKey))
  if (next.factor === undefined) return concat(utf8('user.cred/1\0'), all)
  const { sealed, used } = next.factor
  return concat(utf8('user.cred/2\0'), all, new Writer(2).u16(used).done(), fromHex(sealed))
}

/**
 * What the key signs for a second factor of its own credential: "user.factor/1" 0, user 16, branch 16, epoch u32,
 * rev u32, n u32, used u16, the sealed factor (nothing: there is none any more).
 */
export function factorBytes(of: {
  user: UserId
  branch: BranchId
  epoch: number
  rev: number
  n: number
  used: number
  sealed: string | null
}): Uint8Array {
  const fields = new Writer(64).hex(of.user).hex(of.branch).u32(of.epoch).u32(of.rev)
  const all = fields.u32(of.n).u16(of.used).done()
  return concat(utf8('user.factor/1\0'), all, fromHex(of.sealed ?? ''))
}
