/**
 * What a person keeps for himself: 0404 contact.put (who is in the list), 0405 contact.block (from whom no messages
 * are taken), 0406 history.clear (what is hidden). They go to the branches where the person is, a block also to those
 * of the one who is blocked. All merge: any order of arrival ends the same (docs/decisions/037-contacts.md).
 */
import { type SqlBool, sql } from 'kysely'
import * as v from 'valibot'
import type { Hlc } from '../base/hlc.ts'
import type { BranchId, ConversationId, UserId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import { type Holes, prepared } from '../db/prepared.ts'
import type { EventKind, LoggedEvent } from '../eventlog/events.ts'
import { hlc, id } from './fields.ts'
import { directIdOf } from './ids.ts'
import { demandVoice, ensureDirect, isMisdated, settleLast } from './standing.ts'
import { isShownTo } from './visible.ts'

/** As many as an event may name (n_to is one byte): nobody's chat has been written in at more branches. */
const ORIGINS_MAX = 255

const contactSchema = v.object({
  owner: id<UserId>(),
  contact: id<UserId>(),
  removed: v.boolean(),
  /** Its place among the decisions: above all that were known. Without one, the event's own clock. */
  at: v.optional(hlc),
  /** When it was decided, where that is before its place, because what was known was dated ahead. Without one, `at`. */
  since: v.optional(hlc),
})
const blockSchema = v.object({
  owner: id<UserId>(),
  blocked: id<UserId>(),
  on: v.boolean(),
  /** As above. */
  at: hlc,
  /** The same of it: what was written from then on is refused, or taken again. */
  since: v.optional(hlc),
})
const clearSchema = v.object({
  owner: id<UserId>(),
  conversation: id<ConversationId>(),
  /** Of what each branch wrote there, everything up to that clock value is hidden: what was not here yet is not. */
  upTo: v.pipe(
    v.array(v.object({ origin: id<BranchId>(), hlc })),
    v.minLength(1),
    v.maxLength(ORIGINS_MAX),
  ),
})

export type ContactBody = v.InferOutput<typeof contactSchema>
/** Who is in whose list, or no more. */
export type ContactChange = Pick<ContactBody, 'owner' | 'contact' | 'removed'>
export type BlockBody = v.InferOutput<typeof blockSchema>
export type ClearBody = v.InferOutput<typeof clearSchema>

/** 0404: somebody is in a person's list, or no more. */
export const contactPut: EventKind<ContactBody> = {
  code: 0x0404,
  name: 'contact.put',
  scope: 'to',
  isPersonal: true,
  parse: (body) => v.parse(contactSchema, body),
  refusal: async (tx, event) => {
    const { owner, contact, at = event.hlc, since = at } = event.body
    await demandVoice(tx, event, owner)
    if (await isMisdated(tx, event, { user: owner, at, since })) return 'wrong-time'
    return owner === contact ? 'wrong-contact' : undefined
  },
  apply: applyContact,
}

/** 0405: a person takes no messages from another, or does again. Not `user.block`, which closes an account. */
export const contactBlock: EventKind<BlockBody> = {
  code: 0x0405,
  name: 'contact.block',
  scope: 'to',
  parse: (body) => v.parse(blockSchema, body),
  refusal: async (tx, event) => {
    const { owner, blocked, at, since = at } = event.body
    await demandVoice(tx, event, owner)
    if (await isMisdated(tx, event, { user: owner, at, since })) return 'wrong-time'
    return owner === blocked ? 'wrong-contact' : undefined
  },
  apply: applyBlock,
}

/** 0406: a person hides what was written in a chat up to now, from nobody but himself. */
export const historyClear: EventKind<ClearBody> = {
  code: 0x0406,
  name: 'history.clear',
  scope: 'to',
  parse: (body) => v.parse(clearSchema, body),
  refusal: async (tx, event) => {
    await demandVoice(tx, event, event.body.owner)
    return undefined
  },
  apply: applyClear,
}

async function applyContact(tx: Db, event: LoggedEvent<ContactBody>): Promise<void> {
  const { owner, contact, removed, at = event.hlc, since = at } = event.body
  const values = { hlc: at, since, removed: removed ? (1 as const) : (0 as const) }
  await tx
    .insertInto('contact')
    .values({ ownerId: owner, contactId: contact, ...values })
    .onConflict((on) =>
      // Two branches that knew the same may have given one place: the deletion holds, and of two alike the earlier.
      on
        .columns(['ownerId', 'contactId'])
        .doUpdateSet(values)
        .where(
          sql<SqlBool>`(contact.hlc, contact.removed, ${since}) < (${at}, ${values.removed}, contact.since)`,
        ),
    )
    .execute()
  if (!removed) await ensureDirect(tx, [owner, contact])
}

/** Every decision is kept: of a message that comes late counts what held when it was written. */
async function applyBlock(tx: Db, { body }: LoggedEvent<BlockBody>): Promise<void> {
  const { owner: ownerId, blocked: blockedId, on, at, since = at } = body
  const isOn = on ? (1 as const) : (0 as const)
  await tx
    .insertInto('contact_block')
    .values({ ownerId, blockedId, at, since, isOn })
    .onConflict((conflict) =>
      // Two branches in one instant: the block holds, and of two alike the earlier.
      conflict
        .columns(['ownerId', 'blockedId', 'at'])
        .doUpdateSet({ isOn, since })
        .where(sql<SqlBool>`(contact_block.isOn, ${since}) < (${isOn}, contact_block.since)`),
    )
    .execute()
  await judgeAgain(tx, body)
}

/**
 * Messages that came before the decision was known, and what the list shows as the last one. What is taken after all
 * was not seen, wherever marks and a cleared history have moved meanwhile.
 */
async function judgeAgain(tx: Db, { owner, blocked }: BlockBody): Promise<void> {
  const conversation = directIdOf(owner, blocked)
  const judged = await sql<{ position: number; refused: 0 | 1 }>`update message
    set refused = judged.isOn
    from (select m.position, coalesce((
        select k.isOn from contact_block as k join event as e on e.position = m.position
        where k.ownerId = ${owner} and k.blockedId = ${blocked}
          and (k.since <= e.hlc or k.at <= m.decided)
        order by k.at desc limit 1), 0) as isOn
      from message as m where m.conversationId = ${conversation} and m.authorId = ${blocked}) as judged
    where message.position = judged.position and message.refused <> judged.isOn
    returning message.position, message.refused`.execute(tx)
  if (judged.rows.length === 0) return
  await settleLast(tx, conversation)
  await moveShownFrom(tx, owner, conversation)
  const taken = judged.rows.filter(({ refused }) => refused === 0)
  if (taken.length === 0) return
  const below = Math.min(...taken.map(({ position }) => position)) - 1
  await sql`update membership set readPosition = min(readPosition, ${below}),
      shownPosition = min(shownPosition, ${below})
    where conversationId = ${conversation} and userId = ${owner}`.execute(tx)
}

type Judged = { conversation: ConversationId; author: UserId; hlc: Hlc; decided: Hlc }

/** Whether the other one of a direct chat took no messages from its author when this was written. */
export async function isRefusedPost(tx: Db, of: Judged): Promise<boolean> {
  const [row] = await decisionAt(tx, of)
  return row?.isOn === 1
}

const decisionAt = prepared((db, value: Holes<Judged>) =>
  db
    .selectFrom('conversation as c')
    .innerJoin('membership as other', 'other.conversationId', 'c.id')
    .innerJoin('contact_block as k', 'k.ownerId', 'other.userId')
    .where('c.id', '=', value('conversation'))
    .where('c.kind', '=', 'direct')
    .where('other.userId', '!=', value('author'))
    .where('k.blockedId', '=', value('author'))
    .where((eb) => eb.or([eb('k.since', '<=', value('hlc')), eb('k.at', '<=', value('decided'))]))
    .orderBy('k.at', 'desc')
    .limit(1)
    .select('k.isOn'),
)

/** Per branch the later clock value holds: hidden stays hidden. */
async function applyClear(tx: Db, { body }: LoggedEvent<ClearBody>): Promise<void> {
  const { owner: ownerId, conversation: conversationId } = body
  for (const { origin, hlc: upTo } of body.upTo) {
    await tx
      .insertInto('cleared')
      .values({ ownerId, conversationId, origin, upTo })
      .onConflict((on) =>
        on
          .columns(['ownerId', 'conversationId', 'origin'])
          .doUpdateSet({ upTo })
          .where('cleared.upTo', '<', upTo),
      )
      .execute()
  }
  await moveShownFrom(tx, ownerId, conversationId)
}

/** Where the walk through the history begins, so that opening a chat does not pass over all that is hidden. */
async function moveShownFrom(tx: Db, owner: UserId, conversation: ConversationId): Promise<void> {
  const first = sql`select min(m.timeKey) from message as m
    where m.conversationId = ${conversation} and ${isShownTo(owner)}`
  const behindAll = sql`select max(m.timeKey) || '+' from message as m
    where m.conversationId = ${conversation}`
  await sql`update membership set shownFrom = coalesce((${first}), (${behindAll}), '')
    where conversationId = ${conversation} and userId = ${owner}`.execute(tx)
}

/** A message came: its place may be further up than those who cleared the chat begin to read. */
export const showFrom = prepared(
  (db, value: Holes<{ conversation: ConversationId; timeKey: Hlc }>) =>
    db
      .updateTable('membership')
      .set({ shownFrom: value('timeKey') })
      .where('conversationId', '=', value('conversation'))
      .where('shownFrom', '>', value('timeKey')),
)
