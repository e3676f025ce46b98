/**
 * The load: HTTP/1.1 over bare sockets, so that the client costs little of the two cores it shares with the servers.
 * One request at a time per connection; event streams are read without being parsed where only their number counts.
 */
import { connect, type Socket } from 'node:net'

/** Longer than anything here should take: a benchmark never hangs. */
const ANSWER_MS_MAX = 60_000

export type Asked = {
  method: string
  path: string
  /** A bearer token. */
  token?: string | undefined
  headers?: Readonly<Record<string, string>>
  body?: unknown
}
export type Answer = { status: number; head: string; body: Buffer; wireBytes: number }
type Waiting = { resolve(answer: Answer): void; reject(error: Error): void }

export type Place = {
  /** Default: loopback. */
  host?: string | undefined
  port: number
  localAddress?: string | undefined
}

const LOOPBACK = '127.0.0.1'

/** A connection that is kept open. */
export class Connection {
  readonly #socket: Socket
  readonly #timer: NodeJS.Timeout
  #waiting: Waiting | undefined
  #buffer: Buffer = Buffer.alloc(0)
  #deadline = Number.POSITIVE_INFINITY

  constructor({ host = LOOPBACK, port, localAddress }: Place) {
    this.#socket = connect({ port, host, ...(localAddress && { localAddress }) })
    this.#socket.setNoDelay(true)
    this.#socket.on('data', (chunk) => this.#take(chunk as Buffer))
    this.#socket.on('error', (error) => this.#fail(error))
    this.#socket.on('close', () => this.#fail(new Error('The connection was closed')))
    this.#timer = setInterval(() => {
      if (performance.now() > this.#deadline) this.#socket.destroy(new Error('No answer in time'))
    }, 1000).unref()
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed
  }

  ask(asked: Asked): Promise<Answer> {
    if (this.#waiting) return Promise.reject(new Error('One request at a time'))
    if (!this.isOpen) return Promise.reject(new Error('The connection is closed'))
    this.#deadline = performance.now() + ANSWER_MS_MAX
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
      this.#socket.write(requestOf(asked))
    })
  }

  close(): void {
    clearInterval(this.#timer)
    this.#socket.destroy()
  }

  #take(chunk: Buffer): void {
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk])
    const answer = answerIn(this.#buffer)
    if (answer === undefined) return
    this.#buffer = Buffer.alloc(0)
    const waiting = this.#waiting
    this.#waiting = undefined
    this.#deadline = Number.POSITIVE_INFINITY
    waiting?.resolve(answer)
  }

  #fail(error: Error): void {
    clearInterval(this.#timer)
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.reject(error)
  }
}

