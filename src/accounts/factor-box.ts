/**
 * What a second factor is made of, and its box: the authenticator's secret and salted hashes of the recovery codes,
 * sealed under a key that only the person's password leads to. So it may be replicated to every branch, and a stolen
 * database gives nothing away. 228 bytes: id 16, salt 16, sealed (secret 20, ten hashes of 16), tag 16.
 */
import { createCipheriv, createDecipheriv, createHash } from 'node:crypto'
import { concat, equal, fromHex, utf8 } from '../base/bytes.ts'
import type { UserId } from '../base/ids.ts'
import type { Random } from '../world/random.ts'
import type { Signer } from './credentials.ts'
import { SECRET_BYTES } from './totp.ts'

/** Enough for years of lost phones; a card of them fits a wallet. */
export const RECOVERY_CODES = 10
const ID_BYTES = 16
const SALT_BYTES = 16
const HASH_BYTES = 16
const TAG_BYTES = 16
const OPEN_BYTES = SECRET_BYTES + RECOVERY_CODES * HASH_BYTES
export const FACTOR_BYTES = ID_BYTES + SALT_BYTES + OPEN_BYTES + TAG_BYTES
/** Each key is used once: its salt is drawn anew for every box. */
const NONCE = new Uint8Array(12)

/** Without i, l, o, u, 0 and 1: codes are read from paper. Thirty letters, twelve of them: 58 bits. */
const CODE_LETTERS = 'abcdefghjkmnpqrstvwxyz23456789'
const CODE_GROUPS = 3
const CODE_GROUP_CHARACTERS = 4
const CODE = /^[a-z0-9]{12}$/

/** A factor in the open: for the moments after its person typed the password. */
export type Factor = { id: Uint8Array; secret: Uint8Array; codeHashes: readonly Uint8Array[] }

/** Leads to the keys of boxes: a password that was just typed, or this branch (ldap-factor.ts). */
type Sealer = Pick<Signer, 'keyFor'>

/** A new factor around a secret, and its recovery codes: the only time anybody sees them. */
export function newFactor(
  random: Random,
  secret: Uint8Array,
): { factor: Factor; codes: readonly string[] } {
  const id = random.bytes(ID_BYTES)
  const codes = Array.from({ length: RECOVERY_CODES }, () => drawnCode(random))
  return { factor: { id, secret, codeHashes: codes.map((code) => hashOf(code, secret)) }, codes }
}

/** The number of a recovery code as typed; undefined when it is none of this factor. */
export function recoveryCodeOf(factor: Factor, typed: string): number | undefined {
  const code = typed.toLowerCase().replaceAll(/[\s-]/g, '')
  if (!CODE.test(code)) return undefined
  const hash = hashOf(code, factor.secret)
  const n = factor.codeHashes.findIndex((each) => equal(each, hash))
  return n < 0 ? undefined : n
}

/** The box of a factor for this person and this password. */
export function sealFactor(
  factor: Factor,
  of: { user: UserId; signer: Sealer; random: Random },
): Uint8Array {
  const salt = of.random.bytes(SALT_BYTES)
  const key = keyOf(of, factor.id, salt)
  const cipher = createCipheriv('chacha20-poly1305', key, NONCE, { authTagLength: TAG_BYTES })
  const sealed = cipher.update(concat(factor.secret, ...factor.codeHashes))
  cipher.final()
  return concat(factor.id, salt, sealed, cipher.getAuthTag())
}

/** The factor in a box; undefined under another password or when it was altered. */
export function openFactor(
  box: Uint8Array,
  of: { user: UserId; signer: Sealer },
): Factor | undefined {
  if (box.length !== FACTOR_BYTES) return undefined
  const id = box.subarray(0, ID_BYTES)
  const salt = box.subarray(ID_BYTES, ID_BYTES + SALT_BYTES)
  const end = FACTOR_BYTES - TAG_BYTES
  try {
    const key = keyOf(of, id, salt)
    const decipher = createDecipheriv('chacha20-poly1305', key, NONCE, { authTagLength: TAG_BYTES })
    decipher.setAuthTag(box.subarray(end))
    const open = new Uint8Array(decipher.update(box.subarray(ID_BYTES + SALT_BYTES, end)))
    decipher.final()
    const hashAt = (n: number) => SECRET_BYTES + n * HASH_BYTES
    const codeHashes = Array.from({ length: RECOVERY_CODES }, (_, n) =>
      open.slice(hashAt(n), hashAt(n + 1)),
    )
    return { id: id.slice(), secret: open.slice(0, SECRET_BYTES), codeHashes }
  } catch {
    return undefined // a wrong tag
  }
}

/** Which factor a box is: it stays the same when a new password seals it again. */
export function factorIdOf(box: Uint8Array): Uint8Array {
  return box.subarray(0, ID_BYTES)
}

function keyOf(
  { user, signer }: { user: UserId; signer: Sealer },
  id: Uint8Array,
  salt: Uint8Array,
): Uint8Array {
  return signer.keyFor(salt, concat(utf8('factor/1\0'), fromHex(user), id))
}

function hashOf(code: string, secret: Uint8Array): Uint8Array {
  const letters = code.replaceAll('-', '')
  const hash = createHash('sha256').update('code/1\0').update(secret).update(letters, 'ascii')
  return new Uint8Array(hash.digest()).subarray(0, HASH_BYTES)
}

function drawnCode(random: Random): string {
  const letter = () => CODE_LETTERS[random.below(CODE_LETTERS.length)] ?? ''
  const group = () => Array.from({ length: CODE_GROUP_CHARACTERS }, letter).join('')
  return Array.from({ length: CODE_GROUPS }, group).join('-')
}
