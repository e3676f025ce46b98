/**
 * Shared terminals: several people, one browser. A sign-in made there locks when nobody does anything for five minutes;
 * locked, nothing of it is served until its person types the PIN or the password. What is open lives in memory: a
 * server that starts anew finds every shared terminal locked. docs/decisions/036-shared-terminals.md.
 */
import { addAudit } from '../audit/entries.ts'
import { equal, fromHex, hex } from '../base/bytes.ts'
import { AppError, invalidInput } from '../base/errors.ts'
import type { SignInId, UserId } from '../base/ids.ts'
import { MINUTE, type Millis } from '../base/units.ts'
import { personSubject } from './audited.ts'
import type { AccountDeps } from './authority.ts'
import { newSalt } from './credentials.ts'
import type { Person } from './queries.ts'
import { toldDevice } from './sign-in-making.ts'

/** Long enough to read a page, short enough for a walk to the store-room. */
export const TERMINAL_IDLE_MS_MAX = 5 * MINUTE
/** People locked on one terminal at a time: what a cookie holds, and a page shows at a glance. */
export const PEOPLE_PER_TERMINAL_MAX = 8
/** Of 10,000 PINs five are tried: then the sign-in ends, and only the password makes a new one. */
const PIN_TRIES_MAX = 5
const PIN = /^\d{4,8}$/
/** `$2b$10$` and 22 characters. */
const SALT_CHARACTERS = 29

type Shared = { user: Person; signIn: { id: SignInId; device: string } }
type Locked = { user: UserId; signIn: SignInId }

export type Terminals = {
  /** Somebody has just proved who it is. */
  open(known: Shared): void
  /** Whether it is open; `isAct`: its person does something, which keeps it open. */
  isOpen(id: SignInId, isAct: boolean): boolean
  lock(known: Shared): void
  /** Locks those where nobody did anything; called every few seconds, so that streams end too. */
  lockIdle(): void
  /** Calls back when one was locked: its streams end. */
  onLocked(fn: (locked: Locked) => void): void
  /** Throws invalid-input (`pin-form`). */
  setPin(id: SignInId, pin: string): Promise<void>
  /** Opens it with PIN or password; throws invalid-input (`wrong-pin`), not-signed-in when it has ended by that. */
  unlock(known: Shared, of: { secret: string; address: string }): Promise<void>
}

type Deps = Pick<AccountDeps, 'store' | 'clock' | 'random' | 'hasher'> & {
  isPassword(user: Person, password: string): Promise<boolean>
}

/** The shared terminals of this branch. */
export function createTerminals(deps: Deps): Terminals {
  const { clock, store } = deps
  const openOnes = new Map<SignInId, { user: UserId; actedAt: Millis }>()
  const listeners: ((locked: Locked) => void)[] = []
  const lock = ({ user, signIn }: Locked) => {
    if (!openOnes.delete(signIn)) return
    for (const fn of listeners) fn({ user, signIn })
  }
  return {
    open: ({ user, signIn }) =>
      void openOnes.set(signIn.id, { user: user.id, actedAt: clock.now() }),
    isOpen(id, isAct) {
      const found = openOnes.get(id)
      if (found === undefined) return false
      if (clock.now() - found.actedAt >= TERMINAL_IDLE_MS_MAX) {
        lock({ user: found.user, signIn: id })
        return false
      }
      if (isAct) found.actedAt = clock.now()
      return true
    },
    lock: ({ user, signIn }) => lock({ user: user.id, signIn: signIn.id }),
    lockIdle() {
      const now = clock.now()
      for (const [signIn, { user, actedAt }] of openOnes) {
        if (now - actedAt >= TERMINAL_IDLE_MS_MAX) lock({ user, signIn })
      }
    },
    onLocked: (fn) => void listeners.push(fn),
    async setPin(id, pin) {
      if (!PIN.test(pin) || isRow(pin)) throw invalidInput('pin', 'Cannot use this PIN', 'pin-form')
      const salt = newSalt(deps.random)
      const kept = `${salt}${hex(await pinHash(deps, { id, pin, salt }))}`
      // Whoever comes to an open terminal must not choose the PIN it opens by later.
      const { numUpdatedRows } = await store.writer.write((tx) =>
        tx
          .updateTable('sign_in')
          .set({ pin: kept })
          .where('id', '=', id)
          .where('pin', 'is', null)
          .executeTakeFirstOrThrow(),
      )
      if (numUpdatedRows === 0n) {
        throw invalidInput('pin', 'Cannot change the PIN: sign in anew', 'pin-set')
      }
    },
    async unlock(known, of) {
      await checkSecret(deps, known, of)
      openOnes.set(known.signIn.id, { user: known.user.id, actedAt: clock.now() })
    },
  }
}

async function checkSecret(
  deps: Deps,
  known: Shared,
  { secret, address }: { secret: string; address: string },
): Promise<void> {
  const { id } = known.signIn
  // Counted before it is looked at: a hundred tries at once are a hundred tries.
  const [row] = await deps.store.writer.write((tx) =>
    tx
      .updateTable('sign_in')
      .set((eb) => ({ pinTries: eb('pinTries', '+', 1) }))
      .where('id', '=', id)
      .where('pinTries', '<', PIN_TRIES_MAX)
      .returning(['pin', 'pinTries'])
      .execute(),
  )
  if (row === undefined) return await end(deps, known, address)
  // Passwords have ten characters at least, so four to eight digits are a PIN.
  const isRight = PIN.test(secret)
    ? await isPin(deps, { id, pin: secret, kept: row.pin })
    : await deps.isPassword(known.user, secret)
  if (isRight) {
    await deps.store.writer.write((tx) =>
      tx.updateTable('sign_in').set({ pinTries: 0 }).where('id', '=', id).execute(),
    )
    return
  }
  const left = PIN_TRIES_MAX - row.pinTries
  if (left <= 0) await end(deps, known, address)
  throw invalidInput('secret', 'Cannot open: wrong PIN or password', 'wrong-pin', { left })
}

async function end(deps: Deps, { user, signIn }: Shared, address: string): Promise<never> {
  await deps.store.writer.write(async (tx) => {
    const gone = tx.deleteFrom('sign_in').where('id', '=', signIn.id).returning('id')
    // Of tries that come at once one ends it.
    if ((await gone.executeTakeFirst()) === undefined) return
    const after = { times: PIN_TRIES_MAX, ...toldDevice(signIn.device) }
    const entry = { by: { address }, subject: personSubject(user), after }
    await addAudit(deps, tx, { action: 'sign-in.pins-wrong', ...entry })
  })
  throw new AppError('not-signed-in', 'Cannot open: too many wrong tries, the sign-in has ended')
}

async function isPin(
  deps: Deps,
  of: { id: SignInId; pin: string; kept: string | null },
): Promise<boolean> {
  if (of.kept === null) return false
  const salt = of.kept.slice(0, SALT_CHARACTERS)
  return equal(await pinHash(deps, { ...of, salt }), fromHex(of.kept.slice(SALT_CHARACTERS)))
}

/** bcrypt like a password, in the same bounded queue; bound to the sign-in. */
function pinHash({ hasher }: Deps, of: { id: SignInId; pin: string; salt: string }) {
  return hasher.seedOf(`pin/1 ${of.id} ${of.pin}`, of.salt, 'known')
}

/** 1111, 1234, 8765: what is tried first. */
function isRow(pin: string): boolean {
  const steps = new Set([...pin].slice(1).map((digit, i) => Number(digit) - Number(pin[i])))
  const [step] = steps
  return steps.size === 1 && step !== undefined && Math.abs(step) <= 1
}
