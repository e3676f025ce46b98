/**
 * Has everything stored here looked at by the scanner before it can be opened: what people upload and what comes from
 * other branches. Owns the verdict columns of `blob`. While the scanner is away files wait; one that it cannot look at
 * stays closed and stands on the administrators' page. docs/decisions/046-file-policies.md.
 */

import { type SqlBool, sql } from 'kysely'
import { addAudit } from '../audit/entries.ts'
import { retryDelay } from '../base/backoff.ts'
import { equal } from '../base/bytes.ts'
import { AppError } from '../base/errors.ts'
import type { BlobId } from '../base/ids.ts'
import { MIB, type Millis } from '../base/units.ts'
import { metaOf } from '../db/meta.ts'
import type { Db, Store } from '../db/open.ts'
import type { BlobDisk } from '../world/blob-disk.ts'
import type { Clock } from '../world/clock.ts'
import type { Log } from '../world/log.ts'
import { DamagedBlob, findBlob, type KnownBlob, plainBytes, WrongKey } from './blobs.ts'
import { keyMark, keysOf, NO_KEY } from './scanned-keys.ts'
import { type Scanner, ScannerAway } from './scanners.ts'
import type { Verdict } from './verdict.ts'

/** A file that makes the scanner fall over is not handed to it for ever. */
const TRIES_MAX = 3
/** Larger ones have a queue of their own: a photo does not wait behind two gigabytes. */
const SMALL_BYTES_MAX = 8 * MIB
/** Which fault is likely gone by the next try is not known: half way between the bounds of the delay. */
const CHANCE = 0.5

type Parts = {
  store: Store
  disk: BlobDisk
  clock: Clock
  log: Log
  scanner: Scanner
  /** Pages that show it are told; called after the commit. */
  onVerdict(blob: BlobId): void
  /** A chunk is not what it was: it is fetched again. */
  onDamaged(damage: DamagedBlob): void
}

type Scanning = {
  /** Looks for what waits, unless it is looking already. Cheap. */
  look(): void
  /** Since when the scanner does not answer; undefined: it does. */
  awaySince(): Millis | undefined
  /** Resolves when nothing is being looked at. */
  idle(): Promise<void>
  stop(): Promise<void>
}

type Lane = { isSmall: boolean; running: Promise<void> | undefined; isAsked: boolean }

/** One for each branch with a scanner. */
export function createScanning(parts: Parts): Scanning {
  const { clock, log } = parts
  const lanes: Lane[] = [true, false].map((isSmall) => ({
    ...{ isSmall, running: undefined, isAsked: false },
  }))
  let away: { since: Millis; tries: number } | undefined
  let cancelRetry = () => {}
  let isStopped = false
  const isAway = (error: ScannerAway) => {
    if (away === undefined) log.error('files.scanner-away', { error: error.cause ?? error })
    away = { since: away?.since ?? clock.now(), tries: (away?.tries ?? 0) + 1 }
    cancelRetry()
    cancelRetry = clock.after(retryDelay(away.tries, CHANCE), look)
  }
  const isBack = () => {
    if (away !== undefined) log.info('files.scanner-back', { awaySince: away.since })
    away = undefined
  }
  const round = async (lane: Lane) => {
    const passedOver = new Set<BlobId>()
    while (lane.isAsked && !isStopped) {
      lane.isAsked = false
      for (;;) {
        const next = await nextWaiting(parts.store.read, lane, passedOver)
        if (next === undefined || isStopped) break
        if (!(await scanOne(parts, next))) passedOver.add(next.id) // once in a round
        isBack()
      }
    }
  }
  function look() {
    for (const lane of lanes) {
      lane.isAsked = true
      if (isStopped) return
      lane.running ??= round(lane)
        .catch((error: unknown) => {
          if (error instanceof ScannerAway) isAway(error)
          else log.error('files.scan-failed', { error })
        })
        .finally(() => {
          lane.running = undefined
        })
    }
  }
  const idle = async () => {
    while (lanes.some(({ running }) => running !== undefined)) {
      await Promise.all(lanes.map(({ running }) => running))
    }
  }
  return {
    look,
    awaySince: () => away?.since,
    idle,
    async stop() {
      isStopped = true
      cancelRetry()
      await idle()
    },
  }
}

type Judged = { verdict: Verdict; key?: Uint8Array | undefined }
type Waiting = { id: BlobId; scanTries: number }

/** The newest of those that were tried least, with a key: without one nobody can open it anyway. */
async function nextWaiting(
  db: Db,
  { isSmall }: Lane,
  passedOver: ReadonlySet<BlobId>,
): Promise<Waiting | undefined> {
  const rows = await db
    .selectFrom('blob as b')
    .where('b.verdict', '=', 'waiting')
    .where(sql.ref('b.verdict'), '<>', 'clean') // the words of the index
    .where('b.state', '=', 'here')
    .where('b.size', isSmall ? '<=' : '>', SMALL_BYTES_MAX)
    .where(hasKey)
    .select(['b.id', 'b.scanTries'])
    .orderBy('b.scanTries')
    .orderBy('b.addedAt', 'desc')
    .limit(passedOver.size + 1)
    .execute()
  return rows.find(({ id }) => !passedOver.has(id))
}

/** Whether anything names a key for `b`. */
const hasKey = sql<SqlBool>`(b.key is not null
  or exists (select 1 from attachment where blobId = b.id and key is not null)
  or exists (select 1 from attachment where thumbId = b.id and thumbKey is not null)
  or exists (select 1 from file where blobId = b.id or thumbId = b.id))`

