/** "Is typing": told to those who share the chat, at other branches too, and kept nowhere. */
import { branchesOf } from '../accounts/queries.ts'
import { notFound } from '../base/errors.ts'
import type { BranchId, ConversationId, UserId } from '../base/ids.ts'
import type { ChatParts } from './actions.ts'
import { membership } from './actions.ts'
import { blocksBetween } from './contacts.ts'
import { directIdOf, sortedPair } from './ids.ts'
import { TELLING_MEMBERS_MAX } from './marks.ts'
import { memberIdsOf } from './members.ts'
import { ensureDirect } from './standing.ts'

/** What typing needs of presence. */
export type TypingSignal = {
  started(conversation: ConversationId, user: UserId, branches: readonly BranchId[]): void
  stopped(conversation: ConversationId, user: UserId): void
}

/** A member types; in large chats nobody is told: there somebody always does. */
export async function startTyping(
  { store, self, clock, typing }: ChatParts & { typing: TypingSignal },
  viewer: UserId,
  conversation: ConversationId,
): Promise<void> {
  const mine = await membership(store.read, viewer, conversation)
  if (mine === undefined) throw notFound('chat')
  const members = await memberIdsOf(store.read, conversation)
  if (members.length > TELLING_MEMBERS_MAX) return
  const [other, ...more] = members.filter((user) => user !== viewer)
  if (mine.kind === 'direct' && other !== undefined && more.length === 0) {
    const { mine: isOwn, theirs } = await blocksBetween(store.read, { viewer, other })
    // Nobody who was blocked is told so by typing, and nobody is told that he types.
    if (isOwn || theirs) return
  }
  const branches = await branchesOf(store.read, members, clock.now())
  typing.started(
    conversation,
    viewer,
    branches.filter((branch) => branch !== self),
  )
}

/**
 * Somebody types a first message to one of `candidates`: opens their direct chat here, so that the typing can be shown
 * before there is a message. False when the chat is not of these two, or the branch does not speak for the person.
 */
export async function openForTyping(
  { store, clock }: Pick<ChatParts, 'store' | 'clock'>,
  signal: { branch: BranchId; conversation: ConversationId; user: UserId },
  candidates: readonly UserId[],
): Promise<boolean> {
  const { branch, conversation, user } = signal
  const other = candidates.find((each) => each !== user && directIdOf(user, each) === conversation)
  if (other === undefined) return false
  if (!(await branchesOf(store.read, [user], clock.now())).includes(branch)) return false
  await store.writer.write(async (tx) => {
    await ensureDirect(tx, sortedPair(user, other))
  })
  return true
}

/** Whether a signal from another branch may be believed: the person is in the chat, and that branch speaks for him. */
export async function mayType(
  { store, clock }: Pick<ChatParts, 'store' | 'clock'>,
  signal: { branch: BranchId; conversation: ConversationId; user: UserId },
): Promise<boolean> {
  const { branch, conversation, user } = signal
  if ((await membership(store.read, user, conversation)) === undefined) return false
  return (await branchesOf(store.read, [user], clock.now())).includes(branch)
}
