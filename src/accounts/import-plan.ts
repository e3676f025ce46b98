/**
 * What a line of an import would do to the accounts of this branch, and why not: asked once for the page that shows it,
 * and again in the transaction that does it, so that nothing else is done than was shown.
 */
import type { UserId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import { type Holes, listed, prepared } from '../db/prepared.ts'
import { type AccountDeps, hereOf } from './authority.ts'
import { isFastSalt } from './fast-hash.ts'
import type { ImportLine, Problem, Wish } from './import-lines.ts'
import { SKELETON } from './login-rows.ts'
import { loginSkeleton } from './logins.ts'
import { fullName, type Person, peopleByIds } from './queries.ts'
import type { Role } from './records.ts'
import { type Here, rightsOver, rolesForNew } from './rights.ts'

type Change = { column: string; from: string; to: string }

export type Outcome = {
  line: number
  login: string
  name: string
  kind: 'create' | 'change' | 'same' | 'refused'
  changes: readonly Change[]
  problem?: Problem
  /** A new temporary password: for who is created, and on wish for who has never signed in since an import. */
  hasPassword: boolean
}

/** Who imports, and what he may. */
export type Importer = {
  by: Person | undefined
  here: Here
  branch: string
  roles: readonly Role[]
  /** Give those who have not signed in since their import another temporary password. */
  renews: boolean
}

/** Rights as they are now: read again for every few lines. */
export async function importerOf(
  deps: Pick<AccountDeps, 'self'>,
  db: Db,
  { by, renews }: Pick<Importer, 'by' | 'renews'>,
): Promise<Importer> {
  const here = await hereOf(db, deps.self)
  const [fresh] = by === undefined ? [] : await peopleByIds(db, [by.id])
  const own = await db.selectFrom('branch').where('id', '=', deps.self).select('name').execute()
  const isOut = by !== undefined && (fresh === undefined || fresh.disabled)
  // The role of the sign-in: a guest's may be less than the record's (sign-ins.ts).
  const now = by && fresh && { ...fresh, role: fresh.role === by.role ? by.role : 'employee' }
  const roles = isOut ? [] : rolesForNew(now, here)
  return { by: now, here, branch: own[0]?.name ?? '', roles, renews }
}

type Known = {
  id: UserId
  login: string
  home: string
  salt: string | null
  /** Not null: the password comes from LDAP, and no temporary one is given. */
  ldap: UserId | null
}

const alikeRows = prepared<{ skeletons: string }, Known & { skeleton: string }>(
  (db, value: Holes<{ skeletons: string }>) =>
    db
      .selectFrom('user')
      .leftJoin('credential', 'credential.userId', 'user.id')
      .leftJoin('ldap_person', 'ldap_person.userId', 'user.id')
      .where(SKELETON, 'in', listed<string>(value('skeletons')))
      .select([
        'user.id',
        'user.login',
        'user.home',
        'credential.salt',
        'ldap_person.userId as ldap',
      ])
      .select(SKELETON.as('skeleton')),
)

/** What the lines would do now, in their order. */
export async function planned(
  db: Db,
  importer: Importer,
  lines: readonly ImportLine[],
): Promise<Outcome[]> {
  const skeletons = lines.map(({ login }) => loginSkeleton(login))
  const rows = await alikeRows(db, { skeletons: JSON.stringify(skeletons) })
  const alike = Map.groupBy(rows, (row) => row.skeleton)
  const own = rows.filter((row) => row.home === importer.here.self)
  const ids = own
    .filter((row) => lines.some(({ login }) => login === row.login))
    .map(({ id }) => id)
  const people = new Map((await peopleByIds(db, ids)).map((person) => [person.login, person]))
  return lines.map((line, i) => {
    const known = alike.get(skeletons[i] ?? '') ?? []
    const person = people.get(line.login)
    const row = own.find(({ id }) => id === person?.id)
    const isUnused = row?.ldap === null && isFastSalt(row.salt ?? '')
    return outcomeOf(importer, line, { known, person, isUnused })
  })
}

type Found = { known: readonly Known[]; person: Person | undefined; isUnused: boolean }

function outcomeOf(importer: Importer, line: ImportLine, found: Found): Outcome {
  const { person } = found
  const { firstName, lastName } = { ...person, ...line.wish }
  const base = {
    ...{ line: line.line, login: line.login, name: fullName(firstName ?? '', lastName ?? '') },
    ...{ changes: [], hasPassword: false },
  }
  const refused = (detail: string, values: Problem['values'] = {}): Outcome => {
    return { ...base, kind: 'refused', problem: { detail, values } }
  }
  if (line.problem !== undefined) return { ...base, kind: 'refused', problem: line.problem }
  if (importer.roles.length === 0) return refused('not-yours')
  if (person === undefined) {
    const other = found.known.find(({ login }) => login !== line.login)
    if (other !== undefined) return refused('login-alike', { login: other.login })
    if (!line.wish.firstName) return refused('required', { column: 'firstName' })
    const role = line.wish.role ?? 'employee'
    if (!importer.roles.includes(role)) return refused('role-not-yours', { role })
    return { ...base, kind: 'create', hasPassword: true }
  }
  if (person.disabled) return refused('person-disabled')
  const rights = rightsOver(importer.by, person, importer.here)
  if (!rights.mayEdit) return refused('not-yours')
  const changes = changesOf(person, line.wish)
  const role = changes.find(({ column }) => column === 'role')?.to
  if (role !== undefined && !rights.roles.some((each) => each === role)) {
    return refused('role-not-yours', { role })
  }
  const hasPassword = importer.renews && found.isUnused
  return { ...base, kind: changes.length > 0 ? 'change' : 'same', changes, hasPassword }
}

function changesOf(person: Person, wish: Wish): Change[] {
  return Object.entries(wish).flatMap(([column, to]) => {
    const from = person[column as keyof Wish]
    return from === to ? [] : [{ column, from, to }]
  })
}

/** Whether a line would still do what was shown. */
export function isAsShown(shown: Outcome, now: Outcome): boolean {
  const told = ({ kind, changes, hasPassword }: Outcome) =>
    JSON.stringify([kind, changes, hasPassword])
  return told(shown) === told(now)
}
