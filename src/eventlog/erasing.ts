/**
 * Destroying what the log holds of a person: bodies of records that tell of him, and of messages he wrote where that
 * is wanted. Headers, signatures and places stay, so a feed is whole for ever. Mail that has not arrived yet keeps its
 * body until it has: carriers pass on no mail without. docs/protocol.md, section 7.
 */
import { sql } from 'kysely'
import type { BranchId, UserId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import { listed } from '../db/prepared.ts'
import type { Kinds } from './apply.ts'

/** Bodies destroyed in one transaction: some milliseconds. */
const BODIES_PER_TURN = 200
/** In place of what tells which bytes they were. */
const NO_HASH = ''
/** Positions looked through at a time for messages of one author, between other work. */
const POSITIONS_PER_TURN = 5000

/** The expression of the index `event_of_person`, to the letter. */
export const PERSON = sql<UserId>`case when json_valid(cast(substr(body, 17) as text)) then coalesce(
  json_extract(cast(substr(body, 17) as text), '$.user'),
  json_extract(cast(substr(body, 17) as text), '$.owner')) end`

/** The expression of the index `event_of_author`, to the letter. */
export const AUTHOR = sql<UserId>`case when json_valid(cast(substr(body, 17) as text)) then
  json_extract(cast(substr(body, 17) as text), '$.author') end`

type Of = { self: BranchId; user: UserId }

/** Destroys the next bodies of records about somebody; how many, and how many must wait for their arrival. */
export async function destroyRecords(
  tx: Db,
  kinds: Kinds,
  { self, user }: Of,
): Promise<{ destroyed: number; waiting: number }> {
  const codes = [...kinds.values()].filter((kind) => kind.isPersonal).map(({ code }) => code)
  const rows = await sql<{ position: number }>`
    select position from event where ${PERSON} = ${user} and body is not null
      and (kind between 769 and 1023 or kind in (1028, 1042))
      and kind in (${sql.join(codes)})`.execute(tx)
  return await destroySome(tx, self, rows.rows)
}

/** Destroys the next messages of an author that were refused here or wait: nobody was ever shown them. */
export async function destroyUnapplied(
  tx: Db,
  { self, user }: Of,
): Promise<{ destroyed: number; waiting: number }> {
  const rows = await sql<{ position: number }>`
    select position from event where ${AUTHOR} = ${user}
      and body is not null and state in ('parked', 'refused') and kind = 1026`.execute(tx)
  return await destroySome(tx, self, rows.rows)
}

async function destroySome(tx: Db, self: BranchId, rows: readonly { position: number }[]) {
  const all = rows.map(({ position }) => position)
  const open = await undelivered(tx, { self, positions: all })
  const due = all.filter((position) => !open.has(position)).slice(0, BODIES_PER_TURN)
  await destroy(tx, due)
  return { destroyed: due.length, waiting: open.size }
}

/** Destroys messages of an author among the next positions; `next`: where to go on, undefined at the end. */
export async function destroyMessages(
  tx: Db,
  { self, user, after }: Of & { after: number },
): Promise<{ destroyed: number; waiting: number; next: number | undefined }> {
  const rows = await sql<{ position: number }>`
    select m.position from message as m join event as e on e.position = m.position
    where m.position > ${after} and m.position <= ${after + POSITIONS_PER_TURN}
      and m.authorId = ${user} and (m.body <> '' or e.body is not null)`.execute(tx)
  const all = rows.rows.map(({ position }) => position)
  const open = await undelivered(tx, { self, positions: all })
  const due = all.filter((position) => !open.has(position))
  await destroy(tx, due)
  await tx
    .updateTable('message')
    .set({ body: '' })
    .where('position', 'in', listed<number>(JSON.stringify(all)))
    .execute()
  await destroyFiles(tx, all)
  const { last } = await tx
    .selectFrom('message')
    .select((eb) => eb.fn.max('position').as('last'))
    .executeTakeFirstOrThrow()
  const next = after + POSITIONS_PER_TURN
  return {
    destroyed: due.length,
    waiting: open.size,
    next: next < (last ?? 0) ? next : undefined,
  }
}

/** Names and keys of their files; the bytes go with the collector. */
async function destroyFiles(tx: Db, positions: readonly number[]): Promise<void> {
  const messages = tx
    .selectFrom('message')
    .where('position', 'in', listed<number>(JSON.stringify(positions)))
    .where('files', '>', 0)
    .select('id')
  await tx
    .updateTable('attachment')
    .set(({ fn, ref, val }) => ({
      ...{ key: null, thumbKey: null, name: '', sha256: NO_HASH },
      removedAt: fn.coalesce(ref('removedAt'), val(0)),
    }))
    .where('messageId', 'in', messages)
    .execute()
}

/** Mail of ours among these that a branch of today does not hold yet. */
export async function undelivered(
  tx: Db,
  { self, positions }: { self: BranchId; positions: readonly number[] },
): Promise<Set<number>> {
  const rows = await tx
    .selectFrom('feed_entry as fe')
    .innerJoin('feed as f', 'f.n', 'fe.feedN')
    .leftJoin('peer_ack as a', (on) =>
      on.onRef('a.feedN', '=', 'f.n').onRef('a.branchId', '=', 'f.destination'),
    )
    .leftJoin('revocation as r', 'r.branchId', 'f.destination')
    .where('fe.position', 'in', listed<number>(JSON.stringify(positions)))
    .where('f.scope', '=', 'to')
    .where('f.origin', '=', self)
    .where('r.branchId', 'is', null)
    .where((eb) => eb(eb.fn.coalesce('a.durable', eb.lit(0)), '<', eb.ref('fe.seq')))
    .select('fe.position')
    .execute()
  return new Set(rows.map(({ position }) => position))
}

/** Takes the bodies of events away; headers and places stay. */
export async function destroy(tx: Db, positions: readonly number[]): Promise<void> {
  if (positions.length === 0) return
  await tx
    .updateTable('event')
    .set({ state: 'erased', reason: null, body: null })
    .where('position', 'in', listed<number>(JSON.stringify(positions)))
    .execute()
}
