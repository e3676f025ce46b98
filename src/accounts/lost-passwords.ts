/**
 * Passwords that were set and do not count: two changes at branches that were cut off from each other, of which one
 * holds. Whoever set the other one is told: when he types it, and after signing in. Owns table `password_lost`.
 */
import type { Hlc } from '../base/hlc.ts'
import { millisOf } from '../base/hlc.ts'
import type { BranchId, UserId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import { isAfter } from './event-parts.ts'
import type { UserCred } from './records.ts'

/** A credential's place in the order, and the one that its writer knew and replaced. */
type Placed = {
  epoch: number
  rev: number
  hlc: Hlc
  branchId: BranchId
  /** JSON of `replaces`; null: of a release that did not say. */
  replaces: string | null
}

const orderOf = ({ epoch, rev, hlc, branchId }: Placed) => [epoch, rev, hlc, branchId]

/** Whether `later` was written by somebody who had not seen `earlier`, and stands above it. */
function isUnseenBy(earlier: Placed, later: Placed): boolean {
  if (!isAfter(orderOf(later), orderOf(earlier))) return false
  if (later.replaces === null) return later.epoch === earlier.epoch && later.rev === earlier.rev
  const { epoch, rev, hlc, branch } = JSON.parse(later.replaces) as NonNullable<
    UserCred['replaces']
  >
  return isAfter(orderOf(earlier), [epoch, rev, hlc, branch])
}

type Beaten = Placed & { userId: UserId; salt: string; publicKey: Uint8Array }

/** Notes a credential that does not hold, if it was lost and not replaced; true: it was. */
export async function noteIfLost(tx: Db, beaten: Beaten): Promise<boolean> {
  const { userId, hlc, branchId, salt, publicKey } = beaten
  const columns = ['epoch', 'rev', 'hlc', 'branchId', 'replaces'] as const
  const now = await tx
    .selectFrom('credential')
    .where('userId', '=', userId)
    .select(columns)
    .execute()
  const past = await tx
    .selectFrom('credential_past')
    .where('userId', '=', userId)
    .select(columns)
    .execute()
  if (![...now, ...past].some((other) => isUnseenBy(beaten, other))) return false
  const row = { hlc, branchId, salt, publicKey }
  await tx
    .insertInto('password_lost')
    .values({ userId, ...row })
    .onConflict((on) => on.column('userId').doUpdateSet(row).where('password_lost.hlc', '<', hlc))
    .execute()
  return true
}

/** A password that was lost, and the one that holds instead. */
type LostPassword = {
  lostAt: Millis
  lostBranch: string
  lostBranchId: BranchId
  heldAt: Millis
  heldBranch: string
  salt: string
  publicKey: Uint8Array
}

/** Of somebody; undefined: nothing was lost. */
export async function lostPasswordOf(db: Db, userId: UserId): Promise<LostPassword | undefined> {
  const row = await db
    .selectFrom('password_lost as l')
    .innerJoin('credential as c', 'c.userId', 'l.userId')
    .leftJoin('branch as lb', 'lb.id', 'l.branchId')
    .leftJoin('branch as cb', 'cb.id', 'c.branchId')
    .where('l.userId', '=', userId)
    .select(['l.hlc as lost', 'l.branchId', 'c.hlc as held', 'l.salt', 'l.publicKey'])
    .select(['lb.name as lostBranch', 'cb.name as heldBranch'])
    .executeTakeFirst()
  if (row === undefined) return undefined
  const { lost, branchId, held, salt, publicKey, lostBranch, heldBranch } = row
  return {
    ...{ lostAt: millisOf(lost), lostBranch: lostBranch ?? '', lostBranchId: branchId },
    ...{ heldAt: millisOf(held), heldBranch: heldBranch ?? '', salt, publicKey },
  }
}

/** What a new credential says that it replaces. */
export async function replaced(db: Db, userId: UserId): Promise<Pick<UserCred, 'replaces'>> {
  const row = await db
    .selectFrom('credential')
    .where('userId', '=', userId)
    .select(['epoch', 'rev', 'hlc', 'branchId'])
    .executeTakeFirst()
  if (row === undefined) return {}
  const { branchId, ...place } = row
  return { replaces: { ...place, branch: branchId } }
}

/** As the columns hold it. */
export function replacesColumn({ replaces }: Pick<UserCred, 'replaces'>): string | null {
  return replaces === undefined ? null : JSON.stringify(replaces)
}

/** Forgets what was lost: somebody who knew the password that holds set another, or the person is deleted. */
export async function forgetLost(tx: Db, userId: UserId): Promise<void> {
  await tx.deleteFrom('password_lost').where('userId', '=', userId).execute()
}
