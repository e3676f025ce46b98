/**
 * Brings a database file forward to this program's schema. Owns `user_version` (how many migrations have run) and
 * `application_id` (whose file it is). Forward only: an older program refuses a newer file instead of guessing.
 */
import { type Kysely, sql } from 'kysely'
import { AppError } from '../base/errors.ts'
import type { Migration } from './migrations/index.ts'

/** "BRL1": marks the file as ours, so that another program's database is never altered. */
const APPLICATION_ID = 0x42524c31

/** Runs what has not run yet, each migration in one transaction; answers the names of those that ran. */
export async function migrate(
  db: Kysely<unknown>,
  migrations: readonly Migration[],
): Promise<string[]> {
  const version = await pragma(db, 'user_version')
  await refuseStrangeFile(db, version)
  if (version > migrations.length) {
    throw new AppError(
      'conflict',
      `The database was written by a newer Branchline (schema ${version}; this one knows ` +
        `${migrations.length}). Start the newer version, or restore the backup made before it.`,
    )
  }
  const ran: string[] = []
  for (const [index, migration] of migrations.entries()) {
    if (index < version) continue
    await db.transaction().execute(async (tx) => {
      await migration.up(tx)
      // In the same transaction: a crash leaves either the old schema or the new one, never a half.
      await sql.raw(`pragma user_version = ${index + 1}`).execute(tx)
      await sql.raw(`pragma application_id = ${APPLICATION_ID}`).execute(tx)
    })
    ran.push(migration.name)
  }
  return ran
}

async function refuseStrangeFile(db: Kysely<unknown>, version: number): Promise<void> {
  const id = await pragma(db, 'application_id')
  if (id === APPLICATION_ID) return
  const tables = await sql<{ n: number }>`select count(*) as n from sqlite_schema`.execute(db)
  if (id === 0 && version === 0 && tables.rows[0]?.n === 0) return
  throw new AppError('conflict', 'The file exists but is not a database of Branchline')
}

async function pragma(db: Kysely<unknown>, name: string): Promise<number> {
  const { rows } = await sql<Record<string, number>>`pragma ${sql.raw(name)}`.execute(db)
  return Number(rows[0]?.[name] ?? 0)
}
