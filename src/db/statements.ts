/**
 * Keeps prepared statements: Kysely prepares every query anew, which costs more than running a small one. Bounded,
 * because a query with a list in it has a text per length of the list; the least recently used goes first.
 */
import type Sqlite from 'better-sqlite3'
import type { SqliteDatabase } from 'kysely'

/** All fixed queries of the program together are some hundreds; a statement holds some KiB. */
const STATEMENTS_MAX = 512

/** The handle as the dialect wants it, with a memory for statements. */
export function withStatementCache(sqlite: Sqlite.Database): SqliteDatabase {
  const kept = new Map<string, Sqlite.Statement>()
  const prepare = (sql: string): Sqlite.Statement => {
    const found = kept.get(sql)
    // A statement that is being stepped through (Kysely's `stream`) cannot run a second time meanwhile.
    if (found?.busy) return sqlite.prepare(sql)
    const statement = found ?? sqlite.prepare(sql)
    if (found) kept.delete(sql)
    kept.set(sql, statement)
    if (kept.size > STATEMENTS_MAX) for (const oldest of kept.keys()) return drop(oldest, statement)
    return statement
  }
  const drop = (oldest: string, statement: Sqlite.Statement) => {
    kept.delete(oldest)
    return statement
  }
  return {
    prepare: (sql) => prepare(sql) as ReturnType<SqliteDatabase['prepare']>,
    close: () => {
      kept.clear()
      sqlite.close()
    },
  }
}
