/**
 * The directory's event kinds: who may write each, and what each changes here. One writer per record, the home branch;
 * the exceptions are credentials (signed by the one before), blocks and roles (an issuing branch too) and where a
 * person is (that branch, signed by the person). docs/protocol.md, section 8.
 */
import type { Selectable } from 'kysely'
import * as v from 'valibot'
import { fromHex } from '../base/bytes.ts'
import type { Hlc } from '../base/hlc.ts'
import { millisOf } from '../base/hlc.ts'
import { DAY } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import type { Database } from '../db/schema.ts'
import type { EventKind, LoggedEvent } from '../eventlog/events.ts'
import { demandIssuer } from '../eventlog/issuers.ts'
import { noteAct } from './acts.ts'
import { noteRole, userBlock } from './blocks.ts'
import { credentialBytes, isSignedBy, locationBytes } from './credentials.ts'
import { endLeftStay } from './departures.ts'
import { erasingKinds } from './erasing.ts'
import {
  demandNext,
  dropPhoto,
  endSignIns,
  isAfter,
  type Key,
  keysAt,
  knownPerson,
  personRow,
  type Step,
} from './event-parts.ts'
import {
  credentialOf,
  endEarlierStays,
  insertCredential,
  insertUser,
  sameRows,
} from './event-rows.ts'
import { userFactor, userOut } from './factor-events.ts'
import { isFastSalt } from './fast-hash.ts'
import { forgetLost, noteIfLost, replacesColumn } from './lost-passwords.ts'
import { policyPut } from './policy.ts'
import { fullName } from './queries.ts'
import {
  type AsOf,
  OWN_FIELDS,
  type RoleGrant,
  roleGrantBody,
  type UserAt,
  type UserCred,
  type UserPut,
  userAtBody,
  userCredBody,
  userPutBody,
} from './records.ts'
import { settleWishes } from './wish-rows.ts'

/** A guest's stay after one sign-in; also how long the home branch may be silent meanwhile. */
export const GUEST_MS_MAX = 14 * DAY
/** A clock elsewhere may be wrong by this before its guests are refused. */
const CLOCK_SLACK_MS = DAY

/** 0301: the record of a person. Only the home branch writes it; login and home never change. */
export const userPut: EventKind<UserPut> = {
  code: 0x0301,
  name: 'user.put',
  scope: 'all',
  parse: (body) => v.parse(userPutBody, body),
  isPersonal: true,
  async refusal(tx, { body, origin }) {
    if (body.home !== origin) return 'not-home'
    const rows = await sameRows(tx, body)
    if (rows.some((row) => row.id !== body.user)) return 'login-taken'
    const known = rows[0]
    if (known === undefined) return undefined
    if (known.home !== origin) return 'not-home'
    return known.login === body.login ? undefined : 'login-changed'
  },
  async apply(tx, { body, hlc }) {
    const { user, home, login, createdAt, by: _by, asOf = {}, ...rest } = body
    const record = { ...rest, hlc, asOf: asOfColumn(asOf), ...foundBy(body) }
    const known = await personRow(tx, user)
    if (known === undefined) {
      await insertUser(tx, { ...record, id: user, home, login, createdAt })
      return
    }
    // Deleting wins over everything.
    if (known.erasedAt !== null) return
    // A restored home branch may bring an older record under a newer incarnation: the highest (rev, hlc) stays.
    if (body.rev < known.rev || (body.rev === known.rev && hlc <= known.hlc)) return
    await tx.updateTable('user').set(record).where('id', '=', user).execute()
    if (known.photo !== null && known.photo !== body.photo) await dropPhoto(tx, known.photo)
    await settleWishes(tx, user, asOf)
  },
}

