/** A savepoint for one event: its failure must take back its own changes, in tables and in memory, and no others. */
import type { Db } from '../db/open.ts'
import type { Changes } from './changes.ts'

const SAVEPOINT = 'savepoint event'
const RELEASE = 'release event'
const ROLLBACK = 'rollback to event'

/** Runs `work`; when it throws, nothing of it is left and the error goes on. */
export async function inSavepoint(
  tx: Db,
  changes: Changes,
  work: () => Promise<void>,
): Promise<void> {
  const mark = changes.mark()
  tx.rowsOf(SAVEPOINT)
  try {
    await work()
  } catch (error) {
    tx.rowsOf(ROLLBACK)
    tx.rowsOf(RELEASE)
    changes.backTo(mark)
    throw error
  }
  tx.rowsOf(RELEASE)
}
