/**
 * What other branches say they hold of our feeds. Owns tables `peer_ack` (the newest word) and `stored_mark` (its
 * history, for the delivery story). An ack never goes back; one beyond our head tells that we lost something.
 */
import { millisOf } from '../base/hlc.ts'
import type { BranchId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import { prepared } from '../db/prepared.ts'
import type { Clock } from '../world/clock.ts'
import type { Log } from '../world/log.ts'
import { dropCarried, isCarried } from './carrying.ts'
import type { Changes } from './changes.ts'
import type { Feed, Feeds } from './feeds.ts'
import type { AckEntry, FeedN } from './log.ts'

type Parts = {
  self: BranchId
  feeds: Feeds
  changes: Changes
  log: Log
  clock: Pick<Clock, 'now'>
}

type Ack = {
  feedN: FeedN
  branchId: BranchId
  durable: number
  stable: number
  at: number
  via: BranchId | null
}

const findAck = prepared<Pick<Ack, 'feedN' | 'branchId'>, Pick<Ack, 'durable' | 'stable'>>(
  (db, value) =>
    db
      .selectFrom('peer_ack')
      .select(['durable', 'stable'])
      .where('feedN', '=', value('feedN'))
      .where('branchId', '=', value('branchId')),
)

const putAck = prepared<Ack, unknown>((db, value) => {
  const { feedN, branchId, durable, stable, at, via } = {
    feedN: value('feedN'),
    branchId: value('branchId'),
    durable: value('durable'),
    stable: value('stable'),
    at: value('at'),
    via: value('via'),
  }
  return db
    .insertInto('peer_ack')
    .values({ feedN, branchId, durable, stable, at, via })
    .onConflict((conflict) =>
      conflict.columns(['feedN', 'branchId']).doUpdateSet((row) => ({
        durable: row.ref('excluded.durable'),
        stable: row.ref('excluded.stable'),
        at: row.ref('excluded.at'),
        via: row.ref('excluded.via'),
      })),
    )
})

/** When the event at a seq came to be here: of our own feeds, when it was written. */
const writtenAt = prepared<{ feedN: FeedN; seq: number }, { arrivedAt: Millis }>((db, value) =>
  db
    .selectFrom('feed_entry')
    .innerJoin('event', 'event.position', 'feed_entry.position')
    .select('event.arrivedAt')
    .where('feed_entry.feedN', '=', value('feedN'))
    .where('feed_entry.seq', '=', value('seq')),
)

const addMark = prepared<Omit<Ack, 'durable' | 'stable'> & { upTo: number }, unknown>((db, value) =>
  db.insertInto('stored_mark').values({
    feedN: value('feedN'),
    branchId: value('branchId'),
    upTo: value('upTo'),
    at: value('at'),
    via: value('via'),
  }),
)

/** Keeps one peer's acks. */
export async function keepAcks(
  parts: Parts,
  tx: Db,
  { peer, entries }: { peer: BranchId; entries: readonly AckEntry[] },
): Promise<void> {
  for (const entry of entries) {
    const feed = await parts.feeds.find(tx, entry.feed)
    if (feed === undefined || !concerns(feed, peer, parts.self)) continue
    await keepAck(parts, tx, { peer, entry, feed })
  }
}

/** A peer can speak for what it may hold: records, mail from or to it, and ours that it carries. */
function concerns(feed: Feed, peer: BranchId, self: BranchId): boolean {
  const isBetweenUs = feed.destination === peer || feed.origin === peer
  return feed.scope === 'all' || isBetweenUs || feed.origin === self
}

async function keepAck(
  { self, changes, log, clock }: Parts,
  tx: Db,
  { peer, entry, feed }: { peer: BranchId; entry: AckEntry; feed: Feed },
): Promise<void> {
  const [before] = await findAck(tx, { feedN: feed.n, branchId: peer })
  const isOthers = isCarried(feed, self)
  // Its origin holds it anyway, and says so when it is offered what it wrote.
  if (isOthers && feed.destination === peer) await dropCarried(tx, feed.n, entry.durable)
  if (feed.origin === self && entry.durable > feed.head) {
    log.warn('eventlog.ack-beyond-head', { peer, feed: feed.id })
  }
  const durable = Math.max(before?.durable ?? 0, Math.min(entry.durable, feed.head))
  const stable = Math.max(before?.stable ?? 0, Math.min(entry.stable, durable))
  if (durable === before?.durable && stable === before.stable) return
  // By the peer's clock, which may be wrong: nothing is stored in the future, nor before it was written.
  const [written] = await writtenAt(tx, { feedN: feed.n, seq: durable })
  const at = Math.min(clock.now(), Math.max(millisOf(entry.at), written?.arrivedAt ?? 0))
  const common = { feedN: feed.n, branchId: peer, at, via: entry.via ?? null }
  await putAck(tx, { ...common, durable, stable })
  // A carrier's word is no delivery.
  const isThere = feed.scope === 'all' || feed.destination === peer
  if (durable === (before?.durable ?? 0) || isOthers || !isThere) return
  await addMark(tx, { ...common, upTo: durable })
  changes.stored({ branch: peer, feedN: feed.n, upTo: durable, at: common.at })
}

/** How many of our events a peer has not acknowledged: a query, not a table. */
export async function outboxOf(db: Db, self: BranchId, peer: BranchId): Promise<number> {
  const row = await db
    .selectFrom('feed')
    .leftJoin('peer_ack', (join) =>
      join.onRef('peer_ack.feedN', '=', 'feed.n').on('peer_ack.branchId', '=', peer),
    )
    .select((row) => [
      row.fn.coalesce(row.fn.sum<number>('feed.head'), row.val(0)).as('written'),
      row.fn.coalesce(row.fn.sum<number>('peer_ack.durable'), row.val(0)).as('held'),
    ])
    .where('feed.origin', '=', self)
    .where((row) => row.or([row('feed.scope', '=', 'all'), row('feed.destination', '=', peer)]))
    .executeTakeFirstOrThrow()
  return row.written - row.held
}
