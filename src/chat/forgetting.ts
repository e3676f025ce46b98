/**
 * What a branch forgets of guests: some time after the last one of a chat has left, and nobody of it is at home here,
 * what others wrote in it goes from this database. What was written here stays: nobody else can give it to others. Who
 * comes again finds everything again, sent anew (history.ts).
 */
import type { BranchId, ConversationId, UserId } from '../base/ids.ts'
import { DAY, type Millis } from '../base/units.ts'
import type { Store } from '../db/open.ts'
import { listed } from '../db/prepared.ts'
import { settleLast } from './standing.ts'

/** Messages of one transaction: people who write wait for it. */
const MESSAGES_AT_ONCE = 500

type Parts = {
  store: Store
  self: BranchId
  clock: { now(): Millis }
  /** Days after leaving; 0: at once. */
  days: number
}

/** Erases the copies of guests who have been gone for long enough; says of how many people. */
export async function forgetGuests(parts: Parts): Promise<number> {
  const users = await longGone(parts)
  for (const user of users) await forget(parts, user)
  return users.length
}

async function longGone({ store, self, clock, days }: Parts): Promise<UserId[]> {
  const rows = await store.read
    .selectFrom('location as l')
    .innerJoin('user as u', 'u.id', 'l.userId')
    .leftJoin('forgotten_guest as f', 'f.userId', 'l.userId')
    .where('l.branchId', '=', self)
    .where('u.home', '!=', self)
    .where('l.until', '<', clock.now() - days * DAY)
    .where('f.userId', 'is', null)
    .select('l.userId')
    .orderBy('l.userId')
    .execute()
  return rows.map(({ userId }) => userId)
}

async function forget(parts: Parts, user: UserId): Promise<void> {
  const { store, clock } = parts
  for (const conversation of await chatsOfGuests(parts, user)) {
    while (await eraseSome(parts, conversation));
  }
  await store.writer.write(async (tx) => {
    for (const table of ['draft', 'history_part', 'seen_before'] as const) {
      await tx.deleteFrom(table).where('userId', '=', user).execute()
    }
    await tx
      .insertInto('forgotten_guest')
      .values({ userId: user, at: clock.now() })
      .onConflict((on) => on.doNothing())
      .execute()
  })
}

/** Chats of the person in which nobody is, or was, at home here, and no other guest is still remembered. */
async function chatsOfGuests(
  { store, self, clock, days }: Parts,
  user: UserId,
): Promise<ConversationId[]> {
  const rows = await store.read
    .selectFrom('membership as mine')
    .where('mine.userId', '=', user)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('membership as mb')
            .innerJoin('user as u', 'u.id', 'mb.userId')
            .leftJoin('location as l', (on) =>
              on.onRef('l.userId', '=', 'mb.userId').on('l.branchId', '=', self),
            )
            .whereRef('mb.conversationId', '=', 'mine.conversationId')
            .where((eb) =>
              eb.or([eb('u.home', '=', self), eb('l.until', '>=', clock.now() - days * DAY)]),
            )
            .select('mb.userId'),
        ),
      ),
    )
    .select('mine.conversationId')
    .orderBy('mine.conversationId')
    .execute()
  return rows.map(({ conversationId }) => conversationId)
}

/** Whether there may be more. */
async function eraseSome({ store, self }: Parts, conversation: ConversationId): Promise<boolean> {
  return await store.writer.write(async (tx) => {
    const rows = await tx
      .selectFrom('message')
      .where('conversationId', '=', conversation)
      .where('origin', '!=', self)
      .select('position')
      .orderBy('position')
      .limit(MESSAGES_AT_ONCE)
      .execute()
    const positions = listed<number>(JSON.stringify(rows.map(({ position }) => position)))
    await tx
      .updateTable('event')
      .set({ state: 'erased', body: null })
      .where('position', 'in', positions)
      .execute()
    await tx.deleteFrom('message').where('position', 'in', positions).execute()
    if (rows.length > 0) await settleLast(tx, conversation)
    return rows.length === MESSAGES_AT_ONCE
  })
}
