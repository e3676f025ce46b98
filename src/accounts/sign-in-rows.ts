/** The one query of every request: a token's sign-in with its person, credential state and home branch, all by key. */
import { sql } from 'kysely'
import type { Db } from '../db/open.ts'
import { type Holes, prepared } from '../db/prepared.ts'
import { POLICY } from './policy.ts'
import { PERSON_COLUMNS } from './queries.ts'

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
    ]),
)
