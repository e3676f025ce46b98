/** New accounts: checked and hashed first, then written in one transaction, also that of a branch's set-up. */
import { addAudit } from '../audit/entries.ts'
import { hex } from '../base/bytes.ts'
import type { UserId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import { personSubject, toldOf } from './audited.ts'
import { type AccountDeps, byOf, forbidden, hereOf } from './authority.ts'
import { type Credential, newCredential } from './credentials.ts'
import { roleGrant, userCred, userPut } from './events.ts'
import type { RecordChanges } from './inputs.ts'
import { checkLoginFree } from './login-rows.ts'
import { asLogin } from './logins.ts'
import { checkNewPassword, generatedPassword } from './passwords.ts'
import { keptPhoto } from './photo-rows.ts'
import type { Photo } from './photos.ts'
import type { Person } from './queries.ts'
import type { UserPut } from './records.ts'
import { rolesForNew } from './rights.ts'

export type NewPerson = RecordChanges & {
  login: string
  firstName: string
  language?: string
  photo?: Photo | undefined
  /** Drawn when absent. */
  password?: string | undefined
  /** False for accounts of scripts and for whoever chose it: it need not be changed. */
  temporary?: boolean | undefined
}

/** What to hand over: the password is shown once and kept nowhere. */
export type Issued = { id: UserId; password: string }

/** A person ready to be written: checked and hashed, so that the transaction awaits nothing else. */
type PreparedPerson = { password: string; write(tx: Db, by?: Person): Promise<UserId> }

/** Creates an account of this branch; throws invalid-input for login and password, forbidden without the right. */
export async function createUser(
  deps: AccountDeps,
  by: Person | undefined,
  input: NewPerson,
): Promise<Issued> {
  const role = input.role ?? 'employee'
  const here = await hereOf(deps.store.read, deps.self)
  if (!rolesForNew(by, here).includes(role)) throw forbidden('Cannot give this role')
  await checkLoginFree(deps.store.read, deps.self, asLogin(input.login))
  const prepared = await preparePerson(deps, input)
  const id = await deps.store.writer.write((tx) => prepared.write(tx, by))
  return { id, password: prepared.password }
}

/** Checks and hashes; `write` then appends the person inside a transaction of the caller. */
export async function preparePerson(deps: AccountDeps, input: NewPerson): Promise<PreparedPerson> {
  const login = asLogin(input.login)
  const password = input.password ?? generatedPassword(deps.random)
  checkNewPassword(password, login)
  const { credential } = await newCredential(deps, password)
  const mustChange = input.temporary ?? true
  const write = (tx: Db, by?: Person) => {
    return writePerson(deps, tx, { input: { ...input, login }, credential, mustChange, by })
  }
  return { password, write }
}

/** Appends a person with a credential and a role inside a transaction; throws invalid-input for the login. */
export async function writePerson(
  deps: AccountDeps,
  tx: Db,
  of: { input: NewPerson; credential: Credential; mustChange: boolean; by: Person | undefined },
): Promise<UserId> {
  const { input, mustChange } = of
  await checkLoginFree(tx, deps.self, input.login)
  const user = deps.random.id() as UserId
  const doneBy = byOf(of.by)
  const { salt, publicKey } = of.credential
  const proof = { epoch: 1, rev: 0, salt, publicKey: hex(publicKey) }
  const record = newRecord(deps, user, input)
  await keptPhoto(tx, input.photo)
  await deps.append(tx, { kind: userPut, to: 'all', body: { ...record, ...doneBy } })
  const body = { user, ...proof, mustChange, ...doneBy }
  await deps.append(tx, { kind: userCred, to: 'all', body })
  const role = input.role ?? 'employee'
  if (role !== 'employee') {
    await deps.append(tx, { kind: roleGrant, to: 'all', body: { user, role, rev: 1, ...doneBy } })
  }
  await addAudit(deps, tx, {
    ...{ action: 'account.created', by: of.by },
    subject: personSubject({ id: user, login: record.login }),
    after: { role, mustChange },
    personal: { random: deps.random, after: toldOf(record, { isNew: true }) },
  })
  return user
}

function newRecord(deps: AccountDeps, user: UserId, input: NewPerson): UserPut {
  return {
    user,
    home: deps.self,
    rev: 1,
    login: input.login,
    firstName: input.firstName,
    lastName: input.lastName ?? '',
    photo: input.photo?.hash ?? null,
    post: input.post ?? '',
    department: input.department ?? '',
    phone: input.phone ?? '',
    room: input.room ?? '',
    language: input.language ?? null,
    theme: 'auto',
    createdAt: deps.clock.now(),
  }
}
