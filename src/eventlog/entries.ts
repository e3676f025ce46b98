/** Writing of tables `event` and `feed_entry`: the statements every message passes through, compiled once. */
import type { Hlc } from '../base/hlc.ts'
import type { ConversationId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import { prepared } from '../db/prepared.ts'
import type { FeedN } from './log.ts'

export type EventState = 'applied' | 'parked' | 'refused' | 'erased'

export type NewEvent = {
  originN: number
  id: Uint8Array
  kind: number
  hlc: Hlc
  arrivedAt: Millis
  header: Uint8Array
  body: Uint8Array | null
  conversationId: ConversationId | null
  state: EventState
  reason: string | null
}

const insertRow = prepared<NewEvent, { position: number }>((db, value) =>
  db
    .insertInto('event')
    .values({
      originN: value('originN'),
      id: value('id'),
      kind: value('kind'),
      hlc: value('hlc'),
      arrivedAt: value('arrivedAt'),
      state: value('state'),
      reason: value('reason'),
      header: value('header'),
      body: value('body'),
      conversationId: value('conversationId'),
    })
    .onConflict((conflict) => conflict.columns(['id', 'originN']).doNothing())
    .returning('position'),
)

/** Stores an event; undefined when this branch has it already (docs/protocol.md, I3). */
export async function insertEvent(tx: Db, event: NewEvent): Promise<number | undefined> {
  const [row] = await insertRow(tx, event)
  return row?.position
}

type Stored = { position: number; header: Uint8Array; state: EventState }

const findRow = prepared<{ originN: number; id: Uint8Array }, Stored>((db, value) =>
  db
    .selectFrom('event')
    .select(['position', 'header', 'state'])
    .where('id', '=', value('id'))
    .where('originN', '=', value('originN')),
)

/** An event that is here already. */
export async function findStored(
  tx: Db,
  event: { originN: number; id: Uint8Array },
): Promise<Stored> {
  const [row] = await findRow(tx, event)
  if (row === undefined) throw new Error('The event is not stored')
  return row
}

const insertEntryRow = prepared<{ feedN: FeedN; seq: number; position: number }, unknown>(
  (db, value) =>
    db.insertInto('feed_entry').values({
      feedN: value('feedN'),
      seq: value('seq'),
      position: value('position'),
    }),
)

/** Puts an event at a seq of a feed. */
export async function insertEntry(
  tx: Db,
  entry: { feedN: FeedN; seq: number; position: number },
): Promise<void> {
  await insertEntryRow(tx, entry)
}

/** What became of an event that was not applied at once, or was after all. */
export async function setState(
  tx: Db,
  position: number,
  outcome: { state: EventState; reason: string | null },
): Promise<void> {
  await tx.updateTable('event').set(outcome).where('position', '=', position).execute()
}

/** Gives an event back the body that was erased here. */
export async function refill(
  tx: Db,
  position: number,
  { body, state, reason, conversationId }: NewEvent,
): Promise<void> {
  const event = tx.updateTable('event').set({ body, state, reason, conversationId })
  await event.where('position', '=', position).execute()
}

/** Names the conversation of an event that was not understood when it came. */
export async function setConversation(
  tx: Db,
  position: number,
  id: ConversationId | undefined,
): Promise<void> {
  if (id === undefined) return
  const event = tx.updateTable('event').set({ conversationId: id })
  await event.where('position', '=', position).execute()
}
