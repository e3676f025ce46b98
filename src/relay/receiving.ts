/**
 * The receiving half of a session, pure: what the peer has that we lack, what we asked for, what came and was stored.
 * A feed is asked for once and then again only when it grew past what was asked: so nothing is sent twice, and nothing
 * that was announced is forgotten. Credits are given back after the commit, so a slow disk holds back the peer.
 */

import { Reader } from '../base/bytes.ts'
import type { Hlc } from '../base/hlc.ts'
import { type FeedId, ID_BYTES } from '../base/ids.ts'
import { KIB, MIB, type Millis, SECOND } from '../base/units.ts'
import { Assembly, decoded, FRAME, type Frame, frame, listed, ProtocolClose } from './frames.ts'
import { ACKS_PER_FRAME_MAX, type Ack, encodeAcks, encodeCredit, encodeWant } from './payloads.ts'
import type { Effect, Listed } from './session.ts'

/** 64 events and what they carry (docs/protocol.md, section 7); a longer one is a mistake or an attack. */
export const BATCH_BYTES_MAX = 160 * KIB
/** What a peer may have under way to us: memory per link is bounded by it. */
export const DURABLE_WINDOW_BYTES = MIB
/** Grants are collected up to here: one CREDIT frame for many batches. */
const GRANT_BYTES = DURABLE_WINDOW_BYTES / 4
/** Under load acks are collected so long; an idle link acks at once. */
const ACK_DELAY_MS: Millis = 100
/** A feed whose origin has too much waiting is asked for again so much later. */
const AGAIN_MS: Millis = 10 * SECOND
/** More feeds than fifty branches write in years of restarts. */
const FEEDS_PER_PEER_MAX = 50_000

type Heard = {
  entry: Listed
  /** The head we asked up to; -1: not asked. */
  asked: number
  durable: number
  isFinding: boolean
}

/** The log's answer to an entry of the peer's list. Full: there is no room for it now. */
export type Found = {
  entry: Listed
  isFull?: boolean
  want: { id: FeedId; after: number; needsOpening: boolean } | undefined
  ack: Ack | undefined
}

/**
 * A batch that left our memory: stored up to `durable`, or dropped (undefined). Full: it was not taken and must come
 * again, from `durable` on.
 */
export type Stored = {
  id: FeedId
  bytes: number
  durable: number | undefined
  stable: number
  isFull: boolean
}

export class Receiving {
  readonly #heard = new Map<FeedId, Heard>()
  /** Feeds of branches whose identity had not arrived; true: asked for again since, and not opened yet. */
  readonly #strange = new Map<FeedId, boolean>()
  /** Feeds of which nothing is taken now, and where they must go on. */
  readonly #full = new Map<FeedId, number>()
  readonly #assembly = new Assembly(BATCH_BYTES_MAX)
  readonly #acks = new Map<FeedId, Ack>()
  /** Bytes received and not granted again. */
  #taken = 0
  #toGrant = 0
  #storing = 0
  #isAckTimed = false
  #isAgainTimed = false

  /** The peer's list, or changes of it. */
  listed(entries: readonly Listed[]): Effect[] {
    return entries.flatMap((entry): Effect[] => {
      const heard = this.#heard.get(entry.id)
      if (heard) {
        heard.entry = entry
        if (isTakenBack(entry)) this.#forget(heard)
        return this.#findMore(heard)
      }
      if (this.#heard.size >= FEEDS_PER_PEER_MAX) {
        throw new ProtocolClose('out-of-turn', 'The peer lists more feeds than there can be')
      }
      this.#heard.set(entry.id, { entry, asked: -1, durable: 0, isFinding: true })
      return [{ kind: 'find', entry }]
    })
  }

