/**
 * What somebody missed who was in a group before this branch heard of it. While a branch is cut off it writes to the
 * branches it knows of; when it hears that a person had joined, it sends the person's branches what it wrote since.
 */
import { branchesOf } from '../accounts/queries.ts'
import type { UserPut } from '../accounts/records.ts'
import type { Hlc } from '../base/hlc.ts'
import type { BranchId, ConversationId, Incarnation, UserId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import { type Holes, prepared } from '../db/prepared.ts'
import type { EventKind, Forward, LoggedEvent } from '../eventlog/events.ts'
import type { ChatKinds } from './events.ts'
import type { ConvBody } from './group-records.ts'
import { membersSince } from './members.ts'
import { beginGroup } from './past.ts'
import type { PostBody } from './posts.ts'

type Parts = {
  forward: Forward
  self: BranchId
  /** Of this start: what stands in a feed of another one came back after a loss. */
  incarnation: Incarnation
}

/** The kinds of chats, and of people's records, as the log needs them: newcomers are served in the same transaction. */
export function missedByNewcomers(
  { userPut, chats }: { userPut: EventKind<UserPut>; chats: ChatKinds },
  parts: Parts,
): EventKind<never>[] {
  const { convPut, msgPost, ...others } = chats
  const post: typeof msgPost = {
    ...msgPost,
    refusal: (tx, event) => msgPost.refusal(tx, event),
    async apply(tx, event) {
      await msgPost.apply(tx, event)
      // What is written here does not come this way; what was lost here and comes back from another branch does.
      if (event.origin === parts.self) await sendAfterMembers(parts, tx, event)
    },
  }
  const group: typeof convPut = {
    ...convPut,
    async apply(tx, event) {
      const conversation = event.body.id
      const before = await membersSince(tx, conversation)
      await convPut.apply(tx, event)
      for (const [user, since] of await membersSince(tx, conversation)) {
        if (before.get(user) === since) continue
        await sendMissed(parts, tx, { user, conversation, since, now: event.arrivedAt })
      }
      if (event.origin === parts.self) await sendBack(parts, tx, event)
      else await beginGroup(tx, conversation, parts.self)
    },
  }
  const person: typeof userPut = {
    ...userPut,
    async apply(tx, event) {
      const { user } = event.body
      const isKnown = (await branchesOf(tx, [user], event.arrivedAt)).length > 0
      await userPut.apply(tx, event)
      if (isKnown) return
      // The record of a group may come before the records of its people.
      for (const { conversation, since } of await groupsOf(tx, { user })) {
        await sendMissed(parts, tx, { user, conversation, since, now: event.arrivedAt })
      }
    },
  }
  return [group, post, person, ...Object.values(others)] as EventKind<never>[]
}

/**
 * A group that its own branch had lost came back from one of its branches, by a record that names that one alone: it
 * had been sent there for a guest. The record for all of them may be lost, so the others get this one.
 */
async function sendBack(
  { forward, self, incarnation }: Parts,
  tx: Db,
  { position, to, body, arrivedAt }: LoggedEvent<ConvBody>,
): Promise<void> {
  const before = await tx
    .selectFrom('feed_entry')
    .innerJoin('feed', 'feed.n', 'feed_entry.feedN')
    .where('feed_entry.position', '=', position)
    .where('feed.incarnation', '!=', incarnation)
    .select('feed.n')
    .executeTakeFirst()
  if (before === undefined) return
  const members = body.members.map(({ user }) => user)
  for (const branch of await branchesOf(tx, members, arrivedAt)) {
    if (branch !== self && !to.includes(branch)) await forward(tx, position, branch)
  }
}

/** A message of ours that we had lost goes to where its readers have gone meanwhile: nobody else may send it there. */
async function sendAfterMembers(
  { forward, self }: Parts,
  tx: Db,
  { position, to, body, hlc, arrivedAt }: LoggedEvent<PostBody>,
): Promise<void> {
  const members = await membersSince(tx, body.conversation)
  const readers = [...members].flatMap(([user, since]) => (since <= hlc ? [user] : []))
  for (const branch of await branchesOf(tx, readers, arrivedAt)) {
    if (branch !== self && !to.includes(branch)) await forward(tx, position, branch)
  }
}

const groupsOf = prepared((db, value: Holes<{ user: UserId }>) =>
  db
    .selectFrom('membership')
    .innerJoin('conversation', 'conversation.id', 'membership.conversationId')
    .where('membership.userId', '=', value('user'))
    .where('membership.leftAt', 'is', null)
    .where('conversation.kind', '=', 'group')
    .select(['conversation.id as conversation', 'membership.joinedAt as since'])
    .orderBy('conversation.id'),
)

type Newcomer = { user: UserId; conversation: ConversationId; since: Hlc; now: Millis }

async function sendMissed(
  { forward, self }: Parts,
  tx: Db,
  { user, conversation, since, now }: Newcomer,
): Promise<void> {
  for (const branch of await branchesOf(tx, [user], now)) {
    if (branch === self) continue
    const missed = await tx
      .selectFrom('message as m')
      .where('m.conversationId', '=', conversation)
      .where('m.origin', '=', self)
      .where('m.timeKey', '>=', since)
      .where(({ not, exists, selectFrom }) =>
        not(
          exists(
            selectFrom('feed_entry as fe')
              .innerJoin('feed as f', 'f.n', 'fe.feedN')
              .whereRef('fe.position', '=', 'm.position')
              .where('f.origin', '=', self)
              .where('f.destination', '=', branch)
              .select('f.n'),
          ),
        ),
      )
      .select('m.position')
      .orderBy('m.position')
      .execute()
    for (const { position } of missed) await forward(tx, position, branch)
  }
}
