/**
 * Small files (photos) over one link: asked for by the first 16 bytes of their SHA-256, sent in bulk class, checked by
 * whoever asked against the whole hash. Both sides hold bounded memory; a stalled answer fails, a slow one does not.
 */
import { hash } from 'node:crypto'
import { AppError } from '../base/errors.ts'
import type { BranchId } from '../base/ids.ts'
import { KIB, MINUTE, type Millis, SECOND } from '../base/units.ts'
import type { Cancel, Clock } from '../world/clock.ts'
import type { Log } from '../world/log.ts'
import { FLAG_MORE, FRAME, type Frame, frame, ProtocolClose } from './frames.ts'
import {
  CHUNK_DATA_BYTES_MAX,
  decodeChunk,
  decodeChunkWant,
  encodeChunk,
  encodeChunkWant,
  encodeCredit,
} from './payloads.ts'

/** A photo is at most 24 KiB; larger things are files and have a protocol of their own. */
const BLOB_BYTES_MAX = 64 * KIB
/** Nothing came of any file for so long: the callers try another time. */
const BLOB_STALL_MS: Millis = 30 * SECOND
/** A page of faces takes five minutes over 64 kbit/s. Bytes that come one by one must not be waited for without end. */
const BLOB_MS_MAX: Millis = 30 * MINUTE
/** Wants of a peer that wait here: a page of faces. The rest is not answered. */
const SERVED_MAX = 64
const FETCHED_MAX = 64
const GRANT_BYTES = 64 * KIB

type Fetching = {
  askedAt: Millis
  parts: Uint8Array[]
  bytes: number
  resolve(bytes: Uint8Array | undefined): void
  reject(error: unknown): void
  promise: Promise<Uint8Array | undefined>
}

type BlobParts = {
  clock: Clock
  send(frame: Frame): void
  blobOf(file: string): Promise<Uint8Array | undefined>
  onError(error: unknown): void
}

export class Blobs {
  readonly #parts: BlobParts
  readonly #fetching = new Map<string, Fetching>()
  readonly #wanted: string[] = []
  #isServing = false
  #credit = 0
  #wake: (() => void) | undefined
  #toGrant = 0
  #isEnded = false
  /** One for all: they come one after the other, and on a slow line the last of them begins late. */
  #stall: Cancel = () => {}

  constructor(parts: BlobParts) {
    this.#parts = parts
  }

  /** The file, or undefined when the peer does not hold it; rejects when the link ends or nothing comes. */
  fetch(file: string): Promise<Uint8Array | undefined> {
    const known = this.#fetching.get(file)
    if (known) return known.promise
    if (this.#isEnded) return Promise.reject(unavailable('The link is gone'))
    if (this.#fetching.size >= FETCHED_MAX) return Promise.reject(unavailable('Too many at once'))
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array | undefined>()
    const askedAt = this.#parts.clock.now()
    this.#fetching.set(file, { askedAt, parts: [], bytes: 0, promise, resolve, reject })
    if (this.#fetching.size === 1) this.#awaitMore()
    this.#parts.send(frame(FRAME.CHUNK_WANT, encodeChunkWant(file)))
    return promise
  }

  /** A frame CHUNK_WANT or CHUNK of the peer. */
  received(received: Frame): void {
    if (received.type === FRAME.CHUNK_WANT) this.#want(decodeChunkWant(received.payload))
    else this.#chunk(received)
  }

  credit(bytes: number): void {
    this.#credit += bytes
    this.#wake?.()
  }

  end(): void {
    this.#isEnded = true
    this.#wake?.()
    this.#failAll('The link is gone')
  }

  #want(file: string): void {
    if (this.#wanted.length >= SERVED_MAX) return
    this.#wanted.push(file)
    if (this.#isServing) return
    this.#isServing = true
    this.#serve().catch(this.#parts.onError)
  }

  async #serve(): Promise<void> {
    for (;;) {
      const file = this.#wanted.shift()
      if (file === undefined || this.#isEnded) break
      const blob = await this.#parts.blobOf(file)
      const bytes = blob && blob.length <= BLOB_BYTES_MAX ? blob : new Uint8Array(0)
      let offset = 0
      do {
        const data = bytes.subarray(offset, offset + CHUNK_DATA_BYTES_MAX)
        const payload = encodeChunk({ file, offset, data })
        await this.#spend(payload.length)
        if (this.#isEnded) return
        offset += data.length
        this.#parts.send(frame(FRAME.CHUNK, payload, offset < bytes.length ? FLAG_MORE : 0))
      } while (offset < bytes.length)
    }
    this.#isServing = false
  }

  async #spend(bytes: number): Promise<void> {
    while (this.#credit < bytes && !this.#isEnded) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    this.#credit -= bytes
  }

  #chunk(received: Frame): void {
    this.#grant(received.payload.length)
    const { file, offset, data } = decodeChunk(received.payload)
    const fetching = this.#fetching.get(file)
    if (!fetching) return // given up meanwhile
    if (offset !== fetching.bytes || fetching.bytes + data.length > BLOB_BYTES_MAX) {
      throw new ProtocolClose('out-of-turn', 'A chunk is not the next one, or one too many')
    }
    if (this.#parts.clock.now() - fetching.askedAt > BLOB_MS_MAX) {
      this.#failAll('Too slow')
      return
    }
    // Only what was asked for counts as a sign of life: else a peer could keep a file waited for without end.
    this.#awaitMore()
    fetching.parts.push(data)
    fetching.bytes += data.length
    if (received.flags & FLAG_MORE) {
      if (data.length === 0) throw new ProtocolClose('bad-frame', 'An empty chunk is the last one')
      return
    }
    this.#fetching.delete(file)
    if (this.#fetching.size === 0) this.#stall()
    fetching.resolve(fetching.bytes > 0 ? joined(fetching.parts, fetching.bytes) : undefined)
  }

  #grant(bytes: number): void {
    this.#toGrant += bytes
    if (this.#toGrant < GRANT_BYTES) return
    this.#parts.send(frame(FRAME.CREDIT, encodeCredit({ class: 3, bytes: this.#toGrant })))
    this.#toGrant = 0
  }

  #awaitMore(): void {
    this.#stall()
    if (this.#fetching.size === 0) return
    this.#stall = this.#parts.clock.after(BLOB_STALL_MS, () => this.#failAll('Nothing came'))
  }

  #failAll(why: string): void {
    this.#stall()
    for (const { reject } of this.#fetching.values()) reject(unavailable(why))
    this.#fetching.clear()
  }
}

function unavailable(why: string): AppError {
  return new AppError('unavailable', `Cannot fetch a file from another branch: ${why}`)
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** A small file of a peer, if it is what its hash says. */
export async function fetchChecked(
  link: { peer: BranchId; fetchBlob(file: string): Promise<Uint8Array | undefined> },
  sha256: string,
  log: Log,
): Promise<Uint8Array | undefined> {
  const bytes = await link.fetchBlob(sha256.slice(0, 32))
  if (!bytes || hash('sha256', bytes, 'hex') === sha256) return bytes
  log.warn('relay.blob.wrong', { peer: link.peer, sha256 })
  return undefined
}
