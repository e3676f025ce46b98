/** The audit log of this branch, and how far others have confirmed it. docs/decisions/032-audit-log.md */
import { type Kysely, sql } from 'kysely'

const CHANGES = [
  sql`create table audit (
    n integer primary key check (n > 0), -- without gaps
    at integer not null, -- ms
    action text not null,
    userId text check (length(userId) = 32), -- who; null: an operator at the server, or nobody known
    login text, -- as typed, of sign-ins that failed
    address text not null, -- of the machine; '': none
    branch text check (length(branch) = 32), -- done there and heard of here; null: done here
    subjectKind text,
    subjectId text,
    subjectName text, -- of that time
    before text, -- JSON, what changed only
    after text,
    hash blob not null check (length(hash) = 32)
  ) strict`,
  sql`create index audit_at on audit (at)`,
  sql`create index audit_of_user on audit (userId) where userId is not null`,
  sql`create index audit_of_subject on audit (subjectId) where subjectId is not null`,
  sql`create index audit_action on audit (action)`,
  sql`create index audit_login on audit (login) where login is not null`,
  // Against mistakes of programs. Whoever owns the file can take them away: the chain and its anchors are for that.
  sql`create trigger audit_not_updated before update on audit
    begin select raise(abort, 'The audit log is append-only'); end`,
  sql`create trigger audit_not_deleted before delete on audit
    begin select raise(abort, 'The audit log is append-only'); end`,
  sql`create trigger audit_without_gaps before insert on audit
    when new.n <> (select coalesce(max(n), 0) + 1 from audit)
    begin select raise(abort, 'The audit log has no gaps'); end`,
  sql`create table audit_head (
    branchId text not null check (length(branchId) = 32), -- whose log
    heldBy text not null check (length(heldBy) = 32), -- who says so
    number integer not null check (number > 0),
    hash blob not null check (length(hash) = 32),
    at integer not null, -- ms, by the clock of the branch whose log it is
    primary key (branchId, heldBy, number, hash)
  ) strict, without rowid`,
]

/** Changes the tables. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const change of CHANGES) await change.execute(db)
}
