/**
 * Pruning: bodies of mail that nobody can need again are erased. Three things must hold. A later event of the same
 * origin, audience and record says all that this one says. Both ends hold it *stably*: in every copy of their database
 * that may still be put back, by their own ACK. And it is old, for the sake of copies that nobody told us of. Headers,
 * signatures and places stay: a feed is whole for ever. docs/protocol.md, section 7; docs/decisions/030-backups.md.
 */
import { sql } from 'kysely'
import { fromUtf8 } from '../base/bytes.ts'
import type { Hlc } from '../base/hlc.ts'
import type { BranchId } from '../base/ids.ts'
import { DAY, type Millis } from '../base/units.ts'
import type { Db, Store } from '../db/open.ts'
import { listed } from '../db/prepared.ts'
import type { Kinds } from './apply.ts'
import type { BackupMarks } from './backup-marks.ts'
import { decodeEventHeader, SALT_BYTES } from './format.ts'
import type { FeedN } from './log.ts'

/** Snapshots of virtual machines are copies too, and no mark speaks of them. */
export const PRUNED_AFTER_MS: Millis = 14 * DAY
/** Read at a time, between other work. */
const ROWS_PER_PAGE = 1000
/** Records remembered while the feeds of one pair are read: some tens of MiB. What is beyond stays as it is. */
const RECORDS_MAX = 200_000

type Parts = {
  store: Pick<Store, 'read' | 'writer'>
  self: BranchId
  kinds: Kinds
  marks: BackupMarks
}

type MailFeed = {
  n: FeedN
  origin: BranchId
  destination: BranchId | null
  head: number
  prunedTo: number
  /** The other end's word; null: none came yet. */
  theirs: number | null
  /** 1: the other end is no member any more and will never ask. */
  isGone: 0 | 1
}

/** Erases what may go of what arrived `before`; how many bodies that were. */
export async function prune(parts: Parts, before: Millis): Promise<number> {
  const { store, kinds } = parts
  const codes = [...kinds.values()].filter((kind) => kind.recordOf).map(({ code }) => code)
  const feeds = await feedsOf(store.read, parts.self)
  const settled = new Map<FeedN, number>()
  for (const feed of feeds) settled.set(feed.n, await settledOf(parts, feed, before))
  let erased = 0
  for (const pair of Map.groupBy(
    feeds,
    ({ origin, destination }) => origin + destination,
  ).values()) {
    const due = pair.filter(({ n, prunedTo }) => (settled.get(n) ?? 0) > prunedTo)
    if (due.length === 0) continue
    erased += await prunePair(parts, { feeds: pair, settled, codes })
    await store.writer.write(async (tx) => {
      for (const { n } of due) {
        const feed = tx.updateTable('feed').set({ prunedTo: settled.get(n) ?? 0 })
        await feed.where('n', '=', n).execute()
      }
    })
  }
  return erased
}

/** Mail that we wrote or that was written to us; the newest feeds first. */
async function feedsOf(db: Db, self: BranchId): Promise<MailFeed[]> {
  const other = sql<BranchId>`iif(f.origin = ${self}, f.destination, f.origin)`
  return await db
    .selectFrom('feed as f')
    .leftJoin('peer_ack as a', (on) => on.onRef('a.feedN', '=', 'f.n').on('a.branchId', '=', other))
    .leftJoin('revocation as r', (on) => on.on('r.branchId', '=', other))
    .where('f.scope', 'in', ['to', 'self'])
    .where((eb) => eb.or([eb('f.origin', '=', self), eb('f.destination', '=', self)]))
    .select(['f.n', 'f.origin', 'f.destination', 'f.head', 'f.prunedTo', 'a.stable as theirs'])
    .select(sql<0 | 1>`r.branchId is not null`.as('isGone'))
    .orderBy('f.n', 'desc')
    .execute()
}

