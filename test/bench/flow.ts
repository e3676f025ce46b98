/**
 * A flow of messages from senders to receivers, over any pair of servers: how long each takes from the moment it was
 * due to its arrival, and how many get through. A message counts when its sender has the answer and its receiver has it.
 */

import { percentile } from './figures.ts'
import { eventsOf, openStream, type Pool, type StreamWish } from './http.ts'
import { pause, until } from './wait.ts'

/** A short message as people write them, about 60 characters; `key` finds it again. */
export function words(key: string): string {
  return `${key} The tender papers are on the second shelf, blue folder.`
}

const KEY_CHARACTERS = 16

/** Messages on their way, by their first characters. */
export class Flow {
  readonly #due = new Map<string, number>()
  readonly latencies: number[] = []
  #run = 0
  #next = 0
  #answered = 0
  #failed = 0
  lastArrival = 0

  /** A message that is due now. */
  next(): string {
    const key = `m${this.#run}-${this.#next++}-`.padEnd(KEY_CHARACTERS, 'x')
    this.#due.set(key, performance.now())
    return words(key)
  }

  answered(isGood: boolean): void {
    if (isGood) this.#answered++
    else this.#failed++
  }

  /** A message arrived; others' are not ours to count. */
  arrived(body: string): void {
    const key = body.slice(0, KEY_CHARACTERS)
    const due = this.#due.get(key)
    if (due === undefined) return
    this.#due.delete(key)
    this.lastArrival = performance.now()
    this.latencies.push(this.lastArrival - due)
  }

  /** Forgets what was measured; nothing may be under way. */
  restart(): void {
    this.latencies.length = 0
    this.#answered = 0
    this.#failed = 0
    this.#run++
    this.#next = 0
  }

  get sent(): number {
    return this.#next
  }
  get isDone(): boolean {
    return this.#due.size === 0 && this.#answered + this.#failed === this.#next
  }
  get failed(): number {
    return this.#failed
  }
}

/** Opens a stream whose messages go into the flow. */
export function receive(flow: Flow, wish: Omit<StreamWish, 'onBytes'>) {
  const onBytes = eventsOf((name, data) => {
    if (name === 'message') flow.arrived((JSON.parse(data) as { body: string }).body)
  })
  return openStream({ ...wish, onBytes })
}

/** Posts a message; resolves when it was answered. */
export type Post = (body: string, i: number) => Promise<boolean>

/** Posts through the API into one of these chats in turn. */
export function postTo(pool: Pool, chats: readonly { id: string; token: string }[]): Post {
  return async (body, i) => {
    const chat = chats[i % chats.length]
    const path = `/api/v1/conversations/${chat?.id}/messages`
    return (
      (await pool.ask({ method: 'POST', path, token: chat?.token, body: { body } })).status === 201
    )
  }
}

/** Posts to the floor. */
export function postToFloor(pool: Pool): Post {
  return async (body) =>
    (await pool.ask({ method: 'POST', path: '/messages', body: { body } })).status === 201
}

/** Sends at a steady rate whatever the server does, so that nobody waits politely for it; answers p50 and p99 in ms. */
export async function atRate(
  flow: Flow,
  post: Post,
  { perSecond, seconds }: { perSecond: number; seconds: number },
): Promise<{ p50: number; p99: number }> {
  const began = performance.now()
  const count = Math.round(perSecond * seconds)
  while (flow.sent < count) {
    const isDue = ((performance.now() - began) / 1000) * perSecond
    while (flow.sent < Math.min(isDue, count)) send(flow, post)
    await pause(1)
  }
  await until('all messages have arrived', () => flow.isDone)
  if (flow.failed > 0) throw new Error(`${flow.failed} messages were refused`)
  return { p50: percentile(flow.latencies, 0.5), p99: percentile(flow.latencies, 0.99) }
}

function send(flow: Flow, post: Post): void {
  const i = flow.sent
  const body = flow.next()
  void post(body, i).then(
    (isGood) => flow.answered(isGood),
    () => flow.answered(false),
  )
}

/** Sends as fast as it goes, `width` unanswered at a time; answers messages per second until the last has arrived. */
export async function asFastAsPossible(
  flow: Flow,
  post: Post,
  { count, width }: { count: number; width: number },
): Promise<number> {
  const began = performance.now()
  const lane = async () => {
    while (flow.sent < count) {
      const i = flow.sent
      flow.answered(await post(flow.next(), i).catch(() => false))
    }
  }
  await Promise.all(Array.from({ length: width }, lane))
  await until('all messages have arrived', () => flow.isDone)
  if (flow.failed > 0) throw new Error(`${flow.failed} messages were refused`)
  return (count * 1000) / (flow.lastArrival - began)
}
