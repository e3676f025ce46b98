/** A savepoint for one event: its failure must take back its own changes, in tables and in memory, and no others. */
import { CompiledQuery } from 'kysely'
import type { Db } from '../db/open.ts'
import type { Changes } from './changes.ts'

const SAVEPOINT = CompiledQuery.raw('savepoint event')
const RELEASE = CompiledQuery.raw('release event')
const ROLLBACK = CompiledQuery.raw('rollback to event')

/** Runs `work`; when it throws, nothing of it is left and the error goes on. */
export async function inSavepoint(
  tx: Db,
  changes: Changes,
  work: () => Promise<void>,
): Promise<void> {
  const mark = changes.mark()
  await tx.executeQuery(SAVEPOINT)
  try {
    await work()
  } catch (error) {
    await tx.executeQuery(ROLLBACK)
    await tx.executeQuery(RELEASE)
    changes.backTo(mark)
    throw error
  }
  await tx.executeQuery(RELEASE)
}
