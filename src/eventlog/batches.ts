/**
 * Batches: what one group commit wrote to a feed is signed inside that transaction, and read back as wire bytes when
 * a peer asks. Owns table `batch`. Sealed bodies are made anew each time they are sent; only plain ones are stored,
 * and those only where they may be read.
 */

import { fromHex } from '../base/bytes.ts'
import { HLC_ZERO } from '../base/hlc.ts'
import type { BranchId, FeedId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import { prepared } from '../db/prepared.ts'
import { carriedAfter } from './carrying.ts'
import type { Changes } from './changes.ts'
import type { Feed, Feeds, Unsigned } from './feeds.ts'
import type { WireEvent } from './format.ts'
import {
  BATCH_BYTES_MAX,
  BATCH_DOMAIN,
  BATCH_EVENTS_MAX,
  BATCH_HEADER_BYTES,
  decodeEventHeader,
  encodeBatch,
  encodeBatchHeader,
  keyIdOf,
  SIGNATURE_BYTES,
  signedPartOf,
} from './format.ts'
import type { FeedN, WireBatch } from './log.ts'
import type { Sign } from './parts.ts'
import { sealBody } from './sealing.ts'

type BatchRow = {
  feedN: FeedN
  firstSeq: number
  count: number
  header: Uint8Array
  signature: Uint8Array
}

const insertRow = prepared<BatchRow, unknown>((db, value) =>
  db.insertInto('batch').values({
    feedN: value('feedN'),
    firstSeq: value('firstSeq'),
    count: value('count'),
    header: value('header'),
    signature: value('signature'),
  }),
)

/** Keeps a signed batch as it is. */
export async function insertBatch(tx: Db, row: BatchRow): Promise<void> {
  await insertRow(tx, row)
}

type Parts = { self: BranchId; sign: Sign; feeds: Feeds; changes: Changes }

/** Signs what was appended in this transaction; runs before each commit. */
export async function signBatches(parts: Parts, tx: Db): Promise<void> {
  for (const feed of parts.feeds.owned()) {
    if (feed.unsigned.length === 0) continue
    const events = feed.unsigned
    let firstSeq = feed.head - events.length + 1
    for (const run of runsOf(feed, events)) {
      await insertBatch(tx, signedBatch(parts, feed, { run, firstSeq }))
      firstSeq += run.length
    }
    await parts.feeds.keep(tx, feed)
    feed.unsigned = []
    // Appended in actions that ended before: should the commit fail, their own undoing expects the list.
    parts.changes.undoWith(() => {
      feed.unsigned = events
    })
  }
}

/** Cuts what was appended at the limits of a batch; records of `all` stand alone, each its own proof. */
function runsOf(feed: Feed, events: readonly Unsigned[]): Unsigned[][] {
  const countMax = feed.scope === 'all' ? 1 : BATCH_EVENTS_MAX
  const runs: Unsigned[][] = []
  let run: Unsigned[] = []
  let bytes = 0
  for (const event of events) {
    if (run.length === countMax || (run.length > 0 && bytes + event.wireBytes > BATCH_BYTES_MAX)) {
      runs.push(run)
      run = []
    }
    if (run.length === 0) bytes = BATCH_HEADER_BYTES + SIGNATURE_BYTES
    run.push(event)
    bytes += event.wireBytes
  }
  return [...runs, run]
}

function signedBatch(
  { self, sign }: Parts,
  feed: Feed,
  { run, firstSeq }: { run: Unsigned[]; firstSeq: number },
): BatchRow {
  const headers = run.map((event) => event.header)
  const last = headers.at(-1)
  const header = encodeBatchHeader({
    feed: feed.id,
    isSealed: feed.scope === 'to',
    firstSeq,
    count: run.length,
    prevChain: run[0]?.prevChain ?? feed.chain,
    lastHlc: last === undefined ? HLC_ZERO : decodeEventHeader(last).hlc,
    keyId: keyIdOf(self),
    headersBytes: headers.reduce((sum, each) => sum + each.length, 0),
  })
  const signature = sign(BATCH_DOMAIN, signedPartOf(header, headers))
  return { feedN: feed.n, firstSeq, count: run.length, header, signature }
}

/** Batches read at a time: one turn of sending. */
const BATCHES_READ_MAX = 64

const rowsAfter = prepared<{ feedN: FeedN; after: number }, Omit<BatchRow, 'feedN'>>((db, value) =>
  db
    .selectFrom('batch')
    .select(['firstSeq', 'count', 'header', 'signature'])
    .where('feedN', '=', value('feedN'))
    .where('firstSeq', '>', value('after'))
    .orderBy('firstSeq')
    .limit(BATCHES_READ_MAX),
)

type EntryRow = { seq: number; header: Uint8Array; body: Uint8Array | null }

const entriesBetween = prepared<{ feedN: FeedN; from: number; upTo: number }, EntryRow>(
  (db, value) =>
    db
      .selectFrom('feed_entry')
      .innerJoin('event', 'event.position', 'feed_entry.position')
      .select(['feed_entry.seq', 'event.header', 'event.body'])
      .where('feed_entry.feedN', '=', value('feedN'))
      .where('feed_entry.seq', '>=', value('from'))
      .where('feed_entry.seq', '<=', value('upTo'))
      .orderBy('feed_entry.seq'),
)

type FeedKey = { n: FeedN; id: FeedId; bodyKey: Uint8Array | null; carriedBytes: number }

const findFeed = prepared<{ feedN: FeedN }, FeedKey>((db, value) =>
  db
    .selectFrom('feed')
    .select(['n', 'id', 'bodyKey', 'carriedBytes'])
    .where('n', '=', value('feedN')),
)

/** Whole batches after a seq as on the wire, together at most `bytesMax`, but at least one. */
export async function batchesAfter(
  db: Db,
  { feedN, after, bytesMax }: { feedN: FeedN; after: number; bytesMax: number },
): Promise<WireBatch[]> {
  const [feed] = await findFeed(db, { feedN })
  if (feed === undefined) return []
  if (feed.carriedBytes > 0) return await carriedAfter(db, { feedN, after, bytesMax })
  const batches: WireBatch[] = []
  let left = bytesMax
  for (const row of await rowsAfter(db, { feedN, after })) {
    const upTo = row.firstSeq + row.count - 1
    const entries = await entriesBetween(db, { feedN, from: row.firstSeq, upTo })
    const events = entries.map((entry) => wireEventOf(feed, entry))
    const bytes = encodeBatch(row.header, events, row.signature)
    if (batches.length > 0 && bytes.length > left) break
    batches.push({ bytes, lastSeq: upTo })
    left -= bytes.length
  }
  return batches
}

function wireEventOf({ id, bodyKey }: FeedKey, { seq, header, body }: EntryRow): WireEvent {
  if (body === null) return { header, body: undefined }
  if (bodyKey === null) return { header, body }
  const place = { key: bodyKey, feed: fromHex(id), seq, eventHeader: header }
  return { header, body: sealBody(place, body) }
}
