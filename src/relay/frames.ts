/**
 * Frames: the units inside one Noise message of a link. All numbers are big-endian; docs/protocol.md is their
 * description and src/relay/payloads.ts reads and writes what is in them.
 *
 *   0      1      2          4
 *   +------+------+----------+------------------------+
 *   | type | flags| length   | payload (length bytes) |   one Noise message carries one or more, whole
 *   +------+------+----------+------------------------+
 *   flags: bit0 = 0 (no compression inside a link: bombs, oracles), bit1 = more follows (BATCH, CHUNK, JOIN_RES),
 *   bit7 = must be understood. An unknown type is ignored when bit7 is clear, else it ends the link.
 */
import { FormatError } from '../base/bytes.ts'

export const FRAME_HEADER_BYTES = 4
/** Class 2 and 3: at 1 Mbit/s one takes 131 ms, so a control frame never waits longer than that behind it. */
export const PAYLOAD_BYTES_MAX = 16_384
/** Class 0 and 1: they go before all else, so they must be short. */
export const CONTROL_PAYLOAD_BYTES_MAX = 4_096

export const FLAG_MORE = 0b10
export const FLAG_MUST_UNDERSTAND = 0b1000_0000
const FLAG_COMPRESSED = 0b1

/** 0 control, 1 ephemeral, 2 durable, 3 bulk: see queues.ts. */
type FrameClass = 0 | 1 | 2 | 3

/** Every type number that has a meaning, or will have: a number is never given another one. */
export const FRAME = {
  SETTINGS: 0x01,
  PING: 0x02,
  PONG: 0x03,
  GOAWAY: 0x04,
  CREDIT: 0x05,
  /** Reserved for the list of revoked certificates; ignored until branches exchange one. */
  CRL: 0x06,
  RENEW_REQ: 0x07,
  RENEW_RES: 0x08,
  JOIN_REQ: 0x09,
  JOIN_RES: 0x0a,
  LINK_KEY: 0x0b,
  HAVE: 0x10,
  WANT: 0x11,
  BATCH: 0x12,
  ACK: 0x13,
  ACKVEC: 0x14,
  HEAD: 0x15,
  /** Reserved: "your cursor is below my floor". */
  TRUNC: 0x16,
  FEED_OPEN: 0x17,
  CARRY: 0x18,
  REACH: 0x19,
  EPH: 0x20,
  CHUNK_WANT: 0x30,
  CHUNK: 0x31,
  /** Reserved: which chunks of a file a branch holds. */
  CHUNK_HAVE: 0x32,
  /** Reserved: snapshot of the directory. */
  SNAP_WANT: 0x40,
  SNAP_PART: 0x41,
  /** Reserved: history of a conversation. */
  HIST_WANT: 0x50,
  HIST_PART: 0x51,
} as const

export type FrameType = (typeof FRAME)[keyof typeof FRAME]

const CLASS_OF: ReadonlyMap<number, FrameClass> = new Map<number, FrameClass>(
  Object.values(FRAME).map((type) => {
    if (type === FRAME.EPH) return [type, 1]
    if (type === FRAME.BATCH || type === FRAME.JOIN_RES || type === FRAME.HIST_PART)
      return [type, 2]
    if (type === FRAME.CHUNK || type === FRAME.SNAP_PART) return [type, 3]
    return [type, 0]
  }),
)

/** Frames that may be split over several by `FLAG_MORE`. */
const MAY_CONTINUE: ReadonlySet<number> = new Set<number>([
  FRAME.BATCH,
  FRAME.CHUNK,
  FRAME.JOIN_RES,
])

/** `data` stands behind the payload and belongs to it: it is copied once, when the message is made. Only to send. */
export type Frame = { type: number; flags: number; payload: Uint8Array; data?: Uint8Array }

/** A frame to send; flags are 0 unless told. */
export function frame(type: FrameType, payload: Uint8Array, flags = 0): Frame {
  return { type, flags, payload }
}

/** The class a frame travels in; unknown types count as control. */
export function classOf(type: number): FrameClass {
  return CLASS_OF.get(type) ?? 0
}

/** How the bytes of one link end: in GOAWAY, in the log, in the table of peers. Numbers never change. */
export const CLOSE = {
  bye: 1,
  'handshake-failed': 2,
  'unknown-peer': 3,
  'certificate-expired': 4,
  'certificate-revoked': 5,
  'version-unsupported': 6,
  'bad-frame': 7,
  'out-of-turn': 8,
  'frame-too-large': 9,
  gap: 10,
  'cursor-out-of-range': 11,
  timeout: 12,
  'too-slow': 13,
  'duplicate-link': 14,
  internal: 15,
  'suite-too-low': 16,
} as const

export type CloseReason = keyof typeof CLOSE

/** The name of a close code; a newer peer's unknown code counts as its internal matter. */
export function closeReasonOf(code: number): CloseReason {
  for (const [name, value] of Object.entries(CLOSE)) {
    if (value === code) return name as CloseReason
  }
  return 'internal'
}

/** The peer broke a rule: the link ends with this reason. The message is for our log, never for the peer. */
export class ProtocolClose extends Error {
  override name = 'ProtocolClose'
  readonly reason: CloseReason

