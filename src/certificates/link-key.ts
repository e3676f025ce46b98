/**
 * The organisation's link key changes: the word of an issuer that there is a new one, for which epoch, and which
 * branches must never get it. The key itself is not in it, only its hash. Which epochs open what: `servedKeys`.
 * Fields, in bytes, big-endian: ver 1, organisation 32, issuer's serial 16, epoch 4, key hash 32, flags 1 (bit 0: a
 * revocation is the reason), issued at 8, number of revoked branches 2, of each its id 16, signature 64.
 */
import { hash } from 'node:crypto'
import { concat, equal, FormatError, utf8, Writer } from '../base/bytes.ts'
import { type BranchId, ID_BYTES } from '../base/ids.ts'
import { DAY, type Millis } from '../base/units.ts'
import {
  type Issuer,
  type IssuerCertificate,
  LINK_LIFE_MS,
  made,
  ORGANISATION_ID_BYTES,
  type OrganisationId,
  parsed,
  signed,
  VERSION,
} from './certificate.ts'
import { type ChainRefusal, isIssuedBy, refusalOfIssuer, type Trust } from './chain.ts'
import type { StoredLinkKey } from './keys.ts'

/**
 * How long a link key still opens links after a newer one was learned, unless a revocation is why there is a newer one.
 * Whoever was away for longer has to renew its certificate before anything else, and gets the new key there.
 */
const OVERLAP_MS: Millis = LINK_LIFE_MS
/** A year away, and a month: so long an older key still opens calls that renew, and these bring the new one. */
const LINK_KEY_LIFE_MS: Millis = 400 * DAY
/** The statement, the issuer and the key fit one control frame; the last that were revoked are named. */
export const REVOKED_NAMED_MAX = 200

const DOMAIN = 'link-key/1'
const HASH_DOMAIN = 'link-key-hash/1'
const HASH_BYTES = 32
export const LINK_KEY_BYTES = 32
const FOR_REVOCATION = 0b1
/** The upper half of an epoch counts, the lower half is drawn: two issuers that rotate at once get two epochs. */
const COUNT_STEP = 2 ** 16
const EPOCH_MAX = 2 ** 32 - 1

export type LinkKeyStatement = {
  organisation: OrganisationId
  issuerSerial: string
  epoch: number
  keyHash: Uint8Array
  isForRevocation: boolean
  issuedAt: Millis
  /** These must not get it, whoever is asked: the last that were revoked. */
  revoked: readonly BranchId[]
  bytes: Uint8Array
}

/** The epoch after all of these; `chance` is below 65,536. */
export function nextEpoch(newest: number, chance: number): number {
  const epoch = (Math.floor(newest / COUNT_STEP) + 1) * COUNT_STEP + chance
  if (epoch > EPOCH_MAX) throw new RangeError('There is no epoch after this one')
  return epoch
}

/** What decides which of two is the newer one: `below` is an epoch that ranks above this one's. */
type Ranked = { epoch: number; below?: number }

/**
 * The newest first. Epochs count, but whoever is revoked as an issuing branch must not have the last word by having
 * used up the numbers: what it drew ranks below the statement that names it as revoked.
 */
export function byRank(a: Ranked, b: Ranked): number {
  const rank = ({ epoch, below = epoch + 1 }: Ranked) => (below <= epoch ? below - 0.5 : epoch)
  return rank(b) - rank(a) || b.epoch - a.epoch
}

/** The lowest of the statements that name this issuer as revoked; undefined: none does. */
export function rankedBelow(
  issuer: BranchId | undefined,
  statements: readonly Pick<LinkKeyStatement, 'epoch' | 'revoked'>[],
): number | undefined {
  const above = statements.filter(({ revoked }) => issuer !== undefined && revoked.includes(issuer))
  return above.length === 0 ? undefined : Math.min(...above.map(({ epoch }) => epoch))
}

/** For people: the first link key, the second one. */
export function linkKeyNumber(epoch: number): number {
  return Math.floor(epoch / COUNT_STEP) + 1
}

