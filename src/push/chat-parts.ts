/** The pieces of chat pushes: a line, a row of the list, marks. Each says who sees it; none asks the database. */
import { arrivingLine, type MarkState, mark as markView } from '../../views/chat/line.ts'
import { chatRow } from '../../views/chat/list.ts'
import { replacement, upsert } from '../../views/partials.ts'
import type { Html } from '../../views/parts.ts'
import type { BranchId, ConversationId, UserId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import { messageShape } from '../chat/api-shapes.ts'
import { type Chat, getChat } from '../chat/chats.ts'
import { chatRowProps, lineProps, type PresenceOf } from '../chat/line.ts'
import type { Line } from '../chat/queries.ts'
import type { Risen } from '../chat/risen.ts'
import type { LinkOf } from '../chat/story.ts'
import type { Db } from '../db/open.ts'
import type { Push } from './viewers.ts'

export type ChatPushParts = {
  read: Db
  self: BranchId
  presenceOf: PresenceOf
  typistsIn(conversation: ConversationId): UserId[]
  linkOf: LinkOf
  /** Whether somebody has a stream open: the others need no rendering. */
  isListening(user: UserId): boolean
  /** Whether one of them is a page's: rows of the list are for pages alone. */
  hasPage(user: UserId): boolean
}

/** The HTML of a view as text. */
export async function textOf(part: Html): Promise<string> {
  return String(await part)
}

/** The position as a property, absent when there is none. */
export function withPosition(position: number | undefined): { position?: number } {
  return position === undefined ? {} : { position }
}

/** A chat as one of its members sees it; throws not-found for others. */
export function chatFor(
  { read, self }: Pick<ChatPushParts, 'read' | 'self'>,
  user: UserId,
  conversation: ConversationId,
): Promise<Chat> {
  return getChat(read, { id: user, at: self }, conversation)
}

/** A message for those who look at its chat, and for programs. */
export function linePush(
  line: Line,
  about: {
    to: readonly UserId[]
    /** Whether they wrote it: the way of a message is shown to its author. */
    mine: boolean
    mark: MarkState | undefined
    /** When the message before it was written. */
    before: Millis | undefined
    position: number | undefined
    exceptTab?: string | undefined
    /** Whether they have blocked its author. */
    isFolded?: boolean
  },
): Push {
  const shown = { ...lineProps(line, about.mark), isFolded: about.isFolded }
  return {
    to: about.to,
    chat: line.conversation,
    ...withPosition(about.position),
    ...(about.exceptTab === undefined ? {} : { exceptTab: about.exceptTab }),
    html: (reader) => textOf(upsert('#log', arrivingLine(shown, reader, about))),
    api: { event: 'message', data: messageShape(line) },
  }
}

/** A row of the list, moved to where its last activity belongs; `viewer` is any of those it is for. */
export function rowPush(
  { presenceOf, typistsIn }: Pick<ChatPushParts, 'presenceOf' | 'typistsIn'>,
  chat: Chat,
  { viewer, to }: { viewer: UserId; to: readonly UserId[] },
): Push {
  const { other } = chat
  const isTyping =
    !chat.isBlockedByMe && other !== undefined && typistsIn(chat.id).includes(other.id)
  const typing = isTyping ? [other.name] : []
  return {
    to,
    html: (reader) => {
      const props = chatRowProps(chat, { viewer, presenceOf, typing, t: reader.t })
      return textOf(upsert('#chat-list', chatRow(props, reader), 'down'))
    },
  }
}

/** The marks of one author's messages in one chat; several pushes where there are several to tell programs of. */
export function marksPush(
  marks: readonly (Risen & { state: MarkState })[],
  about: { position: number | undefined; receipt: { user: UserId; mark: string } | undefined },
): Push[] {
  const [first] = marks
  if (first === undefined) return []
  const { author, conversation } = first
  return [
    {
      to: [author],
      chat: conversation,
      ...withPosition(about.position),
      async html({ t }) {
        const parts = marks.map((m) =>
          textOf(replacement(`#mark-${m.id}`, markView(m.id, m.state, t))),
        )
        return (await Promise.all(parts)).join('')
      },
      api: {
        event: 'receipt',
        data: {
          conversation,
          ...about.receipt,
          messages: marks.map(({ id, state }) => ({ id, state })),
        },
      },
    },
  ]
}
