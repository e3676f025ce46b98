/**
 * Event streams (WHATWG HTML, 9.2) written straight to Node's response: one rendered buffer serves all streams, and
 * a reader that is too slow is cut off instead of filling our memory; it comes back with its Last-Event-ID.
 * Never `streamSSE`: it waits for the slow one, and crashes the process over http2 (hono #4041).
 */
import type { ServerResponse } from 'node:http'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Context } from 'hono'
import { AppError } from '../base/errors.ts'
import { KIB, type Millis, SECOND } from '../base/units.ts'
import type { Cancel, Clock } from '../world/clock.ts'

/** Half of nginx's 60 s of patience with room to spare; the page's watchdog waits 2.5 times as long. */
export const PAGE_PING_MS: Millis = 20 * SECOND
/** The contract promises API clients a comment line every 15 s. */
const API_PING_MS: Millis = 15 * SECOND
/** What a browser waits before it comes back. */
const RETRY_MS: Millis = SECOND
/** About 500 short messages: more waiting than that is a dead or hopeless line. */
const QUEUE_BYTES_MAX = 512 * KIB
/** Tabs, windows and devices of one person; scripts of one account. */
const STREAMS_PER_PERSON_MAX = 24
/** 31 to 45 KiB each: 10,000 are about 400 MB. */
const STREAMS_MAX = 10_000

/** Where a stream's bytes go; a socket, or a list in tests. */
export type Sink = {
  /** Bytes handed over that the other side has not taken. */
  readonly waitingBytes: number
  write(bytes: Uint8Array): void
  /** Ends it after what was written. */
  end(): void
  /** Ends it at once. */
  destroy(): void
  /** Calls `fn` once when the other side has gone, for whatever reason. */
  onClose(fn: () => void): void
}

export type StreamKind = 'page' | 'api'
/** `signed-out` sends the page to the sign-in; `stopping` lets it come back by itself. */
type CloseReason = 'signed-out' | 'stopping' | 'too-slow' | 'gone'

export type Stream = {
  readonly owner: string
  readonly kind: StreamKind
  /** The sign-in it was opened with: it ends with that. */
  readonly signIn: string | undefined
  /** The page's own name for its stream, so that a push can skip the page that caused it. */
  readonly tab: string | undefined
  readonly isOpen: boolean
  /** Writes the same bytes as to others; a stream that cannot take them is destroyed. */
  write(bytes: Uint8Array): void
  close(reason: CloseReason): void
  /** Calls `fn` once when it has ended; at once if it has. */
  onClose(fn: (reason: CloseReason) => void): void
}

export type Streams = {
  /** Opens the stream of a request over Node; answer with `response`. Throws too-many or unavailable. */
  open(c: Context, options: StreamOptions): { stream: Stream; response: Response }
  /** Opens a stream over any sink (tests, and `open`). */
  openOver(sink: Sink, options: StreamOptions): Stream
  /** Ends all streams of a person, or those that `which` names. */
  closeOf(owner: string, which?: (stream: Stream) => boolean): void
  /** Ends all; browsers come back by themselves. */
  closeAll(): void
  readonly count: number
}

type StreamOptions = {
  owner: string
  kind: StreamKind
  signIn?: string | undefined
  tab?: string | undefined
}

