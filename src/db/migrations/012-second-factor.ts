/** Second factors, sealed under the password; where sign-ins are, which are at shared terminals, which were ended. */
import { type Kysely, sql } from 'kysely'

const CHANGES = [
  sql`alter table credential add column factor blob`,
  sql`alter table credential add column factorN integer not null default 0`,
  sql`alter table credential add column factorHlc text not null default '0000000000000000'`,
  sql`alter table credential add column factorBranch text not null default ''`,
  sql`alter table credential add column factorUsed integer not null default 0`,
  sql`create table factor_step (
    userId text primary key,
    step integer not null
  ) strict, without rowid`,
  sql`create table sign_ins_ended (
    userId text not null,
    branchId text not null,
    hlc text not null, -- clock value
    primary key (userId, branchId)
  ) strict, without rowid`,
  sql`alter table sign_in add column address text not null default ''`,
  sql`alter table sign_in add column shared integer not null default 0 check (shared in (0, 1))`,
  sql`alter table sign_in add column pin text`,
  sql`alter table sign_in add column pinTries integer not null default 0`,
]

/** Changes the tables. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const change of CHANGES) await change.execute(db)
}