/** Whether it is settled; rejects when the scanner is away. */
async function scanOne(parts: Parts, { id, scanTries }: Waiting): Promise<boolean> {
  const { store, log } = parts
  const blob = await findBlob(store.read, id)
  if (blob === undefined) return false
  try {
    const { verdict, key } = await judged(parts, blob)
    await keepVerdict(parts, id, { verdict, key })
    if (verdict.state !== 'clean') log.warn('files.scanned', { blob: id, ...verdict })
    return true
  } catch (error) {
    if (error instanceof ScannerAway) throw error
    if (error instanceof DamagedBlob) {
      parts.onDamaged(error)
      return false
    }
    log.warn('files.scan-broken', { blob: id, error })
    const why = error instanceof Error ? error.message : String(error)
    const isLast = scanTries + 1 >= TRIES_MAX
    await (isLast
      ? keepVerdict(parts, id, { verdict: { state: 'failed', why } })
      : noteTry(store, id))
    return isLast
  }
}

/** What the scanner says of the bytes as the key opens them that is the right one of all that are named. */
async function judged({ store, disk, scanner }: Parts, blob: KnownBlob): Promise<Judged> {
  const { size } = blob
  for await (const key of keysOf(store.read, blob.id)) {
    try {
      // Before the scanner is called: a wrong one costs it nothing.
      const first = Math.min(1, size)
      for await (const _ of plainBytes(disk, blob, { key, from: 0, to: first }));
      const bytes = plainBytes(disk, blob, { key, from: 0, to: size })
      return { verdict: await scanner({ size, bytes }), key }
    } catch (error) {
      if (!(error instanceof WrongKey)) throw error
    }
  }
  return { verdict: { state: 'failed', why: NO_KEY } }
}

async function noteTry(store: Store, id: BlobId): Promise<void> {
  await store.writer.write(async (tx) => {
    const more = tx.updateTable('blob').set(({ eb }) => ({ scanTries: eb('scanTries', '+', 1) }))
    await more.where('id', '=', id).execute()
  })
}

async function keepVerdict(parts: Parts, id: BlobId, { verdict, key }: Judged): Promise<void> {
  const { store, clock } = parts
  const threat = 'threat' in verdict ? verdict.threat : 'why' in verdict ? verdict.why : null
  await store.writer.write(async (tx) => {
    await tx
      .updateTable('blob')
      .set({ verdict: verdict.state, threat, scannedAt: clock.now() })
      .set({ scannedKey: key ? keyMark(key) : null })
      .where('id', '=', id)
      .execute()
    if (verdict.state !== 'infected') return
    await addAudit(parts, tx, {
      action: 'file.infected',
      subject: { kind: 'file', id, name: await nameOf(tx, id) },
      after: { threat },
    })
  })
  parts.onVerdict(id)
}

/** What people call it: of all that share these bytes, the first. */
async function nameOf(tx: Db, id: BlobId): Promise<string> {
  const sent = tx.selectFrom('attachment').where('blobId', '=', id).select('name')
  const kept = tx.selectFrom('file').where('blobId', '=', id).select('name')
  return (await sent.union(kept).limit(1).executeTakeFirst())?.name ?? ''
}

/** Has a file looked at again that the scanner could not look at, or found something in. */
export async function scanAgain(tx: Db, id: BlobId): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('blob')
    .set({ verdict: 'waiting', threat: null, scanTries: 0 })
    .where('id', '=', id)
    .where('verdict', 'in', ['failed', 'infected'])
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** Whether files of this branch wait for a scanner: a row of `meta`, so that queries of lines see it. */
export const SCANNING = 'file.scanning'

/**
 * Throws when a file may not be opened with this key (undefined: nothing is opened): what was found stays closed
 * also where no scanner is asked any more.
 */
export async function demandScanned(
  db: Db,
  id: BlobId,
  key: Uint8Array | undefined,
): Promise<void> {
  const row = await db
    .selectFrom('blob')
    .where('id', '=', id)
    .select(['verdict', 'size', 'scannedKey'])
    .executeTakeFirst()
  if (row?.verdict === 'infected') {
    throw new AppError('conflict', 'Cannot open the file: a virus was found in it', {
      detail: 'file-infected',
    })
  }
  if ((await metaOf(db, SCANNING)) !== 'yes') return
  if (row?.verdict === 'clean' && (key === undefined || isOfKey(row, key))) return
  // Called clean as another key opens it: what this one would open, nobody has looked at.
  const isFailed = row?.verdict === 'failed' || row?.verdict === 'clean'
  const why = isFailed ? 'it could not be checked for viruses' : 'it is being checked for viruses'
  throw new AppError('conflict', `Cannot open the file: ${why}`, {
    detail: isFailed ? 'file-not-checked' : 'file-checking',
  })
}

/** An empty file is the same with every key. */
function isOfKey(
  { size, scannedKey }: { size: number; scannedKey: Uint8Array | null },
  key: Uint8Array,
): boolean {
  return size === 0 || (scannedKey !== null && equal(scannedKey, keyMark(key)))
}

/**
 * The same before a small copy is shown. Of a picture whose bytes are not here nothing can be said: then the copy, a
 * blob with a verdict of its own, is shown by that alone.
 */
export async function demandOriginal(db: Db, id: BlobId): Promise<void> {
  const row = await db
    .selectFrom('blob')
    .where('id', '=', id)
    .select(['state', 'verdict'])
    .executeTakeFirst()
  if (row?.state === 'here' || row?.verdict === 'infected') await demandScanned(db, id, undefined)
}
