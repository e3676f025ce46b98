/** Which organisation this branch belongs to, and as whom: a few single values, written once at set-up. */
import type { BranchId } from '../base/ids.ts'
import { asBranchId } from '../base/ids.ts'
import { metaOf, putMeta } from '../db/meta.ts'
import type { Db } from '../db/open.ts'

export type Membership = {
  self: BranchId
  /** Organisation id: SHA-256 of its root key, hexadecimal. */
  organisation: string
  /** Starts every stream id: another one after a restore makes all pages begin anew. */
  storeEpoch: string
}

/** Undefined before the branch is set up. */
export async function findMembership(db: Db): Promise<Membership | undefined> {
  const self = await metaOf(db, 'selfBranchId')
  const organisation = await metaOf(db, 'organisationId')
  const storeEpoch = await metaOf(db, 'storeEpoch')
  if (self === undefined || organisation === undefined || storeEpoch === undefined) return undefined
  return { self: asBranchId(self), organisation, storeEpoch }
}

/** From this commit on the branch is set up. */
export async function keepMembership(tx: Db, membership: Membership): Promise<void> {
  await putMeta(tx, {
    selfBranchId: membership.self,
    organisationId: membership.organisation,
    storeEpoch: membership.storeEpoch,
  })
}

/** Names for pages: of the organisation (empty until its record has arrived) and of this branch. */
export async function namesOf(
  db: Db,
  self: BranchId,
): Promise<{ organisation: string; branch: string }> {
  const row = await db.selectFrom('branch').select('name').where('id', '=', self).executeTakeFirst()
  return { organisation: (await metaOf(db, 'organisation')) ?? '', branch: row?.name ?? '' }
}
