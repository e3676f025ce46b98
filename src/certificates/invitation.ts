/**
 * The invitation that an administrator hands to a new branch: one line of base64url with everything
 * the new branch needs to find the inviter and to prove that it was invited. Whoever reads it can
 * join, once.
 *   ver 1, organisation 32, inviter 16, expires 8, secret 32, count 1, addresses (1 + n each),
 *             checksum 8
 */
import { hash, hkdfSync } from 'node:crypto'
import { concat, equal, FormatError, fromUtf8, Reader, utf8, Writer } from '../base/bytes.ts'
import { type BranchId, ID_BYTES } from '../base/ids.ts'
import { DAY, type Millis } from '../base/units.ts'
import { ORGANISATION_ID_BYTES, type OrganisationId } from './certificate.ts'

export const INVITATION_SECRET_BYTES = 32
const JOIN_ID_BYTES = 8
/** More than a server has networks; keeps the line short enough to paste. */
export const ADDRESSES_MAX = 8
/** A host name has at most 253 characters (RFC 1035), a port six with its colon. */
const ADDRESS_BYTES_MAX = 255
/** Time for a courier to another town; used and expired ones are remembered for 30 days. */
export const INVITATION_LIFE_MS_MAX = 30 * DAY

const VERSION = 1
const CHECKSUM_BYTES = 8
const BYTES_MIN =
  1 + ORGANISATION_ID_BYTES + ID_BYTES + 8 + INVITATION_SECRET_BYTES + 1 + CHECKSUM_BYTES
/** A line that begins like ours (version 1 in base64url) and is cut off or mistyped further on. */
const OURS = /^A[Q-Za-f][\w-]{38}/
/** What mail programs and chats put into a pasted line. */
const PASTED_SPACE = /[\s\u00ad\u200b-\u200d\u2060]/g
const ADDRESS = /^(?:\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?):([1-9]\d{0,4})$/i

const BASE64 = { alphabet: 'base64url', omitPadding: true } as const

export type Invitation = {
  organisation: OrganisationId
  inviter: BranchId
  /** `host:port` of the inviter's relay. */
  addresses: string[]
  expiresAt: Millis
  secret: Uint8Array
}

export type InvitationRefusal = 'not-an-invitation' | 'altered' | 'other-version' | 'expired'

/** Whether a text is `host:port` as an invitation or a join request may carry it. */
export function isAddress(text: string): boolean {
  const port = ADDRESS.exec(text)?.[1]
  return port !== undefined && Number(port) <= 65_535 && text.length <= ADDRESS_BYTES_MAX
}

/** The line to hand over. */
export function encodeInvitation(invitation: Invitation): string {
  if (invitation.secret.length !== INVITATION_SECRET_BYTES)
    throw new TypeError('A secret has 32 bytes')
  const body = new Writer()
    .u8(VERSION)
    .hex(invitation.organisation)
    .hex(invitation.inviter)
    .u64(invitation.expiresAt)
    .bytes(invitation.secret)
    .bytes(encodeAddresses(invitation.addresses))
    .done()
  return concat(body, checksumOf(body)).toBase64(BASE64)
}

/** An invitation as pasted, with any line breaks; or the word that says what is wrong with it. */
export function decodeInvitation(
  pasted: string,
  now: Millis,
): { ok: true; invitation: Invitation } | { ok: false; reason: InvitationRefusal } {
  const text = pasted.replace(PASTED_SPACE, '')
  const reason = OURS.test(text) ? 'altered' : 'not-an-invitation'
  const bytes = bytesOf(text)
  if (!bytes) return { ok: false, reason }
  const body = bytes.subarray(0, bytes.length - CHECKSUM_BYTES)
  if (!equal(checksumOf(body), bytes.subarray(body.length))) return { ok: false, reason }
  if (bytes[0] !== VERSION) return { ok: false, reason: 'other-version' }
  const invitation = parseBody(body)
  if (!invitation) return { ok: false, reason: 'altered' }
  if (now > invitation.expiresAt) return { ok: false, reason: 'expired' }
  return { ok: true, invitation }
}

function bytesOf(text: string): Uint8Array | undefined {
  try {
    const bytes = Uint8Array.fromBase64(text, BASE64)
    // The last character may carry no stray bits, or two lines would mean the same.
    return bytes.length >= BYTES_MIN && bytes.toBase64(BASE64) === text ? bytes : undefined
  } catch {
    return undefined
  }
}

function parseBody(body: Uint8Array): Invitation | undefined {
  try {
    const from = new Reader(body)
    from.u8()
    const invitation = {
      organisation: from.hex(ORGANISATION_ID_BYTES),
      inviter: from.hex(ID_BYTES) as BranchId,
      expiresAt: from.u64(),
      secret: from.bytes(INVITATION_SECRET_BYTES).slice(),
      addresses: readAddresses(from),
    }
    from.end()
    return invitation
  } catch (error) {
    if (error instanceof FormatError) return undefined
    throw error
  }
}

/** Addresses as their count and each with its length. */
export function encodeAddresses(addresses: readonly string[]): Uint8Array {
  if (addresses.length > ADDRESSES_MAX || !addresses.every(isAddress)) {
    throw new TypeError('Addresses are at most eight times host:port')
  }
  const writer = new Writer().u8(addresses.length)
  for (const address of addresses) writer.u8(address.length).bytes(utf8(address))
  return writer.done()
}

/** Reads what `encodeAddresses` wrote; throws FormatError for anything else. */
export function readAddresses(from: Reader): string[] {
  const count = from.u8()
  if (count > ADDRESSES_MAX) throw new FormatError('There are too many addresses')
  return Array.from({ length: count }, () => {
    const bytes = from.bytes(from.u8())
    const address = bytes.some((byte) => byte > 0x7e) ? '' : fromUtf8(bytes)
    if (!isAddress(address)) throw new FormatError('An address is not host:port')
    return address
  })
}

/**
 * What the preface of a joining link shows: it names the invitation and gives nothing of it away.
 */
export function joinId(secret: Uint8Array): Uint8Array {
  const whole = hash('sha256', concat(utf8('join-id'), secret), 'buffer')
  return new Uint8Array(whole).slice(0, JOIN_ID_BYTES)
}

/** The psk of the one handshake that an invitation opens; here the psk does authenticate. */
export function joinPsk(secret: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, '', 'join-psk/1', 32))
}

function checksumOf(body: Uint8Array): Uint8Array {
  const whole = hash('sha256', concat(utf8('invitation/1\0'), body), 'buffer')
  return new Uint8Array(whole).slice(0, CHECKSUM_BYTES)
}
