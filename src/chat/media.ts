/**
 * What a chat shares, as one who sees it may list it: files in the order of their messages, the pictures around one of
 * them, addresses in messages. A file is listed where its message is shown, and not when a group folds its author.
 */
import { type RawBuilder, type SqlBool, sql } from 'kysely'
import { fullName } from '../accounts/queries.ts'
import { invalidInput, notFound } from '../base/errors.ts'
import type { Hlc } from '../base/hlc.ts'
import type { BranchId, ConversationId, FileId, MessageId, UserId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import type { LineFile } from './attachments.ts'
import { cursorOf, type Place } from './cursors.ts'
import { FILE_STATE, HAS_THUMB } from './file-states.ts'
import { isBlocking, isShownTo } from './visible.ts'

/** Of a page; tiles come in rows of two to six. */
const FILES_PER_PAGE = 60
const LINKS_PER_PAGE = 50
/** A message with more is a list of addresses by itself. */
const LINKS_PER_MESSAGE_MAX = 20
/** Longer ones are no addresses that people open (browsers take 2 MiB, servers 8 KiB). */
const LINK_CHARS_MAX = 2000

type Sent = { author: UserId; name: string; sentAt: Millis }
type SharedFile = Sent & {
  file: LineFile
  conversation: ConversationId
  place: FilePlace
  /** Where its message was written. */
  origin: BranchId
}
type SharedLink = Sent & { href: string; host: string }
/** A file's place in its chat. */
type FilePlace = { timeKey: Hlc; messageId: MessageId; n: number }
type ListOf<T> = { items: T[]; next: string | undefined }

/** What browsers show in the chat itself; a picture whose measures nobody could find is a file like others. */
const MAY_SHOW = sql<SqlBool>`substr(a.type, 1, 6) in ('image/', 'audio/', 'video/')` // the index attachment_shown
const IS_PICTURE = sql<SqlBool>`(${MAY_SHOW} and a.type like 'image/%' and a.width is not null)`
const IS_MEDIA = sql<SqlBool>`(${MAY_SHOW} and a.type <> 'video/x-matroska'
  and (a.type not like 'image/%' or a.width is not null))`

const OF_KIND = {
  pictures: IS_PICTURE,
  media: IS_MEDIA,
  files: sql<SqlBool>`not ${IS_MEDIA}`,
} as const

/** Messages that `viewer` is shown, as a condition on `m`, its membership `mine` and its conversation `c`. */
function isVisible(viewer: UserId): RawBuilder<SqlBool> {
  return sql<SqlBool>`mine.userId = ${viewer} and mine.leftAt is null
    and m.timeKey >= max(mine.joinedAt, mine.shownFrom, mine.wholeFrom) and ${isShownTo(viewer)}
    and not (c.kind = 'group' and ${isBlocking(viewer, sql.ref<UserId>('m.authorId'))})`
}

function visibleFiles(db: Db, viewer: UserId) {
  return db
    .selectFrom('attachment as a')
    .innerJoin('message as m', 'm.id', 'a.messageId')
    .innerJoin('conversation as c', 'c.id', 'm.conversationId')
    .innerJoin('membership as mine', 'mine.conversationId', 'm.conversationId')
    .innerJoin('user as author', 'author.id', 'm.authorId')
    .leftJoin('blob as b', 'b.id', 'a.blobId')
    .leftJoin('blob as small', 'small.id', 'a.thumbId')
    .leftJoin('branch as written', 'written.id', 'm.origin')
    .where(isVisible(viewer))
    .select(['a.id', 'a.name', 'a.type', 'a.size', 'a.sha256', 'a.width', 'a.height', 'a.blobId'])
    .select(['a.thumbId', 'a.timeKey', 'a.messageId', 'a.n', 'a.conversationId'])
    .select([FILE_STATE.as('state'), HAS_THUMB.as('hasThumb'), 'written.name as branch'])
    .select('m.origin')
    .select(['m.sentAt', 'm.authorId as author', 'author.firstName', 'author.lastName'])
}

type FileRow = Awaited<ReturnType<ReturnType<typeof visibleFiles>['execute']>>[number]

function sharedFile(row: FileRow): SharedFile {
  const { id, name, type, size, sha256, author, sentAt, timeKey, messageId, n, origin } = row
  return {
    ...{ author, sentAt, name: fullName(row.firstName, row.lastName) },
    ...{ conversation: row.conversationId, place: { timeKey, messageId, n }, origin },
    file: {
      ...{ id, name, type, size, sha256, blob: row.blobId, thumb: row.thumbId ?? undefined },
      ...{ width: row.width ?? undefined, height: row.height ?? undefined },
      ...{ hasThumb: row.hasThumb === 1, state: row.state },
      branch: row.branch ?? '',
    },
  }
}

type Listed = { conversation: ConversationId; before?: string | undefined; limit?: number }

/** Files of a chat, newest first: those that browsers show, all others, or pictures alone. */
export async function filesOf(
  db: Db,
  viewer: UserId,
  of: Listed & { kind: keyof typeof OF_KIND },
): Promise<ListOf<SharedFile>> {
  const limit = of.limit ?? FILES_PER_PAGE
  const before = of.before === undefined ? undefined : filePlaceOf(of.before)
  let wanted = visibleFiles(db, viewer)
    .where('a.conversationId', '=', of.conversation)
    .where('a.removedAt', 'is', null)
    .where(OF_KIND[of.kind])
  if (before) wanted = wanted.where(isBeside('<', before))
  const rows = await wanted
    .orderBy('a.timeKey', 'desc')
    .orderBy('a.messageId', 'desc')
    .orderBy('a.n', 'desc')
    .limit(limit + 1)
    .execute()
  const items = rows.slice(0, limit).map(sharedFile)
  const last = items.at(-1)
  return { items, next: rows.length > limit && last ? cursorOfFile(last.place) : undefined }
}

function isBeside(side: '<' | '>', { timeKey, messageId, n }: FilePlace): RawBuilder<SqlBool> {
  return sql<SqlBool>`(a.timeKey, a.messageId, a.n) ${sql.raw(side)} (${timeKey}, ${messageId}, ${n})`
}

function cursorOfFile({ timeKey, messageId, n }: FilePlace): string {
  return `${timeKey}-${messageId}-${n}`
}

function filePlaceOf(cursor: string): FilePlace {
  const [, timeKey, messageId, n] = /^([0-9a-f]{16})-([0-9a-f]{32})-(\d{1,3})$/.exec(cursor) ?? []
  if (n === undefined) throw invalidInput('before', 'Cannot read the cursor before')
  return { timeKey: timeKey as Hlc, messageId: messageId as MessageId, n: Number(n) }
}

export type Opened = SharedFile & { previous: FileId | undefined; next: FileId | undefined }

/** A file `viewer` is shown, also a removed one; for a picture, those before and after it. Throws not-found. */
export async function fileOf(db: Db, viewer: UserId, id: FileId): Promise<Opened> {
  const row = await visibleFiles(db, viewer).where('a.id', '=', id).executeTakeFirst()
  if (row === undefined) throw notFound('file')
  const file = sharedFile(row)
  const isPicture = row.type.startsWith('image/') && row.width !== null
  if (!isPicture) return { ...file, previous: undefined, next: undefined }
  const beside = async (side: '<' | '>') => {
    const order = side === '<' ? 'desc' : 'asc'
    const found = await visibleFiles(db, viewer)
      .where('a.conversationId', '=', file.conversation)
      .where('a.removedAt', 'is', null)
      .where(IS_PICTURE)
      .where(isBeside(side, file.place))
      .orderBy('a.timeKey', order)
      .orderBy('a.messageId', order)
      .orderBy('a.n', order)
      .limit(1)
      .executeTakeFirst()
    return found?.id
  }
  return { ...file, previous: await beside('<'), next: await beside('>') }
}

/** Addresses of web pages in the messages of a chat, newest first. `before` is a place in its history. */
export async function linksOf(
  db: Db,
  viewer: UserId,
  { conversation, before }: { conversation: ConversationId; before?: Place | undefined },
): Promise<ListOf<SharedLink>> {
  let wanted = db
    .selectFrom('message as m')
    .innerJoin('conversation as c', 'c.id', 'm.conversationId')
    .innerJoin('membership as mine', 'mine.conversationId', 'm.conversationId')
    .innerJoin('user as author', 'author.id', 'm.authorId')
    .where('m.conversationId', '=', conversation)
    .where(sql<SqlBool>`instr(m.body, '://') > 0`) // the words of the index message_with_link
    .where(isVisible(viewer))
  if (before) {
    wanted = wanted.where(sql<SqlBool>`(m.timeKey, m.id) < (${before.timeKey}, ${before.id})`)
  }
  const rows = await wanted
    .select(['m.id', 'm.timeKey', 'm.body', 'm.sentAt', 'm.authorId as author'])
    .select(['author.firstName', 'author.lastName'])
    .orderBy('m.timeKey', 'desc')
    .orderBy('m.id', 'desc')
    .limit(LINKS_PER_PAGE + 1)
    .execute()
  const shown = rows.slice(0, LINKS_PER_PAGE)
  const items = shown.flatMap(({ body, author, sentAt, firstName, lastName }) => {
    const sent = { author, sentAt, name: fullName(firstName, lastName) }
    return addressesIn(body).map((address) => ({ ...sent, ...address }))
  })
  const last = shown.at(-1)
  return { items, next: rows.length > LINKS_PER_PAGE && last ? cursorOf(last) : undefined }
}

/** Web addresses in a text, each once, as a browser would call them: what is no valid address is left out. */
export function addressesIn(body: string): { href: string; host: string }[] {
  const found = new Map<string, { href: string; host: string }>()
  for (const [text] of body.matchAll(/https?:\/\/[^\s<>"'`\p{Cc}\p{Cf}]+/giu)) {
    if (text.length > LINK_CHARS_MAX || found.size >= LINKS_PER_MESSAGE_MAX) continue
    const url = URL.parse(withoutEnd(text))
    // A name before the host makes one address look like another.
    if (url === null || url.username !== '' || url.password !== '') continue
    found.set(url.href, { href: url.href, host: url.host })
  }
  return [...found.values()]
}

/** Without the sign that ends the sentence, and without a bracket that was opened before the address. */
function withoutEnd(text: string): string {
  const plain = text.replace(/[.,;:!?…»”’]+$/u, '')
  return plain.endsWith(')') && !plain.includes('(') ? withoutEnd(plain.slice(0, -1)) : plain
}
