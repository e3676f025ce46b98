/**
 * What the directory's events read and write for every person, as kept queries: an import applies thousands of them.
 */
import type { Insertable, Selectable } from 'kysely'
import { HLC_ZERO } from '../base/hlc.ts'
import type { BranchId, UserId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import { type Holes, prepared } from '../db/prepared.ts'
import type { Database } from '../db/schema.ts'

type UserRow = Selectable<Database['user']>
type CredentialRow = Required<
  Omit<Insertable<Database['credential']>, 'factorN' | 'factorHlc' | 'factorBranch'>
>

/** The record with the id, and whoever has the login at the branch. */
export const sameRows = prepared(
  (db, value: Holes<{ user: UserId; login: string; home: BranchId }>) =>
    db
      .selectFrom('user')
      .where((eb) =>
        eb.or([
          eb('id', '=', value('user')),
          eb.and([eb('login', '=', value('login')), eb('home', '=', value('home'))]),
        ]),
      )
      .select(['id', 'home', 'login']),
)

/** A person's row. */
export const userById = prepared((db, value: Holes<{ userId: UserId }>) =>
  db.selectFrom('user').where('id', '=', value('userId')).selectAll(),
)

type NewUser = Omit<UserRow, 'role' | `role${string}` | 'blockGeneration' | 'disabled' | 'erasedAt'>

/** A person who was not known: an employee, not blocked. */
export const insertUser = prepared((db, value: Holes<NewUser>) =>
  db.insertInto('user').values({
    id: value('id'),
    home: value('home'),
    login: value('login'),
    firstName: value('firstName'),
    lastName: value('lastName'),
    searchName: value('searchName'),
    photo: value('photo'),
    post: value('post'),
    department: value('department'),
    phone: value('phone'),
    room: value('room'),
    language: value('language'),
    theme: value('theme'),
    asOf: value('asOf'),
    role: 'employee',
    roleRev: 0,
    roleHlc: HLC_ZERO,
    roleBranch: value('home'),
    rev: value('rev'),
    hlc: value('hlc'),
    blockGeneration: 0,
    disabled: 0,
    searchText: value('searchText'),
    createdAt: value('createdAt'),
  }),
)

/** The credential that holds. */
export const credentialOf = prepared((db, value: Holes<{ userId: UserId }>) =>
  db.selectFrom('credential').where('userId', '=', value('userId')).selectAll(),
)

/** A credential that holds from now on. */
export const insertCredential = prepared((db, value: Holes<CredentialRow>) =>
  db.insertInto('credential').values({
    userId: value('userId'),
    epoch: value('epoch'),
    rev: value('rev'),
    hlc: value('hlc'),
    branchId: value('branchId'),
    salt: value('salt'),
    publicKey: value('publicKey'),
    mustChange: value('mustChange'),
    factor: value('factor'),
    factorUsed: value('factorUsed'),
    replaces: value('replaces'),
  }),
)

type Ending = { user: UserId; epoch: number; rev: number; until: Millis }

/** Stays that credentials before this one have proved end then. */
export const endEarlierStays = prepared((db, value: Holes<Ending>) =>
  db
    .updateTable('location')
    .set({ until: value('until') })
    .where('userId', '=', value('user'))
    .where('until', '>', value('until'))
    .where((row) =>
      row.or([
        row('epoch', '<', value('epoch')),
        row.and([row('epoch', '=', value('epoch')), row('rev', '<', value('rev'))]),
      ]),
    ),
)

/** Every sign-in of a person here ends. */
export const deleteSignIns = prepared((db, value: Holes<{ userId: UserId }>) =>
  db.deleteFrom('sign_in').where('userId', '=', value('userId')),
)
