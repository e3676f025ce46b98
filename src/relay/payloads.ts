/**
 * What stands in the frames of a live link, byte by byte: one encoder and one decoder each. Decoders throw
 * ProtocolClose `bad-frame`; numbers they return are within the limits named here. docs/protocol.md, section 3.
 */
import { fromUtf8, Reader, utf8, Writer } from '../base/bytes.ts'
import type { Hlc } from '../base/hlc.ts'
import type { BranchId, FeedId, Incarnation } from '../base/ids.ts'
import { ACK_ENTRY_BYTES, readAckEntry, readHlc, writeAckEntry } from '../eventlog/ack-entry.ts'
import { CONTROL_PAYLOAD_BYTES_MAX, decoded, FRAME } from './frames.ts'
import type { Suite } from './suites.ts'

/** Versions of the replication protocol spoken here. */
export const PROTOCOL_MIN = 1
export const PROTOCOL_MAX = 1

const RELEASE_BYTES = 32
/** Of caps, whose other bits are for later releases: this side speaks suite 2. */
const CAP_SUITE_2 = 1
/** This side gives and passes on large files (docs/protocol.md, section 12). */
const CAP_FILES = 2

/** SETTINGS, 86 B: proto_min u16 | proto_max u16 | release 32 B (UTF-8, zero-padded) | max_frame u16 | caps u64 |
 *  window[4] u32 | crl_number u64 | incarnation 8 B | hlc u64. The first frame of each side. */
export type Settings = {
  protocolMin: number
  protocolMax: number
  release: string
  frameMax: number
  /** The strongest suite this side speaks. */
  suite: Suite
  /** Whether it may be asked for large files. */
  hasFiles: boolean
  /** Bytes the peer takes per class before it grants more; classes 0 and 1 need no grant. */
  windows: readonly [number, number, number, number]
  incarnation: Incarnation
  hlc: Hlc
}

export function encodeSettings(settings: Settings): Uint8Array {
  const release = new Uint8Array(RELEASE_BYTES)
  release.set(utf8(settings.release).subarray(0, RELEASE_BYTES))
  const writer = new Writer(86)
    .u16(settings.protocolMin)
    .u16(settings.protocolMax)
    .bytes(release)
    .u16(settings.frameMax)
    .u64((settings.suite === 2 ? CAP_SUITE_2 : 0) + (settings.hasFiles ? CAP_FILES : 0))
  for (const window of settings.windows) writer.u32(window)
  return writer
    .u64(0) // crl_number: no list is exchanged yet
    .hex(settings.incarnation)
    .hex(settings.hlc)
    .done()
}

/** Bytes after the known ones belong to later releases and are ignored. */
export function decodeSettings(payload: Uint8Array): Settings {
  return decoded(FRAME.SETTINGS, () => {
    const reader = new Reader(payload)
    const protocolMin = reader.u16()
    const protocolMax = reader.u16()
    const release = printable(reader.bytes(RELEASE_BYTES))
    const frameMax = reader.u16()
    const caps = reader.bytes(8)
    const suite = (caps[7] ?? 0) & CAP_SUITE_2 ? 2 : 1
    const hasFiles = ((caps[7] ?? 0) & CAP_FILES) > 0
    const windows = [reader.u32(), reader.u32(), reader.u32(), reader.u32()] as const
    reader.bytes(8)
    const incarnation = reader.hex(8) as Incarnation
    const known = { protocolMin, protocolMax, release, frameMax, suite, hasFiles, windows } as const
    return { ...known, incarnation, hlc: readHlc(reader) }
  })
}

/** PING and PONG, 16 B: nonce u64 | hlc u64. A PONG repeats the nonce. */
type Ping = { nonce: Uint8Array; hlc: Hlc }

export function encodePing({ nonce, hlc }: Ping): Uint8Array {
  return new Writer(16).bytes(nonce).hex(hlc).done()
}

export function decodePing(payload: Uint8Array): Ping {
  return decoded(FRAME.PING, () => {
    const reader = new Reader(payload)
    return { nonce: reader.bytes(8).slice(), hlc: readHlc(reader) }
  })
}

