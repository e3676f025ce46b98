/**
 * Noise messages over a transport: u16 length and message, after a preface of the initiator. It holds at most one
 * message and what the system delivered with it; while nobody reads it stops the transport, so that a peer cannot fill
 * our memory faster than we work.
 */
import { Writer } from '../base/bytes.ts'
import { KIB } from '../base/units.ts'
import type { Transport } from '../world/network.ts'
import { NOISE_MESSAGE_BYTES_MAX } from './cipher.ts'

export const LENGTH_BYTES = 2
/** One message, and what the system reads at once. */
const STORE_BYTES_MAX = LENGTH_BYTES + NOISE_MESSAGE_BYTES_MAX + 64 * KIB

/** The transport ended before what was awaited came; `reason` is the system's word, or ours. */
class TransportClosed extends Error {
  override name = 'TransportClosed'

  constructor(reason: string) {
    super(`The transport was closed: ${reason}`)
  }
}

/** The peer announced more than may come here. */
class TooLong extends Error {
  override name = 'TooLong'
}

type Reading = {
  /** Takes what it needs of the buffer, or undefined when that has not come yet. */
  take: () => Uint8Array | undefined
  resolve: (bytes: Uint8Array) => void
  reject: (error: unknown) => void
}

export class Messages {
  readonly #transport: Transport
  #buffer: Uint8Array = new Uint8Array(0)
  /** What came in two pieces lies here while messages are taken at once: a file would leave the collector all of it. */
  #store: Uint8Array = new Uint8Array(0)
  #reading: Reading | undefined
  #onMessage: ((message: Uint8Array) => void) | undefined
  #isPaused = false
  #isDraining = false
  #closed: string | undefined
  received = 0
  sent = 0

  constructor(transport: Transport) {
    this.#transport = transport
    transport.onClose((reason) => this.#end(reason))
    transport.onBytes((bytes) => this.#add(bytes))
  }

  /** The next `length` bytes, as they are. */
  bytes(length: number): Promise<Uint8Array> {
    return this.#read(() => this.#cut(length))
  }

  /** The next message; rejects when it is announced longer than `bytesMax`. */
  next(bytesMax: number): Promise<Uint8Array> {
    return this.#read(() => this.#message(bytesMax))
  }

  /**
   * From now on every message goes to `fn`, one after the other, and holds until `fn` is done; between them `pause` may
   * be called.
   */
  each(fn: (message: Uint8Array) => void): void {
    this.#onMessage = fn
    this.#drain()
  }

  pause(): void {
    this.#isPaused = true
    this.#transport.pause()
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#drain()
    if (!this.#isPaused) this.#transport.resume()
  }

  /** Sends one message with its length before it. */
  send(message: Uint8Array): void {
    this.sendRaw(
      new Writer(LENGTH_BYTES + message.length).u16(message.length).bytes(message).done(),
    )
  }

  /** The same, where the message has left room for its length: nothing is copied. */
  sendPlaced(placed: Uint8Array): void {
    new DataView(placed.buffer, placed.byteOffset).setUint16(0, placed.length - LENGTH_BYTES)
    this.sendRaw(placed)
  }

  sendRaw(bytes: Uint8Array): void {
    this.sent += bytes.length
    this.#transport.send(bytes)
  }

  #read(take: () => Uint8Array | undefined): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      if (this.#closed !== undefined) return reject(new TransportClosed(this.#closed))
      this.#reading = { take, resolve, reject }
      this.#satisfy()
      if (this.#reading) this.#transport.resume()
    })
  }

  #add(bytes: Uint8Array): void {
    this.received += bytes.length
    this.#buffer = this.#buffer.length === 0 ? bytes : this.#joined(bytes)
    if (this.#onMessage) this.#drain()
    else {
      this.#satisfy()
      // Nobody waits for bytes now: what comes next stays with the system, and so with the sender.
      if (!this.#reading) this.#transport.pause()
    }
  }

  /** What is left of before, and these. `next` and `bytes` give away views of it, so they get one of their own. */
  #joined(bytes: Uint8Array): Uint8Array {
    const length = this.#buffer.length + bytes.length
    const isReused = this.#onMessage !== undefined && length <= STORE_BYTES_MAX
    if (isReused && this.#store.length < length) this.#store = new Uint8Array(STORE_BYTES_MAX)
    const whole = isReused ? this.#store.subarray(0, length) : new Uint8Array(length)
    whole.set(this.#buffer) // which may lie in the store itself: `set` copies as if over another place
    whole.set(bytes, this.#buffer.length)
    return whole
  }

  #satisfy(): void {
    const reading = this.#reading
    if (!reading) return
    try {
      const bytes = reading.take()
      if (!bytes) return
      this.#reading = undefined
      reading.resolve(bytes)
    } catch (error) {
      this.#reading = undefined
      reading.reject(error)
    }
  }

  #drain(): void {
    if (this.#isDraining) return // `fn` may resume us
    this.#isDraining = true
    try {
      while (!this.#isPaused && this.#closed === undefined) {
        const message = this.#message(NOISE_MESSAGE_BYTES_MAX)
        if (!message) break
        this.#onMessage?.(message)
      }
    } finally {
      this.#isDraining = false
    }
    if (!this.#isPaused) this.#transport.resume()
  }

  #message(bytesMax: number): Uint8Array | undefined {
    if (this.#buffer.length < LENGTH_BYTES) return undefined
    const length = ((this.#buffer[0] ?? 0) << 8) | (this.#buffer[1] ?? 0)
    if (length > bytesMax) throw new TooLong(`A message of ${length} bytes is too long here`)
    return this.#cut(LENGTH_BYTES + length)?.subarray(LENGTH_BYTES)
  }

  #cut(length: number): Uint8Array | undefined {
    if (this.#buffer.length < length) return undefined
    const bytes = this.#buffer.subarray(0, length)
    this.#buffer = this.#buffer.subarray(length)
    return bytes
  }

  #end(reason: string): void {
    this.#closed = reason
    this.#reading?.reject(new TransportClosed(reason))
    this.#reading = undefined
  }
}
