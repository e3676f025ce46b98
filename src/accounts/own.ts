/** What people change of their own account: name, photo, language, look, password. */
import { addAudit, changedOf } from '../audit/entries.ts'
import { hex } from '../base/bytes.ts'
import { AppError, invalidInput, notFound } from '../base/errors.ts'
import type { Db } from '../db/open.ts'
import { putRecord } from './actions.ts'
import { personSubject, toldOf } from './audited.ts'
import type { AccountDeps } from './authority.ts'
import {
  type Credential,
  credentialBytes,
  newCredential,
  provedBy,
  type Signer,
} from './credentials.ts'
import { userCred } from './events.ts'
import { sealFactor } from './factor-box.ts'
import { refuseFromLdap } from './ldap-people.ts'
import { replaced } from './lost-passwords.ts'
import { checkNewPassword } from './passwords.ts'
import { keptPhoto, type PhotoChange } from './photo-rows.ts'
import { getPerson, type Person } from './queries.ts'
import { OWN_FIELDS, type OwnField, type Theme, type UserPut } from './records.ts'
import { openedFactor, type Sealed } from './second-factor.ts'
import type { Known, SignIns } from './sign-ins.ts'
import { putStay } from './stays.ts'
import { hashOf, tokenOf } from './tokens.ts'
import { wishOf } from './wish-rows.ts'
import { userWish } from './wishes.ts'

type ProfileChanges = {
  firstName?: string | undefined
  lastName?: string | undefined
  language?: string | undefined
  theme?: Theme | undefined
  photo?: PhotoChange | undefined
}

/** Changes the own profile; of a guest the home branch is asked to. */
export async function editProfile(
  deps: AccountDeps,
  user: Person,
  { photo, ...record }: ProfileChanges,
): Promise<Person> {
  const { store, self } = deps
  if (user.branch.id !== self) return await askHome(deps, user, { photo, ...record })
  const given = Object.entries(record).filter(([, value]) => value !== undefined)
  return store.writer.write(async (tx) => {
    const kept = await keptPhoto(tx, photo)
    const changes: Partial<UserPut> = { ...Object.fromEntries(given), ...kept }
    const told = changedOf(toldOf(await getPerson(tx, user.id)), toldOf(changes))
    await putRecord(deps, tx, { id: user.id, changes, by: user })
    const personal = told && { ...told, random: deps.random }
    const entry = { by: user, subject: personSubject(user), personal }
    if (told) await addAudit(deps, tx, { action: 'own.profile', ...entry })
    return getPerson(tx, user.id)
  })
}

/** Asks the home branch for what is not so already, and was not asked; the same again asks nothing. */
async function askHome(
  deps: AccountDeps,
  user: Person,
  { photo, ...record }: ProfileChanges,
): Promise<Person> {
  const { store, self } = deps
  await store.writer.write(async (tx) => {
    const now = await getPerson(tx, user.id)
    const asked = await wishOf(tx, user.id)
    const given = { ...record, ...(await keptPhoto(tx, photo)) }
    const open = asked?.refused === undefined ? (asked?.fields ?? {}) : {}
    const isSo = (field: OwnField) =>
      given[field] === (open[field] === undefined ? (now[field] ?? null) : open[field])
    const fields = OWN_FIELDS.filter((field) => given[field] !== undefined && !isSo(field))
    if (fields.length === 0) return
    const picture = photo === undefined || photo === 'none' ? null : photo.bytes.toBase64()
    const wanted = fields.map((field) => [field, field === 'photo' ? picture : given[field]])
    const body = { user: user.id, ...Object.fromEntries(wanted) }
    const kind = userWish({ ...deps, self })
    await deps.append(tx, { kind, to: [user.branch.id], body })
    const told = fields.map((field) => [field, given[field]])
    const after = toldOf(Object.fromEntries(told), { isNew: true })
    const entry = { action: 'own.wish' as const, by: user, subject: personSubject(user), after }
    await addAudit(deps, tx, entry)
  })
  return getPerson(store.read, user.id)
}

export type OwnPasswordDeps = AccountDeps & { signIns: SignIns }

/**
 * Changes the own password. `current` may be absent only while the password is temporary. All other sign-ins end; this
 * one goes on with the token returned, because the old token may be known to whoever knew the old password.
 */
