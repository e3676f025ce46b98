/**
 * A database opened to be looked at only, beside the server that writes it: nothing is migrated, nothing is written.
 * For `doctor`, whose folder may be damaged or of another release.
 */
import Sqlite from 'better-sqlite3'
import type { Millis } from '../base/units.ts'
import { SqliteDb } from './dialect.ts'
import { MIGRATIONS } from './migrations/index.ts'
import type { Db } from './open.ts'
import { withStatementCache } from './statements.ts'

/** The server checkpoints now and then. */
const BUSY_MS_MAX: Millis = 10_000

export type LookedAt = {
  db: Db
  /** How many migrations the file has had. */
  schema: number
  /** Undefined: SQLite finds nothing wrong (https://sqlite.org/pragma.html#pragma_quick_check). */
  damage(): string | undefined
  close(): void
}

/** How many migrations this program knows. */
export const SCHEMA = MIGRATIONS.length

/** Throws what SQLite throws for a file that is no database. */
export function lookAt(path: string): LookedAt {
  const sqlite = new Sqlite(path, { readonly: true, fileMustExist: true, timeout: BUSY_MS_MAX })
  try {
    return {
      db: new SqliteDb(withStatementCache(sqlite)),
      schema: Number(sqlite.pragma('user_version', { simple: true })),
      damage() {
        const answer = String(sqlite.pragma('quick_check(1)', { simple: true }))
        return answer === 'ok' ? undefined : answer
      },
      close: () => void sqlite.close(),
    }
  } catch (error) {
    sqlite.close()
    throw error
  }
}