function requestOf({ method, path, token, headers = {}, body }: Asked): string {
  const text = body === undefined ? '' : JSON.stringify(body)
  const lines = [`${method} ${path} HTTP/1.1`, 'Host: 127.0.0.1']
  if (token !== undefined) lines.push(`Authorization: Bearer ${token}`)
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`)
  if (body !== undefined) {
    lines.push('Content-Type: application/json', `Content-Length: ${Buffer.byteLength(text)}`)
  }
  return `${lines.join('\r\n')}\r\n\r\n${text}`
}

/** A whole answer at the start of these bytes; undefined while some are missing. */
function answerIn(bytes: Buffer): Answer | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const head = bytes.toString('latin1', 0, end)
  const status = Number(head.slice(9, 12))
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
  const from = end + 4
  if (length === undefined && /\r\ntransfer-encoding: *chunked/i.test(head)) {
    return chunkedIn(bytes, { head, status, from })
  }
  const to = from + Number(length ?? 0)
  if (bytes.length < to) return undefined
  return { status, head, body: bytes.subarray(from, to), wireBytes: to }
}

function chunkedIn(
  bytes: Buffer,
  { head, status, from }: { head: string; status: number; from: number },
): Answer | undefined {
  const parts: Buffer[] = []
  for (let at = from; ; ) {
    const line = bytes.indexOf('\r\n', at)
    if (line < 0) return undefined
    const size = Number.parseInt(bytes.toString('latin1', at, line), 16)
    const next = line + 2 + size + 2
    if (bytes.length < next) return undefined
    if (size === 0) return { status, head, body: Buffer.concat(parts), wireBytes: next }
    parts.push(bytes.subarray(line + 2, line + 2 + size))
    at = next
  }
}

/** Some connections to one server; requests wait for a free one, in order. */
export class Pool {
  readonly #place: Place
  readonly #free: Connection[] = []
  readonly #waiting: ((connection: Connection) => void)[] = []

  constructor(place: Place, size: number) {
    this.#place = place
    for (let i = 0; i < size; i++) this.#free.push(new Connection(place))
  }

  async ask(asked: Asked): Promise<Answer> {
    const free = this.#free.pop() ?? (await new Promise<Connection>((r) => this.#waiting.push(r)))
    const connection = free.isOpen ? free : new Connection(this.#place)
    try {
      return await connection.ask(asked)
    } finally {
      const next = this.#waiting.shift()
      if (next) next(connection)
      else this.#free.push(connection)
    }
  }

  /** A call of the API; throws what is no success. */
  async call<T>(asked: Asked): Promise<T> {
    const answer = await this.ask({ ...asked, path: `/api/v1${asked.path}` })
    const text = answer.body.toString()
    if (answer.status >= 300) throw new Error(`${asked.path}: ${answer.status} ${text}`)
    return (text === '' ? undefined : JSON.parse(text)) as T
  }

  close(): void {
    for (const connection of this.#free.splice(0)) connection.close()
  }
}

export type StreamWish = {
  host?: string | undefined
  port: number
  path: string
  token?: string | undefined
  headers?: Readonly<Record<string, string>>
  /** Bytes after the head, as they come. */
  onBytes(chunk: Buffer): void
  onClose?(): void
}

/** Opens an event stream; resolves when its first bytes came (the server's greeting). */
export function openStream(wish: StreamWish): Promise<{ close(): void }> {
  const socket = connect({ port: wish.port, host: wish.host ?? LOOPBACK })
  return new Promise((resolve, reject) => {
    let head = ''
    let isOpen = false
    socket.on('error', reject)
    socket.on('close', () => {
      reject(new Error(`The stream was closed: ${head.slice(0, 200)}`))
      wish.onClose?.()
    })
    socket.on('data', (bytes) => {
      const chunk = bytes as Buffer
      if (isOpen) return wish.onBytes(chunk)
      head += chunk.toString('latin1')
      const end = head.indexOf('\r\n\r\n')
      if (end < 0) return
      if (!head.startsWith('HTTP/1.1 200')) {
        reject(new Error(`No stream: ${head.slice(0, 200)}`))
        return
      }
      isOpen = true
      const rest = Buffer.from(head.slice(end + 4), 'latin1')
      if (rest.length > 0) wish.onBytes(rest)
      resolve({ close: () => void socket.destroy() })
    })
    const headers = { Accept: 'text/event-stream', ...wish.headers }
    const { path, token } = wish
    socket.write(requestOf({ method: 'GET', path, token, headers }))
  })
}

/** Calls back with each event of a stream. */
export function eventsOf(on: (name: string, data: string, id: string) => void) {
  let text = ''
  return (chunk: Buffer) => {
    text += chunk.toString()
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const block = text.slice(0, end)
      text = text.slice(end + 2)
      const fields = { event: '', data: '', id: '' }
      for (const line of block.split('\n')) {
        const colon = line.indexOf(': ')
        const name = line.slice(0, colon)
        if (name === 'event' || name === 'data' || name === 'id')
          fields[name] = line.slice(colon + 2)
      }
      if (fields.data !== '') on(fields.event, fields.data, fields.id)
    }
  }
}

const MARK = Buffer.from('event: message\n')

/** Calls back with how many messages came, without reading them; a mark cut in two counts when it is whole. */
export function messagesCounted(on: (count: number) => void) {
  let rest: Buffer = Buffer.alloc(0)
  return (chunk: Buffer) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let count = 0
    let at = 0
    for (let found = bytes.indexOf(MARK); found >= 0; found = bytes.indexOf(MARK, at)) {
      count++
      at = found + MARK.length
    }
    rest = bytes.subarray(Math.max(at, bytes.length - MARK.length + 1))
    if (count > 0) on(count)
  }
}
