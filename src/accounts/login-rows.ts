/** Which logins are taken, and which look alike: among all people there ever were, deleted ones too. */
import { sql } from 'kysely'
import { invalidInput } from '../base/errors.ts'
import type { BranchId, UserId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import { type Holes, prepared } from '../db/prepared.ts'
import { loginSkeleton } from './logins.ts'

/** `loginSkeleton` in SQL, to the letter that of the index `user_by_skeleton`; tests hold them together. */
export const SKELETON = sql<string>`replace(replace(replace(replace(replace(replace(replace(replace(
  login, '.', ''), '_', ''), '-', ''), '0', 'o'), '1', 'l'), 'i', 'l'), 'rn', 'm'), 'vv', 'w')`
/** A page of them: after a long partition somebody looks at each. */
const ALIKE_MAX = 200

/** Throws when the login was ever given here, or is easily mistaken for another of any branch. */
export async function checkLoginFree(db: Db, self: BranchId, login: string): Promise<void> {
  const alike = await alikeRows(db, { skeleton: loginSkeleton(login) })
  if (alike.some((other) => other.login === login && other.home === self)) {
    throw invalidInput('login', 'Cannot use this login: taken', 'login-taken')
  }
  // The same login at another branch is another login: `olena@lviv` and `olena@kyiv`.
  if (alike.some((other) => other.login !== login)) {
    throw invalidInput('login', 'Cannot use this login: looks like another', 'login-lookalike')
  }
}

/** An import asks for thousands. */
const alikeRows = prepared((db, value: Holes<{ skeleton: string }>) =>
  db.selectFrom('user').where(SKELETON, '=', value('skeleton')).select(['login', 'home']),
)

type Login = { id: UserId; login: string; branch: string }

/** People whose login is easily mistaken for this one; the same login at another branch is none of them. */
export async function alikeTo(db: Db, login: string): Promise<Login[]> {
  return await db
    .selectFrom('user')
    .innerJoin('branch', 'branch.id', 'user.home')
    .where(SKELETON, '=', loginSkeleton(login))
    .where('user.login', '!=', login)
    .select(['user.id', 'user.login', 'branch.name as branch'])
    .orderBy('user.login')
    .limit(ALIKE_MAX)
    .execute()
}

/** Groups of logins that look alike: made apart while branches were cut off. */
export async function alikeGroups(db: Db): Promise<Login[][]> {
  const groups = await db
    .selectFrom('user')
    .groupBy(SKELETON)
    .having((eb) => eb(eb.fn.min('login'), '<>', eb.fn.max('login')))
    .select(SKELETON.as('skeleton'))
    .limit(ALIKE_MAX)
    .execute()
  const rows: Login[][] = []
  for (const { skeleton } of groups) {
    const group = await db
      .selectFrom('user')
      .innerJoin('branch', 'branch.id', 'user.home')
      .where(SKELETON, '=', skeleton)
      .select(['user.id', 'user.login', 'branch.name as branch'])
      .orderBy('user.login')
      .orderBy('branch.name')
      .execute()
    rows.push(group)
  }
  return rows
}
