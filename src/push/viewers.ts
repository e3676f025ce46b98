/**
 * Who looks at what, and the delivery of pushes to them. A push is rendered once per language and the same bytes go to
 * every stream that may see it: a thousand viewers cost one rendering (docs/decisions/016-streams.md). It knows no SQL:
 * whoever makes a push has checked who may see it. Sockets, heartbeats and limits are `web/sse.ts`'s.
 */
import type { Words } from '../../views/language/words.ts'
import type { Reader } from '../../views/parts.ts'
import type { ConversationId, UserId } from '../base/ids.ts'
import { eventBytes, type Stream } from '../web/sse.ts'

/** One thing to show. Without `position` it is forgotten: presence, typing, counters. */
export type Push = {
  /** Who may see it. */
  to: readonly UserId[]
  /** Only pages that show this chat; undefined: all streams of those people. */
  chat?: ConversationId
  /** Arrival of its event: the id a stream resumes from. */
  position?: number
  /** HTML partials for pages, in the reader's language; empty for none. */
  html?(reader: Reader): string | Promise<string>
  /** The same for API streams. */
  api?: { event: string; data: unknown }
  /** Name of the page's stream that caused it: it has the answer of its own request. */
  exceptTab?: string
}

/** An open stream and what its page shows. */
export type Viewer = {
  user: UserId
  words: Words
  /** The chat its page shows; undefined for API streams and other pages. */
  chat: ConversationId | undefined
  stream: Stream
  /** Pushes up to here were replayed when it opened: live ones skip them. */
  replayedTo: number
  /** Live pushes that wait while what was missed is written. */
  held?: Push[] | undefined
}

export class Viewers {
  readonly #byUser = new Map<UserId, Set<Viewer>>()
  readonly #storeEpoch: () => string
  readonly #readerOf: (words: Words) => Reader

  /** `storeEpoch` starts every id: after a restore all old ids mean a resync. */
  constructor(storeEpoch: () => string, readerOf: (words: Words) => Reader) {
    this.#storeEpoch = storeEpoch
    this.#readerOf = readerOf
  }

  add(viewer: Viewer): void {
    const own = this.#byUser.get(viewer.user) ?? new Set()
    this.#byUser.set(viewer.user, own.add(viewer))
    viewer.stream.onClose(() => {
      own.delete(viewer)
      if (own.size === 0) this.#byUser.delete(viewer.user)
    })
  }

  /** Adds a viewer whose live pushes wait until the result is called: first what was missed. */
  hold(viewer: Viewer): () => Promise<void> {
    viewer.held = []
    this.add(viewer)
    return async () => {
      for (let push = viewer.held?.shift(); push; push = viewer.held?.shift()) {
        const bytes = isFor(viewer, push) ? await this.bytesOf(push, viewer) : undefined
        if (bytes) viewer.stream.write(bytes)
      }
      viewer.held = undefined
    }
  }

  /** Whether somebody has a stream open here: most pushes need no rendering at all. */
  isListening(user: UserId): boolean {
    return this.#byUser.has(user)
  }

  /** Whether somebody has a page open, not only programs. */
  hasPage(user: UserId): boolean {
    const own = this.#byUser.get(user)
    return own !== undefined && [...own].some(({ stream }) => stream.kind === 'page')
  }

  listeners(): UserId[] {
    return [...this.#byUser.keys()]
  }

  /** Who has which chat open, each once. */
  openChats(): { user: UserId; chat: ConversationId }[] {
    return [...this.#byUser].flatMap(([user, own]) => {
      const chats = new Set([...own].flatMap(({ chat }) => chat ?? []))
      return [...chats].map((chat) => ({ user, chat }))
    })
  }

  idOf(position: number): string {
    return `${this.#storeEpoch()}-${position}`
  }

  async deliver(pushes: readonly Push[]): Promise<void> {
    for (const push of pushes) {
      const rendered = new Map<Words | 'api', Uint8Array | undefined>()
      for (const user of push.to) {
        for (const viewer of this.#byUser.get(user) ?? []) {
          if (!isFor(viewer, push)) continue
          if (viewer.held) {
            viewer.held.push(push)
            continue
          }
          const form = viewer.stream.kind === 'api' ? 'api' : viewer.words
          if (!rendered.has(form)) rendered.set(form, await this.bytesOf(push, viewer))
          const bytes = rendered.get(form)
          if (bytes) viewer.stream.write(bytes)
        }
      }
    }
  }

  /** The bytes of a push for this viewer's kind and language; undefined when it has nothing for them. */
  async bytesOf(push: Push, viewer: Viewer): Promise<Uint8Array | undefined> {
    const id = push.position === undefined ? {} : { id: this.idOf(push.position) }
    if (viewer.stream.kind === 'api') {
      if (!push.api) return undefined
      return eventBytes({ ...id, event: push.api.event, data: JSON.stringify(push.api.data) })
    }
    const html = await push.html?.(this.#readerOf(viewer.words))
    return html === undefined || html === '' ? undefined : eventBytes({ ...id, data: html })
  }
}

/** Whether a viewer is to see a push that is meant for its person. */
function isFor(viewer: Viewer, push: Push): boolean {
  if (push.exceptTab !== undefined && push.exceptTab === viewer.stream.tab) return false
  if (push.position !== undefined && push.position <= viewer.replayedTo) return false
  if (viewer.stream.kind === 'api') return push.api !== undefined
  return push.chat === undefined || viewer.chat === push.chat
}
