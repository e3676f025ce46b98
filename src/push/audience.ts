/** Who, of those with an open stream, may see a person's presence: everybody who shares a chat with that person. */
import type { UserId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'

/** SQLite takes 32,766 values in one statement; this many keep a query short. */
const PEOPLE_PER_QUERY = 500

/** For each of `people` with listeners that know them: those listeners. */
export async function listenersOf(
  db: Db,
  people: readonly UserId[],
  listeners: readonly UserId[],
): Promise<Map<UserId, UserId[]>> {
  const found = new Map<UserId, UserId[]>()
  for (let i = 0; i < people.length; i += PEOPLE_PER_QUERY) {
    for (let j = 0; j < listeners.length; j += PEOPLE_PER_QUERY) {
      const rows = await db
        .selectFrom('membership as theirs')
        .innerJoin('membership as mine', 'mine.conversationId', 'theirs.conversationId')
        .where('theirs.userId', 'in', people.slice(i, i + PEOPLE_PER_QUERY))
        .where('mine.userId', 'in', listeners.slice(j, j + PEOPLE_PER_QUERY))
        .where('theirs.leftAt', 'is', null)
        .where('mine.leftAt', 'is', null)
        .select(['theirs.userId as person', 'mine.userId as listener'])
        .distinct()
        .execute()
      for (const { person, listener } of rows) {
        found.set(person, [...(found.get(person) ?? []), listener])
      }
    }
  }
  return found
}
