/** Which credential proved a stay, and when each credential was written: so that stays end alike everywhere. */
import { type Kysely, sql } from 'kysely'

const CHANGES = [
  sql`alter table location add column rev integer not null default 0`,
  sql`alter table credential_past rename column replacedAt to hlc`,
]

/** Changes the tables. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const change of CHANGES) await change.execute(db)
}
