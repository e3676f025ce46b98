/**
 * Reads of people. Colleagues see each other's directory record; what only admins see has its own functions. `Person`
 * is the promise to the rest of the program.
 */
import { invalidInput, notFound } from '../base/errors.ts'
import type { BranchId, PhotoHash, SignInId, UserId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import { type Holes, listed, prepared } from '../db/prepared.ts'
import { splitLogin } from './logins.ts'
import type { Role, Theme } from './records.ts'
import type { Right } from './rights.ts'

export type Person = {
  id: UserId
  login: string
  /** The home branch; its name is empty while its identity is still on the way. */
  branch: { id: BranchId; name: string }
  firstName: string
  lastName: string
  name: string
  /** Once it is here: of somebody at another branch the record comes first, the picture after it. */
  photo: PhotoHash | undefined
  post: string
  department: string
  phone: string
  room: string
  role: Role
  disabled: boolean
  /** Deleted: nothing is left but the login, which only administrators see. */
  isErased: boolean
  /** Empty: never chosen, the browser's language serves. */
  language: string
  theme: Theme
  /** Of who asks, set by the guards: the address of the machine, for the audit log. */
  address?: string | undefined
  /** Of who asks, set by the guards: what rights.ts gives here, for what pages show. */
  rights?: readonly Right[] | undefined
}

/** More on one page help nobody. */
export const PEOPLE_PER_PAGE_MAX = 100

/** What `personOf` needs of `user`, its `branch` and its `photo`. */
export const PERSON_COLUMNS = [
  'user.id',
  'user.login',
  'user.home',
  'branch.name as branchName',
  'user.firstName',
  'user.lastName',
  'photo.hash as photo',
  'user.post',
  'user.department',
  'user.phone',
  'user.room',
  'user.role',
  'user.disabled',
  'user.erasedAt',
  'user.language',
  'user.theme',
] as const

type PersonRow = Awaited<ReturnType<ReturnType<typeof people>['execute']>>[number]

function people(db: Db) {
  return db
    .selectFrom('user')
    .leftJoin('branch', 'branch.id', 'user.home')
    .leftJoin('photo', 'photo.hash', 'user.photo')
    .select(PERSON_COLUMNS)
}

/** The person of a row, and nothing else the row may hold. */
export function personOf(row: PersonRow): Person {
  const { id, login, firstName, lastName, post, department, phone, room, role, theme } = row
  return {
    ...{ id, login, firstName, lastName, post, department, phone, room, role, theme },
    branch: { id: row.home, name: row.branchName ?? '' },
    name: fullName(firstName, lastName),
    photo: row.photo ?? undefined,
    disabled: row.disabled === 1,
    isErased: row.erasedAt !== null,
    language: row.language ?? '',
  }
}

/** First and last name as one; of somebody whose record is still on the way, empty. */
export function fullName(firstName: string | null, lastName: string | null): string {
  return `${firstName ?? ''} ${lastName ?? ''}`.trim()
}

/** A person by id, disabled ones too: their messages stay under their name. */
export async function findPerson(db: Db, id: UserId): Promise<Person | undefined> {
  const row = await people(db).where('user.id', '=', id).executeTakeFirst()
  return row && personOf(row)
}

/** A person by id; throws not-found. */
export async function getPerson(db: Db, id: UserId): Promise<Person> {
  const person = await findPerson(db, id)
  if (person === undefined) throw notFound('person')
  return person
}

/** Several people by id, in no order; unknown ids are left out. */
export async function peopleByIds(db: Db, ids: readonly UserId[]): Promise<Person[]> {
  if (ids.length === 0) return []
  const rows = await people(db).where('user.id', 'in', ids).execute()
  return rows.map(personOf)
}

/**
 * `login` or `login@branch`: a match of this branch, else the only match in the organisation; throws invalid-input
 * when several branches know the short form.
 */
export async function personByLogin(
  db: Db,
  self: BranchId,
  text: string,
  { isErasedToo = false } = {},
): Promise<Person | undefined> {
  const { login, branch } = splitLogin(text)
  const all = people(db).where('user.login', '=', login)
  const matches = await (isErasedToo ? all : all.where('user.erasedAt', 'is', null)).execute()
  const found = matches.map(personOf)
  if (branch !== undefined) return found.find((person) => isCalled(person.branch, branch))
  const here = found.find((person) => person.branch.id === self)
  if (here !== undefined || found.length < 2) return here ?? found[0]
  throw invalidInput('login', 'Cannot tell who is meant: several branches', 'login-ambiguous')
}

/** Whether a branch has this name, as typed in a login. */
export const isCalled = (branch: { name: string }, name: string) =>
  branch.name.toLowerCase().normalize('NFC') === name

/** Branches that what is for these people goes to: home, and where they are as guests by their present password. */
export async function branchesOf(
  db: Db,
  userIds: readonly UserId[],
  now: Millis,
): Promise<BranchId[]> {
  if (userIds.length === 0) return []
  const rows = await homesAndStays(db, { users: JSON.stringify(userIds), now })
  return [...new Set(rows.map((row) => row.branch))]
}

const homesAndStays = prepared((db, value: Holes<{ users: string; now: Millis }>) =>
  db
    .selectFrom('user')
    .where('id', 'in', listed<UserId>(value('users')))
    .select('home as branch')
    .unionAll(
      db
        .selectFrom('location')
        .innerJoin('credential', 'credential.userId', 'location.userId')
        .whereRef('credential.epoch', '=', 'location.epoch')
        .where('location.userId', 'in', listed<UserId>(value('users')))
        .where('location.until', '>', value('now'))
        .select('location.branchId as branch'),
    ),
)

/** Who of these people has signed a stay at the branch that has not ended. */
export async function guestsAt(
  db: Db,
  { branch, users, now }: { branch: BranchId; users: readonly UserId[]; now: Millis },
): Promise<Set<UserId>> {
  if (users.length === 0) return new Set()
  const rows = await db
    .selectFrom('location')
    .where('branchId', '=', branch)
    .where('userId', 'in', [...users])
    .where('until', '>', now)
    .select('userId')
    .execute()
  return new Set(rows.map((row) => row.userId))
}

/**
 * Whether a branch may write in a person's name at that time: home, or a stay the person has signed. What was replaced
 * since counts too, so that nothing is lost that a branch brings late.
 */
export async function mayWriteFor(
  db: Db,
  { user, branch, at }: { user: UserId; branch: BranchId; at: Millis },
): Promise<boolean> {
  if ((await livingAt(db, { user, branch })).length > 0) return true
  return (await stayingAt(db, { user, branch, at })).length > 0
}

const livingAt = prepared((db, value: Holes<{ user: UserId; branch: BranchId }>) =>
  db
    .selectFrom('user')
    .where('id', '=', value('user'))
    .where('home', '=', value('branch'))
    .select('id'),
)

const stayingAt = prepared((db, value: Holes<{ user: UserId; branch: BranchId; at: Millis }>) =>
  db
    .selectFrom('location')
    .where('userId', '=', value('user'))
    .where('branchId', '=', value('branch'))
    .where('until', '>', value('at'))
    .select('until'),
)

/** The bytes of a photo, for anybody who is signed in. */
export async function findPhoto(db: Db, hash: PhotoHash): Promise<Uint8Array | undefined> {
  const row = await db
    .selectFrom('photo')
    .where('hash', '=', hash)
    .select('bytes')
    .executeTakeFirst()
  return row?.bytes
}

/** Whether a sign-in is still there: for streams, which outlive the request that opened them. */
export async function isSignedIn(db: Db, id: SignInId): Promise<boolean> {
  const row = await db.selectFrom('sign_in').where('id', '=', id).select('id').executeTakeFirst()
  return row !== undefined
}
