/**
 * What this branch shows on its links: the chain of its link certificate (a single value of the database), the Noise
 * key that goes with it and the organisation's link keys (files). Read anew by every handshake, because renewal changes
 * them while links live.
 */
import { equal } from '../base/bytes.ts'
import type { BranchId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import {
  type Issuer,
  type IssuerCertificate,
  parseIssuerCertificate,
} from '../certificates/certificate.ts'
import { type Chain, decodeHello, encodeHello } from '../certificates/chain.ts'
import type { KeyFiles } from '../certificates/keys.ts'
import { metaOf, putMeta } from '../db/meta.ts'
import type { Db } from '../db/open.ts'
import type { Clock } from '../world/clock.ts'
import type { Credentials } from './handshake.ts'

/** The key files the relay reads and writes. */
export type RelayKeys = Pick<
  KeyFiles,
  | 'findBranchKeys'
  | 'findNoiseKey'
  | 'addNoiseKey'
  | 'setNoiseKeys'
  | 'findIssuerKey'
  | 'findRootKey'
  | 'findRootLoan'
  | 'removeRootKey'
  | 'linkKeys'
  | 'saveLinkKey'
  | 'saveCard'
>

const CHAIN = 'linkChain'

/** Stores the chain of this branch's link certificate: at founding, joining and every renewal. */
export async function saveChain(tx: Db, chain: Chain): Promise<void> {
  await putMeta(tx, { [CHAIN]: encodeHello(chain).toBase64() })
}

/** The chain stored last; undefined before this branch is founded or has joined. */
export async function findChain(db: Db): Promise<Chain | undefined> {
  const value = await metaOf(db, CHAIN)
  return value === undefined ? undefined : decodeHello(Uint8Array.fromBase64(value))
}

/** Where the secret key of the right to issue lies: in a file of its own, or it is the branch's signing key. */
export type IssuerKeys = Pick<KeyFiles, 'findIssuerKey' | 'findBranchKeys'>

/**
 * The right to issue, where this branch has it: the newest certificate of its issuer key that has begun. One that has
 * not was made while a clock was ahead; it serves where there is no other.
 */
export async function findIssuer(
  db: Db,
  { self, keys, now }: { self: BranchId; keys: IssuerKeys; now: Millis },
): Promise<Issuer | undefined> {
  const rows = await db
    .selectFrom('issuer')
    .select('certificate')
    .where('branchId', '=', self)
    .orderBy('serial')
    .execute()
  if (rows.length === 0) return undefined
  const pairs = [keys.findIssuerKey(), keys.findBranchKeys()?.sign]
  let newest: Issuer | undefined
  for (const { certificate: bytes } of rows) {
    const certificate = parseIssuerCertificate(bytes)
    if (!certificate) continue
    const pair = pairs.find((each) => each && equal(certificate.issuerPublicKey, each.publicKey))
    if (pair && (!newest || betterIssuer(certificate, newest.certificate, now))) {
      newest = { certificate, secretKey: pair.secretKey }
    }
  }
  return newest
}

/** Whether one of two certificates of a branch serves rather than the other. */
export function betterIssuer(
  one: IssuerCertificate,
  other: IssuerCertificate,
  now: Millis,
): boolean {
  const [hasBegun, hasOtherBegun] = [one.notBefore <= now, other.notBefore <= now]
  return hasBegun === hasOtherBegun ? one.notAfter > other.notAfter : hasBegun
}

/** Keeps an issuer's certificate; the older ones of its key stay, because identities name them. */
export async function saveIssuer(tx: Db, issuer: IssuerCertificate): Promise<void> {
  const { serial, branch: branchId, bytes: certificate } = issuer
  await tx
    .insertInto('issuer')
    .values({ serial, branchId, certificate })
    .onConflict((on) => on.column('serial').doNothing())
    .execute()
}

export type CredentialStore = {
  current(): Credentials
  /** Takes a renewed chain, already stored. */
  replace(chain: Chain): void
}

/** The credentials of a branch that is set up. Throws when a key file or the chain is missing. */
export async function loadCredentials(parts: {
  read: Db
  self: BranchId
  keys: RelayKeys
  clock: Clock
  isRevoked(branch: BranchId): boolean
}): Promise<CredentialStore> {
  const { read, self, keys, clock, isRevoked } = parts
  const found = await findChain(read)
  if (!found) throw new Error('Cannot start the relay: this branch has no link certificate')
  let chain = found
  let noise = noiseKeyOf(chain, keys)
  return {
    current: () => ({
      branch: self,
      chain,
      noise,
      linkKeys: keys.linkKeys(),
      trust: { organisation: chain.identity.organisation, now: clock.now(), isRevoked },
    }),
    replace(renewed) {
      noise = noiseKeyOf(renewed, keys)
      chain = renewed
    },
  }
}

function noiseKeyOf(chain: Chain, keys: RelayKeys) {
  const pair = keys.findNoiseKey(chain.link.noisePublicKey)
  if (!pair) throw new Error('Cannot start the relay: the key of its certificate is missing')
  return pair
}
