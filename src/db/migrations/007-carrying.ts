/** Mail between others that is carried here, what its readers say they hold, what its writers say they wrote. */
import { type Kysely, sql } from 'kysely'

const CHANGES = [
  sql`alter table feed add column carriedBytes integer not null default 0`,
  sql`alter table feed add column via text`,
  sql`create index feed_carried on feed (origin) where carriedBytes > 0`,
  sql`create index feed_to on feed (destination) where scope = 'to'`,
  sql`create table carried_batch (
    feedN integer not null references feed (n),
    firstSeq integer not null,
    count integer not null check (count > 0),
    bytes blob not null,
    arrivedAt integer not null, -- ms
    primary key (feedN, firstSeq)
  ) strict`,
  sql`create table ack_vector (
    branchId text not null,
    origin text not null,
    hlc text not null check (length(hlc) = 16),
    bytes blob not null,
    primary key (branchId, origin)
  ) strict, without rowid`,
  sql`create table signed_head (
    feedId text not null check (length(feedId) = 32),
    origin text not null, -- who signed it, not whose feed it is
    destination text not null,
    seq integer not null,
    hlc text not null check (length(hlc) = 16),
    bytes blob not null,
    primary key (feedId, origin)
  ) strict, without rowid`,
]

/** Changes the tables. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const change of CHANGES) await change.execute(db)
}
