/** Who is typing where: forgotten after six seconds, told to other branches as a signal, stored nowhere. */
import type { BranchId, ConversationId, UserId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import { SECOND } from '../base/units.ts'
import type { Cancel, Clock } from '../world/clock.ts'
import { encodeTyping } from './signals.ts'

/** Pages repeat it every three seconds while somebody types. */
const TYPING_MS: Millis = 6 * SECOND
/** More than this at once is nobody's conversation but an attack. */
const TYPISTS_MAX = 10_000

export type Typing = {
  /** Somebody at this branch types; `branches` are those with members of the chat. */
  started(conversation: ConversationId, user: UserId, branches: readonly BranchId[]): void
  /** Somebody at another branch types; the caller has checked that this person may write there. */
  heard(conversation: ConversationId, user: UserId): void
  /** The message is there: nothing more to wait for. */
  stopped(conversation: ConversationId, user: UserId): void
  typistsIn(conversation: ConversationId): UserId[]
  /** Calls back when the typists of a chat change. */
  onChanged(fn: (conversation: ConversationId) => void): Cancel
}

/** Typing at one branch, with nobody at it yet. */
export function createTyping(deps: {
  clock: Clock
  send(branch: BranchId, user: UserId, body: Uint8Array): void
}): Typing {
  const typists = new Map<ConversationId, Map<UserId, Cancel>>()
  const listeners = new Set<(conversation: ConversationId) => void>()
  let count = 0

  const tell = (conversation: ConversationId) => {
    for (const fn of listeners) fn(conversation)
  }
  const stopped = (conversation: ConversationId, user: UserId) => {
    const here = typists.get(conversation)
    const cancel = here?.get(user)
    if (!here || !cancel) return
    cancel()
    here.delete(user)
    count--
    if (here.size === 0) typists.delete(conversation)
    tell(conversation)
  }
  const heard = (conversation: ConversationId, user: UserId) => {
    const here = typists.get(conversation) ?? new Map<UserId, Cancel>()
    const isNew = !here.has(user)
    if (isNew && count >= TYPISTS_MAX) return
    here.get(user)?.()
    here.set(
      user,
      deps.clock.after(TYPING_MS, () => stopped(conversation, user)),
    )
    typists.set(conversation, here)
    if (!isNew) return
    count++
    tell(conversation)
  }
  return {
    heard,
    stopped,
    started(conversation, user, branches) {
      heard(conversation, user)
      const body = encodeTyping(conversation, user)
      for (const branch of branches) deps.send(branch, user, body)
    },
    typistsIn: (conversation) => [...(typists.get(conversation)?.keys() ?? [])],
    onChanged(fn) {
      listeners.add(fn)
      return () => listeners.delete(fn)
    },
  }
}
