/**
 * The word of an issuer that a branch is no branch any more: why, since when, and how far its feeds of records are
 * still believed. A thief of a key can date back what he writes, but not insert below a seq that others hold already.
 * Fields, in bytes, big-endian: ver 1, organisation 32, issuer's serial 16, branch 16, reason 1, revoked at 8,
 * note 1 + n, number of cuts 2, of each feed 16 and the last seq believed 8, signature 64.
 */
import { FormatError, fromUtf8, utf8, Writer } from '../base/bytes.ts'
import { type BranchId, type FeedId, ID_BYTES } from '../base/ids.ts'
import { tidied } from '../base/text.ts'
import { type Millis, TIME_MS_MAX } from '../base/units.ts'
import {
  type Issuer,
  type IssuerCertificate,
  made,
  ORGANISATION_ID_BYTES,
  type OrganisationId,
  parsed,
  signed,
  VERSION,
} from './certificate.ts'
import { type ChainRefusal, isIssuedBy, refusalOfIssuer, type Trust } from './chain.ts'

/** Why, by the names and numbers of RFC 5280, 5.3.1. */
const REVOCATION_REASONS = {
  unspecified: 0,
  keyCompromise: 1,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
} as const
export type RevocationReason = keyof typeof REVOCATION_REASONS
export const REASONS = Object.keys(REVOCATION_REASONS) as RevocationReason[]

/** A sentence for those who read it in a year. */
export const NOTE_BYTES_MAX = 200
/** One feed of records per start of a branch: the whole statement fits an event of 64 KiB in base64. */
export const CUTS_MAX = 1500
const REVOCATION_DOMAIN = 'revocation/1'

/** Up to which seq a feed is believed; of feeds that are not named nothing is. */
export type Cut = { feed: FeedId; upTo: number }

type Revocation = {
  organisation: OrganisationId
  issuerSerial: string
  branch: BranchId
  reason: RevocationReason
  revokedAt: Millis
  note: string
  cuts: readonly Cut[]
  bytes: Uint8Array
}

/** Whether a text is a reason. */
export function isRevocationReason(text: string): text is RevocationReason {
  return Object.hasOwn(REVOCATION_REASONS, text)
}

/** An issuer revokes a branch. */
export function issueRevocation(
  issuer: Issuer,
  of: Pick<Revocation, 'branch' | 'reason' | 'note' | 'cuts'> & { now: Millis },
): Revocation {
  const note = utf8(of.note)
  const writer = new Writer()
    .u8(VERSION)
    .hex(issuer.certificate.organisation)
    .hex(issuer.certificate.serial)
    .hex(of.branch)
    .u8(REVOCATION_REASONS[of.reason])
    .u64(of.now)
    .u8(note.length)
    .bytes(note)
    .u16(of.cuts.length)
  for (const { feed, upTo } of of.cuts) writer.hex(feed).u64(upTo)
  return made(parseRevocation(signed(issuer.secretKey, REVOCATION_DOMAIN, writer.done())))
}

/** A revocation of these bytes, or undefined when they have not its form. Signature: `refusalOfRevocation`. */
export function parseRevocation(bytes: Uint8Array): Revocation | undefined {
  return parsed(bytes, (from) => {
    const fields = {
      organisation: from.hex(ORGANISATION_ID_BYTES),
      issuerSerial: from.hex(ID_BYTES),
      branch: from.hex(ID_BYTES) as BranchId,
      reason: reasonOf(from.u8()),
      revokedAt: from.u64(),
      note: fromUtf8(from.bytes(from.u8())),
    }
    const count = from.u16()
    if (count > CUTS_MAX || utf8(fields.note).length > NOTE_BYTES_MAX) throw new FormatError('Long')
    // Both are shown to people: in one line, and as a date.
    if (fields.note !== tidied(fields.note)) throw new FormatError('The note is not one line')
    if (fields.revokedAt > TIME_MS_MAX) throw new FormatError('No time')
    const cuts: Cut[] = []
    for (let i = 0; i < count; i++) {
      cuts.push({ feed: from.hex(ID_BYTES) as FeedId, upTo: from.u64() })
    }
    return { ...fields, cuts }
  })
}

function reasonOf(code: number): RevocationReason {
  for (const [name, number] of Object.entries(REVOCATION_REASONS)) {
    if (number === code && isRevocationReason(name)) return name
  }
  throw new FormatError('Unknown reason')
}

/** Whether an issuer of the organisation signed a revocation; like an identity it outlives its issuer's certificate. */
export function refusalOfRevocation(
  revocation: Revocation,
  issuer: IssuerCertificate,
  trust: Trust,
): ChainRefusal | 'own-branch' | undefined {
  const ofIssuer = refusalOfIssuer(issuer, trust)
  if (ofIssuer) return ofIssuer
  if (revocation.organisation !== trust.organisation) return 'other-organisation'
  if (!isIssuedBy(issuer, REVOCATION_DOMAIN, revocation)) return 'revocation-not-signed'
  return revocation.branch === issuer.branch ? 'own-branch' : undefined
}
