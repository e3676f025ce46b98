/**
 * What happens in chats as pushes. A line is rendered once per language for its author and once for all others; rows of
 * the list once per language and unread count; marks go to the author alone. Members are asked of the database, and
 * only those with an open stream cost anything.
 */
import { closedNote, conversationHeader, linkBanner } from '../../views/chat/conversation.ts'
import { rowLast } from '../../views/chat/list.ts'
import { removal, replacement } from '../../views/partials.ts'
import { presence, typingLine } from '../../views/presence/dot.ts'
import { AppError } from '../base/errors.ts'
import type { ConversationId, MessageId, UserId } from '../base/ids.ts'
import { conversationShapes } from '../chat/api-shapes.ts'
import type { Chat } from '../chat/chats.ts'
import type { BlockBody, ClearBody, ContactBody, ContactChange } from '../chat/contact-records.ts'
import { blockersOf } from '../chat/contacts.ts'
import type { ConvBody } from '../chat/group-records.ts'
import { directIdOf } from '../chat/ids.ts'
import { chatRowProps, conversationProps, UNTOLD } from '../chat/line.ts'
import { byAuthorAndChat, marksOf } from '../chat/marks.ts'
import { firstNames, isContact, membersSince } from '../chat/members.ts'
import { linksDown } from '../chat/pages.ts'
import type { PostBody } from '../chat/posts.ts'
import { type Line, lineById, unreadOfMembers, writtenBefore } from '../chat/queries.ts'
import {
  messageRefused,
  messagesSeenBy,
  messagesStoredBy,
  ownNewest,
  type Risen,
} from '../chat/risen.ts'
import type { SeenBody } from '../chat/seen.ts'
import type { LoggedEvent } from '../eventlog/events.ts'
import type { StoredUpTo } from '../eventlog/log.ts'
import type { Refused } from '../eventlog/refused.ts'
import {
  type ChatPushParts,
  chatFor,
  linePush,
  marksPush,
  rowPush,
  textOf,
  withPosition,
} from './chat-parts.ts'
import type { Push } from './viewers.ts'

/** Pages that answer their own request are told apart for this many messages: the answers are long gone then. */
const ANSWERED_MAX = 1000
const NOBODY: ReadonlySet<UserId> = new Set()

/** The pushes of a branch's chats. */
export class ChatPushes {
  readonly #parts: ChatPushParts
  /** Which page's stream gets the message as the answer of its own request. */
  readonly #answered = new Map<MessageId, string>()
  #newest = 0

  constructor(parts: ChatPushParts) {
    this.#parts = parts
  }

