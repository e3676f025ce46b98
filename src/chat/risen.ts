/** Which messages a new mark concerns: only those between the mark before and this one have changed. */
import type { BranchId, ConversationId, MessageId, UserId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import { type Holes, prepared } from '../db/prepared.ts'
import type { FeedN, StoredUpTo } from '../eventlog/log.ts'
import type { Marked } from './marks.ts'
import { LINES_PER_PAGE } from './queries.ts'
import { type Mark, ownPosition, type SeenBody } from './seen.ts'

/** More ticks than this on one page nobody looks at; the rest are right when the page is loaded. */
const RISEN_MAX = 200

export type Risen = Marked & { id: MessageId }

function messages(db: Db) {
  return db
    .selectFrom('message as m')
    .select(['m.position', 'm.id', 'm.origin', 'm.timeKey'])
    .select(['m.authorId as author', 'm.conversationId as conversation'])
    .limit(RISEN_MAX)
}

/** Own messages between two seqs of a feed, newest first. */
const between = prepared((db, value: Holes<{ feedN: FeedN; after: number; upTo: number }>) =>
  messages(db)
    .innerJoin('feed_entry as fe', 'fe.position', 'm.position')
    .where('fe.feedN', '=', value('feedN'))
    .where('fe.seq', '>', value('after'))
    .where('fe.seq', '<=', value('upTo'))
    .orderBy('fe.seq', 'desc'),
)

/** Messages of the branch `self` that somebody has now seen. */
export async function messagesSeenBy(
  db: Db,
  self: BranchId,
  { conversation, user, mark, marks }: SeenBody,
): Promise<Risen[]> {
  const risen: Risen[] = []
  const reading = { conversation, user, mark }
  for (const { origin, feed, seq, hlc } of marks) {
    if (origin !== self) continue
    if (feed === undefined || seq === undefined) {
      const upTo = await ownPosition(db, conversation, { hlc }, self)
      if (upTo === undefined) continue
      const after = await markBefore(db, reading, { feedN: 0, upTo })
      risen.push(...(await arrived(db, { conversation, self, after, upTo })))
      continue
    }
    const row = await db.selectFrom('feed').where('id', '=', feed).select('n').executeTakeFirst()
    if (row === undefined) continue
    const after = await markBefore(db, reading, { feedN: row.n, upTo: seq })
    const all = await between(db, { feedN: row.n, after, upTo: seq })
    risen.push(...all.filter((m) => m.conversation === conversation))
  }
  return risen
}

async function arrived(
  db: Db,
  at: { conversation: ConversationId; self: BranchId; after: number; upTo: number },
): Promise<Risen[]> {
  return await messages(db)
    .where('m.conversationId', '=', at.conversation)
    .where('m.position', '>', at.after)
    .where('m.position', '<=', at.upTo)
    .where('m.origin', '=', at.self)
    .orderBy('m.position', 'desc')
    .execute()
}

async function markBefore(
  db: Db,
  { conversation, user, mark }: { conversation: ConversationId; user: UserId; mark: Mark },
  { feedN, upTo }: { feedN: FeedN; upTo: number },
): Promise<number> {
  const row = await db
    .selectFrom('seen')
    .where('conversationId', '=', conversation)
    .where('userId', '=', user)
    .where('feedN', '=', feedN)
    .where('mark', '=', mark)
    .where('upTo', '<', upTo)
    .orderBy('upTo', 'desc')
    .limit(1)
    .select('upTo')
    .executeTakeFirst()
  return row?.upTo ?? 0
}

/** Messages that another branch now holds. */
export async function messagesStoredBy(
  db: Db,
  { branch, feedN, upTo }: Pick<StoredUpTo, 'branch' | 'feedN' | 'upTo'>,
): Promise<Risen[]> {
  const [row] = await storedBefore(db, { branch, feedN, upTo })
  return await between(db, { feedN, after: row?.upTo ?? 0, upTo })
}

const storedBefore = prepared((db, value: Holes<Pick<StoredUpTo, 'branch' | 'feedN' | 'upTo'>>) =>
  db
    .selectFrom('stored_mark')
    .where('feedN', '=', value('feedN'))
    .where('branchId', '=', value('branch'))
    .where('upTo', '<', value('upTo'))
    .orderBy('upTo', 'desc')
    .limit(1)
    .select('upTo'),
)

/** The message that another branch refused; none when the event was another one. */
export async function messageRefused(
  db: Db,
  self: BranchId,
  refused: { event: string; origin: BranchId },
): Promise<Risen[]> {
  if (refused.origin !== self) return []
  return await messages(db)
    .where('m.id', '=', refused.event as MessageId)
    .execute()
}

/** Somebody's messages among the newest of a chat: those whose marks a page shows. */
export async function ownNewest(
  db: Db,
  { author, conversation }: { author: UserId; conversation: ConversationId },
): Promise<Risen[]> {
  const newest = await messages(db)
    .where('m.conversationId', '=', conversation)
    .orderBy('m.timeKey', 'desc')
    .orderBy('m.id', 'desc')
    .limit(LINES_PER_PAGE)
    .execute()
  return newest.filter((m) => m.author === author)
}
