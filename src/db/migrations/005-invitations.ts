/**
 * Keys live in key files alone: of an invitation only a psk sealed to this branch's box key is kept, and no link key in
 * the answer. Invitations of before cannot be sealed here and are forgotten with what they held.
 */
import { type Kysely, sql } from 'kysely'

const CHANGES = [
  sql`drop table invitation`,
  sql`create table invitation (
    joinId text primary key check (length(joinId) = 16),
    sealedPsk blob not null check (length(sealedPsk) = 80),
    branchName text not null,
    createdBy text,
    createdAt integer not null, -- ms
    expiresAt integer not null, -- ms
    redeemedAt integer, -- ms
    redeemedBy blob,
    answer blob -- without the link key
  ) strict, without rowid`,
]

/** Changes the tables. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const change of CHANGES) await change.execute(db)
}
