/**
 * A thousand wrong passwords a second from 250 addresses, at the logins of people and at invented ones. Meanwhile people of
 * Kyiv write to Lviv, and others sign in with the right password: where they did before, and from addresses that nobody
 * has seen; among them one whose own login is guessed at.
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { bothRunning, directChat, PASSWORD, type Pair, type Person } from '../company.ts'
import { type Measured, percentile } from '../figures.ts'
import { atRate, Flow, postTo, receive } from '../flow.ts'
import type { Guessed, Guessing } from '../guessing.ts'
import { Connection, Pool } from '../http.ts'
import { type Bench, type Scenario, scaled } from '../scenario.ts'
import { processorSeconds, residentKib } from '../servers.ts'
import { pause } from '../wait.ts'

const GUESSER = fileURLToPath(new URL('../guessing.ts', import.meta.url))
const PER_SECOND = 1000
const SECONDS = 30
const ADDRESSES = 250
/** People whose logins are guessed at, one after the other. */
const LOGINS = 40
const MESSAGES_PER_SECOND = 50
/** A person comes every so often. */
const COMING_MS = 1500
/** Nobody waits longer than the attack lasts. */
const IN_MS_MAX = SECONDS * 1000

type Run = {
  quiet: number
  p50: number
  p99: number
  guessed: Guessed
  /** Milliseconds until somebody was in. */
  known: number[]
  strange: number[]
  aimedAt: number[]
  memoryMib: number
  processor: number
}

/** Milliseconds from the first try until somebody is in, who comes again when the server says. */
async function comesIn(port: number, login: string, localAddress: string): Promise<number> {
  const began = performance.now()
  const body = { login, password: PASSWORD, device: 'honest' }
  for (;;) {
    const connection = new Connection({ port, localAddress })
    const asked = { method: 'POST', path: '/api/v1/sign-in', body }
    const { status, head } = await connection.ask(asked).finally(() => connection.close())
    const ms = performance.now() - began
    if (status === 201) return ms
    if (status !== 429) throw new Error(`Sign-in answered ${status}`)
    if (ms > IN_MS_MAX) return ms
    await pause(Number(/\r\nretry-after: *(\d+)/i.exec(head)?.[1] ?? 1) * 1000)
  }
}

async function guessing(of: Guessing): Promise<Guessed> {
  const timeout = (of.seconds + 30) * 1000
  const { stdout } = await promisify(execFile)(process.execPath, [GUESSER, JSON.stringify(of)], {
    timeout,
  })
  return JSON.parse(stdout) as Guessed
}

/** People who come one after the other while `isOver` is false. */
async function coming(isOver: () => boolean, come: (n: number) => Promise<number>) {
  const all: Promise<number>[] = []
  for (let n = 0; !isOver(); n++) {
    all.push(come(n))
    await pause(COMING_MS)
  }
  return await Promise.all(all)
}