/** An issuer's word that there is a new link key. */
export function issueLinkKey(
  issuer: Issuer,
  of: Pick<LinkKeyStatement, 'epoch' | 'isForRevocation' | 'revoked'> & {
    key: Uint8Array
    now: Millis
  },
): LinkKeyStatement {
  const writer = new Writer()
    .u8(VERSION)
    .hex(issuer.certificate.organisation)
    .hex(issuer.certificate.serial)
    .u32(of.epoch)
    .bytes(hashOf(of.key))
    .u8(of.isForRevocation ? FOR_REVOCATION : 0)
    .u64(of.now)
    .u16(of.revoked.length)
  for (const branch of of.revoked) writer.hex(branch)
  return made(parseLinkKeyStatement(signed(issuer.secretKey, DOMAIN, writer.done())))
}

/** A statement of these bytes, or undefined when they have not its form. Signature: `refusalOfLinkKey`. */
export function parseLinkKeyStatement(bytes: Uint8Array): LinkKeyStatement | undefined {
  return parsed(bytes, (from) => {
    const fields = {
      organisation: from.hex(ORGANISATION_ID_BYTES),
      issuerSerial: from.hex(ID_BYTES),
      epoch: from.u32(),
      keyHash: from.bytes(HASH_BYTES).slice(),
      isForRevocation: (from.u8() & FOR_REVOCATION) !== 0,
      issuedAt: from.u64(),
    }
    const count = from.u16()
    if (count > REVOKED_NAMED_MAX) throw new FormatError('Too many')
    const revoked: BranchId[] = []
    for (let i = 0; i < count; i++) revoked.push(from.hex(ID_BYTES) as BranchId)
    return { ...fields, revoked }
  })
}

/** Whether an issuer of the organisation said so; like an identity it outlives its issuer's certificate. */
export function refusalOfLinkKey(
  statement: LinkKeyStatement,
  issuer: IssuerCertificate,
  trust: Trust,
): ChainRefusal | 'link-key-not-signed' | undefined {
  const ofIssuer = refusalOfIssuer(issuer, trust)
  if (ofIssuer) return ofIssuer
  if (statement.organisation !== trust.organisation) return 'other-organisation'
  return isIssuedBy(issuer, DOMAIN, statement) ? undefined : 'link-key-not-signed'
}

/** Whether this is the key that a statement speaks of. */
export function isKeyOf(statement: Pick<LinkKeyStatement, 'keyHash'>, key: Uint8Array): boolean {
  return equal(hashOf(key), statement.keyHash)
}

function hashOf(key: Uint8Array): Uint8Array {
  return new Uint8Array(hash('sha256', concat(utf8(HASH_DOMAIN), key), 'buffer'))
}

/**
 * The link keys a caller may use, of all that are known, newest first. For links: the newest, and the ones before for
 * the overlap, but none from before a revocation. For calls that renew: every one that is not forgotten yet.
 */
export function servedKeys(
  keys: readonly StoredLinkKey[],
  kind: 'link' | 'renew',
  now: Millis,
): readonly StoredLinkKey[] {
  return keys.filter((_, at) => {
    const newer = keys.slice(0, at)
    if (kind === 'renew' || newer.length === 0) return true
    const isShutOut = newer.some(({ isForRevocation }) => isForRevocation)
    return !isShutOut && now < supersededAt(newer) + OVERLAP_MS
  })
}

/** Those of all known keys, newest first, that are not older than they may become. */
export function keptKeys(keys: readonly StoredLinkKey[], now: Millis): StoredLinkKey[] {
  return keys.filter((_, at) => {
    const newer = keys.slice(0, at)
    return newer.length === 0 || now < supersededAt(newer) + LINK_KEY_LIFE_MS
  })
}

/** When the first of the newer keys was learned. */
function supersededAt(newer: readonly StoredLinkKey[]): Millis {
  return Math.min(...newer.map(({ since }) => since))
}
