/**
 * What admins do with accounts: each is one transaction that appends to the event log. Hashing happens before it, off
 * the main thread. `by` is who does it; undefined means an operator at the server itself.
 */
import type { Selectable } from 'kysely'
import type { AuditAction } from '../audit/actions.ts'
import { addAudit, changedOf } from '../audit/entries.ts'
import type { Changed, Personal } from '../audit/told.ts'
import { hex } from '../base/bytes.ts'
import { AppError, notFound } from '../base/errors.ts'
import { hlcOf } from '../base/hlc.ts'
import type { BranchId, UserId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import type { Database } from '../db/schema.ts'
import { personSubject, toldOf } from './audited.ts'
import { type AccountDeps, byOf, forbidden, subjectOf } from './authority.ts'
import { userBlock } from './blocks.ts'
import { type Credential, newCredential } from './credentials.ts'
import { roleGrant, userCred, userPut } from './events.ts'
import type { RecordChanges } from './inputs.ts'
import { refuseFromLdap } from './ldap-people.ts'
import { replaced } from './lost-passwords.ts'
import type { Issued } from './new-person.ts'
import { checkNewPassword, generatedPassword } from './passwords.ts'
import { keptPhoto, type PhotoChange } from './photo-rows.ts'
import type { Person } from './queries.ts'
import { type AsOf, asOfIn, OWN_FIELDS, type OwnField, type Role, type UserPut } from './records.ts'
import type { Rights } from './rights.ts'

type UserChanges = RecordChanges & {
  language?: string | undefined
  photo?: PhotoChange | undefined
}

/** Changes record, photo and role of somebody; what is absent stays. */
export async function editUser(
  deps: AccountDeps,
  by: Person | undefined,
  of: { id: UserId; changes: UserChanges },
): Promise<void> {
  await deps.store.writer.write((tx) => editPerson(deps, tx, { ...of, by }))
}

/** The same inside a transaction. */
export async function editPerson(
  deps: AccountDeps,
  tx: Db,
  { id, changes, by }: { id: UserId; changes: UserChanges; by: Person | undefined },
): Promise<void> {
  const { person, rights } = await subjectOf(tx, deps.self, by, id)
  const { role, photo, ...record } = changes
  const current: Record<string, unknown> = person
  const isChanged = Object.entries(record).some(
    ([name, value]) => value !== undefined && value !== current[name],
  )
  if (isChanged || photo !== undefined) {
    if (!rights.mayEdit) throw forbidden('Cannot edit this person here')
    const kept = await keptPhoto(tx, photo)
    const given = { ...withoutAbsent(record), ...kept }
    await putRecord(deps, tx, { id, changes: given, by })
    const told = changedOf(toldOf(person), toldOf(given))
    const personal = told && { ...told, random: deps.random }
    if (personal) await audited(deps, tx, { action: 'account.edited', by, person, personal })
  }
  if (role !== undefined && role !== person.role) {
    await changeRole(deps, tx, { person, role, rights, by })
  }
}

async function changeRole(
  deps: AccountDeps,
  tx: Db,
  of: { person: Person; role: Role; rights: Rights; by: Person | undefined },
): Promise<void> {
  const { person, role, rights, by } = of
  if (!rights.roles.includes(role)) throw forbidden('Cannot give this role')
  await checkNotLastAdmin(tx, person, role)
  const { roleRev } = await tx
    .selectFrom('user')
    .where('id', '=', person.id)
    .select('roleRev')
    .executeTakeFirstOrThrow()
  const body = { user: person.id, role, rev: roleRev + 1, ...byOf(by) }
  await deps.append(tx, { kind: roleGrant, to: 'all', body })
  const told = { before: { role: person.role }, after: { role } }
  await audited(deps, tx, { action: 'account.role', by, person, ...told })
}

/** An entry about what an admin did with somebody. */
async function audited(
  deps: Pick<AccountDeps, 'clock'>,
  tx: Db,
  {
    person,
    ...entry
  }: {
    action: AuditAction
    by: Person | undefined
    person: Person
    before?: Changed
    after?: Changed
    personal?: Personal
  },
): Promise<void> {
  await addAudit(deps, tx, { ...entry, subject: personSubject(person) })
}

/** Replaces parts of a record inside a transaction of the home branch. */
export async function putRecord(
  deps: Pick<AccountDeps, 'append' | 'clock'>,
  tx: Db,
  of: {
    id: UserId
    changes: Partial<UserPut>
    by?: Person | undefined
    /** Since when own fields among the changes hold; absent: since now. */
    asOf?: AsOf
  },
): Promise<void> {
  const row = await tx.selectFrom('user').where('id', '=', of.id).selectAll().executeTakeFirst()
  if (row === undefined) throw notFound('person')
  const asOf = { ...asOfIn(row.asOf), ...(of.asOf ?? setNow(deps, row, of.changes)) }
  const body: UserPut = {
    user: row.id,
    home: row.home,
    login: row.login,
    firstName: row.firstName,
    lastName: row.lastName,
    photo: row.photo,
    post: row.post,
    department: row.department,
    phone: row.phone,
    room: row.room,
    language: row.language,
    theme: row.theme,
    createdAt: row.createdAt,
    ...of.changes,
    rev: row.rev + 1,
    asOf,
    ...byOf(of.by),
  }
  await deps.append(tx, { kind: userPut, to: 'all', body })
}

/** Own fields that are changed here hold from now on, or from what was said last, if a clock was ahead. */
function setNow(
  { clock }: Pick<AccountDeps, 'clock'>,
  row: Pick<Selectable<Database['user']>, OwnField | 'asOf'>,
  changes: Partial<UserPut>,
): AsOf {
  const [before, now] = [asOfIn(row.asOf), hlcOf(clock.now(), 0)]
  const changed = OWN_FIELDS.filter(
    (field) => changes[field] !== undefined && changes[field] !== row[field],
  )
  return Object.fromEntries(
    changed.map((field) => {
      const last = before[field]
      return [field, last !== undefined && last > now ? last : now]
    }),
  )
}

/** Sets a password that must be changed at the next sign-in; all sign-ins of the person end, everywhere. */
export async function setTemporaryPassword(
  deps: AccountDeps,
  by: Person | undefined,
  of: { id: UserId; password?: string | undefined; temporary?: boolean | undefined },
): Promise<Issued> {
  const { person, rights } = await subjectOf(deps.store.read, deps.self, by, of.id)
  if (!rights.mayEdit) throw forbidden('Cannot set the password of this person here')
  await refuseFromLdap(deps.store.read, of.id)
  const password = of.password ?? generatedPassword(deps.random)
  checkNewPassword(password, person.login)
  const { credential } = await newCredential(deps, password)
  const mustChange = of.temporary ?? true
  await deps.store.writer.write((tx) =>
    putTemporary(deps, tx, {
      id: of.id,
      credential,
      mustChange,
      isDrawn: of.password === undefined,
      by,
    }),
  )
  return { id: of.id, password }
}

/** Appends a new credential inside a transaction of the home branch; throws forbidden without the right. */
export async function putTemporary(
  deps: AccountDeps,
  tx: Db,
  of: {
    id: UserId
    credential: Credential
    mustChange: boolean
    isDrawn: boolean
    /**
     * A password of LDAP: a second factor does not end by it. Answers its box under the new password, if that can be
     * made; else nobody reads it.
     */
    keepsFactor?: (tx: Db, box: Uint8Array) => Promise<Uint8Array | undefined>
    by: Person | undefined
  },
): Promise<void> {
  const { person, rights } = await subjectOf(tx, deps.self, of.by, of.id)
  if (!rights.mayEdit) throw forbidden('Cannot set the password of this person here')
  const known = await tx
    .selectFrom('credential')
    .where('userId', '=', of.id)
    .select(['epoch', 'factor', 'factorUsed'])
    .executeTakeFirst()
  const box = of.keepsFactor && known?.factor
  // A box that cannot be made anew stays all the same: without it the new password alone would let in.
  const sealed = box && ((await of.keepsFactor?.(tx, box)) ?? box)
  const factor = sealed && known && { sealed: hex(sealed), used: known.factorUsed }
  const body = {
    user: of.id,
    // A new epoch beats every change the person made elsewhere meanwhile.
    epoch: (known?.epoch ?? 0) + 1,
    rev: 0,
    salt: of.credential.salt,
    publicKey: hex(of.credential.publicKey),
    mustChange: of.mustChange,
    ...(factor && { factor }),
    ...(await replaced(tx, of.id)),
    ...byOf(of.by),
  }
  await deps.append(tx, { kind: userCred, to: 'all', body })
  const after = { mustChange: of.mustChange, isDrawn: of.isDrawn }
  await audited(deps, tx, { action: 'account.password', by: of.by, person, after })
}

/**
 * Takes somebody's second factor away: the telephone is lost. The password stays, under a new epoch, which beats what
 * was changed elsewhere; all sign-ins end, because whoever found the telephone may be in.
 */
export async function removeSecondFactor(
  deps: AccountDeps,
  by: Person | undefined,
  id: UserId,
): Promise<void> {
  await deps.store.writer.write(async (tx) => {
    const { person, rights } = await subjectOf(tx, deps.self, by, id)
    if (!rights.mayEdit) throw forbidden('Cannot remove the second factor of this person here')
    const known = await tx
      .selectFrom('credential')
      .where('userId', '=', id)
      .where('factor', 'is not', null)
      .selectAll()
      .executeTakeFirst()
    if (known === undefined) throw notFound('second factor')
    const { salt, publicKey, epoch, mustChange } = known
    const body = {
      ...{ user: id, epoch: epoch + 1, rev: 0, salt, publicKey: hex(publicKey) },
      ...{ mustChange: mustChange === 1, ...(await replaced(tx, id)), ...byOf(by) },
    }
    await deps.append(tx, { kind: userCred, to: 'all', body })
    await audited(deps, tx, { action: 'account.factor-removed', by, person, after: {} })
  })
}

/** Closes an account: every sign-in everywhere ends as the event arrives. */
export async function disableUser(
  deps: AccountDeps,
  by: Person | undefined,
  id: UserId,
): Promise<void> {
  if (by?.id === id) throw forbidden('Cannot disable your own account')
  await deps.store.writer.write((tx) => disablePerson(deps, tx, { id, by }))
}

/** The same inside a transaction. */
export async function disablePerson(
  deps: AccountDeps,
  tx: Db,
  { id, by }: { id: UserId; by: Person | undefined },
): Promise<void> {
  const { person, rights } = await subjectOf(tx, deps.self, by, id)
  if (!rights.mayBlock) throw forbidden('Cannot disable this person here')
  if (person.disabled) return
  await checkNotLastAdmin(tx, person, undefined)
  await putBlock(deps, tx, { person, blocked: true, by })
}

/** Opens a closed account again. */
export async function enableUser(
  deps: AccountDeps,
  by: Person | undefined,
  id: UserId,
): Promise<void> {
  await deps.store.writer.write(async (tx) => {
    const { person, rights } = await subjectOf(tx, deps.self, by, id)
    if (!rights.mayBlock) throw forbidden('Cannot enable this person here')
    if (person.disabled) await putBlock(deps, tx, { person, blocked: false, by })
  })
}

/** Closes or opens an account inside a transaction of who may. */
export async function putBlock(
  deps: AccountDeps,
  tx: Db,
  of: { person: Person; blocked: boolean; by: Person | undefined },
): Promise<void> {
  const { blockGeneration } = await tx
    .selectFrom('user')
    .where('id', '=', of.person.id)
    .select('blockGeneration')
    .executeTakeFirstOrThrow()
  // Only opening begins a generation: two admins who close and open at once leave the account closed.
  const generation = of.blocked ? blockGeneration : blockGeneration + 1
  const body = { user: of.person.id, generation, blocked: of.blocked, ...byOf(of.by) }
  await deps.append(tx, { kind: userBlock, to: 'all', body })
  await audited(deps, tx, {
    ...{ action: of.blocked ? 'account.disabled' : 'account.enabled', by: of.by },
    ...{ person: of.person, before: { disabled: !of.blocked }, after: { disabled: of.blocked } },
  })
}

/** Without it a branch, or the organisation, would have nobody left who can open the door again. */
export async function checkNotLastAdmin(
  tx: Db,
  person: Person,
  role: Role | undefined,
): Promise<void> {
  const others = (roles: readonly Role[], home?: BranchId) => {
    const query = tx
      .selectFrom('user')
      .where('id', '!=', person.id)
      .where('disabled', '=', 0)
      .where('role', 'in', roles)
    return (home === undefined ? query : query.where('home', '=', home))
      .select('id')
      .executeTakeFirst()
  }
  const admins: readonly Role[] = ['branch-admin', 'organisation-admin']
  if (!admins.includes(person.role) || person.disabled) return
  const staysAdmin = role !== undefined && admins.includes(role)
  const isLastHere = !staysAdmin && (await others(admins, person.branch.id)) === undefined
  const isLastOfAll =
    person.role === 'organisation-admin' &&
    role !== 'organisation-admin' &&
    (await others(['organisation-admin'])) === undefined
  if (isLastHere || isLastOfAll) {
    throw new AppError('conflict', 'Cannot do this: it is the last admin', {
      field: role === undefined ? 'confirm' : 'role',
      detail: 'last-admin',
    })
  }
}

function withoutAbsent<T extends object>(record: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(record).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> }
}
