/**
 * The network of a run: lines between hosts with delay and bandwidth that never reorder, and what goes wrong with
 * them. A direction between two hosts is open, stalled (bytes wait, as TCP makes them) or black (bytes vanish, and the
 * line they vanished from is lost for ever, though nobody says so).
 */
import type { Millis } from '../../src/base/units.ts'
import type { Address, Datagrams, Listening, Network, Transport } from '../../src/world/network.ts'
import type { Chance } from './chance.ts'
import type { Timeline } from './timeline.ts'

export type Mode = 'open' | 'stalled' | 'black'

/** How bytes go from one host to another. */
export type Way = { delay: Millis; jitter: Millis; bytesPerMs: number; mode: Mode }

/** One life of a host, from its start to its crash. */
export type HostLife = { readonly host: string; isAlive: boolean }

const USUAL: Way = { delay: 4, jitter: 3, bytesPerMs: 2000, mode: 'open' }

type Accept = { life: HostLife; onTransport: (transport: Transport) => void }
type Ear = { life: HostLife; at: string; hear(bytes: Uint8Array, from: Address): void }
type Parcel = { bytes: Uint8Array } | { end: string }

export class SimNetwork {
  readonly timeline: Timeline
  readonly chance: Chance
  readonly #ways = new Map<string, Way>()
  readonly #listeners = new Map<string, Accept>()
  readonly #lines = new Set<Line>()
  readonly #ears = new Set<Ear>()

  constructor(timeline: Timeline, chance: Chance) {
    this.timeline = timeline
    this.chance = chance
  }

  way(from: string, to: string): Way {
    const key = `${from}>${to}`
    const known = this.#ways.get(key)
    if (known) return known
    const way = { ...USUAL, delay: this.chance.between(1, 25) }
    this.#ways.set(key, way)
    return way
  }

