/** Chats and messages as the API shows them: the schemas are the promise (/api/v1/openapi.json), functions keep it. */

import * as v from 'valibot'
import { ERASED_NAME } from '../base/erased.ts'
import type { ConversationId, UserId } from '../base/ids.ts'
import { isoTime } from '../base/units.ts'
import { waitingWords } from '../base/waiting-words.ts'
import type { Db } from '../db/open.ts'
import type { Chat } from './chats.ts'
import { peopleOf } from './members.ts'
import { type Line, linesAt, type Viewer } from './queries.ts'
import type { DeliveryStory, StoryStep } from './story.ts'

const author = v.object({
  id: v.string(),
  login: v.string(),
  /** Name of the home branch. */
  branch: v.string(),
  name: v.string(),
})

const file = v.object({
  id: v.string(),
  name: v.string(),
  size: v.number(),
  type: v.string(),
  sha256: v.string(),
  /** Whether its bytes are at this branch. */
  state: v.picklist([
    'here',
    'partial',
    'elsewhere',
    'removed',
    'checking',
    'unchecked',
    'infected',
  ]),
})

export const message = v.object({
  id: v.string(),
  conversation: v.string(),
  author,
  body: v.string(),
  sentAt: v.string(),
  /** The sender's own number; only he is told. */
  clientId: v.optional(v.string()),
  files: v.array(file),
  reactions: v.record(v.string(), v.never()),
  /** Order of arrival at this branch. */
  position: v.number(),
})
export const messages = v.object({
  items: v.array(message),
  next: v.optional(v.string()),
  /** What is before lies at other branches that do not answer now: ask again later. */
  isPartial: v.optional(v.literal(true)),
})

export const conversation = v.object({
  id: v.string(),
  kind: v.picklist(['direct', 'group']),
  title: v.string(),
  members: v.array(author),
  /** Counting ends at 100. */
  unread: v.number(),
  mentions: v.number(),
  lastMessage: v.optional(message),
})
export const conversations = v.object({
  items: v.array(conversation),
  /** An event stream that begins here has no gap to this answer. */
  position: v.number(),
})

const STATES = ['written', 'waiting', 'stored', 'refused', 'blocked', 'shown', 'read'] as const
export const delivery = v.object({
  steps: v.array(
    v.object({
      state: v.picklist(STATES),
      branch: v.string(),
      at: v.optional(v.string()),
      /** The branch that carried it. */
      via: v.optional(v.string()),
      person: v.optional(v.string()),
      detail: v.optional(v.string()),
    }),
  ),
})

export type MessageShape = v.InferOutput<typeof message>
export type ConversationShape = v.InferOutput<typeof conversation>
type DeliveryShape = v.InferOutput<typeof delivery>

/** A Message; `viewer` undefined: for several people at once. */
export function messageShape(line: Line, viewer?: UserId): MessageShape {
  const { id, login, branch, name: given } = line.by
  const name = given === ERASED_NAME ? '' : given
  const own = line.author === viewer && line.clientId !== undefined
  return {
    id: line.id,
    conversation: line.conversation,
    author: { id, login, branch, name },
    body: line.body,
    sentAt: isoTime(line.sentAt),
    ...(own ? { clientId: line.clientId } : {}),
    files: line.files.map(({ id, name, size, type, sha256, state }) => ({
      ...{ id, name, size, type, sha256, state },
    })),
    reactions: {},
    position: line.position,
  }
}

/** Chats with their people and last messages. */
export async function conversationShapes(
  db: Db,
  viewer: Viewer,
  chats: readonly Chat[],
): Promise<ConversationShape[]> {
  const ids: ConversationId[] = chats.map((chat) => chat.id)
  const people = await peopleOf(db, viewer, ids)
  const positions = chats.flatMap((chat) => chat.last?.position ?? [])
  const last = new Map((await linesAt(db, viewer, positions)).map((line) => [line.id, line]))
  return chats.map((chat) => {
    const line = chat.last && last.get(chat.last.id)
    const members = people.get(chat.id) ?? []
    return {
      id: chat.id,
      kind: chat.kind,
      title: chat.title === ERASED_NAME ? '' : chat.title,
      members: members.map(({ branch, name, ...rest }) => ({
        ...rest,
        name: name === ERASED_NAME ? '' : name,
        branch: branch.name,
      })),
      unread: chat.unread,
      mentions: 0,
      ...(line === undefined ? {} : { lastMessage: messageShape(line, viewer.id) }),
    }
  })
}

/** The way of a message. */
export function deliveryShape(story: DeliveryStory): DeliveryShape {
  return { steps: story.steps.map(stepShape) }
}

function stepShape(step: StoryStep): DeliveryShape['steps'][number] {
  const { state, branch } = step
  switch (step.state) {
    case 'waiting':
      return { state, branch, detail: waitingWords(step) }
    case 'stored': {
      const via = step.via === undefined ? {} : { via: step.via }
      return { state, branch, at: isoTime(step.at), ...via }
    }
    case 'refused':
      return { state, branch, at: isoTime(step.at), detail: step.reason }
    case 'written':
      return { state, branch, at: isoTime(step.at) }
    default:
      return {
        state,
        branch,
        at: isoTime(step.at),
        person: step.person === ERASED_NAME ? '' : step.person,
      }
  }
}
