/**
 * What a person does with others in his own list: deletes them, blocks them, hides what was written. Each is one
 * transaction with one event, and none when nothing changes, so that doing it twice is doing it once.
 * Source: docs/contacts.md, docs/decisions/037-contacts.md.
 */

import { sql } from 'kysely'
import { branchesOf, findPerson } from '../accounts/queries.ts'
import { AppError, invalidInput, notFound } from '../base/errors.ts'
import { HLC_ZERO, type Hlc } from '../base/hlc.ts'
import type { BranchId, ConversationId, UserId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import { type Holes, prepared } from '../db/prepared.ts'
import { PERSON } from '../eventlog/erasing.ts'
import { type ChatParts, membership } from './actions.ts'
import { type ContactChange, contactPut } from './contact-records.ts'
import { directIdOf } from './ids.ts'
import { decidedAfter } from './standing.ts'
import { isBlocking } from './visible.ts'

/** Takes somebody out of the viewer's list; the history stays, and his next message brings the chat back. */
export async function deleteContact(
  { store, append, kinds, clock, now }: ChatParts,
  viewer: UserId,
  contact: UserId,
): Promise<void> {
  if (viewer === contact) throw invalidInput('user', 'Nobody is in his own list', 'person-unknown')
  await store.writer.write(async (tx) => {
    await demandKnown(tx, contact)
    // Also whoever wrote without being added goes from the list, until he writes again; nobody is deleted twice.
    const known = await contactRow(tx, viewer, contact)
    const conversation = directIdOf(viewer, contact)
    const last = await lastPlace(tx, conversation)
    if (known?.removed !== 0 && last <= (known?.since ?? HLC_ZERO)) return
    const to = await branchesOf(tx, [viewer], clock.now())
    const decided = await decidedAfter(
      tx,
      { known: known?.hlc, now: now() },
      { conversation, authors: [viewer, contact], isContact: true },
    )
    const body = { owner: viewer, contact, removed: true, ...decided }
    await append(tx, { kind: kinds.contactPut, body, to })
  })
}

type ContactRow = { removed: 0 | 1; hlc: Hlc; since: Hlc }

/** What was decided last about a contact. */
export async function contactRow(
  tx: Db,
  owner: UserId,
  contact: UserId,
): Promise<ContactRow | undefined> {
  return await tx
    .selectFrom('contact')
    .where('ownerId', '=', owner)
    .where('contactId', '=', contact)
    .select(['removed', 'hlc', 'since'])
    .executeTakeFirst()
}

/** Where the last message of a chat stands in the timeline; zero where nothing was written. */
async function lastPlace(tx: Db, conversation: ConversationId): Promise<Hlc> {
  const row = await tx
    .selectFrom('conversation')
    .where('id', '=', conversation)
    .select('lastTimeKey')
    .executeTakeFirst()
  return row?.lastTimeKey ?? HLC_ZERO
}

/** Whether the viewer takes messages from somebody: `on` blocks him. Both ends are told, the page of neither. */
export async function setBlock(
  parts: ChatParts,
  viewer: UserId,
  { user: blocked, on }: { user: UserId; on: boolean },
): Promise<void> {
  if (viewer === blocked) throw invalidInput('user', 'Nobody blocks himself', 'block-self')
  const { store, append, kinds, clock } = parts
  await store.writer.write(async (tx) => {
    await demandKnown(tx, blocked)
    const { mine } = await blocksBetween(tx, { viewer, other: blocked })
    if (mine === on) return
    const to = await branchesOf(tx, [viewer, blocked], clock.now())
    const known = (await lastDecision(tx, { owner: viewer, blocked }))?.at
    const decided = await decidedAfter(
      tx,
      { known, now: parts.now() },
      { conversation: directIdOf(viewer, blocked), authors: [blocked] },
    )
    const body = { owner: viewer, blocked, on, ...decided }
    await append(tx, { kind: kinds.contactBlock, body, to })
  })
}

async function lastDecision(tx: Db, of: { owner: UserId; blocked: UserId }) {
  const [row] = await decisions(tx, of)
  return row
}

const decisions = prepared((db, value: Holes<{ owner: UserId; blocked: UserId }>) =>
  db
    .selectFrom('contact_block')
    .where('ownerId', '=', value('owner'))
    .where('blockedId', '=', value('blocked'))
    .orderBy('at', 'desc')
    .limit(1)
    .select(['at', 'since']),
)

/**
 * What somebody decided last about a writer, where it counts only later by its own clock: his branch knows it, and the
 * message says so. Undefined where clocks tell the order.
 */
export async function decisionAhead(
  tx: Db,
  { viewer, other, now }: { viewer: UserId; other: UserId; now: Hlc },
): Promise<Hlc | undefined> {
  const last = await lastDecision(tx, { owner: other, blocked: viewer })
  return last && last.since > now ? last.at : undefined
}

async function demandKnown(tx: Db, user: UserId): Promise<void> {
  if ((await findPerson(tx, user)) !== undefined) return
  throw invalidInput('user', 'Somebody is not known here', 'person-unknown')
}

/** Hides from the viewer, wherever he signs in, everything that is in a chat now. There is no way back. */
export async function clearHistory(
  { store, append, kinds, clock }: ChatParts,
  viewer: UserId,
  conversation: ConversationId,
): Promise<void> {
  await store.writer.write(async (tx) => {
    if ((await membership(tx, viewer, conversation)) === undefined) throw notFound('chat')
    const upTo = await writtenHere(tx, viewer, conversation)
    if (upTo.length === 0) return
    const to = await branchesOf(tx, [viewer], clock.now())
    await append(tx, { kind: kinds.historyClear, body: { owner: viewer, conversation, upTo }, to })
  })
}

/** What each branch has written there, as far as it is here and not hidden already. */
async function writtenHere(tx: Db, viewer: UserId, conversation: ConversationId) {
  const rows = await tx
    .selectFrom('message as m')
    .innerJoin('event as e', 'e.position', 'm.position')
    .leftJoin('cleared as gone', (on) =>
      on
        .on('gone.ownerId', '=', viewer)
        .onRef('gone.conversationId', '=', 'm.conversationId')
        .onRef('gone.origin', '=', 'm.origin'),
    )
    .where('m.conversationId', '=', conversation)
    .groupBy('m.origin')
    .having((eb) =>
      eb.or([
        eb(eb.fn.max('gone.upTo'), 'is', null),
        eb(eb.fn.max('e.hlc'), '>', eb.fn.max('gone.upTo')),
      ]),
    )
    .select((eb) => ['m.origin', eb.fn.max('e.hlc').as('hlc')])
    .orderBy('m.origin')
    .execute()
  return rows.map(({ origin, hlc }): { origin: BranchId; hlc: typeof hlc } => ({ origin, hlc }))
}

/** Which of two people takes no messages from the other now. */
export async function blocksBetween(
  db: Db,
  pair: { viewer: UserId; other: UserId },
): Promise<{ mine: boolean; theirs: boolean }> {
  const [row] = await blockRow(db, pair)
  return { mine: row?.mine === 1, theirs: row?.theirs === 1 }
}

const blockRow = prepared((db, value: Holes<{ viewer: UserId; other: UserId }>) =>
  db.selectNoFrom([
    isBlocking(value('viewer'), value('other')).as('mine'),
    isBlocking(value('other'), value('viewer')).as('theirs'),
  ]),
)

/** Who of all takes no messages from the viewer: he is not told whether they are there. */
export async function blockersOf(db: Db, viewer: UserId): Promise<Set<UserId>> {
  const rows = await blockers(db, { viewer })
  return new Set(rows.filter((row) => row.isOn === 1).map((row) => row.ownerId))
}

// Of each owner the latest decision: SQLite takes the other columns from the row of the maximum.
const blockers = prepared((db, value: Holes<{ viewer: UserId }>) =>
  db
    .selectFrom('contact_block')
    .where('blockedId', '=', value('viewer'))
    .groupBy('ownerId')
    .select((eb) => ['ownerId', 'isOn', eb.fn.max('at').as('at')]),
)

/** Whom the viewer blocks now. */
export async function blockedBy(db: Db, viewer: UserId): Promise<Set<UserId>> {
  const rows = await ownBlocks(db, { viewer })
  return new Set(rows.filter((row) => row.isOn === 1).map((row) => row.blockedId))
}

const ownBlocks = prepared((db, value: Holes<{ viewer: UserId }>) =>
  db
    .selectFrom('contact_block')
    .where('ownerId', '=', value('viewer'))
    .groupBy('blockedId')
    .select((eb) => ['blockedId', 'isOn', eb.fn.max('at').as('at')]),
)

/** Throws when one of the two has blocked the other: who was blocked is told so here, and nowhere before. */
export async function demandOpen(tx: Db, pair: { viewer: UserId; other: UserId }): Promise<void> {
  const { mine, theirs } = await blocksBetween(tx, pair)
  if (!mine && !theirs) return
  const name = (await findPerson(tx, pair.other))?.name ?? ''
  const [detail, message] = mine
    ? (['blocked-by-you', `You have blocked ${name}`] as const)
    : (['blocked', `${name} does not take messages from you`] as const)
  throw new AppError('forbidden', `Cannot post: ${message}`, { detail, values: { name } })
}

/** How somebody's own list changed after a position of the log, in its order. */
export async function contactsChangedAfter(
  db: Db,
  owner: UserId,
  after: number,
): Promise<ContactChange[]> {
  // The condition of the index `event_of_person`, to the letter.
  const rows = await sql<{ contact: UserId; removed: 0 | 1 }>`select
      json_extract(cast(substr(body, 17) as text), '$.contact') as contact,
      json_extract(cast(substr(body, 17) as text), '$.removed') as removed
    from event where ${PERSON} = ${owner} and position > ${after} and state = 'applied'
      and body is not null and (kind between 769 and 1023 or kind in (1028, 1042))
      and kind = ${contactPut.code} order by position`.execute(db)
  return rows.rows.map(({ contact, removed }) => ({ owner, contact, removed: removed === 1 }))
}
