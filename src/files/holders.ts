/** Which files are to be fetched, and where they are: queries. */
import type { BlobId, BranchId } from '../base/ids.ts'
import { KIB, type Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'

/** Thumbnails and what is not larger come with the message; a minute and a half at 24 kbit/s. */
export const SMALL_BYTES_MAX = 256 * KIB

/** Why a blob is fetched: it came with a message, somebody opened it, or the line is idle. */
export type Why = 'small' | 'opened' | 'ahead'

export type Wanted = { id: BlobId; size: number; wantedAt: Millis | null }

/** Blobs that are in messages, may be fetched and are not here; opened ones in that order, else the newest first. */
export async function missingBlobs(
  db: Db,
  why: Why,
  { offset, limit }: { offset: number; limit: number },
): Promise<Wanted[]> {
  const rows = db
    .selectFrom('blob')
    .where('state', 'in', ['partial', 'elsewhere']) // so that the index serves: most are here
    .where('refused', 'is', null)
    .where((eb) =>
      eb.or([
        eb.exists(
          eb
            .selectFrom('attachment as a')
            .whereRef('a.blobId', '=', 'blob.id')
            .where('a.removedAt', 'is', null)
            .select('a.id'),
        ),
        eb.exists(
          eb
            .selectFrom('attachment as a')
            .whereRef('a.thumbId', '=', 'blob.id')
            .where('a.removedAt', 'is', null)
            .select('a.id'),
        ),
      ]),
    )
    .select(['id', 'size', 'wantedAt'])
    .offset(offset)
    .limit(limit)
  if (why === 'opened') {
    return await rows.where('wantedAt', 'is not', null).orderBy('wantedAt').orderBy('id').execute()
  }
  const unasked = rows.where('wantedAt', 'is', null).orderBy('addedAt', 'desc').orderBy('id')
  const is = why === 'small' ? '<=' : '>'
  return await unasked.where('size', is, SMALL_BYTES_MAX).execute()
}

/** Branches that may hold a blob: where its message was written, then where its readers are at home or guests. */
export async function holdersOf(db: Db, blob: BlobId, self: BranchId): Promise<BranchId[]> {
  const origins = await db
    .selectFrom('attachment as a')
    .innerJoin('message as m', 'm.id', 'a.messageId')
    .where((eb) => eb.or([eb('a.blobId', '=', blob), eb('a.thumbId', '=', blob)]))
    .select('m.origin')
    .distinct()
    .execute()
  const homes = await db
    .selectFrom('attachment as a')
    .innerJoin('membership as mine', 'mine.conversationId', 'a.conversationId')
    .innerJoin('user as u', 'u.id', 'mine.userId')
    .where((eb) => eb.or([eb('a.blobId', '=', blob), eb('a.thumbId', '=', blob)]))
    .select('u.home')
    .distinct()
    .execute()
  const all = new Set([...origins.map(({ origin }) => origin), ...homes.map(({ home }) => home)])
  all.delete(self)
  return [...all]
}

/** Whether somebody opened it before: then it is fetched already. */
export async function isWanted(db: Db, blob: BlobId): Promise<boolean> {
  const row = await db
    .selectFrom('blob')
    .where('id', '=', blob)
    .where('wantedAt', 'is not', null)
    .select('id')
    .executeTakeFirst()
  return row !== undefined
}
