/**
 * The door to the network of branches: plain byte transports, datagrams at a broadcast address, and questions to a
 * service of this machine. A transport delivers bytes in order or closes; it knows nothing of frames. Nagle is off: the
 * relay decides itself what goes together.
 */
import { createSocket } from 'node:dgram'
import { get } from 'node:http'
import { BlockList, connect, createServer, isIP, type Server, type Socket } from 'node:net'
import { hostname, networkInterfaces } from 'node:os'

export type Address = { host: string; port: number }

export type Transport = {
  readonly remote: string
  /** Bytes handed to the system and not yet taken by it: the measure of back-pressure. */
  readonly waiting: number
  send(bytes: Uint8Array): void
  onBytes(fn: (bytes: Uint8Array) => void): void
  /** Called once when the system has taken what was waiting; in a later turn when nothing waits. */
  onDrain(fn: () => void): void
  /** Called once; `reason` is the system's word. Called at once if it is closed already. */
  onClose(fn: (reason: string) => void): void
  /** Stops reading until `resume`. */
  pause(): void
  resume(): void
  /** Ends it; what was sent goes out first unless `hard`. */
  close(hard?: boolean): void
}

export type Listening = { address: Address; close(): void }

export type Datagrams = {
  /** What cannot be sent is lost without a word, as what is lost on the way. */
  send(bytes: Uint8Array, to: Address): void
  close(): void
}

/** A GET to a service of this machine. */
export type LocalQuestion = {
  port: number
  path: string
  headers: Readonly<Record<string, string>>
  timeoutMs: number
  /** A longer answer is an error. */
  bytesMax: number
}

export type LocalAnswer = { status: number; body: Uint8Array }

export type Network = {
  /** Rejects with the system's error (`code` EADDRINUSE, EADDRNOTAVAIL ...). */
  listen(address: Address, onTransport: (transport: Transport) => void): Promise<Listening>
  /** Rejects when there is no answer within `timeoutMs`. */
  dial(address: Address, timeoutMs: number): Promise<Transport>
  /**
   * Hears what is sent to an IPv4 broadcast address, and sends. Several processes of a machine may share the address.
   * Rejects as `listen` does.
   */
  datagrams(
    address: Address,
    onDatagram: (bytes: Uint8Array, from: Address) => void,
  ): Promise<Datagrams>
  /** Asks over HTTP at 127.0.0.1; rejects when there is no whole answer in time. */
  askLocal(question: LocalQuestion): Promise<LocalAnswer>
  /** Addresses of this machine by interface name; `cidr` is the address with the length of its subnet's prefix. */
  interfaces(): { name: string; address: string; cidr?: string }[]
}

/** What this machine calls itself: part of the settings' defaults, not of the network that a simulator cuts. */
export function machineName(): string {
  return hostname()
}

/** More pending connections than this wait in the system: strangers must not fill our memory. */
const CONNECTIONS_MAX = 256

