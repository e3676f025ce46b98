/** Who comes from LDAP, and what came of its last import. */
import { type Kysely, sql } from 'kysely'

const CHANGES = [
  // Of this branch's people only; never replicated. blockGeneration: of the block the import made, else null.
  sql`create table ldap_person (
    userId text primary key,
    blockGeneration integer
  ) strict, without rowid`,
  sql`create table ldap_run (
    id integer primary key check (id = 1),
    at integer not null, -- ms
    state text not null check (state in ('done', 'stopped', 'failed')),
    counts text not null -- JSON
  ) strict`,
]

/** Changes the tables. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const change of CHANGES) await change.execute(db)
}
