/**
 * Receipts: at which branches an act of administrators with a person holds, one line for each branch. Of an act of this
 * branch the others' acks tell; of an act of another branch only that one knows. A deletion is answered by each branch
 * itself (`erase.done`).
 */
import { type Act, actsOf } from '../accounts/acts.ts'
import { branchesDone } from '../accounts/erasing.ts'
import { fullName } from '../accounts/queries.ts'
import { millisOf } from '../base/hlc.ts'
import type { BranchId, UserId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import { traceOf } from '../eventlog/trace.ts'

/** Up and down of the line to a branch; undefined: no branch it ever had a line to. */
export type LineTo = (branch: BranchId) => { up: boolean; since: Millis } | undefined

type Place = { branch: string } & (
  | { state: 'done'; at: Millis }
  /** `downSince`: there is no line, since then; undefined: it is on its way. */
  | { state: 'waiting'; downSince: Millis | undefined }
  /** It has come, and the branch has not done it yet. */
  | { state: 'working' }
  | { state: 'refused'; reason: string }
)

type Receipt = {
  act: 'block' | 'role' | 'password' | 'erase'
  event: string
  at: Millis
  /** Who did it; undefined: an operator at the server. */
  by: string | undefined
  /** Where it was done. */
  origin: string
  /** All branches of today are listed; else this branch does not know where else it holds. */
  isWhole: boolean
  places: Place[]
}

type ReceiptDeps = { read: Db; self: BranchId; lineTo: LineTo }

const ACTS: Readonly<Record<string, Receipt['act']>> = {
  'user.block': 'block',
  'role.grant': 'role',
  'user.cred': 'password',
  'user.erase': 'erase',
}

/** Receipts of the newest act of each kind with a person, the last act first. */
export async function receiptsOf(deps: ReceiptDeps, user: UserId): Promise<Receipt[]> {
  const rows = await deps.read
    .selectFrom('branch as b')
    .leftJoin('revocation as r', 'r.branchId', 'b.id')
    .where('r.branchId', 'is', null)
    .select(['b.id', 'b.name'])
    .orderBy('b.name')
    .execute()
  const receipts: Receipt[] = []
  for (const done of await actsOf(deps.read, user)) {
    const act = ACTS[done.kind]
    if (act !== undefined) receipts.push(await receiptOf(deps, { act, done, branches: rows }))
  }
  return receipts
}

type Branches = readonly { id: BranchId; name: string }[]

async function receiptOf(
  deps: ReceiptDeps,
  { act, done, branches }: { act: Receipt['act']; done: Act; branches: Branches },
): Promise<Receipt> {
  const { read, self } = deps
  const { userId, eventId: event, branchId, byId, hlc } = done
  const isOwn = branchId === self
  const facts = { act, event, at: millisOf(hlc), by: await nameOf(read, byId) }
  const origin = branches.find(({ id }) => id === branchId)?.name ?? branchId
  const acks = await placesByAcks(deps, { event: done.eventId, branches })
  if (act !== 'erase') {
    return { ...facts, origin, isWhole: isOwn, places: acks.map(({ place }) => place) }
  }
  const erased = new Map((await branchesDone(read, userId)).map((row) => [row.branchId, row.at]))
  const places = branches.map(({ id, name }): Place => {
    const at = erased.get(id)
    if (at !== undefined) return { branch: name, state: 'done', at }
    const known = acks.find((each) => each.id === id)?.place
    if (known === undefined) return { branch: name, ...waiting(deps, id) }
    return known.state === 'done' ? { branch: name, state: 'working' } : known
  })
  return { ...facts, origin, isWhole: true, places }
}

/** Where an event is as far as acks tell: all branches of our own event, this one alone of others'. */
async function placesByAcks(
  deps: ReceiptDeps,
  of: { event: Act['eventId']; branches: Branches },
): Promise<{ id: BranchId; place: Place }[]> {
  const { read, self } = deps
  const trace = await traceOf(read, { self, event: of.event })
  if (trace === undefined) return []
  const nameOf = (branch: BranchId) => of.branches.find(({ id }) => id === branch)?.name ?? branch
  const here = { branch: nameOf(self), state: 'done' as const, at: trace.arrivedAt }
  const others = trace.ways.map(({ to, way }) => {
    const refusal = trace.refusals.find(({ by }) => by === to)
    const branch = nameOf(to)
    if (refusal) {
      const { reason } = refusal
      return { id: to, place: { branch, state: 'refused' as const, reason } }
    }
    if (way.state === 'stored') {
      return { id: to, place: { branch, state: 'done' as const, at: way.at } }
    }
    return { id: to, place: { branch, ...waiting(deps, to) } }
  })
  return [{ id: self, place: here }, ...others]
}

function waiting({ lineTo }: ReceiptDeps, branch: BranchId) {
  const line = lineTo(branch)
  const isDown = line !== undefined && !line.up && line.since > 0
  return { state: 'waiting' as const, downSince: isDown ? line.since : undefined }
}

async function nameOf(read: Db, user: UserId | null): Promise<string | undefined> {
  if (user === null) return undefined
  const row = await read
    .selectFrom('user')
    .where('id', '=', user)
    .select(['firstName', 'lastName', 'login'])
    .executeTakeFirst()
  return row && (fullName(row.firstName, row.lastName) || row.login)
}
