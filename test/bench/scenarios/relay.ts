/** Messages from people of Kyiv to people of Lviv: how long one takes, and how many a second get through. */
import { bothRunning, directChat, type Pair, type Person } from '../company.ts'
import type { Measured } from '../figures.ts'
import { floorPair } from '../floor.ts'
import { asFastAsPossible, atRate, Flow, postTo, postToFloor, receive } from '../flow.ts'
import { openStream, Pool } from '../http.ts'
import { type Bench, inTurn, type Scenario, scaled } from '../scenario.ts'
import { processorSeconds } from '../servers.ts'

const CONNECTIONS = 64
const RATES = [
  { perSecond: 200, seconds: 10 },
  { perSecond: 1000, seconds: 8 },
]
const THROUGHPUT_MESSAGES = 10_000
/** So much of it again is sent before, unmeasured. */
const WARMING = 0.3
const KINDS = [
  { figure: '1 to 1', pairs: 1, isWatched: false },
  { figure: '50 to 50', pairs: 50, isWatched: false },
  { figure: '50 to 50, senders watch', pairs: 50, isWatched: true },
]

type Line = {
  post: ReturnType<typeof postTo>
  pool: Pool
  /** Opens the receivers' streams. */
  listen(flow: Flow): Promise<{ close(): void }[]>
}

/** Direct chats of pairs, one of each person. */
async function lineOf(bench: Bench, pair: Pair, pairs: number): Promise<Line> {
  const { atKyiv, atLviv } = await bench.company()
  const pool = new Pool(pair.kyiv, CONNECTIONS)
  const chats: { id: string; token: string }[] = []
  const receivers: Person[] = atLviv.slice(0, pairs)
  for (const [i, receiver] of receivers.entries()) {
    const sender = atKyiv[i]
    if (sender === undefined) throw new Error('Too few people')
    const id = await directChat(pool, sender, `${receiver.login}@Lviv`)
    chats.push({ id, token: sender.token })
  }
  const { port } = pair.lviv
  const listen = (flow: Flow) =>
    Promise.all(
      receivers.map(({ token }) => receive(flow, { port, path: '/api/v1/events', token })),
    )
  return { post: postTo(pool, chats), pool, listen }
}

/** The senders' own streams: what they wrote comes back, then its marks. */
function watch(pair: Pair, senders: readonly Person[]) {
  const { port } = pair.kyiv
  const wish = { port, path: '/api/v1/events', onBytes: () => {} }
  return Promise.all(senders.map(({ token }) => openStream({ ...wish, token })))
}

async function withLine<T>(
  { post, pool, listen }: Line,
  work: (flow: Flow, post: Line['post']) => Promise<T>,
): Promise<T> {
  const flow = new Flow()
  const streams = await listen(flow)
  try {
    return await work(flow, post)
  } finally {
    for (const stream of streams) stream.close()
    pool.close()
  }
}

/** What a run is given: the flow, how to post, and the processor seconds of both servers so far. */
type Work<T> = (flow: Flow, post: Line['post'], used: () => [number, number]) => Promise<T>

const usedBy = (from: number, to: number) => (): [number, number] => [
  processorSeconds(from),
  processorSeconds(to),
]

async function overBranches<T>(
  bench: Bench,
  { pairs, isWatched }: { pairs: number; isWatched: boolean },
  work: Work<T>,
): Promise<T> {
  const { atKyiv } = await bench.company()
  const pair = await bothRunning(await bench.company(), bench.nodeFlags)
  try {
    const line = await lineOf(bench, pair, pairs)
    const watching = isWatched ? await watch(pair, atKyiv.slice(0, pairs)) : []
    try {
      const used = usedBy(pair.kyiv.pid, pair.lviv.pid)
      return await withLine(line, (flow, post) => work(flow, post, used))
    } finally {
      for (const stream of watching) stream.close()
    }
  } finally {
    await pair.end()
  }
}

async function overFloor<T>(bench: Bench, work: Work<T>): Promise<T> {
  const { from, to, end } = await floorPair(bench.folder)
  const pool = new Pool(from, CONNECTIONS)
  const listen = async (flow: Flow) => [await receive(flow, { port: to.port, path: '/events' })]
  try {
    const used = usedBy(from.process.pid ?? 0, to.process.pid ?? 0)
    const line = { post: postToFloor(pool), pool, listen }
    return await withLine(line, (flow, post) => work(flow, post, used))
  } finally {
    await end()
  }
}

/** Send to receive at a steady rate; the sender has a stream open too, as everybody who writes has. */
export const relayLatency: Scenario = async (bench) => {
  const measured: Measured[] = []
  for (const { perSecond, seconds } of RATES) {
    const rate = { perSecond, seconds: Math.max(1, seconds * bench.scale) }
    const work = async (flow: Flow, post: Line['post']) => {
      // The first second is the compiler's.
      await atRate(flow, post, { perSecond, seconds: 1 })
      flow.restart()
      return atRate(flow, post, rate)
    }
    bench.say(`${perSecond} messages per second`)
    const { ours, floor } = await inTurn(bench, {
      ours: () => overBranches(bench, { pairs: 1, isWatched: true }, work),
      floor: () => overFloor(bench, work),
    })
    for (const share of ['p50', 'p99'] as const) {
      const figure = `${perSecond} per s, ${share}`
      const values = ours.map((run) => run[share])
      measured.push({ figure, unit: 'ms', values, floor: floor.map((run) => run[share]) })
    }
  }
  return measured
}

/** As many as go through, durable at both branches. */
export const relayThroughput: Scenario = async (bench) => {
  const count = scaled(bench, THROUGHPUT_MESSAGES, 200)
  const work = async (flow: Flow, post: Line['post'], used: () => [number, number]) => {
    // Before it is measured, the compiler has its turn.
    await asFastAsPossible(flow, post, { count: Math.round(count * WARMING), width: CONNECTIONS })
    flow.restart()
    const before = used()
    const perSecond = await asFastAsPossible(flow, post, { count, width: CONNECTIONS })
    const [from, to] = used().map((seconds, i) => ((seconds - (before[i] ?? 0)) * 1000) / count)
    return { perSecond, from: from ?? Number.NaN, to: to ?? Number.NaN }
  }
  const measured: Measured[] = []
  for (const { figure, ...kind } of KINDS) {
    bench.say(figure)
    const { ours, floor } = await inTurn(bench, {
      ours: () => overBranches(bench, kind, work),
      floor: () => overFloor(bench, work),
    })
    const of = (name: 'perSecond' | 'from' | 'to') => ({
      values: ours.map((run) => run[name]),
      floor: floor.map((run) => run[name]),
    })
    const unit = 'ms CPU'
    measured.push(
      { figure, unit: '1/s', ...of('perSecond') },
      { figure: `${figure}: a message at the sender's branch`, unit, ...of('from') },
      { figure: `${figure}: at the receiver's branch`, unit, ...of('to') },
    )
  }
  return measured
}
