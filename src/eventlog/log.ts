/**
 * The event log of a branch, as features and the relay see it. Feeds have one writer each and contiguous seqs; what
 * one group commit wrote to a feed is one signed batch; receiving is verify, store, apply, advance in one transaction.
 * Source: docs/protocol.md, sections 4 and 7.
 */
import type { Hlc } from '../base/hlc.ts'
import type { BranchId, FeedId } from '../base/ids.ts'
import { DAY, type Millis } from '../base/units.ts'
import type { Cancel } from '../world/clock.ts'
import { keepAcks, outboxOf } from './acks.ts'
import type { Kinds } from './apply.ts'
import type { BackupMark } from './backup-marks.ts'
import { batchesAfter, signBatches } from './batches.ts'
import { carryOffers, carryWanted, forgetCarried } from './carrying.ts'
import type { Urgent } from './changes.ts'
import { type Core, createCore } from './core.ts'
import type { Append, LoggedEvent } from './events.ts'
import { createListeners } from './listeners.ts'
import { askForBodies } from './missing.ts'
import { offersTo, wanted } from './offers.ts'
import { receiveOpening } from './openings.ts'
import type { LogParts } from './parts.ts'
import { PRUNED_AFTER_MS, prune } from './pruning.ts'
import { receivedBatch } from './receive.ts'
import {
  type AckVector,
  type Learned,
  ownHeads,
  receiveHead,
  receiveVector,
  reportsFor,
  vectorFor,
} from './reports.ts'
import { createRetry } from './retry.ts'

/** A feed's number in this branch's database (`feed.n`). */
export type FeedN = number

/** One entry of HAVE. */
export type Offer = {
  n: FeedN
  id: FeedId
  origin: BranchId
  floor: number
  head: number
  chain: Uint8Array
  /** Scope `to`. */
  isMail: boolean
  /** Of records: the last seq that nobody must wait for behind mail. */
  urgentTo: number
}

/** Mail that somebody else shall carry to its destination, which holds it up to `after`. */
type Carry = { destination: BranchId; after: number }

/** One entry of CARRY. */
export type CarryOffer = Offer & { carry: Carry }

/** A branch that somebody shall carry to; blindly: he does not see it now, and gets only what we wrote ourselves. */
export type Route = { to: BranchId; isBlind: boolean }

/** A peer's entry of CARRY. */
export type CarryEntry = { id: FeedId; head: number; carry: Carry }

/** A peer's entry of HAVE; `chain8` is the first 8 bytes of the chain at its head. */
export type PeerOffer = { id: FeedId; floor: number; head: number; chain8: Uint8Array }

/** What to ask a peer for. */
export type Want = { id: FeedId; after: number; needsOpening: boolean }

/** One entry of a peer's ACK; `at` is when it became durable there, `via` the branch that carried it, if any. */
export type AckEntry = {
  feed: FeedId
  durable: number
  stable: number
  at: Hlc
  via: BranchId | undefined
}

/** Up to which seq of our feed a branch now holds it. */
export type StoredUpTo = { branch: BranchId; feedN: FeedN; upTo: number; at: Millis }

/**
 * `unknown-origin`: nothing was stored; try again when the identity of its origin has arrived. `not-taken`: there is
 * another feed in its place.
 */
export type OpeningResult = 'stored' | 'known' | 'unknown-origin' | 'not-taken'

/** Our cursor after a batch. Full: nothing was stored, the batch must come again. */
export type Received = {
  feed: FeedId
  feedN: FeedN
  durable: number
  /** How much of it is in every copy of our database too. */
  stable: number
  isFull: boolean
  /** Mail for us that somebody else than its origin brought. */
  carriedFrom?: BranchId
}

/** A signed batch as on the wire. */
export type WireBatch = { bytes: Uint8Array; lastSeq: number }

