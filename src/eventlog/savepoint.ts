/** A savepoint for one event: its failure must take back its own changes, in tables and in memory, and no others. */
import type { Db } from '../db/open.ts'
import { isOutOfService } from '../db/writer.ts'
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
    changes.backTo(mark)
    // A full disk may have undone the whole transaction, this savepoint with it
    // (https://sqlite.org/lang_transaction.html, 3). Taken for a fault of the event, that would let the
    // rest of the batch be written outside of any transaction: it must reach the writer as it is.
    if (isOutOfService(error)) throw error
    tx.rowsOf(ROLLBACK)
    tx.rowsOf(RELEASE)
    throw error
  }
  tx.rowsOf(RELEASE)
}
