/**
 * Wishes of guests about their own records and since when own fields hold; passwords that lost against another change;
 * bodies that are missing, and how far feeds hold what is urgent.
 */
import { type Kysely, sql } from 'kysely'

const CHANGES = [
  // JSON: of own fields (name, photo, language, theme) the clock value of the word that set each; null: none known.
  sql`alter table user add column asOf text`,
  sql`create table wish ( -- of guests here, until their home branch has answered; never at home
    userId text not null,
    field text not null,
    value text, -- null: none (a photo that is taken away)
    hlc text not null,
    position integer not null, -- of the event that asks
    primary key (userId, field)
  ) strict, without rowid`,
  // JSON: the place of the credential that its writer knew; null: not said.
  sql`alter table credential add column replaces text`,
  sql`alter table credential_past add column replaces text`,
  sql`create table password_lost ( -- set while another branch, cut off, set the one that holds
    userId text primary key,
    hlc text not null,
    branchId text not null,
    salt text not null,
    publicKey blob not null
  ) strict, without rowid`,
  // The reason stands in the text of the index, and in that of the queries.
  sql`create index event_missing on event (position) where reason = 'missing'`,
  sql`alter table feed add column urgentTo integer not null default 0`,
]

/** Changes the tables. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const change of CHANGES) await change.execute(db)
}
