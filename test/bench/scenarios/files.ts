/**
 * Files from a person of Kyiv to a person of Lviv: how long 100 MB take from the first byte sent to the last byte
 * received, and what messages notice of files that cross at the same time.
 */
import { randomBytes } from 'node:crypto'
import { open } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { bothRunning, directChat, type Pair, type Person } from '../company.ts'
import type { Measured } from '../figures.ts'
import { atRate, Flow, postTo, receive } from '../flow.ts'
import { Pool } from '../http.ts'
import { type Bench, inTurn, type Scenario } from '../scenario.ts'
import { residentKib } from '../servers.ts'
import { pause, until } from '../wait.ts'

const FILE_BYTES = 100_000_000
/** A file of so many bytes is on the line for as long as messages are measured. */
const BESIDE_BYTES = 300_000_000
const ASK_EVERY_MS = 5
const MESSAGES = { perSecond: 200, seconds: 6 }

type Sent = { id: string; files: { id: string; state: string }[] }

/** Uploads and sends; the answer is the file's id in the message. */
async function send(
  { kyiv }: Pair,
  { from, chat, bytes }: { from: Person; chat: string; bytes: Buffer },
): Promise<string> {
  const api = `http://127.0.0.1:${kyiv.port}/api/v1`
  const authorization = `Bearer ${from.token}`
  const uploaded = await fetch(`${api}/files`, {
    ...{ method: 'POST', body: bytes },
    headers: { authorization, 'content-disposition': 'attachment; filename="plan.bin"' },
  })
  const { id } = (await uploaded.json()) as { id: string }
  const posted = await fetch(`${api}/conversations/${chat}/messages`, {
    ...{ method: 'POST', body: JSON.stringify({ body: 'the plan', files: [id] }) },
    headers: { authorization, 'content-type': 'application/json' },
  })
  const file = ((await posted.json()) as Sent).files[0]?.id
  if (file === undefined) throw new Error(`Not sent: ${uploaded.status} ${posted.status}`)
  return file
}

/** Asks for it until it is here, and reads it; the time at which its first byte could be read, and its length. */
async function take({ lviv }: Pair, to: Person, file: string): Promise<[number, number]> {
  const url = `http://127.0.0.1:${lviv.port}/api/v1/files/${file}`
  const headers = { authorization: `Bearer ${to.token}` }
  const found: { answer?: Response } = {}
  await until('the file is at Lviv', async () => {
    const answer = await fetch(url, { headers })
    if (answer.status === 200) found.answer = answer
    else await answer.arrayBuffer()
    if (!found.answer) await pause(ASK_EVERY_MS)
    return found.answer !== undefined
  })
  const hereAt = performance.now()
  let length = 0
  for await (const piece of found.answer?.body ?? []) length += (piece as Uint8Array).length
  return [hereAt, length]
}

async function together(bench: Bench) {
  const { atKyiv, atLviv } = await bench.company()
  const pair = await bothRunning(await bench.company(), bench.nodeFlags)
  const pool = new Pool(pair.kyiv, 16)
  const [from, to] = [atKyiv[0], atLviv[0]]
  if (!from || !to) throw new Error('Nobody is there')
  const chat = await directChat(pool, from, `${to.login}@Lviv`)
  const end = async () => {
    pool.close()
    await pair.end()
  }
  return { pair, pool, from, to, chat, end }
}

/** Seconds of 100 MB: all, and of that the crossing; and how much memory a server took at most, in MB. */
async function crossed(bench: Bench) {
  const { pair, from, to, chat, end } = await together(bench)
  try {
    // Once before, for the compiler.
    const small = await send(pair, { from, chat, bytes: randomBytes(8_000_000) })
    await take(pair, to, small)
    const before = residentKib(pair.lviv.pid)
    const bytes = randomBytes(FILE_BYTES)
    const began = performance.now()
    const file = await send(pair, { from, chat, bytes })
    const sentAt = performance.now()
    const [hereAt, length] = await take(pair, to, file)
    const all = performance.now() - began
    if (length !== FILE_BYTES) throw new Error(`${length} bytes came`)
    const grown = (residentKib(pair.lviv.pid) - before) / 1000
    return { all: all / 1000, crossing: (hereAt - sentAt) / 1000, grown }
  } finally {
    await end()
  }
}

/** The same bytes over a bare socket into a file that is synced. */
async function bare({ folder }: Bench): Promise<number> {
  const file = await open(join(folder, 'floor.bin'), 'w')
  const bytes = randomBytes(FILE_BYTES)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const server = createServer((socket) => {
    const all = (async () => {
      for await (const piece of socket) await file.write(piece as Buffer)
      await file.datasync()
    })()
    all.then(resolve, reject)
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const address = server.address()
  const began = performance.now()
  connect({ port: typeof address === 'object' ? (address?.port ?? 0) : 0 }).end(bytes)
  await promise
  const seconds = (performance.now() - began) / 1000
  server.close()
  await file.close()
  return seconds
}

/** p99 of messages alone, and beside a file that crosses. */
async function beside(bench: Bench): Promise<{ alone: number; beside: number }> {
  const { pair, pool, from, to, chat, end } = await together(bench)
  const flow = new Flow()
  const path = '/api/v1/events'
  const stream = await receive(flow, { port: pair.lviv.port, path, token: to.token })
  try {
    const post = postTo(pool, [{ id: chat, token: from.token }])
    const seconds = Math.max(1, MESSAGES.seconds * bench.scale)
    const rate = { perSecond: MESSAGES.perSecond, seconds }
    await atRate(flow, post, { ...rate, seconds: 1 })
    flow.restart()
    const alone = await atRate(flow, post, rate)
    const file = await send(pair, { from, chat, bytes: randomBytes(BESIDE_BYTES) })
    await pause(500) // its message is there
    flow.restart()
    const measured = atRate(flow, post, rate)
    const taken = await take(pair, to, file)
    const { p99 } = await measured
    if (taken[1] !== BESIDE_BYTES) throw new Error('The file is not whole')
    return { alone: alone.p99, beside: p99 }
  } finally {
    stream.close()
    await end()
  }
}

/** Both. */
export const files: Scenario = async (bench) => {
  bench.say('100 MB')
  const { ours, floor } = await inTurn(bench, {
    ours: () => crossed(bench),
    floor: () => bare(bench),
  })
  bench.say('messages beside a file')
  const runs: { alone: number; beside: number }[] = []
  for (let run = 0; run < bench.runs; run++) runs.push(await beside(bench))
  const measured: Measured[] = [
    { figure: '100 MB to a person', unit: 's', values: ours.map(({ all }) => all), floor },
    { figure: 'of that between the branches', unit: 's', values: ours.map((run) => run.crossing) },
    { figure: 'memory of the receiver', unit: 'MB', values: ours.map(({ grown }) => grown) },
    { figure: 'messages alone, p99', unit: 'ms', values: runs.map(({ alone }) => alone) },
    { figure: 'messages beside a file, p99', unit: 'ms', values: runs.map((run) => run.beside) },
    {
      ...{ figure: 'messages beside a file, factor', unit: '' },
      values: runs.map((run) => run.beside / run.alone),
    },
  ]
  return measured
}
