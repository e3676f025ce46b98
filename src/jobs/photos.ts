/**
 * Photos of people at other branches: their record names the hash, the picture follows as a small file over the link
 * to the home branch, and initials stand in until it is here. Nothing is remembered: what is missing is a query.
 */
import type { BranchId, PhotoHash, UserId } from '../base/ids.ts'
import type { Db, Store } from '../db/open.ts'
import type { Log } from '../world/log.ts'

/** One round; the next begins when a link comes up or a record changes. */
const PHOTOS_PER_ROUND_MAX = 500
/** A photo is at most 24 KiB; whatever claims to be one is not stored above this. */
const PHOTO_BYTES_MAX = 64 * 1024

type PhotoFetching = {
  /** Looks for what is missing and fetches it where the home branch is linked. */
  look(): void
  stop(): Promise<void>
}

/** Fetches what is missing, one round at a time. */
export function createPhotoFetching(deps: {
  store: Store
  self: BranchId
  log: Log
  isLinked(branch: BranchId): boolean
  fetchBlob(branch: BranchId, sha256: string): Promise<Uint8Array | undefined>
  /** Photos that have arrived: pages that show these people are told. */
  onArrived(users: UserId[]): void
}): PhotoFetching {
  let running: Promise<void> | undefined
  let isAsked = false
  let isStopped = false
  const round = async () => {
    while (isAsked && !isStopped) {
      isAsked = false
      for (const { id, home, photo } of await missing(deps.store.read, deps.self)) {
        if (isStopped || !deps.isLinked(home)) continue
        const bytes = await deps.fetchBlob(home, photo)
        if (!bytes || bytes.length > PHOTO_BYTES_MAX) continue
        await deps.store.writer.write((tx) => keep(tx, photo, bytes))
        deps.onArrived([id])
      }
    }
  }
  return {
    look() {
      isAsked = true
      running ??= round()
        .catch((error) => {
          if (!isStopped) deps.log.debug('photos.fetch-failed', { error })
        })
        .finally(() => {
          running = undefined
        })
    },
    async stop() {
      isStopped = true
      await running
    },
  }
}

async function missing(
  db: Db,
  self: BranchId,
): Promise<{ id: UserId; home: BranchId; photo: PhotoHash }[]> {
  return db
    .selectFrom('user')
    .leftJoin('photo', 'photo.hash', 'user.photo')
    .where('user.photo', 'is not', null)
    .where('photo.hash', 'is', null)
    .where('user.home', '!=', self)
    .select(['user.id', 'user.home'])
    .select((eb) => eb.ref('user.photo').$notNull().as('photo'))
    .orderBy('user.id')
    .limit(PHOTOS_PER_ROUND_MAX)
    .execute()
}

async function keep(tx: Db, hash: PhotoHash, bytes: Uint8Array): Promise<void> {
  await tx
    .insertInto('photo')
    .values({ hash, bytes })
    .onConflict((on) => on.column('hash').doNothing())
    .execute()
}

/** A photo held here by the first 16 bytes of its hash: what other branches ask for. */
export async function photoOf(db: Db, start: string): Promise<Uint8Array | undefined> {
  const row = await db
    .selectFrom('photo')
    .select('bytes')
    .where('hash', '>=', start as PhotoHash)
    .where('hash', '<', `${start}g` as PhotoHash)
    .executeTakeFirst()
  return row?.bytes
}
