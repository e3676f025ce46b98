/**
 * Whether a password, and a code, are right: against the credential kept here, or where LDAP answers for the person
 * against that. What it costs tells nothing of who exists.
 */
import { AppError, invalidInput } from '../base/errors.ts'
import type { UserId } from '../base/ids.ts'
import { isoTime } from '../base/units.ts'
import type { Attempts } from './attempts.ts'
import type { AccountDeps } from './authority.ts'
import { provedBy, type Signer } from './credentials.ts'
import type { Factor } from './factor-box.ts'
import { isFastSalt } from './fast-hash.ts'
import type { Caller } from './hasher.ts'
import { type HomeAsking, stepOf } from './home-asking.ts'
import { lostPasswordOf } from './lost-passwords.ts'
import { normalPassword, PASSWORD_CHARACTERS_MAX } from './passwords.ts'
import { type Person, personByLogin } from './queries.ts'
import type { SecondFactors } from './second-factor.ts'

/** Where some people's passwords are checked instead: LDAP. */
export type Outside = {
  /** undefined: not one of theirs, or no answer; then what is kept here serves. */
  check(person: Person, password: string): Promise<'right' | 'wrong' | undefined>
  /** The password was right: keeps it as the person's own, for other branches and for when there is no answer. */
  keep(person: Person, password: string): Promise<void>
  /** What is kept here has been outlived: nobody signs in by it any more, anywhere. */
  end(person: Person): Promise<void>
  /** A second factor that was just opened, so that it outlives the password. */
  keepFactor(user: UserId, factor: Factor): Promise<void>
}

type ProofParts = Pick<AccountDeps, 'store' | 'hasher' | 'self'> & {
  attempts: Attempts
  /** For logins that do not exist: the same work, so that the time tells nothing. */
  decoySalt: string
  factors: Pick<SecondFactors<unknown>, 'check'>
  outside?: Outside
  home?: Pick<HomeAsking, 'caughtUp'>
}

/** Of an ISO time: up to the minutes. */
const MINUTES = 16

async function credentialOf({ store }: Pick<ProofParts, 'store'>, person: Person | undefined) {
  const credential =
    person &&
    (await store.read
      .selectFrom('credential')
      .where('userId', '=', person.id)
      .select(['salt', 'publicKey', 'epoch', 'rev', 'mustChange', 'factor', 'factorUsed'])
      .executeTakeFirst())
  return { credential }
}

/** The credential kept here of somebody, and its signer when the password is right. */
async function proof(
  parts: ProofParts,
  person: Person | undefined,
  password: string,
  caller: Caller = 'known',
) {
  const { credential } = await credentialOf(parts, person)
  const nobody = { salt: parts.decoySalt, publicKey: new Uint8Array(0) }
  // A password of any length costs the same; one that is too long is nobody's.
  const typed = normalPassword(password).slice(0, PASSWORD_CHARACTERS_MAX + 1)
  // One that was imported is checked in microseconds: the time must not tell who has never signed in.
  if (credential !== undefined && isFastSalt(credential.salt)) {
    await parts.hasher.seedOf(typed, parts.decoySalt, caller)
  }
  const signer = await provedBy(parts.hasher, credential ?? nobody, typed, caller)
  return { credential, signer }
}

export type Proof = NonNullable<Awaited<ReturnType<typeof proof>>['credential']>

/** Password and code again, for changes of the second factor. */
export async function provedWithCode(
  parts: ProofParts,
  user: Person,
  of: { password: string; code: string; address: string },
) {
  const signer = await provedAgain(parts, { user, ...of })
  const { credential } = await credentialOf(parts, user)
  const { address } = of
  const proved = credential && { user: user.id, signer, sealed: credential, address }
  if (proved === undefined) throw wrong()
  await parts.factors.check(proved, of.code)
  return proved
}

