/** Files of other branches: which are wanted here, and which are not taken. */
import { type Kysely, sql } from 'kysely'

const CHANGES = [
  // When somebody opened it first; it is fetched until it is here.
  sql`alter table blob add column wantedAt integer`, // ms
  // Asked for once and not again: 'too-large' for this branch, or 'no-list' behind its id.
  sql`alter table blob add column refused text check (refused in ('too-large', 'no-list'))`,
  sql`create index blob_wanted on blob (wantedAt) where wantedAt is not null and state <> 'here'`,
]

/** Adds the columns. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const change of CHANGES) await change.execute(db)
}
