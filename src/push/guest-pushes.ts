/**
 * What follows a guest, on the pages that are open meanwhile: more of a chat's past, what was begun to be written
 * elsewhere, contacts. Messages, marks and groups are pushed as everywhere (chat-pushes.ts). It asks only for people
 * with an open page. docs/decisions/040-guests.md.
 */
import { draftNote, olderArrived } from '../../views/chat/conversation.ts'
import { replacement } from '../../views/partials.ts'
import type { ConversationId, UserId } from '../base/ids.ts'
import { contactsChangedAfter } from '../chat/contacts.ts'
import { draftFrom } from '../chat/drafts.ts'
import type { HistPart } from '../chat/history.ts'
import { isBroughtByGuest, startOf } from '../chat/past.ts'
import type { PostBody } from '../chat/posts.ts'
import type { LoggedEvent } from '../eventlog/events.ts'
import { type ChatPushParts, textOf } from './chat-parts.ts'
import type { ChatPushes } from './chat-pushes.ts'
import type { Push, Viewers } from './viewers.ts'

type Parts = Pick<ChatPushParts, 'read' | 'self'> & { viewers: Pick<Viewers, 'openChats'> }
type Open = { user: UserId; chat: ConversationId }

/** What an event that came from another branch changes on open chats, besides its lines and rows. */
export async function guestPushes(parts: Parts, event: LoggedEvent): Promise<Push[]> {
  if (event.origin === parts.self) return []
  const open = parts.viewers.openChats()
  switch (event.kind) {
    case 'hist.part': {
      const { user, chats } = event.body as HistPart
      const said = new Set(chats.map(({ conversation }) => conversation))
      const shown = open.filter((each) => each.user === user && said.has(each.chat))
      return await Promise.all(shown.map((each) => pastPush(parts, each)))
    }
    case 'draft.put': {
      const { user, conversation } = event.body as { user: UserId; conversation: ConversationId }
      return await draftPushes(parts, open.filter(isOf(user, conversation)))
    }
    case 'msg.post': {
      // What had been begun is written now.
      const { author, conversation } = event.body as PostBody
      return await draftPushes(parts, open.filter(isOf(author, conversation)))
    }
    default:
      return []
  }
}

const isOf = (user: UserId, chat: ConversationId) => (each: Open) =>
  each.user === user && each.chat === chat

/** What a stream missed of it while it was away. */
export async function missedByGuest(
  parts: Pick<ChatPushParts, 'read' | 'self'>,
  pushes: Pick<ChatPushes, 'contactPushes'>,
  { user, chat, after }: { user: UserId; chat: ConversationId | undefined; after: number },
): Promise<Push[]> {
  const found: Push[] = []
  for (const contact of await contactsChangedAfter(parts.read, user, after)) {
    found.push(...(await pushes.contactPushes(contact)))
  }
  if (chat === undefined) return found
  const open = { user, chat }
  if (await isBroughtByGuest(parts.read, { user, conversation: chat })) {
    found.push(await pastPush(parts, open))
  }
  return [...found, ...(await draftPushes(parts, [open]))]
}

/** The way to what is before the lines of the page; where it is in view it loads by itself. */
async function pastPush({ read }: Pick<Parts, 'read'>, { user, chat }: Open): Promise<Push> {
  const from = await startOf(read, { user, conversation: chat })
  return {
    ...{ to: [user], chat },
    html: (reader) => textOf(olderArrived({ chatId: chat, from }, reader)),
  }
}

/** Of this branch's own drafts pages know already: they were typed in one of them. */
async function draftPushes(
  { read, self }: Pick<Parts, 'read' | 'self'>,
  open: readonly Open[],
): Promise<Push[]> {
  const pushes: Push[] = []
  for (const { user, chat } of open) {
    const text = await draftFrom(read, { user, conversation: chat, except: self })
    if (text === undefined) continue
    const html = () => textOf(replacement('#draft', draftNote(text)))
    pushes.push({ to: [user], chat, html })
  }
  return pushes
}
