/**
 * Reading a chat backwards, also where only its newest part is here because a guest brought it: then the page before is
 * asked of the other branches, and the reader waits a moment for it.
 */
import type { ConversationId, UserId } from '../base/ids.ts'
import { type Millis, SECOND } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import type { ChatParts } from './actions.ts'
import { cursorOf, type Place } from './cursors.ts'
import { type HistPart, wantOlder } from './history.ts'
import { startOf } from './past.ts'
import { linesBefore, type Page, type Viewer } from './queries.ts'
import type { OnCommitted } from './waiting.ts'

/** Longer nobody waits for a page; what comes later is there at the next click. */
const ANSWER_MS_MAX: Millis = 3 * SECOND
/** The same page is not asked for again within this: each question is an event at every branch. */
const ASK_AGAIN_MS: Millis = 30 * SECOND
/** Whoever asked longest ago is forgotten first. */
const ASKED_MAX = 5000

/** `isPartial`: what is before lies at other branches that do not answer now. */
export type OlderPage = Page & { isPartial: boolean }

export type History = {
  /** The newest page of a chat, or the one before a place. */
  page(
    viewer: Viewer,
    asked: { conversation: ConversationId; before?: Place | undefined; limit: number },
  ): Promise<OlderPage>
}

/** The history of a branch's chats. What was asked lives in memory. */
export function createHistory(parts: ChatParts & { onCommitted: OnCommitted }): History {
  const { store, clock } = parts
  const asked = new Map<string, Millis>()
  const mayAsk = (key: string) => {
    const now = clock.now()
    if (now - (asked.get(key) ?? Number.NEGATIVE_INFINITY) < ASK_AGAIN_MS) return false
    asked.delete(key)
    asked.set(key, now)
    const [oldest] = asked.keys()
    if (asked.size > ASKED_MAX && oldest !== undefined) asked.delete(oldest)
    return true
  }
  return {
    async page(viewer, { conversation, before, limit }) {
      const of = { user: viewer.id, conversation }
      const page = await linesBefore(store.read, viewer, { conversation, before, limit })
      const start = page.next === undefined ? await startOf(store.read, of) : undefined
      if (start === undefined) return { ...page, isPartial: false }
      if (before === undefined) return await endedAt(store.read, of, page)
      const change = nextPart(parts, of)
      try {
        if (mayAsk(`${viewer.id} ${conversation} ${start}`)) await wantOlder(parts, of)
        await change.promise
      } finally {
        change.end()
      }
      const again = await linesBefore(store.read, viewer, { conversation, before, limit })
      return await endedAt(store.read, of, again)
    },
  }
}

type Of = { user: UserId; conversation: ConversationId }

/** Where nothing older is here, the page before begins at its first line; without one there is no such place. */
async function endedAt(db: Db, of: Of, page: Page): Promise<OlderPage> {
  const [first] = page.lines
  const isWhole = page.next !== undefined || (await startOf(db, of)) === undefined
  if (isWhole) return { ...page, isPartial: false }
  return { ...page, next: first && cursorOf(first), isPartial: first === undefined }
}

/** Resolves when the beginning of the chat has moved, or after ANSWER_MS_MAX. */
function nextPart(
  { onCommitted, clock, store }: Pick<ChatParts, 'clock' | 'store'> & { onCommitted: OnCommitted },
  of: Of,
): { promise: Promise<void>; end: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  const begun = startOf(store.read, of)
  const look = async () => {
    if ((await startOf(store.read, of)) !== (await begun)) resolve()
  }
  const cancelListening = onCommitted((events) => {
    const said = events
      .filter(({ kind }) => kind === 'hist.part')
      .map(({ body }) => body as HistPart)
    const isAbout = said.some(
      ({ user, chats }) =>
        user === of.user && chats.some(({ conversation }) => conversation === of.conversation),
    )
    if (isAbout) void look()
  })
  const cancelTimer = clock.after(ANSWER_MS_MAX, resolve)
  const end = () => {
    cancelListening()
    cancelTimer()
  }
  return { promise, end }
}
