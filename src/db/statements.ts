/**
 * Keeps prepared statements: Kysely prepares every query anew, which costs more than running a small one. Bounded,
 * because a query with a list in it has a text per length of the list; the oldest goes first, and if it is
 * in use it comes back at the price of one preparation.
 */
import type Sqlite from 'better-sqlite3'

/** All fixed queries of the program together are some hundreds; a statement holds some KiB. */
const STATEMENTS_MAX = 512

/** Where statements come from. */
export type Statements = { prepare(sql: string): Sqlite.Statement }

/** The statements of a handle, with a memory for them. */
export function withStatementCache(sqlite: Sqlite.Database): Statements {
  const kept = new Map<string, Sqlite.Statement>()
  const prepare = (sql: string) => {
    const found = kept.get(sql)
    // It is never busy: rows are never streamed.
    if (found !== undefined) return found
    const statement = sqlite.prepare(sql)
    if (kept.size >= STATEMENTS_MAX) forgetOldest(kept)
    kept.set(sql, statement)
    return statement
  }
  return { prepare }
}

function forgetOldest(kept: Map<string, Sqlite.Statement>): void {
  const oldest = kept.keys().next()
  if (!oldest.done) kept.delete(oldest.value)
}
