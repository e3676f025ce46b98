/** Branches that are none any more, and how far what they wrote is still believed. */
import { type Kysely, sql } from 'kysely'

const CHANGES = [
  sql`create table revocation (
    branchId text primary key check (length(branchId) = 32),
    reason text not null,
    note text not null,
    revokedAt integer not null, -- ms
    statement blob not null,
    issuerSerial text not null references issuer (serial)
  ) strict, without rowid`,
  sql`create table feed_cut (
    origin text not null,
    feedId text not null, -- '': every feed of the origin that is not named
    upTo integer not null,
    primary key (origin, feedId)
  ) strict, without rowid`,
]

/** Changes the tables. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const change of CHANGES) await change.execute(db)
}
