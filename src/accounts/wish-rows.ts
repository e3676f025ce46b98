/**
 * What guests of this branch have asked their home branches to change in their own records, until it is answered.
 * Owns table `wish`; and how own fields of a record say since when they hold.
 */
import { sql } from 'kysely'
import type { Hlc } from '../base/hlc.ts'
import { millisOf } from '../base/hlc.ts'
import { asPhotoHash, type UserId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import { dropPhoto } from './event-parts.ts'
import { type AsOf, OWN_FIELDS, type OwnField } from './records.ts'

export type OwnRecord = { [field in OwnField]?: string | null | undefined }

/** What a guest waits for. */
export type Wish = {
  fields: OwnRecord
  /** When the newest of it was asked. */
  askedAt: Millis
  /** The home branch will not do it, and this is why. */
  refused?: string
}

/** Keeps what was asked; a later word about a field replaces the one before. */
export async function keepWish(
  tx: Db,
  of: { user: UserId; fields: OwnRecord; hlc: Hlc; position: number },
): Promise<void> {
  const { user: userId, fields, hlc, position } = of
  for (const field of OWN_FIELDS) {
    const value = fields[field]
    if (value === undefined) continue
    const row = { value, hlc, position }
    await tx
      .insertInto('wish')
      .values({ userId, field, ...row })
      .onConflict((on) =>
        on.columns(['userId', 'field']).doUpdateSet(row).where('wish.hlc', '<', hlc),
      )
      .execute()
  }
}

/** Forgets what a record answers: what was asked up to then, granted or overtaken by a later word. */
export async function settleWishes(tx: Db, user: UserId, asOf: AsOf): Promise<void> {
  const open = await tx.selectFrom('wish').where('userId', '=', user).selectAll().execute()
  for (const { field, hlc, value } of open) {
    if (hlc > (asOf[field] ?? '')) continue
    await tx.deleteFrom('wish').where('userId', '=', user).where('field', '=', field).execute()
    if (field === 'photo' && value !== null) await dropPhoto(tx, asPhotoHash(value))
  }
}

/** What a guest of this branch waits for; undefined: nothing. */
export async function wishOf(db: Db, user: UserId): Promise<Wish | undefined> {
  const rows = await db
    .selectFrom('wish as w')
    .leftJoin('refusal as r', 'r.position', 'w.position')
    .where('w.userId', '=', user)
    .select(['w.field', 'w.value', 'w.hlc', 'r.reason'])
    .execute()
  const [first] = rows
  if (first === undefined) return undefined
  const refused = rows.find(({ reason }) => reason !== null)?.reason
  return {
    fields: Object.fromEntries(rows.map(({ field, value }) => [field, value])),
    askedAt: Math.max(...rows.map(({ hlc }) => millisOf(hlc))),
    ...(refused && { refused }),
  }
}

/** Forgets all that somebody asked. */
export async function forgetWishes(tx: Db, user: UserId): Promise<void> {
  await tx.deleteFrom('wish').where('userId', '=', user).execute()
}

/** In a query with `user`: what a guest asked for and was not refused, to be shown to him at once. */
export const wished = (field: 'language' | 'theme') =>
  sql<string | null>`(select w.value from wish as w where w.userId = user.id
    and w.field = ${sql.lit(field)}
    and not exists (select 1 from refusal as r where r.position = w.position))`
