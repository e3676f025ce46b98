/**
 * What people upload: begun, continued where it stopped, whole, or given up. Bytes go to the disk as they come, sealed;
 * memory does not grow with them. Owns the table `file`. docs/decisions/043-files.md.
 */
import type { Selectable } from 'kysely'
import { AppError, invalidInput, notFound } from '../base/errors.ts'
import type { FileId, UserId } from '../base/ids.ts'
import { MIB, MINUTE, type Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import type { FileTable } from '../db/schema.ts'
import type { Log } from '../world/log.ts'
import type { Random } from '../world/random.ts'
import {
  type BlobParts,
  findBlob,
  type MadeBlob,
  type Making,
  makeBlob,
  plainPart,
  RESERVE_BYTES,
} from './blobs.ts'
import { fileIdOf } from './file-ids.ts'
import { KIND_BYTES } from './kinds.ts'
import { BLOB_BYTES_MAX, chunkBytesFor, TAG_BYTES } from './manifest.ts'
import { fileName } from './names.ts'
import { KEY_BYTES } from './sealing.ts'

/** Uploads of one person that are not whole: a folder of photos at once. */
const ARRIVING_MAX = 200
/** Uploads whose place is kept in memory (a hash state and an open file each); others are read back from the disk. */
const LIVE_MAX = 64
const LIVE_MS_MAX: Millis = 10 * MINUTE

/** How often room is asked for while bytes come. */
const ASKED_EVERY_BYTES = 8 * MIB

/** What is found out about a file once it is whole. */
export type Described = {
  type: string
  picture?: { width: number; height: number; thumb: Uint8Array } | undefined
}

export type AboutFile = {
  name: string
  size: number
  first: Uint8Array
  all(): Promise<Uint8Array>
}

type FilesParts = BlobParts & {
  random: Random
  log: Log
  /** What it is, by its bytes: never by its name or by what the sender says. */
  describe(file: AboutFile): Promise<Described>
  /** Throws what a person is told who may not upload this. */
  demandAllowed(
    tx: Db,
    wish: { owner: UserId; name: string; size: number; type?: string },
  ): Promise<void>
  /** Something is whole that was not. */
  onWhole(): void
  /** The most a file may have whose length is not known before. */
  sizeMax(): Promise<number>
}

export type OwnFile = {
  id: FileId
  name: string
  type: string
  /** Undefined until it is whole, when nobody said it. */
  size: number | undefined
  /** Bytes that are here. */
  offset: number
  /** Of the file itself; undefined until it is whole. */
  sha256: string | undefined
}

type Wish = {
  name: string
  size?: number | undefined
  /** The most it can be, where its length is not said. */
  sizeMax?: number | undefined
}
type Body = AsyncIterable<Uint8Array>
/** One upload in memory; there is one for each, so that no two senders have its file open. */
type Live = {
  /** Undefined while what lies on the disk is read back. */
  making: Making | undefined
  usedAt: Millis
  /** What one sender does with it, until it is done. */
  work: Promise<unknown> | undefined
  stop(): void
}

export type Files = {
  /** Says no before anything is sent. */
  begin(owner: UserId, wish: Wish): Promise<OwnFile>
  /** Takes the bytes from `offset` on; whoever comes later with the same file takes over. */
  append(
    owner: UserId,
    id: FileId,
    part: { offset: number; body: Body; isLast?: boolean },
  ): Promise<OwnFile>
  find(owner: UserId, id: FileId): Promise<OwnFile>
  stop(owner: UserId, id: FileId): Promise<void>
  close(): Promise<void>
}

/** Where an upload lies while it arrives. */
export function arrivingPath(id: FileId): string {
  return `blobs/new/${id}`
}

/** The uploads of a branch. */
export function createFiles(parts: FilesParts): Files {
  const live = new Map<FileId, Live>()
  /** Sends away who is at work with it, and waits until he has let go. */
  const drop = async (id: FileId) => {
    const known = live.get(id)
    known?.stop()
    await known?.work?.catch(() => {}) // its sender hears of it
    live.delete(id)
    await known?.making?.close()
  }
  return {
    async find(owner, id) {
      const row = await ownRow(parts.store.read, owner, id)
      return ownFile(row, live.get(id)?.making?.whole ?? (await lyingThere(parts, row)))
    },
    begin: (owner, wish) => begin(parts, owner, wish),
    async append(owner, id, part) {
      const row = await ownRow(parts.store.read, owner, id)
      if (row.blobId !== null) return ownFile(row, row.size ?? 0)
      const known = live.get(id) ?? {
        ...{ making: undefined, usedAt: parts.clock.now(), work: undefined, stop: () => {} },
      }
      if (known.work !== undefined) {
        known.stop()
        throw busy()
      }
      live.set(id, known)
      const work = appended(parts, { row, live: known, ...part })
      known.work = work
      try {
        return await work
      } finally {
        known.work = undefined
        known.stop = () => {}
        known.usedAt = parts.clock.now()
        if (known.making === undefined) live.delete(id)
        await dropOldest(parts, live)
      }
    },
    async stop(owner, id) {
      await ownRow(parts.store.read, owner, id)
      await drop(id)
      await parts.store.writer.write(async (tx) => {
        await tx.deleteFrom('file').where('id', '=', id).where('ownerId', '=', owner).execute()
      })
      await parts.disk.remove(arrivingPath(id))
    },
    async close() {
      for (const id of [...live.keys()]) await drop(id)
    },
  }
}

type Appending = {
  row: Selectable<FileTable>
  live: Live
  offset: number
  body: Body
  isLast?: boolean
}

async function appended(parts: FilesParts, of: Appending): Promise<OwnFile> {
  const { row, live, offset, body, isLast = false } = of
  const place = { name: arrivingPath(row.id), key: row.key }
  live.making ??= await makeBlob(parts, { ...place, chunkBytes: chunkBytesFor(row.sizeMax) })
  const { making } = live
  if (offset !== making.whole) throw wrongOffset(making.whole)
  await take(parts, { row, live, making, body })
  const isWhole = row.size === null ? isLast : making.received === row.size
  if (isWhole) {
    // From here on its file is read back by whoever comes after a failure.
    live.making = undefined
    return await finish(parts, row, making)
  }
  await making.interrupt()
  return ownFile(row, making.whole)
}

/** Lets go of places nobody has used for long, and of the oldest when there are too many. */
async function dropOldest({ clock }: FilesParts, live: Map<FileId, Live>): Promise<void> {
  const idle = [...live].filter(([, { work }]) => work === undefined)
  idle.sort(([, a], [, b]) => a.usedAt - b.usedAt)
  for (const [id, { making, usedAt }] of idle) {
    if (live.size <= LIVE_MAX && clock.now() - usedAt < LIVE_MS_MAX) return
    live.delete(id)
    await making?.close()
  }
}

async function begin(parts: FilesParts, owner: UserId, wish: Wish): Promise<OwnFile> {
  const { store, random, clock } = parts
  const name = fileName(wish.name)
  const sizeMax =
    wish.size ?? Math.min(await parts.sizeMax(), wish.sizeMax ?? Number.POSITIVE_INFINITY)
  if (!Number.isSafeInteger(sizeMax) || sizeMax < 0 || sizeMax > BLOB_BYTES_MAX) {
    throw invalidInput('size', 'Cannot take the file: its length cannot be used', 'file-large', {
      max: BLOB_BYTES_MAX,
    })
  }
  await demandRoom(parts, wish.size ?? 0)
  const now = clock.now()
  const seed = random.id()
  const row: Selectable<FileTable> = {
    ...{ id: fileIdOf(owner, seed), ownerId: owner, seed, name, type: 'application/octet-stream' },
    ...{ size: wish.size ?? null, sizeMax, key: random.bytes(KEY_BYTES) },
    ...{ addedAt: now, changedAt: now, blobId: null, sha256: null },
    ...{ width: null, height: null, thumbId: null, thumbKey: null },
  }
  await store.writer.write(async (tx) => {
    await parts.demandAllowed(tx, { owner, name, size: sizeMax })
    const { n } = await tx
      .selectFrom('file')
      .where('ownerId', '=', owner)
      .where('blobId', 'is', null)
      .select((eb) => eb.fn.countAll<number>().as('n'))
      .executeTakeFirstOrThrow()
    if (n >= ARRIVING_MAX) {
      throw new AppError('too-many', `Cannot take more than ${ARRIVING_MAX} files at once`, {
        detail: 'files-many',
        values: { max: ARRIVING_MAX },
      })
    }
    await tx.insertInto('file').values(row).execute()
  })
  return ownFile(row, 0)
}

async function ownRow(db: Db, owner: UserId, id: FileId): Promise<Selectable<FileTable>> {
  const row = await db
    .selectFrom('file')
    .where('id', '=', id)
    .where('ownerId', '=', owner)
    .selectAll()
    .executeTakeFirst()
  if (row === undefined) throw notFound('file')
  return row
}

function ownFile(row: Selectable<FileTable>, offset: number): OwnFile {
  const { id, name, type, size } = row
  return { id, name, type, size: size ?? undefined, offset, sha256: row.sha256 ?? undefined }
}

/** Whole chunks on the disk: not proved yet, which happens when it goes on. */
async function lyingThere(parts: FilesParts, row: Selectable<FileTable>): Promise<number> {
  if (row.blobId !== null) return row.size ?? 0
  const chunkBytes = chunkBytesFor(row.sizeMax)
  const found = await parts.disk.find(arrivingPath(row.id))
  return Math.floor((found?.bytes ?? 0) / (chunkBytes + TAG_BYTES)) * chunkBytes
}

function busy(): AppError {
  return new AppError('conflict', 'Cannot go on yet: the bytes sent before are being put away', {
    detail: 'file-busy',
    retryAfter: 1,
  })
}

type Taking = { row: Selectable<FileTable>; live: Live; making: Making; body: Body }

async function take(parts: FilesParts, { row, live, making, body }: Taking): Promise<void> {
  const stopped = Promise.withResolvers<never>()
  stopped.promise.catch(() => {}) // nobody waits for it after the last piece
  const message = 'The file comes another way now'
  live.stop = () => stopped.reject(new AppError('conflict', message, { detail: 'file-busy' }))
  const pieces = body[Symbol.asyncIterator]()
  let unasked = 0
  try {
    for (;;) {
      const piece = await Promise.race([pieces.next(), stopped.promise])
      if (piece.done) return
      if (making.received + piece.value.length > row.sizeMax) throw tooLong(row)
      unasked += piece.value.length
      if (unasked > ASKED_EVERY_BYTES) {
        unasked = 0
        await demandRoom(parts, 0)
      }
      await making.write(piece.value)
    }
  } catch (error) {
    await making.interrupt()
    parts.log.debug('files.interrupted', { file: row.id, error })
    throw error
  } finally {
    // Not awaited: behind a dead line it waits until the system gives the line up.
    pieces.return?.().catch(() => {})
  }
}

/** Uploads leave the disk's last room to messages. */
async function demandRoom({ disk }: FilesParts, bytes: number): Promise<void> {
  if ((await disk.free()) - bytes >= RESERVE_BYTES) return
  throw new AppError('unavailable', 'Cannot take the file: the disk of this branch is full', {
    detail: 'disk-full',
  })
}

function tooLong({ sizeMax }: Selectable<FileTable>): AppError {
  return new AppError('too-large', `Cannot take the file: more came than ${sizeMax} bytes`, {
    detail: 'file-large',
    values: { max: sizeMax },
  })
}

function wrongOffset(offset: number): AppError {
  return new AppError('conflict', `Cannot go on there: ${offset} bytes are here`, {
    detail: 'file-offset',
    values: { offset },
  })
}

async function finish(
  parts: FilesParts,
  row: Selectable<FileTable>,
  making: Making,
): Promise<OwnFile> {
  const made = await making.finish().catch(async (error: unknown) => {
    await making.close()
    throw error
  })
  const { type, picture } = await described(parts, row.name, made)
  const thumb = picture && (await keptThumb(parts, row.id, picture.thumb))
  const changes = {
    ...{ blobId: made.blob, key: made.key, sha256: made.sha256, size: made.size, type },
    ...{ width: picture?.width ?? null, height: picture?.height ?? null },
    ...{ thumbId: thumb?.blob ?? null, thumbKey: thumb?.key ?? null },
    changedAt: parts.clock.now(),
  }
  await parts.store.writer
    .write(async (tx) => {
      // What is known only now is the type by the bytes; room for its length was counted from the beginning.
      await parts.demandAllowed(tx, { owner: row.ownerId, name: row.name, size: 0, type })
      await tx.updateTable('file').set(changes).where('id', '=', row.id).execute()
    })
    .catch(async (error: unknown) => {
      if (error instanceof AppError) await forget(parts, row.id)
      throw error
    })
  parts.onWhole()
  return ownFile({ ...row, ...changes }, made.size)
}

/** Its bytes go with the collector. */
async function forget({ store }: FilesParts, id: FileId): Promise<void> {
  await store.writer.write(async (tx) => {
    await tx.deleteFrom('file').where('id', '=', id).execute()
  })
}

async function described(parts: FilesParts, name: string, made: MadeBlob): Promise<Described> {
  const blob = await findBlob(parts.store.read, made.blob)
  if (blob === undefined) throw new Error('A blob that was just made is not there')
  const bytes = (to: number) => plainPart(parts.disk, blob, { key: made.key, from: 0, to })
  const first = await bytes(Math.min(made.size, KIND_BYTES))
  return await parts.describe({ name, size: made.size, first, all: () => bytes(made.size) })
}

async function keptThumb(parts: FilesParts, id: FileId, bytes: Uint8Array): Promise<MadeBlob> {
  const name = `${arrivingPath(id)}-thumb`
  const chunkBytes = chunkBytesFor(bytes.length)
  const making = await makeBlob(parts, { name, key: parts.random.bytes(KEY_BYTES), chunkBytes })
  try {
    await making.write(bytes)
    return await making.finish()
  } catch (error) {
    await making.close() // a full disk: an open file that nobody holds ends the server
    throw error
  }
}
