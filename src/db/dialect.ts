/**
 * Kysely over a database handle, with two differences. A value stands in the text as `+?`: our SQLite is built with
 * SQLITE_ENABLE_STAT4 and plans a statement anew each time a parameter beside an indexed column gets another value
 * (https://sqlite.org/c3ref/prepare.html, "the specific value of a WHERE-clause parameter"); into an expression it does
 * not look. Planning cost ten times what running does, and there are no statistics for which it could be worth it.
 * And what is compiled already runs at once, past Kysely's queue for connections: there is one.
 */
import {
  Kysely,
  type QueryCompiler,
  type SqliteDatabase,
  SqliteDialect,
  SqliteQueryCompiler,
} from 'kysely'
import type { Database } from './schema.ts'
import type { Statements } from './statements.ts'

class SteadyCompiler extends SqliteQueryCompiler {
  protected override getCurrentParameterPlaceholder(): string {
    return '+?'
  }
}

class SteadyDialect extends SqliteDialect {
  override createQueryCompiler(): QueryCompiler {
    return new SteadyCompiler()
  }
}

/** The tables of a branch over one handle; whoever opened the handle closes it. */
export class SqliteDb extends Kysely<Database> {
  readonly #statements: Statements

  constructor(statements: Statements) {
    const prepare = (sql: string) =>
      statements.prepare(sql) as ReturnType<SqliteDatabase['prepare']>
    super({ dialect: new SteadyDialect({ database: { prepare, close: () => {} } }) })
    this.#statements = statements
  }

  /** Runs a compiled query and answers its rows; none of a change without `returning`. */
  rowsOf<Row>(sql: string, parameters: readonly unknown[] = []): Row[] {
    const statement = this.#statements.prepare(sql)
    if (statement.reader) return statement.all(parameters) as Row[]
    statement.run(parameters)
    return []
  }
}
