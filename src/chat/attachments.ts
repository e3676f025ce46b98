/**
 * Files in messages: their part of a message's body, their rows, and who may open one: whoever may see its message.
 * Owns the table `attachment`. docs/protocol.md, section 8; docs/decisions/043-files.md.
 */
import { type RawBuilder, sql } from 'kysely'
import * as v from 'valibot'
import { fromHex, hex } from '../base/bytes.ts'
import { invalidInput, notFound } from '../base/errors.ts'
import type { Hlc } from '../base/hlc.ts'
import type { BlobId, ConversationId, FileId, MessageId, UserId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import { KIB } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import { BLOB_BYTES_MAX } from '../files/manifest.ts'
import { fileName, mediaTypeOf } from '../files/names.ts'
import { NO_KEY } from '../files/scanned-keys.ts'
import { id } from './fields.ts'
import { removeIfAsked } from './file-removals.ts'
import { FILE_STATE, type FileState, HAS_THUMB } from './file-states.ts'
import { isShownTo } from './visible.ts'

/** As many as fit into one event with the longest names; a folder is sent in several messages. */
export const FILES_PER_MESSAGE_MAX = 20
/** The text of a message of nothing but files is their names, as far as they fit. */
const NAMES_CHARS_MAX = 4000
/** A small picture of the first look. */
const THUMB_BYTES_MAX = 64 * KIB
/** Sides of pictures that browsers can show at all. */
const PIXELS_MAX = 65_535

const hash = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))
const bytes = (max: number) => v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(max))
const pixels = v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(PIXELS_MAX))

const sentFile = v.object({
  id: id<FileId>(),
  /** The id follows from the author of the message and it. */
  seed: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)),
  blob: id<BlobId>(),
  key: hash,
  /** Of the file itself. */
  sha256: hash,
  size: bytes(BLOB_BYTES_MAX),
  name: v.pipe(v.string(), v.minLength(1), v.transform(fileName)),
  type: v.pipe(
    v.string(),
    v.transform((text) => mediaTypeOf(text)),
  ),
  width: v.optional(pixels),
  height: v.optional(pixels),
  thumb: v.optional(v.object({ blob: id<BlobId>(), key: hash, size: bytes(THUMB_BYTES_MAX) })),
})

/** `files` of msg.post. */
export const sentFiles = v.pipe(
  v.array(sentFile),
  v.minLength(1),
  v.maxLength(FILES_PER_MESSAGE_MAX),
)

type SentFile = v.InferOutput<typeof sentFile>

/** The text of a message of nothing but files. */
export function namesAsText(files: readonly { name: string }[]): string {
  return files
    .map(({ name }) => name)
    .join('\n')
    .slice(0, NAMES_CHARS_MAX)
    .toWellFormed()
}

/** What a person uploaded and sends now, in his order; throws for what is not his, or not whole. */
export async function filesToSend(
  tx: Db,
  owner: UserId,
  ids: readonly FileId[],
): Promise<SentFile[]> {
  if (ids.length === 0) return []
  if (ids.length > FILES_PER_MESSAGE_MAX) {
    const message = `Cannot send more than ${FILES_PER_MESSAGE_MAX} files in one message`
    throw invalidInput('files', message, 'files-many', { max: FILES_PER_MESSAGE_MAX })
  }
  const rows = await tx
    .selectFrom('file as f')
    .leftJoin('blob as small', 'small.id', 'f.thumbId')
    .where('f.id', 'in', [...ids])
    .where('f.ownerId', '=', owner)
    .selectAll('f')
    .select('small.size as thumbSize')
    .execute()
  const found = new Map(rows.map((row) => [row.id, row]))
  return [...new Set(ids)].map((each) => {
    const row = found.get(each)
    if (!row?.blobId || row.sha256 === null || row.size === null) {
      throw invalidInput('files', 'A file is not there, or not whole yet', 'file-not-whole')
    }
    const { thumbId, thumbKey, thumbSize } = row
    return {
      ...{ id: row.id, seed: row.seed, blob: row.blobId, key: hex(row.key), sha256: row.sha256 },
      ...{ size: row.size, name: row.name, type: row.type },
      ...(row.width && row.height ? { width: row.width, height: row.height } : {}),
      ...(thumbId && thumbKey
        ? { thumb: { blob: thumbId, key: hex(thumbKey), size: thumbSize ?? 0 } }
        : {}),
    }
  })
}

