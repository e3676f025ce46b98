/** From when on a decision about somebody counts, apart from its place among the decisions. */
import { type Kysely, sql } from 'kysely'

const CHANGES = [
  sql`alter table contact_block add column since text not null default ''`, // hlc
  sql`update contact_block set since = at`,
  sql`alter table contact add column since text not null default ''`, // hlc
  sql`update contact set since = hlc`,
  sql`alter table contact drop column addedAt`,
  sql`alter table message add column decided text not null default '0000000000000000'`, // hlc
]

/** Adds the columns. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const change of CHANGES) await change.execute(db)
}
