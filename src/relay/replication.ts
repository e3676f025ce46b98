/**
 * What the effects of a session do to the event log, each answered by an input of the session. The only part of
 * replication that waits for the database; one of these per link.
 */
import { hlcOf } from '../base/hlc.ts'
import type { BranchId, FeedId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import type { EventLog } from '../eventlog/log.ts'
import { feedIdOf } from '../eventlog/opening.ts'
import type { Ack, Have, Settings } from './payloads.ts'
import { findHeld, originsOf } from './peers.ts'
import type { Effect, Input } from './session.ts'

/** What the relay needs of the event log. */
export type RelayLog = Pick<
  EventLog,
  | 'offersTo'
  | 'wanted'
  | 'openingOf'
  | 'receiveOpening'
  | 'batchesAfter'
  | 'receiveBatch'
  | 'acknowledged'
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
    case 'list':
      return { kind: 'offers', offers: await offers(parts) }
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

async function offers({ eventLog, read, self, peer }: ReplicationParts) {
  const all = await eventLog.offersTo(peer)
  const origins = await originsOf(read, all)
  return all.map((offer) => {
    const origin = origins.get(offer.n)
    return { ...offer, isOurs: origin === self, isTheirs: origin === peer }
  })
}

/**
 * What to ask for, and what we hold of the peer's own feed, by whatever way it came: its ack may have been missed. A
 * feed the peer is writing now is wanted even when we hold it all: it will be sent live then.
 */
async function found(
  entry: Have,
  { eventLog, read, peer, settings }: ReplicationParts,
): Promise<Input> {
  const { id } = entry
  const held = await findHeld(read, { id, origin: peer })
  const isLive = held !== undefined && held.incarnation === settings()?.incarnation
  const live = isLive ? { id, after: held.head, needsOpening: false } : undefined
  const want = (await eventLog.wanted(peer, entry)) ?? live
  return { kind: 'found', entry, want, ack: held && held.head > 0 ? ackOf(id, held) : undefined }
}

function ackOf(id: FeedId, { head, arrivedAt }: { head: number; arrivedAt: Millis }): Ack {
  return { id, durable: head, stable: head, at: hlcOf(arrivedAt, 0), via: undefined }
}

async function stored(
  { id, bytes }: Extract<LogEffect, { kind: 'store' }>,
  { eventLog, peer, isDropped }: ReplicationParts,
): Promise<Input> {
  const result = isDropped(id, bytes) ? undefined : await eventLog.receiveBatch(peer, bytes)
  return {
    kind: 'stored',
    id,
    bytes: bytes.length,
    durable: result?.durable,
    isFull: result?.isFull ?? false,
    hlc: eventLog.now(),
  }
}
