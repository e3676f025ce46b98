/**
 * One message to many: how long until everybody has it. A group holds 500 people at most, so a thousand streams are 500
 * people with two each (a desk and a phone).
 */
import { bothRunning, type Pair, type Person } from '../company.ts'
import { type Measured, percentile } from '../figures.ts'
import { startFloor } from '../floor.ts'
import { postTo, postToFloor, words } from '../flow.ts'
import { messagesCounted, openStream, Pool } from '../http.ts'
import { type Bench, inTurn, type Scenario, scaled } from '../scenario.ts'
import { copyOf, removeCopy, start, stop } from '../servers.ts'
import { pause, spread, until } from '../wait.ts'

const MEMBERS = 500
const STREAMS = 1000
const MESSAGES = 100
/** Between messages, so that each is measured alone. */
const REST_MS = 50
/** Under way at a time when deliveries per second are counted. */
const BURST_WIDTH = 8
const BURST_MESSAGES = 200
/** After the streams are open: presence of a thousand people goes around. */
const QUIET_MS = 3000

type Audience = { count: number; close(): void; onCount(fn: () => void): void }
type Listener = { port: number; path: string; token?: string | undefined }

async function audienceOf(listeners: readonly Listener[]): Promise<Audience> {
  const audience = { count: 0, told: () => {} }
  const onBytes = () =>
    messagesCounted((count) => {
      audience.count += count
      audience.told()
    })
  const streams: { close(): void }[] = []
  await spread(listeners.length, 50, async (i) => {
    const listener = listeners[i]
    if (listener) streams.push(await openStream({ ...listener, onBytes: onBytes() }))
  })
  return {
    get count() {
      return audience.count
    },
    close: () => {
      for (const stream of streams) stream.close()
    },
    onCount: (fn) => {
      audience.told = fn
    },
  }
}

type Post = (body: string, i: number) => Promise<boolean>
type Run = { p50: number; p99: number; perSecond: number }

async function measure(
  bench: Bench,
  audience: Audience,
  post: Post,
  streams: number,
): Promise<Run> {
  const times: number[] = []
  let expected = audience.count
  const one = async (i: number) => {
    const before = performance.now()
    expected += streams
    const all = new Promise<number>((resolve) =>
      audience.onCount(() => {
        if (audience.count >= expected) resolve(performance.now())
      }),
    )
    if (!(await post(words(`alone-${i}-`), i))) throw new Error('The message was refused')
    const at = await Promise.race([all, pause(20_000)])
    if (at === undefined) throw new Error(`Only ${audience.count} of ${expected} deliveries`)
    return at - before
  }
  for (let i = 0; i < 10; i++) await one(i)
  for (let i = 0; i < scaled(bench, MESSAGES, 10); i++) {
    await pause(REST_MS)
    times.push(await one(i))
  }
  const count = scaled(bench, BURST_MESSAGES, 10)
  const began = performance.now()
  let last = began
  audience.onCount(() => {
    last = performance.now()
  })
  const start = audience.count
  await spread(count, BURST_WIDTH, async (i) => void (await post(words(`burst-${i}-`), i)))
  await until('all have all', () => audience.count >= start + count * streams)
  const perSecond = (count * streams * 1000) / (last - began)
  return { p50: percentile(times, 0.5), p99: percentile(times, 0.99), perSecond }
}

async function groupOf(pool: Pool, owner: Person, logins: readonly string[]) {
  const body = { kind: 'group', title: 'Everybody', members: logins }
  const asked = { method: 'POST', path: '/conversations', token: owner.token, body }
  return (await pool.call<{ id: string }>(asked)).id
}