export const realNetwork: Network = {
  listen(address, onTransport) {
    return new Promise((resolve, reject) => {
      const server: Server = createServer({ noDelay: true, keepAlive: true }, (socket) => {
        onTransport(transportOf(socket))
      })
      server.maxConnections = CONNECTIONS_MAX
      server.once('error', reject)
      server.listen({ host: address.host, port: address.port }, () => {
        const bound = server.address()
        const port = typeof bound === 'object' && bound ? bound.port : address.port
        resolve({ address: { host: address.host, port }, close: () => server.close() })
      })
    })
  },
  dial: ({ host, port }, timeoutMs) => connected(connect({ host, port, noDelay: true }), timeoutMs),
  datagrams(address, onDatagram) {
    return new Promise((resolve, reject) => {
      // Bound to the broadcast address itself, a socket hears broadcasts alone and never what is sent to the host.
      const socket = createSocket({ type: 'udp4', reuseAddr: true })
      socket.once('error', reject)
      socket.bind({ address: address.host, port: address.port }, () => {
        socket.off('error', reject)
        socket.on('error', () => {}) // an interface that goes away; the next datagram may pass again
        socket.setBroadcast(true)
        socket.on('message', (bytes, { address: host, port }) => onDatagram(bytes, { host, port }))
        resolve({
          send: (bytes, to) => socket.send(bytes, to.port, to.host, () => {}),
          close: () => void socket.close(),
        })
      })
    })
  },
  askLocal: ({ port, path, headers, timeoutMs, bytesMax }) =>
    new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port, path, headers, agent: false } as const
      const request = get(options, (response) => {
        const parts: Uint8Array[] = []
        let bytes = 0
        response.on('data', (part: Uint8Array) => {
          bytes += part.length
          parts.push(part)
          if (bytes <= bytesMax) return
          reject(new Error('EMSGSIZE'))
          request.destroy()
        })
        response.on('error', reject)
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts) }),
        )
      })
      const timer = setTimeout(() => request.destroy(new Error('ETIMEDOUT')), timeoutMs)
      request.on('error', reject)
      request.on('close', () => clearTimeout(timer))
    }),
  interfaces() {
    return Object.entries(networkInterfaces()).flatMap(([name, list]) =>
      (list ?? []).map(({ address, cidr }) => ({ name, address, ...(cidr ? { cidr } : {}) })),
    )
  },
}

/** A socket that is connecting, as soon as it is; rejects with the system's error, or ETIMEDOUT. */
export function connected(socket: Socket, timeoutMs: number): Promise<Transport> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => socket.destroy(new Error('ETIMEDOUT')), timeoutMs)
    socket.once('error', reject)
    socket.once('close', () => clearTimeout(timer))
    socket.once('connect', () => {
      clearTimeout(timer)
      socket.off('error', reject)
      resolve(transportOf(socket))
    })
  })
}

/** A socket of the system as the relay and the scanners see it. */
function transportOf(socket: Socket): Transport {
  let closed: string | undefined
  const onClose: ((reason: string) => void)[] = []
  let failure = 'closed'
  const onDrain: (() => void)[] = []
  // Not the event 'drain': it comes only after more than the stream's own mark was waiting.
  const taken = () => {
    if (socket.writableLength === 0) for (const fn of onDrain.splice(0)) fn()
  }
  socket.on('error', (error) => {
    failure = 'code' in error ? String(error.code) : error.message
  })
  socket.on('close', () => {
    closed = failure
    for (const fn of onClose.splice(0)) fn(failure)
  })
  return {
    remote: socket.remoteAddress ?? '',
    get waiting() {
      return socket.writableLength
    },
    send(bytes) {
      if (socket.writable) socket.write(bytes, taken)
    },
    onBytes: (fn) => void socket.on('data', (chunk) => fn(chunk as Uint8Array)),
    onDrain(fn) {
      onDrain.push(fn)
      if (socket.writableLength === 0) setImmediate(taken)
    },
    onClose: (fn) => (closed === undefined ? void onClose.push(fn) : fn(closed)),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    close: (hard) => (hard ? void socket.destroy() : void socket.end()),
  }
}

/** Whether an address lies in one of the ranges, as `10.1.7.0/24,fd00::1`; undefined for what is no such list. */
export function addressRanges(text: string): ((address: string) => boolean) | undefined {
  const ranges = new BlockList()
  for (const part of text.split(',').map((each) => each.trim())) {
    const [host = '', prefix, ...more] = part.split('/')
    const family = isIP(host) === 6 ? 'ipv6' : 'ipv4'
    const bits = prefix === undefined ? (family === 'ipv6' ? 128 : 32) : Number(prefix)
    const isWhole = /^\d{1,3}$/.test(prefix ?? '0') && bits <= (family === 'ipv6' ? 128 : 32)
    if (isIP(host) === 0 || !isWhole || more.length > 0) return undefined
    ranges.addSubnet(host, bits, family)
  }
  return (address) => {
    const plain = address.replace(/^::ffff:(?=\d+\.)/i, '') // an IPv4 caller at an IPv6 socket
    const family = isIP(plain)
    return family !== 0 && ranges.check(plain, family === 6 ? 'ipv6' : 'ipv4')
  }
}
