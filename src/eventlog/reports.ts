/**
 * Reports: two signed words about mail that travels over third branches. ACKVEC: a branch says what it holds of an
 * origin's feeds, so that carriers may drop it and the origin knows. HEAD: an origin says how much it wrote, so that a
 * carrier that keeps something back is found out. Both are passed on as they came; of two the later holds. Owns tables
 * `ack_vector` and `signed_head`. docs/protocol.md, section 10.
 */
import { concat, FormatError, Reader, Writer } from '../base/bytes.ts'
import { type Hlc, hlcOf } from '../base/hlc.ts'
import { type BranchId, type FeedId, ID_BYTES } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import { ACK_ENTRY_BYTES, readAckEntry, readHlc, writeAckEntry } from './ack-entry.ts'
import type { BackupMarks } from './backup-marks.ts'
import type { Branches } from './branches.ts'
import { isMember } from './carrying.ts'
import { SIGNATURE_BYTES } from './format.ts'
import type { AckEntry } from './log.ts'
import type { Sign } from './parts.ts'
import { ProtocolError } from './protocol-error.ts'

const VECTOR_DOMAIN = 'ack-vector/1'
const HEAD_DOMAIN = 'feed-head/1'
/** One control frame: the newest feeds are the ones that grow. */
const ENTRIES_MAX = 64
/** Feeds of one branch for another: a start of the origin makes one, and they are forgotten after a month. */
const HEADS_PER_PAIR_MAX = 1000

type Unsigned<T> = { value: T; signedPart: Uint8Array; signature: Uint8Array }

export type AckVector = { branch: BranchId; origin: BranchId; hlc: Hlc; entries: AckEntry[] }

/** ACKVEC: branch id16 | origin id16 | hlc u64 | n x (feed id16 | durable u64 | stable u64 | at hlc | via id16)
 *  | Ed25519 in domain `ack-vector/1`, by the branch. */
function encodeVector({ branch, origin, hlc, entries }: AckVector): Uint8Array {
  const writer = new Writer(2 * ID_BYTES + 8 + entries.length * ACK_ENTRY_BYTES)
  writer.hex(branch).hex(origin).hex(hlc)
  for (const entry of entries) writeAckEntry(writer, entry)
  return writer.done()
}

/** Throws ProtocolError for anything that is none. */
export function decodeVector(bytes: Uint8Array): Unsigned<AckVector> {
  return signed(bytes, (reader, end) => {
    const [branch, origin] = [reader.hex(ID_BYTES) as BranchId, reader.hex(ID_BYTES) as BranchId]
    const hlc = readHlc(reader)
    const entries: AckEntry[] = []
    while (reader.offset < end) entries.push(readAckEntry(reader))
    if (entries.length > ENTRIES_MAX) throw new FormatError('Too many feeds')
    return { branch, origin, hlc, entries }
  })
}

type FeedHead = {
  feed: FeedId
  origin: BranchId
  destination: BranchId
  seq: number
  hlc: Hlc
}

/** HEAD, 128 B: feed id16 | origin id16 | destination id16 | seq u64 | hlc u64 | Ed25519 in domain `feed-head/1`, by
 *  the origin. */
function encodeHead({ feed, origin, destination, seq, hlc }: FeedHead): Uint8Array {
  return new Writer(64).hex(feed).hex(origin).hex(destination).u64(seq).hex(hlc).done()
}

/** Throws ProtocolError for anything that is none. */
export function decodeHead(bytes: Uint8Array): Unsigned<FeedHead> {
  return signed(bytes, (reader) => ({
    feed: reader.hex(ID_BYTES) as FeedId,
    origin: reader.hex(ID_BYTES) as BranchId,
    destination: reader.hex(ID_BYTES) as BranchId,
    seq: reader.u64(),
    hlc: readHlc(reader),
  }))
}

