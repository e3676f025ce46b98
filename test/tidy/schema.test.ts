/** schema.ts and the migrated database name the same tables, columns and nulls; every table is STRICT. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { sql } from 'kysely'
import { temporaryStore } from '../db/store.ts'

/** Tables as schema.ts declares them: column -> whether it may be null. */
function declaredTables(): Record<string, Record<string, boolean>> {
  const path = join(import.meta.dirname, '../../src/db/schema.ts')
  const text = readFileSync(path, 'utf8').replaceAll(/\/\*\*.*?\*\//gs, '')
  const interfaces = new Map<string, Record<string, boolean>>()
  for (const [, name = '', body = ''] of text.matchAll(/interface (\w+) \{\n(.*?)\n\}/gs)) {
    const columns = [...body.matchAll(/^ {2}(\w+)\??:([^\n]*(?:\n {4}[^\n]*)*)/gm)]
    interfaces.set(
      name,
      Object.fromEntries(columns.map(([, column, type = '']) => [column, / null\b/.test(type)])),
    )
  }
  const list = text.slice(text.indexOf('interface Database'))
  return Object.fromEntries(
    [...list.matchAll(/^ {2}(\w+): (\w+)$/gm)].map(([, table, name = '']) => [
      table,
      interfaces.get(name) ?? {},
    ]),
  )
}

test('schema.ts names exactly the columns of the migrated database', async (t) => {
  const { read } = await temporaryStore(t)
  const { rows } = await sql<{ t: string; c: string; notnull: number; pk: number }>`
    select t.name as t, c.name as c, c."notnull", c.pk
    from pragma_table_list t join pragma_table_info(t.name) c
    where t.schema = 'main' and t.type = 'table' and t.name not like 'sqlite_%'
    order by t.name, c.cid`.execute(read)
  const found: Record<string, Record<string, boolean>> = {}
  for (const row of rows) {
    found[row.t] = { ...found[row.t], [row.c]: row.notnull === 0 && row.pk === 0 }
  }
  assert.deepEqual(found, declaredTables())
})

test('every table is STRICT', async (t) => {
  const { read } = await temporaryStore(t)
  const { rows } = await sql<{ name: string }>`
    select name from pragma_table_list
    where schema = 'main' and type = 'table' and strict = 0 and name not like 'sqlite_%'
    order by name`.execute(read)
  assert.deepEqual(rows, [])
})
