/**
 * Rows of the queries as the props of the views, and as the JSON of the API: what a chat looks like is decided there,
 * what is known here.
 */
import type { AttachmentProps } from '../../views/chat/attachment.ts'
import type { Conversation } from '../../views/chat/conversation.ts'
import type { Step, Story } from '../../views/chat/delivery.ts'
import type { DetailsProps } from '../../views/chat/details.ts'
import type { MarkState, Line as ShownLine } from '../../views/chat/line.ts'
import type { ChatRow } from '../../views/chat/list.ts'
import type { Words } from '../../views/language/words.ts'
import { called, type Face } from '../../views/parts.ts'
import type { Presence } from '../../views/presence/dot.ts'
import type { BranchId, UserId } from '../base/ids.ts'
import type { MoveOf } from '../files/moves.ts'
import { type LineFile, namesAsText } from './attachments.ts'
import type { Chat, Other } from './chats.ts'
import type { GroupMember } from './members.ts'
import type { Line } from './queries.ts'
import type { DeliveryStory, StoryStep } from './story.ts'

/** A person's presence in the form of the views; `presence` is a sibling, so it comes as a function. */
export type PresenceOf = (user: UserId) => Presence

/** The list shows one line of a message: the rest of a long one would only travel. */
const PREVIEW_CHARS_MAX = 120

/** Whoever takes no messages from somebody does not tell him either whether he is there. */
export const UNTOLD: Presence = { isOnline: false }

/** The presence of the other one of a direct chat, as far as the viewer is told. */
function presenceIn(chat: Chat, other: Other, presenceOf: PresenceOf): Presence {
  return chat.isBlockedByOther ? UNTOLD : presenceOf(other.id)
}

function faceOf(person: { id: UserId; name: string; photo: string | undefined }): Face {
  return { id: person.id, name: person.name, photo: person.photo }
}

/** Props of `line()`; the mark is shown to the author alone. */
export function lineProps(line: Line, mark: MarkState = 'written', moveOf?: MoveOf): ShownLine {
  return {
    id: line.id,
    timeKey: line.timeKey,
    author: faceOf(line.by),
    body: line.body,
    ...filesOf(line, moveOf),
    sentAt: line.sentAt,
    mark,
    kind: line.kind,
    isLate: line.isLate,
  }
}

function filesOf({ body, files }: Line, moveOf?: MoveOf): Pick<ShownLine, 'files' | 'isTextless'> {
  if (files.length === 0) return {}
  const isTextless = body === namesAsText(files)
  return { isTextless, files: files.map((file) => attachmentProps(file, moveOf?.(file.blob))) }
}

/** Props of a card: what everybody who sees the line is shown. `now`: what is under way. */
export function attachmentProps(file: LineFile, now?: ReturnType<MoveOf>): AttachmentProps {
  const { id, name, type, size, width, height, hasThumb, branch } = file
  const state = file.state === 'partial' ? 'arriving' : file.state
  const props: AttachmentProps = {
    ...{ id, name, type, size, width, height, hasThumb, state, branch },
  }
  if (now === undefined) return props
  if (now.state === 'going') return state === 'here' ? { ...props, going: now.to } : props
  if (state !== 'elsewhere' && state !== 'arriving') return props
  if (now.state === 'arriving') return { ...props, state: 'arriving', percent: now.percent }
  return { ...props, waits: now.isDiskFull ? 'room' : 'line' }
}

/** Props of `chatRow()`; `viewer` decides what is "You". */
export function chatRowProps(
  chat: Chat,
  about: { viewer: UserId; presenceOf: PresenceOf; typing?: readonly string[]; t: Words },
): ChatRow {
  const { other, last } = chat
  const { t } = about
  return {
    id: chat.id,
    kind: chat.kind,
    title: chat.title,
    person: other && { ...faceOf(other), presence: presenceIn(chat, other, about.presenceOf) },
    tag: tagOf(chat, about.t),
    last: last && {
      at: last.at,
      text: lastText(last, t),
      author:
        last.author.firstName && called({ id: last.author.id, name: last.author.firstName }, t),
      isMine: last.author.id === about.viewer,
    },
    typing: about.typing,
    unread: chat.unread,
    timeKey: chat.timeKey,
  }
}

function tagOf(chat: Chat, t: Words): string | undefined {
  if (chat.kind === 'direct') return chat.other?.branch.name || undefined
  return chat.branchCount > 1 ? t.common.branches(chat.branchCount) : undefined
}

