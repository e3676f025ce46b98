/** Which branches have shown a stronger suite than the first: they are never called with a weaker one again. */
import { type Kysely, sql } from 'kysely'

const CHANGES = [
  sql`create table peer_suite (
    branchId text primary key check (length(branchId) = 32),
    suite integer not null,
    shownAt integer not null -- ms
  ) strict, without rowid`,
]

/** Changes the tables. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const change of CHANGES) await change.execute(db)
}