export type EventLog = {
  /** Call inside `writer.write`. */
  append: Append
  /** After each commit: what was appended or applied in it, in order of position. */
  onCommitted(fn: (events: LoggedEvent[]) => void): Cancel
  /** After each commit: feeds that grew (ours or received), for the relay. */
  onGrown(fn: (feeds: FeedN[]) => void): Cancel
  /** The same, told before it: feeds that grew by something urgent. */
  onUrgent(fn: (places: Urgent[]) => void): Cancel
  /** After each commit: what other branches now hold, for the marks of messages. */
  onStored(fn: (marks: StoredUpTo[]) => void): Cancel
  /** All kinds by their codes. */
  kinds: Kinds
  /** The name of a kind of event by its code; undefined: this release does not know it. */
  kindName(code: number): string | undefined
  /** The next clock value, for things outside events. */
  now(): Hlc
  /** A peer's clock, from SETTINGS or PING. */
  observe(hlc: Hlc): void
  /** Feeds `peer` may want from us: `all` feeds, `to` feeds for it, feeds it wrote itself. `all` feeds come first. */
  offersTo(peer: BranchId): Promise<Offer[]>
  /** What to ask for, given the peer's entry: undefined when we hold it all or it is none of ours. */
  wanted(peer: BranchId, entry: PeerOffer): Promise<Want | undefined>
  /** Mail for these branches that they do not hold as far as we know: our own, and what we carry. */
  carryOffers(routes: readonly Route[]): Promise<CarryOffer[]>
  /** What to ask for when a peer asks us to carry; undefined when we do not; no room: it is worth asking again. */
  carryWanted(peer: BranchId, entry: CarryEntry): Promise<Want | 'no-room' | undefined>
  openingOf(id: FeedId): Promise<Uint8Array | undefined>
  /** Verifies the origin's signature and stores the feed. Throws ProtocolError for what the peer must not send. */
  receiveOpening(peer: BranchId, bytes: Uint8Array): Promise<OpeningResult>
  /** Whole batches from seq `after` + 1 on, together at most `bytesMax`, at least one if there is any. */
  batchesAfter(feedN: FeedN, after: number, bytesMax: number): Promise<WireBatch[]>
  /**
   * Resolves after the commit with our durable cursor; full: it was not taken, see waiting.ts. Throws ProtocolError for
   * what the peer must not send.
   */
  receiveBatch(peer: BranchId, bytes: Uint8Array): Promise<Received>
  /** How much of what we hold of a feed is in every copy of our database that may still be put back. */
  stableOf(feedN: FeedN, durable: number): number
  /** Call before a copy is made: what it holds is kept for us elsewhere until it expires. */
  markBackup(keptMs: Millis): Promise<BackupMark>
  /** Forgets copies whose time is over, and what is that old and nobody can need again; how many bodies were erased. */
  prune(olderThan?: Millis): Promise<number>
  /** Asks for bodies of records that whoever passed them on left out; call now and then. */
  askForBodies(): Promise<number>
  /** The copy came to nothing. */
  removeBackupMark(id: number): Promise<void>
  /** A peer's ACK. Never goes back. */
  acknowledged(peer: BranchId, entries: readonly AckEntry[]): Promise<void>
  /** How many events `peer` has not acknowledged yet. */
  outboxOf(peer: BranchId): Promise<number>
  /** ACKVEC: what we hold of a branch's feeds, signed. */
  vectorFor(origin: BranchId): Promise<Uint8Array>
  /** HEAD of each of our feeds of mail that grew since the last one and has not arrived as far as we know. */
  headsFor(destination: BranchId): Promise<Uint8Array[]>
  /** An ACKVEC or a HEAD, whoever passed it on. Throws ProtocolError for what is none. */
  receiveVector(bytes: Uint8Array): Promise<Learned>
  receiveHead(bytes: Uint8Array): Promise<Learned>
  /** What to give a peer when its link opens. */
  reportsFor(peer: BranchId): Promise<{ vectors: Uint8Array[]; heads: Uint8Array[] }>
}

/** So long mail is carried: by then somebody has mended the line, and the origin has it still. */
const CARRIED_MS_MAX: Millis = 30 * DAY

