/**
 * Anchors against a chain that was written anew as a whole: each branch tells all others now and then how far its log
 * is (`audit.head`), and what it holds of theirs, so that each learns up to where others confirm its own. Owns table
 * `audit_head`. docs/protocol.md, section 8; docs/decisions/032-audit-log.md.
 */
import * as v from 'valibot'
import { fromHex, hex } from '../base/bytes.ts'
import { millisOf } from '../base/hlc.ts'
import { asBranchId, type BranchId } from '../base/ids.ts'
import { HOUR, type Millis, TIME_MS_MAX } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import type { Append, EventKind } from '../eventlog/events.ts'
import { auditHead } from './entries.ts'

/** A rewriting of the last hour is what anchors cannot show; more often would be mail for its own sake. */
const HEAD_TOLD_MS: Millis = HOUR
/** Anchors kept of each branch as each other holds it: two days of busy hours, then they thin out by being few. */
const HEADS_KEPT_MAX = 48
/** Branches named in one event: more than any organisation of ours, and 8 KiB of body. */
const OTHERS_MAX = 64
const NUMBER_MAX = Number.MAX_SAFE_INTEGER

const number = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(NUMBER_MAX))
const at = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(TIME_MS_MAX))
const hash = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))
const branch = v.pipe(v.string(), v.transform(asBranchId))
const body = v.object({
  /** Of the own log; absent while it is empty. */
  number: v.optional(number),
  hash: v.optional(hash),
  /** What the origin holds of others' logs. */
  others: v.pipe(v.array(v.object({ branch, number, hash, at })), v.maxLength(OTHERS_MAX)),
})
type AuditHead = v.InferOutput<typeof body>

export type AuditHeads = {
  kind: EventKind<AuditHead>
  /** Tells the others, if there is something new; at most once an hour unless it is the last time. */
  tell(tx: Db, append: Append, how?: { isLast: boolean }): Promise<void>
}

/** The heads of a branch. */
export function createAuditHeads(parts: { self: BranchId; clock: { now(): Millis } }): AuditHeads {
  const { self, clock } = parts
  const kind = headKind(self)
  let told: { at: Millis; text: string } | undefined
  return {
    kind,
    async tell(tx, append, { isLast } = { isLast: false }) {
      const now = clock.now()
      // A clock that was set back does not keep it silent.
      const isTooSoon = told !== undefined && now >= told.at && now < told.at + HEAD_TOLD_MS
      if (isTooSoon && !isLast) return
      const said = await bodyNow(tx, self)
      const text = JSON.stringify(said)
      if (text === told?.text) return
      // The first time since the start it is said again for the sake of the others; at the end only what is new.
      const isNothingOfOthers = isLast || said.others.length === 0
      if (told === undefined && isNothingOfOthers && (await isTold(tx, self, said))) return
      await append(tx, { kind, to: 'all', body: said })
      told = { at: now, text }
    },
  }
}

function headKind(self: BranchId): EventKind<AuditHead> {
  return {
    code: 0x0306,
    name: 'audit.head',
    scope: 'all',
    parse: (value) => v.parse(body, value),
    // Each branch speaks of its own log, and of what it holds itself.
    refusal: async () => undefined,
    async apply(tx, { origin, body: said, hlc }) {
      if (said.number !== undefined && said.hash !== undefined) {
        const head = { number: said.number, hash: fromHex(said.hash), at: millisOf(hlc) }
        await keep(tx, { ...head, branchId: origin, heldBy: self })
      }
      if (origin === self) return
      // What others hold of others is theirs to compare.
      for (const { branch: branchId, hash: text, ...head } of said.others) {
        if (branchId !== self) continue
        await keep(tx, { ...head, hash: fromHex(text), branchId, heldBy: origin })
      }
    },
    // A later one says what this one said, but for anchors that are kept where they came in time.
    recordOf: () => 'audit.head',
  }
}

type Head = { branchId: BranchId; heldBy: BranchId; number: number; hash: Uint8Array; at: Millis }

async function keep(tx: Db, row: Head): Promise<void> {
  await tx
    .insertInto('audit_head')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  const { branchId, heldBy } = row
  const old = tx
    .selectFrom('audit_head')
    .where('branchId', '=', branchId)
    .where('heldBy', '=', heldBy)
    .select('at')
    .orderBy('at', 'desc')
    .limit(1)
    .offset(HEADS_KEPT_MAX)
  await tx
    .deleteFrom('audit_head')
    .where('branchId', '=', branchId)
    .where('heldBy', '=', heldBy)
    .where('at', '<=', old)
    .execute()
}

/** The own head, and the newest that is held of each other branch. */
async function bodyNow(db: Db, self: BranchId): Promise<AuditHead> {
  const own = await auditHead(db)
  const newest = new Map<BranchId, AuditHead['others'][number]>()
  const rows = await db
    .selectFrom('audit_head')
    .where('branchId', '!=', self)
    .where('heldBy', '=', self)
    .select(['branchId', 'number', 'hash', 'at'])
    .orderBy('branchId')
    .orderBy('at')
    .execute()
  for (const { branchId, hash: bytes, ...row } of rows) {
    newest.set(branchId, { branch: branchId, ...row, hash: hex(bytes) })
  }
  const others = [...newest.values()].slice(0, OTHERS_MAX)
  return { ...(own && { number: own.n, hash: hex(own.hash) }), others }
}

/** Whether the own head was told before, as far as it is kept here. */
async function isTold(db: Db, self: BranchId, said: AuditHead): Promise<boolean> {
  if (said.number === undefined || said.hash === undefined) return true
  const row = await db
    .selectFrom('audit_head')
    .where('branchId', '=', self)
    .where('heldBy', '=', self)
    .where('number', '=', said.number)
    .where('hash', '=', fromHex(said.hash))
    .select('number')
    .executeTakeFirst()
  return row !== undefined
}
