/**
 * What somebody has begun to write: kept by the server, and it follows the person like everything else. Who is at home
 * and nowhere else costs no event. Writing the message ends the draft. Owns table `draft`.
 */
import { sql } from 'kysely'
import * as v from 'valibot'
import { HLC_ZERO, type Hlc, millisOf } from '../base/hlc.ts'
import type { BranchId, ConversationId, UserId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import { type Holes, prepared } from '../db/prepared.ts'
import type { Append, EventKind, LoggedEvent } from '../eventlog/events.ts'
import { hlc, id } from './fields.ts'
import { DECIDED_AHEAD_MS_MAX, demandVoice, isDatedAhead } from './standing.ts'

/** A message has 4,000; whoever pastes more finds as much again. */
export const DRAFT_CHARS_MAX = 8000
/** Kept of one person; the oldest go. */
export const DRAFTS_MAX = 200

const draftBody = v.object({
  user: id<UserId>(),
  conversation: id<ConversationId>(),
  /** Empty: there is none any more. */
  body: v.pipe(v.string(), v.maxLength(DRAFT_CHARS_MAX)),
  /** Above all that was known of it and above the person's messages there. It may come again, for a guest's branch. */
  at: hlc,
})
export type DraftPut = v.InferOutput<typeof draftBody>

/** 0412: a draft. */
export const draftPut: EventKind<DraftPut> = {
  code: 0x0412,
  name: 'draft.put',
  scope: 'to',
  isPersonal: true,
  parse: (body) => v.parse(draftBody, body),
  async refusal(tx, event) {
    const { user, at } = event.body
    await demandVoice(tx, event, user)
    return (await isDatedAhead(tx, event, { user, at })) ? 'wrong-time' : undefined
  },
  apply: (tx, event) => keepDraft(tx, event.body, event.origin),
  recordOf: ({ user, conversation }) => `${user} ${conversation}`,
}

/** What the person has begun to write in a chat; empty when it is nothing. */
export async function draftOf(
  db: Db,
  { user, conversation }: { user: UserId; conversation: ConversationId },
): Promise<string> {
  const [row] = await draftRow(db, { user, conversation })
  return row?.body ?? ''
}

const draftRow = prepared((db, value: Holes<{ user: UserId; conversation: ConversationId }>) =>
  db
    .selectFrom('draft')
    .where('userId', '=', value('user'))
    .where('conversationId', '=', value('conversation'))
    .select(['body', 'hlc']),
)

/** The same where another branch than `except` had the last word about it, nothing among it; else undefined. */
export async function draftFrom(
  db: Db,
  of: { user: UserId; conversation: ConversationId; except: BranchId },
): Promise<string | undefined> {
  const row = await db
    .selectFrom('draft')
    .where('userId', '=', of.user)
    .where('conversationId', '=', of.conversation)
    .where('branchId', '!=', of.except)
    .select('body')
    .executeTakeFirst()
  return row?.body
}

/** The home branch sends a guest's drafts after him. */
export async function sendDrafts(
  append: Append,
  tx: Db,
  { user, branch }: { user: UserId; branch: BranchId },
): Promise<void> {
  const drafts = tx.selectFrom('draft').where('userId', '=', user)
  const rows = await drafts.selectAll().execute()
  for (const { conversationId: conversation, body, hlc: at } of rows) {
    await append(tx, { kind: draftPut, body: { user, conversation, body, at }, to: [branch] })
  }
}

/** The message was written: what had been typed before it is done. `timeKey`: its place in the timeline. */
export async function endDraft(
  tx: Db,
  { body, hlc, origin }: LoggedEvent<{ author: UserId; conversation: ConversationId }>,
  timeKey: Hlc,
): Promise<void> {
  const { author: user, conversation } = body
  // No honest clock is further ahead: else nothing could be drafted after it.
  const isHonest = millisOf(hlc) - millisOf(timeKey) <= DECIDED_AHEAD_MS_MAX
  const at = isHonest ? hlc : timeKey
  // From a clock ahead its place does not tell when it was written: the draft does, also where there was none, and of
  // whoever comes here later.
  if (timeKey < hlc) return await putRow(tx, { user, conversation, body: '', at }, origin)
  const draft = tx.updateTable('draft').set({ body: '', hlc, branchId: origin })
  await draft
    .where('userId', '=', user)
    .where('conversationId', '=', conversation)
    .where('hlc', '<', hlc)
    .execute()
}

type Own = Pick<DraftPut, 'user' | 'conversation' | 'at'>

/** The clock of the person's latest message there after `at`. */
async function messageAfter(tx: Db, { user, conversation, at }: Own): Promise<Hlc | undefined> {
  const latest = tx
    .selectFrom('message')
    .where('conversationId', '=', conversation)
    .where('timeKey', '>', at)
    .where('authorId', '=', user)
    .select((eb) => eb.fn.max('timeKey').as('hlc'))
  return (await latest.executeTakeFirst())?.hlc ?? undefined
}

/** The latest that is known of a draft: its own clock, or that of a message which ended it after `at`. */
export async function lastWord(tx: Db, own: Own): Promise<Hlc | undefined> {
  const [row] = await draftRow(tx, own)
  const message = await messageAfter(tx, own)
  return message !== undefined && message > (row?.hlc ?? HLC_ZERO) ? message : row?.hlc
}

/**
 * Puts a draft into the table, if it is the newest and was not sent: the message that ended it may come before it. The
 * same one from another branch is no other: it stays whose it was.
 */
export async function keepDraft(tx: Db, draft: DraftPut, branchId: BranchId): Promise<void> {
  if (draft.body !== '' && (await messageAfter(tx, draft)) !== undefined) return
  await putRow(tx, draft, branchId)
}

async function putRow(tx: Db, draft: DraftPut, branchId: BranchId): Promise<void> {
  const { user: userId, conversation: conversationId, body, at: hlc } = draft
  const person = tx.selectFrom('user').where('id', '=', userId).where('erasedAt', 'is not', null)
  if ((await person.select('id').executeTakeFirst()) !== undefined) return
  await tx
    .insertInto('draft')
    .values({ userId, conversationId, body, hlc, branchId })
    .onConflict((on) =>
      on
        .columns(['userId', 'conversationId'])
        .doUpdateSet({ body, hlc, branchId })
        .where((eb) =>
          eb.and([
            eb(eb.refTuple('draft.hlc', 'draft.branchId'), '<', eb.tuple(hlc, branchId)),
            eb.or([eb('draft.hlc', '<', hlc), eb('draft.body', '!=', body)]),
          ]),
        ),
    )
    .execute()
  const old = tx
    .selectFrom('draft')
    .where('userId', '=', userId)
    .select('conversationId')
    .orderBy(sql`body = ''`)
    .orderBy('hlc', 'desc')
    .limit(-1)
    .offset(DRAFTS_MAX)
  await tx
    .deleteFrom('draft')
    .where('userId', '=', userId)
    .where('conversationId', 'in', old)
    .execute()
}
