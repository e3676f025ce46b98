/**
 * Makes X.509 certificates for browsers (RFC 5280): the organisation's root, a branch's intermediate that can speak for
 * that branch's names only, the server's own certificate under it, and one signed by itself. The library lays out the
 * bytes, noble signs them (ECDSA with P-256 and SHA-256; RFC 6979, so that equal chance gives equal certificates).
 * Only what makes one loads this file: the library is a tenth of what a start would load.
 */
import { createHash } from 'node:crypto'
import { p256 } from '@noble/curves/nist.js'
import { AsnConvert, OctetString } from '@peculiar/asn1-schema'
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  GeneralName,
  GeneralSubtree,
  GeneralSubtrees,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_nameConstraints,
  id_ce_subjectAltName,
  id_ce_subjectKeyIdentifier,
  id_kp_serverAuth,
  KeyUsage,
  KeyUsageFlags,
  Name,
  NameConstraints,
  RelativeDistinguishedName,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
} from '@peculiar/asn1-x509'
import { DAY, type Millis } from '../base/units.ts'
import { isAddress } from './names.ts'
import { type Der, publicPoint, type TlsKey, validityOf } from './x509.ts'

/** Whom a certificate is about: the organisation, and what of it. */
type Subject = { organisation: string; name: string }

/** A certificate that signs others, with its key. */
export type Signer = { certificate: Der; key: TlsKey }

/** Rolling a root out to every machine is a day's work of an office: rarely. */
const ROOT_DAYS = 20 * 365
/** Below the 398 days that browsers allow a server; the root's key may stay in a safe for most of a year. */
const INTERMEDIATE_DAYS = 397
const LEAF_DAYS = 30
/** Machines without the Internet keep poor time. */
const BACKDATED_MS: Millis = DAY
/** RFC 5280, appendix A: ub-common-name, ub-organization-name. */
const NAME_CHARACTERS_MAX = 64
/** RFC 5280, 4.2.1.2 wants it short and unique; 160 bits as everybody has. */
const KEY_ID_BYTES = 20
const SERIAL_BYTES = 16

const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2'
const EC_PUBLIC_KEY = '1.2.840.10045.2.1'
const P256 = Uint8Array.from([6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]) // OID 1.2.840.10045.3.1.7
const COMMON_NAME = '2.5.4.3'
const ORGANISATION = '2.5.4.10'

type RandomBytes = (length: number) => Uint8Array
type Made = { now: Millis; randomBytes: RandomBytes }

/** A new key. */
export function newTlsKey(randomBytes: RandomBytes): TlsKey {
  return p256.utils.randomSecretKey(randomBytes(48)) // 48: the remainder by the order is even enough
}

/** The organisation's root, signed by itself. */
export function makeRoot(key: TlsKey, subject: Subject, made: Made): Der {
  const point = publicPoint(key)
  return signed(key, {
    ...made,
    days: ROOT_DAYS,
    issuer: nameOf(subject),
    subject: nameOf(subject),
    point,
    extensions: [
      basicConstraints({ cA: true, pathLenConstraint: 1 }),
      keyUsage(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign),
      keyIdOf(point),
    ],
  })
}

/** A branch's own issuer: below it there are only servers, and only of these names (RFC 5280, 4.2.1.10). */
export function makeIntermediate(
  root: Signer,
  wish: { point: Uint8Array; names: readonly string[]; subject: Subject },
  made: Made,
): Der {
  return under(root, {
    ...made,
    days: INTERMEDIATE_DAYS,
    subject: nameOf(wish.subject),
    point: wish.point,
    extensions: [
      basicConstraints({ cA: true, pathLenConstraint: 0 }),
      keyUsage(KeyUsageFlags.keyCertSign),
      serverAuth(), // browsers apply it to what is below: no mail, no code
      nameConstraints(wish.names),
    ],
  })
}

/** The certificate a server shows. */
export function makeLeaf(
  intermediate: Signer,
  wish: { key: TlsKey; names: readonly string[]; subject: Subject },
  made: Made,
): Der {
  const point = publicPoint(wish.key)
  const extensions = leafExtensions(wish.names)
  const subject = nameOf(wish.subject)
  return under(intermediate, { ...made, days: LEAF_DAYS, subject, point, extensions })
}

/** What serves until the organisation's certificate is there: signed by itself. */
export function makeSelfSigned(
  wish: { key: TlsKey; names: readonly string[]; subject: Subject },
  made: Made,
): Der {
  const name = nameOf(wish.subject)
  const point = publicPoint(wish.key)
  const extensions = [...leafExtensions(wish.names), keyIdOf(point)]
  return signed(wish.key, {
    ...{ ...made, days: LEAF_DAYS, issuer: name, subject: name, point, extensions },
  })
}

type Layout = Made & {
  days: number
  subject: Name
  point: Uint8Array
  extensions: readonly Extension[]
}

