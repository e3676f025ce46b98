/**
 * Sign-ins: a browser's or script's credential at this branch, never replicated. Only SHA-256 of a token is stored, and
 * each sign-in draws a new one, so that nobody can prepare it for somebody else. A guest's stay is signed with the
 * key of the credential and sent to all branches (`user.at`).
 */
import { createHash } from 'node:crypto'
import type { DeleteQueryBuilder, DeleteResult } from 'kysely'
import type { AuditAction } from '../audit/actions.ts'
import { addAudit, type Doer } from '../audit/entries.ts'
import { createFailures, type Failures } from '../audit/failures.ts'
import { hex } from '../base/bytes.ts'
import { AppError, invalidInput } from '../base/errors.ts'
import type { SignInId, UserId } from '../base/ids.ts'
import { DAY, MINUTE, type Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import type { Database } from '../db/schema.ts'
import type { Log } from '../world/log.ts'
import { type Attempts, createAttempts } from './attempts.ts'
import { personSubject } from './audited.ts'
import type { AccountDeps } from './authority.ts'
import { newSalt, provedBy, type Signer } from './credentials.ts'
import { DEVICE_CHARACTERS_MAX } from './device.ts'
import { GUEST_MS_MAX } from './events.ts'
import { normalPassword, PASSWORD_CHARACTERS_MAX } from './passwords.ts'
import { findPerson, type Person, personByLogin, personOf } from './queries.ts'
import { type SignInRow, signInRow } from './sign-in-rows.ts'
import {
  checkHomeHeard,
  HOME_SILENT_FOR_ADMIN_MS_MAX,
  HOME_SILENT_MS_MAX,
  heardAt,
  putStay,
} from './stays.ts'

/** Without use, a browser's sign-in ends after two weeks of holiday, a script's after a quarter. */
const BROWSER_IDLE_MS_MAX = 14 * DAY
const API_IDLE_MS_MAX = 90 * DAY
/** A write per person and minute at most, whatever is read. */
const USED_MS_MIN = MINUTE
/** Of one person; the ones unused for longest end: scripts sign in again and again. */
const SIGN_INS_PER_PERSON_MAX = 50
const TOKEN_BYTES = 32
const TOKEN = /^[A-Za-z0-9_-]{43}$/
const FORM_TOKEN_BYTES = 16
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
}
export type Known = { signIn: SignIn; user: Person }

type SignInInput = {
  /** `login` or `login@branch`. */
  login: string
  password: string
  device: string
  kind: 'browser' | 'api'
  /** Of the machine it comes from, for the limits. */
  address: string
}

export type SignIns = {
  /**
   * Throws not-signed-in (`wrong-sign-in`), forbidden (`person-disabled`), invalid-input (`login-ambiguous`),
   * unavailable (`home-silent`), too-many, password-change-required for scripts.
   */
  signIn(input: SignInInput): Promise<Known & { token: string }>
  /** The person of a token, undefined when it is none, has ended, or the account is closed. */
  signInOf(token: string): Promise<Known | undefined>
  signOut(id: SignInId, by?: Doer): Promise<void>
  /** Ends another own sign-in; one that is not the person's is as good as gone. */
  end(user: Doer & { id: UserId }, id: SignInId): Promise<void>
  /** The signer of a person who types the present password; throws invalid-input at `current`, too-many. */
  provedAgain(user: Person, password: string, address: string): Promise<Signer>
  /** The signer a guest with a temporary password left at sign-in. */
  signerLeft(id: SignInId): Signer | undefined
  /** Deletes what has expired; for the list of jobs. */
  removeExpired(): Promise<number>
  /** Writes the failed ones that were counted to the audit log; for the list of jobs, and at the end. */
  flushFailures: Failures['flush']
  /** Calls back with people whose sign-ins have ended by their own doing or by time: their streams end too. */
  onEnded(fn: (users: UserId[]) => void): void
}

type SignInDeps = AccountDeps & { log: Log }

