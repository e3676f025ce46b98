/**
 * The past of a guest's chats. Where somebody signs in who is at home elsewhere, that branch asks all others
 * (`hist.want`); each sends what it wrote itself of the newest page of each chat, as it was, and says from when on its
 * part is whole (`hist.part`). Older pages are asked for one by one. So what follows a guest is signed by who wrote it,
 * needs no trust in a third branch, and what a branch that is cut off wrote comes when it is back.
 * docs/protocol.md, section 11; docs/decisions/040-guests.md.
 */
import { type SqlBool, sql } from 'kysely'
import * as v from 'valibot'
import { branchesOf } from '../accounts/queries.ts'
import { HLC_ZERO, type Hlc } from '../base/hlc.ts'
import type { BranchId, ConversationId, MessageId, UserId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import {
  type Append,
  type EventKind,
  type Forward,
  type LoggedEvent,
  Parked,
} from '../eventlog/events.ts'
import type { ChatParts } from './actions.ts'
import { sendDrafts } from './drafts.ts'
import type { ChatKinds } from './events.ts'
import { hlc, id } from './fields.ts'
import { keepParts, keptSince, startOf } from './past.ts'
import { LINES_PER_PAGE } from './queries.ts'
import { isSeen, MARKS_MAX, type SeenBody } from './seen.ts'
import { demandVoice, isAtHome } from './standing.ts'

/** Chats whose newest page follows at once; of older ones the last message, so that the list shows them. */
const WHOLE_CHATS_MAX = 60
/** Nobody scrolls further in a list of chats: what is older comes when somebody writes there. */
const CHATS_MAX = 1000
/** Keeps an event far below 64 KiB. */
const PARTS_PER_EVENT = 400
/** Branches that wrote in a chat are looked for among so many of its newest messages. */
const AUTHORS_LOOKED_AT = 500

const LAST_ID = 'f'.repeat(32) as MessageId

const wantBody = v.object({
  user: id<UserId>(),
  /** When the stay began: the clock value of its user.at. */
  stay: hlc,
  /** What was sent for an earlier stay was erased meanwhile. */
  again: v.boolean(),
  /** The page before this place of one chat; absent: the newest page of all. */
  page: v.optional(
    v.object({ conversation: id<ConversationId>(), timeKey: hlc, id: id<MessageId>() }),
  ),
})
const partBody = v.object({
  user: id<UserId>(),
  stay: hlc,
  chats: v.pipe(
    v.array(v.object({ conversation: id<ConversationId>(), from: hlc })),
    v.maxLength(PARTS_PER_EVENT),
  ),
})

type HistWant = v.InferOutput<typeof wantBody>
export type HistPart = v.InferOutput<typeof partBody>
type Page = NonNullable<HistWant['page']>

type Parts = { append: Append; forward: Forward; chats: ChatKinds; self: BranchId }

const nothing = async () => {}

/** As the branch writes it that asks: it changes nothing there. */
const histWant: EventKind<HistWant> = {
  code: 0x0410,
  name: 'hist.want',
  scope: 'to',
  parse: (body) => v.parse(wantBody, body),
  // Only the branch where the person signed in may ask, and what proves that may still be on its way.
  async refusal(tx, event) {
    await demandVoice(tx, event, event.body.user)
    await demandStay(tx, event)
    return undefined
  },
  apply: nothing,
}

/**
 * An earlier stay lets the branch speak, and gives it nothing any more once its password was replaced: the question
 * waits for the stay that it names, which comes in another feed.
 */
async function demandStay(
  tx: Db,
  { body, origin, arrivedAt }: LoggedEvent<HistWant>,
): Promise<void> {
  if ((await branchesOf(tx, [body.user], arrivedAt)).includes(origin)) return
  const known = await tx
    .selectFrom('location')
    .where('userId', '=', body.user)
    .where('branchId', '=', origin)
    .where('hlc', '>=', body.stay)
    .select('hlc')
    .executeTakeFirst()
  if (known === undefined) throw new Parked('waits-for-person')
}

/** As the branch writes it that answers: it knows its part. */
const histPart: EventKind<HistPart> = {
  code: 0x0411,
  name: 'hist.part',
  scope: 'to',
  parse: (body) => v.parse(partBody, body),
  refusal: async () => undefined,
  apply: nothing,
}

/** The kinds as the log applies them: what others ask is answered, what they say of their parts is kept. */
export function historyKinds(parts: Parts): EventKind<never>[] {
  const { self } = parts
  const asked: typeof histWant = {
    ...histWant,
    apply: (tx, event) => (event.origin === self ? nothing() : answer(parts, tx, event)),
  }
  const said: typeof histPart = {
    ...histPart,
    apply: (tx, event) => (event.origin === self ? nothing() : keepParts(tx, event, self)),
  }
  return [asked, said] as EventKind<never>[]
}

type Asked = { user: UserId; branch: BranchId; again: boolean }

async function answer(
  parts: Parts,
  tx: Db,
  { body, origin: branch, arrivedAt }: LoggedEvent<HistWant>,
): Promise<void> {
  const { user, stay, again, page } = body
  // A stay that is over, or by a password that was replaced, gives nothing any more.
  if (!(await branchesOf(tx, [user], arrivedAt)).includes(branch)) return
  const asked = { user, branch, again }
  const chats: HistPart['chats'] = []
  const isFirst = !page && (await isAtHome(tx, parts.self, user))
  const elsewhere = isFirst ? await readElsewhere(tx, user) : undefined
  if (isFirst) await sendDrafts(parts.append, tx, { user, branch })
  for (const [at, chat] of (await chatsOf(tx, user, page)).entries()) {
    const rows = page || at < WHOLE_CHATS_MAX ? LINES_PER_PAGE : 1
    const from = await sendPage(parts, tx, { asked, chat, rows, page })
    if ((await keptSince(tx, chat.id, parts.self)) !== undefined) {
      chats.push({ conversation: chat.id, from })
    }
    if (elsewhere) await sendRead(parts, tx, { asked, chat, marks: elsewhere.get(chat.id) ?? [] })
    elsewhere?.delete(chat.id)
  }
  // Of chats that are not here yet.
  for (const [conversation, marks] of elsewhere ?? []) {
    const body = { conversation, user, mark: 'read' as const, marks, lastMessage: NO_MESSAGE }
    await parts.append(tx, { kind: parts.chats.msgSeen, body, to: [branch] })
  }
  for (let i = 0; i < chats.length; i += PARTS_PER_EVENT) {
    const some = { user, stay, chats: chats.slice(i, i + PARTS_PER_EVENT) }
    await parts.append(tx, { kind: histPart, body: some, to: [branch] })
  }
}

type OwnChat = { id: ConversationId; joinedAt: Hlc }

/** The chats of a person in which something was written, the last one first; or the one that is asked for. */
async function chatsOf(tx: Db, user: UserId, page: Page | undefined): Promise<OwnChat[]> {
  let query = tx
    .selectFrom('membership as mine')
    .innerJoin('conversation as c', 'c.id', 'mine.conversationId')
    .where('mine.userId', '=', user)
    .where('mine.leftAt', 'is', null)
    // Of what was refused its author sees his own lines, and no list a last one.
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('message')
          .whereRef('message.conversationId', '=', 'c.id')
          .select('message.position'),
      ),
    )
  if (page) query = query.where('c.id', '=', page.conversation)
  return await query
    .select(['c.id', 'mine.joinedAt'])
    .orderBy('c.lastTimeKey', 'desc')
    .orderBy('c.id')
    .limit(CHATS_MAX)
    .execute()
}