const GOAWAY_TEXT_BYTES_MAX = 200

/** GOAWAY, 4 B and text: code u16 | retry_after u16 (seconds) | text (UTF-8, <= 200 B, for the peer's log). */
type Goaway = { code: number; retryAfter: number; text: string }

export function encodeGoaway({ code, retryAfter, text }: Goaway): Uint8Array {
  const words = utf8(text).subarray(0, GOAWAY_TEXT_BYTES_MAX)
  return new Writer(4).u16(code).u16(retryAfter).bytes(words).done()
}

export function decodeGoaway(payload: Uint8Array): Goaway {
  return decoded(FRAME.GOAWAY, () => {
    const reader = new Reader(payload)
    const code = reader.u16()
    const retryAfter = reader.u16()
    return { code, retryAfter, text: printable(reader.rest().subarray(0, GOAWAY_TEXT_BYTES_MAX)) }
  })
}

/** CREDIT, 5 B: class u8 | bytes u32. The peer may send so many more payload bytes in that class. */
type Credit = { class: 2 | 3; bytes: number }

export function encodeCredit(credit: Credit): Uint8Array {
  return new Writer(5).u8(credit.class).u32(credit.bytes).done()
}

export function decodeCredit(payload: Uint8Array): Credit | undefined {
  return decoded(FRAME.CREDIT, () => {
    const reader = new Reader(payload)
    const frameClass = reader.u8()
    const bytes = reader.u32()
    // Grants for classes that need none are ignored.
    return frameClass === 2 || frameClass === 3 ? { class: frameClass, bytes } : undefined
  })
}

/** HAVE, n x 40 B: feed id16 | floor u64 | head u64 | chain 8 B (first bytes of the hash chain at `head`). */
export type Have = { id: FeedId; floor: number; head: number; chain8: Uint8Array }

const HAVE_BYTES = 40
export const HAVES_PER_FRAME_MAX = Math.floor(CONTROL_PAYLOAD_BYTES_MAX / HAVE_BYTES)

export function encodeHaves(entries: readonly Have[]): Uint8Array {
  const writer = new Writer(entries.length * HAVE_BYTES)
  for (const { id, floor, head, chain8 } of entries)
    writer.hex(id).u64(floor).u64(head).bytes(chain8)
  return writer.done()
}

export function decodeHaves(payload: Uint8Array): Have[] {
  return decoded(FRAME.HAVE, () =>
    repeated(payload, (reader) => ({
      id: reader.hex(16) as FeedId,
      floor: reader.u64(),
      head: reader.u64(),
      chain8: reader.bytes(8).slice(),
    })),
  )
}

/** CARRY, n x 48 B: feed id16 | destination id16 | after u64 (the destination holds it up to there) | head u64. Mail
 *  that the receiver is asked to carry; head 0: not any more. */
export type Carry = { id: FeedId; head: number; carry: { destination: BranchId; after: number } }

const CARRY_BYTES = 48
export const CARRIES_PER_FRAME_MAX = Math.floor(CONTROL_PAYLOAD_BYTES_MAX / CARRY_BYTES)

export function encodeCarries(entries: readonly Carry[]): Uint8Array {
  const writer = new Writer(entries.length * CARRY_BYTES)
  for (const { id, head, carry } of entries) {
    writer.hex(id).hex(carry.destination).u64(carry.after).u64(head)
  }
  return writer.done()
}

export function decodeCarries(payload: Uint8Array): Carry[] {
  return decoded(FRAME.CARRY, () =>
    repeated(payload, (reader) => {
      const id = reader.hex(16) as FeedId
      const destination = reader.hex(16) as BranchId
      const after = reader.u64()
      return { id, head: reader.u64(), carry: { destination, after } }
    }),
  )
}

/** REACH, n x 17 B: branch id16 | hops u8. Whom mail reaches through the sender, over so many links from it; the whole
 *  list each time. */
export type Reach = { branch: BranchId; hops: number }

const REACH_BYTES = 17
export const REACH_MAX = Math.floor(CONTROL_PAYLOAD_BYTES_MAX / REACH_BYTES)

