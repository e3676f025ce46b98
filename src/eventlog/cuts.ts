/**
 * How far feeds of a revoked branch are believed. Owns table `feed_cut`. Feeds of records are cut where the revocation
 * says; mail to us where we hold it when we hear of it, for nobody else can know. What lies above is not taken, and
 * nobody is blamed: a branch that has not heard may offer it in good faith. docs/protocol.md, section 6.
 */
import { sql } from 'kysely'
import type { BranchId, FeedId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import { type Holes, prepared } from '../db/prepared.ts'

/** Cuts the feeds of a branch; of two words about the same feed the lower holds. */
export async function cutFeeds(
  tx: Db,
  origin: BranchId,
  cuts: readonly { feed: FeedId; upTo: number }[],
): Promise<void> {
  const mail = await tx
    .selectFrom('feed')
    .where('origin', '=', origin)
    .where('scope', '=', 'to')
    .select(['id', 'head'])
    .execute()
  const rows = [
    { origin, feedId: '' as const, upTo: 0 },
    ...cuts.map(({ feed: feedId, upTo }) => ({ origin, feedId, upTo })),
    ...mail.map(({ id: feedId, head: upTo }) => ({ origin, feedId, upTo })),
  ]
  await tx
    .insertInto('feed_cut')
    .values(rows)
    .onConflict((on) =>
      on
        .columns(['origin', 'feedId'])
        .doUpdateSet({ upTo: sql<number>`min(feed_cut.upTo, excluded.upTo)` }),
    )
    .execute()
  await refuseWaiting(tx, origin)
}

/** What lies above and waits for others is not applied when those come. */
async function refuseWaiting(tx: Db, origin: BranchId): Promise<void> {
  await sql`update event set state = 'refused', reason = 'branch-revoked'
    where state = 'parked' and originN = (select n from branch where id = ${origin})
    and not exists (
      select 1 from feed_entry as fe join feed as f on f.n = fe.feedN
      join feed_cut as cut on cut.origin = f.origin and cut.feedId = f.id
      where fe.position = event.position and fe.seq <= cut.upTo)`.execute(tx)
}

/** The last seq of a feed that is believed; undefined: its origin is in good standing. */
export async function cutOf(
  db: Db,
  { origin, id }: { origin: BranchId; id: FeedId },
): Promise<number | undefined> {
  const [row] = await cutRow(db, { origin, id })
  return row?.upTo
}

const cutRow = prepared((db, value: Holes<{ origin: BranchId; id: FeedId }>) =>
  db
    .selectFrom('feed_cut')
    .where('origin', '=', value('origin'))
    .where((eb) => eb.or([eb('feedId', '=', value('id')), eb('feedId', '=', '')]))
    .select('upTo')
    .orderBy('feedId', 'desc')
    .limit(1),
)
