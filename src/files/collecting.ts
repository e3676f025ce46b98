/**
 * The collector: takes away the bytes that no message and no upload needs any more, uploads that nobody went on with,
 * and files on the disk of which the database knows nothing. A little at a time; what a crash leaves half done, the
 * next round finds.
 */
import { sql } from 'kysely'
import type { BlobId, FileId } from '../base/ids.ts'
import { HOUR, MINUTE, type Millis } from '../base/units.ts'
import type { Db, Store } from '../db/open.ts'
import type { BlobDisk } from '../world/blob-disk.ts'
import { blobPath, partialPath } from './blobs.ts'
import { arrivingPath } from './files.ts'

/**
 * Between the bytes of an upload and the row that needs them lies a moment, and a message that is on its way may bring
 * the same file back: what was stored or asked for lately stays.
 */
const GRACE_MS: Millis = HOUR
/** What was taken away on purpose goes sooner, but not within that moment. */
export const LET_GO_MS: Millis = MINUTE
/** Somebody who comes back the next morning goes on where he stopped. */
const ABANDONED_MS: Millis = 24 * HOUR
/** Work of some milliseconds, then everybody else has a turn. */
const BLOBS_PER_TURN = 200
/** Names remembered between two rounds; the rest waits for its turn. */
const STRAYS_MAX = 10_000

type Parts = {
  store: Store
  disk: BlobDisk
  clock: { now(): Millis }
}

type Collected = { blobs: number; uploads: number; strays: number }

/** One for each branch: it remembers from round to round which files on the disk nobody knew. */
export function createCollecting(parts: Parts): { round(): Promise<Collected> } {
  const strays = new Map<string, Millis>()
  return {
    async round() {
      const uploads = await endUploads(parts)
      const blobs = await removeUnneeded(parts)
      return { uploads, blobs, strays: await removeStrays(parts, strays) }
    },
  }
}

/** Uploads nobody went on with, and files nobody sent. */
async function endUploads({ store, disk, clock }: Parts): Promise<number> {
  const before = clock.now() - ABANDONED_MS
  const rows = await store.read
    .selectFrom('file')
    .where('changedAt', '<', before)
    .select('id')
    .execute()
  let ended = 0
  for (const { id } of rows) {
    // The row does not change while bytes arrive: the file does.
    const found = await disk.find(arrivingPath(id))
    if (found !== undefined && found.changedAt >= before) continue
    const { numDeletedRows } = await store.writer.write((tx) =>
      tx.deleteFrom('file').where('id', '=', id).where('changedAt', '<', before).executeTakeFirst(),
    )
    if (numDeletedRows === 0n) continue
    await disk.remove(arrivingPath(id))
    ended += 1
  }
  return ended
}

/** A message that shows it, its small picture, or a file that is not sent yet. */
const isNeeded = sql<boolean>`(
  exists (select 1 from attachment where blobId = blob.id and removedAt is null)
  or exists (select 1 from attachment
    where thumbId is not null and thumbId = blob.id and removedAt is null)
  or exists (select 1 from file where blobId is not null and blobId = blob.id)
  or exists (select 1 from file where thumbId = blob.id)
)`

/** Lets blobs go soon: nobody asks for them until they are uploaded again, which marks them anew. */
export async function letGo(tx: Db, ids: readonly BlobId[], now: Millis): Promise<void> {
  await tx
    .updateTable('blob')
    .set({ openedAt: now - GRACE_MS + LET_GO_MS })
    .where('id', 'in', ids)
    .where('openedAt', '>', now - GRACE_MS + LET_GO_MS)
    .execute()
}

/** Whether bytes are here that a message or an upload needs no more. */
export async function isHeldInVain(db: Db, ids: readonly BlobId[]): Promise<boolean> {
  const row = await db
    .selectFrom('blob')
    .where('id', 'in', ids)
    .where(sql<boolean>`not ${isNeeded}`)
    .select('id')
    .executeTakeFirst()
  return row !== undefined
}

