/**
 * The floor: the least a server of bare Node must do for the same work. Messages by POST, one table, one fsync for
 * what waits, a raw socket to the other side, node:http streams that all get the same buffer. No permissions, no
 * signatures, no encryption, no pages. Arguments: folder, port of the other side's link (0: none).
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, createServer as createListener, type Socket } from 'node:net'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import Sqlite from 'better-sqlite3'

const [folder = '.', linkPort = '0'] = process.argv.slice(2)
const DIAL_EVERY_MS = 10

type Waiting = { body: string; answer?: (() => void) | undefined }

const db = new Sqlite(join(folder, 'floor.db'))
db.pragma('journal_mode = wal')
db.pragma('synchronous = full')
db.exec('create table if not exists message (n integer primary key, body text not null) strict')
const insert = db.prepare('insert into message (body) values (?)')
const begin = db.prepare('begin immediate')
const commit = db.prepare('commit')
const after = db.prepare('select body from message where n > ? order by n limit 1000')
const newest = db.prepare('select coalesce(max(n), 0) as n from message')

const streams = new Set<ServerResponse>()
const waiting: Waiting[] = []
let isScheduled = false
let link: Socket | undefined
let worker: Worker | undefined
let pageOf: ((chat: string) => string) | undefined

function add(one: Waiting): void {
  waiting.push(one)
  if (isScheduled) return
  isScheduled = true
  setImmediate(write)
}

function write(): void {
  isScheduled = false
  const batch = waiting.splice(0, 512)
  begin.run()
  for (const { body } of batch) insert.run(body)
  commit.run()
  if (linkPort !== '0') pass(batch.map(({ body }) => body))
  else acknowledge()
  for (const { body, answer } of batch) {
    answer?.()
    tell('message', JSON.stringify({ body }))
  }
  if (waiting.length > 0 && !isScheduled) {
    isScheduled = true
    setImmediate(write)
  }
}

/** The same bytes to everybody. */
function tell(event: string, data: string): void {
  const bytes = Buffer.from(`event: ${event}\ndata: ${data}\n\n`)
  for (const stream of streams) stream.write(bytes)
}

function framed(text: string): Buffer {
  const bytes = Buffer.from(text)
  const frame = Buffer.allocUnsafe(4 + bytes.length)
  frame.writeUInt32BE(bytes.length)
  bytes.copy(frame, 4)
  return frame
}

function frames(on: (text: string) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0)
  return (chunk) => {
    let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    while (bytes.length >= 4 && bytes.length >= 4 + bytes.readUInt32BE()) {
      const end = 4 + bytes.readUInt32BE()
      on(bytes.toString('utf8', 4, end))
      bytes = bytes.subarray(end)
    }
    rest = bytes
  }
}

function pass(bodies: readonly string[]): void {
  if (link?.writable) for (const body of bodies) link.write(framed(body))
}

function acknowledge(): void {
  if (link?.writable) link.write(framed(String((newest.get() as { n: number }).n)))
}

/** The sender dials; the receiver says how many it has, and what is missing follows. */
function dial(): void {
  const socket = connect({ port: Number(linkPort), host: '127.0.0.1', noDelay: true })
  let isFirst = true
  socket.on('error', () => {})
  socket.on('close', () => {
    link = undefined
    setTimeout(dial, DIAL_EVERY_MS)
  })
  const take = frames((count) => {
    if (!isFirst) return tell('receipt', count)
    isFirst = false
    link = socket
    for (let n = Number(count); ; ) {
      const rows = after.all(n) as { body: string }[]
      if (rows.length === 0) break
      pass(rows.map((row) => row.body))
      n += rows.length
    }
  })
  socket.on('data', (chunk) => take(chunk as Buffer))
}

function listen(): Promise<number> {
  const listener = createListener({ noDelay: true }, (socket) => {
    link = socket
    acknowledge()
    const take = frames((body) => add({ body }))
    socket.on('data', (chunk) => take(chunk as Buffer))
    socket.on('error', () => {})
  })
  const port = Number(process.argv[4] ?? 0)
  return new Promise((resolve) => {
    listener.listen(port, '127.0.0.1', () => {
      const address = listener.address()
      resolve(typeof address === 'object' && address ? address.port : 0)
    })
  })
}

function textOf(request: IncomingMessage, on: (text: string) => void): void {
  let text = ''
  request.setEncoding('utf8')
  request.on('data', (chunk: string) => {
    text += chunk
  })
  request.on('end', () => on(text))
}

function openStream(response: ServerResponse): void {
  response.useChunkedEncodingByDefault = false
  response.writeHead(200, { 'Content-Type': 'text/event-stream', Connection: 'close' })
  response.write(': \n\n')
  streams.add(response)
  response.on('close', () => streams.delete(response))
  response.on('error', () => response.destroy())
}

function send(response: ServerResponse, status: number, text: string): void {
  const length = Buffer.byteLength(text)
  response.writeHead(status, { 'Content-Type': 'text/html', 'Content-Length': length })
  response.end(text)
}

/** Fifty lines of a chat by one prepared query, in the bytes of a page. */
function openHistory(path: string): (chat: string) => string {
  const history = new Sqlite(path, { readonly: true })
  const lines = history.prepare(
    `select body, authorId, sentAt from message
     where conversationId = ? order by timeKey desc, id desc limit 50`,
  )
  return (chat) =>
    (lines.all(chat) as { body: string; authorId: string; sentAt: number }[])
      .map((row) => `<li><b>${row.authorId}</b> ${row.body} <time>${row.sentAt}</time></li>`)
      .join('\n')
}

const server = createServer((request, response) => {
  const { method, url = '/' } = request
  if (method === 'GET' && url === '/events') return openStream(response)
  if (method === 'GET' && url.startsWith('/page/')) {
    return send(response, 200, pageOf?.(url.slice(6)) ?? '')
  }
  if (method === 'GET') return send(response, 200, '<!doctype html><title>Sign in</title>')
  if (method === 'PUT') {
    return textOf(request, (path) => {
      pageOf = openHistory(JSON.parse(path) as string)
      send(response, 204, '')
    })
  }
  textOf(request, (text) => {
    if (url === '/hash') return hash(text, () => send(response, 201, text))
    const { body } = JSON.parse(text) as { body: string }
    add({ body, answer: () => send(response, 201, text) })
  })
})

function hash(password: string, done: () => void): void {
  worker ??= new Worker(new URL('./floor-hash.ts', import.meta.url)).setMaxListeners(1000)
  const id = Math.random()
  const take = (answered: number) => {
    if (answered !== id) return
    worker?.off('message', take)
    done()
  }
  worker.on('message', take)
  worker.postMessage({ id, password })
}

server.listen(Number(process.argv[5] ?? 0), '127.0.0.1', async () => {
  if (linkPort !== '0') dial()
  const listening = linkPort === '0' ? await listen() : 0
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  process.send?.({ port, linkPort: listening })
})
process.once('disconnect', () => process.exit(0))
