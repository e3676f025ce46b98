/** Which branches may sign for the organisation: many kinds of events ask it of their origin. */
import type { BranchId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'

/** Whether a branch holds an issuer certificate of the organisation. */
export async function isIssuer(db: Db, branch: BranchId): Promise<boolean> {
  const row = await db
    .selectFrom('issuer')
    .where('branchId', '=', branch)
    .select('serial')
    .executeTakeFirst()
  return row !== undefined
}