async function removeUnneeded(parts: Parts): Promise<number> {
  const { store, disk, clock } = parts
  let removed = 0
  for (let after = '' as BlobId; ; ) {
    const before = clock.now() - GRACE_MS
    const turn = await turnOf(store.read, after)
    const ids = turn.flatMap(({ id, isUnneeded }) => (isUnneeded ? [id] : []))
    for (const id of ids) {
      // Looked at again where it is decided: a message may have come since.
      const { numDeletedRows } = await store.writer.write((tx) =>
        tx
          .deleteFrom('blob')
          .where('id', '=', id)
          .where('openedAt', '<=', before)
          .where(sql<boolean>`not ${isNeeded}`)
          .executeTakeFirst(),
      )
      if (numDeletedRows === 0n) continue
      // The row first: without it nobody opens the file, and a file without a row is a stray one.
      await disk.remove(blobPath(id))
      await disk.remove(partialPath(id))
      removed += 1
    }
    const last = turn.at(-1)
    if (last === undefined || turn.length < BLOBS_PER_TURN) return removed
    after = last.id
  }
}

function turnOf(db: Db, after: BlobId): Promise<{ id: BlobId; isUnneeded: number }[]> {
  return db
    .selectFrom('blob')
    .where('id', '>', after)
    .select(['id', sql<number>`not ${isNeeded}`.as('isUnneeded')])
    .orderBy('id')
    .limit(BLOBS_PER_TURN)
    .execute()
}

/** Between the last byte of a file and its row lies a moment too: what is strange for an hour is a stray. */
async function removeStrays(
  { store, disk, clock }: Parts,
  seen: Map<string, Millis>,
): Promise<number> {
  const now = clock.now()
  const found = new Set<string>()
  for await (const name of strayNames(store.read, disk)) {
    if (found.size < STRAYS_MAX) found.add(name)
  }
  let removed = 0
  for (const name of seen.keys()) if (!found.has(name)) seen.delete(name)
  for (const name of found) {
    const since = seen.get(name)
    if (since === undefined) seen.set(name, now)
    else if (now - since >= GRACE_MS) {
      await disk.remove(name)
      seen.delete(name)
      removed += 1
    }
  }
  return removed
}

const FOLDER = 'blobs'
/** Uploads lie in a folder of their own, by the id of the file; small pictures being made beside them. */
const UPLOADS = 'new'
const OF_PICTURE = /-thumb$/
const PARTIAL = 'partial'

/** Files below `blobs/` without a row. */
export async function* strayNames(db: Db, disk: BlobDisk): AsyncGenerator<string> {
  for (const folder of await disk.list(FOLDER)) {
    const names = await disk.list(`${FOLDER}/${folder}`)
    for (let at = 0; at < names.length; at += BLOBS_PER_TURN) {
      const some = names.slice(at, at + BLOBS_PER_TURN)
      const known = await knownNames(db, folder, some)
      for (const name of some) if (!known.has(name)) yield `${FOLDER}/${folder}/${name}`
    }
  }
}

async function knownNames(
  db: Db,
  folder: string,
  names: readonly string[],
): Promise<ReadonlySet<string>> {
  if (folder === UPLOADS) {
    const ids = names.map((name) => name.replace(OF_PICTURE, '') as FileId)
    const rows = await db.selectFrom('file').where('id', 'in', ids).select('id').execute()
    const known = new Set<string>(rows.map(({ id }) => id))
    return new Set(names.filter((name) => known.has(name.replace(OF_PICTURE, ''))))
  }
  const rows = db
    .selectFrom('blob')
    .where('id', 'in', names as BlobId[])
    .select('id')
  // A whole file whose row does not say so yet is no stray: between the two a crash may lie.
  const known = folder === PARTIAL ? rows.where('state', '<>', 'here') : rows
  return new Set((await known.execute()).map(({ id }) => id))
}
