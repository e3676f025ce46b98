/**
 * The directory: finding people of all branches. Words that few have are found by full-text tables (FTS5, threes of
 * letters), words that many have by walking the names in their order until a page is full: with 100,000 people neither
 * takes long (docs/decisions/039-leavers.md has the figures). Disabled and deleted people are in none of it.
 */
import { type RawBuilder, sql } from 'kysely'
import type { BranchId, UserId } from '../base/ids.ts'
import { tidied } from '../base/text.ts'
import type { Db } from '../db/open.ts'
import { splitLogin } from './logins.ts'
import { type Person, peopleByIds } from './queries.ts'

/** More words narrow nothing down any more. */
const WORDS_MAX = 6
/** A three of letters is what the table of parts knows; shorter words are looked for as beginnings. */
const PART_LETTERS_MIN = 3
/**
 * Fewer are sorted; of more the first page comes by walking the names. Whoever looks for a first name walks past all
 * who come before it: at worst everybody, so the indexes hold the text and nothing else is read.
 */
const FEW_MAX = 600
/** As many choices as a list of choices is still of use for. */
const DEPARTMENTS_MAX = 200

export type Wanted = {
  /** Words that all must stand in name, login, department, post, phone or room; or `login@branch`. */
  text: string
  branch?: BranchId | undefined
  department?: string | undefined
  limit: number
  /** The last person of the page before. */
  after?: UserId | undefined
  /** Left out. */
  except?: UserId | undefined
}

/** People by name; who has exactly this login stands first. */
export async function directoryPage(db: Db, wanted: Wanted): Promise<Person[]> {
  const { login, branch } = splitLogin(wanted.text)
  const ids = branch === undefined ? await byWords(db, wanted) : await byLogin(db, wanted)
  if (branch === undefined && login !== '' && wanted.after === undefined) {
    const exact = await withLogin(db, { ...wanted, login })
    ids.unshift(...exact)
  }
  const wantedIds = [...new Set(ids)].slice(0, wanted.limit)
  const people = new Map((await peopleByIds(db, wantedIds)).map((person) => [person.id, person]))
  return wantedIds.flatMap((id) => people.get(id) ?? [])
}

/** Departments there are, by name. */
export async function departments(db: Db): Promise<string[]> {
  // From one to the next over the index: as many steps as departments, not as people.
  const rows = await sql<{ name: string }>`
    with recursive next (name) as (
      select min(department) from user where disabled = 0 and department > ''
      union all
      select (select min(department) from user where disabled = 0 and department > next.name)
        from next where next.name is not null
    ) select name from next where name is not null limit ${DEPARTMENTS_MAX}`.execute(db)
  return rows.rows.map(({ name }) => name)
}

async function byWords(db: Db, wanted: Wanted): Promise<UserId[]> {
  // Control characters, zero among them, would end the expression of the full-text tables.
  const all = tidied(wanted.text).toLowerCase().normalize('NFC').split(/\s+/).filter(Boolean)
  const words = all.slice(0, WORDS_MAX)
  if (words.length === 0) return await walk(db, wanted, [])
  const few = await fewWith(db, words)
  if (few !== undefined)
    return await walk(db, wanted, [sql`id in (select value from json_each(${few}))`])
  return await walk(
    db,
    wanted,
    words.map((word) => sql`instr(searchText, ${word}) > 0`),
  )
}

/** Ids of all who have these words as a JSON list, by the full-text tables; undefined: they are many. */
async function fewWith(db: Db, words: readonly string[]): Promise<string | undefined> {
  const quoted = (word: string) => `"${word.replaceAll('"', '""')}"`
  const long = words.filter((word) => [...word].length >= PART_LETTERS_MIN).map(quoted)
  const short = words.filter((word) => [...word].length < PART_LETTERS_MIN)
  const parts =
    long.length > 0 &&
    sql`select rowid from person_parts
    where person_parts match ${long.join(' AND ')} limit ${FEW_MAX + 1}`
  const beginnings = short.map((word) => `${quoted(word)}*`).join(' AND ')
  const starts =
    short.length > 0 &&
    sql`select rowid from person_words
    where person_words match ${beginnings} limit ${FEW_MAX + 1}`
  // The longer words are the rarer ones: the short ones are looked for among theirs.
  const source = parts || starts
  if (!source) return undefined
  const counted = sql<{ n: number }>`select count(*) as n from (${source})`
  if (((await counted.execute(db)).rows[0]?.n ?? 0) > FEW_MAX) return undefined
  const rows = await sql<{ userId: UserId; text: string }>`
    select userId, text from person_text where n in (${source})`.execute(db)
  const fits = rows.rows.filter(({ text }) => !parts || short.every((word) => text.includes(word)))
  return JSON.stringify(fits.map(({ userId }) => userId))
}

async function byLogin(db: Db, wanted: Wanted): Promise<UserId[]> {
  const { login, branch = '' } = splitLogin(wanted.text)
  const branches = await db.selectFrom('branch').select(['id', 'name']).execute()
  const named = branches.filter((one) => one.name.toLowerCase().normalize('NFC').startsWith(branch))
  if (named.length === 0) return []
  const homes = sql.join(named.map(({ id }) => id))
  // Whose login is exactly this comes first in the order of logins.
  const begins = sql`id in (select id from user where home in (${homes})
    and login >= ${login} and login < ${`${login}\uffff`} order by login limit ${FEW_MAX})`
  return await walk(db, wanted, [begins])
}

async function walk(db: Db, wanted: Wanted, parts: RawBuilder<unknown>[]): Promise<UserId[]> {
  const { branch, department, after, except, limit } = wanted
  // `disabled = 0` to the letter: a bound value would not fit the indexes.
  const all = [sql`disabled = 0`, ...parts]
  if (branch !== undefined) all.push(sql`home = ${branch}`)
  if (department !== undefined) all.push(sql`department = ${department}`)
  if (except !== undefined) all.push(sql`id <> ${except}`)
  if (after !== undefined) {
    all.push(sql`(searchName, id) > (select searchName, id from user where id = ${after})`)
  }
  const found = sql<{ id: UserId }>`select id from user where ${sql.join(all, sql` and `)}
    order by searchName, id limit ${limit}`
  return (await found.execute(db)).rows.map(({ id }) => id)
}

async function withLogin(db: Db, wanted: Wanted & { login: string }): Promise<UserId[]> {
  const { login, branch, department, except, limit } = wanted
  let query = db
    .selectFrom('user')
    .where('login', '=', login)
    .where('disabled', '=', 0)
    .select('id')
    .orderBy('home')
    .limit(limit)
  if (branch !== undefined) query = query.where('home', '=', branch)
  if (department !== undefined) query = query.where('department', '=', department)
  if (except !== undefined) query = query.where('id', '!=', except)
  return (await query.execute()).map(({ id }) => id)
}
