/** What people say of themselves beside their presence: a text, and whether they want to be left alone. */
import { type Kysely, sql } from 'kysely'

const CHANGES = [
  sql`create table user_status (
    userId text primary key,
    text text not null,
    until integer, -- ms; null: until it is changed
    doNotDisturb integer not null check (doNotDisturb in (0, 1)),
    hlc text not null,
    branchId text not null -- where it was written: the order is (hlc, branchId)
  ) strict, without rowid`,
]

/** Changes the tables. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const change of CHANGES) await change.execute(db)
}
