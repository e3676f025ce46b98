/**
 * That this branch's database is not what it was: put back from a copy, built up again from its keys, or found to be
 * older than what others hold. What of it came back, and what cannot, is a query. Owns `recovery` in table `meta`.
 */
import * as v from 'valibot'
import { hlcOf } from '../base/hlc.ts'
import type { BranchId } from '../base/ids.ts'
import { metaOf, putMeta } from '../db/meta.ts'
import type { Db } from '../db/open.ts'

const recovery = v.object({
  kind: v.picklist(['restored', 'rebuilt', 'rolled-back']),
  /** When that was done, or noticed. */
  at: v.number(),
  /** When the copy was made. */
  copyAt: v.optional(v.number()),
  /** An administrator has read it: the page says it no more. */
  isRead: v.optional(v.boolean()),
})

type Recovery = v.InferOutput<typeof recovery>

export type RecoveryState = Omit<Recovery, 'isRead'> & {
  /** Events of this branch that others gave back. */
  cameBack: number
  /** Branches that were not linked since: what they alone hold is still to come. */
  notHeard: string[]
}

const NAME = 'recovery'

/** Notes it, in the place of what was noted before. */
export async function keepRecovery(tx: Db, value: Recovery): Promise<void> {
  await putMeta(tx, { [NAME]: JSON.stringify(value) })
}

/** The last one; undefined: this database was never anything but the newest. */
export async function findRecovery(db: Db): Promise<Recovery | undefined> {
  const value = await metaOf(db, NAME)
  return value === undefined ? undefined : v.parse(recovery, JSON.parse(value))
}

/** An administrator has read it. */
export async function hideRecovery(tx: Db): Promise<void> {
  const found = await findRecovery(tx)
  if (found) await keepRecovery(tx, { ...found, isRead: true })
}

/** What an administrator should know of it; undefined when there is nothing, or he has read it. */
export async function recoveryState(db: Db, self: BranchId): Promise<RecoveryState | undefined> {
  const found = await findRecovery(db)
  if (found === undefined || found.isRead) return undefined
  const { isRead: _, ...rest } = found
  const { events } = await db
    .selectFrom('event')
    .innerJoin('branch', 'branch.n', 'event.originN')
    .where('branch.id', '=', self)
    .where('event.arrivedAt', '>=', found.at)
    .where('event.hlc', '<', hlcOf(found.at, 0))
    .select((eb) => eb.fn.countAll<number>().as('events'))
    .executeTakeFirstOrThrow()
  const silent = await db
    .selectFrom('branch')
    .leftJoin('revocation', 'revocation.branchId', 'branch.id')
    .where('branch.id', '!=', self)
    .where('branch.status', '=', 'active')
    .where('revocation.branchId', 'is', null)
    .where((eb) => eb.or([eb('heardAt', 'is', null), eb('heardAt', '<', found.at)]))
    .select('name')
    .orderBy('name')
    .execute()
  return { ...rest, cameBack: events, notHeard: silent.map(({ name }) => name) }
}

/** Whether the people of this branch have not come back yet: nobody can sign in before. */
export async function isEmptyAfterRebuild(db: Db, self: BranchId): Promise<boolean> {
  const found = await findRecovery(db)
  if (found?.kind !== 'rebuilt') return false
  const anybody = db.selectFrom('user').where('home', '=', self).select('id').limit(1)
  return (await anybody.executeTakeFirst()) === undefined
}