export function encodeReach(entries: readonly Reach[]): Uint8Array {
  const writer = new Writer(entries.length * REACH_BYTES)
  for (const { branch, hops } of entries) writer.hex(branch).u8(hops)
  return writer.done()
}

export function decodeReach(payload: Uint8Array): Reach[] {
  return decoded(FRAME.REACH, () =>
    repeated(payload, (reader) => ({ branch: reader.hex(16) as BranchId, hops: reader.u8() })),
  )
}

const WANT_LIVE = 0b1
/** Reserved: a snapshot instead of events. */
const WANT_SNAPSHOT = 0b10
const WANT_OPENING = 0b100

/** WANT, 29 B: feed id16 | after u64 | max_bytes u32 (0, reserved) | flags u8: bit0 live, bit1 snapshot (reserved),
 *  bit2 FEED_OPEN first. */
export type Want = { id: FeedId; after: number; isLive: boolean; needsOpening: boolean }

export function encodeWant({ id, after, isLive, needsOpening }: Want): Uint8Array {
  const flags = (isLive ? WANT_LIVE : 0) | (needsOpening ? WANT_OPENING : 0)
  return new Writer(29).hex(id).u64(after).u32(0).u8(flags).done()
}

/** A want of a kind that is not served here is undefined, and ignored. */
export function decodeWant(payload: Uint8Array): Want | undefined {
  return decoded(FRAME.WANT, () => {
    const reader = new Reader(payload)
    const id = reader.hex(16) as FeedId
    const after = reader.u64()
    reader.u32()
    const flags = reader.u8()
    if (flags & WANT_SNAPSHOT) return undefined
    return { id, after, isLive: (flags & WANT_LIVE) > 0, needsOpening: (flags & WANT_OPENING) > 0 }
  })
}

/** ACK, n x 56 B: feed id16 | durable u64 | stable u64 | at hlc u64 | via id16 (zero: by this link). */
export type Ack = {
  id: FeedId
  durable: number
  stable: number
  at: Hlc
  via: BranchId | undefined
}

export const ACKS_PER_FRAME_MAX = Math.floor(CONTROL_PAYLOAD_BYTES_MAX / ACK_ENTRY_BYTES)

export function encodeAcks(entries: readonly Ack[]): Uint8Array {
  const writer = new Writer(entries.length * ACK_ENTRY_BYTES)
  for (const { id, ...rest } of entries) writeAckEntry(writer, { feed: id, ...rest })
  return writer.done()
}

export function decodeAcks(payload: Uint8Array): Ack[] {
  return decoded(FRAME.ACK, () =>
    repeated(payload, (reader) => {
      const { feed, ...rest } = readAckEntry(reader)
      return { id: feed, ...rest }
    }),
  )
}

const SIGNAL_BODY_BYTES_MAX = 512

/** EPH, 19 B and body: kind u8 | key id16 | ttl u16 (seconds) | body (<= 512 B). Forgotten, never stored. */
export type Signal = { kind: number; key: string; ttl: number; body: Uint8Array }

export function encodeSignal({ kind, key, ttl, body }: Signal): Uint8Array {
  if (body.length > SIGNAL_BODY_BYTES_MAX) throw new RangeError('The signal has too long a body')
  return new Writer(19 + body.length).u8(kind).hex(key).u16(ttl).bytes(body).done()
}

export function decodeSignal(payload: Uint8Array): Signal {
  return decoded(FRAME.EPH, () => {
    const reader = new Reader(payload)
    const signal = { kind: reader.u8(), key: reader.hex(16), ttl: reader.u16() }
    if (reader.left > SIGNAL_BODY_BYTES_MAX) throw new RangeError('The signal has too long a body')
    return { ...signal, body: reader.rest().slice() }
  })
}

function repeated<T>(payload: Uint8Array, read: (reader: Reader) => T): T[] {
  const reader = new Reader(payload)
  const entries: T[] = []
  while (reader.left > 0) entries.push(read(reader))
  return entries
}

/** Text a peer sent, for our log only: printable ASCII, or nothing. It never reaches a page or another peer. */
function printable(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes).replace(/[^ -~]/g, '')
  } catch {
    return ''
  }
}
