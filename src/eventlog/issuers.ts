/** Which branches may sign for the organisation: many kinds of events ask it of their origin. */
import type { BranchId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import { Parked } from './events.ts'

/** Whether a branch holds an issuer certificate of the organisation. */
export async function isIssuer(db: Db, branch: BranchId): Promise<boolean> {
  const row = await db
    .selectFrom('issuer')
    .where('branchId', '=', branch)
    .select('serial')
    .executeTakeFirst()
  return row !== undefined
}

/**
 * Parks what only an issuing branch may say until its certificate is here: that comes in another feed, maybe later, and
 * all branches must decide alike, whichever of the two came first.
 */
export async function demandIssuer(tx: Db, { origin }: { origin: BranchId }): Promise<void> {
  if (!(await isIssuer(tx, origin))) throw new Parked('waits-for-issuer')
}
