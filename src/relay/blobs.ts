/**
 * Files over one link: small ones whole, large ones chunk by chunk, asked for by hash and sent in bulk class. The asker
 * checks what came. Both sides hold bounded memory; a stalled answer fails, a slow one does not. What another branch
 * holds is passed on as it comes. docs/protocol.md, section 12.
 */
import { hash } from 'node:crypto'
import { Writer } from '../base/bytes.ts'
import { AppError } from '../base/errors.ts'
import type { BranchId } from '../base/ids.ts'
import { KIB, MIB, MINUTE, type Millis } from '../base/units.ts'
import type { Cancel, Clock } from '../world/clock.ts'
import type { Log } from '../world/log.ts'
import { Ceiling, type FileRate } from './ceiling.ts'
import {
  CHUNK_DATA_BYTES_MAX,
  CHUNK_HEADER_BYTES,
  type ChunkWant,
  chunkFrame,
  decodeChunk,
  decodeChunkWant,
  encodeChunkWant,
  WHOLE,
} from './chunks.ts'
import { FLAG_MORE, FRAME, type Frame, frame, ProtocolClose } from './frames.ts'
import { encodeCredit } from './payloads.ts'

/** A photo is at most 24 KiB, a list of 2,048 chunks 12 bytes more than 64 KiB. */
export const SMALL_BYTES_MAX = 64 * KIB + 12
/** The longest chunk, of a file of 16 GiB, with its code. */
export const CHUNK_BYTES_MAX = 8 * MIB + 16
/** Nothing came of anything for so long: the callers try another time, or another branch. */
const STALL_MS: Millis = MINUTE
/** A page of faces takes five minutes over 64 kbit/s. Small things that come byte by byte are given up some time. */
const SMALL_MS_MAX: Millis = 30 * MINUTE
/** Wants of a peer that wait here: a page of faces. The rest is not answered. */
const SERVED_MAX = 64
const FETCHED_MAX = 64
const GRANT_BYTES = 64 * KIB

/** A part as it came; the last one ends the chunk. */
export type OnPiece = (data: Uint8Array, isLast: boolean) => void

/** Of what is asked for: more bytes than these end the link. */
export type Fetch = ChunkWant & { bytesMax: number }

type Fetching = {
  want: Fetch
  askedAt: Millis
  whole: Writer
  bytes: number
  listeners: OnPiece[]
  resolve(bytes: Uint8Array | undefined): void
  reject(error: unknown): void
  promise: Promise<Uint8Array | undefined>
}

export type BlobSource = {
  /** The whole of a small thing (index 0), or a chunk, as it is held here. */
  blobOf(file: string, index: number, to: BranchId): Promise<Uint8Array | undefined>
  fileRate: FileRate
}

type BlobParts = BlobSource & {
  peer: BranchId
  clock: Clock
  send(frame: Frame): void
  /** Whether so few bytes of files wait on this link that more may be handed over: that stands before later photos. */
  hasRoom(): boolean
  /** What is not here, from the branch that the peer named. */
  pass(want: ChunkWant, onPiece: OnPiece): Promise<unknown>
  /** What is held could not be read: it counts as not here. */
  onUnread(error: unknown): void
  onError(error: unknown): void
}

export class Blobs {
  readonly #parts: BlobParts
  readonly #fetching = new Map<string, Fetching>()
  readonly #small: ChunkWant[] = []
  readonly #chunks: ChunkWant[] = []
  #ahead: { want: ChunkWant; bytes: Promise<Uint8Array | undefined> } | undefined
  readonly #in: Ceiling
  readonly #out: Ceiling
  #isServing = false
  #credit = 0
  #wake: (() => void) | undefined
  #toGrant = 0
  #isEnded = false
  /** One for all: they come one after the other, and on a slow line the last of them begins late. */
  #stall: Cancel = () => {}

  constructor(parts: BlobParts) {
    this.#parts = parts
    this.#in = new Ceiling(parts.clock, parts.fileRate)
    this.#out = new Ceiling(parts.clock, parts.fileRate)
  }

