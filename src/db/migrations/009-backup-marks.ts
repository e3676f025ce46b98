/** What each copy of the database that may still be put back holds of every feed; how far feeds were pruned. */
import { type Kysely, sql } from 'kysely'

const CHANGES = [
  sql`alter table feed add column prunedTo integer not null default 0`,
  sql`create table backup_mark (
    id integer primary key,
    madeAt integer not null, -- ms
    expiresAt integer not null -- ms
  ) strict`,
  sql`create table backup_position (
    markId integer not null references backup_mark (id) on delete cascade,
    feedN integer not null references feed (n) on delete cascade,
    upTo integer not null,
    primary key (markId, feedN)
  ) strict, without rowid`,
  // Deleting a feed looks for what names it.
  sql`create index backup_position_of_feed on backup_position (feedN)`,
]

/** Changes the tables. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const change of CHANGES) await change.execute(db)
}
