/**
 * Rules of passwords. Long and Cyrillic passwords count whole: bcrypt sees at most 72 bytes, so it is given
 * base64(SHA-384(password)), 64 characters. NFC, so that the same letters typed on two systems are the same password
 * (Unicode Annex 15).
 */
import { createHash } from 'node:crypto'
import { invalidInput } from '../base/errors.ts'
import type { Random } from '../world/random.ts'
import { isCommonPassword } from './common-passwords.ts'

const PASSWORD_CHARACTERS_MIN = 10
/** Nobody types more; it bounds what an unknown visitor can make us hash. */
export const PASSWORD_CHARACTERS_MAX = 256

/** Without i, l, o, u, 0 and 1: it is read aloud and typed from paper. */
const READABLE = 'abcdefghjkmnpqrstvwxyz23456789'
/** 20 characters of 30: 98 bits, so that a quick hash may keep one until the first sign-in (fast-hash.ts). */
const GENERATED_GROUPS = 5
const GENERATED_GROUP_CHARACTERS = 4

/** The form in which a password is compared and hashed. */
export function normalPassword(password: string): string {
  return password.normalize('NFC')
}

/** What bcrypt hashes: 64 characters of any password. */
export function prehashOf(password: string): string {
  return createHash('sha384').update(normalPassword(password), 'utf8').digest('base64')
}

/** Throws invalid-input when a new password breaks a rule; `login` may not serve as one. */
export function checkNewPassword(password: string, login: string, field = 'password'): void {
  const normal = normalPassword(password)
  const length = normal.length
  if (length < PASSWORD_CHARACTERS_MIN) {
    throw invalidInput(field, 'Cannot use this password: too short', 'password-short')
  }
  if (length > PASSWORD_CHARACTERS_MAX) {
    throw invalidInput(field, 'Cannot use this password: too long', 'password-long')
  }
  const ownName = normal.toLowerCase().replace(/[\d\W_]+$/u, '') === login.toLowerCase()
  if (ownName || isCommonPassword(normal)) {
    throw invalidInput(field, 'Cannot use this password: too common', 'password-common')
  }
}

/** A temporary password to hand over on paper: five groups of four. */
export function generatedPassword(random: Random): string {
  const groups = Array.from({ length: GENERATED_GROUPS }, () =>
    Array.from(
      { length: GENERATED_GROUP_CHARACTERS },
      () => READABLE[random.below(READABLE.length)] ?? '',
    ).join(''),
  )
  return groups.join('-')
}
