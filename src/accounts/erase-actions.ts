/** Asking to be deleted, and deleting: the first is the person's, the second an administrator's. */
import { addAudit } from '../audit/entries.ts'
import { AppError } from '../base/errors.ts'
import type { UserId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import { checkNotLastAdmin } from './actions.ts'
import { type AccountDeps, byOf, forbidden, subjectOf } from './authority.ts'
import { userErase } from './erasing.ts'
import type { Person } from './queries.ts'

/** Deletes somebody at every branch, for ever; throws forbidden without the right, conflict for the last admin. */
export async function eraseUser(
  deps: AccountDeps,
  by: Person | undefined,
  of: { id: UserId; messages: 'keep' | 'erase' },
): Promise<void> {
  if (by?.id === of.id) throw forbidden('Cannot delete your own account')
  await deps.store.writer.write(async (tx) => {
    const { person, rights } = await subjectOf(tx, deps.self, by, of.id)
    if (person.isErased) throw new AppError('conflict', 'Cannot delete: it was done')
    if (!rights.mayErase) throw forbidden('Cannot delete this person here')
    await checkNotLastAdmin(tx, person, undefined)
    const { createdAt } = await tx
      .selectFrom('user')
      .where('id', '=', of.id)
      .select('createdAt')
      .executeTakeFirstOrThrow()
    const { login, branch } = person
    const facts = { user: of.id, home: branch.id, login, createdAt }
    const body = { ...facts, messages: of.messages, ...byOf(by) }
    await deps.append(tx, { kind: userErase, to: 'all', body })
    // The name goes with the person; the login stays, and says who it was.
    const subject = { kind: 'person' as const, id: of.id, name: login }
    await addAudit(deps, tx, {
      action: 'account.erased',
      by,
      subject,
      after: { messages: of.messages },
    })
  })
}

/** The person's own wish, kept at the home branch until an administrator decides; throws forbidden elsewhere. */
export async function askErasure(deps: AccountDeps, user: Person, isWished: boolean) {
  if (user.branch.id !== deps.self) {
    throw new AppError('forbidden', 'Cannot ask for it here: only at the home branch', {
      detail: 'profile-at-home',
      values: { branch: user.branch.name },
    })
  }
  await deps.store.writer.write(async (tx) => {
    if (!isWished) {
      await tx.deleteFrom('erase_request').where('userId', '=', user.id).execute()
      return
    }
    await tx
      .insertInto('erase_request')
      .values({ userId: user.id, at: deps.clock.now() })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
  })
}

/** When somebody asked to be deleted. */
export async function askedAt(db: Db, user: UserId): Promise<Millis | undefined> {
  const row = db.selectFrom('erase_request').where('userId', '=', user).select('at')
  return (await row.executeTakeFirst())?.at
}
