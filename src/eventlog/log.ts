/**
 * The event log of a branch, as features and the relay see it. Feeds have one writer each and contiguous seqs; what
 * one group commit wrote to a feed is one signed batch; receiving is verify, store, apply, advance in one transaction.
 * Source: docs/protocol.md, "Relay" and "Batch".
 */
import type { Hlc } from '../base/hlc.ts'
import type { BranchId, FeedId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import type { Cancel } from '../world/clock.ts'
import type { Append, LoggedEvent } from './events.ts'

/** A feed's number in this branch's database (`feed.n`). */
export type FeedN = number

/** One entry of HAVE. */
export type Offer = { n: FeedN; id: FeedId; floor: number; head: number; chain: Uint8Array }

/** A peer's entry of HAVE; `chain8` is the first 8 bytes of the chain at its head. */
export type PeerOffer = { id: FeedId; floor: number; head: number; chain8: Uint8Array }

/** What to ask a peer for. */
export type Want = { id: FeedId; after: number; needsOpening: boolean }

/** One entry of a peer's ACK; `at` is when it became durable there, `via` the branch that carried it (null: nobody). */
export type AckEntry = {
  feed: FeedId
  durable: number
  stable: number
  at: Millis
  via: BranchId | null
}

/** Up to which seq of our feed a branch now holds it. */
export type StoredUpTo = { branch: BranchId; feedN: FeedN; upTo: number; at: Millis }

/** `unknown-origin`: nothing was stored; try again when the identity of its origin has arrived. */
export type OpeningResult = 'stored' | 'known' | 'unknown-origin'

/** A signed batch as on the wire. */
export type WireBatch = { bytes: Uint8Array; lastSeq: number }

export type EventLog = {
  /** Call inside `writer.write`. */
  append: Append
  /** After each commit: what was appended or applied in it, in order of position. */
  onCommitted(fn: (events: LoggedEvent[]) => void): Cancel
  /** After each commit: feeds that grew (ours or received), for the relay. */
  onGrown(fn: (feeds: FeedN[]) => void): Cancel
  /** After each commit: what other branches now hold, for the marks of messages. */
  onStored(fn: (marks: StoredUpTo[]) => void): Cancel
  /** The next clock value, for things outside events. */
  now(): Hlc
  /** A peer's clock, from SETTINGS or PING. */
  observe(hlc: Hlc): void
  /** Feeds `peer` may want from us: `all` feeds, `to` feeds for it, feeds it wrote itself. `all` feeds come first. */
  offersTo(peer: BranchId): Promise<Offer[]>
  /** What to ask for, given the peer's entry: undefined when we hold it all or it is none of ours. */
  wanted(peer: BranchId, entry: PeerOffer): Promise<Want | undefined>
  openingOf(id: FeedId): Promise<Uint8Array | undefined>
  /** Verifies the origin's signature and stores the feed. Throws ProtocolError for what the peer must not send. */
  receiveOpening(peer: BranchId, bytes: Uint8Array): Promise<OpeningResult>
  /** Whole batches from seq `after` + 1 on, together at most `bytesMax`, at least one if there is any. */
  batchesAfter(feedN: FeedN, after: number, bytesMax: number): Promise<WireBatch[]>
  /** Resolves after the commit with our durable cursor. Throws ProtocolError for what the peer must not send. */
  receiveBatch(
    peer: BranchId,
    bytes: Uint8Array,
  ): Promise<{ feed: FeedId; feedN: FeedN; durable: number }>
  /** A peer's ACK. Never goes back. */
  acknowledged(peer: BranchId, entries: readonly AckEntry[]): Promise<void>
  /** How many events `peer` has not acknowledged yet. */
  outboxOf(peer: BranchId): Promise<number>
}