/** Whether a message that a client sends again is the one with these files. */
export async function hasFiles(
  tx: Db,
  message: MessageId,
  ids: readonly FileId[],
): Promise<boolean> {
  const rows = await tx
    .selectFrom('attachment')
    .where('messageId', '=', message)
    .select('id')
    .orderBy('n')
    .execute()
  const wanted = [...new Set(ids)]
  return rows.length === wanted.length && rows.every((row, i) => row.id === wanted[i])
}

type Place = {
  message: MessageId
  conversation: ConversationId
  timeKey: Hlc
  arrivedAt: Millis
  /** Whoever wrote it here; undefined: it comes from another branch, and no upload of this one is meant. */
  owner: UserId | undefined
}

/** Keeps the files of a message that is applied; what its author had uploaded here becomes part of it. */
export async function keepAttachments(
  tx: Db,
  files: readonly SentFile[],
  { message, conversation, timeKey, arrivedAt, owner }: Place,
): Promise<void> {
  for (const [n, { blob, thumb, ...file }] of files.entries()) {
    const { id, seed, sha256, size, name, type, width, height } = file
    await knowBlob(tx, { id: blob, size, arrivedAt })
    if (thumb) await knowBlob(tx, { id: thumb.blob, size: thumb.size, arrivedAt })
    await tx
      .insertInto('attachment')
      .values({
        ...{ id, messageId: message, conversationId: conversation, n, seed, blobId: blob },
        ...{
          key: fromHex(file.key) as Uint8Array,
          sha256,
          size,
          name,
          type,
          timeKey,
          removedAt: null,
        },
        ...{ width: width ?? null, height: height ?? null },
        ...{ thumbId: thumb?.blob ?? null, thumbKey: thumb ? fromHex(thumb.key) : null },
      })
      .onConflict((on) => on.doNothing())
      .execute()
    if (owner !== undefined) {
      await tx.deleteFrom('file').where('id', '=', id).where('ownerId', '=', owner).execute()
    }
    await removeIfAsked(tx, { file: id, now: arrivedAt })
  }
}

/** Its length is a claim until the list of chunks is here. What no key had opened is looked at with this one. */
async function knowBlob(
  tx: Db,
  { id, size, arrivedAt }: { id: BlobId; size: number; arrivedAt: Millis },
): Promise<void> {
  await tx
    .insertInto('blob')
    .values({
      ...{ id, size, manifest: null, have: null, state: 'elsewhere', sha256: null, key: null },
      ...{ addedAt: arrivedAt, openedAt: arrivedAt },
    })
    .onConflict((on) =>
      on
        .column('id')
        .doUpdateSet({ verdict: 'waiting', threat: null, scanTries: 0 })
        .where('blob.verdict', '=', 'failed')
        .where('blob.threat', '=', NO_KEY),
    )
    .execute()
}

/** A file of a line, as everybody who sees the line is shown it. */
export type LineFile = {
  id: FileId
  name: string
  type: string
  size: number
  sha256: string
  width: number | undefined
  height: number | undefined
  hasThumb: boolean
  blob: BlobId
  thumb: BlobId | undefined
  state: FileState
  /** The branch where its message was written: there it is for sure. */
  branch: string
}

/** The files of the message `m` of the query around, as JSON; null for most messages. */
export const LINE_FILES: RawBuilder<string | null> = sql<string | null>`case when m.files > 0 then (
  select json_group_array(json_object('id', a.id, 'name', a.name, 'type', a.type, 'size', a.size,
    'sha256', a.sha256, 'width', a.width, 'height', a.height, 'blob', a.blobId, 'thumb', a.thumbId,
    'hasThumb', ${HAS_THUMB}, 'state', ${FILE_STATE}, 'branch', coalesce(written.name, '')) order by a.n)
  from attachment as a left join blob as b on b.id = a.blobId
  left join blob as small on small.id = a.thumbId
  left join branch as written on written.id = m.origin
  where a.messageId = m.id) end`

