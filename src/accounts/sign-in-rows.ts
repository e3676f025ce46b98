/** The one query of every request: a token's sign-in with its person, credential state and home branch, all by key. */
import { sql } from 'kysely'
import { millisOf } from '../base/hlc.ts'
import { DAY, MINUTE, type Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import { type Holes, prepared } from '../db/prepared.ts'
import { OWN_ADDRESSES_MAX } from './attempts.ts'
import { POLICY } from './policy.ts'
import { PERSON_COLUMNS } from './queries.ts'
import { wished } from './wish-rows.ts'

export type SignInRow = NonNullable<Awaited<ReturnType<typeof signInRow>>>

/** The row of a token's hash, whatever its state: `sign-ins.ts` decides whether it still holds. */
export async function signInRow(db: Db, tokenHash: Uint8Array) {
  const [row] = await rowOf(db, { tokenHash })
  return row
}

const rowOf = prepared((db, value: Holes<{ tokenHash: Uint8Array }>) =>
  db
    .selectFrom('sign_in')
    .innerJoin('user', 'user.id', 'sign_in.userId')
    .innerJoin('credential', 'credential.userId', 'user.id')
    .leftJoin('branch', 'branch.id', 'user.home')
    .leftJoin('photo', 'photo.hash', 'user.photo')
    .leftJoin('meta as policy', (join) => join.on('policy.name', '=', sql.lit(POLICY)))
    .leftJoin('password_lost as lost', 'lost.userId', 'user.id')
    .leftJoin('branch as held', 'held.id', 'credential.branchId')
    .where('sign_in.tokenHash', '=', value('tokenHash'))
    .select([
      'sign_in.id as signInId',
      'sign_in.kind',
      'sign_in.device',
      'sign_in.formToken',
      'sign_in.createdAt as signedInAt',
      'sign_in.usedAt',
      'sign_in.expiresAt',
      'sign_in.shared',
      'policy.value as policy',
      sql<0 | 1>`credential.factor is not null`.as('hasFactor'),
      'credential.mustChange',
      'branch.heardAt',
      'branch.lostAt',
      ...PERSON_COLUMNS,
      'lost.hlc as lostHlc',
      'credential.hlc as heldHlc',
      'held.name as heldBranch',
      wished('language').as('wishedLanguage'),
      wished('theme').as('wishedTheme'),
    ]),
)

/** Long enough to be read on the first pages, and again after each sign-in. */
const LOST_TOLD_MS: Millis = 10 * MINUTE
/** Who has signed in for a month knows which password holds. */
const LOST_KNOWN_MS: Millis = 30 * DAY

/** What a page says of a password that was lost, for a while after each sign-in. */
export function lostIn(row: SignInRow, now: Millis): { branch: string; at: Millis } | undefined {
  if (row.lostHlc === null || now - row.signedInAt > LOST_TOLD_MS) return undefined
  const at = millisOf(row.heldHlc)
  return now - at > LOST_KNOWN_MS ? undefined : { branch: row.heldBranch ?? '', at }
}

/** Where people have signed in who still are, the newest last. */
export async function placesOf(db: Db, now: Millis): Promise<{ login: string; address: string }[]> {
  const rows = await db
    .selectFrom('sign_in')
    .where('expiresAt', '>', now)
    .select(['userId', 'address'])
    .orderBy('usedAt', 'desc')
    .limit(OWN_ADDRESSES_MAX)
    .execute()
  const known = rows.flatMap(({ userId, address }) => (address ? [{ login: userId, address }] : []))
  return known.reverse()
}
