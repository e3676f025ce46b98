/** What the changes of accounts need, and what somebody may do with whom at this branch. */
import { AppError } from '../base/errors.ts'
import type { BranchId, UserId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import type { Db, Store } from '../db/open.ts'
import type { Append } from '../eventlog/events.ts'
import { isIssuer } from '../eventlog/issuers.ts'
import type { Random } from '../world/random.ts'
import type { Hasher } from './hasher.ts'
import { getPerson, type Person } from './queries.ts'
import { type Here, NO_RIGHTS, type Rights, rightsOver } from './rights.ts'

export type AccountDeps = {
  store: Store
  append: Append
  hasher: Hasher
  clock: { now(): Millis }
  random: Random
  /** This branch. */
  self: BranchId
}

/** The person and what `by` may do with it here. */
export async function subjectOf(
  db: Db,
  self: BranchId,
  by: Person | undefined,
  id: UserId,
): Promise<{ person: Person; rights: Rights }> {
  const person = await getPerson(db, id)
  const here = await hereOf(db, self)
  return { person, rights: person.isErased ? NO_RIGHTS : rightsOver(by, person, here) }
}

/** This branch as `rights.ts` needs it. */
export async function hereOf(db: Db, self: BranchId): Promise<Here> {
  return { self, isIssuing: await isIssuer(db, self) }
}

/** Who did it, as events say it. */
export function byOf(by: Person | undefined): { by?: UserId } {
  return by === undefined ? {} : { by: by.id }
}

/** Without the right. */
export function forbidden(message: string): AppError {
  return new AppError('forbidden', message)
}
