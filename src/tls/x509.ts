/**
 * Certificates for browsers as they are read (RFC 5280): what a key or a certificate says, and the forms in which TLS
 * servers and people take them. `making.ts` makes them.
 */
import {
  createECDH,
  createHash,
  createPrivateKey,
  createPublicKey,
  X509Certificate,
} from 'node:crypto'
import type { Millis } from '../base/units.ts'

/** 32 bytes, a number below the order of P-256. */
export type TlsKey = Uint8Array
/** A certificate as DER. */
export type Der = Uint8Array

/** SEC 1, 2.3.3: a byte that names the form, and two coordinates. */
const POINT_BYTES = 65
const UNCOMPRESSED = 4

/** The public half of a key: an uncompressed point, 65 bytes. */
export function publicPoint(key: TlsKey): Uint8Array {
  const curve = createECDH('prime256v1')
  curve.setPrivateKey(key)
  return new Uint8Array(curve.getPublicKey())
}

/** Whether the bytes are an uncompressed point of the curve. */
export function isPublicPoint(bytes: Uint8Array): boolean {
  if (bytes.length !== POINT_BYTES || bytes[0] !== UNCOMPRESSED) return false
  try {
    createPublicKey({
      ...{ key: bytes, format: 'raw-public', asymmetricKeyType: 'ec', namedCurve: 'P-256' },
    })
    return true
  } catch {
    return false
  }
}

/** A certificate of these bytes; undefined when they are none. */
function parseCertificate(der: Uint8Array): X509Certificate | undefined {
  try {
    return new X509Certificate(der)
  } catch {
    return undefined
  }
}

/** Whether `issuer` may sign `certificate`, and did. */
export function isIssuedBy(certificate: Der, issuer: Der): boolean {
  const [below, above] = [parseCertificate(certificate), parseCertificate(issuer)]
  return below !== undefined && above !== undefined && isSigned(below, above)
}

function isSigned(below: X509Certificate, above: X509Certificate): boolean {
  return below.checkIssued(above) && below.verify(above.publicKey)
}

/** The public key a certificate is for, as `publicPoint` gives it; empty when it is of another kind. */
export function pointOf(certificate: Der): Uint8Array {
  const { publicKey } = new X509Certificate(certificate)
  if (publicKey.asymmetricKeyType !== 'ec') return new Uint8Array()
  return new Uint8Array(publicKey.export({ format: 'raw-public' }))
}

/** When it begins and ends to be good. */
export function validityOf(certificate: Der): { notBefore: Millis; notAfter: Millis } {
  const { validFromDate, validToDate } = new X509Certificate(certificate)
  return { notBefore: validFromDate.getTime(), notAfter: validToDate.getTime() }
}

/** SHA-256 of the certificate in groups of four, for people who compare. */
export function fingerprintOf(certificate: Der): string {
  const digest = createHash('sha256').update(certificate).digest('hex').toUpperCase()
  return (digest.match(/.{4}/g) ?? []).join(' ')
}

/** RFC 7468. */
export function pemOf(certificate: Der): string {
  const lines = certificate.toBase64().match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

/** The key as TLS servers take it. */
export function keyPemOf(key: TlsKey): string {
  const point = Buffer.from(publicPoint(key))
  const jwk = {
    ...{ kty: 'EC', crv: 'P-256', d: Buffer.from(key).toString('base64url') },
    x: point.subarray(1, 33).toString('base64url'),
    y: point.subarray(33).toString('base64url'),
  }
  return createPrivateKey({ key: jwk, format: 'jwk' })
    .export({ type: 'pkcs8', format: 'pem' })
    .toString()
}
