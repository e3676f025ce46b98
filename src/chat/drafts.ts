/**
 * What somebody has begun to write: kept by the server, and it follows the person like everything else. Who is at home
 * and nowhere else costs no event. Writing the message ends the draft. Owns table `draft`.
 */
import * as v from 'valibot'
import { HLC_ZERO, type Hlc, hlcOf, millisOf } from '../base/hlc.ts'
import type { BranchId, ConversationId, UserId } from '../base/ids.ts'
import { HOUR, type Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import { type Holes, prepared } from '../db/prepared.ts'
import type { Append, EventKind, LoggedEvent } from '../eventlog/events.ts'
import { hlc, id } from './fields.ts'
import { demandVoice, isDatedAhead } from './standing.ts'

/** A message has 4,000; whoever pastes more finds as much again. */
export const DRAFT_CHARS_MAX = 8000
/** Kept of one person; the oldest go. */
const DRAFTS_MAX = 200

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
    .select('body'),
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

/** The message was written: what had been typed before it is done. */
export async function endDraft(
  tx: Db,
  {
    body: { author, conversation },
    hlc,
    origin,
  }: LoggedEvent<{ author: UserId; conversation: ConversationId }>,
): Promise<void> {
  const draft = tx.updateTable('draft').set({ body: '', hlc, branchId: origin })
  await draft
    .where('userId', '=', author)
    .where('conversationId', '=', conversation)
    .where('hlc', '<', hlc)
    .execute()
}

/** Further than that before a draft nobody wrote a message that ended it: so far may a clock be ahead of ours. */
const CLOCKS_APART_MS: Millis = HOUR

type Own = Pick<DraftPut, 'user' | 'conversation' | 'at'>

/** The clock of the person's latest message there; of messages long before `at` only if there is no later one. */
async function lastMessage(tx: Db, { user, conversation, at }: Own): Promise<Hlc | undefined> {
  // A message from a clock that is ahead has an earlier place in the timeline than its own clock says.
  const from = hlcOf(Math.max(0, millisOf(at) - CLOCKS_APART_MS), 0)
  const latest = tx
    .selectFrom('message as m')
    .innerJoin('event as e', 'e.position', 'm.position')
    .where('m.conversationId', '=', conversation)
    .where('m.timeKey', '>=', from)
    .where('m.authorId', '=', user)
    .select((eb) => eb.fn.max('e.hlc').as('hlc'))
  return (await latest.executeTakeFirst())?.hlc ?? undefined
}

/** The latest that is known of a draft: its own clock, or that of a message which ended it. */
export async function lastWord(tx: Db, own: Own): Promise<Hlc | undefined> {
  const row = await tx
    .selectFrom('draft')
    .where('userId', '=', own.user)
    .where('conversationId', '=', own.conversation)
    .select('hlc')
    .executeTakeFirst()
  const message = await lastMessage(tx, own)
  return [row?.hlc, message]
    .filter((each) => each !== undefined)
    .sort()
    .at(-1)
}

/**
 * Puts a draft into the table, if it is the newest and was not sent: the message that ended it may come before it. The
 * same one from another branch is no other: it stays whose it was.
 */
export async function keepDraft(tx: Db, draft: DraftPut, branchId: BranchId): Promise<void> {
  const { user: userId, conversation: conversationId, body, at: hlc } = draft
  const person = tx.selectFrom('user').where('id', '=', userId).where('erasedAt', 'is not', null)
  if ((await person.select('id').executeTakeFirst()) !== undefined) return
  if (draft.body !== '' && ((await lastMessage(tx, draft)) ?? HLC_ZERO) > hlc) return
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
    .orderBy('hlc', 'desc')
    .limit(-1)
    .offset(DRAFTS_MAX)
  await tx
    .deleteFrom('draft')
    .where('userId', '=', userId)
    .where('conversationId', 'in', old)
    .execute()
}
