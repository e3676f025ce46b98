/**
 * The other branch is killed and started again in the middle of 2,000 messages: which are missing, which came twice,
 * and how soon after it is ready the first one crosses. The marks at the sender's stream tell what is durable there.
 */
import { bothRunning, directChat, type Pair, type Person } from '../company.ts'
import { floorPair, startFloor } from '../floor.ts'
import { postTo, words } from '../flow.ts'
import { eventsOf, openStream, Pool } from '../http.ts'
import { type Bench, inTurn, type Scenario, scaled } from '../scenario.ts'
import { ready, start, stop } from '../servers.ts'
import { pause, until } from '../wait.ts'

const MESSAGES = 2000
const PER_SECOND = 200
/** The peer is gone while so many are written. */
const KILLED_AT = 0.3
const STARTED_AT = 0.5

type Run = { lost: number; doubled: number; silent: number; firstMs: number }

type Sides = {
  post(body: string, i: number): Promise<boolean>
  kill(): Promise<void>
  /** Resolves when the peer answers again. */
  restart(): Promise<void>
}

/** Writes them all at a steady rate with the accident in between; answers the accepted ones and when it was ready. */
async function writeThrough(bench: Bench, { post, kill, restart }: Sides) {
  const count = scaled(bench, MESSAGES, 100)
  const accepted: string[] = []
  const open: Promise<void>[] = []
  let readyAt: Promise<number> | undefined
  for (let i = 0; i < count; i++) {
    if (i === Math.round(count * KILLED_AT)) await kill()
    if (i === Math.round(count * STARTED_AT)) readyAt = restart().then(() => performance.now())
    const body = words(`n${i}-`)
    open.push(post(body, i).then((isGood) => void (isGood && accepted.push(body))))
    await pause(1000 / PER_SECOND)
  }
  await Promise.all(open)
  return { accepted, readyAt: (await readyAt) ?? Number.NaN }
}

async function bodiesAt(pool: Pool, token: string, chat: string): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>()
  for (let before = ''; ; ) {
    const path = `/conversations/${chat}/messages?limit=200${before}`
    const page = await pool.call<{ items: { id: string; body: string }[]; next?: string }>({
      ...{ method: 'GET', path, token },
    })
    for (const { id, body } of page.items) found.set(body, [...(found.get(body) ?? []), id])
    if (page.next === undefined) return found
    before = `&before=${page.next}`
  }
}

async function ours(bench: Bench): Promise<Run> {
  const company = await bench.company()
  const pair = await bothRunning(company)
  const [from, to] = [company.atKyiv[0], company.atLviv[0]]
  if (from === undefined || to === undefined) throw new Error('Nobody is there')
  try {
    return await betweenPeople(bench, pair, { from, to })
  } finally {
    await stop(pair.lviv.process)
    await pair.end()
  }
}

async function betweenPeople(
  bench: Bench,
  pair: Pair,
  { from, to }: { from: Person; to: Person },
): Promise<Run> {
  const pool = new Pool(pair.kyiv, 32)
  const id = await directChat(pool, from, `${to.login}@Lviv`)
  const receipts: number[] = []
  const onBytes = eventsOf((name) => void (name === 'receipt' && receipts.push(performance.now())))
  const wish = { port: pair.kyiv.port, path: '/api/v1/events', token: from.token, onBytes }
  const stream = await openStream(wish)
  let killedAt = 0
  const { accepted, readyAt } = await writeThrough(bench, {
    post: postTo(pool, [{ id, token: from.token }]),
    async kill() {
      await stop(pair.lviv.process, 'SIGKILL')
      killedAt = performance.now()
    },
    async restart() {
      pair.lviv = await start(pair.lviv, { wait: false })
      await ready(pair.lviv)
    },
  })
  const there = new Pool(pair.lviv, 1)
  const missing = async () => {
    const found = await bodiesAt(there, to.token, id)
    return { found, lost: accepted.filter((body) => !found.has(body)) }
  }
  const isThere = async () => (await missing()).lost.length === 0
  await until('all is there', isThere, { everyMs: 500, withinMs: 60_000 }).catch(() => {})
  const { found, lost } = await missing()
  const silent = await silentOnes(pool, from.token, {
    lost,
    at: await bodiesAt(pool, from.token, id),
  })
  const first = receipts.find((at) => at > killedAt + 50) ?? Number.NaN
  stream.close()
  pool.close()
  there.close()
  const doubled = [...found.values()].filter((ids) => ids.length > 1).length
  return { lost: lost.length, doubled, silent, firstMs: Math.max(0, first - readyAt) }
}

/** Lost ones of which the sender is told that they are stored there. */
async function silentOnes(
  pool: Pool,
  token: string,
  { lost, at }: { lost: readonly string[]; at: Map<string, string[]> },
): Promise<number> {
  let silent = 0
  for (const body of lost) {
    const path = `/messages/${at.get(body)?.[0]}/delivery`
    const story = await pool.call<{ steps: { state: string; branch: string }[] }>({
      ...{ method: 'GET', path, token },
    })
    if (story.steps.some((step) => step.state === 'stored' && step.branch === 'Lviv')) silent++
  }
  return silent
}

async function floorRun(bench: Bench): Promise<number> {
  const pair = await floorPair(bench.folder)
  let to = pair.to
  const pool = new Pool(pair.from, 32)
  const receipts: number[] = []
  const onBytes = eventsOf((name) => void (name === 'receipt' && receipts.push(performance.now())))
  const stream = await openStream({ port: pair.from.port, path: '/events', onBytes })
  let killedAt = 0
  const { readyAt } = await writeThrough(bench, {
    post: async (body) =>
      (await pool.ask({ method: 'POST', path: '/messages', body: { body } })).status === 201,
    async kill() {
      await stop(to.process, 'SIGKILL')
      killedAt = performance.now()
    },
    async restart() {
      to = await startFloor(bench.folder, { again: to })
    },
  })
  await pause(200)
  stream.close()
  pool.close()
  await pair.from.end()
  await to.end()
  return Math.max(0, (receipts.find((at) => at > killedAt + 20) ?? Number.NaN) - readyAt)
}

/** Killed in the middle. */
export const recovery: Scenario = async (bench) => {
  const runs = await inTurn(bench, { ours: () => ours(bench), floor: () => floorRun(bench) })
  const of = (name: keyof Run) => runs.ours.map((run) => run[name])
  const note = 'missing, though the sender is told that it is stored there'
  return [
    { figure: 'lost', unit: 'messages', values: of('lost') },
    { figure: 'doubled', unit: 'messages', values: of('doubled') },
    { figure: 'silent', unit: 'messages', values: of('silent'), note },
    {
      ...{ figure: 'ready to first message', unit: 'ms', values: of('firstMs') },
      floor: runs.floor,
      note: 'to the first mark "stored" at the sender; the floor dials every 10 ms',
    },
  ]
}