async function underAttack(bench: Bench, pair: Pair, of: Partial<Guessing>): Promise<Run> {
  const { kyiv, lviv } = pair
  const { atKyiv, atLviv } = await bench.company()
  const pool = new Pool(kyiv, 16)
  const flow = new Flow()
  const chats: { id: string; token: string }[] = []
  const streams: { close(): void }[] = []
  for (const [i, to] of atLviv.slice(0, 10).entries()) {
    const from = atKyiv.at(-1 - i) as Person
    chats.push({ id: await directChat(pool, from, `${to.login}@Lviv`), token: from.token })
    streams.push(await receive(flow, { port: lviv.port, path: '/api/v1/events', token: to.token }))
  }
  const post = postTo(pool, chats)
  const person = (n: number) => (atKyiv[n % 600] as Person).login
  try {
    // These have signed in from their desks before; one of them is guessed at.
    await comesIn(kyiv.port, person(0), '127.0.0.5')
    await comesIn(kyiv.port, person(100), '127.0.0.6')
    const before = { rss: residentKib(kyiv.pid), cpu: processorSeconds(kyiv.pid) }
    const quiet = await atRate(flow, post, { perSecond: MESSAGES_PER_SECOND, seconds: 3 })
    flow.restart()
    const seconds = scaled(bench, SECONDS, 5)
    let over = false
    const logins = atKyiv.slice(0, LOGINS).map(({ login }) => login)
    const attack = guessing({
      ...{ port: kyiv.port, perSecond: PER_SECOND, seconds, addresses: ADDRESSES },
      ...{ logins, ...of },
    }).finally(() => {
      over = true
    })
    await pause(1000)
    const isOver = () => over
    const come = Promise.all([
      coming(isOver, (n) =>
        comesIn(kyiv.port, person(n % 2 ? 0 : 100), `127.0.0.${n % 2 ? 5 : 6}`),
      ),
      coming(isOver, (n) => comesIn(kyiv.port, person(200 + n), `127.2.0.${1 + n}`)),
      coming(isOver, (n) => comesIn(kyiv.port, person(1 + (n % 9)), `127.3.0.${1 + n}`)),
    ])
    await atRate(flow, post, { perSecond: MESSAGES_PER_SECOND, seconds: seconds - 1 })
    const guessed = await attack
    const [known, strange, aimedAt] = await come
    const messages = { quiet: quiet.p99, p50: percentile(flow.latencies, 0.5) }
    return {
      ...{ ...messages, p99: percentile(flow.latencies, 0.99), guessed, known, strange, aimedAt },
      memoryMib: (residentKib(kyiv.pid) - before.rss) / 1024,
      processor: processorSeconds(kyiv.pid) - before.cpu,
    }
  } finally {
    for (const stream of streams) stream.close()
    pool.close()
  }
}

/** The figures of one kind of guessing. */
async function measured(bench: Bench, name: string, of: Partial<Guessing>): Promise<Measured[]> {
  const runs: Run[] = []
  for (let run = 0; run < bench.runs; run++) {
    const company = await bench.company()
    const pair = await bothRunning(company, bench.nodeFlags)
    const one = await underAttack(bench, pair, of).finally(() => pair.end())
    bench.say(`${name}: ${JSON.stringify(one)}`)
    runs.push(one)
  }
  const values = (pick: (run: Run) => number) => runs.map(pick)
  const answers = (run: Run) => Object.values(run.guessed.statuses).reduce((a, b) => a + b, 0)
  const worst = (list: readonly number[]) => Math.max(...list) / 1000
  const at = (figure: string) => `${name}, ${figure}`
  return [
    {
      figure: at('offered'),
      unit: '1/s',
      values: values((r) => r.guessed.offered / r.guessed.seconds),
    },
    { figure: at('answered'), unit: '1/s', values: values((r) => answers(r) / r.guessed.seconds) },
    {
      figure: at('hashed'),
      unit: '1/s',
      values: values((r) => (r.guessed.statuses['401'] ?? 0) / r.guessed.seconds),
    },
    {
      figure: at('in from the own desk, longest'),
      unit: 's',
      values: values((r) => worst(r.known)),
    },
    {
      figure: at('in from an unknown address, p50'),
      unit: 's',
      values: values((r) => percentile(r.strange, 0.5) / 1000),
    },
    {
      figure: at('in from an unknown address, longest'),
      unit: 's',
      values: values((r) => worst(r.strange)),
    },
    {
      figure: at('the same, whose login is guessed at, longest'),
      unit: 's',
      values: values((r) => worst(r.aimedAt)),
    },
    { figure: at('messages before it, p99'), unit: 'ms', values: values((r) => r.quiet) },
    { figure: at('messages meanwhile, p50'), unit: 'ms', values: values((r) => r.p50) },
    { figure: at('messages meanwhile, p99'), unit: 'ms', values: values((r) => r.p99) },
    { figure: at('memory more'), unit: 'MiB', values: values((r) => r.memoryMib) },
    { figure: at('processor'), unit: 's', values: values((r) => r.processor) },
  ]
}

/** Whoever is honest gets in, and messages go on. */
export const guesses: Scenario = async (bench) => [
  ...(await measured(bench, 'at people', {})),
  ...(await measured(bench, 'invented', { invented: 'nobody' })),
]
