/**
 * Deleting people: messages of theirs that were never applied are found by author, and what the audit log tells of
 * people stands beside its chain. Second factors of people of LDAP. What older releases left of the deleted is looked
 * for once more.
 */
import { type Kysely, sql } from 'kysely'

const CHANGES = [
  // Who wrote a message that was refused or waits. JSON that is none must not fail here.
  sql`create index event_of_author on event (
    case when json_valid(cast(substr(body, 17) as text)) then
      json_extract(cast(substr(body, 17) as text), '$.author') end
  ) where body is not null and state in ('parked', 'refused') and kind = 1026`,
  sql`create index erasure_open on erasure (userId) where doneAt is null`,
  sql`create table audit_told (
    n integer primary key, -- of the entry
    userId text not null check (length(userId) = 32), -- of whom
    salt blob not null check (length(salt) = 16),
    text text not null -- JSON, what changed only
  ) strict`,
  sql`create index audit_told_of on audit_told (userId)`,
  // Second factors of people of LDAP, under a key of this branch.
  sql`create table ldap_factor (
    userId text primary key check (length(userId) = 32),
    box blob not null
  ) strict, without rowid`,
  // With the text in them: walking the names of people reads the index alone, from its first page to its last.
  ...['directory', 'of_branch', 'of_department'].map(
    (name) => sql`drop index ${sql.ref(`user_${name}`)}`,
  ),
  sql`create index user_directory on user (searchName, id, searchText) where disabled = 0`,
  sql`create index user_of_branch on user (home, searchName, id, searchText) where disabled = 0`,
  sql`create index user_of_department on user (department, searchName, id, searchText)
    where disabled = 0`,
  sql`update erasure set doneAt = null`,
]

/** Changes the tables. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const change of CHANGES) await change.execute(db)
}
