/**
 * Where each person's home is, kept in memory: presence and pushes ask thousands of times a minute, and it changes
 * only with the directory.
 */
import type { BranchId, UserId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'

export type Homes = {
  homeOf(user: UserId): BranchId | undefined
  peopleOf(branch: BranchId): UserId[]
  /** Reads again what is not known yet; call after the directory changed. */
  refresh(users: readonly UserId[]): Promise<void>
}

/** Reads all people once. */
export async function loadHomes(db: Db): Promise<Homes> {
  const homes = new Map<UserId, BranchId>()
  const people = new Map<BranchId, Set<UserId>>()
  const put = (user: UserId, home: BranchId) => {
    // A home never changes: nobody has to be taken out.
    homes.set(user, home)
    people.set(home, (people.get(home) ?? new Set<UserId>()).add(user))
  }
  const rows = await db.selectFrom('user').select(['id', 'home']).orderBy('id').execute()
  for (const { id, home } of rows) put(id, home)
  return {
    homeOf: (user) => homes.get(user),
    peopleOf: (branch) => [...(people.get(branch) ?? [])],
    async refresh(users) {
      if (users.length === 0) return
      const changed = await db
        .selectFrom('user')
        .select(['id', 'home'])
        .where('id', 'in', [...users])
        .orderBy('id')
        .execute()
      for (const { id, home } of changed) put(id, home)
    },
  }
}
