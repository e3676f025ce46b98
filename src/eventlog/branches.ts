/** What the log must know of a branch: its number in events, and its key. Kept in memory: neither ever changes. */
import type { BranchId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import type { Changes } from './changes.ts'
import type { Verify } from './parts.ts'

export type KnownBranch = { n: number; verify: Verify }

export type Branches = {
  /** Undefined while its identity has not arrived. */
  find(tx: Db, id: BranchId): Promise<KnownBranch | undefined>
  boxKeyOf(tx: Db, id: BranchId): Promise<Uint8Array>
}

type Parts = { verifierOf(signPublicKey: Uint8Array): Verify; changes: Changes }

/** An empty memory of branches over table `branch`. */
export function createBranches({ verifierOf, changes }: Parts): Branches {
  const known = new Map<BranchId, KnownBranch>()
  return {
    async find(tx, id) {
      const found = known.get(id)
      if (found) return found
      const row = await tx
        .selectFrom('branch')
        .select(['n', 'signPublicKey'])
        .where('id', '=', id)
        .executeTakeFirst()
      if (row === undefined) return undefined
      const branch = { n: row.n, verify: verifierOf(row.signPublicKey) }
      known.set(id, branch)
      // It may have been inserted in this very transaction.
      changes.undoWith(() => known.delete(id))
      return branch
    },
    async boxKeyOf(tx, id) {
      const row = await tx
        .selectFrom('branch')
        .select('boxPublicKey')
        .where('id', '=', id)
        .executeTakeFirst()
      if (row === undefined) throw new Error(`Cannot write to branch ${id}: it is not known here`)
      return row.boxPublicKey
    },
  }
}
