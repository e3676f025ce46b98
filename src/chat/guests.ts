/**
 * Guests: what follows a person to a branch that is not the home branch. That branch hears of a group only from the
 * branch that keeps it, so that one sends its records as soon as it hears of the stay; messages that came before the
 * record wait for it. It asks for the chats' past itself (history.ts).
 */
import { branchesOf } from '../accounts/queries.ts'
import type { UserAt } from '../accounts/records.ts'
import { hlcOf } from '../base/hlc.ts'
import type { BranchId } from '../base/ids.ts'
import { DAY, HOUR, type Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import type { Append, EventKind, Forward, LoggedEvent } from '../eventlog/events.ts'
import type { ChatKinds } from './events.ts'
import { wantChats } from './history.ts'

/**
 * Who left a group still gets messages of branches that have not heard of it: they wait at the guest's branch for the
 * record. A branch is rarely cut off for longer.
 */
const CUT_OFF_MS: Millis = 30 * DAY

/** Clocks of branches differ by less; a stay that goes on has days left. */
const CLOCKS_APART_MS: Millis = HOUR

type GuestParts = { append: Append; forward: Forward; kinds: ChatKinds; self: BranchId }

/** The kind `user.at` as this feature needs it: in the transaction that notes a stay, chats follow the guest. */
export function followedByChats(userAt: EventKind<UserAt>, parts: GuestParts): EventKind<UserAt> {
  const { self } = parts
  return {
    ...userAt,
    async apply(tx, event) {
      const isOwn = event.origin === self
      const { user } = event.body
      // Who stays on has all that came meanwhile. A stay that is about to end has ended by the clocks of others.
      const then = event.arrivedAt + CLOCKS_APART_MS
      const wasHere = isOwn && (await branchesOf(tx, [user], then)).includes(self)
      await userAt.apply(tx, event)
      if (!isOwn) return await sendGroups(parts, tx, event)
      // Our own that was lost and came back may be of a stay that has ended: nobody would answer.
      const isHere = (await branchesOf(tx, [user], then)).includes(self)
      if (isHere && !wasHere) await wantChats(parts, tx, { user, stay: event.hlc })
    },
  }
}

/** The records as they were written: an event of its own would be a second one with the same `rev`. */
async function sendGroups(
  { forward, kinds, self }: GuestParts,
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
    .innerJoin('event as e', (on) =>
      on
        .onRef('e.conversationId', '=', 'c.id')
        .onRef('e.hlc', '=', 'c.hlc')
        .on('e.kind', '=', kinds.convPut.code)
        .on('e.state', '=', 'applied'),
    )
    .select('e.position')
    .orderBy('c.id')
    .execute()
  for (const { position } of groups) await forward(tx, position, branch)
}
