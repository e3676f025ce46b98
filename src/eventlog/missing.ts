/**
 * Records about people whose bodies somebody else than their origin left out: they may be deleted people's, or a branch
 * that passes records on keeps something back. The origin is asked once by mail (`evt.bodies`), which goes by any way
 * there is. What comes is believed only if it fits the hash in the signed header, whoever gives it.
 */
import { sql } from 'kysely'
import { equal, fromHex } from '../base/bytes.ts'
import type { BranchId, EventId } from '../base/ids.ts'
import { asBranchId, isId } from '../base/ids.ts'
import { KIB } from '../base/units.ts'
import type { Db, Store } from '../db/open.ts'
import { isMember } from './carrying.ts'
import type { Append, EventKind, LoggedEvent } from './events.ts'
import { BODY_BYTES_MAX, decodeEventHeader, SALT_BYTES, sha256 } from './format.ts'

/** `reason` of an event in state `erased`: not asked for yet, asked for. */
export const MISSING = 'missing'
const ASKED = 'asked'
/** A literal, because an index of them serves no parameter. */
const isMissing = sql<boolean>`event.reason = 'missing'`
/** Asked for in one event; its answers are some tens of kilobytes. */
const ASKED_MAX = 100
/** Of bodies in one answer, in base64: an event holds 64 KiB. */
const ANSWER_CHARACTERS_MAX = 48 * KIB
const BODY_CHARACTERS_MAX = Math.ceil((BODY_BYTES_MAX + SALT_BYTES) / 3) * 4

type Given = {
  event: EventId
  /** Salt and JSON in base64; null: the origin itself has it no more. */
  body: string | null
}
export type Bodies = {
  /** Whose records these are. */
  origin: BranchId
  wants: EventId[]
  gives: Given[]
}

/** Throws for anything that is none. */
function parseBodies(value: unknown): Bodies {
  const { origin, wants = [], gives = [] } = value as Record<keyof Bodies, unknown>
  if (!Array.isArray(wants) || !Array.isArray(gives)) throw new TypeError('No list of bodies')
  if (wants.length > ASKED_MAX || gives.length > ASKED_MAX) throw new TypeError('Too many bodies')
  return {
    origin: asBranchId(textOf(origin)),
    wants: wants.map(asEventId),
    gives: gives.map(asGiven),
  }
}

function asGiven(value: unknown): Given {
  const { event, body } = value as Record<keyof Given, unknown>
  if (body === null) return { event: asEventId(event), body }
  const text = textOf(body)
  if (text.length > BODY_CHARACTERS_MAX) throw new TypeError('Too long a body')
  Uint8Array.fromBase64(text)
  return { event: asEventId(event), body: text }
}

function asEventId(value: unknown): EventId {
  if (!isId(textOf(value))) throw new TypeError('Not an event')
  return value as EventId
}

function textOf(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('Not a text')
  return value
}

type Parts = { self: BranchId; append: Append; onWaiting(): void }

/** 040a evt.bodies: bodies of records that are missing at a branch, and the answer. */
export function bodiesKind(parts: Parts): EventKind<Bodies> {
  const { self } = parts
  const kind: EventKind<Bodies> = {
    code: 0x040a,
    name: 'evt.bodies',
    scope: 'to',
    parse: parseBodies,
    refusal: async () => undefined,
    async apply(tx, said) {
      if (said.origin === self) return
      await answer({ ...parts, kind }, tx, said)
      for (const given of said.body.gives) await take(parts, tx, { said, given })
    },
  }
  return kind
}

/** Only records, which every branch may have: mail is given to nobody. */
async function recordOf(tx: Db, of: { origin: BranchId; event: EventId }) {
  return await tx
    .selectFrom('event as e')
    .innerJoin('branch as b', 'b.n', 'e.originN')
    .innerJoin('feed_entry as fe', 'fe.position', 'e.position')
    .innerJoin('feed as f', 'f.n', 'fe.feedN')
    .where('e.id', '=', fromHex(of.event))
    .where('b.id', '=', of.origin)
    .where('f.scope', '=', 'all')
    .select(['e.position', 'e.header', 'e.body', 'e.state', 'e.reason'])
    .executeTakeFirst()
}

