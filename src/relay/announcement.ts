/**
 * The datagram by which a branch says where its relay listens (docs/protocol.md, section 2). 124 bytes, always:
 *
 *   magic "BRLA" 4 | version u8 = 1 | reserved u8 = 0 | port u16 | link key epoch u32 | branch 16 | incarnation 8
 *   | at u64, Unix ms | Ed25519 in domain announcement/1 over all before 64 | HMAC-SHA256 over all before, [0..16]
 *
 * The code at the end costs a stranger's datagram one HMAC; the signature tells one member from another.
 */
import { createHmac, hkdfSync } from 'node:crypto'
import { concat, equal, FormatError, Reader, Writer } from '../base/bytes.ts'
import { asIncarnation, type BranchId, ID_BYTES, type Incarnation } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import { SIGNATURE_BYTES, type signerOf, type verifierOf } from '../certificates/signing.ts'

const MAGIC = '42524c41' // "BRLA"
const VERSION = 1
const DOMAIN = 'announcement/1'
const INCARNATION_BYTES = 8
/** Half of SHA-256: 2^128 tries for one datagram that is looked at further (RFC 2104, section 5). */
const TAG_BYTES = 16
const SIGNED_BYTES = 4 + 1 + 1 + 2 + 4 + ID_BYTES + INCARNATION_BYTES + 8
const ANNOUNCEMENT_BYTES = SIGNED_BYTES + SIGNATURE_BYTES + TAG_BYTES
const KEY_BYTES = 32

export type Announcement = {
  /** Of the link key that the code at its end was made with. */
  epoch: number
  branch: BranchId
  incarnation: Incarnation
  /** Of the relay, at the address the datagram comes from. */
  port: number
  /** By the sender's clock; grows with each one. */
  at: Millis
}

/** The key of the code at the end: it opens no link, so what is heard here says nothing about the link key. */
export function announcementKey(linkKey: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', linkKey, '', 'announcement-key/1', KEY_BYTES))
}

/** The datagram, signed by the branch and closed with the organisation's key. */
export function encodeAnnouncement(
  { epoch, branch, incarnation, port, at }: Announcement,
  { sign, key }: { sign: ReturnType<typeof signerOf>; key: Uint8Array },
): Uint8Array {
  const signed = new Writer(SIGNED_BYTES)
    .hex(MAGIC)
    .u8(VERSION)
    .u8(0)
    .u16(port)
    .u32(epoch)
    .hex(branch)
    .hex(incarnation)
    .u64(at)
    .done()
  const body = concat(signed, sign(DOMAIN, signed))
  return concat(body, tagOf(key, body))
}

/** What a datagram says, nothing of it believed yet; undefined when it is none of ours by its form. */
export function decodeAnnouncement(bytes: Uint8Array): Announcement | undefined {
  if (bytes.length !== ANNOUNCEMENT_BYTES) return undefined
  const from = new Reader(bytes)
  if (from.hex(4) !== MAGIC || from.u8() !== VERSION) return undefined
  from.u8() // reserved
  const port = from.u16()
  if (port === 0) return undefined
  const epoch = from.u32()
  const branch = from.hex(ID_BYTES) as BranchId
  const incarnation = asIncarnation(from.hex(INCARNATION_BYTES))
  const at = timeOf(from)
  return at === undefined ? undefined : { epoch, branch, incarnation, port, at }
}

/** Whether whoever made a datagram has the organisation's key. */
export function isOfOrganisation(bytes: Uint8Array, key: Uint8Array): boolean {
  const end = bytes.length - TAG_BYTES
  return equal(tagOf(key, bytes.subarray(0, end)), bytes.subarray(end))
}

/** Whether the branch it names signed a datagram. */
export function isSigned(bytes: Uint8Array, verify: ReturnType<typeof verifierOf>): boolean {
  const signature = bytes.subarray(SIGNED_BYTES, SIGNED_BYTES + SIGNATURE_BYTES)
  return verify(DOMAIN, bytes.subarray(0, SIGNED_BYTES), signature)
}

function timeOf(from: Reader): Millis | undefined {
  try {
    return from.u64()
  } catch (error) {
    if (error instanceof FormatError) return undefined
    throw error
  }
}

function tagOf(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHmac('sha256', key).update(bytes).digest()).subarray(0, TAG_BYTES)
}
