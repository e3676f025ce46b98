/**
 * Sign-ins: a browser's or script's credential at this branch, never replicated. Only SHA-256 of a token is stored, and
 * each sign-in draws a new one, so that nobody can prepare it for somebody else. A guest's stay is signed with the
 * key of the credential and sent to all branches (`user.at`).
 */
import type { DeleteQueryBuilder, DeleteResult } from 'kysely'
import type { AuditAction } from '../audit/actions.ts'
import { addAudit, type Doer } from '../audit/entries.ts'
import { createFailures, type Failures } from '../audit/failures.ts'
import { AppError } from '../base/errors.ts'
import type { SignInId, UserId } from '../base/ids.ts'
import { MINUTE, type Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import type { Database } from '../db/schema.ts'
import type { Log } from '../world/log.ts'
import { type Attempts, createAttempts } from './attempts.ts'
import { personSubject } from './audited.ts'
import type { AccountDeps } from './authority.ts'
import { newSalt, type Signer } from './credentials.ts'
import type { HomeAsking } from './home-asking.ts'
import { policyIn } from './policy.ts'
import { findPerson, type Person, personByLogin, personOf } from './queries.ts'
import { THEMES } from './records.ts'
import { createSecondFactors, type SecondFactors } from './second-factor.ts'
import { type AtDoor, turnedAway } from './sign-in-door.ts'
import { idleMsMax, insertSignIn, isStill, toldDevice } from './sign-in-making.ts'
import {
  type Outside,
  type Proof,
  provedAgain,
  provedNow,
  provedOrCaughtUp,
  provedWithCode,
  wrong,
  wrongOrLost,
} from './sign-in-proof.ts'
import { lostIn, placesOf, type SignInRow, signInRow } from './sign-in-rows.ts'
import {
  checkHomeHeard,
  HOME_SILENT_FOR_ADMIN_MS_MAX,
  HOME_SILENT_MS_MAX,
  heardAt,
  putStay,
} from './stays.ts'
import { createTerminals, type Terminals } from './terminals.ts'
import { hashOf, tokenOf } from './tokens.ts'

/** A write per person and minute at most, whatever is read. */
const USED_MS_MIN = MINUTE
const TOKEN = /^[A-Za-z0-9_-]{43}$/
/** A guest with a temporary password signs the own one with it: it waits in memory for that page. */
const SIGNER_MS_MAX = 30 * MINUTE
const SIGNERS_MAX = 500

export type SignIn = {
  id: SignInId
  kind: 'browser' | 'api'
  device: string
  formToken: string
  createdAt: Millis
  /** The password is temporary: nothing else opens until it is changed. */
  mustChange: boolean
  /** The role demands a second factor and there is none: nothing else opens until it is set up. */
  mustSetFactor: boolean
  /** Made at a terminal that several people share. */
  isShared: boolean
  /** The person set a password that lost against another change: which one holds. */
  lostPassword?: { branch: string; at: Millis } | undefined
}
export type Known = { signIn: SignIn; user: Person }

type SignInInput = {
  /** `login` or `login@branch`. */
  login: string
  password: string
  device: string
  kind: 'browser' | 'api'
  /** Of the machine it comes from, for the limits and for the list of own sign-ins. */
  address: string
  /** At a terminal that several people share. */
  isShared?: boolean
  /** Of the second factor; scripts send it at once, browsers on a page of its own. */
  code?: string | undefined
  /** Where to go afterwards; kept while the code is asked for. */
  next?: string | undefined
}

/** The password was right, and the code is still to come: `half` is what to bring with it. */
export class CodeRequired extends AppError {
  override name = 'CodeRequired'
  readonly half: string

  constructor(half: string) {
    super('second-factor-required', 'Cannot sign in: a code of the second factor is needed')
    this.half = half
  }
}

/** What a sign-in knows once its password was right; without the password. */
type Half = {
  person: Person
  credential: Proof
  signer: Signer
  input: Omit<SignInInput, 'password' | 'code'>
}

export type SignIns = {
  /**
   * Throws not-signed-in (`wrong-sign-in`), forbidden (`person-disabled`), invalid-input (`login-ambiguous`),
   * unavailable (`home-silent`), too-many, password-change-required for scripts; CodeRequired where a code is missing.
   */
  signIn(input: SignInInput): Promise<Known & { token: string }>
  /** Goes on with the code; throws not-signed-in without a detail when the password has to be typed again. */
  signInWithCode(of: {
    half: string
    code: string
  }): Promise<Known & { token: string; next: string | undefined }>
  factors: Pick<SecondFactors<unknown>, 'begin' | 'begun' | 'confirm' | 'renewCodes' | 'switchOff'>
  /** Proves password and code again, for changes of the second factor; throws like provedAgain, and `wrong-code`. */
  provedWithCode(
    user: Person,
    of: { password: string; code: string; address: string },
  ): Promise<{
    user: UserId
    signer: Signer
    sealed: Proof
    address: string
  }>
  /**
   * The person of a token, undefined when it is none, has ended, is locked, or the account is closed. `isAct`: the
   * person did something, not the page by itself.
   */
  signInOf(token: string, isAct?: boolean): Promise<Known | undefined>
  /** The same for a sign-in at a shared terminal, locked or not: what the page of locked people shows. */
  sharedOf(token: string): Promise<Known | undefined>
  terminals: Terminals
  signOut(id: SignInId, by?: Doer): Promise<void>
  /** Ends another own sign-in; one that is not the person's is as good as gone. */
  end(user: Doer & { id: UserId }, id: SignInId): Promise<void>
  /** Ends all of the person's sign-ins at this branch but one. */
  endOthers(user: Doer & { id: UserId }, kept: SignInId): Promise<void>
  /** The signer of a person who types the present password; throws invalid-input at `current`, too-many. */
  provedAgain(user: Person, password: string, address: string): Promise<Signer>
  /** The signer that was left at sign-in for what has to be done next: an own password, a second factor. */
  signerLeft(id: SignInId): Signer | undefined
  leaveSigner(id: SignInId, signer: Signer): void
  /** Deletes what has expired; for the list of jobs. */
  removeExpired(): Promise<number>
  /** Writes the failed ones that were counted to the audit log; for the list of jobs, and at the end. */
  flushFailures: Failures['flush']
  /** Calls back with people whose sign-ins have ended by their own doing or by time: their streams end too. */
  onEnded(fn: (users: UserId[]) => void): void
  atDoor: AtDoor
  /** Remembers where people have signed in before, after a start. */
  recall(): Promise<void>
  /** From now on somebody else is asked for some people's passwords first. */
  askOutside(outside: Outside): void
  /** From now on home branches are asked once before a password is called wrong. */
  askHome(home: Pick<HomeAsking, 'caughtUp'>): void
}

type SignInDeps = AccountDeps & { log: Log }

type Parts = SignInDeps & {
  attempts: Attempts
  failures: Failures
  /** For logins that do not exist: the same work, so that the time tells nothing. */
  decoySalt: string
  signers: Map<SignInId, { signer: Signer; until: Millis }>
  factors: SecondFactors<Half>
  terminals: Terminals
  /** Sign-ins whose `usedAt` is being written. */
  touching: Set<SignInId>
  onEnded: ((users: UserId[]) => void)[]
  outside?: Outside
  home?: Pick<HomeAsking, 'caughtUp'>
}

/** The sign-ins of this branch. */
export function createSignIns(deps: SignInDeps): SignIns {
  const attempts = createAttempts(deps)
  const decoySalt = newSalt(deps.random)
  const factors = createSecondFactors<Half>(deps)
  const memory = { signers: new Map(), touching: new Set<SignInId>(), onEnded: [], factors }
  const terminals = createTerminals({
    ...deps,
    isPassword: (user, password) => isPassword(user, password),
  })
  const failures = createFailures(deps)
  const parts: Parts = { ...deps, attempts, failures, decoySalt, ...memory, terminals }
  const { clock } = deps
  const isPassword = async (user: Person, password: string) =>
    (await provedNow(parts, user, password)).isRight
  return {
    signIn: (input) => noted(parts, input, () => signIn(parts, input)),
    signInWithCode: (of) => signInWithCode(parts, of),
    factors,
    provedWithCode: (user, of) => provedWithCode(parts, user, of),
    leaveSigner: (id, signer) => keepSigner(parts, id, signer),
    signInOf: (token, isAct = true) => openSignInOf(parts, token, isAct),
    async sharedOf(token) {
      const known = (await signInOf(parts, token))?.known
      return known?.signIn.isShared ? known : undefined
    },
    terminals,
    async signOut(id, by) {
      const how = { action: 'sign-out' as const, by }
      await ended(parts, how, (query) => query.where('id', '=', id))
    },
    async end(user, id) {
      const how = { action: 'sign-in.ended' as const, by: user }
      await ended(parts, how, (query) => query.where('id', '=', id).where('userId', '=', user.id))
    },
    async endOthers(user, kept) {
      const how = { action: 'sign-in.ended' as const, by: user }
      await ended(parts, how, (query) =>
        query.where('userId', '=', user.id).where('id', '!=', kept),
      )
    },
    provedAgain: (user, password, address) => provedAgain(parts, { user, password, address }),
    signerLeft(id) {
      const left = parts.signers.get(id)
      return left !== undefined && left.until > clock.now() ? left.signer : undefined
    },
    removeExpired: () =>
      ended(parts, { action: 'sign-in.expired' }, (query) =>
        query.where('expiresAt', '<=', clock.now()),
      ),
    flushFailures: failures.flush,
    atDoor: { turnedAway: (address) => turnedAway(parts, address), onRefused: failures.refused },
    recall: async () => attempts.recall(await placesOf(deps.store.read, clock.now())),
    onEnded: (fn) => void parts.onEnded.push(fn),
    askOutside(outside) {
      parts.outside = outside
      factors.onOpened(outside.keepFactor)
    },
    askHome(home) {
      parts.home = home
    },
  }
}

type Ending = DeleteQueryBuilder<Database, 'sign_in', DeleteResult>

/** Deletes sign-ins and tells whose they were; answers how many. */
async function ended(
  parts: Parts,
  { action, by }: { action: AuditAction; by?: Doer | undefined },
  which: (query: Ending) => Ending,
): Promise<number> {
  const rows = await parts.store.writer.write(async (tx) => {
    const gone = await which(tx.deleteFrom('sign_in')).returning(['userId', 'device']).execute()
    for (const { userId, device } of gone) {
      const person = await findPerson(tx, userId)
      const subject = person && personSubject(person)
      await addAudit(parts, tx, { action, by, subject, after: toldDevice(device) })
    }
    return gone
  })
  const users = [...new Set(rows.map((row) => row.userId))]
  if (users.length > 0) for (const fn of parts.onEnded) fn(users)
  return rows.length
}

/** A sign-in, with an entry in the audit log when it fails. */
async function noted<T>(
  parts: Parts,
  input: Pick<SignInInput, 'login' | 'address'>,
  run: () => Promise<T>,
): Promise<T> {
  try {
    return await run()
  } catch (error) {
    // The password was right, and a code is asked for.
    if (!(error instanceof AppError) || error instanceof CodeRequired) throw error
    const { login, address } = input
    const found = await personByLogin(parts.store.read, parts.self, login).catch(() => undefined)
    const person = found && personSubject(found)
    const reason = error.detail ?? error.code
    await parts.failures.note({ login: login.trim(), address, reason, person })
    throw error
  }
}

async function signIn(parts: Parts, input: SignInInput): Promise<Known & { token: string }> {
  const { store, self, attempts } = parts
  attempts.from(input.address)
  const found = await personByLogin(store.read, self, input.login)
  const who = found?.id ?? input.login.trim().toLowerCase()
  attempts.at(who, input.address)
  const caller = attempts.callerOf(input.address, who)
  const { login, password } = input
  const of = { login, person: found, password, caller }
  const proof = await attempts.while(input.address, () => provedOrCaughtUp(parts, of))
  const { person, credential, signer } = proof
  if (person === undefined || credential === undefined || signer === undefined) {
    attempts.slipped(input.address)
    throw await wrongOrLost(parts, { person, password, caller })
  }
  attempts.succeeded(who, input.address)
  // Only who knows the password learns this.
  if (person.disabled) {
    throw new AppError('forbidden', 'Cannot sign in: the account is disabled', {
      detail: 'person-disabled',
    })
  }
  if (input.kind === 'api' && credential.mustChange === 1) {
    throw new AppError('password-change-required', 'Cannot sign in: the password is temporary')
  }
  const { password: _password, code: _code, ...rest } = input
  const half: Half = { person, credential, signer, input: rest }
  if (credential.factor === null) return await admit(parts, half)
  if (input.code === undefined) throw codeRequired(parts, half)
  await parts.factors.check({ user: person.id, signer, sealed: credential }, input.code)
  return await admit(parts, half)
}

/** Remembers that the password was right; a script sends both at once and needs nothing to be remembered. */
function codeRequired(parts: Parts, half: Half): CodeRequired {
  const token = tokenOf(parts)
  if (half.input.kind === 'browser') parts.factors.keepHalf(token, half)
  return new CodeRequired(token)
}

async function signInWithCode(parts: Parts, { half: token, code }: { half: string; code: string }) {
  const half = parts.factors.halfOf(token)
  if (!half) throw new AppError('not-signed-in', 'Cannot sign in: too late, begin anew')
  const { person, signer, credential } = half
  await noted(parts, half.input, () =>
    parts.factors.check({ user: person.id, signer, sealed: credential }, code),
  )
  parts.factors.dropHalf(token)
  return { ...(await admit(parts, half)), next: half.input.next }
}

/** Lets somebody in who has proved all there is to prove. */
async function admit(parts: Parts, of: Half): Promise<Known & { token: string }> {
  const { store, self, clock } = parts
  const { person, credential, signer, input } = of
  const isGuest = person.branch.id !== self
  const isShared = input.isShared ?? false
  const isCredential = { epoch: credential.epoch, rev: credential.rev }
  const token = tokenOf(parts)
  const id = parts.random.id() as SignInId
  const known = await store.writer.write(async (tx) => {
    if (!(await isStill(tx, person.id, isCredential))) throw wrong()
    if (isGuest) await checkHomeHeard(tx, person, clock.now())
    const made = { id, tokenHash: hashOf(token), person, isShared, isGuest }
    await insertSignIn(parts, tx, { ...input, ...made })
    const known = knownOf(await signInRow(tx, hashOf(token)), parts)
    if (input.kind === 'api' && known?.signIn.mustSetFactor) throw factorMissing()
    if (isGuest) await putStay(parts, tx, { user: person.id, ...isCredential, signer })
    return known
  })
  if (known === undefined) throw wrong()
  if (isShared) parts.terminals.open(known)
  if ((isGuest && known.signIn.mustChange) || known.signIn.mustSetFactor) {
    keepSigner(parts, id, signer)
  }
  return { ...known, token }
}

/** Nothing of a locked sign-in is served. */
async function openSignInOf(parts: Parts, token: string, isAct: boolean) {
  const found = await signInOf(parts, token)
  if (found === undefined) return undefined
  const { known, row } = found
  const { id, isShared } = known.signIn
  if (isShared && !parts.terminals.isOpen(id, isAct)) return undefined
  // What a page at a shared terminal asks by itself is no use of the sign-in either.
  if (isAct || !isShared) touch(parts, row)
  return known
}

/** The sign-in of a token, locked or not; looking at it is no use of it. */
async function signInOf(parts: Parts, token: string) {
  if (!TOKEN.test(token)) return undefined
  const row = await signInRow(parts.store.read, hashOf(token))
  const known = knownOf(row, parts)
  return known !== undefined && row !== undefined ? { known, row } : undefined
}

/** The sign-in of a row if it still holds; a guest's admin rights only while the home branch is heard. */
function knownOf(row: SignInRow | undefined, { self, clock }: Parts): Known | undefined {
  const now = clock.now()
  if (row === undefined || row.disabled === 1 || row.expiresAt <= now) return undefined
  const isGuest = row.home !== self
  const silentMs = isGuest ? now - heardAt(row, now) : 0
  if (silentMs > HOME_SILENT_MS_MAX) return undefined
  const person = asAsked(personOf(row), row)
  const user =
    silentMs > HOME_SILENT_FOR_ADMIN_MS_MAX ? { ...person, role: 'employee' as const } : person
  const { signInId: id, kind, device, formToken, signedInAt: createdAt } = row
  return {
    user,
    signIn: {
      ...{ id, kind, device, formToken, createdAt },
      mustChange: row.mustChange === 1,
      mustSetFactor: row.hasFactor === 0 && policyIn(row.policy).secondFactorFor.includes(row.role),
      isShared: row.shared === 1,
      lostPassword: lostIn(row, now),
    },
  }
}

/** Language and look as a guest asked for them: his own pages need not wait for the home branch. */
function asAsked(person: Person, { wishedLanguage, wishedTheme }: SignInRow): Person {
  const theme = THEMES.find((each) => each === wishedTheme) ?? person.theme
  return { ...person, theme, language: wishedLanguage ?? person.language }
}

/** Notes the use, at most once a minute; a browser at home thereby stays signed in. Nobody waits for it. */
function touch(parts: Parts, row: SignInRow): void {
  const { store, clock, touching, self, log } = parts
  const now = clock.now()
  if (now - row.usedAt < USED_MS_MIN || touching.has(row.signInId)) return
  touching.add(row.signInId)
  const slides = row.home === self ? { expiresAt: now + idleMsMax(row.kind) } : {}
  store.writer
    .write(async (tx) => {
      await tx
        .updateTable('sign_in')
        .set({ usedAt: now, ...slides })
        .where('id', '=', row.signInId)
        .execute()
    })
    .catch((error) => log.warn('accounts.sign-in.not-touched', { error }))
    .finally(() => touching.delete(row.signInId))
}

function keepSigner({ signers, clock }: Parts, id: SignInId, signer: Signer): void {
  const now = clock.now()
  for (const [old, { until }] of signers) {
    if (until > now && signers.size < SIGNERS_MAX) break
    signers.delete(old)
  }
  signers.set(id, { signer, until: now + SIGNER_MS_MAX })
}

/** Ends every sign-in at this branch: of a database that is not of today nobody knows which still hold. */
export async function endAllSignIns(tx: Db): Promise<void> {
  await tx.deleteFrom('sign_in').execute()
}

function factorMissing(): AppError {
  return new AppError(
    'second-factor-required',
    'Cannot sign in: set up a second factor in a browser first, your role needs one',
  )
}
