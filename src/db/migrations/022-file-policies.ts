/** What scanners say of blobs, the limits each branch announces, files that were taken away, and where that is done. */
import { type Kysely, sql } from 'kysely'

const CHANGES = [
  sql`alter table blob add column verdict text not null default 'waiting'
    check (verdict in ('waiting', 'clean', 'infected', 'failed'))`,
  sql`alter table blob add column threat text`, // what was found, or why nothing can be said
  sql`alter table blob add column scanTries integer not null default 0`,
  sql`alter table blob add column scannedAt integer`, // ms
  sql`alter table blob add column scannedKey blob`, // hash of the key it was opened with
  sql`create index blob_by_verdict on blob (verdict, scanTries, addedAt)
    where verdict <> 'clean'`,

  sql`create table file_limit (
    branchId text primary key,
    sizeMax integer not null, -- bytes
    hlc text not null -- clock value
  ) strict, without rowid`,

  sql`create index message_with_files on message (authorId) where files > 0`,
  sql`create index attachment_by_time on attachment (timeKey) where removedAt is null`,

  // May be here before the message is.
  sql`create table file_removal (
    fileId text primary key check (length(fileId) = 32),
    messageId text not null,
    branchId text not null, -- where it was done
    byId text not null,
    hlc text not null, -- clock value
    doneAt integer -- ms: the bytes are gone from this branch; null: not yet
  ) strict, without rowid`,
  sql`create index file_removal_open on file_removal (fileId) where doneAt is null`,
  sql`create table file_removed (
    fileId text not null,
    branchId text not null,
    at integer not null, -- ms
    primary key (fileId, branchId)
  ) strict, without rowid`,
]

/** Adds the columns and tables. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const change of CHANGES) await change.execute(db)
}
