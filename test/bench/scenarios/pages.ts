/**
 * Pages and sending while the history grows: a conversation's newest 50 lines, and the time until a message is durable,
 * with 100,000 messages and with 1,000,000. History is written as rows (history.ts); pages and sending are the server's.
 */
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { DATABASE_FILE } from '../../../src/db/open.ts'
import type { Person } from '../company.ts'
import { type Measured, percentile } from '../figures.ts'
import { startFloor } from '../floor.ts'
import { words } from '../flow.ts'
import { addRows, type History, historyWriter } from '../history.ts'
import { Pool } from '../http.ts'
import { type Bench, type Scenario, scaled } from '../scenario.ts'
import { copyOf, removeCopy, type Site, start, stop } from '../servers.ts'

const CHATS = 300
/** Of them, the one who looks has so many. */
const VIEWER_CHATS = 200
const FEW = 100_000
const ROWS_PER_COMMIT = 5000
const PAGES = 300
const SENDS = 300

type Times = {
  page50: number[]
  page99: number[]
  send50: number[]
  floor50: number[]
  floor99: number[]
}
type Stage = { messages: number } & Times

const stages = new WeakMap<Bench, Promise<Stage[]>>()

/** Both scenarios look at the same stages. */
function stagesOf(bench: Bench): Promise<Stage[]> {
  const known = stages.get(bench)
  if (known) return known
  const measured = measureStages(bench)
  stages.set(bench, measured)
  return measured
}

async function measureStages(bench: Bench): Promise<Stage[]> {
  const { kyiv, atKyiv } = await bench.company()
  const viewer = atKyiv[0]
  if (viewer === undefined) throw new Error('Nobody is there')
  const site = copyOf(kyiv, bench.folder)
  const found: Stage[] = []
  let written = 0
  try {
    for (const messages of [scaled(bench, FEW), scaled(bench, bench.messages)]) {
      const chats = fill(bench, site, messages - written)
      written = messages
      found.push({ messages, ...(await measure(bench, site, { viewer, chats })) })
    }
  } finally {
    removeCopy(site)
  }
  return found
}

function fill(bench: Bench, site: Site, count: number): readonly string[] {
  const began = performance.now()
  const db = new Sqlite(join(site.data, DATABASE_FILE))
  db.pragma('synchronous = off')
  const history: History = historyWriter(db, { chats: CHATS, viewerChats: VIEWER_CHATS })
  for (let done = 0; done < count; done += ROWS_PER_COMMIT) {
    addRows(history, Math.min(ROWS_PER_COMMIT, count - done))
  }
  db.pragma('wal_checkpoint(truncate)')
  db.close()
  const seconds = Math.round((performance.now() - began) / 1000)
  bench.say(`${count} messages written as rows by SQL in ${seconds} s`)
  return history.chats.slice(0, VIEWER_CHATS).map(({ id }) => id)
}

async function measure(
  bench: Bench,
  site: Site,
  { viewer, chats }: { viewer: Person; chats: readonly string[] },
): Promise<Times> {
  const server = await start(site, { nodeFlags: bench.nodeFlags })
  const floor = await startFloor(bench.folder)
  const [pool, bare] = [new Pool(server, 1), new Pool(floor, 1)]
  const path = join(site.data, DATABASE_FILE)
  await bare.ask({ method: 'PUT', path: '/', body: path })
  const times: Times = { page50: [], page99: [], send50: [], floor50: [], floor99: [] }
  const chatAt = (i: number) => chats[(i * 7) % chats.length] ?? ''
  const page = (i: number) =>
    pool.ask({ method: 'GET', path: `/chats/${chatAt(i)}`, headers: { cookie: viewer.cookie } })
  const send = (i: number) =>
    pool.ask({
      ...{ method: 'POST', path: `/api/v1/conversations/${chatAt(i)}/messages` },
      ...{ token: viewer.token, body: { body: words(`g${i}-`) } },
    })
  const fromFloor = (i: number) => bare.ask({ method: 'GET', path: `/page/${chatAt(i)}` })
  try {
    for (let i = 0; i < 50; i++) for (const ask of [page, send, fromFloor]) await ask(i)
    for (let run = 0; run < bench.runs; run++) {
      const bareTimes = await timed(scaled(bench, PAGES, 30), fromFloor)
      times.floor50.push(percentile(bareTimes, 0.5))
      times.floor99.push(percentile(bareTimes, 0.99))
      const pageTimes = await timed(scaled(bench, PAGES, 30), page)
      times.page50.push(percentile(pageTimes, 0.5))
      times.page99.push(percentile(pageTimes, 0.99))
      times.send50.push(percentile(await timed(scaled(bench, SENDS, 30), send), 0.5))
    }
    return times
  } finally {
    pool.close()
    bare.close()
    await floor.end()
    await stop(server.process)
  }
}

async function timed(count: number, ask: (i: number) => Promise<{ status: number }>) {
  const times: number[] = []
  for (let i = 0; i < count; i++) {
    const began = performance.now()
    const { status } = await ask(i)
    times.push(performance.now() - began)
    if (status >= 300) throw new Error(`Answered ${status}`)
  }
  return times
}

/** The newest 50 lines of a chat with its frame and the list of the recent of 200 chats. */
export const pages: Scenario = async (bench) => {
  const many = (await stagesOf(bench)).at(-1)
  if (many === undefined) return []
  const note = `${many.messages} messages, written as rows by SQL; the viewer has 200 chats`
  return [
    { figure: 'conversation, p50', unit: 'ms', values: many.page50, floor: many.floor50, note },
    { figure: 'conversation, p99', unit: 'ms', values: many.page99, floor: many.floor99, note },
  ]
}

/** How many times slower with the long history than with the short one. */
export const growth: Scenario = async (bench) => {
  const [few, many] = await stagesOf(bench)
  if (few === undefined || many === undefined) return []
  const factor = (of: keyof Times): number[] =>
    many[of].map((value, i) => value / (few[of][i] ?? Number.NaN))
  const note = `${many.messages} messages to ${few.messages}, written as rows by SQL`
  const measured: Measured[] = [
    { figure: 'page', unit: 'factor', values: factor('page50'), floor: factor('floor50'), note },
    { figure: 'send', unit: 'factor', values: factor('send50'), note },
    { figure: 'send, short history', unit: 'ms', values: few.send50 },
    { figure: 'send, long history', unit: 'ms', values: many.send50 },
  ]
  return measured
}
