/**
 * The sending half of a session, pure: which of our feeds the peer wants, how far it has them, how much it will take.
 * Our own feeds and mail that we carry to the peer are sent live; another branch's records are sent as far as we hold
 * them, and their growth is announced: with direct links everywhere nothing crosses twice. docs/protocol.md, section 4.
 */
import type { FeedId } from '../base/ids.ts'
import { KIB, type Millis } from '../base/units.ts'
import { FRAME, fragments, frame, listed } from './frames.ts'
import {
  CARRIES_PER_FRAME_MAX,
  type Carry,
  encodeCarries,
  encodeHaves,
  HAVES_PER_FRAME_MAX,
  type Have,
  type Want,
} from './payloads.ts'
import type { Batches, Effect, Offered } from './session.ts'

/** So much is read ahead for a link: enough to keep it busy, little enough to stop at once when it dies. */
const READ_BYTES_MAX = 256 * KIB
/** No more is read while so much waits to be sent. */
const WAITING_BYTES_MAX = 128 * KIB
/** A slow line wants less at hand, in windows of its pace: another feed's news waits behind what was read. */
const WINDOWS_READ = 4
const WINDOWS_WAITING = 2
/** Growth of other branches' feeds is announced so much later: most peers have got it directly by then. */
const ANNOUNCE_DELAY_MS: Millis = 200

type Serving = {
  id: FeedId
  n: number
  /** The last seq that went out on this link. */
  sent: number
  isLive: boolean
  /** There may be more than `sent`. */
  isDirty: boolean
  /** FEED_OPEN goes out first. */
  isOpening: boolean
}

export class Sending {
  readonly #offers = new Map<number, Offered>()
  readonly #feedNs = new Map<FeedId, number>()
  /** Feeds that grew and are not for this peer. */
  readonly #private = new Set<number>()
  readonly #serving = new Map<FeedId, Serving>()
  /** What the peer holds, as far as we know: that is not announced to it. */
  readonly #peerHeads = new Map<FeedId, number>()
  readonly #unlisted = new Set<number>()
  /** Of feeds of records: what stands up to there goes before all mail. */
  readonly #urgentTo = new Map<number, number>()
  #credit = 0
  /** Credit that the next batch needs. */
  #creditNeeded = 1
  #reading: FeedId | undefined
  #isAnnouncing = false
  /** The session begins with a list. */
  #listing: 'first' | 'again' | undefined = 'first'
  /** Something grew while a list was being made: it may not stand in it. */
  #isListStale = false

  readonly #windowBytes: () => number

  /** `windowBytes` may be under way to the peer now. */
  constructor(windowBytes: () => number) {
    this.#windowBytes = windowBytes
  }

  /** The peer's window; batches may flow from here on. */
  open(window: number): void {
    this.#credit = window
  }

  credit(bytes: number, waitingBytes: number): Effect[] {
    this.#credit += bytes
    return this.#pump(waitingBytes)
  }