  constructor(reason: CloseReason, message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}

/** The longest payload a frame of this type may have. */
function payloadBytesMax(type: number): number {
  return classOf(type) < 2 ? CONTROL_PAYLOAD_BYTES_MAX : PAYLOAD_BYTES_MAX
}

/** Length of a frame on the link. */
export function frameBytes({ payload, data }: Frame): number {
  return FRAME_HEADER_BYTES + payload.length + (data?.length ?? 0)
}

/** One Noise message of several frames; with `into` it stands at the beginning of that. */
export function encodeFrames(frames: readonly Frame[], into?: Uint8Array): Uint8Array {
  const length = frames.reduce((sum, each) => sum + frameBytes(each), 0)
  const bytes = into?.subarray(0, length) ?? new Uint8Array(length)
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  let at = 0
  for (const each of frames) {
    const { type, flags, payload, data } = each
    const payloadBytes = frameBytes(each) - FRAME_HEADER_BYTES
    if (payloadBytes > payloadBytesMax(type)) {
      throw new RangeError(`Frame ${type} has ${payloadBytes} bytes of payload`)
    }
    bytes[at] = type
    bytes[at + 1] = flags
    view.setUint16(at + 2, payloadBytes)
    bytes.set(payload, at + FRAME_HEADER_BYTES)
    if (data) bytes.set(data, at + FRAME_HEADER_BYTES + payload.length)
    at += FRAME_HEADER_BYTES + payloadBytes
  }
  return bytes
}

/**
 * The frames of one Noise message that this program knows, payloads as views of the input. Throws ProtocolClose for
 * whatever breaks the rules above; frames that may be ignored are left out.
 */
export function decodeFrames(message: Uint8Array): Frame[] {
  const frames: Frame[] = []
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength)
  let at = 0
  while (at < message.length) {
    if (at + FRAME_HEADER_BYTES > message.length) throw badFrame('The header is cut short')
    const type = view.getUint8(at)
    const flags = view.getUint8(at + 1)
    const end = at + FRAME_HEADER_BYTES + view.getUint16(at + 2)
    if (end > message.length) throw badFrame(`The payload of type ${type} is cut short`)
    const payload = message.subarray(at + FRAME_HEADER_BYTES, end)
    at = end
    if (isKnown(type, flags, payload.length)) frames.push({ type, flags, payload })
  }
  return frames
}

function isKnown(type: number, flags: number, length: number): boolean {
  if (!CLASS_OF.has(type)) {
    if (flags & FLAG_MUST_UNDERSTAND) throw badFrame(`Type ${type} is not known here`)
    return false
  }
  if (length > payloadBytesMax(type)) {
    throw new ProtocolClose('frame-too-large', `A frame of type ${type} has ${length} bytes`)
  }
  if (flags & FLAG_COMPRESSED) throw badFrame(`Type ${type} claims to be compressed`)
  if (flags & FLAG_MORE && !MAY_CONTINUE.has(type))
    throw badFrame(`Type ${type} cannot be continued`)
  return true
}

function badFrame(message: string): ProtocolClose {
  return new ProtocolClose('bad-frame', message)
}

/** Runs a decoder; bytes that break its format end the link. */
export function decoded<T>(type: number, decode: () => T): T {
  try {
    return decode()
  } catch (cause) {
    if (cause instanceof FormatError || cause instanceof TypeError || cause instanceof RangeError) {
      throw new ProtocolClose('bad-frame', `The payload of type ${type} is malformed`, { cause })
    }
    throw cause
  }
}

/** The frames that carry `bytes`, cut to size; all but the last say that more follows. */
export function fragments(type: FrameType, bytes: Uint8Array): Frame[] {
  const frames: Frame[] = []
  const max = payloadBytesMax(type)
  let at = 0
  do {
    const payload = bytes.subarray(at, at + max)
    at += payload.length
    frames.push(frame(type, payload, at < bytes.length ? FLAG_MORE : 0))
  } while (at < bytes.length)
  return frames
}

/** Frames of a list, as few as possible. */
export function listed<Entry>(
  type: FrameType,
  entries: readonly Entry[],
  { encode, perFrame }: { encode(part: readonly Entry[]): Uint8Array; perFrame: number },
): Frame[] {
  const frames: Frame[] = []
  for (let at = 0; at < entries.length; at += perFrame) {
    frames.push(frame(type, encode(entries.slice(at, at + perFrame))))
  }
  return frames
}

/** Puts fragments of one type together again, never holding more than `bytesMax`. */
export class Assembly {
  readonly #bytesMax: number
  #parts: Uint8Array[] = []
  #length = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** The whole when this was its last fragment. */
  add({ type, flags, payload }: Frame): Uint8Array | undefined {
    this.#length += payload.length
    if (this.#length > this.#bytesMax) {
      throw new ProtocolClose('frame-too-large', `Type ${type} goes beyond ${this.#bytesMax} bytes`)
    }
    if (flags & FLAG_MORE) {
      if (payload.length === 0) throw badFrame(`Type ${type} has an empty fragment`)
      this.#parts.push(payload.slice())
      return undefined
    }
    const whole = new Uint8Array(this.#length)
    let at = 0
    for (const part of [...this.#parts, payload]) {
      whole.set(part, at)
      at += part.length
    }
    this.#parts = []
    this.#length = 0
    return whole
  }
}
