/**
 * Parked events get another try: all of them when the program starts (it may know more kinds now), and those that
 * wait for something when later events have been applied.
 */
import { sql } from 'kysely'
import type { BranchId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import { applyEvent, FAILED, understand } from './apply.ts'
import { setConversation, setState } from './entries.ts'
import { decodeEventHeader } from './format.ts'
import { destroyLate } from './late.ts'
import type { Scope } from './opening.ts'
import type { ReceiveParts } from './receive.ts'
import { tellOrigin } from './receive.ts'
import { isParked, UNTIL_UPGRADE } from './waiting.ts'

/** Events tried in one action: the next commit must not wait for all of them. */
const TRIED_MAX = 200

/** `waiting`: only those that wait for other events. */
export type Which = 'all' | 'waiting'

/** Tries parked events after position `after`; answers where to go on, undefined at the end. */
export async function replayParked(
  parts: ReceiveParts,
  tx: Db,
  { which, after }: { which: Which; after: number },
): Promise<number | undefined> {
  const rows = await parkedAfter(tx, which, after)
  let position = after
  for (const row of rows) {
    if (row.position === position) continue // it stands in several feeds
    position = row.position
    await replay(parts, tx, row)
  }
  return rows.length < TRIED_MAX ? undefined : position
}

function parkedAfter(tx: Db, which: Which, after: number) {
  const parked = tx
    .selectFrom('event')
    .innerJoin('branch', 'branch.n', 'event.originN')
    .innerJoin('feed_entry', 'feed_entry.position', 'event.position')
    .innerJoin('feed', 'feed.n', 'feed_entry.feedN')
    .select(['event.position', 'event.header', 'event.body', 'event.arrivedAt', 'event.reason'])
    .select(['branch.id as origin', 'feed.scope', 'feed.destination'])
    .where(isParked)
    // Without each `+` the walk would go over all events there are, in their order.
    .where(sql<boolean>`+event.position > ${after}`)
    .orderBy(sql`+event.position`)
    .limit(TRIED_MAX)
  if (which === 'all') return parked.execute()
  return parked.where('event.reason', 'not in', UNTIL_UPGRADE).execute()
}

type Row = {
  position: number
  header: Uint8Array
  body: Uint8Array | null
  arrivedAt: number
  reason: string | null
  origin: BranchId
  scope: Scope
  destination: BranchId | null
}

async function replay(parts: ReceiveParts, tx: Db, row: Row): Promise<void> {
  const { position, origin, scope, destination, arrivedAt } = row
  const header = decodeEventHeader(row.header)
  const plain = row.body ?? undefined
  const arrived = { header, origin, scope, destination, arrivedAt, plain }
  const { outcome, kind, event } = understand(parts.kinds, arrived)
  await setConversation(tx, position, event?.conversationId)
  const result =
    event === undefined
      ? outcome
      : await applyEvent(parts, tx, { kind, event: { ...event, position } })
  const isSame = result.state === 'parked' && result.reason === row.reason
  if (!isSame) await setState(tx, position, result)
  await destroyLate(parts, tx, { position, code: header.kind })
  // Its origin heard of a failure when it happened first.
  if (!isSame || result.reason !== FAILED)
    await tellOrigin(parts, tx, { header, origin, outcome: result })
}
