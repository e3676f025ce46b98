/**
 * Receiving: verify, store, apply, advance, all in one transaction (docs/protocol.md, I8). Bytes a peer must not send
 * throw ProtocolError and leave no trace; what the origin signed but should not have is stored and refused.
 */
import { equal, fromHex } from '../base/bytes.ts'
import { millisOf } from '../base/hlc.ts'
import type { BranchId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import { keepAcks } from './acks.ts'
import { appendEntry } from './append.ts'
import type { Kinds, Outcome } from './apply.ts'
import { APPLIED, applyEvent, FAILED, UNKNOWN_KIND, understand } from './apply.ts'
import type { BackupMarks } from './backup-marks.ts'
import { insertBatch } from './batches.ts'
import type { Branches, KnownBranch } from './branches.ts'
import { type Beginnings, isCarried, takeCarried } from './carrying.ts'
import type { Changes } from './changes.ts'
import { cutOf } from './cuts.ts'
import { findStored, insertEntry, insertEvent, type NewEvent, refill, setState } from './entries.ts'
import type { Append, EventKind } from './events.ts'
import type { Feed, Feeds } from './feeds.ts'
import type { DecodedBatch, EventHeader, WireEvent } from './format.ts'
import {
  BATCH_DOMAIN,
  decodeBatch,
  decodeEventHeader,
  keyIdOf,
  nextChain,
  SALT_BYTES,
  sha256,
  signedPartOf,
} from './format.ts'
import { destroyLate } from './late.ts'
import type { Received } from './log.ts'
import type { LogClock } from './log-clock.ts'
import { MISSING } from './missing.ts'
import type { LogParts } from './parts.ts'
import { HiddenFault, ProtocolError } from './protocol-error.ts'
import type { Refused } from './refused.ts'
import { REFUSED_CODE, reasonCode } from './refused.ts'
import { openBody } from './sealing.ts'
import { isFull } from './waiting.ts'

export type ReceiveParts = Pick<LogParts, 'self' | 'clock' | 'log' | 'carryBytesMax'> & {
  branches: Branches
  changes: Changes
  feeds: Feeds
  logClock: LogClock
  marks: BackupMarks
  kinds: Kinds
  /** Where feeds begin that we asked to carry. */
  beginnings: Beginnings
  append: Append
  refused: EventKind<Refused>
  /** Whether some parked event waits for others. */
  waiting: { is: boolean }
  /** Called when an event was parked that later events may set free. */
  onWaiting(): void
  /** Called when an event or a feed of our own came back that we had lost. */
  rolledBack(tx: Db, writtenAt: Millis): Promise<void>
}

/** Takes a batch in; nothing of it is kept when what a third branch passed on has a fault that it could not see. */
export async function receivedBatch(
  write: <T>(run: (tx: Db) => Promise<T>) => Promise<T>,
  parts: ReceiveParts,
  given: { peer: BranchId; bytes: Uint8Array },
): Promise<Received> {
  try {
    return await write((tx) => receiveBatch(parts, tx, given))
  } catch (error) {
    const { peer } = given
    if (!(error instanceof HiddenFault) || error.feed.origin === peer) throw error
    const { id, origin } = error.feed
    parts.log.error('eventlog.hidden-fault', { origin, feed: id, peer, rule: error.message })
    return cursorOf(parts, error.feed)
  }
}

/** The answer holds after the commit. Full: nothing was stored, the batch must come again. */
async function receiveBatch(
  parts: ReceiveParts,
  tx: Db,
  { peer, bytes }: { peer: BranchId; bytes: Uint8Array },
): Promise<Received> {
  const batch = decodeBatch(bytes)
  const feed = await parts.feeds.find(tx, batch.feed)
  if (feed === undefined) throw new ProtocolError('A batch of a feed that was not opened')
  const lastSeq = batch.firstSeq + batch.count - 1
  const asked = isCarried(feed, parts.self) && parts.beginnings.get(peer)?.get(feed.id)
  if (lastSeq > feed.head || asked === batch.firstSeq - 1) {
    const origin = await parts.branches.find(tx, feed.origin)
    if (origin === undefined) throw new ProtocolError('A batch of an unknown branch')
    if (parts.waiting.is && feed.origin !== parts.self) {
      if (await isFull(tx, { originN: origin.n, scope: feed.scope })) return full(parts, feed)
    }
    checkSignature(origin, batch)
    const cut = await cutOf(tx, feed)
    if (cut !== undefined && lastSeq > cut) {
      parts.log.warn('eventlog.cut-off', { origin: feed.origin, feed: feed.id })
      return cursorOf(parts, feed)
    }
    checkForm(feed, batch)
    if (isCarried(feed, parts.self)) {
      // Its destination would blame us: that a body is missing shows without the key.
      if (isErased(batch)) return cursorOf(parts, feed)
      const taken = await takeCarried(parts, tx, { peer, feed, batch, bytes })
      return { ...cursorOf(parts, feed), isFull: taken === 'full' }
    }
    const problem = problemOfPlace(feed, batch)
    // A branch that writes two histories of one feed must not part those who each believe one of them.
    if (problem !== undefined && peer !== feed.origin) {
      // After a gap nothing contradicts what is here: what came before it may have found our disk full.
      if (problem === GAP) return cursorOf(parts, feed)
      parts.log.error('eventlog.fork', { origin: feed.origin, feed: feed.id, peer })
      return cursorOf(parts, feed)
    }
    if (problem !== undefined) throw new ProtocolError(problem)
    if (isErased(batch) && !mayBeErased(parts, { feed, peer, batch })) {
      if (feed.origin === parts.self) return cursorOf(parts, feed)
      throw new ProtocolError('A body is missing')
    }
    if (feed.origin === parts.self) await parts.rolledBack(tx, millisOf(batch.lastHlc))
    await takeBatch(parts, tx, { peer, feed, origin, batch })
    if (feed.origin === parts.self) await keepHolder(parts, tx, { peer, feed, batch })
  }
  const answer = cursorOf(parts, feed)
  const isCarriedToUs = feed.destination === parts.self && feed.origin !== peer
  return isCarriedToUs ? { ...answer, carriedFrom: feed.origin } : answer
}

/** Who gives us our own back holds it: its ack was lost with the database. */
async function keepHolder(
  parts: ReceiveParts,
  tx: Db,
  { peer, feed, batch }: { peer: BranchId; feed: Feed; batch: DecodedBatch },
): Promise<void> {
  const entry = { feed: feed.id, durable: feed.head, stable: 0, at: batch.lastHlc, via: undefined }
  await keepAcks(parts, tx, { peer, entries: [entry] })
}

function full(parts: ReceiveParts, feed: Feed): Received {
  parts.log.warn('eventlog.full', { origin: feed.origin, feed: feed.id })
  return { ...cursorOf(parts, feed), isFull: true }
}

/** Our cursor as it is: after a batch, or of one that is left out because it was passed on in good faith. */
function cursorOf({ marks }: ReceiveParts, { id, n, head }: Feed): Received {
  return { feed: id, feedN: n, durable: head, stable: marks.stableOf(n, head), isFull: false }
}

const GAP = 'A gap before the batch'

function problemOfPlace(feed: Feed, batch: DecodedBatch): string | undefined {
  if (batch.firstSeq > feed.head + 1) return GAP
  if (batch.firstSeq <= feed.head) return 'The batch overlaps what is here'
  // Another chain means that the origin wrote two histories: neither is taken over the other.
  return equal(batch.prevChain, feed.chain) ? undefined : 'The batch does not continue'
}

function checkForm(feed: Feed, batch: DecodedBatch): void {
  if (batch.isSealed !== (feed.scope === 'to')) throw new ProtocolError('Sealed or not: wrong')
  if (feed.scope === 'all' && batch.count !== 1) throw new ProtocolError('Records come one by one')
  if (batch.keyId !== keyIdOf(feed.origin)) throw new ProtocolError('Signed with another key')
}

function checkSignature(origin: KnownBranch, batch: DecodedBatch): void {
  const headers = batch.events.map((event) => event.header)
  const signed = signedPartOf(batch.headerBytes, headers)
  if (!origin.verify(BATCH_DOMAIN, signed, batch.signature)) {
    throw new ProtocolError('The signature of the batch is wrong')
  }
}

/**
 * Whether a body was erased is not signed: the origin itself can say so. Of our own mail its destination can, which
 * forgets what it no longer needs (pruning.ts, and what was for guests): it could as well give nothing back. Whoever
 * else has the body fills it in (`filledAgain`). Records about people may come without from anybody, once deleted.
 */
function mayBeErased(
  { self, kinds }: ReceiveParts,
  { feed, peer, batch }: { feed: Feed; peer: BranchId; batch: DecodedBatch },
): boolean {
  if (peer === feed.origin) return true
  const erased = batch.events.filter(({ body }) => body === undefined)
  const kindsOf = erased.map(({ header }) => kinds.get(decodeEventHeader(header).kind))
  // Records of deleted people have no body at any branch that did as it was told.
  if (feed.scope === 'all') return kindsOf.every((kind) => kind?.isPersonal)
  return self === feed.origin && feed.destination === peer
}

const isErased = ({ events }: DecodedBatch) => events.some(({ body }) => body === undefined)

type Taking = { peer: BranchId; feed: Feed; origin: KnownBranch; batch: DecodedBatch }

async function takeBatch(parts: ReceiveParts, tx: Db, taking: Taking): Promise<void> {
  const { peer, feed, origin, batch } = taking
  let seq = feed.head
  let chain = feed.chain
  let urgent = 0
  for (const wire of batch.events) {
    seq += 1
    chain = nextChain(chain, wire.header)
    const isUrgent = await takeEvent(parts, tx, { peer, feed, origin, seq, wire })
    if (isUrgent) urgent = seq
  }
  const { firstSeq, count, headerBytes, signature } = batch
  await insertBatch(tx, { feedN: feed.n, firstSeq, count, header: headerBytes, signature })
  parts.feeds.advance(feed, seq, chain, peer === feed.origin ? null : peer)
  // Records come one by one.
  if (urgent === seq) parts.feeds.urge(feed)
  await parts.feeds.keep(tx, feed)
  parts.changes.grew(feed.n)
}

type Taken = { peer: BranchId; feed: Feed; origin: KnownBranch; seq: number; wire: WireEvent }

/** Answers whether it is something urgent, for those who get it from us. */
async function takeEvent(parts: ReceiveParts, tx: Db, taken: Taken): Promise<boolean> {
  const { feed, origin, seq, wire } = taken
  const header = decodeEventHeader(wire.header)
  const plain = plainOf(taken, header)
  const arrivedAt = parts.clock.now()
  const { scope, destination } = feed
  const arrived = { header, origin: feed.origin, scope, destination, arrivedAt, plain }
  const { outcome, kind, event } = understand(parts.kinds, arrived)
  parts.logClock.observe(header.hlc)
  const row = {
    originN: origin.n,
    id: fromHex(header.id),
    kind: header.kind,
    hlc: header.hlc,
    arrivedAt,
    header: wire.header,
    body: plain ?? null,
    conversationId: event?.conversationId ?? null,
    ...(outcome ?? APPLIED),
    // Kept back, or a deleted person's: its origin is asked (missing.ts).
    ...(isLeftOut(taken) && { reason: MISSING }),
  }
  const position = (await insertEvent(tx, row)) ?? (await filledAgain(tx, { feed, row, seq }))
  if (position === undefined) return false
  await insertEntry(tx, { feedN: feed.n, seq, position })
  if (feed.origin === parts.self) await sendToOthers(parts, tx, { feed, position, header, wire })
  const result =
    event === undefined
      ? outcome
      : await applyEvent(parts, tx, { kind, event: { ...event, position } })
  if (event !== undefined && result !== APPLIED) await setState(tx, position, result)
  await destroyLate(parts, tx, { position, code: header.kind })
  await tellOrigin(parts, tx, { header, origin: feed.origin, outcome: result })
  return event !== undefined && (kind.isUrgent?.(event.body) ?? false)
}

/** Of records about people, from anybody but their origin; of others `mayBeErased` lets nothing in without a body. */
function isLeftOut({ peer, feed, wire }: Taken): boolean {
  return wire.body === undefined && feed.scope === 'all' && peer !== feed.origin
}

function plainOf({ feed, seq, wire }: Taken, header: EventHeader): Uint8Array | undefined {
  if (wire.body === undefined) return undefined
  const place = { feed: feed.idBytes, seq, eventHeader: wire.header }
  const plain = feed.key === null ? wire.body : openBody({ ...place, key: feed.key }, wire.body)
  if (plain === undefined) throw new HiddenFault('A sealed body was altered', feed)
  if (plain.length !== header.bodyBytes + SALT_BYTES || !equal(sha256(plain), header.bodyHash)) {
    const problem = 'A body does not fit its header'
    throw feed.key === null ? new ProtocolError(problem) : new HiddenFault(problem, feed)
  }
  return plain
}

/**
 * An event that came by another way before: the feed points to it, and it is not applied again (I3). But when its body
 * was erased here and has come now, it is as if it were new: its position, to be applied.
 */
async function filledAgain(
  tx: Db,
  { feed, row, seq }: { feed: Feed; row: NewEvent; seq: number },
): Promise<number | undefined> {
  const { position, header, state } = await findStored(tx, row)
  if (!equal(header, row.header)) throw new HiddenFault('Two events with one id', feed)
  if (state === 'erased' && row.body !== null) {
    await refill(tx, position, row)
    return position
  }
  await insertEntry(tx, { feedN: feed.n, seq, position })
  return undefined
}

/** After an event was not applied: notes that it waits, or tells its origin that it will not be. */
export async function tellOrigin(
  parts: ReceiveParts,
  tx: Db,
  { header, origin, outcome }: { header: EventHeader; origin: BranchId; outcome: Outcome },
): Promise<void> {
  const { state, reason } = outcome
  if (reason === null || reason === UNKNOWN_KIND) return
  if (state === 'parked' && reason !== FAILED) return parts.onWaiting()
  // A refusal of a refusal would go back and forth for ever.
  if (origin === parts.self || header.kind === REFUSED_CODE) return
  const body = { event: header.id, origin, reason: reasonCode(reason) }
  await parts.append(tx, { kind: parts.refused, body, to: [origin] })
}

/** An event of ours that comes back after we lost our database: those who may not have it get it again (I4). */
async function sendToOthers(
  parts: ReceiveParts,
  tx: Db,
  own: { feed: Feed; position: number; header: EventHeader; wire: WireEvent },
): Promise<void> {
  const { feed, position, header, wire } = own
  if (feed.scope !== 'to' || wire.body === undefined) return
  for (const destination of header.to) {
    if (destination === feed.destination || destination === parts.self) continue
    const entry = { position, header: wire.header, plainBytes: header.bodyBytes + SALT_BYTES }
    await appendEntry(parts, tx, { destination, entry })
  }
}