export async function changePassword(
  deps: OwnPasswordDeps,
  { signIn, user }: Known,
  of: { current?: string | undefined; password: string; address: string },
): Promise<{ token: string }> {
  const { store, hasher, signIns, random } = deps
  const isGuest = user.branch.id !== deps.self
  await refuseFromLdap(store.read, user.id)
  const before = await credentialOf(store.read, user)
  checkNewPassword(of.password, user.login)
  await checkOther(deps, before, of)
  const old = signIn.mustChange
    ? signIns.signerLeft(signIn.id)
    : await signIns.provedAgain(user, of.current ?? '', of.address)
  const { credential, signer } = await newCredential({ hasher, random }, of.password)
  const factor = sealedAgain(deps, { user, before, old, signer })
  const next = {
    ...nextCredential({ user, self: deps.self, before, credential, isGuest }),
    ...factor,
  }
  const token = tokenOf(deps)
  await store.writer.write(async (tx) => {
    const now = await credentialOf(tx, user)
    if (!isSame(now, before)) throw changedMeanwhile()
    const own = await tx.selectFrom('sign_in').where('id', '=', signIn.id).selectAll().execute()
    const signature = isGuest ? { signature: hex(signerOf(old).sign(credentialBytes(next))) } : {}
    const { branch: _branch, ...body } = next
    await deps.append(tx, {
      kind: userCred,
      to: 'all',
      body: { ...body, mustChange: false, ...signature, ...(await replaced(tx, user.id)) },
    })
    // Applying it ended all sign-ins of the person here, this one too.
    const kept = own.map((row) => ({ ...row, tokenHash: hashOf(token) }))
    if (kept.length > 0) await tx.insertInto('sign_in').values(kept).execute()
    await addAudit(deps, tx, { action: 'own.password', by: user, subject: personSubject(user) })
    if (isGuest)
      await putStay(deps, tx, { user: user.id, epoch: next.epoch, rev: next.rev, signer })
  })
  // The next thing to do may be a second factor, which this password seals.
  if (signIn.mustChange) signIns.leaveSigner(signIn.id, signer)
  return { token }
}

type Before = Credential & Sealed & { epoch: number; rev: number; factorN: number }

function isSame(one: Before, other: Before): boolean {
  const of = ({ epoch, rev, factorN, factorUsed }: Before) => [epoch, rev, factorN, factorUsed]
  return of(one).join() === of(other).join()
}

/** The second factor under the new password: in the same event, so that no branch ever knows one without the other. */
function sealedAgain(
  { random }: OwnPasswordDeps,
  of: { user: Person; before: Before; old: Signer | undefined; signer: Signer },
): { factor?: { sealed: string; used: number } } {
  const { before, signer } = of
  if (before.factor === null) return {}
  const user = of.user.id
  const factor = openedFactor({ user, signer: signerOf(of.old), sealed: before })
  const sealed = hex(sealFactor(factor, { user, signer, random }))
  return { factor: { sealed, used: before.factorUsed } }
}

async function credentialOf(db: Db, user: Person): Promise<Before> {
  const row = await db
    .selectFrom('credential')
    .where('userId', '=', user.id)
    .select(['salt', 'publicKey', 'epoch', 'rev', 'factor', 'factorN', 'factorUsed'])
    .executeTakeFirst()
  if (row === undefined) throw notFound('person')
  return row
}

/** A new password is another one: else a temporary one would stay the password for ever. */
async function checkOther(
  { hasher }: OwnPasswordDeps,
  before: Before,
  of: { current?: string | undefined; password: string },
): Promise<void> {
  const isSame =
    of.current === undefined
      ? (await provedBy(hasher, before, of.password)) !== undefined
      : of.current.normalize('NFC') === of.password.normalize('NFC')
  if (isSame) throw invalidInput('password', 'Cannot keep the password', 'password-same')
}

/** At home a new epoch, which beats whatever was changed elsewhere; as a guest the next step, signed by the old key. */
function nextCredential(of: {
  user: Person
  self: Person['branch']['id']
  before: Before
  credential: Credential
  isGuest: boolean
}) {
  const { before, credential, isGuest } = of
  return {
    user: of.user.id,
    branch: of.self,
    epoch: isGuest ? before.epoch : before.epoch + 1,
    rev: isGuest ? before.rev + 1 : 0,
    salt: credential.salt,
    publicKey: hex(credential.publicKey),
  }
}

function signerOf(old: Signer | undefined): Signer {
  if (old !== undefined) return old
  // The server was started anew since: only who types the temporary password again can sign with it.
  throw new AppError('not-signed-in', 'Cannot change the password now: sign in again first')
}

function changedMeanwhile(): AppError {
  return new AppError('conflict', 'Cannot change the password: it was changed meanwhile')
}
