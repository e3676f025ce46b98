/** Branches that serve TLS on loopback, and clients that know one root, or nothing. */

import type { IncomingMessage } from 'node:http'
import { get, request as httpsRequest } from 'node:https'
import { connect, type PeerCertificate } from 'node:tls'
import type { Branch } from '../../src/branch.ts'
import { pemOf } from '../../src/tls/x509.ts'
import { type Listener, listen } from '../../src/web/listen.ts'
import type { World } from '../../src/world/world.ts'

type Test = { after(fn: () => void | Promise<void>): void }

/** The listener of `serve`: certificates are taken as they come. */
export async function serveTls(t: Test, branch: Branch, { clock, log }: World): Promise<Listener> {
  const { fetch, streams, tls } = branch
  const common = { fetch, streams, clock, log, host: '127.0.0.1', port: 0 }
  const listener = await listen({ ...common, tls: tls?.current() })
  tls?.onChange(listener.useCertificate)
  t.after(() => listener.close())
  return listener
}

export type Answer = { status: number; headers: IncomingMessage['headers']; body: Buffer }

/** Asks a server by a name it need not be found under; without a root it believes anything. */
export function ask(
  { port }: Listener,
  path: string,
  of: {
    root?: Uint8Array | string | undefined
    name?: string
    method?: string
    headers?: Record<string, string>
    body?: string
  } = {},
): Promise<Answer> {
  const { root, name = 'localhost', method = 'GET', headers = {}, body } = of
  const ca = root === undefined || typeof root === 'string' ? root : pemOf(root)
  return new Promise((resolve, reject) => {
    const asked = httpsRequest(
      {
        ...{ host: '127.0.0.1', port, path, method, servername: name, agent: false },
        headers: { host: `${name}:${port}`, ...headers },
        ...(ca === undefined ? { rejectUnauthorized: false } : { ca }),
      },
      (response) => {
        const parts: Buffer[] = []
        response.on('data', (part: Buffer) => parts.push(part))
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(parts),
          }),
        )
      },
    )
    asked.on('error', reject)
    asked.end(body)
  })
}

/** What a listener shows now, whether anybody trusts it or not. */
export function shown({ port }: Listener): Promise<PeerCertificate> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate())
      socket.destroy()
    })
    socket.on('error', reject)
  })
}

/** An event stream of a listener: its headers have come, its bytes may. */
export function streamFrom(
  { port }: Listener,
  path: string,
  headers: Record<string, string>,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path, headers, rejectUnauthorized: false }
    get({ ...options, agent: false }, resolve).on('error', reject)
  })
}
