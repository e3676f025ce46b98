/** A file that arrives from another branch, on the pages that show it: its card, in its place. */
import { attachment } from '../../views/chat/attachment.ts'
import { replacement } from '../../views/partials.ts'
import type { BlobId, FileId } from '../base/ids.ts'
import { shownFiles } from '../chat/arrivals.ts'
import { attachmentProps } from '../chat/line.ts'
import type { Db } from '../db/open.ts'
import type { MoveOf } from '../files/moves.ts'
import type { Push, Viewers } from './viewers.ts'

type FilePushParts = {
  read: Db
  viewers: Pick<Viewers, 'openChats'>
  moveOf: MoveOf
}

/** The cards of a blob that are on somebody's screen, as they are now. */
export async function filePushes(parts: FilePushParts, blob: BlobId): Promise<Push[]> {
  const shown = await shownFiles(parts.read, blob, parts.viewers.openChats())
  return shown.map(({ file, conversation, to }) => {
    const card = attachmentProps(file, parts.moveOf(file.blob))
    return {
      ...{ to, chat: conversation },
      html: ({ t }) => String(replacement(`#file-${file.id}`, attachment(card, t))),
    }
  })
}

/** The cards of a file that was taken out of its message. */
export async function removalPushes(parts: FilePushParts, file: FileId): Promise<Push[]> {
  const row = await parts.read
    .selectFrom('attachment')
    .where('id', '=', file)
    .select('blobId')
    .executeTakeFirst()
  return row === undefined ? [] : await filePushes(parts, row.blobId)
}
