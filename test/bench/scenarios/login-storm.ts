/**
 * Two hundred sign-ins at once at Kyiv, from ten addresses; whoever is refused comes again after what Retry-After
 * says, until all are in. Meanwhile other people of Kyiv write to people of Lviv.
 */
import { bothRunning, directChat, PASSWORD, type Pair } from '../company.ts'
import { percentile } from '../figures.ts'
import { floorPair } from '../floor.ts'
import { atRate, Flow, type Post, postTo, postToFloor, receive } from '../flow.ts'
import { Connection, Pool } from '../http.ts'
import { type Bench, inTurn, type Scenario, scaled } from '../scenario.ts'
import { pause } from '../wait.ts'

const SIGN_INS = 200
const ADDRESSES = 10
const PER_SECOND = 50
const SECONDS_MAX = 60

type Run = { p99: number; quietP99: number; seconds: number; refused: number }

/** Messages before the storm, then until it is over. */
async function underStorm(flow: Flow, post: Post, storm: () => Promise<number>): Promise<Run> {
  const quiet = await atRate(flow, post, { perSecond: PER_SECOND, seconds: 3 })
  flow.restart()
  const began = performance.now()
  let isOver = false
  const stormy = storm().finally(() => {
    isOver = true
  })
  while (!isOver && performance.now() - began < SECONDS_MAX * 1000) {
    await atRate(flow, post, { perSecond: PER_SECOND, seconds: 0.5 + flow.sent / PER_SECOND })
  }
  const refused = await stormy
  const seconds = (performance.now() - began) / 1000
  return { p99: percentile(flow.latencies, 0.99), quietP99: quiet.p99, seconds, refused }
}

async function signIn(port: number, login: string, localAddress: string): Promise<number> {
  const body = { login, password: PASSWORD, device: 'storm' }
  for (let refused = 0; refused < 30; refused++) {
    const connection = new Connection({ port, localAddress })
    const { status, head } = await connection
      .ask({ method: 'POST', path: '/api/v1/sign-in', body })
      .finally(() => connection.close())
    if (status === 201) return refused
    if (status !== 429) throw new Error(`Sign-in answered ${status}`)
    const seconds = Number(/\r\nretry-after: *(\d+)/i.exec(head)?.[1] ?? 1)
    await pause(seconds * 1000)
  }
  throw new Error(`${login} never got in`)
}

async function ours(bench: Bench): Promise<Run> {
  const company = await bench.company()
  const pair = await bothRunning(company, bench.nodeFlags)
  try {
    return await between(bench, pair)
  } finally {
    await pair.end()
  }
}

async function between(bench: Bench, { kyiv, lviv }: Pair): Promise<Run> {
  const { atKyiv, atLviv } = await bench.company()
  const pool = new Pool(kyiv, 16)
  const flow = new Flow()
  const chats: { id: string; token: string }[] = []
  const streams: { close(): void }[] = []
  for (const [i, to] of atLviv.slice(0, 10).entries()) {
    const from = atKyiv.at(-1 - i)
    if (from === undefined) throw new Error('Nobody is there')
    chats.push({ id: await directChat(pool, from, `${to.login}@Lviv`), token: from.token })
    streams.push(await receive(flow, { port: lviv.port, path: '/api/v1/events', token: to.token }))
  }
  const storm = async () => {
    const people = atKyiv.slice(0, scaled(bench, SIGN_INS, 10))
    const all = people.map(({ login }, i) =>
      signIn(kyiv.port, login, `127.0.0.${2 + (i % ADDRESSES)}`),
    )
    return (await Promise.all(all)).reduce((sum, refused) => sum + refused, 0)
  }
  try {
    return await underStorm(flow, postTo(pool, chats), storm)
  } finally {
    for (const stream of streams) stream.close()
    pool.close()
  }
}

async function floorRun(bench: Bench): Promise<Run> {
  const pair = await floorPair(bench.folder)
  const pool = new Pool(pair.from, 16)
  const hashing = new Pool(pair.from, SIGN_INS)
  const flow = new Flow()
  const stream = await receive(flow, { port: pair.to.port, path: '/events' })
  const storm = async () => {
    const asked = { method: 'POST', path: '/hash', body: { password: PASSWORD } }
    const count = scaled(bench, SIGN_INS, 10)
    await Promise.all(Array.from({ length: count }, () => hashing.ask(asked)))
    return 0
  }
  try {
    return await underStorm(flow, postToFloor(pool), storm)
  } finally {
    stream.close()
    pool.close()
    hashing.close()
    await pair.end()
  }
}

/** Others hardly notice. */
export const loginStorm: Scenario = async (bench) => {
  const runs = await inTurn(bench, { ours: () => ours(bench), floor: () => floorRun(bench) })
  const of = (name: keyof Run) => ({
    values: runs.ours.map((run) => run[name]),
    floor: runs.floor.map((run) => run[name]),
  })
  return [
    { figure: 'messages meanwhile, p99', unit: 'ms', ...of('p99') },
    { figure: 'messages before it, p99', unit: 'ms', ...of('quietP99') },
    { figure: 'until all are in', unit: 's', ...of('seconds') },
    { figure: 'refused and tried again', unit: 'times', values: of('refused').values },
  ]
}
