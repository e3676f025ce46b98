/** Table `departure`: when guests have left. The stay that began before ends by it, whichever of both comes first. */
import { type Hlc, millisOf } from '../base/hlc.ts'
import type { BranchId, UserId } from '../base/ids.ts'
import { type Millis, SECOND } from '../base/units.ts'
import type { Db } from '../db/open.ts'

/** What a page wrote in the same moment still counts as written by the guest. */
export const LEFT_SLACK_MS: Millis = 10 * SECOND

/** After the stay or the departure came, whichever was the last to come. */
export async function endLeftStay(
  tx: Db,
  { userId, branchId }: { userId: UserId; branchId: BranchId },
): Promise<void> {
  const departure = await tx
    .selectFrom('departure')
    .where('userId', '=', userId)
    .where('branchId', '=', branchId)
    .select('hlc')
    .executeTakeFirst()
  if (departure === undefined) return
  const until = leftAt(departure.hlc)
  await tx
    .updateTable('location')
    .set({ until })
    .where('userId', '=', userId)
    .where('branchId', '=', branchId)
    .where('hlc', '<', departure.hlc)
    .where('until', '>', until)
    .execute()
}

const leftAt = (hlc: Hlc): Millis => millisOf(hlc) + LEFT_SLACK_MS