/** The log over an open store; resolves when its clock is read and parked events have had another try. */
export async function createEventLog(given: LogParts): Promise<EventLog> {
  const { store, self, log } = given
  const core = createCore(given)
  const { changes, logClock, feeds } = core
  const listeners = createListeners(log)
  const retry = createRetry(given, core)

  store.writer.undoWith(() => {
    const mark = changes.mark()
    return () => changes.backTo(mark)
  })
  store.writer.beforeCommit(async (tx) => {
    await signBatches({ self, sign: given.sign, feeds, changes }, tx)
    if (!changes.isEmpty()) await logClock.keep(tx)
  })
  store.writer.afterCommit(() => {
    const told = changes.taken()
    if (told.events.length > 0) retry.afterEvents()
    listeners.tell(told)
  })

  await logClock.load(store.read)
  await core.marks.load(store.read)
  const before = given.clock.now() - CARRIED_MS_MAX
  await store.writer.write((tx) => forgetCarried(tx, { self, before }))
  await retry.all()
  return {
    ...reading(given, core),
    append: core.append,
    onCommitted: listeners.onCommitted,
    onGrown: listeners.onGrown,
    onUrgent: listeners.onUrgent,
    onStored: listeners.onStored,
    kinds: core.kinds,
    kindName: (code) => core.kinds.get(code)?.name,
    now: () => logClock.next(),
    observe: (hlc) => logClock.observe(hlc),
    receiveOpening: (peer, bytes) =>
      store.writer.write((tx) => receiveOpening({ ...given, ...core }, tx, { peer, bytes })),
    receiveBatch: (peer, bytes) => receivedBatch(store.writer.write, core, { peer, bytes }),
    acknowledged: (peer, entries) =>
      store.writer.write((tx) => keepAcks({ ...core, ...given }, tx, { peer, entries })),
    askForBodies: () => askForBodies({ ...given, append: core.append }, core.bodies),
    ...reporting(given, core),
    ...copying(given, core),
  }
}

/** Copies of this branch's database, as far as other branches are concerned. */
function copying({ store, self, clock, log }: LogParts, { marks, kinds }: Core) {
  const { write } = store.writer
  return {
    async prune(olderThan = PRUNED_AFTER_MS) {
      const now = clock.now()
      await write((tx) => marks.expire(tx, now))
      const bodies = await prune({ store, self, kinds, marks }, now - olderThan)
      if (bodies > 0) log.info('eventlog.pruned', { bodies })
      return bodies
    },
    stableOf: marks.stableOf,
    markBackup: (keptMs: Millis) => write((tx) => marks.add(tx, { madeAt: clock.now(), keptMs })),
    removeBackupMark: (id: number) => write((tx) => marks.remove(tx, id)),
  }
}

/** Signed words about mail that third branches carry. */
function reporting(given: LogParts, core: Core) {
  const { store, self, sign } = given
  const { write } = store.writer
  const maker = { self, sign, now: () => core.logClock.next() }
  return {
    vectorFor: (origin: BranchId) =>
      vectorFor(store.read, { ...maker, stableOf: core.marks.stableOf }, origin),
    headsFor: (destination: BranchId) => write((tx) => ownHeads(tx, maker, destination)),
    receiveVector: (bytes: Uint8Array) =>
      write((tx) => {
        const keep = ({ branch, entries }: AckVector) =>
          keepAcks({ ...core, ...given }, tx, { peer: branch, entries })
        return receiveVector(core, tx, { bytes, keep })
      }),
    receiveHead: (bytes: Uint8Array) => write((tx) => receiveHead(core, tx, bytes)),
    reportsFor: (peer: BranchId) => reportsFor(store.read, peer),
  }
}

/** What the relay reads: committed state only. */
function reading({ store, self, log, carryBytesMax }: LogParts, { beginnings }: Core) {
  const db = store.read
  return {
    offersTo: (peer: BranchId) => offersTo(db, peer),
    wanted: (peer: BranchId, entry: PeerOffer) => wanted({ db, self, log }, peer, entry),
    carryOffers: (routes: readonly Route[]) => carryOffers(db, { self, routes }),
    carryWanted: (peer: BranchId, entry: CarryEntry) =>
      carryWanted({ db, self, carryBytesMax, beginnings }, peer, entry),
    outboxOf: (peer: BranchId) => outboxOf(db, self, peer),
    openingOf: async (id: FeedId) => {
      const feed = db.selectFrom('feed').select('opening').where('id', '=', id)
      return (await feed.executeTakeFirst())?.opening
    },
    batchesAfter: (feedN: FeedN, after: number, bytesMax: number) =>
      batchesAfter(db, { feedN, after, bytesMax }),
  }
}
