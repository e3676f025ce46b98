/**
 * Deleting a person: 030d user.erase makes him nobody at every branch, 030e erase.done is each branch's answer when it
 * has destroyed what it held. Deleting wins over every other record, and the login stays taken.
 * docs/decisions/039-leavers.md.
 */
import * as v from 'valibot'
import { forgetTold } from '../audit/told.ts'
import { ERASED_NAME } from '../base/erased.ts'
import { HLC_ZERO, millisOf } from '../base/hlc.ts'
import { asBranchId, asUserId, type BranchId, type UserId } from '../base/ids.ts'
import { type Millis, TIME_MS_MAX } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import { overwriting } from '../db/overwriting.ts'
import { type EventKind, type LoggedEvent, Parked } from '../eventlog/events.ts'
import { demandIssuer } from '../eventlog/issuers.ts'
import { noteAct } from './acts.ts'
import { dropPhoto, endSignIns, personRow } from './event-parts.ts'
import { sameRows } from './event-rows.ts'
import { LOGIN } from './logins.ts'
import { forgetLost } from './lost-passwords.ts'
import { forgetWishes } from './wish-rows.ts'

const user = v.pipe(v.string(), v.transform(asUserId))

/** All that must stay known of the person, for a branch where the record itself comes without its body. */
const userEraseBody = v.object({
  user,
  home: v.pipe(v.string(), v.transform(asBranchId)),
  login: v.pipe(v.string(), v.regex(LOGIN)),
  createdAt: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(TIME_MS_MAX)),
  /** What becomes of the messages he wrote. */
  messages: v.picklist(['keep', 'erase']),
  by: v.optional(user),
})
type UserErase = v.InferOutput<typeof userEraseBody>

const eraseDoneBody = v.object({ user })
type EraseDone = v.InferOutput<typeof eraseDoneBody>

/** 030d: the home branch, or an issuing one. */
export const userErase: EventKind<UserErase> = {
  code: 0x030d,
  name: 'user.erase',
  scope: 'all',
  parse: (body) => v.parse(userEraseBody, body),
  isUrgent: () => true,
  async refusal(tx, event) {
    const { body, origin } = event
    if (body.home !== origin) await demandIssuer(tx, event)
    const known = await sameRows(tx, body)
    if (known.some(({ id }) => id !== body.user)) return 'login-taken'
    const [person] = known
    if (person === undefined) return undefined
    if (person.home !== body.home) return 'not-home'
    return person.login === body.login ? undefined : 'login-changed'
  },
  async apply(tx, event) {
    await keepErasure(tx, event)
    await noteAct(tx, event)
    await anonymise(tx, event)
  },
}

/** 030e: a branch has destroyed what it held of somebody. */
export const eraseDone: EventKind<EraseDone> = {
  code: 0x030e,
  name: 'erase.done',
  scope: 'all',
  parse: (body) => v.parse(eraseDoneBody, body),
  async refusal(tx, { body }) {
    if (!(await isErased(tx, body.user))) throw new Parked('waits-for-erasure')
    return undefined
  },
  async apply(tx, { body, origin, hlc }) {
    const at = millisOf(hlc)
    await tx
      .insertInto('erase_done')
      .values({ userId: body.user, branchId: origin, at })
      .onConflict((conflict) => conflict.columns(['userId', 'branchId']).doUpdateSet({ at }))
      .execute()
  },
}

/** Both kinds, for the event log. */
export const erasingKinds = [userErase, eraseDone] as const

async function keepErasure(tx: Db, event: LoggedEvent<UserErase>): Promise<void> {
  const { id: eventId, body, origin: branchId, hlc } = event
  const { user: userId, messages, by } = body
  await tx
    .insertInto('erasure')
    .values({ userId, eventId, branchId, byId: by ?? null, messages, hlc, doneAt: null })
    .onConflict((conflict) => {
      const same = conflict.column('userId')
      if (messages === 'keep') return same.doNothing()
      // Of two administrators apart the one who erases more has his way.
      const more = same.doUpdateSet({ messages, doneAt: null })
      return more.where('erasure.messages', '=', 'keep')
    })
    .execute()
}

/** Takes away at once what people see; bodies in the event log follow (jobs/erasing.ts). */
async function anonymise(tx: Db, { body, arrivedAt, hlc }: LoggedEvent<UserErase>): Promise<void> {
  const { user: id, home, login, createdAt } = body
  const known = await personRow(tx, id)
  const nobody = {
    ...{ firstName: ERASED_NAME, lastName: '', searchName: '', searchText: '', photo: null },
    ...{ post: '', department: '', phone: '', room: '', language: null, theme: 'auto' as const },
    ...{ role: 'employee' as const, disabled: 1 as const },
  }
  await overwriting(tx, async () => {
    if (known === undefined) {
      const rest = { rev: 0, hlc, roleRev: 0, roleHlc: HLC_ZERO, roleBranch: home }
      const erasedAt = arrivedAt
      await tx
        .insertInto('user')
        .values({ ...nobody, ...rest, id, home, login, createdAt, blockGeneration: 0, erasedAt })
        .execute()
      return
    }
    const erasedAt = known.erasedAt ?? arrivedAt
    await tx
      .updateTable('user')
      .set({ ...nobody, erasedAt })
      .where('id', '=', id)
      .execute()
    if (known.photo !== null) await dropPhoto(tx, known.photo)
    await endSignIns(tx, id)
    await forgetCredential(tx, id)
    await forgetTold(tx, id)
    await tx.deleteFrom('presence').where('userId', '=', id).execute()
    for (const table of ['contact', 'contact_block'] as const) {
      await tx.deleteFrom(table).where('ownerId', '=', id).execute()
    }
    await tx.deleteFrom('file').where('ownerId', '=', id).execute()
    for (const table of ['draft', 'user_status', 'ldap_person', 'ldap_factor'] as const) {
      await tx.deleteFrom(table).where('userId', '=', id).execute()
    }
    await tx.deleteFrom('erase_request').where('userId', '=', id).execute()
    await forgetWishes(tx, id)
    await forgetLost(tx, id)
  })
}

/** Without the salt nobody guesses the password; the key alone still proves stays that come late. */
async function forgetCredential(tx: Db, userId: UserId): Promise<void> {
  const known = await tx
    .selectFrom('credential')
    .where('userId', '=', userId)
    .select(['userId', 'epoch', 'rev', 'branchId', 'publicKey', 'hlc', 'replaces'])
    .executeTakeFirst()
  if (known === undefined) return
  await tx
    .insertInto('credential_past')
    .values(known)
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  await tx.deleteFrom('credential').where('userId', '=', userId).execute()
}

/** Whether somebody was deleted. */
async function isErased(db: Db, userId: UserId): Promise<boolean> {
  const row = db.selectFrom('erasure').where('userId', '=', userId).select('userId')
  return (await row.executeTakeFirst()) !== undefined
}

/** What became of the messages of somebody deleted; undefined: not deleted. */
export async function messagesOf(db: Db, userId: UserId): Promise<'keep' | 'erase' | undefined> {
  const row = db.selectFrom('erasure').where('userId', '=', userId).select('messages')
  return (await row.executeTakeFirst())?.messages
}

/** Branches that have said that they erased somebody. */
export function branchesDone(
  db: Db,
  userId: UserId,
): Promise<{ branchId: BranchId; at: Millis }[]> {
  const rows = db.selectFrom('erase_done').where('userId', '=', userId)
  return rows.select(['branchId', 'at']).execute()
}