  /** A page posted this message and gets the line as its answer: the push leaves out its stream. */
  answered(message: MessageId, tab: string): void {
    this.#answered.set(message, tab)
    const [oldest] = this.#answered.keys()
    if (this.#answered.size > ANSWERED_MAX && oldest !== undefined) this.#answered.delete(oldest)
  }

  /** Everything a committed event shows; call in order of the log. Other features' events show nothing here. */
  async pushesFor(event: LoggedEvent): Promise<Push[]> {
    // An event that had waited comes with its old position: no stream may take that for the place to resume from.
    const position = event.position > this.#newest ? event.position : undefined
    this.#newest = Math.max(this.#newest, event.position)
    return await orNothing(() => this.#pushesOf(event, position))
  }

  async #pushesOf(event: LoggedEvent, position: number | undefined): Promise<Push[]> {
    switch (event.kind) {
      case 'msg.post':
        return await this.#ofMessage(event as LoggedEvent<PostBody>, position)
      case 'msg.seen':
        return await this.#ofSeen(event as LoggedEvent<SeenBody>, position)
      case 'conv.put':
        return await this.#ofGroup(event as LoggedEvent<ConvBody>, position)
      case 'contact.put':
        return await this.contactPushes(event.body as ContactBody)
      case 'contact.block':
        return await this.#ofBlock(event as LoggedEvent<BlockBody>)
      case 'history.clear':
        return await this.#ofClear(event as LoggedEvent<ClearBody>)
      case 'evt.refused': {
        const { read, self } = this.#parts
        const refused = await messageRefused(read, self, event.body as Refused)
        return await this.marksOf(refused, { position, receipt: undefined })
      }
      default:
        return []
    }
  }

  async #ofMessage(event: LoggedEvent<PostBody>, position: number | undefined): Promise<Push[]> {
    const { read, self } = this.#parts
    const { conversation, author } = event.body
    const id = event.id as string as MessageId
    const exceptTab = this.#answered.get(id)
    this.#answered.delete(id)
    const joined = await membersSince(read, conversation)
    const to = [...joined.keys()].filter((user) => this.#parts.isListening(user))
    const rows = await this.#rows(conversation, { to, author })
    const line = await this.#lineFor(to, id)
    if (line === undefined) return rows
    const mayRead = to.filter((user) => (joined.get(user) ?? '~') <= line.timeKey)
    const [own, others] = [
      mayRead.filter((user) => user === author),
      mayRead.filter((user) => user !== author),
    ]
    // Programs are told neither, and a mark is its author's alone: half of the queries of a message.
    const isShown = (users: readonly UserId[]) => users.some((user) => this.#parts.hasPage(user))
    const mark = isShown(own) ? (await marksOf(read, self, [line])).get(line.position) : undefined
    const before = isShown(mayRead) ? await writtenBefore(read, line) : undefined
    const shown = { before, position }
    const pushes = [
      linePush(line, { ...shown, to: own, mine: true, mark, exceptTab }),
      ...(await this.#ofOthers(line, others)).map((part) =>
        linePush(line, { ...shown, ...part, mine: false, mark: undefined }),
      ),
    ]
    return [...pushes.filter(({ to: readers }) => readers.length > 0), ...rows]
  }

  /** A message of a group is folded for those who have blocked its author. */
  async #ofOthers(line: Line, to: readonly UserId[]) {
    if (line.kind === 'direct' || to.length === 0) return [{ to }]
    const blockers = await blockersOf(this.#parts.read, line.author)
    return [
      { to: to.filter((user) => !blockers.has(user)) },
      { to: to.filter((user) => blockers.has(user)), isFolded: true },
    ]
  }

  /** The message as the first of these who may see it. */
  async #lineFor(to: readonly UserId[], id: MessageId): Promise<Line | undefined> {
    const { read, self } = this.#parts
    for (const user of to) {
      const [line] = await orNothing(async () => [await lineById(read, { id: user, at: self }, id)])
      if (line !== undefined) return line
    }
    return undefined
  }

  async #listeners(conversation: ConversationId): Promise<UserId[]> {
    const members = await membersSince(this.#parts.read, conversation)
    return [...members.keys()].filter((user) => this.#parts.isListening(user))
  }

  /** The row of a chat for each of these: of a group once per unread count, of a direct chat for each. */
  async #rows(
    conversation: ConversationId,
    { to: listeners, author }: { to: readonly UserId[]; author: UserId | undefined },
  ): Promise<Push[]> {
    const to = listeners.filter((user) => this.#parts.hasPage(user))
    const [first] = to
    if (first === undefined) return []
    const shown = await chatFor(this.#parts, first, conversation)
    const chatOf = async (user: UserId) =>
      user === first ? shown : await chatFor(this.#parts, user, conversation)
    const isDirect = shown.kind === 'direct'
    const blockers = isDirect || !author ? NOBODY : await blockersOf(this.#parts.read, author)
    // Of a group only the author's row is different, it says "You", and of those who have blocked him.
    const isAlike = (user: UserId) => !isDirect && user !== author && !blockers.has(user)
    const own = to.filter((user) => !isAlike(user))
    const alike = to.filter(isAlike)
    const pushes: Push[] = []
    for (const user of own) {
      pushes.push(rowPush(this.#parts, await chatOf(user), { viewer: user, to: [user] }))
    }
    const [anybody] = alike
    if (anybody === undefined) return pushes
    const { read, self } = this.#parts
    const chat = await chatOf(anybody)
    const counts = await unreadOfMembers(read, self, { conversation, users: alike })
    for (const [unread, users] of Map.groupBy(alike, (user) => counts.get(user) ?? 0)) {
      pushes.push(rowPush(this.#parts, { ...chat, unread }, { viewer: anybody, to: users }))
    }
    return pushes
  }

  /** The present row of a chat for one of its members. */
  async rowFor(user: UserId, conversation: ConversationId): Promise<Push> {
    const chat = await chatFor(this.#parts, user, conversation)
    return rowPush(this.#parts, chat, { viewer: user, to: [user] })
  }

  async #ofSeen(event: LoggedEvent<SeenBody>, position: number | undefined): Promise<Push[]> {
    const { conversation, user, mark } = event.body
    const { read, self } = this.#parts
    const risen = await messagesSeenBy(read, self, event.body)
    const pushes = await this.marksOf(risen, { position, receipt: { user, mark } })
    if (mark === 'read' && this.#parts.isListening(user)) {
      pushes.push(await this.rowFor(user, conversation))
    }
    return pushes
  }

  /** What other branches now hold, for the marks of those who wrote it. */
  async pushesForStored(stored: readonly StoredUpTo[]): Promise<Push[]> {
    const risen: Risen[] = []
    for (const each of stored) risen.push(...(await messagesStoredBy(this.#parts.read, each)))
    return await this.marksOf(risen, { position: undefined, receipt: undefined })
  }

  /** The present marks of messages, one push for each author and chat. */
  async marksOf(
    risen: readonly Risen[],
    about: { position: number | undefined; receipt: { user: UserId; mark: string } | undefined },
  ): Promise<Push[]> {
    const { read, self, isListening } = this.#parts
    const own = risen.filter((m) => m.origin === self && isListening(m.author))
    const states = await marksOf(read, self, own)
    return [...byAuthorAndChat(own).values()].flatMap((group) => {
      const marks = group.map((m) => ({ ...m, state: states.get(m.position) ?? 'written' }))
      return marksPush(marks, about)
    })
  }

  async #ofGroup(event: LoggedEvent<ConvBody>, position: number | undefined): Promise<Push[]> {
    const { id, members } = event.body
    const to = await this.#listeners(id)
    const pushes = await this.#rows(id, { to, author: undefined })
    if (to.length > 0) pushes.push(await this.headFor(to, id, position))
    const gone = members.filter((m) => m.leftAt !== undefined && !to.includes(m.user))
    const told = gone.map((m) => m.user).filter((user) => this.#parts.isListening(user))
    if (told.length > 0) pushes.push({ to: told, html: () => textOf(removal(`#chat-${id}`)) })
    return pushes
  }

  /** The present head of a chat, alike for these of its members. */
  async headFor(
    to: readonly UserId[],
    conversation: ConversationId,
    position: number | undefined,
  ): Promise<Push> {
    const [anybody] = to
    if (anybody === undefined) return { to }
    const { read, self, presenceOf } = this.#parts
    const chat = await chatFor(this.#parts, anybody, conversation)
    const [shape] = await conversationShapes(read, { id: anybody, at: self }, [chat])
    const { id, kind, title, members } = shape ?? {}
    return {
      to,
      chat: conversation,
      ...withPosition(position),
      html: (reader) => {
        const head = conversationHeader(conversationProps(chat, { at: self, presenceOf }), reader)
        return textOf(replacement('.conversation-head', head))
      },
      // What is unread is each one's own affair: whoever wants it asks for his conversations.
      api: { event: 'conversation', data: { id, kind, title, members } },
    }
  }

  /** The row of a contact who came into the list, or went out of it. */
  async contactPushes({ owner, contact, removed }: ContactChange): Promise<Push[]> {
    if (!this.#parts.isListening(owner)) return []
    const conversation = directIdOf(owner, contact)
    if (!removed) return [await this.rowFor(owner, conversation)]
    return [{ to: [owner], html: () => textOf(removal(`#chat-${conversation}`)) }]
  }

  /** The open chat of who decided closes; of the other one only the marks and what he is told of presence change. */
  async #ofBlock({ body: { owner, blocked, on } }: LoggedEvent<BlockBody>): Promise<Push[]> {
    const { read, isListening } = this.#parts
    const conversation = directIdOf(owner, blocked)
    const pushes: Push[] = []
    if (isListening(owner)) {
      const { title } = await chatFor(this.#parts, owner, conversation)
      const closed = { id: conversation, title, closed: 'blocked-by-me' } as const
      pushes.push(await this.rowFor(owner, conversation))
      // What opens the box again holds a token of its page: it comes when the page is loaded.
      const html: Push['html'] = (reader) =>
        textOf(replacement('#composer', closedNote(closed, reader)))
      if (on) pushes.push({ to: [owner], chat: conversation, html })
    }
    if (!isListening(blocked)) return pushes
    const own = await ownNewest(read, { author: blocked, conversation })
    pushes.push(...(await this.marksOf(own, { position: undefined, receipt: undefined })))
    if (!on) return pushes
    const html: Push['html'] = (reader) =>
      textOf(replacement(`.presence-${owner}`, presence(owner, UNTOLD, reader)))
    return [...pushes, { to: [blocked], html }]
  }

  /** Own pages only; lines of the log go, its end stays where new ones come. */
  async #ofClear({ body: { owner, conversation } }: LoggedEvent<ClearBody>): Promise<Push[]> {
    if (!this.#parts.isListening(owner)) return []
    const html: Push['html'] = () => textOf(removal('#log > *'))
    return [{ to: [owner], chat: conversation, html }, await this.rowFor(owner, conversation)]
  }

  /** Who is typing changed: the line under the log, and the rows of the list. */
  async pushesForTyping(conversation: ConversationId): Promise<Push[]> {
    const to = await this.#listeners(conversation)
    const typists = this.#parts.typistsIn(conversation)
    const names = await firstNames(this.#parts.read, typists)
    const pushes: Push[] = []
    for (const user of to) {
      pushes.push(...(await this.#typingOf(user, conversation, { typists, names })))
    }
    return pushes
  }

  /** Who is typing in a chat now, for one of its members. */
  async typingFor(user: UserId, conversation: ConversationId): Promise<Push[]> {
    const typists = this.#parts.typistsIn(conversation)
    const names = await firstNames(this.#parts.read, typists)
    return await orNothing(() => this.#typingOf(user, conversation, { typists, names }))
  }

  async #typingOf(
    user: UserId,
    conversation: ConversationId,
    { typists, names }: { typists: readonly UserId[]; names: ReadonlyMap<UserId, string> },
  ): Promise<Push[]> {
    const { presenceOf } = this.#parts
    const chat = await chatFor(this.#parts, user, conversation)
    const others = chat.isBlockedByMe ? [] : typists.filter((typist) => typist !== user)
    const typing = others.flatMap((typist) => names.get(typist) ?? [])
    const line: Push = {
      to: [user],
      chat: conversation,
      html: (reader) => textOf(replacement('#typing', typingLine(typing, reader))),
      api: { event: 'typing', data: { conversation, users: others } },
    }
    if (chat.kind === 'direct' && chat.last === undefined) {
      return [line, ...(await this.#firstTyping(user, chat, typing.length > 0))]
    }
    const row: Push = {
      to: [user],
      html: (reader) => {
        const props = chatRowProps(chat, { viewer: user, presenceOf, typing, t: reader.t })
        return textOf(replacement(`#last-${conversation}`, rowLast(props, reader)))
      },
    }
    return [line, row]
  }

  /** Somebody types a first message: the row comes with it, and goes if nothing follows and he is no contact. */
  async #firstTyping(user: UserId, { id, other }: Chat, isTyping: boolean): Promise<Push[]> {
    if (isTyping || other === undefined) return [await this.rowFor(user, id)]
    if (await isContact(this.#parts.read, user, other.id)) return [await this.rowFor(user, id)]
    return [{ to: [user], html: () => textOf(removal(`#chat-${id}`)) }]
  }

  /** The banner of an open chat: for every page that shows one, when a line went up or down. */
  async bannerFor(user: UserId, conversation: ConversationId): Promise<Push[]> {
    return await orNothing(async () => {
      const viewer = { id: user, at: this.#parts.self }
      const down = await linksDown(this.#parts, viewer, conversation)
      const html: Push['html'] = (reader) =>
        textOf(replacement('#line-banner', linkBanner(down, reader)))
      return [{ to: [user], chat: conversation, html }]
    })
  }
}

/** Somebody left the chat meanwhile: then there is nothing to show any more. */
async function orNothing<T>(work: () => Promise<T[]>): Promise<T[]> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof AppError && error.code === 'not-found') return []
    throw error
  }
}