  /** The peer holds `head` of a feed: it said so, or it sent us that much. */
  peerHolds(id: FeedId, head: number): void {
    if (head > (this.#peerHeads.get(id) ?? 0)) this.#peerHeads.set(id, head)
  }

  /** The list of what we offer, now: the first one whole, later ones as far as they are news to the peer. */
  list(offers: readonly Offered[], isCarrier: boolean): Effect[] {
    const isFirst = this.#listing === 'first'
    this.#listing = undefined
    const takenBack = this.#takeBack(offers)
    const news: Offered[] = []
    for (const offer of offers) {
      const { n, id, head, floor } = offer
      const before = this.#offers.get(n)
      this.#unlisted.delete(n)
      this.#private.delete(n)
      this.#offers.set(n, offer)
      this.urgent([{ feedN: n, upTo: offer.urgentTo }])
      this.#feedNs.set(id, n)
      const isServed = this.#serving.get(id)?.isLive ?? false
      // A carrier that begins anew earlier can be asked for what could not be had before.
      const isSame = before?.head === head && before.floor <= floor
      // Of our own that came back by another way the peer has said that it offers it, not that it holds it for itself.
      const isHeld = !offer.isOurs && head <= this.#peerHead(id)
      const isKnown = isServed || isSame || isHeld
      if (isFirst || !isKnown) news.push(offer)
    }
    const frames = listFrames([...takenBack, ...news])
    if (this.#isListStale) return [...frames, ...this.listAgain()]
    // What grew before the list was made and does not stand in it is not for this peer. Unless the peer carries: then
    // it had arrived elsewhere, and what comes next has not.
    if (isCarrier) this.#private.clear()
    else for (const n of this.#unlisted) this.#private.add(n)
    this.#unlisted.clear()
    return frames
  }

  /** What the peer was asked to carry and need not any more: a nearer way was found, or it arrived. */
  #takeBack(offers: readonly Offered[]): Offered[] {
    const kept = new Set(offers.map(({ n }) => n))
    const isOver = ({ n, carry }: Offered) => carry !== undefined && !kept.has(n)
    const over = [...this.#offers.values()].filter(isOver)
    for (const { n, id } of over) {
      this.#offers.delete(n)
      this.#serving.delete(id)
    }
    return over.map((offer) => ({ ...offer, head: 0 }))
  }

  #peerHead(id: FeedId): number {
    return this.#peerHeads.get(id) ?? -1
  }

  /** Something urgent stands in feeds of records. */
  urgent(places: readonly { feedN: number; upTo: number }[]): void {
    for (const { feedN, upTo } of places) {
      if (upTo > (this.#urgentTo.get(feedN) ?? 0)) this.#urgentTo.set(feedN, upTo)
    }
  }

  /** Feeds grew: what is wanted live flows, the rest is announced. */
  grown(ns: readonly number[], waitingBytes: number): Effect[] {
    const effects: Effect[] = []
    for (const n of ns) {
      const offer = this.#offers.get(n)
      if (this.#private.has(n) || offer?.isTheirs) continue
      const serving = offer && this.#serving.get(offer.id)
      if (serving) serving.isDirty = true
      if (!serving?.isLive) effects.push(...this.#relist(n, offer))
    }
    return [...effects, ...this.#pump(waitingBytes)]
  }

  #relist(n: number, offer: Offered | undefined): Effect[] {
    if (!offer) this.#unlisted.add(n)
    if (!offer || isSentLive(offer)) return this.listAgain()
    if (this.#isAnnouncing) return []
    this.#isAnnouncing = true
    return [{ kind: 'timer', name: 'announce', ms: ANNOUNCE_DELAY_MS }]
  }

  listAgain(): Effect[] {
    this.#isListStale = this.#listing !== undefined
    if (this.#listing) return []
    this.#listing = 'again'
    return [{ kind: 'list' }]
  }

  announce(): Effect[] {
    this.#isAnnouncing = false
    return this.listAgain()
  }

  /** The peer asks for a feed. What was never offered to it is not answered. */
  want({ id, after, isLive, needsOpening }: Want, waitingBytes: number): Effect[] {
    const n = this.#feedNs.get(id)
    const offer = n === undefined ? undefined : this.#offers.get(n)
    if (!offer) return []
    this.#serving.set(id, {
      id,
      n: offer.n,
      sent: after,
      isLive: isLive && isSentLive(offer),
      isDirty: true,
      isOpening: needsOpening,
    })
    if (needsOpening) return [{ kind: 'readOpening', id }]
    return this.#pump(waitingBytes)
  }

  opening(id: FeedId, bytes: Uint8Array | undefined, waitingBytes: number): Effect[] {
    const serving = this.#serving.get(id)
    if (!serving || !bytes) return []
    serving.isOpening = false
    return [{ kind: 'send', frame: frame(FRAME.FEED_OPEN, bytes) }, ...this.#pump(waitingBytes)]
  }

  /** What was read of a feed after `after`; empty: that is all there is. */
  batches({ id, after, batches }: Batches, waitingBytes: number): Effect[] {
    this.#reading = undefined
    const serving = this.#serving.get(id)
    const effects: Effect[] = []
    let waiting = waitingBytes
    if (serving && serving.sent === after) {
      for (const { bytes, lastSeq } of batches) {
        this.#creditNeeded = bytes.length
        if (bytes.length > this.#credit) break
        this.#creditNeeded = 1
        this.#credit -= bytes.length
        waiting += bytes.length
        serving.sent = lastSeq
        serving.isDirty = true
        const isUrgent = lastSeq <= (this.#urgentTo.get(serving.n) ?? 0)
        const sent = fragments(FRAME.BATCH, bytes).map(sendEffect)
        effects.push(...(isUrgent ? sent.map((each) => ({ ...each, isUrgent })) : sent))
      }
      if (batches.length === 0 && !serving.isLive && !serving.isDirty) this.#finish(serving)
      else if (batches.length > 0) serving.isDirty = true
    }
    return [...effects, ...this.#pump(waiting)]
  }

  /** Less waits to be sent: more may be read. */
  room(waitingBytes: number): Effect[] {
    return this.#pump(waitingBytes)
  }

  #finish({ id, sent }: Serving): void {
    this.#serving.delete(id)
    this.peerHolds(id, sent)
  }

  /** Reads for one feed at a time, in turn; what is urgent first, however much else waits. */
  #pump(waitingBytes: number): Effect[] {
    if (this.#reading !== undefined || this.#credit < this.#creditNeeded) return []
    const window = this.#windowBytes()
    const isFull = waitingBytes > Math.min(WAITING_BYTES_MAX, WINDOWS_WAITING * window)
    const serving = this.#nextToRead(isFull)
    if (serving === undefined) return []
    const { id, n, sent } = serving
    serving.isDirty = false
    this.#serving.delete(id)
    this.#serving.set(id, serving) // to the end: the others come first next time
    this.#reading = id
    const bytesMax = Math.min(this.#credit, READ_BYTES_MAX, WINDOWS_READ * window)
    return [{ kind: 'read', id, n, after: sent, bytesMax }]
  }

  #nextToRead(isFull: boolean): Serving | undefined {
    let first: Serving | undefined
    for (const serving of this.#serving.values()) {
      if (!serving.isDirty || serving.isOpening) continue
      if (serving.sent < (this.#urgentTo.get(serving.n) ?? 0)) return serving
      if (!isFull) first ??= serving
    }
    return first
  }
}

type SendEffect = Extract<Effect, { kind: 'send' }>

const sendEffect = (each: SendEffect['frame']): SendEffect => ({
  kind: 'send',
  frame: each,
})

/** Ours, and mail that nobody brings to the peer but us, as far as we know. */
function isSentLive({ isOurs, isForThem }: Offered): boolean {
  return isOurs || isForThem
}

function listFrames(offers: readonly Offered[]): Effect[] {
  const haves: Have[] = []
  const carries: Carry[] = []
  for (const { id, floor, head, chain, carry } of offers) {
    if (carry) carries.push({ id, head, carry })
    else haves.push({ id, floor, head, chain8: chain.slice(0, 8) })
  }
  return [
    ...listed(FRAME.HAVE, haves, { encode: encodeHaves, perFrame: HAVES_PER_FRAME_MAX }),
    ...listed(FRAME.CARRY, carries, { encode: encodeCarries, perFrame: CARRIES_PER_FRAME_MAX }),
  ].map(sendEffect)
}
