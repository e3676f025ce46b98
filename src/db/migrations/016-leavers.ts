/**
 * Blocks from any branch with what they stand on, where acts of administrators hold, deletion of people, and the
 * directory: text to search, and indexes for it.
 */
import { type Kysely, sql } from 'kysely'

const CHANGES = [
  sql`create table role_past (
    userId text not null,
    rev integer not null,
    hlc text not null, -- clock value
    branchId text not null,
    role text not null,
    primary key (userId, rev, hlc, branchId)
  ) strict, without rowid`,
  sql`insert into role_past (userId, rev, hlc, branchId, role)
    select id, roleRev, roleHlc, roleBranch, role from user where roleRev > 0`,

  sql`create table block_record (
    userId text not null,
    generation integer not null,
    blocked integer not null check (blocked in (0, 1)),
    branchId text not null,
    byId text,
    hlc text not null, -- clock value
    primary key (userId, generation, blocked, branchId, hlc)
  ) strict, without rowid`,
  sql`create index block_record_by on block_record (byId) where byId is not null`,
  // What was in force: as if the home branch had said it.
  sql`insert into block_record (userId, generation, blocked, branchId, byId, hlc)
    select id, blockGeneration, disabled, home, null, '0000000000000000' from user
    where blockGeneration > 0 or disabled = 1`,

  sql`create table person_act (
    userId text not null,
    kind text not null,
    eventId text not null check (length(eventId) = 32),
    branchId text not null,
    byId text,
    hlc text not null, -- clock value
    primary key (userId, kind)
  ) strict, without rowid`,

  sql`alter table user add column erasedAt integer`, // ms
  sql`alter table user add column searchText text not null default ''`,
  sql`create table erasure (
    userId text primary key check (length(userId) = 32),
    eventId text not null check (length(eventId) = 32),
    branchId text not null,
    byId text,
    messages text not null check (messages in ('keep', 'erase')),
    hlc text not null, -- clock value
    doneAt integer -- ms
  ) strict, without rowid`,
  sql`create table erase_done (
    userId text not null,
    branchId text not null,
    at integer not null, -- ms
    primary key (userId, branchId)
  ) strict, without rowid`,
  sql`create table erase_request (
    userId text primary key check (length(userId) = 32),
    at integer not null -- ms
  ) strict, without rowid`,

  // Whose record an event of the directory (03xx) or of a list of contacts is, as long as its body is here. JSON that
  // is none must not fail here: it is refused where it is read.
  sql`create index event_of_person on event (
    case when json_valid(cast(substr(body, 17) as text)) then coalesce(
      json_extract(cast(substr(body, 17) as text), '$.user'),
      json_extract(cast(substr(body, 17) as text), '$.owner')) end
  ) where body is not null and (kind between 769 and 1023 or kind in (1028, 1042))`,

  sql`create index user_directory on user (searchName, id) where disabled = 0`,
  sql`create index user_of_branch on user (home, searchName, id) where disabled = 0`,
  sql`create index user_of_department on user (department, searchName, id) where disabled = 0`,

  // Parts of words by threes of letters, beginnings of short ones by words; nothing deleted stays in their pages.
  sql`create table person_text (
    n integer primary key,
    userId text not null unique check (length(userId) = 32),
    text text not null
  ) strict`,
  sql`create virtual table person_parts using fts5(
    text, content = 'person_text', content_rowid = 'n', tokenize = 'trigram')`,
  sql`create virtual table person_words using fts5(
    text, content = 'person_text', content_rowid = 'n', prefix = '1 2')`,
  sql`insert into person_parts (person_parts, rank) values ('secure-delete', 1)`,
  sql`insert into person_words (person_words, rank) values ('secure-delete', 1)`,
  sql`create trigger person_text_new after insert on person_text begin
    insert into person_parts (rowid, text) values (new.n, new.text);
    insert into person_words (rowid, text) values (new.n, new.text);
  end`,
  sql`create trigger person_text_gone after delete on person_text begin
    insert into person_parts (person_parts, rowid, text) values ('delete', old.n, old.text);
    insert into person_words (person_words, rowid, text) values ('delete', old.n, old.text);
  end`,
  sql`create trigger user_text_new after insert on user
    when new.disabled = 0 and new.searchText <> '' begin
    insert into person_text (userId, text) values (new.id, new.searchText);
  end`,
  sql`create trigger user_text_changed after update of searchText, disabled on user
    when old.searchText <> new.searchText or old.disabled <> new.disabled begin
    delete from person_text where userId = old.id;
    insert into person_text (userId, text)
      select new.id, new.searchText where new.disabled = 0 and new.searchText <> '';
  end`,
  sql`create index user_by_login on user (login)`,
  sql`create index user_by_skeleton on user (
    replace(replace(replace(replace(replace(replace(replace(replace(
      login, '.', ''), '_', ''), '-', ''), '0', 'o'), '1', 'l'), 'i', 'l'), 'rn', 'm'), 'vv', 'w'))`,
]

/** Changes the tables; fills the text that people are found by. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const change of CHANGES) await change.execute(db)
  const people = await sql<Record<'id' | 'searchName' | (typeof FOUND_BY)[number], string>>`
    select id, searchName, login, department, post, phone, room from user`.execute(db)
  for (const row of people.rows) {
    const text = [row.searchName, ...FOUND_BY.map((name) => row[name])].join('\n').toLowerCase()
    await sql`update user set searchText = ${text} where id = ${row.id}`.execute(db)
  }
}

const FOUND_BY = ['login', 'department', 'post', 'phone', 'room'] as const
