/**
 * Guests: people whose home is another branch. Their stay is signed with their credential's key and told to all; it
 * holds while their home branch is heard.
 */
import { hex } from '../base/bytes.ts'
import { AppError } from '../base/errors.ts'
import type { UserId } from '../base/ids.ts'
import { DAY, HOUR, type Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import type { AccountDeps } from './authority.ts'
import { locationBytes, type Signer } from './credentials.ts'
import { GUEST_MS_MAX, userAt } from './events.ts'
import { EVERYWHERE } from './factor-events.ts'
import type { Person } from './queries.ts'

/** A guest's sign-in ends when the home branch was not heard for so long. */
export const HOME_SILENT_MS_MAX = GUEST_MS_MAX
/** An admin's rights as a guest end sooner: a dismissal must not be outlived by a cut line. */
export const HOME_SILENT_FOR_ADMIN_MS_MAX = 24 * HOUR
/** A stay is signed again when less than this of it is left. */
const STAY_RENEWED_MS = 13 * DAY

/** Tells all branches that the person is here: their messages come here too, and theirs from here are taken. */
export async function putStay(
  { append, clock, self }: Pick<AccountDeps, 'append' | 'clock' | 'self'>,
  tx: Db,
  of: { user: UserId; epoch: number; rev: number; signer: Signer },
): Promise<void> {
  const now = clock.now()
  const known = await tx
    .selectFrom('location')
    .where('userId', '=', of.user)
    .where('branchId', '=', self)
    .where('epoch', '=', of.epoch)
    .where('until', '>', now + STAY_RENEWED_MS)
    // Who ended it from elsewhere and comes back says so anew: else no branch would list this one any more.
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('sign_ins_ended')
            .whereRef('sign_ins_ended.userId', '=', 'location.userId')
            .where('sign_ins_ended.branchId', 'in', [self, EVERYWHERE])
            .whereRef('sign_ins_ended.hlc', '>=', 'location.hlc')
            .select('hlc'),
        ),
      ),
    )
    .select('until')
    .executeTakeFirst()
  if (known !== undefined) return
  const { user, epoch, rev } = of
  const stay = { user, branch: self, epoch, rev, until: now + GUEST_MS_MAX }
  const signature = hex(of.signer.sign(locationBytes(stay)))
  await append(tx, { kind: userAt, to: 'all', body: { ...stay, signature } })
}

/** Throws unavailable when the home branch of a guest was silent for too long. */
export async function checkHomeHeard(tx: Db, person: Person, now: Millis): Promise<void> {
  const home = await tx
    .selectFrom('branch')
    .where('id', '=', person.branch.id)
    .select(['heardAt', 'lostAt'])
    .executeTakeFirst()
  if (now - heardAt(home, now) <= HOME_SILENT_MS_MAX) return
  throw new AppError('unavailable', 'Cannot sign in: the home branch was not heard for too long', {
    detail: 'home-silent',
    values: { branch: person.branch.name },
  })
}

/** When a branch was last heard: now while linked, never if it was never linked. */
export function heardAt(
  branch: { heardAt: Millis | null; lostAt: Millis | null } | undefined,
  now: Millis,
): Millis {
  if (branch === undefined || branch.heardAt === null) return 0
  return branch.lostAt === null ? now : Math.max(branch.heardAt, branch.lostAt)
}
