/**
 * Stored files, as `doctor --files` looks at them: every chunk of every blob is read. A server that runs is told what
 * is damaged, and fetches it from other branches; without one this only reads.
 */
import { GIB, MIB, type Millis, SECOND } from '../../base/units.ts'
import type { Db } from '../../db/open.ts'
import { type Checked, checkBlobs } from '../../files/checking.ts'
import { strayNames } from '../../files/collecting.ts'
import { chunkCount } from '../../files/manifest.ts'
import type { BlobDisk } from '../../world/blob-disk.ts'
import type { Control } from '../control-client.ts'
import { bad, type Finding, ok, warn } from './finding.ts'

/** Somebody waits before the screen: 100 GB take ten minutes. */
const TOLD_EVERY_MS: Millis = 10 * SECOND
/** More would be a broken disk, which the first ones tell as well. */
const FINDINGS_MAX = 50

type Parts = {
  db: Db
  disk: BlobDisk
  /** Of the running server; undefined: none runs. */
  control: Control | undefined
  now(): Millis
  /** Where a long look tells how far it is. */
  progress(text: string): void
}

/** A line for each damaged blob, and one for all the rest. */
export async function* fileFindings(parts: Parts): AsyncGenerator<Finding> {
  const { db, disk } = parts
  const { count } = await db
    .selectFrom('blob')
    .where('state', '<>', 'elsewhere')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  let [looked, bytes, wrong, toldAt] = [0, 0, 0, parts.now()]
  for await (const checked of checkBlobs(db, disk)) {
    looked += 1
    bytes += checked.blob.size
    if (checked.isMissing || checked.damaged.length > 0) {
      wrong += 1
      const finding = await damagedFinding(parts, checked)
      if (wrong <= FINDINGS_MAX) yield finding
    }
    if (parts.now() - toldAt < TOLD_EVERY_MS) continue
    toldAt = parts.now()
    parts.progress(`${looked} of ${count} files looked at, ${sizeOf(bytes)}\n`)
  }
  if (wrong > FINDINGS_MAX) yield bad('files', `and ${wrong - FINDINGS_MAX} more`)
  const says = `${looked - wrong} of ${looked} whole or arriving, ${sizeOf(bytes)}`
  yield wrong === 0 ? ok('files', says) : warn('files', says, 'a disk that does this: look at it')
  let strays = 0
  for await (const _ of strayNames(db, disk)) strays += 1
  const todo = 'nothing: a running server takes them away within two hours'
  if (strays > 0) yield warn('files', `${strays} on the disk that the database does not know`, todo)
}

async function damagedFinding(
  { db, control }: Parts,
  { blob, isMissing, damaged }: Checked,
): Promise<Finding> {
  const name = await nameOf(db, blob.id)
  const what = isMissing ? 'missing' : `${damaged.length} of ${chunkCount(blob)} chunks damaged`
  const says = `${name}${blob.id}: ${what}`
  if (control === undefined) {
    return bad(
      'files',
      says,
      'start the server and run this again: it fetches what other branches have',
    )
  }
  try {
    await control('POST', '/files/recheck', { blob: blob.id })
    return bad('files', says, 'the server has been told, and fetches it from a branch that has it')
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return bad('files', `${says}; the server could not be told: ${why}`, 'look into its log')
  }
}

async function nameOf(db: Db, blob: Checked['blob']['id']): Promise<string> {
  const row = await db
    .selectFrom('attachment')
    .where('blobId', '=', blob)
    .select('name')
    .executeTakeFirst()
  // A name is somebody else's word: nothing in it moves the cursor of a terminal.
  return row === undefined ? '' : `"${row.name.replace(/\p{C}/gu, ' ')}", `
}

function sizeOf(bytes: number): string {
  if (bytes >= GIB) return `${(bytes / GIB).toFixed(1)} GiB`
  return `${(bytes / MIB).toFixed(bytes < 10 * MIB ? 1 : 0)} MiB`
}
