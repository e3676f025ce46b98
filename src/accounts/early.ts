/**
 * Records about a person that arrive before what they stand on: a block from one branch may overtake the person's own
 * record from another, because feeds of different branches have no common order. They wait here and are tried again
 * when something about the person arrives; what may never be written is dropped then.
 */
import type { UserId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import type { EventKind, LoggedEvent } from '../eventlog/events.ts'

/** What a wait list may hold about one person: a broken branch must not fill our disk. */
const EARLY_PER_PERSON_MAX = 100

/** Puts an event aside until more about the person is known. */
export async function keepEarly(
  tx: Db,
  userId: UserId,
  event: LoggedEvent<unknown>,
): Promise<void> {
  const { waiting } = await tx
    .selectFrom('user_early')
    .where('userId', '=', userId)
    .select((eb) => eb.fn.countAll<number>().as('waiting'))
    .executeTakeFirstOrThrow()
  if (waiting >= EARLY_PER_PERSON_MAX) return
  await tx
    .insertInto('user_early')
    .values({
      userId,
      position: event.position,
      kind: event.kind,
      eventId: event.id,
      origin: event.origin,
      hlc: event.hlc,
      arrivedAt: event.arrivedAt,
      body: JSON.stringify(event.body),
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/** Tries again, in order of arrival, what waited for this person; what is still early waits on. */
export async function replayEarly(
  tx: Db,
  userId: UserId,
  kindOf: (name: string) => EventKind<unknown> | undefined,
): Promise<void> {
  const rows = await tx
    .deleteFrom('user_early')
    .where('userId', '=', userId)
    .returningAll()
    .execute()
  rows.sort((a, b) => a.position - b.position)
  for (const row of rows) {
    const kind = kindOf(row.kind)
    if (kind === undefined) continue
    const event: LoggedEvent<unknown> = {
      position: row.position,
      id: row.eventId,
      origin: row.origin,
      kind: row.kind,
      body: kind.parse(JSON.parse(row.body)),
      hlc: row.hlc,
      arrivedAt: row.arrivedAt,
      to: [],
      conversationId: undefined,
    }
    if ((await kind.refusal(tx, event)) === undefined) await kind.apply(tx, event)
  }
}
