/** The first schema. SQL as text, importing nothing of ours: it must mean the same in five years. */
import type { Kysely } from 'kysely'
import { sql } from 'kysely'

const TABLES = [
  sql`create table meta (name text primary key, value text not null) strict, without rowid`,

  sql`create table branch (
    n integer primary key,
    id text not null unique check (length(id) = 32),
    name text not null unique,
    status text not null check (status in ('active', 'retired')),
    identity blob not null,
    signPublicKey blob not null check (length(signPublicKey) = 32),
    boxPublicKey blob not null check (length(boxPublicKey) = 32),
    addresses text not null, -- JSON list of host:port
    addressesHlc text, -- clock value
    heardAt integer, -- ms
    lostAt integer -- ms
  ) strict`,

  sql`create table issuer (
    serial text primary key,
    branchId text not null,
    certificate blob not null
  ) strict, without rowid`,

  sql`create table peer_address (
    address text primary key,
    source text not null check (source in ('invitation', 'setting')),
    branchId text
  ) strict, without rowid`,

  sql`create table invitation (
    joinId text primary key check (length(joinId) = 16),
    psk blob not null check (length(psk) = 32),
    branchName text not null,
    createdBy text,
    createdAt integer not null, -- ms
    expiresAt integer not null, -- ms
    redeemedAt integer, -- ms
    redeemedBy blob,
    answer blob
  ) strict, without rowid`,

  sql`create table feed (
    n integer primary key,
    id text not null unique check (length(id) = 32),
    origin text not null,
    incarnation text not null check (length(incarnation) = 16),
    scope text not null check (scope in ('all', 'to', 'self')),
    destination text,
    opening blob not null,
    bodyKey blob check (bodyKey is null or length(bodyKey) = 32),
    openedAt text not null, -- clock value
    floor integer not null,
    head integer not null,
    chain blob not null check (length(chain) = 32),
    batched integer not null
  ) strict`,
  sql`create index feed_by_origin on feed (origin, scope)`,

  sql`create table event (
    position integer primary key autoincrement, -- never used again, whatever is deleted
    originN integer not null references branch (n),
    id blob not null check (length(id) = 16),
    kind integer not null,
    hlc text not null check (length(hlc) = 16),
    arrivedAt integer not null, -- ms
    state text not null check (state in ('applied', 'parked', 'refused', 'erased')),
    reason text,
    header blob not null,
    body blob, -- salt16 + JSON
    conversationId text
  ) strict`,
  sql`create unique index event_once on event (id, originN)`,
  sql`create index event_of_conversation on event (conversationId, position)
    where conversationId is not null`,
  sql`create index event_not_applied on event (state) where state in ('parked', 'refused')`,

  sql`create table batch (
    feedN integer not null references feed (n),
    firstSeq integer not null,
    count integer not null check (count > 0),
    header blob not null,
    signature blob not null check (length(signature) = 64),
    primary key (feedN, firstSeq)
  ) strict, without rowid`,

  sql`create table feed_entry (
    feedN integer not null references feed (n),
    seq integer not null,
    position integer not null references event (position),
    primary key (feedN, seq)
  ) strict, without rowid`,
  sql`create index feed_entry_of_event on feed_entry (position)`,

  sql`create table peer_ack (
    feedN integer not null references feed (n),
    branchId text not null,
    durable integer not null,
    stable integer not null,
    at integer not null, -- ms
    via text,
    primary key (feedN, branchId)
  ) strict, without rowid`,

  sql`create table stored_mark (
    feedN integer not null references feed (n),
    branchId text not null,
    upTo integer not null,
    at integer not null, -- ms
    via text,
    primary key (feedN, branchId, upTo)
  ) strict, without rowid`,

  sql`create table refusal (
    position integer not null references event (position),
    branchId text not null,
    reason text not null,
    at integer not null, -- ms
    primary key (position, branchId)
  ) strict, without rowid`,

  sql`create table user (
    id text primary key check (length(id) = 32),
    home text not null,
    login text not null,
    firstName text not null,
    lastName text not null,
    searchName text not null,
    photo text,
    post text not null,
    department text not null,
    phone text not null,
    room text not null,
    language text,
    theme text not null check (theme in ('auto', 'light', 'dark')),
    role text not null
      check (role in ('employee', 'auditor', 'branch-admin', 'organisation-admin')),
    roleRev integer not null,
    roleHlc text not null, -- clock value
    roleBranch text not null,
    rev integer not null,
    hlc text not null,
    blockGeneration integer not null,
    disabled integer not null check (disabled in (0, 1)),
    createdAt integer not null, -- ms
    unique (login, home)
  ) strict, without rowid`,
  sql`create index user_by_home on user (home, login)`,

  sql`create table credential (
    userId text primary key,
    epoch integer not null,
    rev integer not null,
    hlc text not null,
    branchId text not null,
    salt text not null,
    publicKey blob not null check (length(publicKey) = 32),
    mustChange integer not null check (mustChange in (0, 1))
  ) strict, without rowid`,

  sql`create table credential_past (
    userId text not null,
    epoch integer not null,
    rev integer not null,
    branchId text not null,
    publicKey blob not null check (length(publicKey) = 32),
    replacedAt text not null, -- clock value
    primary key (userId, epoch, rev, branchId, publicKey)
  ) strict, without rowid`,

  sql`create table location (
    userId text not null,
    branchId text not null,
    epoch integer not null,
    until integer not null, -- ms
    hlc text not null,
    primary key (userId, branchId)
  ) strict, without rowid`,

  sql`create table sign_in (
    id text primary key,
    tokenHash blob not null unique check (length(tokenHash) = 32),
    userId text not null references user (id),
    kind text not null check (kind in ('browser', 'api')),
    device text not null,
    formToken text not null,
    createdAt integer not null, -- ms
    usedAt integer not null, -- ms
    expiresAt integer not null -- ms
  ) strict, without rowid`,
  sql`create index sign_in_of_user on sign_in (userId)`,

  sql`create table photo (
    hash text primary key check (length(hash) = 64),
    bytes blob not null
  ) strict`,

  sql`create table presence (
    userId text not null,
    branchId text not null,
    lastSeenAt integer not null, -- ms
    primary key (userId, branchId)
  ) strict, without rowid`,

  sql`create table contact (
    ownerId text not null,
    contactId text not null,
    addedAt integer not null, -- ms
    hlc text not null,
    removed integer not null check (removed in (0, 1)),
    primary key (ownerId, contactId)
  ) strict, without rowid`,

  sql`create table conversation (
    id text primary key check (length(id) = 32),
    kind text not null check (kind in ('direct', 'group')),
    title text not null,
    home text,
    term integer not null,
    rev integer not null,
    hlc text not null,
    createdAt integer not null, -- ms
    lastPosition integer,
    lastTimeKey text
  ) strict, without rowid`,

  sql`create table membership (
    conversationId text not null references conversation (id),
    userId text not null,
    role text not null check (role in ('owner', 'member')),
    joinedAt text not null,
    leftAt text,
    readPosition integer not null,
    shownPosition integer not null,
    primary key (conversationId, userId)
  ) strict, without rowid`,
  sql`create index membership_of_user on membership (userId, conversationId)`,

  sql`create table message (
    position integer primary key references event (position),
    id text not null unique check (length(id) = 32),
    conversationId text not null references conversation (id),
    authorId text not null,
    origin text not null,
    body text not null,
    sentAt integer not null, -- ms
    arrivedAt integer not null, -- ms
    timeKey text not null check (length(timeKey) = 16),
    clientId text,
    late integer not null check (late in (0, 1))
  ) strict`,
  sql`create index message_timeline on message (conversationId, timeKey, id)`,
  sql`create index message_arrival on message (conversationId, position)`,
  sql`create unique index message_of_client on message (authorId, clientId)
    where clientId is not null`,

  sql`create table seen (
    conversationId text not null,
    userId text not null,
    feedN integer not null, -- 0: messages written at the reader's own branch, upTo is a position
    mark text not null check (mark in ('shown', 'read')),
    upTo integer not null,
    at integer not null, -- ms
    primary key (conversationId, userId, feedN, mark, upTo)
  ) strict, without rowid`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const table of TABLES) await table.execute(db)
}
