/**
 * Photos of people at other branches: their record names the hash, the picture follows as a small file over the link
 * to the home branch, and initials stand in until it is here. A branch that lost its database gets those of its own
 * people back from whoever has them. Nothing is remembered: what is missing is a query.
 */
import { isPhoto } from '../accounts/photo-form.ts'
import type { BranchId, PhotoHash, UserId } from '../base/ids.ts'
import type { Db, Store } from '../db/open.ts'
import type { Log } from '../world/log.ts'

/** Read at a time; a round goes on until nothing is left. */
const PHOTOS_PER_PAGE = 500
/** Hashes of what was no photo, so that it is not fetched again with every record that changes. */
const WRONG_MAX = 10_000

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
  linkedBranches(): BranchId[]
  fetchBlob(branch: BranchId, sha256: string): Promise<Uint8Array | undefined>
  /** Photos that have arrived: pages that show these people are told. */
  onArrived(users: UserId[]): void
}): PhotoFetching {
  const wrong = new Set<PhotoHash>()
  const isLinked = (branch: BranchId) => deps.linkedBranches().includes(branch)
  let running: Promise<void> | undefined
  let isAsked = false
  let isStopped = false
  const round = async () => {
    while (isAsked && !isStopped) {
      isAsked = false
      const homes = (await homesOf(deps.store.read, deps.self)).filter(isLinked)
      // Side by side: a branch that answers slowly, or never, holds up its own people alone.
      await Promise.all(homes.map((home) => fetchOf(home, home).catch(failed)))
      for (const other of deps.linkedBranches()) await fetchOf(deps.self, other).catch(failed)
    }
  }
  const failed = (error: unknown) => {
    if (!isStopped) deps.log.debug('photos.fetch-failed', { error })
  }
  const fetchOf = async (home: BranchId, from: BranchId) => {
    for (let after = ''; ; ) {
      const page = await missing(deps.store.read, { home, after })
      for (const { id, photo } of page) {
        after = id
        if (isStopped || !isLinked(from)) return
        if (wrong.has(photo)) continue
        const bytes = await deps.fetchBlob(from, photo)
        if (!bytes) continue
        if (isPhoto(bytes)) {
          await deps.store.writer.write((tx) => keep(tx, photo, bytes))
          deps.onArrived([id])
          continue
        }
        deps.log.warn('photos.wrong', { branch: from, photo })
        if (wrong.size < WRONG_MAX) wrong.add(photo)
      }
      if (page.length < PHOTOS_PER_PAGE) return
    }
  }
  return {
    look() {
      isAsked = true
      running ??= round()
        .catch(failed)
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

/** Other branches whose people have photos. */
async function homesOf(db: Db, self: BranchId): Promise<BranchId[]> {
  const rows = await db
    .selectFrom('user')
    .where('photo', 'is not', null)
    .where('home', '!=', self)
    .select('home')
    .distinct()
    .orderBy('home')
    .execute()
  return rows.map((row) => row.home)
}

async function missing(
  db: Db,
  { home, after }: { home: BranchId; after: string },
): Promise<{ id: UserId; photo: PhotoHash }[]> {
  return db
    .selectFrom('user')
    .leftJoin('photo', 'photo.hash', 'user.photo')
    .where('user.photo', 'is not', null)
    .where('photo.hash', 'is', null)
    .where('user.home', '=', home)
    .where('user.id', '>', after as UserId)
    .select('user.id')
    .select((eb) => eb.ref('user.photo').$notNull().as('photo'))
    .orderBy('user.id')
    .limit(PHOTOS_PER_PAGE)
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
