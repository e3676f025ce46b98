/** What the audit log says of people: who is meant, what of a record is told, and what was done to ours elsewhere. */
import type { AuditAction } from '../audit/actions.ts'
import { type AuditParts, addAudit } from '../audit/entries.ts'
import type { Changed } from '../audit/told.ts'
import { millisOf } from '../base/hlc.ts'
import type { BranchId, UserId } from '../base/ids.ts'
import { isoTime } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import type { EventKind, LoggedEvent } from '../eventlog/events.ts'
import { userBlock } from './blocks.ts'
import { roleGrant, userCred, userKinds } from './events.ts'
import { userFactor, userOut } from './factor-events.ts'
import { lostPasswordOf } from './lost-passwords.ts'
import { findPerson, type Person } from './queries.ts'
import type { UserCred } from './records.ts'

/**
 * A person as an entry names it: by the id and the login, which never change and outlive the person. The name is that
 * of the day somebody reads the entry: an entry cannot be changed, and a deleted person must be nobody in it too.
 */
export function personSubject({ id, login }: Pick<Person, 'id' | 'login'>) {
  return { kind: 'person' as const, id, name: login }
}

/** What an entry tells of a record; language and look are nobody's business. */
const TOLD = [
  ...(['login', 'firstName', 'lastName', 'post', 'department'] as const),
  ...(['phone', 'room', 'photo'] as const),
] as const

type Told = Partial<Record<(typeof TOLD)[number], string | null | undefined>>

/** Of a record, or of changes to one, what an entry tells; empty fields of a new one are left out. */
export function toldOf(record: Told, { isNew = false } = {}): Changed {
  const given = TOLD.map((name) => [name, record[name]] as const)
  return Object.fromEntries(given.filter(([, value]) => !isNew || (value ?? '') !== ''))
}

type Parts = AuditParts & { self: BranchId }

/**
 * All kinds of this feature. Of those by which another branch changes our people (a block, a role, a password or second
 * factor changed as a guest, sign-ins ended from there) what changes is an entry here too, so that the log of each
 * branch is whole for its own people.
 */
export function auditedUserKinds(parts: Parts): readonly EventKind<never>[] {
  const stateOf = (name: 'role' | 'disabled') => async (tx: Db, user: UserId) => {
    const person = await findPerson(tx, user)
    return person && { [name]: person[name] }
  }
  const kinds = [
    heard(parts, userBlock, {
      state: stateOf('disabled'),
      action: ({ blocked }) => (blocked ? 'account.disabled' : 'account.enabled'),
    }),
    heard(parts, roleGrant, { state: stateOf('role'), action: () => 'account.role' }),
    tellingLost(
      parts,
      heard(parts, userCred, {
        state: credentialState,
        action: ({ by }) => (by === undefined ? 'own.password' : 'account.password'),
        isSecret: true,
      }),
    ),
    heard(parts, userFactor, {
      state: factorState,
      action: ({ sealed }, { hasFactor }) =>
        sealed === null ? 'own.factor-off' : hasFactor ? 'own.factor-codes' : 'own.factor',
      isSecret: true,
    }),
    heard(parts, userOut, {
      state: signInState,
      action: () => 'sign-in.ended-all',
      isSecret: true,
    }),
  ]
  const all = userKinds.map((kind) => kinds.find(({ name }) => name === kind.name) ?? kind)
  return all as unknown as readonly EventKind<never>[]
}

async function credentialState(tx: Db, userId: UserId): Promise<Changed | undefined> {
  return await tx
    .selectFrom('credential')
    .where('userId', '=', userId)
    .select(['epoch', 'rev'])
    .executeTakeFirst()
}

/** The number of a factor: a recovery code that was used changes nothing of it. */
async function factorState(tx: Db, userId: UserId): Promise<Changed | undefined> {
  const row = await tx
    .selectFrom('credential')
    .where('userId', '=', userId)
    .select(['factorN', 'factor'])
    .executeTakeFirst()
  return row && { factorN: row.factorN, hasFactor: row.factor !== null }
}

async function signInState(tx: Db, userId: UserId): Promise<Changed> {
  return await tx
    .selectFrom('sign_in')
    .where('userId', '=', userId)
    .select((eb) => eb.fn.countAll<number>().as('signIns'))
    .executeTakeFirstOrThrow()
}

type Hearing<Body> = {
  state(tx: Db, user: UserId): Promise<Changed | undefined>
  action(body: Body, before: Changed): AuditAction
  /** Only that it changed is told. */
  isSecret?: boolean
}

function heard<Body extends { user: UserId; by?: UserId | undefined }>(
  parts: Parts,
  kind: EventKind<Body>,
  { state, action, isSecret = false }: Hearing<Body>,
): EventKind<Body> {
  return {
    ...kind,
    async apply(tx, event) {
      const { body, origin } = event
      const person = origin === parts.self ? undefined : await findPerson(tx, body.user)
      if (person?.branch.id !== parts.self) return await kind.apply(tx, event)
      const before = await state(tx, body.user)
      await kind.apply(tx, event)
      const after = await state(tx, body.user)
      if (JSON.stringify(before) === JSON.stringify(after)) return
      const told = isSecret ? {} : { before, after }
      await addAudit(parts, tx, {
        ...{ action: action(body, before ?? {}), branch: origin, subject: personSubject(person) },
        // A guest changes the own password.
        by: { id: body.by ?? (isSecret ? body.user : undefined) },
        before: told.before,
        after: { ...told.after, writtenAt: writtenAt(event) },
      })
    },
  }
}

/** A password that lost against another change: told where the person is at home, and where it was set. */
function tellingLost(parts: Parts, kind: EventKind<UserCred>): EventKind<UserCred> {
  return {
    ...kind,
    async apply(tx, event) {
      const { user } = event.body
      const before = await lostPasswordOf(tx, user)
      await kind.apply(tx, event)
      const lost = await lostPasswordOf(tx, user)
      if (lost === undefined || lost.lostAt === before?.lostAt) return
      const person = await findPerson(tx, user)
      const isOurs = person?.branch.id === parts.self || lost.lostBranchId === parts.self
      if (person === undefined || !isOurs) return
      const { lostBranch, heldBranch } = lost
      await addAudit(parts, tx, {
        ...{ action: 'own.password-lost', branch: event.origin, subject: personSubject(person) },
        before: { branch: lostBranch, writtenAt: isoTime(lost.lostAt) },
        after: { branch: heldBranch, writtenAt: isoTime(lost.heldAt) },
      })
    },
  }
}

/** By the clock there: it may have been cut off for long. */
const writtenAt = ({ hlc }: LoggedEvent) => isoTime(millisOf(hlc))
