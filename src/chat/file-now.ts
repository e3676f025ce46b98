/** How far a file is that is not here, as its card and its page tell: how much has come, and what it waits for. */
import type { AttachmentProps } from '../../views/chat/attachment.ts'
import type { Waiting } from '../../views/chat/viewer.ts'
import type { BlobId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import { findBlob } from '../files/blobs.ts'
import { chunkCount } from '../files/manifest.ts'
import type { MoveOf } from '../files/moves.ts'
import { attachmentProps } from './line.ts'
import type { Opened } from './media.ts'
import type { LinkOf } from './story.ts'

type Parts = {
  read: Db
  linkOf: LinkOf
  moveOf: MoveOf
  sizeMax(): Promise<number>
}

/** Whether its bytes are at other branches. */
export function isAway({ file }: Pick<Opened, 'file'>): boolean {
  return file.state === 'elsewhere' || file.state === 'partial'
}

/** What is known of it at this moment. */
export async function fileNow(
  parts: Parts,
  opened: Pick<Opened, 'file' | 'origin'>,
): Promise<{ file: AttachmentProps; waiting: Waiting | undefined }> {
  const now = parts.moveOf(opened.file.blob)
  const file = attachmentProps(opened.file, now)
  if (!isAway(opened)) return { file, waiting: undefined }
  const link = parts.linkOf(opened.origin)
  const waiting = {
    percent: file.percent ?? (await percentHere(parts.read, opened.file.blob)),
    ...(link?.up === false ? { down: { since: link.since, over: link.over } } : {}),
    isDiskFull: now !== undefined && now.state !== 'going' && now.isDiskFull,
    isTooLarge: opened.file.size > (await parts.sizeMax()),
  }
  if (file.state === 'elsewhere' || file.percent !== undefined) return { file, waiting }
  // A part of it is here, and nothing moves.
  return { file: { ...file, state: 'elsewhere' }, waiting }
}

/** By the chunks that are noted as here; also right after a start. */
async function percentHere(db: Db, id: BlobId): Promise<number> {
  const blob = await findBlob(db, id)
  if (!blob?.have) return 0
  const held = blob.have.reduce((sum, byte) => sum + bitsOf(byte), 0)
  return Math.min(99, Math.floor((held * 100) / Math.max(1, chunkCount(blob))))
}

function bitsOf(byte: number): number {
  let bits = 0
  for (let rest = byte; rest > 0; rest &= rest - 1) bits += 1
  return bits
}
