/**
 * The second factor of a person: checked after the password, set up, renewed and switched off by its owner. The secret
 * can be opened only with the password just typed, at every branch, whether the home branch answers or not. What is
 * half done (a sign-in that waits for its code, a factor that waits for its first one) lives in memory, bounded.
 */
import { addAudit } from '../audit/entries.ts'
import { hex } from '../base/bytes.ts'
import { AppError, invalidInput } from '../base/errors.ts'
import type { SignInId, UserId } from '../base/ids.ts'
import { MINUTE, type Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import { createLimiter, type Rate, refuseTooMany } from '../web/rate.ts'
import { personSubject } from './audited.ts'
import type { AccountDeps } from './authority.ts'
import { factorBytes, type Signer } from './credentials.ts'
import {
  type Factor,
  newFactor,
  openFactor,
  RECOVERY_CODES,
  recoveryCodeOf,
  sealFactor,
} from './factor-box.ts'
import { userFactor } from './factor-events.ts'
import { getPerson } from './queries.ts'
import { SECRET_BYTES, stepOfCode } from './totp.ts'

/**
 * Who tries codes has the password already: five, then one in five minutes. Of a million codes three are right, so a
 * year of guessing finds one in three; a person who mistypes waits no longer than for the next code.
 */
const CODE_TRIES: Rate = { burst: 5, refillMs: 5 * MINUTE }
/** Time to find the telephone. */
const HALF_MS_MAX = 5 * MINUTE
/** Only who knows a password makes one; about 1 KiB each. */
const HALVES_MAX = 500
const SETUP_MS_MAX = 30 * MINUTE
const SETUPS_MAX = 500

/** What of a credential concerns the second factor. */
export type Sealed = { publicKey: Uint8Array; factor: Uint8Array | null; factorUsed: number }
type Proved = { user: UserId; signer: Signer; sealed: Sealed; address?: string }

export type SecondFactors<Half> = {
  /** Takes a code of the authenticator or a recovery code; throws not-signed-in (`wrong-code`), too-many. */
  check(proved: Proved, code: string): Promise<void>
  /** Keeps a sign-in that waits for its code, under a token. */
  keepHalf(token: string, half: Half): void
  halfOf(token: string): Half | undefined
  dropHalf(token: string): void
  /** A secret for somebody to scan, the same one until it is confirmed. */
  begin(id: SignInId, signer: Signer): Uint8Array
  begun(id: SignInId): Uint8Array | undefined
  /** Switches the factor on with its first code; answers the recovery codes, which nobody sees again. */
  confirm(of: {
    user: UserId
    signIn: SignInId
    code: string
    address: string
  }): Promise<readonly string[]>
  /** New recovery codes in the place of the old ones, same authenticator. */
  renewCodes(proved: Proved): Promise<readonly string[]>
  switchOff(proved: Proved): Promise<void>
  /** Calls back with factors that were opened, new ones too. */
  onOpened(fn: (user: UserId, factor: Factor) => Promise<void>): void
}

type Deps = Pick<AccountDeps, 'store' | 'append' | 'clock' | 'random' | 'self'>
type Tries = ReturnType<typeof createLimiter>

/** The second factors of this branch. */
export function createSecondFactors<Half>(deps: Deps): SecondFactors<Half> {
  const tries = createLimiter(deps, CODE_TRIES)
  let opened = async (_user: UserId, _factor: Factor) => {}
  const halves = kept<string, Half>(deps, { msMax: HALF_MS_MAX, max: HALVES_MAX })
  const setups = kept<SignInId, { secret: Uint8Array; signer: Signer }>(deps, {
    msMax: SETUP_MS_MAX,
    max: SETUPS_MAX,
  })
  return {
    async check(proved, code) {
      await opened(proved.user, await check(deps, tries, proved, code))
    },
    onOpened(fn) {
      opened = fn
    },
    keepHalf: halves.put,
    halfOf: halves.get,
    dropHalf: halves.drop,
    begin(id, signer) {
      const secret = setups.get(id)?.secret ?? deps.random.bytes(SECRET_BYTES)
      setups.put(id, { secret, signer })
      return secret
    },
    begun: (id) => setups.get(id)?.secret,
    async confirm({ user, signIn, code, address }) {
      const setup = setups.get(signIn)
      if (setup === undefined)
        throw invalidInput('code', 'Cannot confirm: begin anew', 'factor-anew')
      refuseTooMany(tries.take(user))
      const step = stepOfCode(setup.secret, digitsOf(code), deps.clock.now())
      if (step === undefined) throw invalidInput('code', 'Cannot confirm: wrong code', 'wrong-code')
      const { factor, codes } = newFactor(deps.random, setup.secret)
      await deps.store.writer.write(async (tx) => {
        const of = { user, signer: setup.signer, factor, address }
        await putFactor(deps, tx, { ...of, action: 'own.factor' })
        await takeStep(tx, user, step)
      })
      setups.drop(signIn)
      tries.forget(user)
      await opened(user, factor)
      return codes
    },
    async renewCodes(proved) {
      const { factor, codes } = newFactor(deps.random, openedFactor(proved).secret)
      const of = { ...proved, factor, action: 'own.factor-codes' } as const
      await deps.store.writer.write((tx) => putFactor(deps, tx, of))
      await opened(proved.user, factor)
      return codes
    },
    async switchOff(proved) {
      const of = { ...proved, factor: undefined, action: 'own.factor-off' } as const
      await deps.store.writer.write((tx) => putFactor(deps, tx, of))
    },
  }
}

async function check(deps: Deps, tries: Tries, proved: Proved, code: string): Promise<Factor> {
  const { user } = proved
  refuseTooMany(tries.take(user))
  const factor = openedFactor(proved)
  const digits = digitsOf(code)
  const step = stepOfCode(factor.secret, digits, deps.clock.now())
  const n = step === undefined ? recoveryCodeOf(factor, code) : undefined
  const isTaken = await deps.store.writer.write(async (tx) => {
    if (step !== undefined) return await takeStep(tx, user, step)
    return n !== undefined && (await useRecoveryCode(deps, tx, { ...proved, n }))
  })
  if (!isTaken) throw wrongCode()
  tries.forget(user)
  return factor
}

/** The factor opened with the password just proved; throws forbidden when the box was altered. */
export function openedFactor({ user, signer, sealed }: Proved): Factor {
  const factor = sealed.factor && openFactor(sealed.factor, { user, signer })
  if (factor) return factor
  throw new AppError('forbidden', 'Cannot read the second factor: an admin can remove it', {
    detail: 'factor-unreadable',
  })
}

/** No code serves twice (RFC 6238, 5.2), nor an older one after a newer: false when it did. */
async function takeStep(tx: Db, userId: UserId, step: number): Promise<boolean> {
  const rows = await tx
    .insertInto('factor_step')
    .values({ userId, step })
    .onConflict((conflict) =>
      conflict.column('userId').doUpdateSet({ step }).where('factor_step.step', '<', step),
    )
    .returning('step')
    .execute()
  return rows.length > 0
}

async function useRecoveryCode(deps: Deps, tx: Db, of: Proved & { n: number }): Promise<boolean> {
  const row = await rowOf(tx, of)
  const bit = 1 << of.n
  if (row.factor === null || (row.factorUsed & bit) !== 0) return false
  const used = row.factorUsed | bit
  // The same n: it marks a code of this factor, and brings back none that was switched off meanwhile.
  await append(deps, tx, { ...of, row, n: row.factorN, sealed: hex(row.factor), used })
  return true
}

type Change = Pick<Proved, 'user' | 'signer' | 'address'> & {
  factor: Factor | undefined
  action: 'own.factor' | 'own.factor-codes' | 'own.factor-off'
}

async function putFactor(deps: Deps, tx: Db, of: Change): Promise<void> {
  const row = await rowOf(tx, of)
  // Two who set one up at once, or one who has no code of the one there is: the first stays.
  if (of.action === 'own.factor' && row.factor !== null) {
    throw invalidInput('code', 'Cannot confirm: there is a second factor', 'factor-on')
  }
  const box = of.factor && sealFactor(of.factor, { ...of, random: deps.random })
  const sealed = box === undefined ? null : hex(box)
  await append(deps, tx, { ...of, row, n: row.factorN + 1, sealed, used: 0 })
  const { user: id, action, address } = of
  const subject = personSubject(await getPerson(tx, id))
  await addAudit(deps, tx, { action, by: { id, address }, subject })
}

type Row = Awaited<ReturnType<typeof rowOf>>

/** The credential that the signer belongs to; throws conflict when the password was changed meanwhile. */
async function rowOf(tx: Db, { user, signer }: { user: UserId; signer: Signer }) {
  const row = await tx
    .selectFrom('credential')
    .where('userId', '=', user)
    .where('publicKey', '=', signer.publicKey)
    .select(['epoch', 'rev', 'factor', 'factorN', 'factorUsed'])
    .executeTakeFirst()
  if (row) return row
  throw new AppError('conflict', 'Cannot change the second factor: the password was changed')
}

async function append(
  { append, self }: Deps,
  tx: Db,
  of: { user: UserId; signer: Signer; row: Row; n: number; sealed: string | null; used: number },
): Promise<void> {
  const { user, n, sealed, used } = of
  const { epoch, rev } = of.row
  const signed = factorBytes({ user, branch: self, epoch, rev, n, used, sealed })
  const body = { user, epoch, rev, n, sealed, used, signature: hex(of.signer.sign(signed)) }
  await append(tx, { kind: userFactor, to: 'all', body })
}

/** How many recovery codes are left; undefined without a second factor. */
export async function codesLeftOf(db: Db, user: { id: UserId }): Promise<number | undefined> {
  const row = await db
    .selectFrom('credential')
    .where('userId', '=', user.id)
    .where('factor', 'is not', null)
    .select('factorUsed')
    .executeTakeFirst()
  if (row === undefined) return undefined
  const used = row.factorUsed.toString(2).replaceAll('0', '').length
  return RECOVERY_CODES - used
}

/** People type the code as the telephone shows it, in two groups. */
function digitsOf(code: string): string {
  return code.replaceAll(/[\s-]/g, '')
}

function wrongCode(): AppError {
  return new AppError('not-signed-in', 'Cannot sign in: this code does not hold', {
    field: 'code',
    detail: 'wrong-code',
  })
}

/** Values that are of use for a while, the oldest of which make room for new ones. */
function kept<Key, Value>(
  { clock }: Pick<AccountDeps, 'clock'>,
  { msMax, max }: { msMax: Millis; max: number },
) {
  const values = new Map<Key, { value: Value; until: Millis }>()
  return {
    put(key: Key, value: Value): void {
      const now = clock.now()
      for (const [old, { until }] of values) {
        if (until > now && values.size < max) break
        values.delete(old)
      }
      values.delete(key)
      values.set(key, { value, until: now + msMax })
    },
    get(key: Key): Value | undefined {
      const found = values.get(key)
      return found !== undefined && found.until > clock.now() ? found.value : undefined
    },
    drop: (key: Key): void => void values.delete(key),
  }
}