/** 0302: a credential. Written at home, or elsewhere by who proved to know the password before. */
export const userCred: EventKind<UserCred> = {
  code: 0x0302,
  name: 'user.cred',
  scope: 'all',
  parse: (body) => v.parse(userCredBody, body),
  isPersonal: true,
  // An import brings thousands of first ones.
  isUrgent: ({ epoch, rev }) => epoch > 1 || rev > 0,
  async refusal(tx, { body, origin }) {
    // A password somebody chose would be guessed: the quick function is for drawn ones alone.
    if (isFastSalt(body.salt) && !body.mustChange) return 'fast-salt'
    const person = await knownPerson(tx, body.user)
    if (person.home === origin) return undefined
    // Elsewhere a person only follows on the credential that was proved: never past a reset by the home branch.
    if (body.signature === undefined || body.rev === 0 || body.mustChange) return 'not-home'
    const signature = fromHex(body.signature)
    const signed = credentialBytes({ ...body, branch: origin })
    const before = await keysAt(tx, { ...body, rev: body.rev - 1 })
    const isRight = before.some((key) => isSignedBy(key.publicKey, signed, signature))
    return isRight ? undefined : 'signature-wrong'
  },
  apply: putCredential,
}

/** 0304: a person is at a branch that is not the home branch; nobody but the person can say so. */
export const userAt: EventKind<UserAt> = {
  code: 0x0304,
  name: 'user.at',
  scope: 'all',
  parse: (body) => v.parse(userAtBody, body),
  async refusal(tx, { body, origin, hlc }) {
    if (body.branch !== origin) return 'not-its-branch'
    if (body.until > millisOf(hlc) + GUEST_MS_MAX + CLOCK_SLACK_MS) return 'until-too-far'
    const keys = await keysAt(tx, body)
    return signerAmong(keys, body) === undefined ? 'signature-wrong' : undefined
  },
  async apply(tx, event) {
    const { body, hlc } = event
    if (signerAmong(await keysAt(tx, body), body) === undefined) return
    const { user: userId, branch: branchId, epoch, rev } = body
    const until = Math.min(body.until, await stayEnd(tx, body))
    await tx
      .insertInto('location')
      .values({ userId, branchId, epoch, rev, until, hlc })
      .onConflict((conflict) =>
        conflict
          .columns(['userId', 'branchId'])
          .doUpdateSet({ epoch, rev, until, hlc })
          .where('location.hlc', '<', hlc),
      )
      .execute()
    await endLeftStay(tx, { userId, branchId })
  },
}

/** 0305: a role. An issuing branch gives any; the home branch makes and unmakes admins of its own people. */
export const roleGrant: EventKind<RoleGrant> = {
  code: 0x0305,
  name: 'role.grant',
  scope: 'all',
  parse: (body) => v.parse(roleGrantBody, body),
  isUrgent: ({ rev }) => rev > 1,
  async refusal(tx, event) {
    const { body, origin } = event
    const person = await knownPerson(tx, body.user)
    // Decided by the record alone, not by the role held now: branches that hear things in another order agree.
    const isForHome = body.role === 'employee' || body.role === 'branch-admin'
    if (person.home !== origin || !isForHome) await demandIssuer(tx, event)
    demandNext(body.rev, person.roleRev)
    return undefined
  },
  async apply(tx, event) {
    const { body, hlc, origin } = event
    const person = await knownPerson(tx, body.user)
    await noteRole(tx, event)
    const known = [person.roleRev, person.roleHlc, person.roleBranch]
    if (person.erasedAt !== null) return
    if (!isAfter([body.rev, hlc, origin], known)) return
    await tx
      .updateTable('user')
      .set({ role: body.role, roleRev: body.rev, roleHlc: hlc, roleBranch: origin })
      .where('id', '=', body.user)
      .execute()
  },
}

/** All kinds of this feature, for the event log. */
export const userKinds = [
  ...[userPut, userCred, userBlock, userAt, roleGrant],
  ...[userFactor, userOut, policyPut],
  ...erasingKinds,
] as const

/** The same text for the same values, whatever order they came in. */
function asOfColumn(asOf: AsOf): string | null {
  const given = OWN_FIELDS.flatMap((field) => (asOf[field] ? [[field, asOf[field]]] : []))
  return given.length === 0 ? null : JSON.stringify(Object.fromEntries(given))
}

