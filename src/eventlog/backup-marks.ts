/**
 * What may be forgotten elsewhere because we can never need it again. An ACK says two things: `durable`, what is here
 * now, and `stable`, what is also in every copy of this database that may still be put back. Owns tables `backup_mark`
 * and `backup_position`. Source: docs/protocol.md, section 7; docs/decisions/030-backups.md.
 */
import { DAY, type Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import type { Changes } from './changes.ts'
import type { FeedN } from './log.ts'

/** So long a copy is kept where nothing else is said. */
export const BACKUP_KEPT_MS: Millis = 30 * DAY
/** Other branches keep for us what the oldest copy lacks: no longer than this. */
export const BACKUP_KEPT_MS_MAX: Millis = 90 * DAY

export type BackupMark = { id: number; madeAt: Millis; expiresAt: Millis }

export type BackupMarks = {
  /** How much of what we hold of a feed is in every copy. */
  stableOf(feedN: FeedN, durable: number): number
  /** Notes, before a copy is made, what it will hold at least. */
  add(tx: Db, mark: { madeAt: Millis; keptMs: Millis }): Promise<BackupMark>
  /** That copy came to nothing. */
  remove(tx: Db, id: number): Promise<void>
  /** Forgets copies whose time is over. */
  expire(tx: Db, now: Millis): Promise<void>
  load(db: Db): Promise<void>
}

/** No marks: `load` reads those of the database. */
export function createBackupMarks(changes: Pick<Changes, 'undoWith'>): BackupMarks {
  let inEvery: ReadonlyMap<FeedN, number> | undefined
  const load = async (db: Db) => {
    inEvery = await heldByEvery(db)
  }
  const changed = async (tx: Db) => {
    const before = inEvery
    await load(tx)
    changes.undoWith(() => {
      inEvery = before
    })
  }
  return {
    load,
    stableOf: (feedN, durable) => (inEvery ? Math.min(durable, inEvery.get(feedN) ?? 0) : durable),
    async add(tx, { madeAt, keptMs }) {
      const mark = { madeAt, expiresAt: madeAt + keptMs }
      const { id } = await tx
        .insertInto('backup_mark')
        .values(mark)
        .returning('id')
        .executeTakeFirstOrThrow()
      await tx
        .insertInto('backup_position')
        .columns(['markId', 'feedN', 'upTo'])
        .expression((eb) =>
          eb
            .selectFrom('feed')
            .where('batched', '>', 0)
            .select((of) => [of.val(id).as('markId'), 'n', 'batched']),
        )
        .execute()
      await changed(tx)
      return { id, ...mark }
    },
    async remove(tx, id) {
      await tx.deleteFrom('backup_mark').where('id', '=', id).execute()
      await changed(tx)
    },
    async expire(tx, now) {
      const expired = tx.deleteFrom('backup_mark').where('expiresAt', '<=', now).returning('id')
      if ((await expired.execute()).length > 0) await changed(tx)
    },
  }
}

/** When the newest copy was made that may still be put back; undefined: there is none. */
export async function lastBackup(db: Db): Promise<Millis | undefined> {
  const { madeAt } = await db
    .selectFrom('backup_mark')
    .select((eb) => eb.fn.max<Millis | null>('madeAt').as('madeAt'))
    .executeTakeFirstOrThrow()
  return madeAt ?? undefined
}

/** Per feed what the copy with least of it holds; undefined: there are no copies. */
async function heldByEvery(db: Db): Promise<ReadonlyMap<FeedN, number> | undefined> {
  const { copies } = await db
    .selectFrom('backup_mark')
    .select((eb) => eb.fn.countAll<number>().as('copies'))
    .executeTakeFirstOrThrow()
  if (copies === 0) return undefined
  const positions = await db
    .selectFrom('backup_position')
    .groupBy('feedN')
    .having((eb) => eb.fn.countAll(), '=', copies)
    .select((eb) => ['feedN', eb.fn.min<number>('upTo').as('upTo')])
    .execute()
  return new Map(positions.map(({ feedN, upTo }) => [feedN, upTo]))
}
