/**
 * The relay's tables: branches and when they were heard, addresses, feeds as far as a session asks. The log's own
 * tables are only read here. Every function takes the database first; changes are called inside the writer.
 */
import { invalidInput } from '../base/errors.ts'
import type { BranchId, FeedId, Incarnation } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'

export type Peer = {
  branch: BranchId
  name: string
  isActive: boolean
  signPublicKey: Uint8Array
  addresses: string[]
  heardAt: Millis | undefined
  lostAt: Millis | undefined
}

/** All branches of the organisation but this one, by name. */
export async function peersOf(db: Db, self: BranchId): Promise<Peer[]> {
  const rows = await db
    .selectFrom('branch')
    .leftJoin('revocation', 'revocation.branchId', 'branch.id')
    .select(['id', 'name', 'status', 'signPublicKey', 'addresses'])
    .select(['heardAt', 'lostAt', 'revokedAt'])
    .where('id', '!=', self)
    .orderBy('name')
    .execute()
  return rows.map((row) => ({
    branch: row.id,
    name: row.name,
    isActive: row.status === 'active' && row.revokedAt === null,
    signPublicKey: row.signPublicKey,
    addresses: addressesOf(row.addresses),
    heardAt: row.heardAt ?? undefined,
    lostAt: row.lostAt ?? undefined,
  }))
}

/** The addresses in a branch's record. */
export function addressesOf(json: string): string[] {
  const list: unknown = JSON.parse(json)
  return Array.isArray(list) ? list.filter((each) => typeof each === 'string') : []
}

/** The signing key of a branch. */
export async function findSignKey(db: Db, branch: BranchId): Promise<Uint8Array | undefined> {
  const row = await db
    .selectFrom('branch')
    .select('signPublicKey')
    .where('id', '=', branch)
    .where('status', '=', 'active')
    .executeTakeFirst()
  return row?.signPublicKey
}

/**
 * The branch that a person means by a name, also a revoked one. Throws invalid-input `branch-unknown`. What is done
 * with it has no way back: of two names that differ in capitals only the very one is meant.
 */
export async function findNamed(
  db: Db,
  name: string,
): Promise<{ id: BranchId; name: string; signPublicKey: Uint8Array }> {
  const wanted = name.trim()
  const rows = await db.selectFrom('branch').select(['id', 'name', 'signPublicKey']).execute()
  const alike = rows.filter((row) => row.name.toLowerCase() === wanted.toLowerCase())
  const found =
    alike.find((row) => row.name === wanted) ?? (alike.length === 1 ? alike[0] : undefined)
  if (found) return found
  throw invalidInput('branch', `There is no branch called ${name}`, 'branch-unknown')
}

/** Notes that branches are linked now. */
export async function markHeard(tx: Db, branches: readonly BranchId[], now: Millis): Promise<void> {
  await tx
    .updateTable('branch')
    .set({ heardAt: now, lostAt: null })
    .where('id', 'in', [...branches])
    .execute()
}

/** Notes that the last link to a branch is gone. */
export async function markLost(tx: Db, branch: BranchId, now: Millis): Promise<void> {
  await tx
    .updateTable('branch')
    .set({ heardAt: now, lostAt: now })
    .where('id', '=', branch)
    .execute()
}

/** After a start: links that a crash ended were lost when they were last heard. */
export async function markAllLost(tx: Db): Promise<void> {
  await tx
    .updateTable('branch')
    .set((eb) => ({ lostAt: eb.ref('heardAt') }))
    .where('lostAt', 'is', null)
    .where('heardAt', 'is not', null)
    .execute()
}

export type StaticAddress = { address: string; branch: BranchId | undefined }

/** Addresses besides the branches' own records, from settings and invitations. */
export async function staticAddresses(db: Db): Promise<StaticAddress[]> {
  const rows = await db
    .selectFrom('peer_address')
    .select(['address', 'branchId'])
    .orderBy('address')
    .execute()
  return rows.map(({ address, branchId }) => ({ address, branch: branchId ?? undefined }))
}

/** Takes the addresses of the settings as they are now; what was pinned stays pinned. */
export async function replaceSettingAddresses(tx: Db, addresses: readonly string[]): Promise<void> {
  await tx
    .deleteFrom('peer_address')
    .where('source', '=', 'setting')
    .$if(addresses.length > 0, (query) => query.where('address', 'not in', [...addresses]))
    .execute()
  for (const address of addresses) {
    await tx
      .insertInto('peer_address')
      .values({ address, source: 'setting', branchId: null })
      .onConflict((on) => on.column('address').doNothing())
      .execute()
  }
}

/** Notes where a branch listens, by the word of an invitation or of the card beside the keys. */
export async function noteAddress(
  tx: Db,
  { address, branch }: { address: string; branch: BranchId | undefined },
): Promise<void> {
  const branchId = branch ?? null
  await tx
    .insertInto('peer_address')
    .values({ address, source: 'invitation', branchId })
    .onConflict((on) => on.column('address').doUpdateSet({ branchId }))
    .execute()
}

/** The branch met at an address: from now on only this one may answer there. */
export async function pinAddress(tx: Db, address: string, branch: BranchId): Promise<void> {
  await tx
    .updateTable('peer_address')
    .set({ branchId: branch })
    .where('address', '=', address)
    .where('branchId', 'is', null)
    .execute()
}

/** What we hold of a feed: its head, when and by whom the last of it came. */
export type Held = {
  n: number
  origin: BranchId
  head: number
  incarnation: Incarnation
  arrivedAt: Millis
  via: BranchId | null
}

/** What we hold of a feed that its origin offers, that a carrier brings to us, or that is ours and came back. */
export async function findHeld(
  db: Db,
  { id, self, peer }: { id: FeedId; self: BranchId; peer: BranchId },
): Promise<Held | undefined> {
  const row = await db
    .selectFrom('feed as f')
    .leftJoin('feed_entry as e', (on) =>
      on.onRef('e.feedN', '=', 'f.n').onRef('e.seq', '=', 'f.head'),
    )
    .leftJoin('event as v', 'v.position', 'e.position')
    .select(['f.n', 'f.origin', 'f.head', 'f.incarnation', 'f.via', 'v.arrivedAt'])
    .where('f.id', '=', id)
    .where((eb) => {
      const isOwnMail = eb.and([eb('f.origin', '=', self), eb('f.scope', '=', 'to')])
      return eb.or([eb('f.origin', '=', peer), eb('f.destination', '=', self), isOwnMail])
    })
    .executeTakeFirst()
  return row && { ...row, arrivedAt: row.arrivedAt ?? 0 }
}

/** The addresses in the record of a branch. */
export async function findAddresses(db: Db, branch: BranchId): Promise<string[] | undefined> {
  const row = await db
    .selectFrom('branch')
    .select('addresses')
    .where('id', '=', branch)
    .executeTakeFirst()
  return row && addressesOf(row.addresses)
}