type Parts = SignInDeps & {
  attempts: Attempts
  failures: Failures
  /** For logins that do not exist: the same work, so that the time tells nothing. */
  decoySalt: string
  signers: Map<SignInId, { signer: Signer; until: Millis }>
  /** Sign-ins whose `usedAt` is being written. */
  touching: Set<SignInId>
  onEnded: ((users: UserId[]) => void)[]
}

/** The sign-ins of this branch. */
export function createSignIns(deps: SignInDeps): SignIns {
  const attempts = createAttempts(deps)
  const decoySalt = newSalt(deps.random)
  const memory = { signers: new Map(), touching: new Set<SignInId>(), onEnded: [] }
  const failures = createFailures(deps)
  const parts: Parts = { ...deps, attempts, failures, decoySalt, ...memory }
  const { clock } = deps
  return {
    signIn: (input) => noted(parts, input),
    signInOf: (token) => signInOf(parts, token),
    async signOut(id, by) {
      const how = { action: 'sign-out' as const, by }
      await ended(parts, how, (query) => query.where('id', '=', id))
    },
    async end(user, id) {
      const how = { action: 'sign-in.ended' as const, by: user }
      await ended(parts, how, (query) => query.where('id', '=', id).where('userId', '=', user.id))
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
    onEnded: (fn) => void parts.onEnded.push(fn),
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
async function noted(parts: Parts, input: SignInInput): Promise<Known & { token: string }> {
  try {
    return await signIn(parts, input)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    const { login, address } = input
    const found = await personByLogin(parts.store.read, parts.self, login).catch(() => undefined)
    const person = found && personSubject(found)
    const reason = error.detail ?? error.code
    await parts.failures.note({ login: login.trim(), address, reason, person })
    throw error
  }
}

async function signIn(parts: Parts, input: SignInInput): Promise<Known & { token: string }> {
  const { store, self, attempts, clock } = parts
  attempts.from(input.address)
  const person = await personByLogin(store.read, self, input.login)
  const who = person?.id ?? input.login.trim().toLowerCase()
  attempts.at(who, input.address)
  const { credential, signer } = await proof(parts, person, input.password)
  if (person === undefined || credential === undefined || signer === undefined) throw wrong()
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
  const isGuest = person.branch.id !== self
  const isCredential = { epoch: credential.epoch, rev: credential.rev }
  const token = tokenOf(parts)
  const id = parts.random.id() as SignInId
  const known = await store.writer.write(async (tx) => {
    await checkStill(tx, person.id, isCredential)
    if (isGuest) await checkHomeHeard(tx, person, clock.now())
    await insertSignIn(parts, tx, { id, token, person, input, isGuest })
    if (isGuest) await putStay(parts, tx, { user: person.id, ...isCredential, signer })
    return knownOf(await signInRow(tx, hashOf(token)), parts)
  })
  if (known === undefined) throw wrong()
  if (isGuest && known.signIn.mustChange) keepSigner(parts, id, signer)
  return { ...known, token }
}

async function proof(parts: Parts, person: Person | undefined, password: string) {
  const credential =
    person &&
    (await parts.store.read
      .selectFrom('credential')
      .where('userId', '=', person.id)
      .select(['salt', 'publicKey', 'epoch', 'rev', 'mustChange'])
      .executeTakeFirst())
  const nobody = { salt: parts.decoySalt, publicKey: new Uint8Array(0) }
  // A password of any length costs the same; one that is too long is nobody's.
  const typed = normalPassword(password).slice(0, PASSWORD_CHARACTERS_MAX + 1)
  const signer = await provedBy(parts.hasher, credential ?? nobody, typed)
  return { credential, signer }
}

async function provedAgain(
  parts: Parts,
  of: { user: Person; password: string; address: string },
): Promise<Signer> {
  parts.attempts.at(of.user.id, of.address)
  const { signer } = await proof(parts, of.user, of.password)
  if (signer === undefined) {
    throw invalidInput('current', 'Cannot change the password: wrong one', 'wrong-password')
  }
  parts.attempts.succeeded(of.user.id, of.address)
  return signer
}

/** Between hashing and writing an admin may have closed the account or set another password. */
async function checkStill(
  tx: Db,
  id: UserId,
  credential: { epoch: number; rev: number },
): Promise<void> {
  const person = await findPerson(tx, id)
  const same = await tx
    .selectFrom('credential')
    .where('userId', '=', id)
    .where('epoch', '=', credential.epoch)
    .where('rev', '=', credential.rev)
    .select('userId')
    .executeTakeFirst()
  if (person === undefined || person.disabled || same === undefined) throw wrong()
}

async function insertSignIn(
  parts: Parts,
  tx: Db,
  of: { id: SignInId; token: string; person: Person; input: SignInInput; isGuest: boolean },
): Promise<void> {
  const now = parts.clock.now()
  const { kind, device } = of.input
  await tx
    .insertInto('sign_in')
    .values({
      id: of.id,
      tokenHash: hashOf(of.token),
      userId: of.person.id,
      kind,
      device: device.slice(0, DEVICE_CHARACTERS_MAX),
      formToken: hex(parts.random.bytes(FORM_TOKEN_BYTES)),
      createdAt: now,
      usedAt: now,
      expiresAt: now + (of.isGuest ? GUEST_MS_MAX : idleMsMax(kind)),
    })
    .execute()
  const tooMany = tx
    .selectFrom('sign_in')
    .where('userId', '=', of.person.id)
    .select('id')
    .orderBy('usedAt', 'desc')
    .orderBy('id')
    .limit(-1)
    .offset(SIGN_INS_PER_PERSON_MAX)
  const { numDeletedRows } = await tx
    .deleteFrom('sign_in')
    .where('id', 'in', tooMany)
    .where('id', '!=', of.id)
    .executeTakeFirstOrThrow()
  const others = numDeletedRows === 0n ? {} : { ended: Number(numDeletedRows) }
  await addAudit(parts, tx, {
    action: 'sign-in',
    by: { id: of.person.id, address: of.input.address },
    subject: personSubject(of.person),
    after: { kind, ...toldDevice(device), ...others },
  })
}

const toldDevice = (device: string) =>
  device === '' ? {} : { device: device.slice(0, DEVICE_CHARACTERS_MAX) }

async function signInOf(parts: Parts, token: string): Promise<Known | undefined> {
  if (!TOKEN.test(token)) return undefined
  const row = await signInRow(parts.store.read, hashOf(token))
  const known = knownOf(row, parts)
  if (known !== undefined && row !== undefined) touch(parts, row)
  return known
}

/** The sign-in of a row if it still holds; a guest's admin rights only while the home branch is heard. */
function knownOf(row: SignInRow | undefined, { self, clock }: Parts): Known | undefined {
  const now = clock.now()
  if (row === undefined || row.disabled === 1 || row.expiresAt <= now) return undefined
  const isGuest = row.home !== self
  const silentMs = isGuest ? now - heardAt(row, now) : 0
  if (silentMs > HOME_SILENT_MS_MAX) return undefined
  const person = personOf(row)
  const user =
    silentMs > HOME_SILENT_FOR_ADMIN_MS_MAX ? { ...person, role: 'employee' as const } : person
  const { signInId: id, kind, device, formToken, signedInAt: createdAt } = row
  return {
    user,
    signIn: { id, kind, device, formToken, createdAt, mustChange: row.mustChange === 1 },
  }
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

/** A new token: 32 random bytes. */
export function tokenOf({ random }: Pick<AccountDeps, 'random'>): string {
  return Buffer.from(random.bytes(TOKEN_BYTES)).toString('base64url')
}

/** What is stored of a token. */
export function hashOf(token: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(token).digest())
}

function idleMsMax(kind: 'browser' | 'api'): Millis {
  return kind === 'api' ? API_IDLE_MS_MAX : BROWSER_IDLE_MS_MAX
}

function wrong(): AppError {
  return new AppError('not-signed-in', 'Cannot sign in: login and password do not fit together', {
    field: 'password',
    detail: 'wrong-sign-in',
  })
}
