/** Files that arrive while somebody looks: which cards show them, and who may see those. */
import { sql } from 'kysely'
import type { Hlc } from '../base/hlc.ts'
import type { BlobId, ConversationId, UserId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import { LINE_FILES, type LineFile, lineFiles } from './attachments.ts'
import { isShownTo } from './visible.ts'

type ShownFile = { file: LineFile; conversation: ConversationId; to: UserId[] }

/** The files that are a blob, or have it as their small picture, on open pages of those who may see them. */
export async function shownFiles(
  db: Db,
  blob: BlobId,
  open: readonly { user: UserId; chat: ConversationId }[],
): Promise<ShownFile[]> {
  if (open.length === 0) return []
  const rows = await db
    .selectFrom('attachment as a')
    .innerJoin('message as m', 'm.id', 'a.messageId')
    .innerJoin('membership as mine', 'mine.conversationId', 'm.conversationId')
    .where((eb) => eb.or([eb('a.blobId', '=', blob), eb('a.thumbId', '=', blob)]))
    .where('m.conversationId', 'in', [...new Set(open.map(({ chat }) => chat))])
    .where('mine.userId', 'in', [...new Set(open.map(({ user }) => user))])
    .where('mine.leftAt', 'is', null)
    .where((eb) =>
      eb('m.timeKey', '>=', sql<Hlc>`max(mine.joinedAt, mine.shownFrom, mine.wholeFrom)`),
    )
    .where(isShownTo(sql.ref<UserId>('mine.userId')))
    .select(['a.id', 'm.conversationId as conversation', 'mine.userId as user'])
    .select(LINE_FILES.as('files'))
    .execute()
  const shown = new Map<string, ShownFile>()
  for (const { id, conversation, user, files } of rows) {
    const file = lineFiles(files).find((each) => each.id === id)
    if (!file) continue
    const known = shown.get(id) ?? { file, conversation, to: [] }
    known.to.push(user)
    shown.set(id, known)
  }
  return [...shown.values()]
}