  /** What was asked for will not come, or no more of it: it is asked for anew when it is offered again. */
  #forget(heard: Heard): void {
    heard.asked = -1
    this.#full.delete(heard.entry.id)
  }

  #findMore(heard: Heard): Effect[] {
    const { entry, asked, durable, isFinding } = heard
    const isUnderWay = isFinding || (asked > durable && this.#strange.get(entry.id) !== false)
    if (isUnderWay || entry.head <= durable) return []
    heard.isFinding = true
    return [{ kind: 'find', entry }]
  }

  /** The log's answer: what to ask for, if anything, and what we hold of the peer's own feed. */
  found({ entry, want, ack, isFull }: Found): Effect[] {
    const heard = this.#heard.get(entry.id)
    if (!heard) return []
    heard.isFinding = false
    const acks = ack ? this.#ackLater(ack) : []
    // Another branch may have opened it here meanwhile.
    const isOpen = !want?.needsOpening && this.#strange.delete(entry.id)
    if (isFull) {
      this.#full.set(entry.id, entry.head)
      return [...acks, ...this.#askLater()]
    }
    if (!want) {
      this.#full.delete(entry.id)
      return [...acks, ...(heard.entry.head > entry.head ? this.#findMore(heard) : [])]
    }
    if (isOpen || this.#full.has(entry.id)) this.#full.set(entry.id, want.after)
    heard.asked = heard.entry.head
    heard.durable = Math.max(heard.durable, want.after)
    const payload = encodeWant({ ...want, isLive: true })
    return [...acks, { kind: 'send', frame: frame(FRAME.WANT, payload) }]
  }

  /** Whether a feed's origin is known by now: until then its batches are dropped, and it is asked for again later. */
  opened(id: FeedId, isKnown: boolean): void {
    if (!isKnown) this.#strange.set(id, false)
    // Openings go before batches: what was sent for the first question may still come, and lacks its beginning.
    else if (this.#strange.delete(id)) this.#full.set(id, 0)
  }

  /** Identities arrived: what was strange may be known now. */
  retry(): Effect[] {
    const ids = [...this.#strange].flatMap(([id, isAsked]) => (isAsked ? [] : [id]))
    for (const id of ids) this.#strange.set(id, true)
    return this.#askAgain(ids)
  }

  /** Some of what waited may have been applied: full feeds are asked for from where they must go on. */
  againTimer(): Effect[] {
    this.#isAgainTimed = false
    return this.#askAgain([...this.#full.keys()])
  }

  #askAgain(ids: readonly FeedId[]): Effect[] {
    return ids.flatMap((id): Effect[] => {
      const heard = this.#heard.get(id)
      if (!heard || heard.isFinding) return []
      heard.asked = -1
      heard.isFinding = true
      return [{ kind: 'find', entry: heard.entry }]
    })
  }

  /** A fragment of a batch; the last one makes it whole. */
  batch(part: Frame): Effect[] {
    this.#taken += part.payload.length
    if (this.#taken > DURABLE_WINDOW_BYTES) {
      throw new ProtocolClose('out-of-turn', 'The peer sends more than it was granted')
    }
    const bytes = this.#assembly.add(part)
    if (!bytes) return []
    this.#storing += 1
    return [{ kind: 'store', id: feedOf(bytes), bytes }]
  }

  /**
   * Of a strange feed nothing is taken, of a full one only what goes on from where it stopped. Asked once per batch, in
   * order: several are on their way to the disk at once, so each that passes moves the place where it must go on.
   */
  isDropped(id: FeedId, batch: Uint8Array): boolean {
    if (this.#strange.has(id)) return true
    const after = this.#full.get(id)
    if (after === undefined) return false
    const { firstSeq, lastSeq } = placeOf(batch)
    if (firstSeq > after + 1) return true
    this.#full.set(id, Math.max(after, lastSeq))
    return false
  }

  /** A batch left our memory. */
  stored({ id, bytes, durable, stable, isFull }: Stored, at: Hlc): Effect[] {
    this.#storing -= 1
    const effects = this.#grant(bytes)
    if (durable !== undefined && isFull) {
      this.#full.set(id, durable)
      effects.push(...this.#askLater())
    } else if (durable !== undefined) {
      this.#full.delete(id)
      this.#acks.set(id, { id, durable, stable, at, via: undefined })
      const heard = this.#heard.get(id)
      if (heard) {
        heard.durable = Math.max(heard.durable, durable)
        effects.push(...this.#findMore(heard))
      }
    }
    return [...effects, ...this.#ackOrWait()]
  }

  #askLater(): Effect[] {
    if (this.#isAgainTimed) return []
    this.#isAgainTimed = true
    return [{ kind: 'timer', name: 'again', ms: AGAIN_MS }]
  }

  /** The peer asks about many feeds at once. */
  #ackLater(ack: Ack): Effect[] {
    const before = this.#acks.get(ack.id)
    if (before === undefined || before.durable < ack.durable) this.#acks.set(ack.id, ack)
    return this.#ackTimed()
  }

  #ackOrWait(): Effect[] {
    return this.#storing === 0 ? this.acks() : this.#ackTimed()
  }

  #ackTimed(): Effect[] {
    if (this.#isAckTimed || this.#acks.size === 0) return []
    this.#isAckTimed = true
    return [{ kind: 'timer', name: 'ack', ms: ACK_DELAY_MS }]
  }

  ackTimer(): Effect[] {
    this.#isAckTimed = false
    return this.acks()
  }

  acks(): Effect[] {
    const entries = [...this.#acks.values()]
    this.#acks.clear()
    return ackFrames(entries)
  }

  #grant(bytes: number): Effect[] {
    this.#toGrant += bytes
    if (this.#toGrant < GRANT_BYTES) return []
    const granted = this.#toGrant
    this.#toGrant = 0
    this.#taken -= granted
    const payload = encodeCredit({ class: 2, bytes: granted })
    return [{ kind: 'send', frame: frame(FRAME.CREDIT, payload) }]
  }
}

/** CARRY with head 0: the peer asks no more. */
const isTakenBack = (entry: Listed): boolean => 'carry' in entry && entry.head === 0

function ackFrames(entries: readonly Ack[]): Effect[] {
  const how = { encode: encodeAcks, perFrame: ACKS_PER_FRAME_MAX }
  return listed(FRAME.ACK, entries, how).map((each) => ({ kind: 'send', frame: each }))
}

/** BatchHeader: magic u32, version u8, algorithm u8, flags u16, then the feed's id, first seq u64, count u16. */
const FEED_OFFSET = 8

function placeOf(batch: Uint8Array): { firstSeq: number; lastSeq: number } {
  return decoded(FRAME.BATCH, () => {
    const reader = new Reader(batch)
    reader.bytes(FEED_OFFSET + ID_BYTES)
    const firstSeq = reader.u64()
    return { firstSeq, lastSeq: firstSeq + reader.u16() - 1 }
  })
}

function feedOf(batch: Uint8Array): FeedId {
  return decoded(FRAME.BATCH, () => {
    const reader = new Reader(batch)
    reader.bytes(FEED_OFFSET)
    return reader.hex(ID_BYTES) as FeedId
  })
}
