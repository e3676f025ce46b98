/**
 * 0303 user.block: an account is closed or opened again, by any branch where an administrator with the right is. What
 * an organisation admin says counts if he was one when it was written; so blocks are kept, and what is in force follows
 * from all of them and from all roles, in whatever order they came. docs/decisions/039-leavers.md.
 */
import * as v from 'valibot'
import type { Hlc } from '../base/hlc.ts'
import { millisOf } from '../base/hlc.ts'
import type { BranchId, UserId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import { type EventKind, type LoggedEvent, Parked } from '../eventlog/events.ts'
import { demandIssuer, isIssuer } from '../eventlog/issuers.ts'
import { noteAct } from './acts.ts'
import { demandNext, endSignIns, isAfter, knownPerson } from './event-parts.ts'
import { mayWriteFor } from './queries.ts'
import { type RoleGrant, type UserBlock, userBlockBody } from './records.ts'

/** 0303: the home branch, an issuing one, or one where the organisation admin named in `by` lives or stays. */
export const userBlock: EventKind<UserBlock> = {
  code: 0x0303,
  name: 'user.block',
  scope: 'all',
  parse: (body) => v.parse(userBlockBody, body),
  isUrgent: () => true,
  async refusal(tx, event) {
    const person = await knownPerson(tx, event.body.user)
    if (person.home !== event.origin) await demandRight(tx, event)
    demandNext(event.body.generation, person.blockGeneration)
    return undefined
  },
  async apply(tx, event) {
    const { body, origin, hlc } = event
    const { user: userId, generation, blocked, by } = body
    await tx
      .insertInto('block_record')
      .values({
        ...{ userId, generation, blocked: blocked ? 1 : 0, branchId: origin, hlc },
        byId: by ?? null,
      })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
    await noteAct(tx, event)
    await settle(tx, userId)
  },
}

/** Parks what neither an issuing branch wrote nor one where its administrator was: that may be on its way. */
async function demandRight(tx: Db, event: LoggedEvent<UserBlock>): Promise<void> {
  const { body, origin, hlc } = event
  if (await isIssuer(tx, origin)) return
  if (body.by === undefined) return demandIssuer(tx, event)
  const isThere = await mayWriteFor(tx, { user: body.by, branch: origin, at: millisOf(hlc) })
  const roles = await rolesOf(tx, body.by)
  const wasAdmin = roles.some(({ role }) => role === 'organisation-admin')
  if (!isThere || !wasAdmin) throw new Parked('waits-for-admin')
}

/** Keeps a role that was given; blocks that stand on roles of this person are looked at again. */
export async function noteRole(tx: Db, event: LoggedEvent<RoleGrant>): Promise<void> {
  const { body, origin: branchId, hlc } = event
  const { user: userId, rev, role } = body
  await tx
    .insertInto('role_past')
    .values({ userId, rev, hlc, branchId, role })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  await noteAct(tx, event)
  const rows = await tx
    .selectFrom('block_record')
    .where('byId', '=', userId)
    .select('userId')
    .distinct()
    .execute()
  for (const row of rows) await settle(tx, row.userId)
}

/** What is in force for a person: of the blocks that count the highest generation, in it the block. */
async function settle(tx: Db, user: UserId): Promise<void> {
  const person = await knownPerson(tx, user)
  const records = await tx
    .selectFrom('block_record')
    .where('userId', '=', user)
    .select(['generation', 'blocked', 'branchId', 'byId', 'hlc'])
    .execute()
  let top = 0
  let isClosed = false
  for (const { generation, blocked, ...said } of records) {
    if (generation < top || !(await counts(tx, person.home, said))) continue
    isClosed = blocked === 1 || (isClosed && generation === top)
    top = generation
  }
  // Of those that do not count too: their numbers are taken.
  const blockGeneration = Math.max(0, ...records.map(({ generation }) => generation))
  const disabled = isClosed || person.erasedAt !== null ? 1 : 0
  if (blockGeneration === person.blockGeneration && disabled === person.disabled) return
  await tx.updateTable('user').set({ blockGeneration, disabled }).where('id', '=', user).execute()
  if (disabled === 1) await endSignIns(tx, user)
}

type Said = { branchId: BranchId; byId: UserId | null; hlc: Hlc }

async function counts(tx: Db, home: BranchId, { branchId, byId, hlc }: Said): Promise<boolean> {
  if (branchId === home || (await isIssuer(tx, branchId))) return true
  return byId !== null && (await roleAt(tx, byId, hlc)) === 'organisation-admin'
}

/** The role somebody held at that clock value: of those given until then the last in their own order. */
export async function roleAt(tx: Db, user: UserId, at: Hlc) {
  const given = (await rolesOf(tx, user)).filter(({ hlc }) => hlc <= at)
  let last = given[0]
  for (const each of given) {
    const order = [each.rev, each.hlc, each.branchId]
    if (last !== undefined && isAfter(order, [last.rev, last.hlc, last.branchId])) last = each
  }
  return last?.role
}

function rolesOf(tx: Db, user: UserId) {
  return tx.selectFrom('role_past').where('userId', '=', user).selectAll().execute()
}
