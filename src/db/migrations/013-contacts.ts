/** Personal blocks and cleared histories; reports to auditors with the evidence they hold. */
import { type Kysely, sql } from 'kysely'

const CHANGES = [
  // Every decision of a person about another: what held at a message's clock value decides about it.
  sql`create table contact_block (
    ownerId text not null,
    blockedId text not null,
    at text not null, -- hlc
    isOn integer not null check (isOn in (0, 1)),
    primary key (ownerId, blockedId, at)
  ) strict, without rowid`,
  sql`create index contact_block_of_blocked on contact_block (blockedId, ownerId, at)`,
  sql`create table cleared (
    ownerId text not null,
    conversationId text not null,
    origin text not null,
    upTo text not null, -- hlc
    primary key (ownerId, conversationId, origin)
  ) strict, without rowid`,
  sql`alter table membership add column shownFrom text not null default ''`,
  sql`alter table message add column refused integer not null default 0 check (refused in (0, 1))`,
  sql`create table report (
    id text primary key check (length(id) = 32),
    reporterId text not null,
    conversationId text not null,
    origin text not null,
    at text not null, -- hlc
    title text not null,
    note text not null,
    count integer not null
  ) strict, without rowid`,
  sql`create index report_by_time on report (at)`,
  sql`create table report_item (
    reportId text not null,
    n integer not null,
    evidence text not null, -- JSON
    primary key (reportId, n)
  ) strict, without rowid`,
  sql`create table report_note (
    reportId text not null,
    at text not null, -- hlc
    byId text not null,
    isClosed integer not null check (isClosed in (0, 1)),
    note text not null,
    primary key (reportId, at, byId)
  ) strict, without rowid`,
]

/** Changes the tables. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const change of CHANGES) await change.execute(db)
}
