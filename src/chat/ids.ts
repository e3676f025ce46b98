/**
 * Ids of conversations that prove something by themselves, so that nobody can claim a conversation that is not his:
 * a direct chat's id follows from its two people, a group's id begins with half of its home branch's id.
 * Source: docs/protocol.md, section 8.
 */
import { createHash } from 'node:crypto'
import { concat, fromHex, utf8 } from '../base/bytes.ts'
import type { BranchId, ConversationId, UserId } from '../base/ids.ts'
import { asConversationId, ID_BYTES } from '../base/ids.ts'

const DOMAIN = utf8('direct/1')
/** 64 bits name the home, 64 bits of chance the group. */
const HOME_CHARS = 16

/** The two people of a direct chat in their fixed order. */
export function sortedPair(a: UserId, b: UserId): [UserId, UserId] {
  return a < b ? [a, b] : [b, a]
}

/** The id of the direct chat of two people: the same at every branch, whoever writes first. */
export function directIdOf(a: UserId, b: UserId): ConversationId {
  const [first, second] = sortedPair(a, b)
  const whole = concat(DOMAIN, fromHex(first), fromHex(second))
  const hash = createHash('sha256').update(whole).digest('hex')
  return asConversationId(hash.slice(0, 2 * ID_BYTES))
}

/** A new group's id; `drawn` is an id of chance. */
export function groupIdOf(home: BranchId, drawn: string): ConversationId {
  return asConversationId(home.slice(0, HOME_CHARS) + drawn.slice(HOME_CHARS))
}

/** Whether a branch may have founded this group. */
export function mayHaveFounded(branch: BranchId, group: ConversationId): boolean {
  return group.slice(0, HOME_CHARS) === branch.slice(0, HOME_CHARS)
}
