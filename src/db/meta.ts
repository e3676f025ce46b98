/** Single values of a branch that want no table of their own, by name. Written with every commit, hence prepared. */
import type { Db } from './open.ts'
import { prepared } from './prepared.ts'

const put = prepared<{ name: string; value: string }, unknown>((db, value) =>
  db
    .insertInto('meta')
    .values({ name: value('name'), value: value('value') })
    .onConflict((conflict) =>
      conflict.column('name').doUpdateSet((row) => ({ value: row.ref('excluded.value') })),
    ),
)

/** The value kept under a name, if any. */
export async function metaOf(db: Db, name: string): Promise<string | undefined> {
  const row = await db
    .selectFrom('meta')
    .select('value')
    .where('name', '=', name)
    .executeTakeFirst()
  return row?.value
}

/** Keeps values under their names, in the place of what was there. */
export async function putMeta(tx: Db, values: Record<string, string>): Promise<void> {
  for (const [name, value] of Object.entries(values)) await put(tx, { name, value })
}
