/** Files: what people upload, what stands in messages, and the bytes, each once. */
import { type Kysely, sql } from 'kysely'

const CHANGES = [
  // Bytes by hash. The list of chunks (docs/protocol.md, section 12) comes with them.
  sql`create table blob (
    id text primary key check (length(id) = 32),
    size integer not null, -- bytes of the file itself
    manifest blob, -- null: not here yet
    have blob, -- a bit for every chunk that is here; null unless some are
    state text not null check (state in ('here', 'partial', 'elsewhere')),
    addedAt integer not null, -- ms
    openedAt integer not null, -- ms
    -- Of what was made here: the same bytes are stored once.
    sha256 text check (length(sha256) = 64), -- of the file itself
    key blob
  ) strict, without rowid`,
  sql`create index blob_of_bytes on blob (sha256, size) where sha256 is not null`,
  sql`create index blob_by_state on blob (state, addedAt)`,

  // Uploaded and in no message yet.
  sql`create table file (
    id text primary key check (length(id) = 32),
    ownerId text not null,
    seed text not null default '', -- the id follows from the owner and it
    name text not null,
    type text not null,
    size integer, -- bytes; null until it is whole, when nobody said it
    sizeMax integer not null, -- bytes
    key blob not null,
    addedAt integer not null, -- ms
    changedAt integer not null, -- ms
    blobId text, -- null: still arriving
    sha256 text,
    width integer, -- pixels
    height integer,
    thumbId text,
    thumbKey blob
  ) strict, without rowid`,
  sql`create index file_of_owner on file (ownerId, addedAt)`,
  sql`create index file_of_blob on file (blobId) where blobId is not null`,

  // In a message. Who may see the message may open it.
  sql`create table attachment (
    id text primary key check (length(id) = 32),
    messageId text not null,
    conversationId text not null,
    n integer not null,
    seed text not null default '', -- the id follows from the author and it
    blobId text not null,
    key blob, -- null once it was removed
    sha256 text not null,
    size integer not null, -- bytes
    name text not null,
    type text not null,
    width integer, -- pixels
    height integer,
    thumbId text,
    thumbKey blob,
    timeKey text not null, -- of its message
    removedAt integer, -- ms
    unique (messageId, n)
  ) strict, without rowid`,
  sql`create index attachment_of_chat on attachment (conversationId, timeKey, id)`,
  sql`create index attachment_of_blob on attachment (blobId)`,
  sql`create index attachment_of_thumb on attachment (thumbId) where thumbId is not null`,
  sql`alter table message add column files integer not null default 0`,
]

/** Adds the tables. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const change of CHANGES) await change.execute(db)
}
