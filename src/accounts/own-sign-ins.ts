/**
 * Where a person is signed in, and ending it. Sign-ins are local to each branch: those here are listed, of other
 * branches it is known that the person was let in there (table `location`). Ending them elsewhere is an event
 * (`user.out`).
 */
import { addAudit } from '../audit/entries.ts'
import type { BranchId, SignInId, UserId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import { personSubject } from './audited.ts'
import type { AccountDeps } from './authority.ts'
import { EVERYWHERE, userOut } from './factor-events.ts'
import type { Person } from './queries.ts'

export type OwnSignIn = {
  id: SignInId
  kind: 'browser' | 'api'
  device: string
  address: string
  createdAt: Millis
  usedAt: Millis
  isShared: boolean
}

/** A person's own sign-ins at this branch that have not ended, the last used first. */
export async function signInsOf(db: Db, user: UserId, now: Millis): Promise<OwnSignIn[]> {
  const rows = await db
    .selectFrom('sign_in')
    .where('userId', '=', user)
    .where('expiresAt', '>', now)
    .select(['id', 'kind', 'device', 'address', 'createdAt', 'usedAt', 'shared'])
    .orderBy('usedAt', 'desc')
    .execute()
  return rows.map(({ shared, ...row }) => ({ ...row, isShared: shared === 1 }))
}

/** Another branch where the person may be signed in; at home nothing says until when. */
type Elsewhere = { branch: { id: BranchId; name: string }; until: Millis | undefined }

/** Other branches that have let the person in and have not been told since to end it. */
export async function signedInElsewhere(
  db: Db,
  { self, user, now }: { self: BranchId; user: Person; now: Millis },
): Promise<Elsewhere[]> {
  const ended = await endedSince(db, user.id)
  const stays = await db
    .selectFrom('location')
    .innerJoin('branch', 'branch.id', 'location.branchId')
    .where('location.userId', '=', user.id)
    .where('location.branchId', '!=', self)
    .where('location.until', '>', now)
    .select(['branch.id', 'branch.name', 'location.until', 'location.hlc'])
    .orderBy('branch.name')
    .execute()
  const home = user.branch.id === self ? [] : [{ branch: user.branch, until: undefined }]
  const others = stays
    .filter((stay) => stay.id !== user.branch.id && stay.hlc > ended(stay.id))
    .map(({ id, name, until }) => ({ branch: { id, name }, until }))
  return [...home, ...others]
}

/** When sign-ins at a branch were last ended from elsewhere, as a clock value; empty: never. */
async function endedSince(db: Db, user: UserId): Promise<(branch: BranchId) => string> {
  const rows = await db
    .selectFrom('sign_ins_ended')
    .where('userId', '=', user)
    .select(['branchId', 'hlc'])
    .execute()
  return (branch) => {
    const own = rows.filter(({ branchId }) => branchId === branch || branchId === EVERYWHERE)
    return (
      own
        .map(({ hlc }) => String(hlc))
        .toSorted()
        .at(-1) ?? ''
    )
  }
}

/** Ends all own sign-ins, at one branch or, without one, at all, this one too. */
export async function endSignInsAt(
  deps: Pick<AccountDeps, 'store' | 'append' | 'clock'>,
  user: Person,
  branch?: BranchId,
): Promise<void> {
  const body = { user: user.id, ...(branch === undefined ? {} : { branch }) }
  await deps.store.writer.write(async (tx) => {
    await deps.append(tx, { kind: userOut, to: 'all', body })
    const where = branch === undefined ? 'everywhere' : await nameOf(tx, branch)
    const entry = { by: user, subject: personSubject(user), after: { where } }
    await addAudit(deps, tx, { action: 'sign-in.ended-all', ...entry })
  })
}

async function nameOf(db: Db, branch: BranchId): Promise<string> {
  const row = db.selectFrom('branch').where('id', '=', branch).select('name')
  return (await row.executeTakeFirst())?.name ?? branch
}
