/**
 * Two people who write to each other all the time, at a steady rate whatever happens, and how long each text took to
 * the other one's stream, by what went on meanwhile.
 */
import { percentile } from '../bench/figures.ts'
import { pause, until } from '../bench/wait.ts'
import type { Branch } from '../soak/branch.ts'
import { insist, type Ledger, type Person } from '../soak/ledger.ts'
import { Follower } from '../soak/streams.ts'

const AGAIN_MS = 200
const DRAIN_MS = 180_000

/** What went on from then to then. */
type Time = { what: string; from: number; to: number }
type Text = { body: string; reader: Person; at: number }
export type Told = { what: string; texts: number; p50: number; p99: number; longest: number }

export class Texts {
  readonly #ledger: Ledger
  readonly #people: readonly [Person, Person]
  readonly #chat: string
  readonly #followers: readonly Follower[]
  readonly #texts: Text[] = []
  readonly #times: Time[] = []
  #isOver = false
  #work: Promise<unknown> = Promise.resolve()

  constructor(of: {
    ledger: Ledger
    people: readonly [Person, Person]
    chat: string
    branches: readonly [Branch, Branch]
  }) {
    this.#ledger = of.ledger
    this.#people = of.people
    this.#chat = of.chat
    this.#followers = of.people.map(
      (person, i) => new Follower(person, of.branches[i === 0 ? 0 : 1]),
    )
  }

  /** So many a second from each end, until `end`. */
  async begin(rate: number): Promise<void> {
    const following = this.#followers.map((one) => one.follow())
    await until('the streams are open', () => this.#followers.every((one) => one.connections > 0))
    const writing = this.#people.map((author, i) => {
      const reader = this.#people[1 - i]
      return reader && this.#write({ author, reader, everyMs: 1000 / rate })
    })
    this.#work = Promise.all([...writing, ...following])
  }

  /** From now on this goes on. */
  mark(what: string): void {
    const now = performance.now()
    const last = this.#times.at(-1)
    if (last) last.to = now
    this.#times.push({ what, from: now, to: Number.POSITIVE_INFINITY })
  }

  /** Waits until a text that is written from now on has come each way: that is what people call a line. */
  async flows(): Promise<void> {
    const since = performance.now()
    const hasCome = (reader: Person) =>
      this.#texts.some((text) => {
        return text.reader === reader && text.at > since && this.#arrivedAt(text) !== undefined
      })
    await until('texts come again', () => this.#people.every(hasCome), {
      ...{ everyMs: 50, withinMs: DRAIN_MS },
    })
  }

  /** Waits until every text is where it should be, and ends. */
  async end(): Promise<void> {
    this.#isOver = true
    const hasAll = () => this.#texts.every((text) => this.#arrivedAt(text) !== undefined)
    await until('all texts have arrived', hasAll, { everyMs: 100, withinMs: DRAIN_MS })
    for (const follower of this.#followers) follower.stop()
    await this.#work
  }

  /** By what went on; a text that any part of a cut touched counts among those of cuts. */
  told(isCut: (what: string) => boolean): Told[] {
    const took = new Map<string, number[]>()
    for (const text of this.#texts) {
      const arrived = this.#arrivedAt(text)
      if (arrived === undefined) continue
      const touched = this.#times.filter(({ from, to }) => text.at < to && arrived > from)
      const of = touched.find(({ what }) => isCut(what)) ?? touched[0]
      if (of === undefined) continue
      const ms = took.get(of.what) ?? []
      ms.push(arrived - text.at)
      took.set(of.what, ms)
    }
    return [...took].map(([what, ms]) => ({
      ...{ what, texts: ms.length, p50: percentile(ms, 0.5), p99: percentile(ms, 0.99) },
      longest: Math.max(...ms),
    }))
  }

  #arrivedAt({ body, reader }: Text): number | undefined {
    return this.#followers.find(({ person }) => person === reader)?.toldAt.get(body)
  }

  async #write(of: { author: Person; reader: Person; everyMs: number }): Promise<void> {
    const { author, reader, everyMs } = of
    const began = performance.now()
    for (let n = 0; !this.#isOver; n++) {
      const due = began + n * everyMs
      await pause(Math.max(0, due - performance.now()))
      const body = `${author.login} ${n}: the papers are on the second shelf`
      const written = { chat: this.#chat, author: author.login, isAcknowledged: false, tries: 0 }
      this.#ledger.messages.set(body, written)
      this.#texts.push({ body, reader, at: due }) // who waits for an answer has this one to write already
      // One after the other, as a person does: so their order is his.
      await insist(
        this.#ledger,
        async () => {
          written.tries++
          await author.client.post(this.#chat, body)
          written.isAcknowledged = true
        },
        { mayGoOn: () => true, wait: () => pause(AGAIN_MS) },
      )
    }
  }
}