function signed<T>(bytes: Uint8Array, read: (reader: Reader, end: number) => T): Unsigned<T> {
  try {
    const reader = new Reader(bytes)
    const end = bytes.length - SIGNATURE_BYTES
    const value = read(reader, end)
    const signedPart = bytes.subarray(0, reader.offset)
    const signature = reader.bytes(SIGNATURE_BYTES)
    reader.end()
    return { value, signedPart, signature }
  } catch (error) {
    if (error instanceof FormatError) throw new ProtocolError(`Report: ${error.message}`)
    throw error
  }
}

type Maker = { self: BranchId; sign: Sign; now(): Hlc }

/** What we hold of an origin's records and of its mail for us, signed. */
export async function vectorFor(
  db: Db,
  { self, sign, now, stableOf }: Maker & Pick<BackupMarks, 'stableOf'>,
  origin: BranchId,
): Promise<Uint8Array> {
  const rows = await db
    .selectFrom('feed as f')
    .leftJoin('feed_entry as e', (on) =>
      on.onRef('e.feedN', '=', 'f.n').onRef('e.seq', '=', 'f.head'),
    )
    .leftJoin('event as v', 'v.position', 'e.position')
    .where('f.origin', '=', origin)
    .where('f.head', '>', 0)
    .where((eb) => eb.or([eb('f.scope', '=', 'all'), eb('f.destination', '=', self)]))
    .select(['f.n', 'f.id', 'f.head', 'f.via', 'v.arrivedAt'])
    .orderBy('f.n', 'desc')
    .limit(ENTRIES_MAX)
    .execute()
  const entries = rows.map(({ n, id, head, via, arrivedAt }) => ({
    feed: id,
    durable: head,
    stable: stableOf(n, head),
    at: hlcOf(arrivedAt ?? 0, 0),
    via: via ?? undefined,
  }))
  const bytes = encodeVector({ branch: self, origin, hlc: now(), entries })
  return concat(bytes, sign(VECTOR_DOMAIN, bytes))
}

/** Whom a report is for; undefined: it says nothing new, or comes from nobody we know. */
export type Learned = { for: BranchId } | undefined

/** Takes a branch's acks, unless a later word of it is here. `keep` stores them where they concern us. */
export async function receiveVector(
  { self, branches }: { self: BranchId; branches: Branches },
  tx: Db,
  { bytes, keep }: { bytes: Uint8Array; keep(vector: AckVector): Promise<void> },
): Promise<Learned> {
  const { value, signedPart, signature } = decodeVector(bytes)
  const { branch, origin, hlc } = value
  const known = await branches.find(tx, branch)
  if (known === undefined || branch === self) return undefined
  if (!(await isMember(tx, branch)) || !(await isMember(tx, origin))) return undefined
  // What is old is known without a look at its signature: repeating costs whoever repeats.
  const before = await tx
    .selectFrom('ack_vector')
    .where('branchId', '=', branch)
    .where('origin', '=', origin)
    .select('hlc')
    .executeTakeFirst()
  if (before !== undefined && before.hlc >= hlc) return undefined
  if (!known.verify(VECTOR_DOMAIN, signedPart, signature)) {
    throw new ProtocolError('The signature of the acks is wrong')
  }
  await tx
    .insertInto('ack_vector')
    .values({ branchId: branch, origin, hlc, bytes })
    .onConflict((on) => on.columns(['branchId', 'origin']).doUpdateSet({ hlc, bytes }))
    .execute()
  await keep(value)
  return { for: origin }
}

/** Mail of ours that a branch does not hold as far as we know: how much there is, signed anew where that changed. */
export async function ownHeads(
  tx: Db,
  { self, sign, now }: Maker,
  destination: BranchId,
): Promise<Uint8Array[]> {
  const rows = await tx
    .selectFrom('feed as f')
    .leftJoin('peer_ack as pa', (on) =>
      on.onRef('pa.feedN', '=', 'f.n').on('pa.branchId', '=', destination),
    )
    .leftJoin('signed_head as h', (on) =>
      on.onRef('h.feedId', '=', 'f.id').onRef('h.origin', '=', 'f.origin'),
    )
    .where('f.origin', '=', self)
    .where('f.destination', '=', destination)
    .whereRef('f.head', '>', (eb) => eb.fn.coalesce('pa.durable', eb.val(0)))
    .whereRef('f.head', '>', (eb) => eb.fn.coalesce('h.seq', eb.val(0)))
    .select(['f.id', 'f.head'])
    .orderBy('f.n', 'desc')
    .limit(ENTRIES_MAX)
    .execute()
  const made: Uint8Array[] = []
  for (const { id: feed, head: seq } of rows) {
    const head = { feed, origin: self, destination, seq, hlc: now() }
    const unsigned = encodeHead(head)
    const bytes = concat(unsigned, sign(HEAD_DOMAIN, unsigned))
    await putHead(tx, head, bytes)
    made.push(bytes)
  }
  return made
}

