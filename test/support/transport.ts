/**
 * A network in memory: transports without delay that can be cut, paused and altered. Bytes arrive in a later turn of
 * the event loop, as they do from a socket; each `send` is one delivery, so tests can cut at every message boundary.
 * Datagrams reach everybody who hears their address, in a later turn too.
 */
import type { Address, Network, Transport } from '../../src/world/network.ts'

/** What a test may do to bytes on their way; returning undefined cuts the line instead of delivering them. */
export type OnWay = (bytes: Uint8Array, wire: Wire) => Uint8Array | undefined

export type Wire = {
  cut(): void
  readonly deliveries: number
  /** The machines at its ends: who called, and who answered. */
  readonly hosts: readonly [string, string]
}

class End implements Transport {
  readonly remote: string
  peer: End | undefined
  readonly #wire: MemoryWire
  readonly #inbox: Uint8Array[] = []
  readonly #closing: ((reason: string) => void)[] = []
  #onBytes: ((bytes: Uint8Array) => void) | undefined
  #isPaused = false
  #isEnding = false
  #closed: string | undefined

  constructor(remote: string, wire: MemoryWire) {
    this.remote = remote
    this.#wire = wire
  }

  /** Bytes the other side has not taken: what a socket would hold. */
  get waiting(): number {
    return this.peer?.inboxBytes ?? 0
  }

  get inboxBytes(): number {
    return this.#inbox.reduce((sum, bytes) => sum + bytes.length, 0)
  }

  send(bytes: Uint8Array): void {
    if (this.#closed !== undefined || this.#isEnding) return
    this.peer?.arrive(bytes.slice())
  }

  arrive(bytes: Uint8Array): void {
    this.#inbox.push(bytes)
    setImmediate(() => this.#deliver())
  }

  #deliver(): void {
    while (!this.#isPaused && this.#onBytes && this.#closed === undefined) {
      const bytes = this.#inbox.shift()
      if (!bytes) break
      const passed = this.#wire.passed(bytes)
      if (passed) this.#onBytes(passed)
      this.peer?.drained()
    }
    if (this.#inbox.length === 0 && this.#isFinished) this.finish('closed')
  }

  get #isFinished(): boolean {
    return this.peer?.isEnding ?? false
  }

  get isEnding(): boolean {
    return this.#isEnding
  }

  readonly #draining: (() => void)[] = []

  drained(): void {
    if (this.waiting > 0) return
    for (const fn of this.#draining.splice(0)) setImmediate(fn)
  }

  onBytes(fn: (bytes: Uint8Array) => void): void {
    this.#onBytes = fn
    setImmediate(() => this.#deliver())
  }

  onDrain(fn: () => void): void {
    this.#draining.push(fn)
    setImmediate(() => this.drained())
  }

  onClose(fn: (reason: string) => void): void {
    if (this.#closed === undefined) this.#closing.push(fn)
    else fn(this.#closed)
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    setImmediate(() => this.#deliver())
  }

  close(hard?: boolean): void {
    if (this.#closed !== undefined) return
    this.#isEnding = true
    const { peer } = this
    if (hard) {
      this.finish('closed')
      if (peer) setImmediate(() => peer.finish('ECONNRESET'))
    } else if (peer) setImmediate(() => peer.resume()) // it ends when it has read everything
  }

  finish(reason: string): void {
    if (this.#closed !== undefined) return
    this.#closed = reason
    for (const fn of this.#closing.splice(0)) fn(reason)
    const { peer } = this
    if (peer) setImmediate(() => peer.finish('closed'))
  }
}

class MemoryWire implements Wire {
  readonly a: End
  readonly b: End
  readonly hosts: readonly [string, string]
  deliveries = 0
  readonly #onWay: OnWay

  constructor(onWay: OnWay, remotes: { a: string; b: string }) {
    this.#onWay = onWay
    this.hosts = [remotes.a, remotes.b]
    this.a = new End(remotes.b, this)
    this.b = new End(remotes.a, this)
    this.a.peer = this.b
    this.b.peer = this.a
  }

  passed(bytes: Uint8Array): Uint8Array | undefined {
    this.deliveries += 1
    const passed = this.#onWay(bytes, this)
    if (!passed) this.cut()
    return passed
  }

  /** As when a cable is pulled: both sides lose what was on the way. */
  cut(): void {
    this.a.finish('ECONNRESET')
    this.b.finish('ECONNRESET')
  }
}

/** Two ends of one line. */
export function transportPair(onWay: OnWay = (bytes) => bytes): {
  a: Transport
  b: Transport
  wire: Wire
} {
  const wire = new MemoryWire(onWay, { a: '10.0.0.1', b: '10.0.0.2' })
  return { a: wire.a, b: wire.b, wire }
}

export type MemoryNetwork = Network & {
  /** The door of one machine of this network. */
  door(host: string): Network
  cutAll(): void
  /** Whether new lines can be made. */
  isUp: boolean
  /** What happens to bytes on lines made from now on. */
  onWay: OnWay
  /** Every datagram that was sent, in order. */
  readonly sent: Datagram[]
  /** Sends a datagram as anybody might. */
  say(datagram: Datagram): void
}

export type Datagram = { from: Address; to: Address; bytes: Uint8Array }

/** A network of machines: `host:port` leads to whoever listens there. */
export function memoryNetwork(): MemoryNetwork {
  const listeners = new Map<string, (transport: Transport) => void>()
  const wires = new Set<MemoryWire>()
  const hearing = new Set<{ at: string; hear(bytes: Uint8Array, from: Address): void }>()
  const sent: Datagram[] = []
  const say = ({ from, to, bytes }: Datagram) => {
    const copy = bytes.slice()
    setImmediate(() => {
      for (const { at, hear } of hearing) if (network.isUp && at === key(to)) hear(copy, from)
    })
  }
  const key = ({ host, port }: Address) => `${host}:${port}`
  const door = (from: string): Network => ({
    async listen(address, onTransport) {
      if (listeners.has(key(address))) throw systemError('EADDRINUSE')
      listeners.set(key(address), onTransport)
      return { address, close: () => void listeners.delete(key(address)) }
    },
    async dial(address) {
      const onTransport = listeners.get(key(address))
      if (!onTransport || !network.isUp) throw systemError('ECONNREFUSED')
      const wire = new MemoryWire((bytes, self) => network.onWay(bytes, self), {
        a: from,
        b: address.host,
      })
      wires.add(wire)
      onTransport(wire.b)
      return wire.a
    },
    async datagrams(address, hear) {
      const ear = { at: key(address), hear }
      hearing.add(ear)
      return {
        send(bytes, to) {
          const datagram = { from: { host: from, port: 40_000 }, to, bytes }
          sent.push(datagram)
          say(datagram)
        },
        close: () => void hearing.delete(ear),
      }
    },
    askLocal: () => Promise.reject(systemError('ECONNREFUSED')),
    interfaces: () => [{ name: 'eth0', address: from, cidr: `${from}/24` }],
  })
  const network: MemoryNetwork = {
    ...door('10.0.0.99'),
    door,
    isUp: true,
    onWay: (bytes) => bytes,
    sent,
    say,
    cutAll() {
      for (const wire of wires) wire.cut()
      wires.clear()
    },
  }
  return network
}

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code })
}
