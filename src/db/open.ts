/**
 * Opens a branch's database file: one connection that writes (through `writer` alone) and one that reads what is
 * committed while the first is writing. Owns the pragmas. WAL with synchronous=FULL: an acknowledged commit survives a
 * power loss (https://sqlite.org/pragma.html#pragma_synchronous).
 */
import Sqlite from 'better-sqlite3'
import type { Kysely } from 'kysely'
import type { Millis } from '../base/units.ts'
import { KIB, MIB } from '../base/units.ts'
import type { Clock } from '../world/clock.ts'
import type { Log } from '../world/log.ts'
import { SqliteDb } from './dialect.ts'
import { migrate } from './migrate.ts'
import type { Migration } from './migrations/index.ts'
import { MIGRATIONS } from './migrations/index.ts'
import type { Database } from './schema.ts'
import { type Statements, withStatementCache } from './statements.ts'
import type { Writer } from './writer.ts'
import { createWriter } from './writer.ts'

export type Db = SqliteDb

export type Store = {
  /** Sees committed state only, and cannot write. */
  read: Db
  writer: Writer
  /** Writes the file that SQLite keeps beside the database into it and empties it: old pages are gone. */
  forgetOldPages(): void
  /** Finishes what waits, then closes the file. */
  close(): Promise<void>
}

type OpenOptions = {
  /** The file, usually `branchline.db` in the data folder, which must exist. */
  path: string
  clock: Clock
  log: Log
  /** Other lists are for tests of migrations. */
  migrations?: readonly Migration[]
}

/** The name of the database in the data folder. */
export const DATABASE_FILE = 'branchline.db'

/** Only a foreign program (backup, sqlite3) can hold the file; waiting stops the whole process, hence short. */
const BUSY_MS_MAX: Millis = 250
/** Fewer checkpoints inside commits; the file beside the database stays below some tens of MiB. */
const CHECKPOINT_PAGES = 4000
const WAL_BYTES_KEPT_MAX = 64 * MIB
const CACHE_BYTES_MAX = 32 * MIB

/** Opens or creates the file, migrates it, and refuses one of a newer program. */
export async function openStore(options: OpenOptions): Promise<Store> {
  const { path, clock, log } = options
  const sqlite = new Sqlite(path, { timeout: BUSY_MS_MAX })
  const statements = withStatementCache(sqlite)
  const db = new SqliteDb(statements)
  try {
    sqlite.pragma('journal_mode = wal')
    sqlite.pragma('synchronous = full')
    sqlite.pragma('foreign_keys = on')
    sqlite.pragma('trusted_schema = off')
    sqlite.pragma('temp_store = memory')
    sqlite.pragma(`cache_size = ${-CACHE_BYTES_MAX / KIB}`)
    sqlite.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
    sqlite.pragma(`journal_size_limit = ${WAL_BYTES_KEPT_MAX}`)
    // What a migration takes away, secrets among it, is not left in the free pages of the file.
    sqlite.pragma('secure_delete = on')
    const tables: Kysely<Database> = db
    const ran = await migrate(tables as Kysely<unknown>, options.migrations ?? MIGRATIONS)
    if (ran.length > 0) log.info('db.migrated', { migrations: ran })
    // And what later records replace is zeros within its page, for people who are deleted one day (erasing.ts).
    sqlite.pragma('secure_delete = fast')
  } catch (error) {
    sqlite.close()
    throw error
  }
  const reader = new Sqlite(path, { readonly: true, timeout: BUSY_MS_MAX })
  const writer = createWriter({ sqlite, db, clock, log })
  const close = async () => {
    await writer.close()
    // The handles, not Kysely: it closes only what it has used.
    reader.close()
    sqlite.close()
  }
  return {
    read: readerOf({ sqlite, statements }, reader),
    writer,
    forgetOldPages() {
      if (!sqlite.inTransaction) sqlite.pragma('wal_checkpoint(truncate)')
    },
    close,
  }
}

/**
 * Reads what is committed: on the connection that writes while no transaction is open there, else on the other one.
 * The second connection must forget its pages after each commit of the first; the first keeps its own.
 */
function readerOf(
  { sqlite, statements }: { sqlite: Sqlite.Database; statements: Statements },
  reader: Sqlite.Database,
): Db {
  const own = withStatementCache(reader)
  return new SqliteDb({
    prepare(query) {
      const statement = sqlite.inTransaction ? undefined : statements.prepare(query)
      // `begin` and `pragma` are read-only to SQLite too, and answer no rows.
      const isRead = statement?.reader && statement.readonly
      return isRead ? statement : own.prepare(query)
    },
  })
}
