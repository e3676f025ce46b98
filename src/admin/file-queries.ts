/** Files of this branch as administrators see them: room, whose it is, what stays closed, and what was taken away. */
import { sql } from 'kysely'
import { fullName } from '../accounts/queries.ts'
import { millisOf } from '../base/hlc.ts'
import type { BlobId, FileId, UserId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import { receiptsOf } from '../chat/file-removals.ts'
import type { Db } from '../db/open.ts'
import type { BlobState } from '../db/schema.ts'

/** Whoever uses much room is among them. */
const PEOPLE_MAX = 20
/** More than anybody reads; the newest first. */
const CLOSED_MAX = 100
const REMOVALS_MAX = 50

type Stored = { files: number; bytes: number }

/** How many blobs are here whole, in part, and known of only, with their bytes. */
export async function storedFiles(db: Db): Promise<Record<BlobState, Stored>> {
  const rows = await db
    .selectFrom('blob')
    .select(['state', (eb) => eb.fn.countAll<number>().as('files')])
    .select((eb) => eb.fn.sum<number>('size').as('bytes'))
    .groupBy('state')
    .execute()
  const of = (state: BlobState) => {
    const { files = 0, bytes = 0 } = rows.find((row) => row.state === state) ?? {}
    return { files, bytes }
  }
  return { here: of('here'), partial: of('partial'), elsewhere: of('elsewhere') }
}

/** Who sent most, in bytes of the files in messages. */
export async function largestSenders(
  db: Db,
): Promise<{ user: UserId; name: string; files: number; bytes: number }[]> {
  const rows = await db
    .selectFrom('message as m')
    .innerJoin('attachment as a', 'a.messageId', 'm.id')
    .innerJoin('user as u', 'u.id', 'm.authorId')
    .where('m.files', '>', 0) // the words of the index
    .where('a.removedAt', 'is', null)
    .select(['u.id as user', 'u.firstName', 'u.lastName', 'u.login'])
    .select((eb) => [eb.fn.countAll<number>().as('files'), eb.fn.sum<number>('a.size').as('bytes')])
    .groupBy('u.id')
    .orderBy('bytes', 'desc')
    .limit(PEOPLE_MAX)
    .execute()
  return rows.map(({ firstName, lastName, login, ...row }) => {
    return { ...row, name: fullName(firstName, lastName) || login }
  })
}

type ClosedFile = {
  blob: BlobId
  /** The attachment, when it is in a message. */
  file: FileId | undefined
  name: string
  size: number
  verdict: 'infected' | 'failed'
  /** What was found, or why nothing can be said. */
  threat: string
  at: Millis
}

/** What the scanner found something in, or could not look at. */
export async function closedFiles(db: Db): Promise<ClosedFile[]> {
  const rows = await db
    .selectFrom('blob as b')
    .where('b.verdict', 'in', ['infected', 'failed'])
    .where(sql.ref('b.verdict'), '<>', 'clean') // the words of the index
    .select(['b.id as blob', 'b.size', 'b.verdict', 'b.threat', 'b.scannedAt'])
    .select((eb) => [
      eb
        .selectFrom('attachment as a')
        .whereRef('a.blobId', '=', 'b.id')
        .where('a.removedAt', 'is', null)
        .select('a.id')
        .limit(1)
        .as('file'),
      sql<string | null>`coalesce(
        (select name from attachment where blobId = b.id limit 1),
        (select name from file where blobId = b.id limit 1))`.as('name'),
    ])
    .orderBy('b.scannedAt', 'desc')
    .limit(CLOSED_MAX)
    .execute()
  return rows.map(({ file, name, threat, scannedAt, verdict, ...row }) => ({
    ...row,
    verdict: verdict === 'infected' ? 'infected' : 'failed',
    ...{ file: file ?? undefined, name: name ?? '', threat: threat ?? '', at: scannedAt ?? 0 },
  }))
}

/** How many wait for the scanner. */
export async function waitingForScanner(db: Db): Promise<number> {
  const { n } = await db
    .selectFrom('blob')
    .where('verdict', '=', 'waiting')
    .where(sql.ref('verdict'), '<>', 'clean') // the words of the index
    .where('state', '=', 'here')
    .select((eb) => eb.fn.countAll<number>().as('n'))
    .executeTakeFirstOrThrow()
  return n
}

type Removal = {
  file: FileId
  by: string
  at: Millis
  /** Branches of today, and when each said that it holds the file no more. */
  places: { branch: string; at: Millis | undefined }[]
}

/** The newest removals with the receipts of the branches. */
export async function removals(db: Db): Promise<Removal[]> {
  const rows = await db
    .selectFrom('file_removal as f')
    .leftJoin('user as u', 'u.id', 'f.byId')
    .select(['f.fileId', 'f.hlc', 'u.firstName', 'u.lastName', 'u.login'])
    .orderBy('f.hlc', 'desc')
    .limit(REMOVALS_MAX)
    .execute()
  const receipts = await receiptsOf(
    db,
    rows.map(({ fileId }) => fileId),
  )
  return rows.map(({ fileId, hlc, firstName, lastName, login }) => ({
    file: fileId,
    by: fullName(firstName ?? '', lastName ?? '') || (login ?? ''),
    at: millisOf(hlc),
    places: receipts.get(fileId) ?? [],
  }))
}

/** The largest file each branch takes, by the name of the branch. */
export function branchLimits(db: Db): Promise<{ branch: string; sizeMax: number }[]> {
  return db
    .selectFrom('file_limit as l')
    .innerJoin('branch as b', 'b.id', 'l.branchId')
    .leftJoin('revocation as r', 'r.branchId', 'b.id')
    .where('r.branchId', 'is', null)
    .select(['b.name as branch', 'l.sizeMax'])
    .orderBy('b.name')
    .execute()
}
