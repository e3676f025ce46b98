/**
 * Mail between two other branches that have no link: kept as its origin signed it, sealed to its destination, offered
 * to whoever leads there, and dropped when the destination has it. Owns table `carried_batch`. The origin keeps its own
 * copy, so nothing depends on a carrier's honesty or disk. docs/protocol.md, section 10.
 */
import { sql } from 'kysely'
import { equal } from '../base/bytes.ts'
import { hlcOf } from '../base/hlc.ts'
import type { BranchId, FeedId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import { type Holes, prepared } from '../db/prepared.ts'
import type { Changes } from './changes.ts'
import { cutOf } from './cuts.ts'
import type { Feed, Feeds } from './feeds.ts'
import { type DecodedBatch, nextChain } from './format.ts'
import type { CarryEntry, CarryOffer, FeedN, Route, Want, WireBatch } from './log.ts'
import type { Opening } from './opening.ts'
import type { LogParts } from './parts.ts'
import { ProtocolError } from './protocol-error.ts'

/** One origin must not push the mail of all others out: two fill the quota. */
const SHARE_OF_ONE_ORIGIN = 0.5
/** Openings of one origin kept for others: fifty branches started twice a week for a year are 5,000. */
const FEEDS_PER_ORIGIN_MAX = 10_000

type Place = {
  scope: Opening['scope']
  origin: BranchId
  destination?: BranchId | null | undefined
}

/** Whether a feed is mail between two others. */
export function isCarried({ scope, origin, destination }: Place, self: BranchId): boolean {
  return scope === 'to' && origin !== self && destination !== self
}

/** Mail for these branches that they have not said to hold: ours, and what we carry. */
export async function carryOffers(
  db: Db,
  { self, routes }: { self: BranchId; routes: readonly Route[] },
): Promise<CarryOffer[]> {
  if (routes.length === 0) return []
  // Who carries does not ask around blindly: two carriers would become all branches.
  const seeing = routes.filter(({ isBlind }) => !isBlind)
  const rows = await db
    .selectFrom('feed as f')
    .leftJoin('peer_ack as pa', (on) =>
      on.onRef('pa.feedN', '=', 'f.n').onRef('pa.branchId', '=', 'f.destination'),
    )
    .where('f.scope', '=', 'to')
    .where('f.destination', 'in', ids(routes))
    .where((eb) =>
      eb.or([
        eb('f.origin', '=', self),
        eb('f.carriedBytes', '>', 0).and('f.destination', 'in', ids(seeing)),
      ]),
    )
    .where('f.head', '>', sql<number>`coalesce(pa.durable, 0)`)
    .select(['f.n', 'f.id', 'f.origin', 'f.floor', 'f.head', 'f.chain', 'f.destination'])
    .select('pa.durable')
    .orderBy('f.n')
    .execute()
  return rows.flatMap(({ destination, durable, ...row }) =>
    destination === null
      ? []
      : [
          {
            ...row,
            isMail: true,
            urgentTo: 0,
            carry: { destination, after: Math.max(row.floor, durable ?? 0) },
          },
        ],
  )
}

const ids = (routes: readonly Route[]) => routes.map(({ to }) => to)

type Parts = Pick<LogParts, 'self' | 'carryBytesMax'>

/** Of one peer. One would do; a bound all the same, and none that another peer can fill. */
const BEGINNINGS_MAX = 1000
/** Where feeds begin anew that we asked a peer for: the only gaps that may be. */
export type Beginnings = Map<BranchId, Map<FeedId, number>>

/** What to ask for of a feed that a peer asks us to carry; undefined: nothing, or not by us; no room: not now. */
export async function carryWanted(
  parts: Parts & { db: Db; beginnings: Beginnings },
  peer: BranchId,
  { id, head, carry }: CarryEntry,
): Promise<Want | 'no-room' | undefined> {
  const { db, self, beginnings } = parts
  const { destination, after } = carry
  const beginAt = (seq: number) => {
    const ofPeer = beginnings.get(peer) ?? new Map<FeedId, number>()
    if (ofPeer.size >= BEGINNINGS_MAX) ofPeer.clear()
    beginnings.set(peer, ofPeer.set(id, seq))
  }
  const held = await db
    .selectFrom('feed')
    .where('id', '=', id)
    .select(['n', 'origin', 'scope', 'destination', 'head', 'floor', 'carriedBytes', 'via'])
    .executeTakeFirst()
  if (held === undefined) {
    if (head <= after || destination === self || destination === peer) return undefined
    if (parts.carryBytesMax === 0 || !(await isMember(db, destination))) return undefined
    if ((await carriedBytes(db)) >= parts.carryBytesMax) return 'no-room'
    beginAt(after)
    return { id, after, needsOpening: true }
  }
  if (!isCarried(held, self) || held.destination !== destination) return undefined
  if (peer === held.origin && held.carriedBytes > 0 && head >= held.head) {
    // Whoever gave it first may have named a later beginning than there is, or altered bodies, which nobody signs.
    const start = Math.max(after, await ackedBy(db, { feedN: held.n, branch: destination }))
    if (start < held.floor || (held.via !== null && start < head)) {
      beginAt(start)
      return { id, after: start, needsOpening: false }
    }
  }
  const cut = await cutOf(db, { origin: held.origin, id })
  if (Math.min(head, cut ?? head) <= held.head) return undefined
  // What lies between is at its destination already; only the origin may say so while we hold something before it.
  const mayLeap = peer === held.origin || held.carriedBytes === 0
  if (after > held.head && !mayLeap) return undefined
  if (after > held.head) beginAt(after)
  return { id, after: Math.max(after, held.head), needsOpening: false }
}

async function ackedBy(db: Db, { feedN, branch }: { feedN: FeedN; branch: BranchId }) {
  const row = db.selectFrom('peer_ack').where('feedN', '=', feedN).where('branchId', '=', branch)
  return (await row.select('durable').executeTakeFirst())?.durable ?? 0
}

/** Whether an opening of mail for others is kept here. */
export async function mayCarry(parts: Parts, tx: Db, opening: Opening): Promise<boolean> {
  const { origin, destination } = opening
  if (destination === undefined || !(await isMember(tx, destination))) return false
  if (parts.carryBytesMax === 0) return false
  const { n } = await tx
    .selectFrom('feed')
    .where('origin', '=', origin)
    .where('scope', '=', 'to')
    .select((eb) => eb.fn.countAll<number>().as('n'))
    .executeTakeFirstOrThrow()
  return n < FEEDS_PER_ORIGIN_MAX
}

/** Whether a branch is known and one of ours still. */
export async function isMember(db: Db, branch: BranchId): Promise<boolean> {
  const row = await db
    .selectFrom('branch as b')
    .leftJoin('revocation as r', 'r.branchId', 'b.id')
    .where('b.id', '=', branch)
    .where('r.branchId', 'is', null)
    .select('b.n')
    .executeTakeFirst()
  return row !== undefined
}

/** Bytes carried for one origin, or for all. */
async function carriedBytes(db: Db, origin?: BranchId): Promise<number> {
  const { bytes } = await db
    .selectFrom('feed')
    .where('carriedBytes', '>', 0)
    .$if(origin !== undefined, (query) => query.where('origin', '=', origin as BranchId))
    .select((eb) => eb.fn.coalesce(eb.fn.sum<number>('carriedBytes'), eb.val(0)).as('bytes'))
    .executeTakeFirstOrThrow()
  return bytes
}

type TakeParts = Parts &
  Pick<LogParts, 'clock' | 'log'> & { feeds: Feeds; changes: Changes; beginnings: Beginnings }
type Taking = { peer: BranchId; feed: Feed; batch: DecodedBatch; bytes: Uint8Array }

/** Takes a batch whose signature is right, or leaves it out; `full`: there is no room now, it must come again. */
export async function takeCarried(
  parts: TakeParts,
  tx: Db,
  taking: Taking,
): Promise<'done' | 'full'> {
  const { peer, feed, batch, bytes } = taking
  if (!isPlaced(parts, taking)) return 'done'
  const { carryBytesMax, clock, log } = parts
  const ofOrigin = (await carriedBytes(tx, feed.origin)) + bytes.length
  const all = (await carriedBytes(tx)) + bytes.length
  if (all > carryBytesMax || ofOrigin > carryBytesMax * SHARE_OF_ONE_ORIGIN) {
    log.warn('eventlog.carry-full', { origin: feed.origin, feed: feed.id })
    return 'full'
  }
  const { firstSeq, count } = batch
  if (firstSeq !== feed.head + 1) await beginAnew(tx, feed, firstSeq - 1)
  parts.beginnings.get(peer)?.delete(feed.id)
  await tx
    .insertInto('carried_batch')
    .values({ feedN: feed.n, firstSeq, count, bytes, arrivedAt: clock.now() })
    .execute()
  await tx
    .updateTable('feed')
    .set((eb) => ({ carriedBytes: eb('carriedBytes', '+', bytes.length) }))
    .where('n', '=', feed.n)
    .execute()
  let chain = batch.prevChain
  for (const { header } of batch.events) chain = nextChain(chain, header)
  parts.feeds.advance(feed, firstSeq + count - 1, chain, peer === feed.origin ? null : peer)
  await parts.feeds.keep(tx, feed)
  parts.changes.grew(feed.n)
  return 'done'
}

/** Whether a batch goes on from what is here, or begins where we asked: a carrier needs no history of what arrived. */
function isPlaced({ log, beginnings }: TakeParts, { peer, feed, batch }: Taking): boolean {
  const before = batch.firstSeq - 1
  if (before !== feed.head) return beginnings.get(peer)?.get(feed.id) === before
  if (equal(batch.prevChain, feed.chain)) return true
  log.error('eventlog.fork', { origin: feed.origin, feed: feed.id, peer })
  if (peer === feed.origin) throw new ProtocolError('The batch does not continue')
  return false
}

async function beginAnew(tx: Db, feed: Feed, floor: number): Promise<void> {
  await dropCarried(tx, feed.n, feed.head)
  await tx.updateTable('feed').set({ floor }).where('n', '=', feed.n).execute()
}

/** The destination holds a feed up to there, or nobody needs it any more: it is not carried on. */
export async function dropCarried(tx: Db, feedN: FeedN, upTo: number): Promise<void> {
  const delivered = tx
    .deleteFrom('carried_batch')
    .where('feedN', '=', feedN)
    .where(sql<number>`firstSeq + count - 1`, '<=', upTo)
    .returning([sql<number>`length(bytes)`.as('bytes'), sql<number>`firstSeq + count - 1`.as('to')])
  const rows = await delivered.execute()
  if (rows.length === 0) return
  const bytes = rows.reduce((sum, row) => sum + row.bytes, 0)
  const floor = Math.max(...rows.map((row) => row.to))
  await tx
    .updateTable('feed')
    .set((eb) => ({ carriedBytes: eb('carriedBytes', '-', bytes), floor }))
    .where('n', '=', feedN)
    .execute()
}

/** Whole carried batches after a seq, together at most `bytesMax`, but at least one. */
export async function carriedAfter(
  db: Db,
  { feedN, after, bytesMax }: { feedN: FeedN; after: number; bytesMax: number },
): Promise<WireBatch[]> {
  const batches: WireBatch[] = []
  let left = bytesMax
  for (const { firstSeq, count, bytes } of await carriedRows(db, { feedN, after })) {
    if (batches.length > 0 && bytes.length > left) break
    batches.push({ bytes, lastSeq: firstSeq + count - 1 })
    left -= bytes.length
  }
  return batches
}

/** A batch has 160 KiB at most: what is read beyond `bytesMax` is bounded by this. */
const BATCHES_READ_MAX = 16

const carriedRows = prepared((db, value: Holes<{ feedN: FeedN; after: number }>) =>
  db
    .selectFrom('carried_batch')
    .where('feedN', '=', value('feedN'))
    .where('firstSeq', '>', value('after'))
    .select(['firstSeq', 'count', 'bytes'])
    .orderBy('firstSeq')
    .limit(BATCHES_READ_MAX),
)

/** What each branch gave us to carry, for the page of branches. */
export async function carriedFor(
  db: Db,
  self: BranchId,
): Promise<{ origin: BranchId; destination: BranchId; events: number; bytes: number }[]> {
  const rows = await db
    .selectFrom('feed')
    .where('carriedBytes', '>', 0)
    .where('origin', '!=', self)
    .groupBy(['origin', 'destination'])
    .select(['origin', 'destination'])
    .select((eb) => [
      eb.fn.sum<number>(eb('head', '-', eb.ref('floor'))).as('events'),
      eb.fn.sum<number>('carriedBytes').as('bytes'),
    ])
    .execute()
  return rows.flatMap(({ destination, ...row }) =>
    destination === null ? [] : [{ ...row, destination }],
  )
}

/**
 * Once a start, before anything is asked: mail that is delivered, too old or for a branch that is none any more is
 * forgotten with its feeds. Their origins keep it, and offer it again where it is wanted still.
 */
export async function forgetCarried(
  tx: Db,
  { self, before }: { self: BranchId; before: number },
): Promise<void> {
  const others = sql`(select n from feed where scope = 'to' and origin != ${self}
    and destination != ${self})`
  await sql`delete from carried_batch where feedN in ${others} and (arrivedAt < ${before}
    or feedN in (select f.n from feed as f join revocation as r on r.branchId = f.destination))`.execute(
    tx,
  )
  await sql`update feed set carriedBytes = coalesce((select sum(length(bytes)) from carried_batch
    where feedN = feed.n), 0) where carriedBytes > 0`.execute(tx)
  const empty = sql`(select n from feed where scope = 'to' and origin != ${self}
    and destination != ${self} and carriedBytes = 0)`
  await sql`delete from peer_ack where feedN in ${empty}`.execute(tx)
  await sql`delete from feed where n in ${empty}`.execute(tx)
  await tx.deleteFrom('signed_head').where('hlc', '<', hlcOf(before, 0)).execute()
}
