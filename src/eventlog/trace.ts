/**
 * Where an event is: what other branches said of it, who carries it, what goes before it. Facts alone, for the delivery
 * story of a message and for operators who follow any event by its id. Nothing of its body.
 */
import { type SqlBool, sql } from 'kysely'
import { fromHex } from '../base/bytes.ts'
import type { Hlc } from '../base/hlc.ts'
import type { BranchId, EventId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import type { FeedN } from './log.ts'
import { membersBut } from './missing.ts'

/** An event's place in a feed. */
type Place = { feedN: FeedN; seq: number }

/** How far an event has come towards one branch. */
type Way =
  | { state: 'stored'; at: Millis; via: BranchId | null }
  /** `ahead`: events that go there before it. `carriers`: who holds it to carry it there. */
  | { state: 'waiting'; ahead: number; carriers: BranchId[] }

/** How far an event of ours has come to a branch; `places`: in the feeds that lead there. */
export async function wayTo(db: Db, to: BranchId, places: readonly Place[]): Promise<Way> {
  for (const { feedN, seq } of places) {
    const mark = await db
      .selectFrom('stored_mark')
      .where('feedN', '=', feedN)
      .where('branchId', '=', to)
      .where('upTo', '>=', seq)
      .orderBy('upTo')
      .limit(1)
      .select(['at', 'via'])
      .executeTakeFirst()
    if (mark) return { state: 'stored', ...mark }
  }
  const [first] = places
  const ahead = first === undefined ? 0 : await aheadOf(db, to, first)
  return { state: 'waiting', ahead, carriers: await carriersOf(db, to, places) }
}

/** Events that go to the same branch before this one, in this feed and in those of earlier starts. */
async function aheadOf(db: Db, to: BranchId, { feedN, seq }: Place): Promise<number> {
  const rows = await db
    .selectFrom('feed as mine')
    .innerJoin('feed as f', (on) =>
      on
        .onRef('f.origin', '=', 'mine.origin')
        .onRef('f.scope', '=', 'mine.scope')
        .on(sql<SqlBool>`f.destination is mine.destination`)
        .onRef('f.n', '<=', 'mine.n'),
    )
    .leftJoin('peer_ack as pa', (on) => on.onRef('pa.feedN', '=', 'f.n').on('pa.branchId', '=', to))
    .where('mine.n', '=', feedN)
    .select(['f.n', 'f.head', 'pa.durable'])
    .execute()
  return rows.reduce((sum, { n, head, durable }) => {
    return sum + Math.max(0, (n === feedN ? seq - 1 : head) - (durable ?? 0))
  }, 0)
}

/** Who else says to hold mail: only branches that were asked to carry it do. */
async function carriersOf(db: Db, to: BranchId, places: readonly Place[]): Promise<BranchId[]> {
  const carriers = new Set<BranchId>()
  for (const { feedN, seq } of places) {
    const rows = await db
      .selectFrom('peer_ack as pa')
      .innerJoin('feed as f', 'f.n', 'pa.feedN')
      .where('f.scope', '=', 'to')
      .where('pa.feedN', '=', feedN)
      .where('pa.branchId', '!=', to)
      .where('pa.durable', '>=', seq)
      .select('pa.branchId')
      .execute()
    for (const { branchId } of rows) carriers.add(branchId)
  }
  return [...carriers]
}

type Trace = {
  event: EventId
  kind: number
  origin: BranchId
  hlc: Hlc
  arrivedAt: Millis
  state: 'applied' | 'parked' | 'refused' | 'erased'
  reason: string | null
  /** Who brought it here, where that was not its origin. */
  broughtBy: BranchId | null
  /** Of our own events alone: elsewhere only its origin knows. */
  ways: { to: BranchId; way: Way }[]
  refusals: { by: BranchId; reason: string; at: Millis }[]
}

/** All that this branch knows of an event; undefined: it never came here. */
export async function traceOf(
  db: Db,
  { self, event }: { self: BranchId; event: EventId },
): Promise<Trace | undefined> {
  const row = await db
    .selectFrom('event as e')
    .innerJoin('branch as b', 'b.n', 'e.originN')
    .where('e.id', '=', fromHex(event))
    .select(['e.position', 'e.kind', 'e.hlc', 'e.arrivedAt', 'e.state', 'e.reason'])
    .select('b.id as origin')
    .orderBy('e.position')
    .limit(1)
    .executeTakeFirst()
  if (row === undefined) return undefined
  const { position, ...facts } = row
  const places = await db
    .selectFrom('feed_entry as fe')
    .innerJoin('feed as f', 'f.n', 'fe.feedN')
    .where('fe.position', '=', position)
    .select(['fe.feedN', 'fe.seq', 'f.scope', 'f.destination', 'f.via'])
    .orderBy('fe.feedN')
    .execute()
  const refusals = await db
    .selectFrom('refusal')
    .where('position', '=', position)
    .select(['branchId as by', 'reason', 'at'])
    .execute()
  const broughtBy = places.find(({ via }) => via !== null)?.via ?? null
  const known = { event, ...facts, broughtBy, refusals }
  if (row.origin !== self) return { ...known, ways: [] }
  const ways: Trace['ways'] = []
  for (const to of await branchesOf(db, self, places)) {
    const leading = places.filter(({ scope, destination }) => scope === 'all' || destination === to)
    ways.push({ to, way: await wayTo(db, to, leading) })
  }
  return { ...known, ways }
}

/** Whom an event of ours is for: all branches of today where it is a record. */
async function branchesOf(
  db: Db,
  self: BranchId,
  places: readonly { scope: string; destination: BranchId | null }[],
): Promise<BranchId[]> {
  const named = places.flatMap(({ destination }) => (destination === null ? [] : [destination]))
  if (!places.some(({ scope }) => scope === 'all')) return [...new Set(named)]
  const rows = await membersBut(db, self).orderBy('b.name').execute()
  return rows.map(({ id }) => id)
}
