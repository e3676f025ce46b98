/**
 * The HTTP server of a branch: limits of Node's parser, a sentence for an address that cannot be had, and an end that
 * waits for nobody. With TLS it speaks HTTP/1.1 too: an event stream over Node's http2 crashes the process (hono 4041).
 */
import { createServer, type Server } from 'node:http'
import { createServer as createTlsServer, Server as TlsServer } from 'node:https'
import { createAdaptorServer } from '@hono/node-server'
import { AppError } from '../base/errors.ts'
import { KIB, MINUTE, type Millis, SECOND } from '../base/units.ts'
import type { Clock } from '../world/clock.ts'
import type { Log } from '../world/log.ts'
import type { Bindings } from './env.ts'
import type { Streams } from './sse.ts'

/** The head of a request comes at once, or it is somebody who wants to hold our sockets. */
const HEAD_MS: Millis = 20 * SECOND
/** Longer than the 60 s of proxies, so that they, not we, close first and no request meets a closing socket. */
const KEEP_ALIVE_MS: Millis = 75 * SECOND
/** A connection on which nothing moves; streams ping every 20 s, a long poll lasts at most 50 s. */
const IDLE_MS: Millis = 2 * MINUTE
const HEAD_BYTES_MAX = 16 * KIB
/** More than there can be streams, so that the streams' own limit answers in words. */
const CONNECTIONS_MAX = 12_000
/** After this an unfinished answer is cut at stop; pages take milliseconds. */
const STOP_MS: Millis = 300

/** What a listener with TLS shows: PEM texts, the chain without its root. */
export type ServerCertificate = { cert: string; key: string }

type ListenOptions = {
  fetch: (request: Request, env: Bindings) => Response | Promise<Response>
  host: string
  /** 0 lets the system choose. */
  port: number
  /** Plain HTTP without it. */
  tls?: ServerCertificate | undefined
  streams: Pick<Streams, 'closeAll'>
  clock: Clock
  log: Log
}

export type Listener = {
  host: string
  port: number
  /** For printing: `http://127.0.0.1:8080`. */
  url: string
  /** From now on new connections are shown another certificate; open ones go on. */
  useCertificate(certificate: ServerCertificate): void
  /** Ends streams, takes no more requests, and resolves when all connections are closed. */
  close(): Promise<void>
}

/** Listens; rejects with a sentence when the address cannot be had. */
export async function listen(options: ListenOptions): Promise<Listener> {
  const { host, clock, log, streams, tls } = options
  const server = serverOf(options)
  await bound(server, options)
  server.on('error', (error) => log.error('http.server', { error }))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : options.port
  const shownHost = host.includes(':') ? `[${host}]` : host
  log.info('http.listening', { host, port, tls: tls !== undefined })
  return {
    host,
    port,
    url: `${tls ? 'https' : 'http'}://${shownHost}:${port}`,
    useCertificate(certificate) {
      if (server instanceof TlsServer) server.setSecureContext(certificate)
    },
    close: () => closed(server, streams, clock),
  }
}

function serverOf({ fetch, tls }: ListenOptions): Server {
  const common = {
    requestTimeout: 0, // Node's 300 s would end slow uploads; IDLE_MS ends dead ones
    headersTimeout: HEAD_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: HEAD_BYTES_MAX,
  }
  const secure = tls !== undefined
  const answer = (request: Request, env: unknown) =>
    fetch(request, { ...(env as Bindings), secure })
  const server = tls
    ? createAdaptorServer({
        fetch: answer,
        createServer: createTlsServer,
        serverOptions: { ...common, ...tls },
      })
    : createAdaptorServer({ fetch: answer, createServer, serverOptions: common })
  if (!('closeAllConnections' in server)) throw new TypeError('The server speaks HTTP/2')
  server.timeout = IDLE_MS
  server.maxConnections = CONNECTIONS_MAX
  return server
}

function bound(server: Server, { host, port }: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      reject(new AppError('unavailable', sentence(`${host}:${port}`, cause), { cause }))
    })
    server.listen({ host, port }, () => {
      server.removeAllListeners('error')
      resolve()
    })
  })
}

function sentence(address: string, error: NodeJS.ErrnoException): string {
  const reasons: Record<string, string> = {
    EADDRINUSE: 'another program uses this port',
    EADDRNOTAVAIL: 'this machine does not have this address',
    EACCES: 'the system does not allow this port; take one above 1023',
    ENOTFOUND: 'there is no machine of this name',
  }
  return `Cannot listen on ${address}: ${reasons[error.code ?? ''] ?? error.message}`
}

async function closed(server: Server, streams: Pick<Streams, 'closeAll'>, clock: Clock) {
  const done = new Promise<void>((resolve) => server.close(() => resolve()))
  streams.closeAll()
  const cancel = clock.after(STOP_MS, () => server.closeAllConnections())
  await done
  cancel()
}