async function onOneBranch(bench: Bench): Promise<Run> {
  const company = await bench.company()
  const site = copyOf(company.kyiv, bench.folder)
  const server = await start(site, { nodeFlags: bench.nodeFlags })
  const members = company.atKyiv.slice(0, scaled(bench, MEMBERS, 20))
  const [owner, ...others] = members
  if (owner === undefined) throw new Error('Nobody is there')
  const pool = new Pool(server, BURST_WIDTH)
  try {
    const id = await groupOf(
      pool,
      owner,
      others.map(({ login }) => login),
    )
    const { port } = server
    const streamOf = ({ token }: Person) => ({ port, path: '/api/v1/events', token })
    const audience = await audienceOf([...members, ...members].map(streamOf))
    await pause(QUIET_MS)
    const chats = members.slice(0, 20).map(({ token }) => ({ id, token }))
    const run = await measure(bench, audience, postTo(pool, chats), 2 * members.length)
    audience.close()
    return run
  } finally {
    pool.close()
    await stop(server.process)
    removeCopy(site)
  }
}

async function onTwoBranches(bench: Bench): Promise<Run> {
  const company = await bench.company()
  const pair = await bothRunning(company, bench.nodeFlags)
  const pool = new Pool(pair.kyiv, BURST_WIDTH)
  try {
    return await overBoth(bench, pair, pool)
  } finally {
    pool.close()
    await pair.end()
  }
}

async function overBoth(bench: Bench, { kyiv, lviv }: Pair, pool: Pool): Promise<Run> {
  const { atKyiv, atLviv } = await bench.company()
  const [here, there] = [atKyiv.slice(0, 100), atLviv.slice(0, 100)]
  const [owner, ...others] = here
  if (owner === undefined) throw new Error('Nobody is there')
  const logins = [...others.map((p) => `${p.login}@Kyiv`), ...there.map((p) => `${p.login}@Lviv`)]
  const id = await groupOf(pool, owner, logins)
  const path = '/api/v1/events'
  const audience = await audienceOf([
    ...here.map(({ token }) => ({ port: kyiv.port, path, token })),
    ...there.map(({ token }) => ({ port: lviv.port, path, token })),
  ])
  await pause(QUIET_MS)
  const chats = here.slice(0, 20).map(({ token }) => ({ id, token }))
  const run = await measure(bench, audience, postTo(pool, chats), 200)
  audience.close()
  return run
}

async function onFloor(bench: Bench, count: number): Promise<Run> {
  const floor = await startFloor(bench.folder)
  const pool = new Pool(floor, BURST_WIDTH)
  const listener = { port: floor.port, path: '/events' }
  try {
    const audience = await audienceOf(Array.from({ length: count }, () => listener))
    const run = await measure(bench, audience, postToFloor(pool), count)
    audience.close()
    return run
  } finally {
    pool.close()
    await floor.end()
  }
}

/** One room, everybody listens. */
export const fanOut: Scenario = async (bench) => {
  const measured: Measured[] = []
  bench.say('one branch')
  const one = await inTurn(bench, {
    ours: () => onOneBranch(bench),
    floor: () => onFloor(bench, 2 * scaled(bench, STREAMS / 2, 20)),
  })
  const share = (runs: Run[], name: keyof Run) => runs.map((run) => run[name])
  for (const name of ['p50', 'p99'] as const) {
    const values = { values: share(one.ours, name), floor: share(one.floor, name) }
    measured.push({ figure: `1000 streams, ${name}`, unit: 'ms', ...values })
  }
  const perSecond = {
    values: share(one.ours, 'perSecond'),
    floor: share(one.floor, 'perSecond'),
  }
  measured.push({ figure: 'deliveries', unit: '1/s', ...perSecond })
  bench.say('two branches')
  const two = await inTurn(bench, {
    ours: () => onTwoBranches(bench),
    floor: () => onFloor(bench, 200),
  })
  for (const name of ['p50', 'p99'] as const) {
    const values = { values: share(two.ours, name), floor: share(two.floor, name) }
    const note = 'the floor is one server with 200 streams'
    measured.push({ figure: `two branches 100 + 100, ${name}`, unit: 'ms', ...values, note })
  }
  return measured
}
