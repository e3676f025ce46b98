/**
 * A person's own records (contacts, blocks, what is cleared) where he signs in, and blocks where the blocked one signs
 * in. The home branch of who decided knows them all: it sends them on when it hears of a stay, and sends on what a
 * branch wrote that had not heard of one. What is known there already changes nothing.
 */
import { branchesOf } from '../accounts/queries.ts'
import type { UserAt } from '../accounts/records.ts'
import { HLC_ZERO, type Hlc } from '../base/hlc.ts'
import type { BranchId, UserId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import type { Append, EventKind, LoggedEvent } from '../eventlog/events.ts'
import { type DraftPut, draftPut } from './drafts.ts'
import type { ChatKinds } from './events.ts'
import type { SeenBody } from './seen.ts'
import { isAtHome } from './standing.ts'

type Parts = { append: Append; kinds: ChatKinds; self: BranchId }

/** The kind `user.at`: in the transaction that notes a stay, the records follow. */
export function followedByRecords(userAt: EventKind<UserAt>, parts: Parts): EventKind<UserAt> {
  return {
    ...userAt,
    async apply(tx, event) {
      await userAt.apply(tx, event)
      const { user, branch } = event.body
      if (branch === parts.self) return
      // A stay by a password that was replaced proves what was written then, and gives nothing new.
      if (!(await branchesOf(tx, [user], event.arrivedAt)).includes(branch)) return
      if (await isAtHome(tx, parts.self, user)) await sendOwn(parts, tx, { user, branch })
      await sendBlocksOf(parts, tx, { user, branch })
    },
  }
}

type Guest = { user: UserId; branch: BranchId }

async function sendOwn({ append, kinds }: Parts, tx: Db, { user, branch }: Guest): Promise<void> {
  const to = [branch]
  const contacts = await tx
    .selectFrom('contact')
    .where('ownerId', '=', user)
    .select(['contactId', 'hlc', 'since', 'removed'])
    .orderBy('contactId')
    .execute()
  for (const { contactId: contact, hlc: at, since, removed } of contacts) {
    const body = { owner: user, contact, removed: removed === 1, at, since }
    await append(tx, { kind: kinds.contactPut, body, to })
  }
  const hidden = await tx
    .selectFrom('cleared')
    .where('ownerId', '=', user)
    .select(['conversationId', 'origin', 'upTo as hlc'])
    .orderBy('conversationId')
    .orderBy('origin')
    .execute()
  for (const [conversation, rows] of Map.groupBy(hidden, (row) => row.conversationId)) {
    const upTo = rows.map(({ origin, hlc }) => ({ origin, hlc }))
    await append(tx, { kind: kinds.historyClear, body: { owner: user, conversation, upTo }, to })
  }
}

/** His own blocks, and those of people at home here who blocked him. */
async function sendBlocksOf(
  { append, kinds, self }: Parts,
  tx: Db,
  { user, branch }: Guest,
): Promise<void> {
  const rows = await tx
    .selectFrom('contact_block as k')
    .innerJoin('user as owner', 'owner.id', 'k.ownerId')
    .where('owner.home', '=', self)
    .where((eb) => eb.or([eb('k.ownerId', '=', user), eb('k.blockedId', '=', user)]))
    .select(['k.ownerId as owner', 'k.blockedId as blocked', 'k.isOn', 'k.at', 'k.since'])
    .orderBy('k.ownerId')
    .orderBy('k.blockedId')
    .orderBy('k.at')
    .execute()
  for (const { isOn, ...decided } of rows) {
    const body = { ...decided, on: isOn === 1 }
    await append(tx, { kind: kinds.contactBlock, body, to: [branch] })
  }
}

/** What an owner wrote elsewhere goes on to those of his branches that were not named. */
function sentOn<Body>(
  { append, self }: Pick<Parts, 'append' | 'self'>,
  kind: EventKind<Body>,
  { told, isNamedTold = true, copyOf }: Copied<Body>,
): EventKind<Body> {
  return {
    ...kind,
    async apply(tx, event) {
      await kind.apply(tx, event)
      const { body, origin, arrivedAt } = event
      const people = told(body)
      // Our own too, when it comes back after a loss: meanwhile the owner may have gone elsewhere.
      if (!(await isAtHome(tx, self, people[0]))) return
      const all = await branchesOf(tx, people, arrivedAt)
      const isTold = isNamedTold || origin === self
      const known = new Set([self, origin, ...(isTold ? event.to : [])])
      const to = all.filter((branch) => !known.has(branch))
      const copy = copyOf?.(event) ?? body
      if (to.length > 0) await append(tx, { kind, body: copy, to })
    },
  }
}

type Copied<Body> = {
  told(body: Body): [owner: UserId, ...others: UserId[]]
  /** Whether a branch that was named has taken it as one of the owner's; true when absent. */
  isNamedTold?: boolean
  copyOf?(event: LoggedEvent<Body>): Body
}

/** The kinds of chats: an owner's records reach all of his branches by his home branch. */
export function sentOnFromHome(given: ChatKinds, parts: Parts): ChatKinds {
  const { contactPut, contactBlock, historyClear, msgSeen } = given
  return {
    ...given,
    contactPut: sentOn(parts, contactPut, {
      told: ({ owner }) => [owner],
      copyOf: ({ body, hlc }) => ({ ...body, at: body.at ?? hlc }),
    }),
    contactBlock: sentOn(parts, contactBlock, { told: ({ owner, blocked }) => [owner, blocked] }),
    historyClear: sentOn(parts, historyClear, { told: ({ owner }) => [owner] }),
    msgSeen: sentOn(parts, msgSeen, {
      told: ({ user }) => [user],
      // A branch that was named for those who wrote there kept no more than they are told, if the reader came later.
      isNamedTold: false,
      copyOf: ({ body }) => ({ ...body, marks: withoutPlaces(body.marks) }),
    }),
  }
}

/**
 * Places in feeds are those of the branch that wrote it: what counts elsewhere is the clock of the message. A branch
 * has a feed for each of its starts: of several marks the latest holds.
 */
function withoutPlaces(marks: SeenBody['marks']): SeenBody['marks'] {
  const upTo = new Map<BranchId, Hlc>()
  for (const { origin, hlc } of marks) {
    if (hlc >= (upTo.get(origin) ?? HLC_ZERO)) upTo.set(origin, hlc)
  }
  return [...upTo].map(([origin, hlc]) => ({ origin, hlc }))
}

/** The same of drafts: the branch where one was written may not know of all the others. */
export function draftsSentOn(parts: Parts): EventKind<DraftPut> {
  return sentOn(parts, draftPut, { told: ({ user }) => [user] })
}
