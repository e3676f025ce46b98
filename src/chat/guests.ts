/**
 * Groups of guests: a branch where somebody signs in hears of a group only from the branch that keeps it, so that one
 * sends its records as soon as it hears of the stay. Messages that came before the record wait for it.
 */
import { branchesOf } from '../accounts/queries.ts'
import type { UserAt } from '../accounts/records.ts'
import { hlcOf } from '../base/hlc.ts'
import type { BranchId } from '../base/ids.ts'
import { DAY, type Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import type { Append, EventKind, LoggedEvent } from '../eventlog/events.ts'
import type { ChatKinds } from './events.ts'
import { recordedMembers } from './groups.ts'

/**
 * Who left a group still gets messages of branches that have not heard of it: they wait at the guest's branch for the
 * record. A branch is rarely cut off for longer.
 */
const CUT_OFF_MS: Millis = 30 * DAY

type GuestParts = { append: Append; kinds: ChatKinds; self: BranchId }

/** The kind `user.at` as this feature needs it: in the transaction that notes a stay, groups follow the guest. */
export function followedByGroups(userAt: EventKind<UserAt>, parts: GuestParts): EventKind<UserAt> {
  return {
    ...userAt,
    async apply(tx, event) {
      await userAt.apply(tx, event)
      await sendGroups(parts, tx, event)
    },
  }
}

/** The same record again changes nothing where it is known: `rev` is the same. */
async function sendGroups(
  { append, kinds, self }: GuestParts,
  tx: Db,
  { body: { user, branch }, arrivedAt }: LoggedEvent<UserAt>,
): Promise<void> {
  if (branch === self) return
  // A stay by a password that was replaced proves what was written then, and gives nothing new.
  if (!(await branchesOf(tx, [user], arrivedAt)).includes(branch)) return
  const groups = await tx
    .selectFrom('membership as mine')
    .innerJoin('conversation as c', 'c.id', 'mine.conversationId')
    .where('mine.userId', '=', user)
    .where((eb) =>
      eb.or([
        eb('mine.leftAt', 'is', null),
        eb('mine.leftAt', '>', hlcOf(arrivedAt - CUT_OFF_MS, 0)),
      ]),
    )
    .where('c.kind', '=', 'group')
    .where('c.home', '=', self)
    .select(['c.id', 'c.title', 'c.createdAt', 'c.term', 'c.rev'])
    .orderBy('c.id')
    .execute()
  for (const group of groups) {
    const body = { kind: 'group' as const, ...group, members: await recordedMembers(tx, group.id) }
    await append(tx, { kind: kinds.convPut, body, to: [branch] })
  }
}
