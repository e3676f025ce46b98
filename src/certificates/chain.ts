/**
 * Who is at the other end: the chain from the organisation's root key to the Noise key of a link,
 * and the HELLO payload of handshake messages 2 and 3 that carries it. A chain that fails is
 * refused with one word for our own log; the peer is told nothing (it has not proved who it is).
 */
import { equal, FormatError, Reader, Writer } from '../base/bytes.ts'
import type { BranchId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import {
  type BranchIdentity,
  branchIdOf,
  IDENTITY_DOMAIN,
  ISSUER_DOMAIN,
  type IssuerCertificate,
  LINK_DOMAIN,
  type LinkCertificate,
  type OrganisationId,
  organisationIdOf,
  parseBranchIdentity,
  parseIssuerCertificate,
  parseLinkCertificate,
  signedParts,
} from './certificate.ts'
import { verifyBytes } from './signing.ts'

/** Room for two issuers, one identity and one link certificate, with 200 bytes to spare. */
export const HELLO_BYTES_MAX = 1024
/** Padding, so that the length of a message does not tell the branch's name apart. */
const HELLO_STEP_BYTES = 64
const HELLO_VERSION = 1

/**
 * What a branch shows. `identityIssuer` only when another issuer than the link's signed the
 * identity.
 */
export type Chain = {
  issuer: IssuerCertificate
  identity: BranchIdentity
  link: LinkCertificate
  identityIssuer?: IssuerCertificate
}

/** What we trust and know. */
export type Trust = {
  organisation: OrganisationId
  now: Millis
  isRevoked: (branch: BranchId) => boolean
}

export type ChainRefusal =
  | 'malformed'
  | 'other-organisation'
  | 'issuer-not-signed'
  | 'issuer-revoked'
  | 'issuer-not-yet-valid'
  | 'issuer-expired'
  | 'identity-not-signed'
  | 'identity-outside-issuer'
  | 'wrong-branch-id'
  | 'link-not-signed'
  | 'link-of-another-branch'
  | 'link-not-yet-valid'
  | 'link-expired'
  | 'branch-revoked'
  | 'revocation-not-signed'
  | 'other-noise-key'
  | 'other-branch-than-dialled'
  | 'own-branch'

/**
 * `mayRenew`: all is right but the time has run out, so the link may serve to renew and for nothing
 * else.
 */
type ChainVerdict<T = Chain> =
  | ({ ok: true } & T)
  | { ok: false; reason: ChainRefusal; mayRenew: boolean }

const refused = (reason: ChainRefusal) => ({ ok: false, reason, mayRenew: false }) as const

/** Whether a chain leads from the organisation's root to this link certificate, now. */
export function verifyChain(chain: Chain, trust: Trust): ChainVerdict {
  const { identity, issuer, identityIssuer } = chain
  const reason =
    refusalOfIdentity(identity, identityIssuer ?? issuer, trust) ??
    (identityIssuer && refusalOfIssuer(issuer, trust)) ??
    refusalOfLink(chain, trust)
  if (reason) return refused(reason)
  const late = refusalByTime(chain, trust.now)
  if (late) return { ok: false, reason: late, mayRenew: late.endsWith('-expired') }
  return { ok: true, ...chain }
}

/**
 * Whether a branch's identity is what an issuer of the organisation signed; also for identities
 * that come as events.
 */
export function refusalOfIdentity(
  identity: BranchIdentity,
  issuer: IssuerCertificate,
  trust: Trust,
): ChainRefusal | undefined {
  const ofIssuer = refusalOfIssuer(issuer, trust)
  if (ofIssuer) return ofIssuer
  if (identity.organisation !== trust.organisation) return 'other-organisation'
  if (!isIssuedBy(issuer, IDENTITY_DOMAIN, identity)) return 'identity-not-signed'
  // An identity outlives its issuer's certificate: what counts is when it was signed.
  const { issuedAt } = identity
  if (issuedAt < issuer.notBefore || issuedAt > issuer.notAfter) return 'identity-outside-issuer'
  if (identity.branch !== branchIdOf(identity.signPublicKey)) return 'wrong-branch-id'
  if (trust.isRevoked(identity.branch)) return 'branch-revoked'
  return undefined
}

/**
 * Whether the organisation's root signed an issuer certificate. Its dates are not looked at, nor
 * whether its branch was revoked since: what it said before holds.
 */
export function refusalOfIssuer(issuer: IssuerCertificate, trust: Trust): ChainRefusal | undefined {
  // The certificate carries the root key, and the organisation's id is its hash: so the id alone is
  // enough to trust.
  if (organisationIdOf(issuer.rootPublicKey) !== trust.organisation) return 'other-organisation'
  if (!isSignedBy(issuer.rootPublicKey, ISSUER_DOMAIN, issuer.bytes)) return 'issuer-not-signed'
  return undefined
}

function refusalOfLink({ issuer, identity, link }: Chain, trust: Trust): ChainRefusal | undefined {
  if (link.organisation !== trust.organisation) return 'other-organisation'
  if (link.branch !== identity.branch) return 'link-of-another-branch'
  if (!isIssuedBy(issuer, LINK_DOMAIN, link)) return 'link-not-signed'
  // What a revoked branch issued before goes on being believed (identities); what opens links does not.
  if (trust.isRevoked(issuer.branch)) return 'issuer-revoked'
  return undefined
}

function refusalByTime({ issuer, link }: Chain, now: Millis): ChainRefusal | undefined {
  if (now < issuer.notBefore) return 'issuer-not-yet-valid'
  if (now < link.notBefore) return 'link-not-yet-valid'
  // No link outlives its issuer, whatever the issuer wrote into it.
  if (now > issuer.notAfter) return 'issuer-expired'
  if (now > link.notAfter) return 'link-expired'
  return undefined
}

/** Whether a statement names this issuer's certificate and is signed with its key. */
export function isIssuedBy(
  issuer: IssuerCertificate,
  domain: string,
  statement: { issuerSerial: string; bytes: Uint8Array },
): boolean {
  const { issuerPublicKey, serial } = issuer
  return statement.issuerSerial === serial && isSignedBy(issuerPublicKey, domain, statement.bytes)
}

function isSignedBy(publicKey: Uint8Array, domain: string, bytes: Uint8Array): boolean {
  const { body, signature } = signedParts(bytes)
  return verifyBytes(publicKey, domain, body, signature)
}

/**
 * The payload of handshake message 2 or 3: version, four certificates with their lengths, zeros to
 * a multiple of 64.
 */
export function encodeHello({ issuer, identity, link, identityIssuer }: Chain): Uint8Array {
  const writer = new Writer().u8(HELLO_VERSION)
  for (const part of [issuer, identity, link, identityIssuer]) {
    const bytes = part?.bytes ?? new Uint8Array(0)
    writer.u16(bytes.length).bytes(bytes)
  }
  const payload = writer.done()
  const length = Math.ceil(payload.length / HELLO_STEP_BYTES) * HELLO_STEP_BYTES
  if (length > HELLO_BYTES_MAX) throw new RangeError('A HELLO has at most 1,024 bytes')
  return new Writer()
    .bytes(payload)
    .bytes(new Uint8Array(length - payload.length))
    .done()
}

/**
 * The chain in a HELLO payload, or undefined when it has not that form. Nothing in it is verified
 * yet.
 */
export function decodeHello(payload: Uint8Array): Chain | undefined {
  if (payload.length > HELLO_BYTES_MAX || payload.length % HELLO_STEP_BYTES !== 0) return undefined
  try {
    const from = new Reader(payload)
    if (from.u8() !== HELLO_VERSION) return undefined
    const part = () => from.bytes(from.u16())
    const issuer = parseIssuerCertificate(part())
    const identity = parseBranchIdentity(part())
    const link = parseLinkCertificate(part())
    const second = part()
    const identityIssuer = second.length > 0 ? parseIssuerCertificate(second) : undefined
    const padding = from.rest()
    if (padding.length >= HELLO_STEP_BYTES || padding.some((byte) => byte !== 0)) return undefined
    if (!issuer || !identity || !link || (second.length > 0 && !identityIssuer)) return undefined
    return { issuer, identity, link, ...(identityIssuer ? { identityIssuer } : {}) }
  } catch (error) {
    if (error instanceof FormatError) return undefined
    throw error
  }
}

/** What a link knows of its peer besides the HELLO. */
type Expectation = {
  /** The static key that the Noise handshake proved. */
  remoteStatic: Uint8Array
  ownBranch: BranchId
  /**
   * The branch we meant to reach; undefined when it dialled us, or at an address met for the first
   * time.
   */
  dialled?: BranchId | undefined
}

/**
 * The whole check of a peer after its static key arrived: form, chain, its Noise key, and that it
 * is the right branch.
 */
export function verifyHello(
  payload: Uint8Array,
  expected: Expectation,
  trust: Trust,
): ChainVerdict {
  const chain = decodeHello(payload)
  if (!chain) return refused('malformed')
  const { link } = chain
  // Without this anybody could show another branch's certificate: the key in it is the one that was
  // proved.
  if (!equal(link.noisePublicKey, expected.remoteStatic)) return refused('other-noise-key')
  if (link.branch === expected.ownBranch) return refused('own-branch')
  if (expected.dialled && link.branch !== expected.dialled) {
    return refused('other-branch-than-dialled')
  }
  return verifyChain(chain, trust)
}
