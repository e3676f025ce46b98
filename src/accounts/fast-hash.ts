/**
 * The quick way from a generated temporary password to a credential's key: HMAC-SHA-384 with a salt instead of bcrypt.
 * DANGER: only for passwords this program has drawn itself. Whoever has the public key tries billions of passwords in
 * a second; the 98 bits of a drawn one are out of reach all the same, those of a chosen one are not. So the salt names
 * the function, and such a credential must be changed at the first sign-in (docs/decisions/033-accounts-in-bulk.md).
 */
import { createHash, createHmac } from 'node:crypto'
import { encodeBase64 } from 'bcryptjs'
import type { Random } from '../world/random.ts'
import { prehashOf } from './passwords.ts'

const PREFIX = '$sha384$'
const SALT_BYTES = 16

/** Whether a salt asks for this function. */
export function isFastSalt(salt: string): boolean {
  return salt.startsWith(PREFIX)
}

/** A new salt: its name and 16 random bytes, in bcrypt's alphabet like the others. */
export function newFastSalt(random: Random): string {
  return `${PREFIX}${encodeBase64([...random.bytes(SALT_BYTES)], SALT_BYTES)}`
}

/** 32 bytes: SHA-256("cred/1" || salt || base64(HMAC-SHA-384(salt, prehash))), all as ASCII. */
export function fastSeed(password: string, salt: string): Uint8Array {
  const output = createHmac('sha384', salt).update(prehashOf(password), 'ascii').digest('base64')
  return new Uint8Array(createHash('sha256').update(`cred/1${salt}${output}`, 'ascii').digest())
}
