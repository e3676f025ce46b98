/**
 * Who, of those with an open stream, may see a person's presence: everybody who shares a chat with that person and is
 * not blocked by him.
 */
import type { UserId } from '../base/ids.ts'
import { THEY_BLOCK_ME } from '../chat/visible.ts'
import type { Db } from '../db/open.ts'
import { listed, prepared } from '../db/prepared.ts'

// Lists as JSON: with a value each, every count of listeners was a statement of its own, kept with its thousand slots.
const pairs = prepared<{ people: string; listeners: string }, { person: UserId; listener: UserId }>(
  (db, value) =>
    db
      .selectFrom('membership as theirs')
      .innerJoin('membership as mine', 'mine.conversationId', 'theirs.conversationId')
      .where('theirs.userId', 'in', listed<UserId>(value('people')))
      .where('mine.userId', 'in', listed<UserId>(value('listeners')))
      .where('theirs.leftAt', 'is', null)
      .where('mine.leftAt', 'is', null)
      .where(THEY_BLOCK_ME, '=', 0)
      .select(['theirs.userId as person', 'mine.userId as listener'])
      .distinct(),
)

/** For each of `people` with listeners that know them: those listeners. */
export async function listenersOf(
  db: Db,
  people: readonly UserId[],
  listeners: readonly UserId[],
): Promise<Map<UserId, UserId[]>> {
  const rows = await pairs(db, {
    people: JSON.stringify(people),
    listeners: JSON.stringify(listeners),
  })
  const found = new Map<UserId, UserId[]>()
  for (const { person, listener } of rows) {
    const known = found.get(person)
    if (known) known.push(listener)
    else found.set(person, [listener])
  }
  return found
}
