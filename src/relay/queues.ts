/**
 * What waits to be sent on one link, in four classes: control before all else; then ephemeral, durable and bulk frames
 * share by weight (deficit round robin), so that files never starve messages and still move. Pure: bytes come out when
 * the link asks for them, and it asks only while little waits in the socket, because what is in the socket cannot be
 * overtaken any more.
 */
import { KIB } from '../base/units.ts'
import { splitChunk } from './chunks.ts'
import { NOISE_MESSAGE_BYTES_MAX, TAG_BYTES } from './cipher.ts'
import {
  classOf,
  encodeFrames,
  FLAG_MORE,
  FRAME,
  FRAME_HEADER_BYTES,
  type Frame,
  frameBytes,
} from './frames.ts'

/** What one Noise message carries at most, at one tag: as much as Noise allows. On slow lines pieces are shorter. */
const MESSAGE_BYTES_MAX = NOISE_MESSAGE_BYTES_MAX - TAG_BYTES
/** Of control frames: a peer that reads nothing must not fill our memory. */
const CONTROL_BYTES_MAX = 1024 * KIB
/** Presence of a large branch fits; older signals are worthless anyway. */
const EPHEMERAL_BYTES_MAX = 64 * KIB

/** Bytes per round of classes 1, 2, 3: small, because who begins to wait may wait for a round (0.2 s at 64 kbit/s). */
const WEIGHT = [0, 512, 1024, 256] as const
const SHARED = [1, 2, 3] as const
/** A part of a frame shorter than this is not worth its header: the next message takes it. */
const PART_BYTES_MIN = 512

export class Queues {
  readonly #control: Frame[] = []
  /** By key, in order of arrival: a newer frame replaces the older one where it stands. */
  readonly #ephemeral = new Map<string, Frame>()
  readonly #durable: Frame[] = []
  /** Of class 2, before the rest of it; a batch that has begun is finished first. */
  readonly #urgent: Frame[] = []
  #isBatchBegun = false
  readonly #bulk: Frame[] = []
  readonly #bytes = [0, 0, 0, 0]
  readonly #deficit = [0, 0, 0, 0]
  #turn = 0
  /** Every message is made here: a file would leave the collector one for each part. */
  readonly #message = new Uint8Array(MESSAGE_BYTES_MAX)

  /** Bytes that wait in a class. */
  waiting(frameClass: 0 | 1 | 2 | 3): number {
    return this.#bytes[frameClass] ?? 0
  }

  get isEmpty(): boolean {
    return this.#bytes.every((bytes) => bytes === 0)
  }

  /** Whether more control frames wait than a peer that reads would ever leave. */
  get isOverfull(): boolean {
    return this.waiting(0) > CONTROL_BYTES_MAX
  }

  /** Takes a frame of class 0, 2 or 3. Urgent ones of class 2 go before the others of it. */
  push(frame: Frame, isUrgent = false): void {
    const frameClass = classOf(frame.type)
    if (frameClass === 1) this.pushSignal('', frame)
    else {
      const list = frameClass === 2 ? this.#durable : this.#list(frameClass)
      if (isUrgent && frameClass === 2) this.#urgent.push(frame)
      else list.push(frame)
      this.#add(frameClass, frameBytes(frame))
    }
  }

  /** Takes a signal: it replaces an unsent one of the same key; over the cap the oldest are dropped. */
  pushSignal(key: string, frame: Frame): void {
    const older = this.#ephemeral.get(key)
    if (older) this.#add(1, -frameBytes(older))
    this.#ephemeral.set(key, frame)
    this.#add(1, frameBytes(frame))
    for (const [oldKey, old] of this.#ephemeral) {
      if (this.waiting(1) <= EPHEMERAL_BYTES_MAX) break
      this.#ephemeral.delete(oldKey)
      this.#add(1, -frameBytes(old))
    }
  }

