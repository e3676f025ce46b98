/**
 * What the effects of a session do to the event log, each answered by an input of the session. The only part of
 * replication that waits for the database; one of these per link.
 */
import { hlcOf } from '../base/hlc.ts'
import type { BranchId, FeedId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import type { EventLog, Offer, Route } from '../eventlog/log.ts'
import { feedIdOf } from '../eventlog/opening.ts'
import type { Ack, Settings } from './payloads.ts'
import { findHeld, type Held } from './peers.ts'
import type { Effect, Input, Listed, Offered } from './session.ts'

/** What the relay needs of the event log. */
export type RelayLog = Pick<
  EventLog,
  | 'offersTo'
  | 'wanted'
  | 'carryOffers'
  | 'carryWanted'
  | 'openingOf'
  | 'receiveOpening'
  | 'batchesAfter'
  | 'receiveBatch'
  | 'acknowledged'
  | 'stableOf'
  | 'now'
  | 'observe'
  | 'onGrown'
  | 'onCommitted'
>

export type ReplicationParts = {
  eventLog: RelayLog
  read: Db
  self: BranchId
  peer: BranchId
  settings(): Settings | undefined
  /** Branches that the peer shall carry mail to, now. */
  routes(): readonly Route[]
  /** Mail of this branch was brought, or listed, by the peer, which is not that branch. */
  onCarried(origin: BranchId): void
  isDropped(id: FeedId, batch: Uint8Array): boolean
}

/** Effects that wait for the database. */
export type LogEffect = Extract<
  Effect,
  { kind: 'list' | 'find' | 'readOpening' | 'takeOpening' | 'read' | 'store' | 'acknowledged' }
>

/** Carries one effect out; the input it answers with, if any. */
export async function performed(
  effect: LogEffect,
  parts: ReplicationParts,
): Promise<Input | undefined> {
  const { eventLog, peer } = parts
  switch (effect.kind) {
    case 'list': {
      const routes = parts.routes()
      const offered = await offers(parts, routes)
      return { kind: 'offers', offers: offered, isCarrier: routes.length > 0 }
    }
    case 'find':
      return await found(effect.entry, parts)
    case 'readOpening':
      return { kind: 'opening', id: effect.id, bytes: await eventLog.openingOf(effect.id) }
    case 'takeOpening': {
      const result = await eventLog.receiveOpening(peer, effect.bytes)
      const isKnown = result === 'stored' || result === 'known'
      return { kind: 'feedOpened', id: feedIdOf(effect.bytes), isKnown }
    }
    case 'read': {
      const { id, n, after, bytesMax } = effect
      const batches = await eventLog.batchesAfter(n, after, bytesMax)
      return { kind: 'batches', id, after, batches }
    }
    case 'store':
      return await stored(effect, parts)
    case 'acknowledged': {
      const entries = effect.acks.map(({ id, ...rest }) => ({ feed: id, ...rest }))
      await eventLog.acknowledged(peer, entries)
      return undefined
    }
  }
}

async function offers(
  { eventLog, self, peer }: ReplicationParts,
  routes: readonly Route[],
): Promise<Offered[]> {
  const forThem = await eventLog.offersTo(peer)
  const toCarry = (await eventLog.carryOffers(routes)).filter(({ origin }) => origin !== peer)
  const offered = (offer: Offer) => {
    const { origin, isMail } = offer
    const isTheirs = origin === peer
    return { ...offer, isOurs: origin === self, isTheirs, isForThem: isMail && !isTheirs }
  }
  return [
    ...forThem.map(offered),
    ...toCarry.map((offer) => ({ ...offered(offer), isForThem: false, carry: offer.carry })),
  ]
}

/**
 * What to ask for, and what we hold of the peer's own feed, by whatever way it came: its ack may have been missed. A
 * feed the peer is writing now is wanted even when we hold it all: it will be sent live then.
 */
async function found(
  entry: Listed,
  { eventLog, read, self, peer, settings, onCarried }: ReplicationParts,
): Promise<Input> {
  const { id } = entry
  const held = await findHeld(read, { id, self, peer })
  const isLive = held !== undefined && held.incarnation === settings()?.incarnation
  const live = isLive ? { id, after: held.head, needsOpening: false } : undefined
  const isCarry = 'carry' in entry
  const news = await (isCarry ? eventLog.carryWanted(peer, entry) : eventLog.wanted(peer, entry))
  // A carrier holds only the end of it. When the rest came by another way it must hear that it may let go.
  const isAhead = 'floor' in entry && entry.floor > (held?.head ?? 0)
  const isFull = news === 'no-room' || isAhead
  const want = isFull ? undefined : (news ?? live)
  const isBrought = held !== undefined && held.origin !== peer && held.origin !== self
  // Our ack of it may have been lost with the origin's own link.
  if (isBrought && held.head > 0) onCarried(held.origin)
  return {
    kind: 'found',
    entry,
    want,
    isFull,
    ack: held && held.head > 0 ? ackOf(id, held, eventLog) : undefined,
  }
}

function ackOf(
  id: FeedId,
  { n, head, arrivedAt, via }: Held,
  log: Pick<RelayLog, 'stableOf'>,
): Ack {
  const stable = log.stableOf(n, head)
  return { id, durable: head, stable, at: hlcOf(arrivedAt, 0), via: via ?? undefined }
}

async function stored(
  { id, bytes }: Extract<LogEffect, { kind: 'store' }>,
  { eventLog, peer, isDropped, onCarried }: ReplicationParts,
): Promise<Input> {
  const result = isDropped(id, bytes) ? undefined : await eventLog.receiveBatch(peer, bytes)
  if (result?.carriedFrom) onCarried(result.carriedFrom)
  return {
    kind: 'stored',
    id,
    bytes: bytes.length,
    durable: result?.durable,
    stable: result?.stable ?? 0,
    isFull: result?.isFull ?? false,
    hlc: eventLog.now(),
  }
}
