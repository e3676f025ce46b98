/**
 * Bodies of presence and typing signals (EPH frames, docs/protocol.md, section 3): forgotten in seconds, never in the
 * event log.
 *
 *     presence  n x (user 16 | flags u8, bit0 online | last seen u48 Unix ms)
 *     typing    conversation 16 | user 16
 */
import { FormatError, Reader, Writer } from '../base/bytes.ts'
import type { ConversationId, UserId } from '../base/ids.ts'
import { asConversationId, asUserId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'

/** An EPH body holds 512 bytes: 22 people of 23 bytes. */
export const PEOPLE_PER_SIGNAL = 22

/** EPH kinds. */
export const PRESENCE_SIGNAL = 1
export const TYPING_SIGNAL = 2

const ONLINE = 1

export type Seen = { user: UserId; isOnline: boolean; lastSeenAt: Millis }

/** At most PEOPLE_PER_SIGNAL people. */
export function encodePresence(people: readonly Seen[]): Uint8Array {
  const out = new Writer(people.length * 23)
  for (const { user, isOnline, lastSeenAt } of people) {
    out.hex(user).u8(isOnline ? ONLINE : 0)
    out.u16(Math.floor(lastSeenAt / 2 ** 32)).u32(lastSeenAt % 2 ** 32)
  }
  return out.done()
}

/** Throws FormatError when the bytes are not whole entries. */
export function decodePresence(body: Uint8Array): Seen[] {
  const reader = new Reader(body)
  const people: Seen[] = []
  while (reader.left > 0) {
    const user = asUserId(reader.hex(16))
    const flags = reader.u8()
    const lastSeenAt = reader.u16() * 2 ** 32 + reader.u32()
    people.push({ user, isOnline: (flags & ONLINE) !== 0, lastSeenAt })
  }
  if (people.length > PEOPLE_PER_SIGNAL) throw new FormatError('Too many people in one signal')
  return people
}

export function encodeTyping(conversation: ConversationId, user: UserId): Uint8Array {
  return new Writer(32).hex(conversation).hex(user).done()
}

export function decodeTyping(body: Uint8Array): { conversation: ConversationId; user: UserId } {
  const reader = new Reader(body)
  const conversation = asConversationId(reader.hex(16))
  const user = asUserId(reader.hex(16))
  reader.end()
  return { conversation, user }
}
