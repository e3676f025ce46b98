/**
 * What of a chat is here: all of it where somebody of it is at home; where a guest brought it, what other branches
 * have sent, and from when on that is whole. Owns table `history_part` and the column `wholeFrom` of memberships.
 */
import { sql } from 'kysely'
import type { Hlc } from '../base/hlc.ts'
import type { BranchId, ConversationId, UserId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import type { LoggedEvent } from '../eventlog/events.ts'
import type { HistPart } from './history.ts'

/** Since when somebody of the chat is at home here: since then all of it comes here. */
export async function keptSince(
  tx: Db,
  conversation: ConversationId,
  self: BranchId,
): Promise<Hlc | undefined> {
  const row = await tx
    .selectFrom('membership as mb')
    .innerJoin('user as u', 'u.id', 'mb.userId')
    .where('mb.conversationId', '=', conversation)
    .where('mb.leftAt', 'is', null)
    .where('u.home', '=', self)
    .select('mb.joinedAt')
    .orderBy('mb.joinedAt')
    .executeTakeFirst()
  return row?.joinedAt
}

/** Whether a message was sent after a guest: it was not written for this branch, and so it is not late here. */
export async function isPast(
  tx: Db,
  { body, origin, to }: LoggedEvent<{ conversation: ConversationId }>,
  self: BranchId,
): Promise<boolean> {
  if (origin === self || to.includes(self)) return false
  return (await keptSince(tx, body.conversation, self)) === undefined
}

/** Where a page of a guest's chat ends that is not the beginning; undefined: all there is, is here. */
export async function startOf(
  db: Db,
  { user, conversation }: { user: UserId; conversation: ConversationId },
): Promise<Hlc | undefined> {
  const mine = await db
    .selectFrom('membership')
    .where('userId', '=', user)
    .where('conversationId', '=', conversation)
    .where('leftAt', 'is', null)
    .select(['wholeFrom', 'joinedAt'])
    .executeTakeFirst()
  return mine && mine.wholeFrom > mine.joinedAt ? mine.wholeFrom : undefined
}

/** Whether other branches have said of a chat what they sent of it after this guest. */
export async function isBroughtByGuest(
  db: Db,
  { user, conversation }: { user: UserId; conversation: ConversationId },
): Promise<boolean> {
  const row = await db
    .selectFrom('history_part')
    .where('userId', '=', user)
    .where('conversationId', '=', conversation)
    .select('stay')
    .executeTakeFirst()
  return row !== undefined
}

/** Takes in what a branch says of its part; an older page makes it larger, a new stay begins anew. */
export async function keepParts(
  tx: Db,
  { body, origin }: LoggedEvent<HistPart>,
  self: BranchId,
): Promise<void> {
  const { user: userId, stay } = body
  if (!(await isStayHere(tx, { userId, stay, self }))) return
  for (const { conversation: conversationId, from: said } of body.chats) {
    // What came since the stay began is never hidden, whatever a branch says.
    const [from = stay] = [said, stay].sort()
    await tx
      .insertInto('history_part')
      .values({ userId, conversationId, branchId: origin, stay, wholeFrom: from })
      .onConflict((on) =>
        on
          .columns(['userId', 'conversationId', 'branchId'])
          .doUpdateSet({
            stay,
            wholeFrom: sql`iif(stay = ${stay}, min(wholeFrom, ${from}), ${from})`,
          })
          .where('history_part.stay', '<=', stay),
      )
      .execute()
    await moveStart(tx, { userId, conversationId, self })
  }
}

/** Whether that may be a stay of this person here: nobody else asks, and nobody is asked for one to come. */
async function isStayHere(
  tx: Db,
  { userId, stay, self }: { userId: UserId; stay: Hlc; self: BranchId },
): Promise<boolean> {
  const row = await tx
    .selectFrom('location')
    .where('userId', '=', userId)
    .where('branchId', '=', self)
    .where('hlc', '>=', stay)
    .select('hlc')
    .executeTakeFirst()
  return row !== undefined
}

/**
 * From when on a guest's chat is shown: what is older may have holes. The home branch knows all of it; while it has not
 * answered, the others count, the most careful one. Nobody has answered: what was here before is shown. Where somebody
 * of the chat is at home, all is here since he joined.
 */
async function moveStart(
  tx: Db,
  at: { userId: UserId; conversationId: ConversationId; self: BranchId },
): Promise<void> {
  const rows = await tx
    .selectFrom('history_part as p')
    .innerJoin('user as u', 'u.id', 'p.userId')
    .where('p.userId', '=', at.userId)
    .where('p.conversationId', '=', at.conversationId)
    .select(['p.branchId', 'p.stay', 'p.wholeFrom', 'u.home'])
    .execute()
  const stay = rows
    .map((row) => row.stay)
    .sort()
    .at(-1)
  const present = rows.filter((row) => row.stay === stay)
  const home = present.find(({ branchId, home: own }) => branchId === own)
  const starts = (home ? [home] : present).map(({ wholeFrom }) => wholeFrom).sort()
  const latest = starts.at(-1)
  if (latest === undefined) return
  const kept = await keptSince(tx, at.conversationId, at.self)
  const wholeFrom = kept !== undefined && kept < latest ? kept : latest
  await tx
    .updateTable('membership')
    .set({ wholeFrom })
    .where('userId', '=', at.userId)
    .where('conversationId', '=', at.conversationId)
    .execute()
}

/** After a group's record came: what was said of the parts before it. */
export async function beginGroup(
  tx: Db,
  conversationId: ConversationId,
  self: BranchId,
): Promise<void> {
  const rows = await tx
    .selectFrom('history_part')
    .where('conversationId', '=', conversationId)
    .select('userId')
    .distinct()
    .execute()
  for (const { userId } of rows) await moveStart(tx, { userId, conversationId, self })
}
