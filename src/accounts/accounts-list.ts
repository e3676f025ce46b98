/** Reads for the administration: accounts with their state, page by page. Only for routes behind the admin guard. */
import { sql } from 'kysely'
import type { BranchId, UserId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import { getPerson, type Person, peopleByIds } from './queries.ts'

export type Account = Person & { createdAt: Millis; lastSeenAt: Millis | undefined }

export type AccountFilter = {
  /** Part of login or name. */
  text: string
  branch?: BranchId | undefined
  state: '' | 'active' | 'disabled'
  /** From 1 on. */
  page: number
}

/** A screen of a table; the pager leads to the rest. */
const ACCOUNTS_PER_PAGE = 50

/** One page of accounts by name, and how many pages there are. */
export async function accountsPage(
  db: Db,
  filter: AccountFilter,
): Promise<{ accounts: Account[]; pages: number }> {
  const text = `%${filter.text.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`
  let matching = db
    .selectFrom('user')
    .where(sql<boolean>`(login like ${text} escape '\\' or searchName like ${text} escape '\\')`)
  if (filter.branch !== undefined) matching = matching.where('home', '=', filter.branch)
  if (filter.state !== '') {
    matching = matching.where('disabled', '=', filter.state === 'disabled' ? 1 : 0)
  }
  const { total } = await matching
    .select((eb) => eb.fn.countAll<number>().as('total'))
    .executeTakeFirstOrThrow()
  const rows = await matching
    .select('id')
    .orderBy('searchName')
    .orderBy('id')
    .limit(ACCOUNTS_PER_PAGE)
    .offset((filter.page - 1) * ACCOUNTS_PER_PAGE)
    .execute()
  const pages = Math.max(1, Math.ceil(total / ACCOUNTS_PER_PAGE))
  return {
    accounts: await accountsOf(
      db,
      rows.map((row) => row.id),
    ),
    pages,
  }
}

/** One account; throws not-found. */
export async function getAccount(db: Db, id: UserId): Promise<Account> {
  const person = await getPerson(db, id)
  const [account] = await accountsOf(db, [id])
  return account ?? { ...person, createdAt: 0, lastSeenAt: undefined }
}

/** Accounts in the order of their ids. */
async function accountsOf(db: Db, ids: readonly UserId[]): Promise<Account[]> {
  if (ids.length === 0) return []
  const people = new Map((await peopleByIds(db, ids)).map((person) => [person.id, person]))
  const facts = await db
    .selectFrom('user')
    .leftJoin('presence', 'presence.userId', 'user.id')
    .where('user.id', 'in', ids)
    .groupBy('user.id')
    .select(['user.id', 'user.createdAt'])
    .select((eb) => eb.fn.max('presence.lastSeenAt').as('lastSeenAt'))
    .execute()
  const factsOf = new Map(facts.map((row) => [row.id, row]))
  return ids.flatMap((id) => {
    const person = people.get(id)
    const fact = factsOf.get(id)
    if (person === undefined || fact === undefined) return []
    return [{ ...person, createdAt: fact.createdAt, lastSeenAt: fact.lastSeenAt ?? undefined }]
  })
}