function under(signer: Signer, layout: Layout): Der {
  const { subject } = AsnConvert.parse(signer.certificate, Certificate).tbsCertificate
  const above = publicPoint(signer.key)
  const notAfterMax = validityOf(signer.certificate).notAfter
  const authority = new AuthorityKeyIdentifier({
    keyIdentifier: new SubjectKeyIdentifier(keyId(above)),
  })
  const extensions = [
    ...layout.extensions,
    keyIdOf(layout.point),
    extension(id_ce_authorityKeyIdentifier, authority),
  ]
  return signed(signer.key, { ...layout, issuer: subject, notAfterMax, extensions })
}

function signed(key: TlsKey, of: Layout & { issuer: Name; notAfterMax?: Millis }): Der {
  const algorithm = new AlgorithmIdentifier({ algorithm: ECDSA_WITH_SHA256 })
  const notAfter = Math.min(of.now + of.days * DAY, of.notAfterMax ?? Number.POSITIVE_INFINITY)
  const tbsCertificate = new TBSCertificate({
    version: 2, // v3
    serialNumber: bufferOf(serial(of.randomBytes)),
    signature: algorithm,
    issuer: of.issuer,
    validity: new Validity({
      notBefore: new Date(of.now - BACKDATED_MS),
      notAfter: new Date(notAfter),
    }),
    subject: of.subject,
    subjectPublicKeyInfo: new SubjectPublicKeyInfo({
      algorithm: new AlgorithmIdentifier({ algorithm: EC_PUBLIC_KEY, parameters: bufferOf(P256) }),
      subjectPublicKey: bufferOf(of.point),
    }),
    extensions: new Extensions([...of.extensions]),
  })
  const toSign = new Uint8Array(AsnConvert.serialize(tbsCertificate))
  const signature = p256.sign(toSign, key, { prehash: true, format: 'der' })
  const certificate = new Certificate({
    tbsCertificate,
    signatureAlgorithm: algorithm,
    signatureValue: bufferOf(signature),
  })
  return new Uint8Array(AsnConvert.serialize(certificate))
}

/** RFC 5280, 4.1.2.2: positive, at most 20 bytes. */
function serial(randomBytes: RandomBytes): Uint8Array {
  const bytes = randomBytes(SERIAL_BYTES)
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40
  return bytes
}

function nameOf({ organisation, name }: Subject): Name {
  const part = (type: string, text: string) =>
    new RelativeDistinguishedName([
      new AttributeTypeAndValue({
        type,
        value: new AttributeValue({ utf8String: [...text].slice(0, NAME_CHARACTERS_MAX).join('') }),
      }),
    ])
  const common = part(COMMON_NAME, name)
  return new Name(organisation === '' ? [common] : [part(ORGANISATION, organisation), common])
}

function leafExtensions(names: readonly string[]): Extension[] {
  const alternatives = new SubjectAlternativeName(names.map(generalName))
  return [
    basicConstraints({ cA: false }),
    keyUsage(KeyUsageFlags.digitalSignature),
    serverAuth(),
    extension(id_ce_subjectAltName, alternatives),
  ]
}

function generalName(name: string): GeneralName {
  return new GeneralName(isAddress(name) ? { iPAddress: name } : { dNSName: name })
}

/** A type of name of which nothing is permitted would be free: there is always one of each (names.ts, OWN_NAMES). */
function nameConstraints(names: readonly string[]): Extension {
  const subtrees = names.map((name) => {
    const length = name.includes(':') ? 128 : 32
    const base = isAddress(name) ? { iPAddress: `${name}/${length}` } : { dNSName: name }
    return new GeneralSubtree({ base: new GeneralName(base), minimum: 0 })
  })
  const constraints = new NameConstraints({ permittedSubtrees: new GeneralSubtrees(subtrees) })
  return extension(id_ce_nameConstraints, constraints, true)
}

const basicConstraints = (of: Partial<BasicConstraints>) =>
  extension(id_ce_basicConstraints, new BasicConstraints(of), true)

const keyUsage = (flags: number) => extension(id_ce_keyUsage, new KeyUsage(flags), true)

const serverAuth = () => extension(id_ce_extKeyUsage, new ExtendedKeyUsage([id_kp_serverAuth]))

const keyIdOf = (point: Uint8Array) =>
  extension(id_ce_subjectKeyIdentifier, new SubjectKeyIdentifier(keyId(point)))

/** RFC 7093, 2, method 1. */
function keyId(point: Uint8Array): ArrayBuffer {
  return bufferOf(createHash('sha256').update(point).digest().subarray(0, KEY_ID_BYTES))
}

function extension(extnID: string, value: unknown, critical = false): Extension {
  const extnValue = new OctetString(AsnConvert.serialize(value))
  return new Extension({ extnID, critical, extnValue })
}

function bufferOf(bytes: Uint8Array): ArrayBuffer {
  return Uint8Array.from(bytes).buffer
}
