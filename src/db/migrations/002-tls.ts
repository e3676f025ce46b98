/** Certificates for browsers: what branches ask for, and what an issuing branch gave them. */
import { type Kysely, sql } from 'kysely'

const TABLES = [
  sql`create table tls_request (
    branchId text primary key,
    publicPoint blob not null check (length(publicPoint) = 65),
    names text not null, -- JSON list
    hlc text not null check (length(hlc) = 16)
  ) strict, without rowid`,

  sql`create table tls_certificate (
    branchId text primary key,
    intermediate blob not null, -- DER
    names text not null, -- JSON list
    answers text not null check (length(answers) = 16), -- hlc of the request
    hlc text not null check (length(hlc) = 16)
  ) strict, without rowid`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const table of TABLES) await table.execute(db)
}
