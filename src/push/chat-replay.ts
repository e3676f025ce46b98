/**
 * What a stream missed while it was away: lines of the open chat, rows and heads as they are now, and the marks of own
 * messages, which change without an event. Too much is told by loading the page again.
 */
import type { ConversationId, UserId } from '../base/ids.ts'
import { lineById, type Missed, missedAfter, writtenBefore } from '../chat/queries.ts'
import { ownNewest } from '../chat/risen.ts'
import { type ChatPushParts, linePush } from './chat-parts.ts'
import type { ChatPushes } from './chat-pushes.ts'
import { missedByGuest } from './guest-pushes.ts'
import type { Push } from './viewers.ts'

/** Codes of event kinds (docs/protocol.md, section 8). */
const GROUP_CHANGED = 0x0401

/** Who resumes, where, and what his page shows; programs show everything. */
type Resuming = {
  user: UserId
  kind: 'page' | 'api'
  chat: ConversationId | undefined
  after: number
}

/** Pushes in order of the log; undefined: too much, the page begins anew. */
export async function replayFor(
  parts: ChatPushParts,
  pushes: ChatPushes,
  resuming: Resuming,
): Promise<Push[] | undefined> {
  const { user, chat, kind, after } = resuming
  const missed = await missedAfter(parts.read, { id: user, at: parts.self }, after)
  if (missed === undefined) return undefined
  const found: Push[] = []
  for (const each of missed) {
    if (kind === 'api' || each.conversation === chat) {
      found.push(...(await missedPushes(parts, pushes, { each, user })))
    }
  }
  if (kind === 'api') return found
  found.push(...(await missedByGuest(parts, pushes, { user, chat, after })))
  const touched = new Set(missed.map((each) => each.conversation))
  for (const conversation of touched) found.push(await pushes.rowFor(user, conversation))
  if (chat !== undefined) {
    const own = await ownNewest(parts.read, { author: user, conversation: chat })
    found.push(...(await pushes.marksOf(own, { position: undefined, receipt: undefined })))
  }
  return found
}

async function missedPushes(
  { read, self }: ChatPushParts,
  pushes: ChatPushes,
  { each, user }: { each: Missed; user: UserId },
): Promise<Push[]> {
  const { position, message } = each
  if (message !== undefined) {
    const line = await lineById(read, { id: user, at: self }, message)
    const before = await writtenBefore(read, line)
    const mine = line.author === user
    return [linePush(line, { to: [user], mine, mark: undefined, before, position })]
  }
  if (each.kind !== GROUP_CHANGED) return []
  return [await pushes.headFor([user], each.conversation, position)]
}