type Sending = { asked: Asked; chat: OwnChat; rows: number; page: Page | undefined }

/** Sends what this branch wrote of a page; says from when on that is all of it. */
async function sendPage(
  { forward, self }: Parts,
  tx: Db,
  { asked, chat, rows, page }: Sending,
): Promise<Hlc> {
  let query = tx
    .selectFrom('message as m')
    .where('m.conversationId', '=', chat.id)
    .where('m.timeKey', '>=', chat.joinedAt)
  if (page) {
    query = query.where(sql<SqlBool>`(m.timeKey, m.id) < (${page.timeKey}, ${page.id})`)
  }
  const found = await query
    .select(['m.position', 'm.timeKey', 'm.origin'])
    .orderBy('m.timeKey', 'desc')
    .orderBy('m.id', 'desc')
    .limit(rows + 1)
    .execute()
  const shown = found.slice(0, rows)
  const own = shown.filter(({ origin }) => origin === self).map(({ position }) => position)
  const sent = asked.again
    ? new Set()
    : await sentAlready(tx, own, { from: self, to: asked.branch })
  for (const position of own.reverse()) {
    if (!sent.has(position)) await forward(tx, position, asked.branch)
  }
  return found.length > rows ? (shown.at(-1)?.timeKey ?? HLC_ZERO) : HLC_ZERO
}

