/**
 * The card beside the keys: what a branch needs to be linked again after it lost its database. Written anew whenever it
 * would say something else; it holds no secret.
 */

import type { BranchId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import {
  type OrganisationId,
  parseBranchIdentity,
  parseIssuerCertificate,
} from '../certificates/certificate.ts'
import { encodeHello, refusalOfIdentity } from '../certificates/chain.ts'
import { isAddress } from '../certificates/invitation.ts'
import type { KeyFiles, MembershipCard } from '../certificates/keys.ts'
import type { Db } from '../db/open.ts'
import { findChain } from './credentials.ts'
import { admitBranch } from './events.ts'
import { addressesOf, noteAddress, staticAddresses } from './peers.ts'

/** Brings the card up to date. */
export async function keepCard(
  db: Db,
  { self, keys }: { self: BranchId; keys: Pick<KeyFiles, 'saveCard'> },
): Promise<void> {
  const chain = await findChain(db)
  if (!chain) return
  const issuers = new Map(
    (await db.selectFrom('issuer').select(['serial', 'certificate']).execute()).map((row) => [
      row.serial,
      row.certificate,
    ]),
  )
  const rows = await db
    .selectFrom('branch')
    .leftJoin('revocation', 'revocation.branchId', 'branch.id')
    .where('branch.id', '!=', self)
    .where('revocation.branchId', 'is', null)
    .select(['branch.identity', 'branch.addresses'])
    .orderBy('branch.n')
    .execute()
  const branches = rows.flatMap(({ identity, addresses }) => {
    const issuer = issuers.get(parseBranchIdentity(identity)?.issuerSerial ?? '')
    return issuer ? [{ identity, issuer, addresses: addressesOf(addresses) }] : []
  })
  keys.saveCard({
    chain: encodeHello(chain),
    branches,
    addresses: await staticAddresses(db),
  })
}

/** Takes what a card says of other branches into an empty database; what is not rightly signed is left out. */
export async function takeCard(
  tx: Db,
  { branches, addresses }: MembershipCard,
  { organisation, now }: { organisation: OrganisationId; now: Millis },
): Promise<void> {
  for (const each of branches) {
    const identity = parseBranchIdentity(each.identity)
    const issuer = parseIssuerCertificate(each.issuer)
    if (!identity || !issuer) continue
    const trust = { organisation, now, isRevoked: () => false }
    if (refusalOfIdentity(identity, issuer, trust) !== undefined) continue
    await admitBranch(tx, { identity, issuer })
    await tx
      .updateTable('branch')
      .set({ addresses: JSON.stringify(each.addresses.filter(isAddress)) })
      .where('id', '=', identity.branch)
      .execute()
  }
  for (const each of addresses) await noteAddress(tx, each)
}