async function putHead(tx: Db, head: FeedHead, bytes: Uint8Array) {
  const { feed: feedId, origin, destination, seq, hlc } = head
  return await tx
    .insertInto('signed_head')
    .values({ feedId, origin, destination, seq, hlc, bytes })
    .onConflict((on) =>
      on
        .columns(['feedId', 'origin'])
        .doUpdateSet({ seq, hlc, bytes })
        .where('signed_head.hlc', '<', hlc),
    )
    .returning('hlc')
    .executeTakeFirst()
}

/** A branch that signs heads of feeds that are none must not fill our disk. */
async function hasManyHeads(tx: Db, { feed, origin, destination }: FeedHead): Promise<boolean> {
  const { n } = await tx
    .selectFrom('signed_head')
    .where('origin', '=', origin)
    .where('destination', '=', destination)
    .where('feedId', '!=', feed)
    .select((eb) => eb.fn.countAll<number>().as('n'))
    .executeTakeFirstOrThrow()
  return n >= HEADS_PER_PAIR_MAX
}

/** Takes an origin's word on how much it wrote, unless a later one is here. */
export async function receiveHead(
  { self, branches }: { self: BranchId; branches: Branches },
  tx: Db,
  bytes: Uint8Array,
): Promise<Learned> {
  const { value, signedPart, signature } = decodeHead(bytes)
  const { origin, destination } = value
  const known = await branches.find(tx, origin)
  if (known === undefined || origin === self) return undefined
  if (!(await isMember(tx, origin)) || !(await isMember(tx, destination))) return undefined
  if (!known.verify(HEAD_DOMAIN, signedPart, signature)) {
    throw new ProtocolError('The signature of the head is wrong')
  }
  if (await hasManyHeads(tx, value)) return undefined
  return (await putHead(tx, value, bytes)) && { for: destination }
}

/** What to give a peer when its link opens: acks for it as an origin, heads of mail for it. */
export async function reportsFor(
  db: Db,
  peer: BranchId,
): Promise<{ vectors: Uint8Array[]; heads: Uint8Array[] }> {
  const vectors = await db
    .selectFrom('ack_vector')
    .where('origin', '=', peer)
    .select('bytes')
    .orderBy('branchId')
    .execute()
  const heads = await db
    .selectFrom('signed_head')
    .where('destination', '=', peer)
    .select('bytes')
    .orderBy('hlc', 'desc')
    .limit(ENTRIES_MAX)
    .execute()
  return { vectors: vectors.map(({ bytes }) => bytes), heads: heads.map(({ bytes }) => bytes) }
}

/** What others wrote to us, by their own word, and nobody has handed over: per origin, since when. */
export async function missing(
  db: Db,
  self: BranchId,
): Promise<{ origin: BranchId; events: number; since: Hlc }[]> {
  return await db
    .selectFrom('signed_head as h')
    .leftJoin('feed as f', (on) =>
      on.onRef('f.id', '=', 'h.feedId').onRef('f.origin', '=', 'h.origin'),
    )
    .where('h.destination', '=', self)
    .whereRef('h.seq', '>', (eb) => eb.fn.coalesce('f.head', eb.val(0)))
    .groupBy('h.origin')
    .select((eb) => [
      'h.origin',
      eb.fn.sum<number>(eb('h.seq', '-', eb.fn.coalesce('f.head', eb.val(0)))).as('events'),
      eb.fn.min('h.hlc').as('since'),
    ])
    .execute()
}