async function sentAlready(
  tx: Db,
  positions: readonly number[],
  { from, to }: { from: BranchId; to: BranchId },
): Promise<Set<number>> {
  if (positions.length === 0) return new Set()
  const rows = await tx
    .selectFrom('feed_entry as fe')
    .innerJoin('feed as f', 'f.n', 'fe.feedN')
    .where('fe.position', 'in', [...positions])
    .where('f.origin', '=', from)
    .where('f.destination', '=', to)
    .select('fe.position')
    .execute()
  return new Set(rows.map(({ position }) => position))
}

/** The branch where a guest has just signed in asks all others. */
export async function wantChats(
  { append, self }: Pick<Parts, 'append' | 'self'>,
  tx: Db,
  { user, stay }: Pick<HistWant, 'user' | 'stay'>,
): Promise<void> {
  const erased = await tx
    .deleteFrom('forgotten_guest')
    .where('userId', '=', user)
    .executeTakeFirst()
  const body = { user, stay, again: erased.numDeletedRows > 0n }
  await append(tx, { kind: histWant, body, to: await otherBranches(tx, self) })
}

/** Asks the other branches for the page before what is here of a guest's chat; answers where that begins now. */
export async function wantOlder(
  { store, append, self }: Pick<Parts, 'append' | 'self'> & Pick<ChatParts, 'store'>,
  at: { user: UserId; conversation: ConversationId },
): Promise<Hlc | undefined> {
  return await store.writer.write(async (tx) => {
    const { user, conversation } = at
    const timeKey = await startOf(tx, at)
    if (timeKey === undefined) return undefined
    const newest = await tx
      .selectFrom('history_part')
      .where('userId', '=', user)
      .where('conversationId', '=', conversation)
      .select('stay')
      .orderBy('stay', 'desc')
      .executeTakeFirstOrThrow()
    // Of two lines with one clock value the page may end between them: the last id there is takes both in.
    const page = { conversation, timeKey, id: LAST_ID }
    const body = { user, stay: newest.stay, again: true, page }
    await append(tx, { kind: histWant, body, to: await otherBranches(tx, self) })
    return timeKey
  })
}

async function otherBranches(tx: Db, self: BranchId): Promise<BranchId[]> {
  const others = await tx
    .selectFrom('branch')
    .leftJoin('revocation', 'revocation.branchId', 'branch.id')
    .where('branch.id', '!=', self)
    .where('branch.status', '=', 'active')
    .where('revokedAt', 'is', null)
    .select('branch.id')
    .execute()
  return others.map((branch) => branch.id)
}

type Marks = SeenBody['marks']

/** In no log: what was read last is not here. */
const NO_MESSAGE = '0'.repeat(32) as MessageId

/** What a person has read at other branches, also of what has not come here. */
async function readElsewhere(tx: Db, user: UserId): Promise<Map<ConversationId, Marks>> {
  const rows = await tx
    .selectFrom('seen_before')
    .innerJoin('branch', 'branch.id', 'origin')
    .where('userId', '=', user)
    .where('mark', '=', 'read')
    .select(['conversationId', 'origin', 'upTo as hlc'])
    .orderBy('conversationId')
    .orderBy('origin')
    .execute()
  const chats = Map.groupBy(rows, (row) => row.conversationId)
  return new Map(
    [...chats].map(([conversation, of]) => {
      return [conversation, of.slice(0, MARKS_MAX).map(({ origin, hlc }) => ({ origin, hlc }))]
    }),
  )
}

