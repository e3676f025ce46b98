/**
 * Files go before the messages they came with: after so many days, by the organisation's rules. Each branch does it by
 * itself, by the time of the message, so nothing is sent about it. The bytes then go with the collector.
 */
import { hlcOf } from '../base/hlc.ts'
import type { FileId } from '../base/ids.ts'
import { DAY, type Millis } from '../base/units.ts'
import type { Db, Store } from '../db/open.ts'
import { letGo } from './collecting.ts'
import { fileRulesOf } from './rules.ts'

/** One transaction of some milliseconds. */
const FILES_PER_TURN = 200

type Parts = { store: Store; clock: { now(): Millis } }

/** Takes away what is older than the rules allow; answers how many. */
export async function endOldFiles({ store, clock }: Parts): Promise<number> {
  let ended = 0
  for (;;) {
    // Asked each time: the rule may have been taken back meanwhile.
    const { days } = await fileRulesOf(store.read)
    if (days === 0) return ended
    const now = clock.now()
    const before = hlcOf(Math.max(0, now - days * DAY), 0)
    const some = await store.writer.write(async (tx) => {
      const rows = await tx
        .selectFrom('attachment')
        .where('removedAt', 'is', null)
        .where('timeKey', '<', before)
        .select('id')
        .orderBy('timeKey')
        .limit(FILES_PER_TURN)
        .execute()
      for (const { id } of rows) await removeHere(tx, id, now)
      return rows.length
    })
    ended += some
    if (some < FILES_PER_TURN) return ended
  }
}

/** The file is shown no more, its keys are gone, and its bytes go unless something else needs them. */
export async function removeHere(tx: Db, id: FileId, now: Millis): Promise<void> {
  const row = await tx
    .selectFrom('attachment')
    .where('id', '=', id)
    .select(['blobId', 'thumbId'])
    .executeTakeFirst()
  if (row === undefined) return
  await tx
    .updateTable('attachment')
    .set({ removedAt: now, key: null, thumbKey: null })
    .where('id', '=', id)
    .where('removedAt', 'is', null)
    .execute()
  await letGo(tx, row.thumbId === null ? [row.blobId] : [row.blobId, row.thumbId], now)
}