  /**
   * The next Noise message, or undefined when nothing may go; it holds until the next call. Of what is no control it
   * holds at most `pieceBytes`: longer frames are cut in two, because nothing overtakes a frame that has begun.
   */
  next(pieceBytes: number = MESSAGE_BYTES_MAX): Uint8Array | undefined {
    const frames: Frame[] = []
    let room = MESSAGE_BYTES_MAX
    let piece = pieceBytes
    for (;;) {
      const isControl = this.#control.length > 0
      if (!isControl) this.#cutTo(pieceBytes)
      const frame = isControl ? this.#takeFrom(0, room) : this.#take(Math.min(room, piece))
      if (!frame) break
      frames.push(frame)
      room -= frameBytes(frame)
      if (!isControl) piece -= frameBytes(frame)
    }
    return frames.length > 0 ? encodeFrames(frames, this.#message) : undefined
  }

  /** Cuts what stands first in classes 2 and 3, so that it fits into a message. */
  #cutTo(pieceBytes: number): void {
    if (pieceBytes < PART_BYTES_MIN) return
    for (const frameClass of [2, 3] as const) {
      const list = this.#list(frameClass)
      const [first] = list
      if (!first || frameBytes(first) <= pieceBytes) continue
      const parts = partsOf(first, pieceBytes - FRAME_HEADER_BYTES)
      list.splice(0, 1, ...parts)
      const more = parts.reduce((sum, part) => sum + frameBytes(part), 0) - frameBytes(first)
      this.#add(frameClass, more)
    }
  }

  #take(room: number): Frame | undefined {
    // Otherwise a class would save for what cannot go now, and hold up the others later.
    if (!SHARED.some((each) => this.#fits(each, room))) return undefined
    // A round gives every class that waits its weight; a frame is sent when its class has saved enough for it.
    for (;;) {
      const frameClass = SHARED[this.#turn] ?? 1
      const first = this.#first(frameClass)
      if (first && frameBytes(first) <= (this.#deficit[frameClass] ?? 0)) {
        return this.#takeFrom(frameClass, room)
      }
      if (!first) this.#deficit[frameClass] = 0 // what does not wait saves nothing
      this.#turn = (this.#turn + 1) % SHARED.length
      const next = SHARED[this.#turn] ?? 1
      this.#deficit[next] = (this.#deficit[next] ?? 0) + WEIGHT[next]
    }
  }

  #fits(frameClass: 1 | 2 | 3, room: number): boolean {
    const first = this.#first(frameClass)
    return first !== undefined && frameBytes(first) <= room
  }

  #takeFrom(frameClass: 0 | 1 | 2 | 3, room: number): Frame | undefined {
    const first = this.#first(frameClass)
    if (!first || frameBytes(first) > room) return undefined
    if (frameClass === 1) {
      const [key = ''] = this.#ephemeral.keys()
      this.#ephemeral.delete(key)
    } else {
      const list = this.#list(frameClass)
      list.shift()
      // The other side puts one batch together at a time.
      if (list === this.#durable) this.#isBatchBegun = (first.flags & FLAG_MORE) !== 0
    }
    this.#add(frameClass, -frameBytes(first))
    if (frameClass > 0)
      this.#deficit[frameClass] = (this.#deficit[frameClass] ?? 0) - frameBytes(first)
    return first
  }

  #first(frameClass: 0 | 1 | 2 | 3): Frame | undefined {
    if (frameClass !== 1) return this.#list(frameClass)[0]
    const [first] = this.#ephemeral.values()
    return first
  }

  #list(frameClass: 0 | 2 | 3): Frame[] {
    if (frameClass === 0) return this.#control
    if (frameClass === 3) return this.#bulk
    return this.#isBatchBegun || this.#urgent.length === 0 ? this.#durable : this.#urgent
  }

  #add(frameClass: 0 | 1 | 2 | 3, bytes: number): void {
    this.#bytes[frameClass] = (this.#bytes[frameClass] ?? 0) + bytes
  }
}

/** A frame in two, the first with so many bytes of payload; other types than these two are never that long. */
function partsOf(whole: Frame, bytes: number): Frame[] {
  const { type, flags, payload } = whole
  if (type === FRAME.CHUNK) return splitChunk(whole, bytes)
  if (type !== FRAME.BATCH) return [whole]
  return [
    { type, flags: flags | FLAG_MORE, payload: payload.subarray(0, bytes) },
    { type, flags, payload: payload.subarray(bytes) },
  ]
}
