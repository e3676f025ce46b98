/** What the pages of chats show, gathered from queries, presence and the state of the lines. No HTTP, no HTML. */
import type { ConversationProps, LinkDown } from '../../views/chat/conversation.ts'
import type { Line as ShownLine } from '../../views/chat/line.ts'
import type { ListProps } from '../../views/chat/list.ts'
import type { WelcomeProps } from '../../views/chat/welcome.ts'
import type { Words } from '../../views/language/words.ts'
import type { BranchId, ConversationId, UserId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import type { MoveOf } from '../files/moves.ts'
import { type Chat, chatsOf, getChat, recentChats } from './chats.ts'
import { blockedBy } from './contacts.ts'
import { placeOf } from './cursors.ts'
import { draftOf } from './drafts.ts'
import { chatRowProps, conversationProps, lineProps, type PresenceOf } from './line.ts'
import { marksOf } from './marks.ts'
import { branchesIn, firstNames } from './members.ts'
import type { History, OlderPage } from './older.ts'
import {
  firstUnread,
  headPosition,
  LINES_PER_PAGE,
  LINES_PER_PAGE_MAX,
  type Line,
  type Viewer,
} from './queries.ts'
import type { LinkOf } from './story.ts'

/** What pages show besides the database. */
export type Surroundings = {
  read: Db
  history: History
  self: BranchId
  presenceOf: PresenceOf
  typistsIn(conversation: ConversationId): UserId[]
  linkOf: LinkOf
  /** What is under way of a file. */
  moveOf: MoveOf
  /** The id a stream begins with: EPOCH-POSITION. */
  idOf(position: number): string
}

type Asked = {
  viewer: Viewer
  find: string | undefined
  /** Whether the list goes beyond the recent chats. */
  all: boolean
  t: Words
}

/** The list at the left, and how much is unread in all chats: in those that are not shown there is nothing. */
async function listProps(
  around: Surroundings,
  { viewer, find, all, t }: Asked,
  open?: ConversationId,
): Promise<{ list: ListProps; unread: number; chats: Chat[] }> {
  const wanted = find?.trim().toLowerCase() ?? ''
  const { chats, total } =
    all || wanted !== ''
      ? { chats: await chatsOf(around.read, viewer), total: 0 }
      : await recentChats(around.read, viewer, open)
  const found = wanted === '' ? chats : chats.filter((chat) => isCalled(chat, wanted))
  const typing = await typingIn(around, found, viewer.id)
  const { presenceOf } = around
  const rows = found.map((chat) =>
    chatRowProps(chat, { viewer: viewer.id, presenceOf, typing: typing.get(chat.id) ?? [], t }),
  )
  const list: ListProps = { rows, myPresence: presenceOf(viewer.id) }
  if (wanted !== '') list.find = find
  if (total > chats.length) list.total = total
  return { list, unread: chats.reduce((sum, chat) => sum + chat.unread, 0), chats }
}

function isCalled(chat: Chat, wanted: string): boolean {
  const { other, title } = chat
  return title.toLowerCase().includes(wanted) || (other?.login.startsWith(wanted) ?? false)
}

/** First names of those who are typing in each chat, the viewer left out. */
async function typingIn(
  around: Surroundings,
  chats: readonly Pick<Chat, 'id' | 'isBlockedByMe'>[],
  viewer: UserId,
): Promise<Map<ConversationId, string[]>> {
  const typists = new Map<ConversationId, UserId[]>()
  for (const { id, isBlockedByMe } of chats) {
    if (isBlockedByMe) continue
    const others = around.typistsIn(id).filter((user) => user !== viewer)
    if (others.length > 0) typists.set(id, others)
  }
  const names = await firstNames(around.read, [...new Set([...typists.values()].flat())])
  return new Map(
    [...typists].map(([id, users]) => [id, users.flatMap((user) => names.get(user) ?? [])]),
  )
}

/** The whole list by itself, for a page that showed the recent chats. */
export async function wholeList(
  around: Surroundings,
  asked: Pick<Asked, 'viewer' | 't'>,
  current: ConversationId | undefined,
): Promise<ListProps> {
  const { list } = await listProps(around, { ...asked, find: undefined, all: true })
  return { ...list, current }
}

/** The page before a chat is chosen. */
export async function welcomeProps(around: Surroundings, asked: Asked): Promise<WelcomeProps> {
  const position = await headPosition(around.read)
  const { list, unread } = await listProps(around, asked)
  return { list, unread, after: around.idOf(position) }
}

/** A chat's page and the lines on it, so that a reader without a script can be marked as having seen them. */
export async function chatProps(
  around: Surroundings,
  asked: Asked & { conversation: ConversationId; before: string | undefined },
): Promise<{ props: ConversationProps; lines: Line[] }> {
  const { viewer, conversation, before } = asked
  // Read first: what is committed between this and the lines comes twice, and never not at all.
  const position = await headPosition(around.read)
  const { list, unread, chats } = await listProps(around, asked, conversation)
  if (before !== undefined) list.before = before
  const chat =
    chats.find(({ id }) => id === conversation) ??
    (await getChat(around.read, viewer, conversation))
  const { page, newFrom } = await pageOf(around, viewer, { chat, before })
  const typing = (await typingIn(around, [chat], viewer.id)).get(conversation) ?? []
  const props: ConversationProps = {
    conversation: conversationProps(chat, { at: around.self, presenceOf: around.presenceOf }),
    lines: await shownLines(around, viewer, page.lines),
    newFrom,
    older: page.next,
    isPartial: page.isPartial,
    isOld: before !== undefined,
    typing,
    linksDown: await linksDown(around, viewer, conversation),
    after: around.idOf(position),
    position,
    composer: { draft: await draftOf(around.read, { user: viewer.id, conversation }) },
    list,
    unread,
  }
  return { props, lines: page.lines }
}

/** The newest page reaches back to the first unread line, as far as one page may; an older one begins where told. */
async function pageOf(
  { read, history }: Pick<Surroundings, 'read' | 'history'>,
  viewer: Viewer,
  { chat, before }: { chat: Chat; before: string | undefined },
): Promise<{ page: OlderPage; newFrom: string | undefined }> {
  const conversation = chat.id
  if (before !== undefined) {
    const place = placeOf(before, 'before')
    const page = await history.page(viewer, { conversation, before: place, limit: LINES_PER_PAGE })
    return { page, newFrom: undefined }
  }
  const first = chat.unread > 0 ? await firstUnread(read, viewer, conversation) : undefined
  const page = await history.page(viewer, { conversation, limit: LINES_PER_PAGE })
  const top = page.lines[0]
  const isAbove = first !== undefined && top !== undefined && first.timeKey < top.timeKey
  if (!isAbove) return { page, newFrom: first?.id }
  const longer = await history.page(viewer, { conversation, limit: LINES_PER_PAGE_MAX })
  const reached = longer.lines.some((line) => line.id === first.id)
  return { page: longer, newFrom: reached ? first.id : longer.lines[0]?.id }
}

/** Lines as the view takes them: the viewer's own with their marks. */
export async function shownLines(
  around: Pick<Surroundings, 'read' | 'self' | 'moveOf'>,
  viewer: Viewer,
  lines: readonly Line[],
): Promise<ShownLine[]> {
  const own = lines.filter((line) => line.author === viewer.id)
  const marks = await marksOf(around.read, around.self, own)
  const isGroup = lines.some((line) => line.kind === 'group')
  const blocked = isGroup ? await blockedBy(around.read, viewer.id) : new Set<UserId>()
  return lines.map((line) => ({
    ...lineProps(line, marks.get(line.position), around.moveOf),
    isFolded: blocked.has(line.author),
  }))
}

/** Lines to branches of this chat's people that are down. */
export async function linksDown(
  around: Pick<Surroundings, 'read' | 'linkOf'>,
  viewer: Viewer,
  conversation: ConversationId,
): Promise<LinkDown[]> {
  const branches = await branchesIn(around.read, viewer, conversation)
  return branches.flatMap(({ id, name }) => {
    const link = around.linkOf(id)
    const since: Millis | undefined = link?.up === false ? link.since : undefined
    return since === undefined ? [] : [{ branch: name, since, over: link?.over ?? [] }]
  })
}
