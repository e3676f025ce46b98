/** How SQLite goes through the tables: the plan of every query that runs. */
import type { CompiledQuery } from 'kysely'
import type { Db } from '../../src/db/open.ts'

type Step = { detail: string }

/** Keeps the plan of every query that `db` runs from now on. */
export function watch(db: Db): Step[][] {
  const plans: Step[][] = []
  const executor = db.getExecutor()
  const run = executor.executeQuery.bind(executor)
  const rowsOf = db.rowsOf.bind(db)
  const note = (query: string, parameters: readonly unknown[]) => {
    if (/^select/i.test(query)) plans.push(rowsOf<Step>(`explain query plan ${query}`, parameters))
  }
  executor.executeQuery = async <R>(query: CompiledQuery<R>) => {
    note(query.sql, query.parameters)
    return await run(query)
  }
  db.rowsOf = (query, parameters = []) => {
    note(query, parameters)
    return rowsOf(query, parameters)
  }
  return plans
}
