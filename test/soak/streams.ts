/** Event streams that come back with their Last-Event-ID, as scripts do: what they told, and how often. */
import { eventsOf, openStream, type Place } from '../bench/http.ts'
import { pause } from '../bench/wait.ts'
import type { Branch } from './branch.ts'
import type { Person } from './ledger.ts'

const AGAIN_MS = 1000

export class Follower {
  readonly person: Person
  /** How often each message came, by its text. */
  readonly told = new Map<string, number>()
  /** When it came first, in milliseconds of this process. */
  readonly toldAt = new Map<string, number>()
  connections = 0
  /** The server asked to begin anew: what came in between is read elsewhere. */
  resyncs = 0
  readonly #place: Place
  #lastId = ''
  #isOver = false
  #close: () => void = () => {}

  constructor(person: Person, branch: Branch) {
    this.person = person
    this.#place = { host: branch.site.host, port: branch.site.port }
  }

  /** Follows until `stop`. */
  async follow(): Promise<void> {
    while (!this.#isOver) {
      await new Promise<void>((ended) => this.#open(ended))
      if (!this.#isOver) await pause(AGAIN_MS)
    }
  }

  stop(): void {
    this.#isOver = true
    this.#close()
  }

  #open(ended: () => void): void {
    const headers: Record<string, string> =
      this.#lastId === '' ? {} : { 'Last-Event-ID': this.#lastId }
    openStream({
      ...{ ...this.#place, path: '/api/v1/events', headers },
      token: this.person.client.token,
      onBytes: eventsOf((name, data, id) => this.#take(name, data, id)),
      onClose: ended,
    }).then(
      ({ close }) => {
        this.connections++
        this.#close = close
        if (this.#isOver) close()
      },
      () => ended(),
    )
  }

  #take(name: string, data: string, id: string): void {
    if (id !== '') this.#lastId = id
    if (name === 'resync') {
      this.resyncs++
      this.#lastId = ''
      this.#close()
    }
    if (name !== 'message') return
    const { body } = JSON.parse(data) as { body: string }
    this.told.set(body, (this.told.get(body) ?? 0) + 1)
    if (!this.toldAt.has(body)) this.toldAt.set(body, performance.now())
  }
}
