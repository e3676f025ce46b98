/**
 * The first branch of an organisation: root key, issuer, its own identity and link certificate, the
 * first link key.
 */
import type { Millis } from '../base/units.ts'
import {
  type BranchIdentity,
  type Issuer,
  issueBranchIdentity,
  issueIssuerCertificate,
  issueLinkCertificate,
} from './certificate.ts'
import type { Chain } from './chain.ts'
import { type BranchKeys, type KeyPair, type LinkKey, signKeyPair } from './keys.ts'

type Founding = {
  root: KeyPair
  issuer: Issuer
  issuerKey: KeyPair
  chain: Chain
  linkKey: LinkKey
}

const KEY_BYTES = 32
const SERIAL_BYTES = 16

/** Makes an organisation of one branch; nothing is stored here. */
export function foundOrganisation(
  keys: BranchKeys,
  { name, now }: { name: string; now: Millis },
  randomBytes: (length: number) => Uint8Array,
): Founding {
  const root = signKeyPair(randomBytes(KEY_BYTES))
  const issuerKey = signKeyPair(randomBytes(KEY_BYTES))
  const certificate = issueIssuerCertificate(root, {
    branch: keys.branch,
    issuerPublicKey: issuerKey.publicKey,
    serial: randomBytes(SERIAL_BYTES),
    now,
  })
  const issuer = { certificate, secretKey: issuerKey.secretKey }
  const chain = admit(issuer, keysShown(keys), { name, now, serial: randomBytes(SERIAL_BYTES) })
  return { root, issuer, issuerKey, chain, linkKey: { epoch: 1, key: randomBytes(KEY_BYTES) } }
}

type KeysShown = {
  signPublicKey: Uint8Array
  boxPublicKey: Uint8Array
  noisePublicKey: Uint8Array
}

/** The public halves of a branch's keys, as an issuer sees them. */
export function keysShown({ sign, box, noise }: BranchKeys): KeysShown {
  return {
    signPublicKey: sign.publicKey,
    boxPublicKey: box.publicKey,
    noisePublicKey: noise.publicKey,
  }
}

/** An issuer takes a branch into the organisation: its identity and its first link certificate. */
export function admit(
  issuer: Issuer,
  keys: KeysShown,
  { name, now, serial }: { name: string; now: Millis; serial: Uint8Array },
): Chain & { identity: BranchIdentity } {
  const identity = issueBranchIdentity(issuer, { ...keys, name, now })
  const { noisePublicKey } = keys
  const link = issueLinkCertificate(issuer, {
    branch: identity.branch,
    noisePublicKey,
    serial,
    now,
  })
  return { issuer: issuer.certificate, identity, link }
}
