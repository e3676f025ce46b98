/** Chats of guests: what was read elsewhere, from when on a chat is whole here, drafts, and whose copies went again. */
import { type Kysely, sql } from 'kysely'

const CHANGES = [
  sql`alter table membership add column wholeFrom text not null default '0000000000000000'`,
  sql`create table seen_before (
    userId text not null references user (id),
    conversationId text not null,
    origin text not null,
    mark text not null check (mark in ('shown', 'read')),
    upTo text not null, -- hlc
    primary key (userId, conversationId, origin, mark)
  ) strict, without rowid`,
  sql`create table history_part (
    userId text not null references user (id),
    conversationId text not null,
    branchId text not null,
    stay text not null, -- hlc
    wholeFrom text not null, -- hlc
    primary key (userId, conversationId, branchId)
  ) strict, without rowid`,
  sql`create table forgotten_guest (
    userId text primary key references user (id),
    at integer not null -- ms
  ) strict, without rowid`,
  sql`create table departure (
    userId text not null references user (id),
    branchId text not null,
    hlc text not null,
    primary key (userId, branchId)
  ) strict, without rowid`,
  sql`create table draft (
    userId text not null references user (id),
    conversationId text not null,
    body text not null,
    hlc text not null,
    branchId text not null,
    primary key (userId, conversationId)
  ) strict, without rowid`,
]

/** Changes the tables. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const change of CHANGES) await change.execute(db)
}
