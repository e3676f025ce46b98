/**
 * Whether the audit log is what it was: the chain from its first entry to its last, and the anchors that this branch
 * told and others hold. A log that is shorter because the database was put back says so itself, and is no forgery.
 */
import { equal, hex } from '../base/bytes.ts'
import type { BranchId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import { RECOVERIES } from './actions.ts'
import { entryHash, NO_HASH } from './chain.ts'
import { isToldRight } from './told.ts'

/** Read at a time: half a megabyte; then others have their turn. */
const ENTRIES_PER_READ = 1000

type ChainCheck = {
  entries: number
  /** The first entry, or what is told beside it, that was changed, taken out or put in. */
  brokenAt: number | undefined
}

/** Computes every hash again. `pause` is called between reads. */
export async function checkChain(db: Db, pause?: () => Promise<void>): Promise<ChainCheck> {
  let previous: Uint8Array = NO_HASH
  let entries = 0
  while (true) {
    const rows = await entriesAfter(db, entries, ENTRIES_PER_READ)
    for (const { hash, salt, text, erased, ...fields } of rows) {
      const isNext = fields.n === entries + 1
      const isTold = isToldRight({ ...fields, salt, text, isErased: erased !== null })
      if (!isNext || !isTold || !equal(hash, entryHash(previous, fields))) {
        return { entries, brokenAt: entries + 1 }
      }
      previous = hash
      entries++
    }
    if (rows.length < ENTRIES_PER_READ) return { entries, brokenAt: undefined }
    await pause?.()
  }
}

/** Entries by their number, from the one after `n` on, with what is told beside them. */
async function entriesAfter(db: Db, n: number, limit: number) {
  return await db
    .selectFrom('audit')
    .leftJoin('audit_told', 'audit_told.n', 'audit.n')
    .leftJoin('erasure', 'erasure.userId', 'audit.subjectId')
    .selectAll('audit')
    .select(['audit_told.salt', 'audit_told.text', 'erasure.userId as erased'])
    .where('audit.n', '>', n)
    .orderBy('audit.n')
    .limit(limit)
    .execute()
}

type Anchor = { number: number; hash: Uint8Array; at: Millis }

/** What one branch holds of the log here. */
type Confirmation = {
  /** The branch itself: what it told. */
  isSelf: boolean
  name: string
  /** Up to this entry the log is what it was when that branch heard of it. */
  upTo: number | undefined
  /** Numbers that are gone because the database was put back: the newest, and when it was told. */
  lost: Pick<Anchor, 'number' | 'at'> | undefined
  /** The newest anchor that is not in the log, and no recovery explains it. */
  wrong: (Pick<Anchor, 'number' | 'at'> & { why: 'shorter' | 'different' }) | undefined
}

/** Compares the log with all anchors of it that are kept here, the own ones first. */
export async function checkAnchors(db: Db, self: BranchId): Promise<Confirmation[]> {
  const rows = await db
    .selectFrom('audit_head')
    .leftJoin('branch', 'branch.id', 'audit_head.heldBy')
    .where('branchId', '=', self)
    .select(['heldBy', 'branch.name', 'number', 'hash', 'at'])
    .orderBy('branch.name')
    .orderBy('at')
    .execute()
  const recoveries = await db
    .selectFrom('audit')
    .where('action', 'in', RECOVERIES)
    .select(['n', 'at'])
    .execute()
  const found = new Map<BranchId, Confirmation>()
  for (const { heldBy, name, ...anchor } of rows) {
    const isSelf = heldBy === self
    const before = found.get(heldBy) ?? {
      ...{ isSelf, name: name ?? heldBy, upTo: undefined, lost: undefined, wrong: undefined },
    }
    found.set(heldBy, await withAnchor(db, before, anchor, recoveries))
  }
  return [...found.values()].sort((a, b) => Number(b.isSelf) - Number(a.isSelf))
}

async function withAnchor(
  db: Db,
  known: Confirmation,
  { number, hash, at }: Anchor,
  recoveries: readonly { n: number; at: Millis }[],
): Promise<Confirmation> {
  const entry = await db
    .selectFrom('audit')
    .where('n', '=', number)
    .select(['hash', 'at'])
    .executeTakeFirst()
  if (entry && equal(entry.hash, hash)) {
    return { ...known, upTo: Math.max(number, known.upTo ?? 0) }
  }
  // What came after the anchor went with the database; what stands in its place was written later.
  const isExplained = recoveries.some(
    (recovery) =>
      recovery.at >= at && (entry === undefined || number >= recovery.n || entry.at >= at),
  )
  if (isExplained) return { ...known, lost: { number, at } }
  return { ...known, wrong: { number, at, why: entry === undefined ? 'shorter' : 'different' } }
}

/** The newest head of another branch's log that is held here, to be compared with an export from there. */
type HeldHead = {
  name: string
  number: number
  hash: string
  at: Millis
  /** It told a lower number later, or two hashes for one: put back there, or written anew. */
  wentBack: boolean
}

/** Of every other branch, by name. */
export async function headsHeld(db: Db, self: BranchId): Promise<HeldHead[]> {
  const rows = await db
    .selectFrom('audit_head')
    .leftJoin('branch', 'branch.id', 'audit_head.branchId')
    .where('branchId', '!=', self)
    .where('heldBy', '=', self)
    .select(['branchId', 'branch.name', 'number', 'hash', 'at'])
    .orderBy('at')
    .execute()
  const newest = new Map<BranchId, HeldHead>()
  for (const { branchId, name, hash, number, at } of rows) {
    const before = newest.get(branchId)
    const wentBack = before !== undefined && (before.wentBack || number <= before.number)
    newest.set(branchId, { name: name ?? branchId, number, hash: hex(hash), at, wentBack })
  }
  return [...newest.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}
