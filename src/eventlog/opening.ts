/**
 * FEED_OPEN: the signed first words of a feed. They name its origin, the boot that writes it and for whom it is, and
 * carry its key, sealed to the destination and to the origin (which may need it after losing its own database).
 * Source: docs/protocol.md, section 7.
 */
import { concat, FormatError, hex, Reader, utf8, Writer } from '../base/bytes.ts'
import type { Hlc } from '../base/hlc.ts'
import type { BranchId, FeedId, Incarnation } from '../base/ids.ts'
import { ID_BYTES } from '../base/ids.ts'
import { keyIdOf, SIGNATURE_BYTES, sha256 } from './format.ts'
import { ProtocolError } from './protocol-error.ts'

export const OPENING_DOMAIN = 'feed-open/1'
const SEALED_KEY_BYTES = 80
export const FEED_KEY_BYTES = 32

const INCARNATION_BYTES = 8
const SCOPES = ['all', 'to', 'self'] as const
const ZERO_ID = '00'.repeat(ID_BYTES)
const NO_KEY = new Uint8Array(SEALED_KEY_BYTES)

export type Scope = (typeof SCOPES)[number]

export type Opening = {
  origin: BranchId
  incarnation: Incarnation
  scope: Scope
  destination: BranchId | undefined
  openedAt: Hlc
  /** Feed key sealed to the destination and to the origin; undefined unless the scope is `to`. */
  sealed: { destination: Uint8Array; origin: Uint8Array } | undefined
}

/** FEED_OPEN without its signature, 217 B:
 *  origin id16 | incarnation 8 B | scope u8 (1 all, 2 to, 3 self) | destination id16 (zero unless `to`) | opened_at hlc
 *  u64 | feed key sealed to the destination 80 B | sealed to the origin 80 B (both zero unless `to`) | key_id 8 B */
export function encodeOpening(opening: Opening): Uint8Array {
  return new Writer(217)
    .hex(opening.origin)
    .hex(opening.incarnation)
    .u8(SCOPES.indexOf(opening.scope) + 1)
    .hex(opening.destination ?? ZERO_ID)
    .hex(opening.openedAt)
    .bytes(opening.sealed?.destination ?? NO_KEY)
    .bytes(opening.sealed?.origin ?? NO_KEY)
    .hex(keyIdOf(opening.origin))
    .done()
}

/** FEED_OPEN, 281 B: the fields and Ed25519 in domain `feed-open/1` over them. */
export function decodeOpening(bytes: Uint8Array): {
  opening: Opening
  signedPart: Uint8Array
  signature: Uint8Array
} {
  try {
    const reader = new Reader(bytes)
    const opening = readOpening(reader)
    const signedPart = bytes.subarray(0, reader.offset)
    const signature = reader.bytes(SIGNATURE_BYTES)
    reader.end()
    return { opening, signedPart, signature }
  } catch (error) {
    if (error instanceof FormatError) throw new ProtocolError(`Feed opening: ${error.message}`)
    throw error
  }
}

function readOpening(reader: Reader): Opening {
  const origin = reader.hex(ID_BYTES) as BranchId
  const incarnation = reader.hex(INCARNATION_BYTES) as Incarnation
  const scope = SCOPES[reader.u8() - 1]
  const named = reader.hex(ID_BYTES)
  const openedAt = reader.hex(8) as Hlc
  const sealed = {
    destination: reader.bytes(SEALED_KEY_BYTES),
    origin: reader.bytes(SEALED_KEY_BYTES),
  }
  if (scope === undefined) throw new FormatError('Unknown scope')
  if (reader.hex(8) !== keyIdOf(origin)) throw new FormatError('Signed with another key')
  const destination = named === ZERO_ID ? undefined : (named as BranchId)
  if ((scope === 'to') !== (destination !== undefined)) throw new FormatError('Wrong destination')
  const isSealed = scope === 'to'
  return {
    origin,
    incarnation,
    scope,
    destination,
    openedAt,
    sealed: isSealed ? sealed : undefined,
  }
}

/** feed_id = SHA-256("feed/1" + FEED_OPEN)[0..16]. */
export function feedIdOf(opening: Uint8Array): FeedId {
  return hex(sha256(concat(utf8('feed/1'), opening)).subarray(0, ID_BYTES)) as FeedId
}

/** chain_0 = SHA-256(FEED_OPEN). */
export function firstChainOf(opening: Uint8Array): Uint8Array {
  return sha256(opening)
}
