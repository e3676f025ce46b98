/** Finds what waits without walking over all events: it is asked before each batch while something waits. */
import { type Kysely, sql } from 'kysely'

const CHANGES = [sql`create index event_parked on event (originN, reason) where state = 'parked'`]

/** Changes the indexes. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const change of CHANGES) await change.execute(db)
}
