/**
 * JOIN_REQ and JOIN_RES (docs/protocol.md): what a new branch says over the link that its
 * invitation opened, and what it gets: everything it needs to be a branch. Nothing here is kept;
 * the inviter redeems an invitation in one transaction and gives the same sign key the same answer
 * again.
 *   request   ver 1, sign key 32, box key 32, Noise key 32, name 1 + n (0 = none), addresses,
 *             signature 64
 *   response  ver 1, code 1 (0 = joined), and if joined: issuer, identity, link certificate,
 *             inviter's
 *             identity (2 + n each), link key's epoch 4, link key 32, revocations 4 + n
 */
import { concat, equal, FormatError, fromUtf8, Reader, utf8, Writer } from '../base/bytes.ts'
import type { BranchId } from '../base/ids.ts'
import {
  type BranchIdentity,
  branchIdOf,
  type IssuerCertificate,
  isBranchName,
  type LinkCertificate,
  parseBranchIdentity,
  parseIssuerCertificate,
  parseLinkCertificate,
} from './certificate.ts'
import { type ChainRefusal, type Trust, verifyChain } from './chain.ts'
import { encodeAddresses, type Invitation, readAddresses } from './invitation.ts'
import type { BranchKeys, LinkKey } from './keys.ts'
import { SIGN_KEY_BYTES, SIGNATURE_BYTES, signBytes, verifyBytes } from './signing.ts'
import { X25519_KEY_BYTES } from './x25519.ts'

const JOIN_DOMAIN = 'join-request/1'
/**
 * Revocations of an organisation's first years; the relay sends longer lists in frames of their
 * own.
 */
export const CRL_BYTES_MAX = 32_768
const LINK_KEY_BYTES = 32

const VERSION = 1

/** Why a branch was not let in; the place in the list is the code on the wire, 0 means joined. */
export const JOIN_REFUSALS = [
  'joined',
  'used',
  'expired',
  'withdrawn',
  'name-taken',
  'not-an-issuer',
  'not-signed',
] as const
export type JoinRefusal = Exclude<(typeof JOIN_REFUSALS)[number], 'joined'>

export type JoinRequest = {
  branch: BranchId
  signPublicKey: Uint8Array
  boxPublicKey: Uint8Array
  noisePublicKey: Uint8Array
  /** A name the new branch would like; the inviter decides. */
  name: string | undefined
  /** Where its relay can be reached, as `host:port`. */
  addresses: string[]
  bytes: Uint8Array
}

export type Joined = {
  issuer: IssuerCertificate
  identity: BranchIdentity
  link: LinkCertificate
  inviter: BranchIdentity
  linkKey: LinkKey
  crl: Uint8Array
}

type JoinResponse = ({ ok: true } & Joined) | { ok: false; reason: JoinRefusal }

/** The bytes that ask to become a branch, signed over this link's handshake hash. */
export function joinRequest(
  keys: BranchKeys,
  handshakeHash: Uint8Array,
  wish: { name?: string; addresses: readonly string[] },
): Uint8Array {
  const name = utf8(wish.name ?? '')
  if (wish.name !== undefined && !isBranchName(wish.name)) {
    throw new TypeError('The name cannot be a branch name')
  }
  const body = new Writer()
    .u8(VERSION)
    .bytes(keys.sign.publicKey)
    .bytes(keys.box.publicKey)
    .bytes(keys.noise.publicKey)
    .u8(name.length)
    .bytes(name)
    .bytes(encodeAddresses(wish.addresses))
    .done()
  const bound = concat(handshakeHash, body)
  return concat(body, signBytes(keys.sign.secretKey, JOIN_DOMAIN, bound))
}

/** A request of these bytes, or undefined when they have not its form. */
export function parseJoinRequest(bytes: Uint8Array): JoinRequest | undefined {
  return strictly(bytes, (from) => {
    const signPublicKey = from.bytes(SIGN_KEY_BYTES).slice()
    const request = {
      branch: branchIdOf(signPublicKey),
      signPublicKey,
      boxPublicKey: from.bytes(X25519_KEY_BYTES).slice(),
      noisePublicKey: from.bytes(X25519_KEY_BYTES).slice(),
      name: fromUtf8(from.bytes(from.u8())) || undefined,
      addresses: readAddresses(from),
      bytes: bytes.slice(),
    }
    from.bytes(SIGNATURE_BYTES)
    if (request.name !== undefined && !isBranchName(request.name)) return undefined
    return request
  })
}