  /** Changes one direction; what was stalled flows when it opens. */
  setWay(from: string, to: string, change: Partial<Way>): void {
    Object.assign(this.way(from, to), change)
    for (const line of this.#lines) line.flush()
  }

  /** All directions as on a good day. */
  heal(): void {
    for (const key of this.#ways.keys()) {
      const [from = '', to = ''] = key.split('>')
      this.setWay(from, to, USUAL)
    }
  }

  /** Ends the lines between two hosts with a word to both, as a router does that was restarted. */
  cut(a: string, b: string): void {
    for (const line of this.#lines) if (line.joins(a, b)) line.reset()
  }

  /** A host is gone. Loud: its system tells the others; silent: nobody is told. */
  kill(life: HostLife, isLoud: boolean): void {
    for (const [key, accept] of this.#listeners) {
      if (accept.life === life) this.#listeners.delete(key)
    }
    for (const ear of this.#ears) if (ear.life === life) this.#ears.delete(ear)
    for (const line of this.#lines) line.hostDied(life, isLoud)
  }

  /** Whether somebody answers at that host now. */
  isUp(host: string): boolean {
    for (const { life } of this.#listeners.values()) if (life.host === host) return true
    return false
  }

  forget(line: Line): void {
    this.#lines.delete(line)
  }

  /** The network as one life of a host sees it. */
  door(life: HostLife): Network {
    return {
      listen: async (address, onTransport) => this.#listen(life, address, onTransport),
      dial: (address, timeoutMs) => this.#dial(life, address, timeoutMs),
      datagrams: async (address, hear) => this.#hear(life, address, hear),
      askLocal: () => Promise.reject(systemError('ECONNREFUSED')),
      interfaces: () => [{ name: 'eth0', address: life.host, cidr: `${life.host}/24` }],
    }
  }

  #listen(life: HostLife, address: Address, onTransport: Accept['onTransport']): Listening {
    const key = `${address.host}:${address.port}`
    if (!life.isAlive) return { address, close: () => {} }
    if (this.#listeners.has(key)) throw systemError('EADDRINUSE')
    const accept = { life, onTransport }
    this.#listeners.set(key, accept)
    const close = () => {
      if (this.#listeners.get(key) === accept) this.#listeners.delete(key)
    }
    return { address, close }
  }

  #hear(life: HostLife, { host, port }: Address, hear: Ear['hear']): Datagrams {
    const ear = { life, at: `${host}:${port}`, hear }
    if (life.isAlive) this.#ears.add(ear)
    return {
      send: (bytes, to) => this.#say(life, bytes.slice(), `${to.host}:${to.port}`),
      close: () => void this.#ears.delete(ear),
    }
  }

  /** To everybody who hears there, by the way to each: a way that is not open loses it. */
  #say(life: HostLife, bytes: Uint8Array, to: string): void {
    if (!life.isAlive) return
    for (const ear of this.#ears) {
      if (ear.at !== to) continue
      const way = this.way(life.host, ear.life.host)
      const delay = way.delay + Math.round(way.jitter * this.chance.chance())
      this.timeline.after(delay, () => {
        if (way.mode !== 'open' || !this.#ears.has(ear)) return
        this.timeline.mix(bytes)
        ear.hear(bytes, { host: life.host, port: 40_000 })
      })
    }
  }

  #dial(life: HostLife, address: Address, timeoutMs: Millis): Promise<Transport> {
    const { promise, resolve, reject } = Promise.withResolvers<Transport>()
    if (!life.isAlive) return promise
    const there = this.way(life.host, address.host)
    const back = this.way(address.host, life.host)
    const settle = (fn: () => void) => () => {
      if (life.isAlive) fn()
    }
    this.timeline.after(there.delay, () => {
      if (there.mode !== 'open' || back.mode !== 'open') {
        this.timeline.after(
          timeoutMs,
          settle(() => reject(systemError('ETIMEDOUT'))),
        )
        return
      }
      const accept = this.#listeners.get(`${address.host}:${address.port}`)
      if (!accept) {
        this.timeline.after(
          back.delay,
          settle(() => reject(systemError('ECONNREFUSED'))),
        )
        return
      }
      const line = new Line(this, life, accept.life)
      this.#lines.add(line)
      this.timeline.note(`line ${life.host}>${address.host}`)
      this.timeline.after(
        back.delay,
        settle(() => resolve(line.a)),
      )
      accept.onTransport(line.b)
    })
    return promise
  }
}

class Line {
  readonly network: SimNetwork
  readonly a: End
  readonly b: End
  /** Bytes of it vanished: nothing that comes later can arrive. */
  isLost = false

  constructor(network: SimNetwork, caller: HostLife, called: HostLife) {
    this.network = network
    this.a = new End(this, caller, called)
    this.b = new End(this, called, caller)
    this.a.peer = this.b
    this.b.peer = this.a
  }

  joins(a: string, b: string): boolean {
    const hosts = [this.a.life.host, this.b.life.host]
    return hosts.includes(a) && hosts.includes(b)
  }

  reset(): void {
    this.a.finish('ECONNRESET')
    this.b.finish('ECONNRESET')
  }

  hostDied(life: HostLife, isLoud: boolean): void {
    for (const end of [this.a, this.b]) {
      if (end.life !== life) continue
      if (isLoud) end.sayReset()
      end.die()
    }
  }

  flush(): void {
    this.a.flush()
    this.b.flush()
  }

  ended(): void {
    if (this.a.isFinished && this.b.isFinished) this.network.forget(this)
  }
}

class End implements Transport {
  readonly life: HostLife
  readonly remote: string
  peer: End | undefined
  readonly #line: Line
  readonly #way: () => Way
  #waiting = 0
  #busyUntil = 0
  #lastArrival = 0
  /** Sent while the way was stalled. */
  readonly #held: Parcel[] = []
  #isFlushing = false
  readonly #inbox: Parcel[] = []
  #onBytes: ((bytes: Uint8Array) => void) | undefined
  #onDrain: (() => void)[] = []
  #onClose: ((reason: string) => void)[] = []
  #closed: string | undefined
  #isEnding = false
  #isPaused = false

  constructor(line: Line, life: HostLife, other: HostLife) {
    this.#line = line
    this.life = life
    this.remote = other.host
    this.#way = () => line.network.way(life.host, other.host)
  }

  get waiting(): number {
    return this.#waiting
  }

  get isFinished(): boolean {
    return this.#closed !== undefined
  }

  get #timeline(): Timeline {
    return this.#line.network.timeline
  }

  send(bytes: Uint8Array): void {
    if (this.#closed !== undefined || this.#isEnding) return
    this.#waiting += bytes.length
    this.#post({ bytes: bytes.slice() })
  }

  /** Hands a parcel to the system, which sends one after the other. */
  #post(parcel: Parcel): void {
    const size = 'bytes' in parcel ? parcel.bytes.length : 0
    const now = this.#timeline.now
    this.#busyUntil = Math.max(now, this.#busyUntil) + size / this.#way().bytesPerMs
    this.#timeline.after(this.#busyUntil - now, () => {
      this.#waiting -= size
      if (this.#waiting === 0) this.#drained()
      this.#travel(parcel)
    })
  }

  #travel(parcel: Parcel): void {
    const { delay, jitter } = this.#way()
    const chance = this.#line.network.chance.chance()
    const now = this.#timeline.now
    // Never before what was sent earlier: TCP keeps the order.
    this.#lastArrival = Math.max(this.#lastArrival, now + delay + Math.round(jitter * chance))
    this.#timeline.after(this.#lastArrival - now, () => this.#arrive(parcel))
  }

  #arrive(parcel: Parcel): void {
    const { mode } = this.#way()
    if (mode === 'black') this.#line.isLost = true
    if (this.#line.isLost) return
    if (mode === 'stalled' || this.#held.length > 0) this.#held.push(parcel)
    else this.#deliver(parcel)
  }

  /** The way may be open again. */
  flush(): void {
    const { mode } = this.#way()
    if (this.#held.length === 0 || this.#isFlushing || mode === 'stalled') return
    this.#isFlushing = true
    this.#timeline.after(0, () => {
      this.#isFlushing = false
      if (this.#way().mode === 'stalled') return
      const parcel = this.#held.shift()
      if (this.#way().mode === 'black') this.#line.isLost = true
      if (parcel && !this.#line.isLost) this.#deliver(parcel)
      this.flush() // one after the other: what arrives meanwhile waits behind them
    })
  }

  #deliver(parcel: Parcel): void {
    const peer = this.peer
    if (!peer) return
    if (!peer.life.isAlive) {
      // A system that came up again knows nothing of the line and says so.
      if (this.#line.network.isUp(peer.life.host)) this.finish('ECONNRESET')
      return
    }
    peer.take(parcel)
  }

  take(parcel: Parcel): void {
    if (this.#closed !== undefined) return
    if ('end' in parcel && parcel.end === 'ECONNRESET') this.finish(parcel.end)
    else {
      this.#inbox.push(parcel)
      this.#read()
    }
  }

  #read(): void {
    while (!this.#isPaused && this.#onBytes && this.#closed === undefined && this.life.isAlive) {
      const parcel = this.#inbox.shift()
      if (!parcel) return
      if ('end' in parcel) this.#ended()
      else {
        this.#timeline.mix(parcel.bytes)
        this.#onBytes(parcel.bytes)
      }
    }
  }

  /** The other side has said everything. */
  #ended(): void {
    this.close()
    this.finish('closed')
  }

  onBytes(fn: (bytes: Uint8Array) => void): void {
    this.#onBytes = fn
    this.#timeline.after(0, () => this.#read())
  }

  onDrain(fn: () => void): void {
    this.#onDrain.push(fn)
    if (this.#waiting === 0) this.#timeline.after(0, () => this.#drained())
  }

  #drained(): void {
    if (!this.life.isAlive || this.#waiting > 0) return
    for (const fn of this.#onDrain.splice(0)) fn()
  }

  onClose(fn: (reason: string) => void): void {
    if (this.#closed === undefined) this.#onClose.push(fn)
    else fn(this.#closed)
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.#timeline.after(0, () => this.#read())
  }

  close(hard?: boolean): void {
    if (this.#closed !== undefined || !this.life.isAlive) return
    if (hard) {
      this.sayReset()
      this.#timeline.after(0, () => this.finish('closed'))
    } else if (!this.#isEnding) this.#post({ end: 'closed' })
    this.#isEnding = true
  }

  sayReset(): void {
    if (this.#closed === undefined) this.#travel({ end: 'ECONNRESET' })
  }

  /** Its process is gone: nothing is called any more. */
  die(): void {
    this.#closed = 'dead'
    this.#onClose = []
    this.#onDrain = []
    this.#onBytes = undefined
    this.#line.ended()
  }

  finish(reason: string): void {
    if (this.#closed !== undefined || !this.life.isAlive) return
    this.#closed = reason
    for (const fn of this.#onClose.splice(0)) fn(reason)
    this.#line.ended()
  }
}

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code })
}
