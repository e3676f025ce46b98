/**
 * Open event streams of this branch and what is written to them. A push is rendered once per language and the same
 * bytes go to every stream that may see it: a thousand viewers cost one rendering (docs/decisions, streams).
 * It must not know SQL: whoever makes a push has checked who may see it.
 */

import type { Words } from '../../views/language/en.ts'
import type { ConversationId, UserId } from '../base/ids.ts'

/** One thing to show. Without `position` it is forgotten: presence, typing, counters. */
export type Push = {
  /** Who may see it. */
  to: readonly UserId[]
  /** Only streams whose page shows this chat; undefined: all streams of those people. */
  chat?: ConversationId
  /** Arrival of its event: the id a stream resumes from. */
  position?: number
  /** HTML partials for pages, in the reader's language. */
  html?(t: Words): string | Promise<string>
  /** The same for API streams. */
  api?: { event: string; data: unknown }
  /** The stream of the page that caused it: it has the answer of its own request. */
  exceptStream?: string
}

/** Where a stream's bytes go; `src/web/sse.ts` gives it. */
export type Sink = {
  write(bytes: Uint8Array): void
  close(): void
}

export type Stream = {
  /** Drawn by the page: it names the stream in X-Stream. */
  id: string
  user: UserId
  kind: 'page' | 'api'
  words: Words
  chat: ConversationId | undefined
  sink: Sink
  /** Pushes up to here were replayed at the opening: live ones skip them. */
  replayedTo: number
}

const encoder = new TextEncoder()

/** One server-sent event (WHATWG HTML 9.2.6): every line of data with its own field name. */
export function sseBlock(event: { id?: string; name?: string; data: string }): Uint8Array {
  const id = event.id === undefined ? '' : `id: ${event.id}\n`
  const name = event.name === undefined ? '' : `event: ${event.name}\n`
  const data = event.data.split('\n').map((line) => `data: ${line}\n`)
  return encoder.encode(`${id}${name}${data.join('')}\n`)
}

export class Streams {
  readonly #byUser = new Map<UserId, Set<Stream>>()
  readonly #storeEpoch: string

  /** `storeEpoch` starts every id: after a restore all old ids mean a resync. */
  constructor(storeEpoch: string) {
    this.#storeEpoch = storeEpoch
  }

  add(stream: Stream): () => void {
    const own = this.#byUser.get(stream.user) ?? new Set()
    this.#byUser.set(stream.user, own.add(stream))
    return () => {
      own.delete(stream)
      if (own.size === 0 && this.#byUser.get(stream.user) === own) this.#byUser.delete(stream.user)
    }
  }

  get count(): number {
    let count = 0
    for (const own of this.#byUser.values()) count += own.size
    return count
  }

  /** People with a stream open here: most pushes need no rendering at all. */
  isListening(user: UserId): boolean {
    return this.#byUser.has(user)
  }

  listeners(): UserId[] {
    return [...this.#byUser.keys()]
  }

  /** Whether somebody of these has this chat on an open page. */
  isShowing(user: UserId, chat: ConversationId): boolean {
    for (const stream of this.#byUser.get(user) ?? []) if (stream.chat === chat) return true
    return false
  }

  idOf(position: number): string {
    return `${this.#storeEpoch}-${position}`
  }

  /** Ends all streams of a person: the sign-ins are gone. */
  closeAllOf(user: UserId) {
    for (const stream of this.#byUser.get(user) ?? []) stream.sink.close()
  }

  closeAll() {
    for (const own of [...this.#byUser.values()]) for (const stream of own) stream.sink.close()
  }

  async deliver(pushes: readonly Push[]): Promise<void> {
    for (const push of pushes) {
      const rendered = new Map<Words | 'api', Uint8Array | undefined>()
      for (const user of push.to) {
        for (const stream of this.#byUser.get(user) ?? []) {
          if (!isFor(stream, push)) continue
          const form = stream.kind === 'api' ? 'api' : stream.words
          if (!rendered.has(form)) rendered.set(form, await this.bytesOf(push, stream))
          const bytes = rendered.get(form)
          if (bytes) stream.sink.write(bytes)
        }
      }
    }
  }

  /** The bytes of a push for streams of this kind and language; undefined when it has nothing for them. */
  async bytesOf(push: Push, stream: Stream): Promise<Uint8Array | undefined> {
    const id = push.position === undefined ? {} : { id: this.idOf(push.position) }
    if (stream.kind === 'api') {
      if (!push.api) return undefined
      return sseBlock({ ...id, name: push.api.event, data: JSON.stringify(push.api.data) })
    }
    const html = await push.html?.(stream.words)
    return html === undefined || html === '' ? undefined : sseBlock({ ...id, data: html })
  }
}

function isFor(stream: Stream, push: Push): boolean {
  if (push.exceptStream !== undefined && push.exceptStream === stream.id) return false
  if (push.position !== undefined && push.position <= stream.replayedTo) return false
  return push.chat === undefined || stream.kind === 'api' || stream.chat === push.chat
}
