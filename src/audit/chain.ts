/**
 * The hash of an entry: SHA-256 over a domain, the hash before and every field in a fixed form, so that anybody with an
 * export can compute it again. docs/operating.md, "Checking an export". Pure.
 */
import { createHash } from 'node:crypto'
import type { BranchId, UserId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'

/** An entry without its hash, as it is stored. */
type Fields = {
  n: number
  at: Millis
  action: string
  userId: UserId | null
  login: string | null
  address: string
  branch: BranchId | null
  subjectKind: string | null
  subjectId: string | null
  subjectName: string | null
  before: string | null
  after: string | null
}

/** An entry as it is stored. */
export type Entry = Fields & { hash: Uint8Array }

const DOMAIN = 'branchline audit/1\0'
const HASH_BYTES = 32
const LENGTH_BYTES = 4
/** Stands before the first entry. */
export const NO_HASH: Uint8Array = new Uint8Array(HASH_BYTES)
/** In the place of a length: there is no value, which is not the same as an empty one. */
const ABSENT = 0xffff_ffff

/** The order in which fields are hashed; numbers as decimal digits. */
export const FIELDS = [
  ...(['n', 'at', 'action', 'userId', 'login', 'address', 'branch'] as const),
  ...(['subjectKind', 'subjectId', 'subjectName', 'before', 'after'] as const),
] as const satisfies readonly (keyof Fields)[]

/** The hash of an entry that follows on `previous`. In one piece: a log of years is hashed again by every check. */
export function entryHash(previous: Uint8Array, entry: Fields): Uint8Array {
  const texts = FIELDS.map((name) => (entry[name] === null ? undefined : String(entry[name])))
  const lengths = texts.map((text) => (text === undefined ? 0 : Buffer.byteLength(text)))
  const bytes = Buffer.alloc(
    DOMAIN.length + HASH_BYTES + lengths.reduce((sum, length) => sum + LENGTH_BYTES + length, 0),
  )
  let at = bytes.write(DOMAIN, 'latin1')
  bytes.set(previous, at)
  at += HASH_BYTES
  for (const [i, text] of texts.entries()) {
    at = bytes.writeUInt32BE(text === undefined ? ABSENT : (lengths[i] ?? 0), at)
    if (text !== undefined) at += bytes.write(text, at)
  }
  return new Uint8Array(createHash('sha256').update(bytes).digest())
}
