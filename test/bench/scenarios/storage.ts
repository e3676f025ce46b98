/** Durable messages per second of one branch with many writers, through its functions and through its API. */
import { fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { directChat } from '../company.ts'
import { startFloor } from '../floor.ts'
import { asFastAsPossible, Flow, postTo, postToFloor, receive } from '../flow.ts'
import { Pool } from '../http.ts'
import { type Bench, inTurn, type Scenario, scaled } from '../scenario.ts'
import { copyOf, owned, removeCopy, start, stop } from '../servers.ts'

const CHILD = fileURLToPath(new URL('../storage-child.ts', import.meta.url))
const MESSAGES = 20_000
const WRITERS = 64

async function byChild(bench: Bench, kind: 'branch' | 'rows' | 'plain'): Promise<number> {
  const { kyiv } = await bench.company()
  const plain = kind === 'plain' ? mkdtempSync(join(bench.folder, 'plain-')) : undefined
  const site = plain === undefined ? copyOf(kyiv, bench.folder) : undefined
  const args = [kind, site?.data ?? plain ?? '', String(scaled(bench, MESSAGES, 500))]
  const child = owned(fork(CHILD, args))
  const answer = await new Promise<{ perSecond: number }>((resolve, reject) => {
    child.once('message', (message) => resolve(message as { perSecond: number }))
    child.once('exit', (code) => reject(new Error(`The child ended with ${code}`)))
  })
  await stop(child)
  if (site) removeCopy(site)
  if (plain) rmSync(plain, { recursive: true, force: true })
  return answer.perSecond
}

async function byApi(bench: Bench): Promise<number> {
  const { kyiv, atKyiv } = await bench.company()
  const site = copyOf(kyiv, bench.folder)
  const server = await start(site, { nodeFlags: bench.nodeFlags })
  const pool = new Pool(server, WRITERS)
  const flow = new Flow()
  try {
    const reader = atKyiv[0]
    const chats: { id: string; token: string }[] = []
    for (const { login, token, ...person } of atKyiv.slice(1, WRITERS + 1)) {
      if (reader === undefined) break
      const id = await directChat(pool, { ...person, login, token }, reader.login)
      chats.push({ id, token })
    }
    const path = '/api/v1/events'
    const stream = await receive(flow, { port: server.port, path, token: reader?.token })
    const wish = { count: scaled(bench, MESSAGES / 2, 200), width: WRITERS }
    const perSecond = await asFastAsPossible(flow, postTo(pool, chats), wish)
    stream.close()
    return perSecond
  } finally {
    pool.close()
    await stop(server.process)
    removeCopy(site)
  }
}

async function byFloor(bench: Bench): Promise<number> {
  const floor = await startFloor(bench.folder)
  const pool = new Pool(floor, WRITERS)
  const flow = new Flow()
  try {
    const stream = await receive(flow, { port: floor.port, path: '/events' })
    const wish = { count: scaled(bench, MESSAGES / 2, 200), width: WRITERS }
    const perSecond = await asFastAsPossible(flow, postToFloor(pool), wish)
    stream.close()
    return perSecond
  } finally {
    pool.close()
    await floor.end()
  }
}

/** Group commit at work. */
export const storage: Scenario = async (bench) => {
  const inside = await inTurn(bench, {
    ours: () => byChild(bench, 'branch'),
    floor: () => byChild(bench, 'rows'),
  })
  const plain = await byChild(bench, 'plain')
  const api = await inTurn(bench, { ours: () => byApi(bench), floor: () => byFloor(bench) })
  const share = inside.ours.map((value, i) => value / (inside.floor[i] ?? Number.NaN))
  const rows = 'the floor inserts the same rows in the same tables, 512 messages per commit'
  return [
    { figure: 'of raw batched inserts', unit: 'share', values: share, note: rows },
    { figure: 'through the functions', unit: '1/s', values: inside.ours, floor: inside.floor },
    { figure: 'through the API, read by one', unit: '1/s', values: api.ours, floor: api.floor },
    { figure: 'plain rows, one table', unit: '1/s', values: [plain], note: 'no work of ours' },
  ]
}
