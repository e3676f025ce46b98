/** Lists of what a chat shares: its files in the order of their messages, and its messages with links. */
import { type Kysely, sql } from 'kysely'

/** Adds the indexes. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index attachment_in_order
    on attachment (conversationId, timeKey, messageId, n)`.execute(db)
  // These two queries must say their conditions in the same words.
  await sql`create index attachment_shown on attachment (conversationId, timeKey, messageId, n)
    where substr(type, 1, 6) in ('image/', 'audio/', 'video/')`.execute(db)
  // The query must say the condition in the same words.
  await sql`create index message_with_link on message (conversationId, timeKey, id)
    where instr(body, '://') > 0`.execute(db)
  await sql`drop index attachment_of_chat`.execute(db)
}
