/**
 * What the log does not tell a page that was away, or that opened its stream a moment after it was made: lines that
 * are down, who types, who is there. Presence is sent of people whose presence may have changed since then.
 */
import type { ConversationId, UserId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import { chatsOf } from '../chat/chats.ts'
import type { PresenceState } from '../presence/presence.ts'
import type { Clock } from '../world/clock.ts'
import type { ChatPushParts } from './chat-parts.ts'
import type { ChatPushes } from './chat-pushes.ts'
import { presencePush } from './presence-pushes.ts'
import type { Push } from './viewers.ts'

/** A page's time is taken when its making begins: what it shows may be younger, never older than this before it. */
const SLACK_MS: Millis = 1000

type PresenceChanges = {
  changed(users: readonly UserId[]): void
  /** Whether this person's presence may be another than a page of that time shows. */
  mayHaveChanged(user: UserId, since: Millis | undefined): boolean
  /** Whether anybody's may. */
  hasChanges(since: Millis | undefined): boolean
}

/** When presence changed last, since this server runs; for older pages everybody may have changed. */
export function createPresenceChanges(clock: Pick<Clock, 'now'>): PresenceChanges {
  const startedAt = clock.now()
  const changedAt = new Map<UserId, Millis>()
  let newest: Millis = startedAt
  const isOld = (since: Millis | undefined): since is undefined =>
    since === undefined || since < startedAt
  return {
    changed(users) {
      newest = clock.now()
      for (const user of users) changedAt.set(user, newest)
    },
    mayHaveChanged: (user, since) =>
      isOld(since) || (changedAt.get(user) ?? startedAt) >= since - SLACK_MS,
    hasChanges: (since) => isOld(since) || newest >= since - SLACK_MS,
  }
}

/** The present state for one page, as pushes. */
export async function presentState(
  parts: Pick<ChatPushParts, 'read' | 'self'> & { stateOf(user: UserId): PresenceState },
  { chats, changes }: { chats: ChatPushes; changes: PresenceChanges },
  page: { user: UserId; chat: ConversationId | undefined; since: Millis | undefined },
): Promise<Push[]> {
  const { user, chat, since } = page
  const found: Push[] = []
  if (chat !== undefined) {
    found.push(...(await chats.bannerFor(user, chat)), ...(await chats.typingFor(user, chat)))
  }
  if (!changes.hasChanges(since)) return found
  const list = await chatsOf(parts.read, { id: user, at: parts.self })
  const told = list.filter((each) => !each.isBlockedByOther)
  const people = new Set([user, ...told.flatMap(({ other }) => other?.id ?? [])])
  for (const person of people) {
    if (!changes.mayHaveChanged(person, since)) continue
    found.push(presencePush(person, parts.stateOf(person), [user]))
  }
  return found
}
