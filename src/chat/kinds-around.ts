/**
 * The kinds of chats, and those of accounts that chats follow, as the event log needs them: what an event means to
 * other features happens in the same transaction.
 */
import type { RoleGrant, UserAt, UserPut } from '../accounts/records.ts'
import type { BranchId, Incarnation } from '../base/ids.ts'
import type { Append, EventKind, Forward } from '../eventlog/events.ts'
import type { ChatKinds } from './events.ts'
import { draftsSentOn, followedByRecords, sentOnFromHome } from './following.ts'
import { followedByChats } from './guests.ts'
import { historyKinds } from './history.ts'
import { missedByNewcomers } from './newcomers.ts'
import { followedByReports } from './reports.ts'

type Given = {
  userAt: EventKind<UserAt>
  userPut: EventKind<UserPut>
  roleGrant: EventKind<RoleGrant>
  chats: ChatKinds
}
type Parts = {
  append: Append
  forward: Forward
  kinds: ChatKinds
  self: BranchId
  incarnation: Incarnation
}

/** The kinds, in no order; `userAt` is for those who write one here. */
export function chatKindsAround(
  given: Given,
  parts: Parts,
): { userAt: EventKind<UserAt>; kinds: EventKind<never>[] } {
  const chats = sentOnFromHome(given.chats, parts)
  const { userAt, roleGrant } = followedByReports(given, parts)
  const followed = followedByRecords(followedByChats(userAt, parts), parts)
  const kinds = [
    ...([followed, roleGrant, draftsSentOn(parts)] as EventKind<never>[]),
    ...historyKinds({ ...parts, chats: given.chats }),
    ...missedByNewcomers({ userPut: given.userPut, chats }, parts),
  ]
  return { userAt: followed, kinds }
}
