/**
 * The three statements of trust, each in one fixed binary form: the root key signs issuers, an
 * issuer signs who a branch is and which Noise key it uses for the next ten days. Objects keep
 * their bytes as received and are never serialised again. Pure: keys, clock values and serials are
 * arguments. Fields, in bytes, big-endian:
 *   issuer    ver 1, root key 32, branch 16, issuer key 32, serial 16, not before 8, not after 8,
 *             signature 64
 *   identity  ver 1, organisation 32, branch 16, sign key 32, box key 32, issued at 8, issuer's
 *             serial 16, name 1 + n, sig. 64
 *   link      ver 1, organisation 32, branch 16, Noise key 32, serial 16, issuer's serial 16, not
 *             before 8, not after 8, sig. 64
 */
import { hash } from 'node:crypto'
import { FormatError, fromUtf8, Reader, utf8, Writer } from '../base/bytes.ts'
import { type BranchId, ID_BYTES } from '../base/ids.ts'
import { DAY, HOUR, type Millis } from '../base/units.ts'
import { SIGN_KEY_BYTES, SIGNATURE_BYTES, signBytes } from './signing.ts'
import { X25519_KEY_BYTES } from './x25519.ts'

/** An organisation: SHA-256 of its root public key, 64 hexadecimal characters. */
export type OrganisationId = string
/** 16 random bytes of a certificate, 32 hexadecimal characters. */
type Serial = string

/**
 * Long enough for a month's holiday of an issuer, short enough that a forgotten one ends by itself.
 */
export const ISSUER_LIFE_MS = 365 * DAY
/**
 * A branch cut off for longer renews before anything else; a stolen link key serves no longer than
 * this.
 */
export const LINK_LIFE_MS = 10 * DAY
/** Clocks of offices differ: a certificate is valid an hour before it was made. */
export const BACKDATE_MS = HOUR
/** A name that still fits a list and a certificate. */
export const BRANCH_NAME_BYTES_MAX = 64
export const ORGANISATION_ID_BYTES = 32

export const ISSUER_DOMAIN = 'issuer-certificate/1'
export const IDENTITY_DOMAIN = 'branch-identity/1'
export const LINK_DOMAIN = 'link-certificate/1'

/** Of every statement here and in revocation.ts; `parsed` takes no other. */
export const VERSION = 1

export type IssuerCertificate = {
  rootPublicKey: Uint8Array
  organisation: OrganisationId
  branch: BranchId
  issuerPublicKey: Uint8Array
  serial: Serial
  notBefore: Millis
  notAfter: Millis
  bytes: Uint8Array
}

export type BranchIdentity = {
  organisation: OrganisationId
  branch: BranchId
  name: string
  signPublicKey: Uint8Array
  boxPublicKey: Uint8Array
  issuedAt: Millis
  issuerSerial: Serial
  bytes: Uint8Array
}

export type LinkCertificate = {
  organisation: OrganisationId
  branch: BranchId
  noisePublicKey: Uint8Array
  serial: Serial
  issuerSerial: Serial
  notBefore: Millis
  notAfter: Millis
  bytes: Uint8Array
}

/** A branch's right to issue: its certificate and the secret key that goes with it. */
export type Issuer = { certificate: IssuerCertificate; secretKey: Uint8Array }

/** The id of the organisation that a root key founds. */
export function organisationIdOf(rootPublicKey: Uint8Array): OrganisationId {
  return hash('sha256', rootPublicKey, 'hex')
}

/** The id of the branch that signs with a key: nobody can take the id of another. */
export function branchIdOf(signPublicKey: Uint8Array): BranchId {
  return hash('sha256', signPublicKey, 'hex').slice(0, ID_BYTES * 2) as BranchId
}

/** Whether a text can be a branch's name: not empty, one line without hidden characters, at most 64 bytes. */
export function isBranchName(name: string): boolean {
  const isOneLine = !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u.test(name)
  return (
    name.trim() === name && name !== '' && isOneLine && utf8(name).length <= BRANCH_NAME_BYTES_MAX
  )
}

/** The root key names an issuer for a year. */
export function issueIssuerCertificate(
  root: { secretKey: Uint8Array; publicKey: Uint8Array },
  subject: { branch: BranchId; issuerPublicKey: Uint8Array; serial: Uint8Array; now: Millis },
): IssuerCertificate {
  const body = new Writer()
    .u8(VERSION)
    .bytes(exactly(root.publicKey, SIGN_KEY_BYTES))
    .hex(subject.branch)
    .bytes(exactly(subject.issuerPublicKey, SIGN_KEY_BYTES))
    .bytes(exactly(subject.serial, ID_BYTES))
    .u64(Math.max(0, subject.now - BACKDATE_MS))
    .u64(subject.now + ISSUER_LIFE_MS)
    .done()
  return made(parseIssuerCertificate(signed(root.secretKey, ISSUER_DOMAIN, body)))
}

/** An issuer says who a branch is; this has no end, only a revocation. */
export function issueBranchIdentity(
  issuer: Issuer,
  subject: { name: string; signPublicKey: Uint8Array; boxPublicKey: Uint8Array; now: Millis },
): BranchIdentity {
  const name = utf8(subject.name)
  const body = new Writer()
    .u8(VERSION)
    .hex(issuer.certificate.organisation)
    .hex(branchIdOf(subject.signPublicKey))
    .bytes(exactly(subject.signPublicKey, SIGN_KEY_BYTES))
    .bytes(exactly(subject.boxPublicKey, X25519_KEY_BYTES))
    .u64(subject.now)
    .hex(issuer.certificate.serial)
    .u8(name.length)
    .bytes(name)
    .done()
  return made(parseBranchIdentity(signed(issuer.secretKey, IDENTITY_DOMAIN, body)))
}

