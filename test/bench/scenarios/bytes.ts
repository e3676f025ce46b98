/** What goes over the wire: a first visit, a message pushed to a page, and a link where nothing happens. */
import { brotliCompressSync } from 'node:zlib'
import { runningControl } from '../../../src/commands/control-client.ts'
import { bothRunning, directChat, type Pair, type Person } from '../company.ts'
import type { Measured } from '../figures.ts'
import { words } from '../flow.ts'
import { type Answer, openStream, Pool } from '../http.ts'
import { type Bench, type Scenario, scaled } from '../scenario.ts'
import type { Server } from '../servers.ts'
import { pause, until } from '../wait.ts'

const PUSHES = 50
const REST_SECONDS = 60
const KIB = 1024

const LINKED = /(?:href|src)="(\/static\/[^"#]+|\/photos\/[^"#]+)"/g

async function visit(pool: Pool, who: Person, chat: string) {
  const headers = { cookie: who.cookie, 'accept-encoding': 'br, gzip' }
  const ask = (path: string) => pool.ask({ method: 'GET', path, headers })
  const page = await ask(`/chats/${chat}`)
  const html = bodyOf(page)
  const paths = new Set([...html.matchAll(LINKED)].map((match) => match[1] ?? ''))
  const parts = await Promise.all([...paths].map(ask))
  const wire = [page, ...parts].reduce((sum, answer) => sum + answer.wireBytes, 0)
  // The least: the same contents without heads, compressed as well as brotli can.
  const plain = await Promise.all(
    [`/chats/${chat}`, ...paths].map((path) =>
      pool.ask({ method: 'GET', path, headers: { cookie: who.cookie } }),
    ),
  )
  const least = plain.reduce((sum, { body }) => sum + brotliCompressSync(body).length, 0)
  return { kb: wire / KIB, leastKb: least / KIB, pageBytes: page.wireBytes }
}

function bodyOf({ head, body }: Answer): string {
  if (/\r\ncontent-encoding:/i.test(head))
    throw new Error('The page is compressed: read it plainly')
  return body.toString()
}

/** Bytes on the stream of a page that shows the chat, per message of somebody else. */
async function pushed(bench: Bench, pair: Pair, of: { from: Person; to: Person; chat: string }) {
  const count = scaled(bench, PUSHES, 10)
  const seen = { bytes: 0, api: 0, done: 0 }
  const page = await openStream({
    ...{ port: pair.kyiv.port, path: `/events/page?chat=${of.chat}` },
    headers: { cookie: of.to.cookie },
    onBytes: (chunk) => {
      seen.bytes += chunk.length
      seen.done += chunk.toString().split('shelf').length - 1
    },
  })
  const api = await openStream({
    ...{ port: pair.kyiv.port, path: '/api/v1/events', token: of.to.token },
    onBytes: (chunk) => {
      seen.api += chunk.length
    },
  })
  await pause(1000)
  seen.bytes = 0
  seen.api = 0
  seen.done = 0
  const pool = new Pool(pair.kyiv, 1)
  for (let i = 0; i < count; i++) {
    const path = `/conversations/${of.chat}/messages`
    const body = { body: words(`b${i}-`) }
    await pool.call({ method: 'POST', path, token: of.from.token, body })
  }
  await until('all was pushed', () => seen.done >= count)
  await pause(500)
  for (const stream of [page, api]) stream.close()
  pool.close()
  return { page: seen.bytes / count, api: seen.api / count }
}

async function linkBytes(server: Server): Promise<number> {
  const control = await runningControl(server)
  const peers = await control?.<{ bytesIn: number; bytesOut: number }[]>('GET', '/peers')
  return peers?.reduce((sum, peer) => sum + peer.bytesIn + peer.bytesOut, 0) ?? Number.NaN
}

/** Bytes both ways on a link without any traffic, per hour. */
async function atRest(bench: Bench, server: Server): Promise<number[]> {
  const perHour: number[] = []
  await pause(5000)
  for (let run = 0; run < bench.runs; run++) {
    const seconds = Math.max(20, REST_SECONDS * bench.scale)
    const before = await linkBytes(server)
    await pause(seconds * 1000)
    perHour.push((((await linkBytes(server)) - before) * 3600) / seconds / KIB)
  }
  return perHour
}

/** Counted, not timed: one run says it all, except for the link. */
export const bytes: Scenario = async (bench) => {
  const company = await bench.company()
  const [from, to] = [company.atKyiv[0], company.atKyiv[1]]
  if (from === undefined || to === undefined) throw new Error('Nobody is there')
  const pair = await bothRunning(company)
  const pool = new Pool(pair.kyiv, 1)
  try {
    const chat = await directChat(pool, from, to.login)
    const push = await pushed(bench, pair, { from, to, chat })
    const first = await visit(pool, to, chat)
    const rest = await atRest(bench, pair.kyiv)
    const least = 'the floor is the same contents as small as brotli makes them'
    const measured: Measured[] = [
      {
        figure: 'first visit',
        unit: 'KB',
        values: [first.kb],
        floor: [first.leastKb],
        note: least,
      },
      { figure: 'the page alone', unit: 'KB', values: [first.pageBytes / KIB], note: '50 lines' },
      {
        ...{ figure: 'pushed per message and viewer', unit: 'bytes', values: [push.page] },
        ...{ floor: [push.api], note: 'HTML; the floor is the same message as JSON' },
      },
      { figure: 'link at rest', unit: 'KB/h', values: rest },
    ]
    return measured
  } finally {
    pool.close()
    await pair.end()
  }
}
