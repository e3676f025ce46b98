/**
 * RENEW_REQ and RENEW_RES (docs/protocol.md): a branch draws a new Noise key and asks an issuer,
 * over a live link, for the next ten days. The request is signed by the branch's own key over the
 * handshake hash, so it cannot be carried to another link. The new key itself is proved when it is
 * first used.
 *   request   ver 1, branch 16, new Noise key 32, signature 64
 *   response  ver 1, code 1 (0 = granted), and if granted: issuer 2 + n, link certificate 2 + n
 */
import { concat, FormatError, Reader, Writer } from '../base/bytes.ts'
import { type BranchId, ID_BYTES } from '../base/ids.ts'
import {
  type IssuerCertificate,
  type LinkCertificate,
  parseIssuerCertificate,
  parseLinkCertificate,
} from './certificate.ts'
import type { Chain } from './chain.ts'
import { SIGNATURE_BYTES, signBytes, verifyBytes } from './signing.ts'
import { X25519_KEY_BYTES } from './x25519.ts'

const RENEWAL_DOMAIN = 'renewal-request/1'

const VERSION = 1
const BODY_BYTES = 1 + ID_BYTES + X25519_KEY_BYTES

/** Why no certificate was given; the place in the list is the code on the wire, 0 means granted. */
export const RENEWAL_REFUSALS = [
  'granted',
  'not-an-issuer',
  'unknown-branch',
  'revoked',
  'not-signed',
] as const
type RenewalRefusal = Exclude<(typeof RENEWAL_REFUSALS)[number], 'granted'>

type RenewalRequest = { branch: BranchId; noisePublicKey: Uint8Array; bytes: Uint8Array }

export type RenewalResponse =
  | { ok: true; issuer: IssuerCertificate; link: LinkCertificate }
  | { ok: false; reason: RenewalRefusal }

/** The bytes that ask for a certificate of a new Noise key, valid on one link only. */
export function renewalRequest(asked: {
  branch: BranchId
  noisePublicKey: Uint8Array
  signSecretKey: Uint8Array
  handshakeHash: Uint8Array
}): Uint8Array {
  const body = new Writer().u8(VERSION).hex(asked.branch).bytes(asked.noisePublicKey).done()
  const bound = concat(asked.handshakeHash, body)
  return concat(body, signBytes(asked.signSecretKey, RENEWAL_DOMAIN, bound))
}

/** A request of these bytes, or undefined when they have not its form. */
export function parseRenewalRequest(bytes: Uint8Array): RenewalRequest | undefined {
  if (bytes.length !== BODY_BYTES + SIGNATURE_BYTES) return undefined
  const from = new Reader(bytes)
  if (from.u8() !== VERSION) return undefined
  return {
    branch: from.hex(ID_BYTES) as BranchId,
    noisePublicKey: from.bytes(X25519_KEY_BYTES).slice(),
    bytes: bytes.slice(),
  }
}

/** Whether the branch signed this request for this very link. */
export function isRenewalSigned(
  request: RenewalRequest,
  by: { signPublicKey: Uint8Array; handshakeHash: Uint8Array },
): boolean {
  const bound = concat(by.handshakeHash, request.bytes.subarray(0, BODY_BYTES))
  return verifyBytes(by.signPublicKey, RENEWAL_DOMAIN, bound, request.bytes.subarray(BODY_BYTES))
}

/** The bytes of an issuer's answer. */
export function renewalResponse(response: RenewalResponse): Uint8Array {
  const writer = new Writer().u8(VERSION)
  if (!response.ok) return writer.u8(RENEWAL_REFUSALS.indexOf(response.reason)).done()
  writer.u8(0)
  for (const { bytes } of [response.issuer, response.link]) writer.u16(bytes.length).bytes(bytes)
  return writer.done()
}

/** An answer of these bytes, or undefined when they have not its form. `verifyChain` judges it. */
export function parseRenewalResponse(bytes: Uint8Array): RenewalResponse | undefined {
  try {
    const from = new Reader(bytes)
    if (from.u8() !== VERSION) return undefined
    const reason = RENEWAL_REFUSALS[from.u8()]
    if (reason === undefined) return undefined
    if (reason !== 'granted') {
      from.end()
      return { ok: false, reason }
    }
    const issuer = parseIssuerCertificate(from.bytes(from.u16()))
    const link = parseLinkCertificate(from.bytes(from.u16()))
    from.end()
    return issuer && link ? { ok: true, issuer, link } : undefined
  } catch (error) {
    if (error instanceof FormatError) return undefined
    throw error
  }
}

/**
 * The chain with the new link certificate; the issuer of the identity stays in it when it was
 * another.
 */
export function renewedChain(
  chain: Chain,
  { issuer, link }: { issuer: IssuerCertificate; link: LinkCertificate },
): Chain {
  const { identity } = chain
  if (issuer.serial === identity.issuerSerial) return { issuer, identity, link }
  return { issuer, identity, link, identityIssuer: chain.identityIssuer ?? chain.issuer }
}