/**
 * An issuer says which Noise key a branch uses for the next ten days, but never longer than it may
 * issue itself.
 */
export function issueLinkCertificate(
  issuer: Issuer,
  subject: { branch: BranchId; noisePublicKey: Uint8Array; serial: Uint8Array; now: Millis },
): LinkCertificate {
  const body = new Writer()
    .u8(VERSION)
    .hex(issuer.certificate.organisation)
    .hex(subject.branch)
    .bytes(exactly(subject.noisePublicKey, X25519_KEY_BYTES))
    .bytes(exactly(subject.serial, ID_BYTES))
    .hex(issuer.certificate.serial)
    .u64(Math.max(0, subject.now - BACKDATE_MS))
    .u64(Math.min(subject.now + LINK_LIFE_MS, issuer.certificate.notAfter))
    .done()
  return made(parseLinkCertificate(signed(issuer.secretKey, LINK_DOMAIN, body)))
}

/**
 * An issuer certificate of these bytes, or undefined when they have not its form. Signatures:
 * `verifyChain`.
 */
export function parseIssuerCertificate(bytes: Uint8Array): IssuerCertificate | undefined {
  return parsed(bytes, (from) => {
    const rootPublicKey = from.bytes(SIGN_KEY_BYTES).slice()
    return {
      rootPublicKey,
      organisation: organisationIdOf(rootPublicKey),
      branch: from.hex(ID_BYTES) as BranchId,
      issuerPublicKey: from.bytes(SIGN_KEY_BYTES).slice(),
      serial: from.hex(ID_BYTES),
      notBefore: from.u64(),
      notAfter: from.u64(),
    }
  })
}

/**
 * A branch's identity of these bytes, or undefined when they have not its form. Signatures:
 * `verifyChain`.
 */
export function parseBranchIdentity(bytes: Uint8Array): BranchIdentity | undefined {
  return parsed(bytes, (from) => {
    const fields = {
      organisation: from.hex(ORGANISATION_ID_BYTES),
      branch: from.hex(ID_BYTES) as BranchId,
      signPublicKey: from.bytes(SIGN_KEY_BYTES).slice(),
      boxPublicKey: from.bytes(X25519_KEY_BYTES).slice(),
      issuedAt: from.u64(),
      issuerSerial: from.hex(ID_BYTES),
      name: fromUtf8(from.bytes(from.u8())),
    }
    if (!isBranchName(fields.name)) throw new FormatError('The name is not one')
    return fields
  })
}

/**
 * A link certificate of these bytes, or undefined when they have not its form. Signatures:
 * `verifyChain`.
 */
export function parseLinkCertificate(bytes: Uint8Array): LinkCertificate | undefined {
  return parsed(bytes, (from) => ({
    organisation: from.hex(ORGANISATION_ID_BYTES),
    branch: from.hex(ID_BYTES) as BranchId,
    noisePublicKey: from.bytes(X25519_KEY_BYTES).slice(),
    serial: from.hex(ID_BYTES),
    issuerSerial: from.hex(ID_BYTES),
    notBefore: from.u64(),
    notAfter: from.u64(),
  }))
}

/**
 * Whether half of a certificate's life is over: time for the next one, with days (of an issuer:
 * months) to spare. Or whether it has not begun: whoever signed it had a clock that was ahead.
 */
export function isDueForRenewal(
  certificate: { notBefore: Millis; notAfter: Millis },
  now: Millis,
): boolean {
  const { notBefore, notAfter } = certificate
  return now < notBefore || now >= notBefore + (notAfter - notBefore) / 2
}

/** The signed part of an object and its signature. */
export function signedParts(bytes: Uint8Array): { body: Uint8Array; signature: Uint8Array } {
  const at = bytes.length - SIGNATURE_BYTES
  return { body: bytes.subarray(0, at), signature: bytes.subarray(at) }
}

/** A signed part with its signature behind it. */
export function signed(secretKey: Uint8Array, domain: string, body: Uint8Array): Uint8Array {
  return new Writer()
    .bytes(body)
    .bytes(signBytes(secretKey, domain, body))
    .done()
}

/** Reads version, fields and signature; whatever does not fit exactly is no object at all. */
export function parsed<Fields extends object>(
  bytes: Uint8Array,
  fieldsOf: (from: Reader) => Fields,
): (Fields & { bytes: Uint8Array }) | undefined {
  try {
    const from = new Reader(bytes)
    if (from.u8() !== VERSION) return undefined
    const fields = fieldsOf(from)
    from.bytes(SIGNATURE_BYTES)
    from.end()
    return { ...fields, bytes: bytes.slice() }
  } catch (error) {
    if (error instanceof FormatError || error instanceof TypeError) return undefined
    throw error
  }
}

/** What was just made, parsed: what does not parse was asked for with wrong fields. */
export function made<T>(object: T | undefined): T {
  if (!object) throw new TypeError('A certificate was asked for with fields it cannot hold')
  return object
}

function exactly(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length !== length) throw new TypeError(`A field of a certificate has ${length} bytes`)
  return bytes
}
