/**
 * What an entry says of a person and must be forgettable: name, telephone and the like, before and after. It stands
 * beside the chain, which holds only a salted hash of it: so it can be proved while it is there, and destroyed with its
 * person without breaking the chain. Owns table `audit_told`. docs/decisions/042-audit-names.md.
 */
import { createHash } from 'node:crypto'
import { hex, utf8 } from '../base/bytes.ts'
import type { UserId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import type { Random } from '../world/random.ts'

type Value = string | number | boolean | null
/** What changed, by the name of the field. */
export type Changed = Readonly<Record<string, Value | undefined>>

/** Of a person, to be forgotten with him. */
export type Personal = { random: Random; before?: Changed | undefined; after?: Changed | undefined }

/** Under this name `after` of the entry holds the hash. */
export const TOLD = 'told'
const DOMAIN = 'branchline audit-told/1\0'
/** Nobody tries all telephone numbers until one fits the hash. */
export const TOLD_SALT_BYTES = 16

/** The hash that the entry holds: SHA-256 over the domain, the salt and the text. */
export function toldHash(salt: Uint8Array, text: string): string {
  const hash = createHash('sha256').update(DOMAIN, 'latin1').update(salt).update(utf8(text))
  return hex(new Uint8Array(hash.digest()))
}

/** The hash in `after` of an entry, as it stands there; undefined: nothing was told apart. */
export function toldHashIn(after: string | null): string | undefined {
  const found = /"told":"([0-9a-f]{64})"/.exec(after ?? '')
  return found?.[1]
}

/** Whether what stands beside an entry is what it was; nothing may be missing but what was told of the deleted. */
export function isToldRight(of: {
  after: string | null
  salt: Uint8Array | null
  text: string | null
  isErased: boolean
}): boolean {
  const { after, salt, text, isErased } = of
  const hash = toldHashIn(after)
  // What no entry speaks of is not shown either.
  if (hash === undefined) return true
  return salt === null || text === null ? isErased : hash === toldHash(salt, text)
}

/** Destroys what was told of somebody. */
export async function forgetTold(tx: Db, userId: UserId): Promise<void> {
  await tx.deleteFrom('audit_told').where('userId', '=', userId).execute()
}