/** What the guest has read, said by the home branch for each branch that wrote in the chat. `marks`: read elsewhere. */
async function sendRead(
  { append, chats, self }: Parts,
  tx: Db,
  {
    asked: { user, branch },
    chat,
    marks: elsewhere,
  }: Pick<Sending, 'asked' | 'chat'> & { marks: Marks },
): Promise<void> {
  const newest = await tx
    .selectFrom('message as m')
    .innerJoin('event as e', 'e.position', 'm.position')
    .where('m.conversationId', '=', chat.id)
    .select(['m.id', 'm.origin', 'e.hlc'])
    .orderBy('m.timeKey', 'desc')
    .orderBy('m.id', 'desc')
    .limit(AUTHORS_LOOKED_AT)
    .execute()
  const [last] = newest
  if (last === undefined) return
  const unread = await firstUnread(tx, { user, self, conversation: chat.id })
  const upTo = new Map(elsewhere.map(({ origin, hlc }) => [origin, hlc]))
  for (const [origin, written] of Map.groupBy(newest, (row) => row.origin)) {
    const first = unread.get(origin)
    const hlc = first
      ? await lastBefore(tx, { conversation: chat.id, origin, first })
      : written
          .map((row) => row.hlc)
          .toSorted()
          .at(-1)
    if (hlc !== undefined && hlc > (upTo.get(origin) ?? HLC_ZERO)) upTo.set(origin, hlc)
  }
  if (upTo.size === 0) return
  const marks = [...upTo].map(([origin, hlc]) => ({ origin, hlc })).slice(0, MARKS_MAX)
  const body = { conversation: chat.id, user, mark: 'read' as const, marks, lastMessage: last.id }
  await append(tx, { kind: chats.msgSeen, body, to: [branch] })
}

async function firstUnread(
  tx: Db,
  at: { user: UserId; self: BranchId; conversation: ConversationId },
): Promise<Map<BranchId, Hlc>> {
  const rows = await tx
    .selectFrom('membership as mine')
    .innerJoin('message as m', (on) =>
      on
        .onRef('m.conversationId', '=', 'mine.conversationId')
        .onRef('m.position', '>', 'mine.readPosition'),
    )
    .innerJoin('event as e', 'e.position', 'm.position')
    .where('mine.userId', '=', at.user)
    .where('mine.conversationId', '=', at.conversation)
    .where('m.authorId', '!=', at.user)
    .where(sql<SqlBool>`+m.timeKey >= mine.joinedAt`)
    .where((eb) => eb.not(isSeen(at.user, at.self, 'read')))
    .groupBy('m.origin')
    .select((eb) => ['m.origin', eb.fn.min('e.hlc').as('first')])
    .execute()
  return new Map(rows.map(({ origin, first }) => [origin, first]))
}

/**
 * The highest clock of what a branch wrote there before something, among as many lines as are looked at; none, when
 * there is none among them. What is not here, nobody has read here.
 */
async function lastBefore(
  tx: Db,
  { conversation, origin, first }: { conversation: ConversationId; origin: BranchId; first: Hlc },
): Promise<Hlc | undefined> {
  const before = tx
    .selectFrom('message as m')
    .innerJoin('event as e', 'e.position', 'm.position')
    .where('m.conversationId', '=', conversation)
    .where('m.timeKey', '<', first)
    .orderBy('m.timeKey', 'desc')
    .limit(AUTHORS_LOOKED_AT)
    .select(['m.origin', 'e.hlc'])
  const row = await tx
    .selectFrom(before.as('b'))
    .where('b.origin', '=', origin)
    .where('b.hlc', '<', first)
    .select((eb) => eb.fn.max('b.hlc').as('hlc'))
    .executeTakeFirst()
  return row?.hlc ?? undefined
}