/** What a person is found by, in lower case: first and last name, and all that the directory shows. */
function foundBy(body: UserPut): { searchName: string; searchText: string } {
  const { firstName, lastName, login, department, post, phone, room } = body
  const searchName = fullName(firstName, lastName).toLowerCase()
  const facts = [searchName, login, department, post, phone, room]
  return { searchName, searchText: facts.join('\n').toLowerCase() }
}

function signerAmong(keys: readonly Key[], body: UserAt): Key | undefined {
  const signed = locationBytes(body)
  const signature = fromHex(body.signature)
  return keys.find((key) => isSignedBy(key.publicKey, signed, signature))
}

/**
 * A credential proves a stay that had begun when a later one was written, and none much longer: a branch that was cut
 * off brings it late. The same end follows whichever of the stay and the later credentials came first.
 */
async function stayEnd(tx: Db, { user, epoch, rev }: Step): Promise<number> {
  const now = tx.selectFrom('credential').select(['epoch', 'rev', 'hlc'])
  const past = tx.selectFrom('credential_past').select(['epoch', 'rev', 'hlc'])
  const all = await now
    .where('userId', '=', user)
    .unionAll(past.where('userId', '=', user))
    .execute()
  const later = all.filter((each) => isAfter([each.epoch, each.rev], [epoch, rev]))
  return Math.min(...later.map((each) => stayEndBy(each.hlc)))
}

const stayEndBy = (hlc: Hlc) => millisOf(hlc) + GUEST_MS_MAX

/** A new credential ends the stays that earlier ones have proved, as if they came after it. */
async function endStays(tx: Db, { user, epoch, rev }: Step, hlc: Hlc): Promise<void> {
  await endEarlierStays(tx, { user, epoch, rev, until: stayEndBy(hlc) })
}

async function putCredential(tx: Db, event: LoggedEvent<UserCred>): Promise<void> {
  const { body, origin, hlc } = event
  const { user: userId, epoch, rev, salt } = body
  const publicKey = fromHex(body.publicKey)
  const replaces = replacesColumn(body)
  const fresh = { userId, epoch, rev, branchId: origin, publicKey, hlc, replaces }
  const factor = { factor: body.factor ? fromHex(body.factor.sealed) : null }
  await endStays(tx, body, hlc)
  if (body.by !== undefined && body.by !== userId) await noteAct(tx, event)
  // Nobody signs in any more; what was proved by it before may still come.
  if ((await knownPerson(tx, userId)).erasedAt !== null) return keepPast(tx, fresh)
  const [known] = await credentialOf(tx, { userId })
  if (known !== undefined) {
    const order = [known.epoch, known.rev, known.hlc, known.branchId]
    if (!isAfter([epoch, rev, hlc, origin], order)) {
      if (!body.mustChange) await noteIfLost(tx, { ...fresh, salt })
      return keepPast(tx, fresh)
    }
    const { branchId, publicKey, replaces } = known
    await keepPast(tx, {
      ...{ userId, branchId, publicKey },
      ...{ epoch: known.epoch, rev: known.rev, hlc: known.hlc, replaces },
    })
    await tx.deleteFrom('credential').where('userId', '=', userId).execute()
  }
  const mustChange = body.mustChange ? 1 : 0
  const factorUsed = body.factor?.used ?? 0
  await insertCredential(tx, { ...fresh, salt, mustChange, ...factor, factorUsed })
  const isLost = known?.mustChange === 0 && (await noteIfLost(tx, known))
  // Who knew what holds has set another one: what was lost before is told no more.
  if (!isLost && body.replaces !== undefined) await forgetLost(tx, userId)
  // Whoever is in by the old password is out: the action that changed it keeps its own sign-in itself.
  await endSignIns(tx, userId)
}

async function keepPast(tx: Db, past: Selectable<Database['credential_past']>): Promise<void> {
  await tx
    .insertInto('credential_past')
    .values(past)
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}