async function answer(
  { self, append, kind }: Parts & { kind: EventKind<Bodies> },
  tx: Db,
  { body: { origin, wants }, origin: asker }: LoggedEvent<Bodies>,
): Promise<void> {
  let gives: Given[] = []
  let characters = 0
  const send = async () => {
    if (gives.length > 0)
      await append(tx, { kind, to: [asker], body: { origin, wants: [], gives } })
    gives = []
    characters = 0
  }
  for (const wanted of wants) {
    const row = await recordOf(tx, { origin, event: wanted })
    const body = row?.body?.toBase64() ?? null
    // That it is gone nobody can say but its origin.
    if (row === undefined || (body === null && origin !== self)) continue
    const length = body?.length ?? 0
    if (characters + length > ANSWER_CHARACTERS_MAX) await send()
    gives.push({ event: wanted, body })
    characters += length
  }
  await send()
}

async function take(
  parts: Parts,
  tx: Db,
  { said, given }: { said: LoggedEvent<Bodies>; given: Given },
): Promise<void> {
  const { origin } = said.body
  const row = await recordOf(tx, { origin, event: given.event })
  if (row?.state !== 'erased' || (row.reason !== ASKED && row.reason !== MISSING)) return
  const change = tx.updateTable('event').where('position', '=', row.position)
  if (given.body === null) {
    if (said.origin === origin) await change.set({ reason: null }).execute()
    return
  }
  const body = Uint8Array.fromBase64(given.body)
  const { bodyBytes, bodyHash } = decodeEventHeader(row.header)
  if (body.length !== bodyBytes + SALT_BYTES || !equal(sha256(body), bodyHash)) return
  // It is applied like anything that has waited, in a savepoint of its own.
  await change.set({ body, state: 'parked', reason: 'waits-for-body' }).execute()
  parts.onWaiting()
}

/** Asks the origins of what is missing, or everybody where the origin is one of ours no more; how many it were. */
export async function askForBodies(
  { store, self, append }: { store: Store; self: BranchId; append: Append },
  kind: EventKind<Bodies>,
): Promise<number> {
  const first = await missingOf(store.read)
  if (first.length === 0) return 0
  return await store.writer.write(async (tx) => {
    const rows = await missingOf(tx)
    for (const [origin, records] of Map.groupBy(rows, (row) => row.origin)) {
      const wants = records.map(({ header }) => decodeEventHeader(header).id)
      const others = () => membersBut(tx, self).orderBy('b.id').execute()
      const to = (await isMember(tx, origin)) ? [origin] : (await others()).map(({ id }) => id)
      if (to.length > 0) await append(tx, { kind, to, body: { origin, wants, gives: [] } })
      const asked = tx.updateTable('event').set({ reason: ASKED })
      for (const { position } of records) await asked.where('position', '=', position).execute()
    }
    return rows.length
  })
}

async function missingOf(
  db: Db,
): Promise<{ origin: BranchId; position: number; header: Uint8Array }[]> {
  return await db
    .selectFrom('event')
    .innerJoin('branch', 'branch.n', 'event.originN')
    .where(isMissing)
    .where('event.state', '=', 'erased')
    .select(['branch.id as origin', 'event.position', 'event.header'])
    .orderBy('event.position')
    .limit(ASKED_MAX)
    .execute()
}

/** Branches of the organisation that were not revoked, without this one: a query to put in order. */
export function membersBut(db: Db, self: BranchId) {
  return db
    .selectFrom('branch as b')
    .leftJoin('revocation as r', 'r.branchId', 'b.id')
    .where('r.branchId', 'is', null)
    .where('b.id', '!=', self)
    .select('b.id')
}
