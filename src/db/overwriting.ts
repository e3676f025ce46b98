/** Destroying for good: what SQLite frees is overwritten, so that it does not lie in the file as it was. */
import { sql } from 'kysely'
import type { Db } from './open.ts'

/** Runs with SQLite writing zeros over whole pages that become free too; "fast" leaves those as they were. */
export async function overwriting(tx: Db, run: () => Promise<void>): Promise<void> {
  await sql`pragma secure_delete = on`.execute(tx)
  try {
    await run()
  } finally {
    await sql`pragma secure_delete = fast`.execute(tx)
  }
}