type LineFileRow = Omit<LineFile, 'width' | 'height' | 'thumb' | 'hasThumb'> & {
  width: number | null
  height: number | null
  thumb: BlobId | null
  hasThumb: 0 | 1
}

/** What LINE_FILES gave. */
export function lineFiles(json: string | null): LineFile[] {
  if (json === null) return []
  const rows: LineFileRow[] = JSON.parse(json)
  return rows.map(({ width, height, thumb, hasThumb, ...row }) => ({
    ...row,
    width: width ?? undefined,
    height: height ?? undefined,
    thumb: thumb ?? undefined,
    hasThumb: hasThumb === 1,
  }))
}

/** What somebody opens: the attachment with its key. */
type Opened = {
  id: FileId
  name: string
  type: string
  size: number
  sha256: string
  blob: BlobId
  key: Uint8Array
  /** Of a small copy: the blob of the picture itself, which must be open too. */
  original: BlobId | undefined
  /** Undefined for what was not sent yet. */
  message: MessageId | undefined
  conversation: ConversationId | undefined
}

type Which = 'file' | 'thumb'

/**
 * A file that the viewer may open: of a message he sees, or his own that was not sent yet. Throws not-found for all
 * others, and for what was removed.
 */
export async function attachmentFor(
  db: Db,
  viewer: UserId,
  { file, which = 'file' }: { file: FileId; which?: Which },
): Promise<Opened> {
  const found = (await attached(db, viewer, file)) ?? (await uploaded(db, viewer, file))
  const { name, type, size, sha256, message, conversation } = found ?? {}
  const isThumb = which === 'thumb'
  const [blob, key] = isThumb ? [found?.thumbId, found?.thumbKey] : [found?.blobId, found?.key]
  if (!found || !blob || !key || !sha256 || size === undefined || size === null) {
    throw notFound('file')
  }
  return {
    ...{ id: file, name: name ?? '', type: isThumb ? 'image/webp' : (type ?? '') },
    ...{ size, sha256, blob, key, original: isThumb ? (found.blobId ?? undefined) : undefined },
    ...{ message: message ?? undefined, conversation: conversation ?? undefined },
  }
}

async function attached(db: Db, viewer: UserId, file: FileId) {
  return await db
    .selectFrom('attachment as a')
    .innerJoin('message as m', 'm.id', 'a.messageId')
    .innerJoin('membership as mine', 'mine.conversationId', 'm.conversationId')
    .where('a.id', '=', file)
    .where('a.removedAt', 'is', null)
    .where('mine.userId', '=', viewer)
    .where('mine.leftAt', 'is', null)
    .where((eb) =>
      eb('m.timeKey', '>=', sql<Hlc>`max(mine.joinedAt, mine.shownFrom, mine.wholeFrom)`),
    )
    .where(isShownTo(viewer))
    .select([
      'a.name',
      'a.type',
      'a.size',
      'a.sha256',
      'a.blobId',
      'a.key',
      'a.thumbId',
      'a.thumbKey',
    ])
    .select(['m.id as message', 'm.conversationId as conversation'])
    .executeTakeFirst()
}

async function uploaded(db: Db, owner: UserId, file: FileId) {
  return await db
    .selectFrom('file as f')
    .where('f.id', '=', file)
    .where('f.ownerId', '=', owner)
    .where('f.blobId', 'is not', null)
    .select([
      'f.name',
      'f.type',
      'f.size',
      'f.sha256',
      'f.blobId',
      'f.key',
      'f.thumbId',
      'f.thumbKey',
    ])
    .select([
      sql<MessageId | null>`null`.as('message'),
      sql<ConversationId | null>`null`.as('conversation'),
    ])
    .executeTakeFirst()
}