/**
 * Whether the request was signed for this very link by its own sign key, and names the key the link
 * proved.
 */
export function isJoinSigned(
  request: JoinRequest,
  link: { handshakeHash: Uint8Array; remoteStatic: Uint8Array },
): boolean {
  if (!equal(request.noisePublicKey, link.remoteStatic)) return false
  const end = request.bytes.length - SIGNATURE_BYTES
  const bound = concat(link.handshakeHash, request.bytes.subarray(0, end))
  return verifyBytes(request.signPublicKey, JOIN_DOMAIN, bound, request.bytes.subarray(end))
}

/** The bytes of the inviter's answer. */
export function joinResponse(response: JoinResponse): Uint8Array {
  const writer = new Writer().u8(VERSION)
  if (!response.ok) return writer.u8(JOIN_REFUSALS.indexOf(response.reason)).done()
  const { issuer, identity, link, inviter, linkKey, crl } = response
  if (crl.length > CRL_BYTES_MAX) throw new RangeError('The revocations are too long')
  writer.u8(0)
  for (const { bytes } of [issuer, identity, link, inviter]) writer.u16(bytes.length).bytes(bytes)
  writer.u32(linkKey.epoch).bytes(linkKey.key)
  return writer.u32(crl.length).bytes(crl).done()
}

/**
 * An answer of these bytes, or undefined when they have not its form. `refusalOfJoined` judges it.
 */
export function parseJoinResponse(bytes: Uint8Array): JoinResponse | undefined {
  return strictly<JoinResponse>(bytes, (from) => {
    const reason = JOIN_REFUSALS[from.u8()]
    if (reason === undefined) return undefined
    if (reason !== 'joined') return { ok: false, reason }
    const part = () => from.bytes(from.u16())
    const issuer = parseIssuerCertificate(part())
    const identity = parseBranchIdentity(part())
    const link = parseLinkCertificate(part())
    const inviter = parseBranchIdentity(part())
    const linkKey = { epoch: from.u32(), key: from.bytes(LINK_KEY_BYTES).slice() }
    const crlBytes = from.u32()
    if (crlBytes > CRL_BYTES_MAX) return undefined
    const crl = from.bytes(crlBytes).slice()
    if (!issuer || !identity || !link || !inviter) return undefined
    return { ok: true, issuer, identity, link, inviter, linkKey, crl }
  })
}

/** Why what the inviter gave is not what this branch asked for; undefined when all is right. */
export function refusalOfJoined(
  joined: Joined,
  asked: { invitation: Invitation; keys: BranchKeys },
  trust: Omit<Trust, 'organisation'>,
): ChainRefusal | 'other-inviter' | 'other-keys' | undefined {
  const { identity, link, inviter } = joined
  if (inviter.branch !== asked.invitation.inviter) return 'other-inviter'
  const { sign, box, noise } = asked.keys
  const isMine =
    equal(identity.signPublicKey, sign.publicKey) &&
    equal(identity.boxPublicKey, box.publicKey) &&
    equal(link.noisePublicKey, noise.publicKey)
  if (!isMine) return 'other-keys'
  const { organisation } = asked.invitation
  const verdict = verifyChain(joined, { ...trust, organisation })
  return verdict.ok ? undefined : verdict.reason
}

/** Runs a parser that must use up all bytes; whatever does not fit exactly is nothing. */
function strictly<T>(bytes: Uint8Array, parse: (from: Reader) => T | undefined): T | undefined {
  try {
    const from = new Reader(bytes)
    if (from.u8() !== VERSION) return undefined
    const object = parse(from)
    if (object !== undefined) from.end()
    return object
  } catch (error) {
    if (error instanceof FormatError || error instanceof TypeError) return undefined
    throw error
  }
}