/** Up to where both ends hold a feed stably, and it is old. */
async function settledOf({ store, marks }: Parts, feed: MailFeed, before: Millis): Promise<number> {
  const { n, destination, head, theirs, isGone, prunedTo } = feed
  const isAlone = destination === null || isGone === 1
  const stable = Math.min(marks.stableOf(n, head), isAlone ? head : (theirs ?? 0))
  if (stable <= prunedTo) return prunedTo
  const oldest = await store.read
    .selectFrom('feed_entry as e')
    .innerJoin('event as v', 'v.position', 'e.position')
    .where('e.feedN', '=', n)
    .where('e.seq', '>', prunedTo)
    .where('e.seq', '<=', stable)
    .where('v.arrivedAt', '>', before)
    .orderBy('e.seq')
    .limit(1)
    .select('e.seq')
    .executeTakeFirst()
  return oldest === undefined ? stable : oldest.seq - 1
}

type Pair = {
  feeds: readonly MailFeed[]
  settled: ReadonlyMap<FeedN, number>
  codes: readonly number[]
}

/** From the newest event of a pair of branches backwards: whatever is said again later may go. */
async function prunePair(parts: Parts, { feeds, settled, codes }: Pair): Promise<number> {
  const said = new Map<string, Hlc>()
  let erased = 0
  for (const { n, head, prunedTo } of feeds) {
    for (let below = head + 1; ; ) {
      const rows = await replaceable(parts.store.read, { n, below, above: prunedTo, codes })
      const spent = rows.filter((row) => isSaidAgain(parts.kinds, row, said))
      const old = spent.filter(({ seq }) => seq <= (settled.get(n) ?? 0))
      if (old.length > 0)
        erased += await erase(
          parts.store,
          old.map(({ position }) => position),
          settled,
        )
      const last = rows.at(-1)
      if (last === undefined || rows.length < ROWS_PER_PAGE) break
      below = last.seq
    }
  }
  return erased
}

type Row = { seq: number; position: number; header: Uint8Array; body: Uint8Array | null }

function replaceable(
  db: Db,
  at: { n: FeedN; below: number; above: number; codes: readonly number[] },
): Promise<Row[]> {
  return db
    .selectFrom('feed_entry as e')
    .innerJoin('event as v', 'v.position', 'e.position')
    .where('e.feedN', '=', at.n)
    .where('e.seq', '<', at.below)
    .where('e.seq', '>', at.above)
    .where('v.kind', 'in', [...at.codes])
    .where('v.state', '=', 'applied')
    .select(['e.seq', 'e.position', 'v.header', 'v.body'])
    .orderBy('e.seq', 'desc')
    .limit(ROWS_PER_PAGE)
    .execute()
}

/**
 * Whether a later event of the pair speaks of the same record, to the same branches. By its clock: feeds that came back
 * after a loss are the newest here, and were written first.
 */
function isSaidAgain(kinds: Kinds, { header: bytes, body }: Row, said: Map<string, Hlc>): boolean {
  const header = decodeEventHeader(bytes)
  const kind = kinds.get(header.kind)
  if (!kind?.recordOf || body === null) return false
  const record = kind.recordOf(kind.parse(JSON.parse(fromUtf8(body.subarray(SALT_BYTES)))))
  const key = [header.kind, header.to.join(), record].join(' ')
  const latest = said.get(key)
  if (latest !== undefined && latest > header.hlc) return true
  if (latest !== undefined || said.size < RECORDS_MAX) said.set(key, header.hlc)
  return false
}

/** Erases events, but for those that stand in another feed which is not settled yet. */
async function erase(
  store: Pick<Store, 'writer'>,
  positions: readonly number[],
  settled: ReadonlyMap<FeedN, number>,
): Promise<number> {
  return await store.writer.write(async (tx) => {
    const entries = await tx
      .selectFrom('feed_entry')
      .where('position', 'in', [...positions])
      .select(['position', 'feedN', 'seq'])
      .execute()
    const open = entries.filter(({ feedN, seq }) => seq > (settled.get(feedN) ?? 0))
    const kept = new Set(open.map(({ position }) => position))
    const spent = positions.filter((position) => !kept.has(position))
    await tx
      .updateTable('event')
      .set({ state: 'erased', body: null })
      .where('position', 'in', listed<number>(JSON.stringify(spent)))
      .execute()
    return spent.length
  })
}