/** The password is that of LDAP where LDAP answers for the person, and the credential kept here where it does not. */
async function proved(
  parts: ProofParts,
  of: { person: Person | undefined; password: string; caller: Caller },
) {
  const { person, password } = of
  const known = await proof(parts, person, password, of.caller)
  const said = person && (await parts.outside?.check(person, password))
  if (person === undefined || said === undefined) return known
  const isStale = known.signer !== undefined
  if (said === 'wrong') {
    if (isStale) await parts.outside?.end(person)
    return { credential: undefined, signer: undefined }
  }
  const isKept = known.signer !== undefined && known.credential?.mustChange === 0
  if (isKept || person.disabled) return known
  await parts.outside?.keep(person, password)
  return proof(parts, person, password)
}

/**
 * The same; what is wrong by what is known here is tried once more when the home branch, asked once, knew of a later
 * credential, or of the person, and that has come.
 */
export async function provedOrCaughtUp(
  parts: ProofParts,
  of: { login: string; person: Person | undefined; password: string; caller: Caller },
) {
  const { read } = parts.store
  const { login, person, password, caller } = of
  const before = await stepOf(read, person?.id)
  const known = await proved(parts, { person, password, caller })
  if (known.signer !== undefined || parts.home === undefined) return { person, ...known }
  await parts.home.caughtUp({ login, person, caller })
  const now = await personByLogin(read, parts.self, login)
  const after = await stepOf(read, now?.id)
  const isSame = now?.id === person?.id && after.hlc === before.hlc
  if (isSame) return { person, ...known }
  return { person: now, ...(await proved(parts, { person: now, password, caller })) }
}

/**
 * Whether somebody who is signed in types the right password, by LDAP where that answers. Nothing is kept of one that
 * is new there: that would end the very sign-in it is typed in.
 */
export async function provedNow(parts: ProofParts, user: Person, password: string) {
  const { signer } = await proof(parts, user, password)
  const said = await parts.outside?.check(user, password)
  if (said !== 'wrong') return { isRight: said === 'right' || signer !== undefined, signer }
  if (signer !== undefined) await parts.outside?.end(user)
  return { isRight: false, signer: undefined }
}

/** The signer of a person who types the present password; throws invalid-input at `current`, too-many. */
export async function provedAgain(
  parts: ProofParts,
  of: { user: Person; password: string; address: string },
): Promise<Signer> {
  parts.attempts.at(of.user.id, of.address)
  const { isRight, signer } = await provedNow(parts, of.user, of.password)
  if (!isRight) {
    throw invalidInput('current', 'Cannot change the password: wrong one', 'wrong-password')
  }
  parts.attempts.succeeded(of.user.id, of.address)
  if (signer === undefined) {
    throw invalidInput('current', 'Cannot do this: sign in with the new password', 'password-new')
  }
  return signer
}

/** The one answer to a login and a password that do not fit. */
export function wrong(): AppError {
  return new AppError('not-signed-in', 'Cannot sign in: login and password do not fit together', {
    field: 'password',
    detail: 'wrong-sign-in',
  })
}

/**
 * The same, but for who types a password of his own that lost against another change: he has proved to know it, and is
 * told which one holds. Somebody of whom one was lost costs a second hash.
 */
export async function wrongOrLost(
  parts: ProofParts,
  of: { person: Person | undefined; password: string; caller: Caller },
): Promise<AppError> {
  const { person, password, caller } = of
  const lost = person && (await lostPasswordOf(parts.store.read, person.id))
  if (lost === undefined) return wrong()
  const typed = normalPassword(password).slice(0, PASSWORD_CHARACTERS_MAX + 1)
  if ((await provedBy(parts.hasher, lost, typed, caller)) === undefined) return wrong()
  return new AppError('not-signed-in', 'Cannot sign in: this password lost to another change', {
    field: 'password',
    detail: 'password-lost',
    values: {
      branch: lost.heldBranch,
      at: isoTime(lost.heldAt).slice(0, MINUTES).replace('T', ' '),
    },
  })
}