  /** The bytes, or undefined when the peer does not have them; rejects when the link ends or nothing comes. */
  fetch(want: Fetch, onPiece?: OnPiece): Promise<Uint8Array | undefined> {
    const known = this.#fetching.get(keyOf(want))
    if (known) return joining(known, onPiece)
    if (this.#isEnded) return Promise.reject(unavailable('The link is gone'))
    if (this.#fetching.size >= FETCHED_MAX) return Promise.reject(unavailable('Too many at once'))
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array | undefined>()
    const listeners = onPiece ? [onPiece] : []
    const begun = {
      want,
      askedAt: this.#parts.clock.now(),
      whole: roomFor(want),
      bytes: 0,
      listeners,
    }
    this.#fetching.set(keyOf(want), { ...begun, promise, resolve, reject })
    if (this.#fetching.size === 1) this.#awaitMore()
    this.#parts.send(frame(FRAME.CHUNK_WANT, encodeChunkWant(want)))
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

  /** Some of what waited on the link has left. */
  room(): void {
    this.#wake?.()
  }

  end(): void {
    this.#isEnded = true
    this.#wake?.()
    this.#failAll('The link is gone')
  }

  #want(want: ChunkWant): void {
    if (this.#small.length + this.#chunks.length >= SERVED_MAX) return
    if (want.index === WHOLE) this.#small.push(want)
    else this.#chunks.push(want)
    if (this.#isServing) return
    this.#isServing = true
    this.#serve().catch(this.#parts.onError)
  }

  async #serve(): Promise<void> {
    while (!this.#isEnded) {
      await this.#serveSmall()
      const want = this.#chunks.shift()
      if (want) await this.#answer(want, this.#readAhead(want))
      else if (this.#small.length === 0) break
    }
    this.#isServing = false
  }

  /** Photos and lists wait for no chunk. */
  async #serveSmall(): Promise<void> {
    for (let want = this.#small.shift(); want; want = this.#small.shift()) await this.#answer(want)
  }

  /** The bytes of a chunk; those of the next one are read while it goes. */
  #readAhead(want: ChunkWant): Promise<Uint8Array | undefined> {
    const ahead = this.#ahead
    const bytes = ahead?.want === want ? ahead.bytes : this.#held(want)
    const [next] = this.#chunks
    this.#ahead = next && { want: next, bytes: this.#held(next) }
    return bytes
  }

  /** A disk that cannot read one file must not cost the link, and with it the messages. */
  async #held({ file, index }: ChunkWant): Promise<Uint8Array | undefined> {
    try {
      return await this.#parts.blobOf(file, index, this.#parts.peer)
    } catch (error) {
      this.#parts.onUnread(error)
      return undefined
    }
  }

  async #answer(want: ChunkWant, held = this.#held(want)): Promise<void> {
    const { file, index } = want
    let offset = 0
    let isWhole = false
    for await (const { data, isLast } of this.#answered(want, held)) {
      if (index !== WHOLE) await this.#serveSmall()
      if (!(await this.#spend(data.length))) return
      this.#parts.send(chunkFrame({ file, index, offset, data }, !isLast))
      offset += data.length
      isWhole = isLast
    }
    if (isWhole || !(await this.#spend(0))) return
    this.#parts.send(chunkFrame({ file, index, offset, data: new Uint8Array(0) }, false))
  }

  async *#answered(
    want: ChunkWant,
    held: Promise<Uint8Array | undefined>,
  ): AsyncGenerator<{ data: Uint8Array; isLast: boolean }> {
    const bytes = await held
    if (bytes === undefined) {
      if (want.pass && want.pass.hops > 0) yield* this.#passed(want)
      return
    }
    let left = bytes.length
    for (const data of piecesOf(bytes)) {
      left -= data.length
      yield { data, isLast: left === 0 }
    }
  }

  /** As it comes from the other branch: at most one chunk stands here, and the asker sees that something moves. */
  async *#passed(want: ChunkWant): AsyncGenerator<{ data: Uint8Array; isLast: boolean }> {
    const pieces: { data: Uint8Array; isLast: boolean }[] = []
    let wake = () => {}
    let isOver = false
    const over = () => {
      isOver = true
      wake()
    }
    const onPiece: OnPiece = (data, isLast) => {
      pieces.push({ data, isLast })
      wake()
    }
    this.#parts.pass(want, onPiece).then(over, over)
    for (;;) {
      for (let piece = pieces.shift(); piece; piece = pieces.shift()) yield piece
      if (isOver || this.#isEnded) return
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }

  /** Waits until so much data may go; false: the link is gone. */
  async #spend(dataBytes: number): Promise<boolean> {
    const bytes = dataBytes + CHUNK_HEADER_BYTES
    while (!this.#isEnded && (this.#credit < bytes || !this.#parts.hasRoom())) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    this.#credit -= bytes
    const wait = this.#out.waitFor(bytes)
    if (wait > 0) await new Promise<void>((resolve) => this.#parts.clock.after(wait, resolve))
    return !this.#isEnded
  }

  #chunk(received: Frame): void {
    this.#grant(received.payload.length)
    const { file, index, offset, data } = decodeChunk(received.payload)
    const fetching = this.#fetching.get(keyOf({ file, index }))
    if (!fetching) return // given up meanwhile
    const isTooLong = fetching.bytes + data.length > fetching.want.bytesMax
    // Who passes it on does not know how long it may be, and must not lose his link for the holder's fault.
    if (isTooLong && fetching.want.pass && offset === fetching.bytes) {
      this.#drop(fetching)
      return
    }
    if (offset !== fetching.bytes || isTooLong) {
      throw new ProtocolClose('out-of-turn', 'A chunk is not the next one, or one too many')
    }
    const isSmall = index === WHOLE
    if (isSmall && this.#parts.clock.now() - fetching.askedAt > SMALL_MS_MAX) {
      this.#failAll('Too slow')
      return
    }
    // Only what was asked for counts as a sign of life: else a peer could keep a file waited for without end.
    this.#awaitMore()
    const isLast = (received.flags & FLAG_MORE) === 0
    if (!isLast && data.length === 0) {
      throw new ProtocolClose('bad-frame', 'An empty chunk is the last one')
    }
    if (data.length > 0) {
      fetching.whole.bytes(data)
      fetching.bytes += data.length
      for (const listener of fetching.listeners) listener(data, isLast)
    }
    if (isLast) this.#over(fetching, data.length > 0)
  }

  /** What still comes of it is nobody's. */
  #drop(fetching: Fetching): void {
    this.#fetching.delete(keyOf(fetching.want))
    if (this.#fetching.size === 0) this.#stall()
    fetching.reject(unavailable('It is longer than its list says'))
  }

  #over(fetching: Fetching, isWhole: boolean): void {
    this.#fetching.delete(keyOf(fetching.want))
    if (this.#fetching.size === 0) this.#stall()
    if (isWhole) fetching.resolve(fetching.whole.done())
    else if (fetching.bytes === 0) fetching.resolve(undefined)
    else fetching.reject(unavailable('It was broken off'))
  }

  /** The peer may send as much again: at once, or as fast as files may come. */
  #grant(bytes: number): void {
    this.#toGrant += bytes
    if (this.#toGrant < GRANT_BYTES) return
    const granted = frame(FRAME.CREDIT, encodeCredit({ class: 3, bytes: this.#toGrant }))
    const wait = this.#in.waitFor(this.#toGrant)
    this.#toGrant = 0
    if (wait === 0) this.#parts.send(granted)
    else this.#parts.clock.after(wait, () => this.#isEnded || this.#parts.send(granted))
  }

  #awaitMore(): void {
    this.#stall()
    if (this.#fetching.size === 0) return
    this.#stall = this.#parts.clock.after(STALL_MS, () => this.#failAll('Nothing came'))
  }

  #failAll(why: string): void {
    this.#stall()
    const failed = [...this.#fetching.values()]
    this.#fetching.clear()
    for (const { reject } of failed) reject(unavailable(why))
  }
}

function keyOf({ file, index }: ChunkWant): string {
  return `${file} ${index}`
}

/** One more who waits for the same: hears what has come already. */
function joining(
  { whole, listeners, promise }: Fetching,
  onPiece: OnPiece | undefined,
): Promise<Uint8Array | undefined> {
  if (onPiece) {
    for (const data of piecesOf(whole.done())) onPiece(data, false)
    listeners.push(onPiece)
  }
  return promise
}

function unavailable(why: string): AppError {
  return new AppError('unavailable', `Cannot fetch a file from another branch: ${why}`)
}

/** As much of it at a time as a frame carries. */
function* piecesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += CHUNK_DATA_BYTES_MAX) {
    yield bytes.subarray(at, at + CHUNK_DATA_BYTES_MAX)
  }
}

/** Whoever keeps a chunk knows how long it is; small things, and what is passed on, may be much shorter. */
function roomFor({ index, bytesMax }: Fetch): Writer {
  const isKnown = index !== WHOLE && bytesMax < CHUNK_BYTES_MAX
  return new Writer(isKnown ? bytesMax : CHUNK_DATA_BYTES_MAX)
}

/** A small file of a peer, if it is what its hash says. */
export async function fetchChecked(
  link: { peer: BranchId; fetchBlob(want: Fetch): Promise<Uint8Array | undefined> },
  sha256: string,
  log: Log,
): Promise<Uint8Array | undefined> {
  const file = sha256.slice(0, 32)
  const bytes = await link.fetchBlob({ file, index: WHOLE, bytesMax: SMALL_BYTES_MAX })
  if (!bytes || hash('sha256', bytes, 'hex') === sha256) return bytes
  log.warn('relay.blob.wrong', { peer: link.peer, sha256 })
  return undefined
}