/** The bytes of one event; `data` may have several lines. Throws RangeError for a line end in `id` or `event`. */
export function eventBytes(event: {
  id?: string
  event?: string
  retry?: Millis
  data: string
}): Uint8Array {
  for (const part of [event.id, event.event]) {
    // A line end would let a name or an id forge an event of its own.
    if (part !== undefined && /[\r\n\0]/.test(part))
      throw new RangeError('Line end in an event head')
  }
  const head = [
    event.retry === undefined ? '' : `retry: ${event.retry}\n`,
    event.id === undefined ? '' : `id: ${event.id}\n`,
    event.event === undefined ? '' : `event: ${event.event}\n`,
  ].join('')
  const lines = event.data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`)
  return Buffer.from(`${head}${lines.join('')}\n`)
}

const PING = eventBytes({ event: 'ping', data: '' })
const COMMENT = Buffer.from(': \n\n')
const BYE = eventBytes({ event: 'bye', data: 'sign-in' })
// `retry` on a block with data: hx-sse ignores it alone. The data tells the page's watchdog how often we ping.
const HELLO = eventBytes({ event: 'hello', retry: RETRY_MS, data: String(PAGE_PING_MS) })
const API_HELLO = Buffer.from(`retry: ${RETRY_MS}\n: \n\n`)

/** Where to go on: the position after which events are wanted, and the epoch it belongs to if it says one. */
type Resume = { epoch: string | undefined; position: number }

const RESUME = /^(?:([0-9a-f]{1,32})-)?(\d{1,15})$/

/** The position a client holds: its Last-Event-ID, else `?after=`; undefined means from now on. */
export function resumeFrom(c: Context): Resume | undefined {
  const header = c.req.header('last-event-id')
  const text = header === undefined || header === '' ? c.req.query('after') : header
  return text === undefined || text === '' ? undefined : parseResume(text)
}

/** `EPOCH-POSITION` or `POSITION`; what is neither counts as an epoch nobody has, so that its owner begins anew. */
export function parseResume(text: string): Resume {
  const [, epoch, position] = RESUME.exec(text) ?? []
  return position === undefined ? { epoch: '', position: 0 } : { epoch, position: Number(position) }
}

/** The name a page gives its stream (header X-Stream), if it has the form of one. */
export function tabOf(c: Context): string | undefined {
  const tab = c.req.header('x-stream')
  return tab !== undefined && /^[0-9a-f]{16,32}$/.test(tab) ? tab : undefined
}

/** The answer to a stream without a sign-in: the page goes and signs in; a redirect would make it ask for ever. */
export function byeResponse(): Response {
  return new Response(Buffer.from(BYE), { headers: STREAM_HEADERS })
}

/** Whether an answer has been written by a stream already. */
export function isAlreadySent(response: Response): boolean {
  return response.headers.has('x-hono-already-sent')
}

const STREAM_HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-store, no-transform', // a proxy that compresses would hold everything back
  'X-Accel-Buffering': 'no', // nginx: pass on at once
  'X-Content-Type-Options': 'nosniff',
}

/** The streams of a branch, with their limits and heartbeats. */
export function createStreams({
  clock,
  limits = {},
}: {
  clock: Clock
  limits?: { perPersonMax?: number; totalMax?: number; queueBytesMax?: number }
}): Streams {
  const open = new Set<OpenStream>()
  const perPerson = new Map<string, number>()
  const heartbeats = { page: idle, api: idle }
  const perPersonMax = limits.perPersonMax ?? STREAMS_PER_PERSON_MAX
  const queueBytesMax = limits.queueBytesMax ?? QUEUE_BYTES_MAX

  const refuse = (owner: string) => {
    if (open.size >= (limits.totalMax ?? STREAMS_MAX)) {
      throw new AppError('unavailable', 'Cannot open a stream: all are taken', { retryAfter: 10 })
    }
    if ((perPerson.get(owner) ?? 0) >= perPersonMax) {
      throw new AppError(
        'too-many',
        `Cannot open a stream: the limit is ${perPersonMax} per person`,
        {
          detail: 'streams',
          values: { max: perPersonMax },
          retryAfter: 10,
        },
      )
    }
  }
  const beat = (kind: StreamKind) => {
    const bytes = kind === 'page' ? PING : COMMENT
    let any = false
    for (const stream of open) {
      if (stream.kind !== kind) continue
      any = true
      stream.write(bytes)
    }
    heartbeats[kind] = any ? clock.after(pingMs(kind), () => beat(kind)) : idle
  }
  const leave = (stream: OpenStream) => {
    open.delete(stream)
    const left = (perPerson.get(stream.owner) ?? 1) - 1
    if (left > 0) perPerson.set(stream.owner, left)
    else perPerson.delete(stream.owner)
  }
  const openOver = (sink: Sink, options: StreamOptions): Stream => {
    refuse(options.owner)
    const stream = new OpenStream(sink, options, queueBytesMax)
    open.add(stream)
    perPerson.set(options.owner, (perPerson.get(options.owner) ?? 0) + 1)
    stream.onClose(() => leave(stream))
    if (heartbeats[options.kind] === idle) {
      heartbeats[options.kind] = clock.after(pingMs(options.kind), () => beat(options.kind))
    }
    stream.write(options.kind === 'page' ? HELLO : API_HELLO)
    return stream
  }
  return {
    openOver,
    open(c, { owner, kind, signIn }) {
      const outgoing: ServerResponse | undefined = c.env?.outgoing
      if (outgoing === undefined) throw new TypeError('A stream needs the response of Node')
      refuse(owner) // before the head goes out: a refusal is an ordinary answer
      const stream = openOver(sinkOf(outgoing), { owner, kind, signIn, tab: tabOf(c) })
      return { stream, response: RESPONSE_ALREADY_SENT }
    },
    closeOf(owner, which = () => true) {
      for (const stream of [...open]) {
        if (stream.owner === owner && which(stream)) stream.close('signed-out')
      }
    },
    closeAll() {
      for (const stream of [...open]) stream.close('stopping')
      for (const kind of ['page', 'api'] as const) {
        heartbeats[kind]()
        heartbeats[kind] = idle
      }
    },
    get count() {
      return open.size
    },
  }
}

const idle: Cancel = () => {}

function pingMs(kind: StreamKind): Millis {
  return kind === 'page' ? PAGE_PING_MS : API_PING_MS
}

/** The sink of a Node response; writes the head. */
function sinkOf(outgoing: ServerResponse): Sink {
  // No chunks: each push is then one buffer in one system call, and HTTP/1.0 clients understand it. The stream ends
  // with its connection (RFC 9112, 6.3).
  outgoing.removeHeader('Transfer-Encoding')
  outgoing.writeHead(200, { ...STREAM_HEADERS, Connection: 'close' })
  outgoing.flushHeaders()
  outgoing.on('error', () => outgoing.destroy()) // the other side has gone; `close` follows
  return {
    get waitingBytes() {
      return outgoing.writableLength
    },
    write: (bytes) => void outgoing.write(bytes),
    end: () => void outgoing.end(),
    destroy: () => void outgoing.destroy(),
    onClose: (fn) => void outgoing.once('close', fn),
  }
}

class OpenStream implements Stream {
  readonly owner: string
  readonly kind: StreamKind
  readonly signIn: string | undefined
  readonly tab: string | undefined
  readonly #sink: Sink
  readonly #queueBytesMax: number
  #closed: CloseReason | undefined
  #onClose: ((reason: CloseReason) => void)[] = []

  constructor(sink: Sink, options: StreamOptions, queueBytesMax: number) {
    this.owner = options.owner
    this.kind = options.kind
    this.signIn = options.signIn
    this.tab = options.tab
    this.#sink = sink
    this.#queueBytesMax = queueBytesMax
    sink.onClose(() => this.#end('gone'))
  }

  get isOpen(): boolean {
    return this.#closed === undefined
  }

  write(bytes: Uint8Array): void {
    if (this.#closed !== undefined) return
    this.#sink.write(bytes)
    if (this.#sink.waitingBytes <= this.#queueBytesMax) return
    this.#end('too-slow')
    this.#sink.destroy()
  }

  close(reason: CloseReason): void {
    if (this.#closed !== undefined) return
    if (reason === 'signed-out' && this.kind === 'page') this.write(BYE)
    this.#end(reason)
    this.#sink.end()
  }

  onClose(fn: (reason: CloseReason) => void): void {
    if (this.#closed === undefined) this.#onClose.push(fn)
    else fn(this.#closed)
  }

  #end(reason: CloseReason): void {
    if (this.#closed !== undefined) return
    this.#closed = reason
    for (const fn of this.#onClose.splice(0)) fn(reason)
  }
}
