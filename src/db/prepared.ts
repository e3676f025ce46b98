/**
 * Queries of hot paths: Kysely builds and compiles them once, then they run with new values. The text and its types
 * are Kysely's own, so nothing is lost but the price of building the same query ten thousand times a second.
 */
import { type Compilable, type CompiledQuery, type RawBuilder, sql } from 'kysely'
import type { Db } from './open.ts'

/** Stands in a query where a value will be. */
class Slot {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}

type Values = Record<string, unknown>

/** Marks the holes of a query that takes the values V. */
export type Holes<V> = <Name extends keyof V & string>(name: Name) => V[Name]

/** A query with holes: `build` runs once, `value(name)` marks a hole; the result runs it with values for them. */
export function prepared<V extends Values, Row>(
  build: (db: Db, value: Holes<V>) => Compilable<Row>,
): (db: Db, values: V) => Promise<Row[]> {
  let compiled: CompiledQuery<Row> | undefined
  return async (db, values) => {
    compiled ??= build(db, <Name extends keyof V & string>(name: Name) => {
      return new Slot(name) as unknown as V[Name]
    }).compile()
    const parameters = compiled.parameters.map((each) =>
      each instanceof Slot ? values[each.name] : each,
    )
    return db.rowsOf<Row>(compiled.sql, parameters)
  }
}

/** A list in a hole: right of `in`, given as JSON, so that the text of the query has no length. */
export function listed<T>(json: string): RawBuilder<T> {
  return sql<T>`(select value from json_each(${json}))`
}
