/** Accounts in bulk: finds logins that look alike without reading all of them, and knows who comes from LDAP. */
import { type Kysely, sql } from 'kysely'

const CHANGES = [
  // The expression of src/accounts/logins.ts, letter by letter: SQLite uses the index for no other.
  sql`create index user_by_skeleton on user (
    replace(replace(replace(replace(replace(
      login, '.', ''), '_', ''), '-', ''), '0', 'o'), '1', 'l'))`,
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
