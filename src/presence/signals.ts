/**
 * Bodies of presence and typing signals (EPH frames, docs/protocol.md, section 3): forgotten in seconds, never in the
 * event log.
 *
 *     1 presence  n x (user 16 | flags u8, bit0 online | last seen u48 Unix ms)
 *     2 typing    conversation 16 | user 16
 *     3 digest    made at u48 Unix ms | digest of who is here 8
 *     4 wanted    since u48 Unix ms | 32 x digest 8, as the asker has it
 *     5 roll      after 16 | last 16 | n x user 16: of the ids in between exactly these are here
 */
import { FormatError, Reader, Writer } from '../base/bytes.ts'
import type { ConversationId, UserId } from '../base/ids.ts'
import { asConversationId, asUserId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import { BUCKETS, DIGEST_BYTES, type Stretch } from './digest.ts'

/** An EPH body holds 512 bytes: 22 people of 23 bytes. */
export const PEOPLE_PER_SIGNAL = 22
/** And of a roll 30, after the two ends. */
export const PEOPLE_PER_ROLL = 30

/** EPH kinds. */
export const PRESENCE_SIGNAL = 1
export const TYPING_SIGNAL = 2
export const DIGEST_SIGNAL = 3
export const WANTED_SIGNAL = 4
export const ROLL_SIGNAL = 5

const ONLINE = 1

export type Seen = { user: UserId; isOnline: boolean; lastSeenAt: Millis }

/** At most PEOPLE_PER_SIGNAL people. */
export function encodePresence(people: readonly Seen[]): Uint8Array {
  const out = new Writer(people.length * 23)
  for (const { user, isOnline, lastSeenAt } of people) {
    writeTime(out.hex(user).u8(isOnline ? ONLINE : 0), lastSeenAt)
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
    people.push({ user, isOnline: (flags & ONLINE) !== 0, lastSeenAt: readTime(reader) })
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

/** What a branch says at intervals: a receiver that has another digest asks. */
export type Said = { at: Millis; digest: string }

export function encodeDigest({ at, digest }: Said): Uint8Array {
  return writeTime(new Writer(14), at).hex(digest).done()
}

export function decodeDigest(body: Uint8Array): Said {
  const reader = new Reader(body)
  const said = { at: readTime(reader), digest: reader.hex(DIGEST_BYTES) }
  reader.end()
  return said
}

/** Asks for who is here in the buckets that differ, and for who was last seen since then. */
export type Wanted = { since: Millis; buckets: readonly string[] }

export function encodeWanted({ since, buckets }: Wanted): Uint8Array {
  const out = writeTime(new Writer(6 + BUCKETS * DIGEST_BYTES), since)
  for (const bucket of buckets) out.hex(bucket)
  return out.done()
}

export function decodeWanted(body: Uint8Array): Wanted {
  const reader = new Reader(body)
  const since = readTime(reader)
  const buckets = Array.from({ length: BUCKETS }, () => reader.hex(DIGEST_BYTES))
  reader.end()
  return { since, buckets }
}

export type Roll = Stretch & { users: readonly UserId[] }

/** At most PEOPLE_PER_ROLL people. */
export function encodeRoll({ after, last, users }: Roll): Uint8Array {
  const out = new Writer(32 + users.length * 16).hex(after).hex(last)
  for (const user of users) out.hex(user)
  return out.done()
}

/** Throws FormatError when somebody is not between the two ends. */
export function decodeRoll(body: Uint8Array): Roll {
  const reader = new Reader(body)
  const [after, last] = [asUserId(reader.hex(16)), asUserId(reader.hex(16))]
  const users: UserId[] = []
  while (reader.left > 0) users.push(asUserId(reader.hex(16)))
  if (users.length > PEOPLE_PER_ROLL) throw new FormatError('Too many people in one signal')
  if (users.some((user) => user <= after || user > last)) {
    throw new FormatError('A roll names somebody beyond its ends')
  }
  return { after, last, users }
}

function writeTime(out: Writer, at: Millis): Writer {
  return out.u16(Math.floor(at / 2 ** 32)).u32(at % 2 ** 32)
}

function readTime(reader: Reader): Millis {
  return reader.u16() * 2 ** 32 + reader.u32()
}