/** What stands under a chat's name: neither what was erased nor what is folded. */
function lastText(last: NonNullable<Chat['last']>, t: Words): string {
  if (last.isFolded) return t.contacts.folded
  return last.text === '' ? t.leavers.messageErased : preview(last.text)
}

function preview(text: string): string {
  const line = text.slice(0, PREVIEW_CHARS_MAX).replace(/\s+/g, ' ').trim()
  return line.toWellFormed()
}

/** Props of the head of a conversation. */
export function conversationProps(
  chat: Chat,
  { at, presenceOf }: { at: BranchId; presenceOf: PresenceOf },
): Conversation {
  const { other } = chat
  return {
    id: chat.id,
    kind: chat.kind,
    title: chat.title,
    person: other && {
      ...faceOf(other),
      branch: other.branch.name,
      department: other.department || other.post || undefined,
      isHere: other.branch.id === at,
      presence: presenceIn(chat, other, presenceOf),
    },
    memberCount: chat.memberCount,
    closed: closedBecause(chat),
  }
}

/** Who was blocked himself is not told before he writes. */
function closedBecause({ other, isBlockedByMe }: Chat): Conversation['closed'] {
  if (other?.isDisabled) return 'disabled'
  return isBlockedByMe ? 'blocked-by-me' : undefined
}

/** Props of the details. */
export function detailsProps(
  of: { chat: Chat; members: readonly GroupMember[]; files: readonly LineFile[] },
  presenceOf: PresenceOf,
): DetailsProps {
  const { chat, members } = of
  const { id, kind, title, other } = chat
  const shared = of.files.map((file) => attachmentProps(file))
  if (other) {
    const person = { ...personProps(other), presence: presenceIn(chat, other, presenceOf) }
    return { id, kind, title, person, shared, menu: { contact: { isBlocked: chat.isBlockedByMe } } }
  }
  const member = (m: GroupMember) => ({
    ...faceOf(m),
    branch: m.branch.name,
    isOwner: m.isOwner,
    presence: presenceOf(m.id),
  })
  return { id, kind, title, members: members.map(member), shared, menu: {} }
}

function personProps(other: Other) {
  const { login, post, department, phone, room } = other
  const facts = { login, post, department, phone, room, branch: other.branch.name }
  return { ...faceOf(other), ...facts }
}

/** Props of the delivery story; in groups people are counted, the last one tells the time. */
export function storyProps(story: DeliveryStory): Story {
  const steps: Step[] = []
  for (const step of story.steps) steps.push(...stepProps(step, story))
  const { message, conversation, body } = story
  return { messageId: message, chatId: conversation, body, steps: counted(steps, story) }
}

function stepProps(step: StoryStep, story: DeliveryStory): Step[] {
  const { branch } = step
  switch (step.state) {
    case 'written':
      return [{ kind: 'written', branch, at: step.at }]
    case 'waiting':
      return [waitingProps(step)]
    case 'stored': {
      const stored: Step = { kind: 'stored', branch, at: step.at, via: step.via }
      if (step.waitedFrom === undefined) return [stored]
      return [{ kind: 'waited', branch, from: step.waitedFrom, to: step.at }, stored]
    }
    case 'refused':
      return [{ kind: 'refused', branch, at: step.at, reason: step.reason }]
    case 'blocked':
      return [{ kind: 'blocked', at: step.at, person: step.person, user: step.user }]
    default:
      return story.kind === 'direct'
        ? [{ kind: step.state, at: step.at, person: step.person, user: step.user }]
        : [{ kind: step.state, at: step.at, n: 1, of: story.recipients }]
  }
}

function waitingProps({
  branch,
  downSince,
  ahead,
  carriers,
}: Extract<StoryStep, { state: 'waiting' }>): Step {
  return { kind: 'waiting', branch, linkDownSince: downSince, ahead, carriers }
}

/** `n of m` instead of a line for each of a group's people. */
function counted(steps: readonly Step[], story: DeliveryStory): Step[] {
  if (story.kind === 'direct') return [...steps]
  const others = steps.filter((step) => step.kind !== 'shown' && step.kind !== 'read')
  for (const kind of ['shown', 'read'] as const) {
    const people = steps.filter((step) => step.kind === kind)
    const last = people.at(-1)
    if (last?.kind === kind) {
      others.push({ kind, at: last.at, n: people.length, of: story.recipients })
    }
  }
  return others
}
