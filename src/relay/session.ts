/**
 * Replication over one link, without I/O: inputs in, effects out. It ties the sending and the receiving half together
 * and keeps the session itself: SETTINGS first, PING when idle, GOAWAY at the end. Given the same inputs it always does
 * the same, so a failure can be replayed. What effects mean is link.ts's business. docs/protocol.md, section 4.
 */
import { hex } from '../base/bytes.ts'
import { type Hlc, millisOf } from '../base/hlc.ts'
import type { FeedId, Incarnation } from '../base/ids.ts'
import { type Millis, SECOND } from '../base/units.ts'
import {
  CLOSE,
  type CloseReason,
  closeReasonOf,
  FRAME,
  type Frame,
  frame,
  PAYLOAD_BYTES_MAX,
  ProtocolClose,
} from './frames.ts'
import { Pace } from './pace.ts'
import {
  type Ack,
  type Carry,
  decodeAcks,
  decodeCarries,
  decodeCredit,
  decodeGoaway,
  decodeHaves,
  decodePing,
  decodeSettings,
  decodeWant,
  encodeGoaway,
  encodePing,
  encodeSettings,
  type Have,
  PROTOCOL_MAX,
  PROTOCOL_MIN,
  type Settings,
} from './payloads.ts'
import {
  BATCH_BYTES_MAX,
  DURABLE_WINDOW_BYTES,
  type Found,
  Receiving,
  type Stored,
} from './receiving.ts'
import { Sending } from './sending.ts'
import type { Suite } from './suites.ts'

/** An idle link is asked for a sign of life; ZeroTier itself gives none (docs/protocol.md, section 4). */
const PING_IDLE_MS: Millis = 15 * SECOND
export const DEAD_MS: Millis = 45 * SECOND
const PING_CHECK_MS: Millis = 5 * SECOND
/** Bulk bytes a peer may have under way to us: one chunk of a file. */
const BULK_WINDOW_BYTES = 256 * 1024

/**
 * A feed we offer; `isOurs` when we are its origin, `isTheirs` when the peer is, `isForThem` when it is mail for the
 * peer. With `carry` the peer is asked to carry it.
 */
export type Offered = {
  n: number
  id: FeedId
  floor: number
  head: number
  chain: Uint8Array
  isOurs: boolean
  isTheirs: boolean
  isForThem: boolean
  /** Of records: what stands up to there goes before mail. */
  urgentTo: number
  carry?: Carry['carry'] | undefined
}

/** What a peer listed: for us (HAVE), or to be carried (CARRY). */
export type Listed = Have | Carry

/** What was read of a feed after `after`. */
export type Batches = {
  id: FeedId
  after: number
  batches: readonly { bytes: Uint8Array; lastSeq: number }[]
}

export type Input =
  | { kind: 'opened'; hlc: Hlc }
  | { kind: 'received'; frame: Frame; hlc: Hlc }
  /** Some bytes of the peer arrived: it lives. */
  | { kind: 'heard' }
  /** `isCarrier`: the peer shall carry mail, if not now: any growth may concern it. */
  | { kind: 'offers'; offers: readonly Offered[]; isCarrier: boolean }
  | { kind: 'grown'; feeds: readonly number[] }
  /** Something urgent stands in feeds of records; `grown` follows. */
  | { kind: 'urgent'; places: readonly { feedN: number; upTo: number }[] }
  | ({ kind: 'found' } & Found)
  /** Whom the peer shall carry for has changed. */
  | { kind: 'routes' }
  | { kind: 'opening'; id: FeedId; bytes: Uint8Array | undefined }
  | { kind: 'feedOpened'; id: FeedId; isKnown: boolean }
  | { kind: 'identities' }
  | ({ kind: 'batches' } & Batches)
  | ({ kind: 'stored'; hlc: Hlc } & Stored)
  /** Little waits to be sent. */
  | { kind: 'room' }
  /** So many bytes left us. */
  | { kind: 'wrote'; bytes: number; hlc: Hlc }
  /** More waits than may leave now. */
  | { kind: 'full'; hlc: Hlc }
  | { kind: 'timer'; name: TimerName; hlc: Hlc }

type TimerName = 'ping' | 'ack' | 'announce' | 'again'

export type Effect =
  /** Urgent: before what waits in its class. */
  | { kind: 'send'; frame: Frame; isUrgent?: boolean }
  /** Answer with `offers`. */
  | { kind: 'list' }
  /** Answer with `found`. */
  | { kind: 'find'; entry: Listed }
  /** Answer with `opening`. */
  | { kind: 'readOpening'; id: FeedId }
  /** Answer with `feedOpened`. */
  | { kind: 'takeOpening'; bytes: Uint8Array }
  /** Answer with `batches`. */
  | { kind: 'read'; id: FeedId; n: number; after: number; bytesMax: number }
  /** Answer with `stored`. */
  | { kind: 'store'; id: FeedId; bytes: Uint8Array }
  | { kind: 'acknowledged'; acks: readonly Ack[] }
  | { kind: 'observe'; hlc: Hlc }
  | { kind: 'timer'; name: TimerName; ms: Millis }
  | { kind: 'ready'; settings: Settings }
  | { kind: 'measured'; roundTripMs: Millis; clockOffsetMs: Millis }
  /** A frame that is none of replication: signals, blobs, renewal. */
  | { kind: 'other'; frame: Frame }
  | { kind: 'credit'; class: 3; bytes: number }
  /** The peer said GOAWAY. */
  | { kind: 'gone'; reason: CloseReason; retryAfter: Millis }

type SessionOptions = {
  incarnation: Incarnation
  release: string
  /** The strongest suite spoken here. */
  suite: Suite
  now(): Millis
  /** 8 bytes for a PING. */
  nonce(): Uint8Array
  /** Bytes that wait to be sent in class 2. */
  waiting(): number
}

export class Session {
  readonly #options: SessionOptions
  readonly #pace = new Pace()
  readonly #sending = new Sending(() => this.#pace.windowBytes)
  readonly #receiving = new Receiving()
  #settings: Settings | undefined
  #heardAt: Millis

  constructor(options: SessionOptions) {
    this.#options = options
    this.#heardAt = options.now()
  }

  /** Throws ProtocolClose when the peer breaks a rule. */
  step(input: Input): Effect[] {
    const waiting = this.#options.waiting()
    switch (input.kind) {
      case 'opened':
        return this.#open(input.hlc)
      case 'received':
        return this.#received(input.frame, input.hlc)
      case 'heard':
        this.#heardAt = this.#options.now()
        return []
      case 'offers':
        return this.#sending.list(input.offers, input.isCarrier)
      case 'grown':
        return this.#sending.grown(input.feeds, waiting)
      case 'urgent':
        this.#sending.urgent(input.places)
        return []
      case 'found':
        return this.#receiving.found(input)
      case 'routes':
        return this.#sending.listAgain()
      case 'opening':
        return this.#sending.opening(input.id, input.bytes, waiting)
      case 'feedOpened':
        this.#receiving.opened(input.id, input.isKnown)
        return []
      case 'identities':
        return this.#receiving.retry()
      case 'batches':
        return this.#sending.batches(input, waiting)
      case 'stored':
        if (input.durable !== undefined) this.#sending.peerHolds(input.id, input.durable)
        return this.#receiving.stored(input, input.hlc)
      case 'room':
        return this.#sending.room(waiting)
      case 'wrote':
        this.#pace.wrote(input.bytes)
        return this.#probe(input.hlc)
      case 'full':
        this.#pace.full(this.#options.now())
        return this.#probe(input.hlc)
      case 'timer':
        return this.#timer(input.name, input.hlc)
    }
  }

  /** Whether a batch is none that can be taken now: see Receiving. */
  isDropped(id: FeedId, batch: Uint8Array): boolean {
    return this.#receiving.isDropped(id, batch)
  }

  /** How long a piece of what is no control may leave now; 0: none. */
  get pieceBytes(): number {
    return this.#pace.pieceBytes
  }

  /** How long a piece is at this speed of the line. */
  get longestPieceBytes(): number {
    return this.#pace.longestPieceBytes
  }

  /** How long nothing was heard of the peer. */
  get silentMs(): Millis {
    return this.#options.now() - this.#heardAt
  }

  get settings(): Settings | undefined {
    return this.#settings
  }

  #open(hlc: Hlc): Effect[] {
    const { incarnation, release, suite } = this.#options
    const settings = encodeSettings({
      protocolMin: PROTOCOL_MIN,
      protocolMax: PROTOCOL_MAX,
      release,
      frameMax: PAYLOAD_BYTES_MAX,
      suite,
      hasFiles: true,
      windows: [0, 0, DURABLE_WINDOW_BYTES, BULK_WINDOW_BYTES],
      incarnation,
      hlc,
    })
    return [
      send(frame(FRAME.SETTINGS, settings)),
      this.#ping(hlc),
      { kind: 'timer', name: 'ping', ms: PING_CHECK_MS },
      { kind: 'list' },
    ]
  }

  #received(received: Frame, hlc: Hlc): Effect[] {
    const { type, payload } = received
    if (type === FRAME.GOAWAY) return [goneEffect(payload)]
    if ((type === FRAME.SETTINGS) === (this.#settings !== undefined)) {
      throw new ProtocolClose('out-of-turn', 'SETTINGS is the first frame, and comes once')
    }
    const waiting = this.#options.waiting()
    switch (type) {
      case FRAME.SETTINGS:
        return this.#settle(decodeSettings(payload))
      case FRAME.PING:
        return this.#pong(payload, hlc)
      case FRAME.PONG:
        return this.#measured(payload)
      case FRAME.CREDIT:
        return this.#credited(payload, waiting)
      case FRAME.HAVE:
        return this.#listed(decodeHaves(payload))
      case FRAME.CARRY:
        return this.#listed(decodeCarries(payload))
      case FRAME.WANT: {
        const want = decodeWant(payload)
        return want ? this.#sending.want(want, waiting) : []
      }
      case FRAME.BATCH:
        return this.#receiving.batch(received)
      case FRAME.ACK:
        return [{ kind: 'acknowledged', acks: decodeAcks(payload) }]
      case FRAME.FEED_OPEN:
        return [{ kind: 'takeOpening', bytes: payload.slice() }]
      case FRAME.EPH:
      case FRAME.CHUNK_WANT:
      case FRAME.CHUNK:
      case FRAME.REACH:
      case FRAME.ACKVEC:
      case FRAME.HEAD:
      case FRAME.RENEW_REQ:
      case FRAME.RENEW_RES:
        return [{ kind: 'other', frame: received }]
      default:
        return [] // reserved numbers: known, and without a meaning here yet
    }
  }

  #settle(settings: Settings): Effect[] {
    if (settings.protocolMin > PROTOCOL_MAX || settings.protocolMax < PROTOCOL_MIN) {
      throw new ProtocolClose('version-unsupported', 'There is no common protocol version')
    }
    const [, , durable, bulk] = settings.windows
    if (durable < BATCH_BYTES_MAX || bulk < PAYLOAD_BYTES_MAX) {
      throw new ProtocolClose('bad-frame', 'A window is too small for one batch')
    }
    this.#settings = settings
    this.#sending.open(durable)
    return [
      { kind: 'observe', hlc: settings.hlc },
      { kind: 'credit', class: 3, bytes: bulk },
      { kind: 'ready', settings },
    ]
  }

  #listed(entries: readonly Listed[]): Effect[] {
    for (const { id, head } of entries) this.#sending.peerHolds(id, head)
    return this.#receiving.listed(entries)
  }

  #credited(payload: Uint8Array, waiting: number): Effect[] {
    const credit = decodeCredit(payload)
    if (!credit) return []
    if (credit.class === 2) return this.#sending.credit(credit.bytes, waiting)
    return [{ kind: 'credit', class: 3, bytes: credit.bytes }]
  }

  #timer(name: TimerName, hlc: Hlc): Effect[] {
    if (name === 'ack') return this.#receiving.ackTimer()
    if (name === 'announce') return this.#sending.announce()
    if (name === 'again') return this.#receiving.againTimer()
    const silent = this.silentMs
    if (silent >= DEAD_MS) throw new ProtocolClose('timeout', 'The peer is silent')
    const again: Effect = { kind: 'timer', name: 'ping', ms: PING_CHECK_MS }
    return silent >= PING_IDLE_MS ? [this.#ping(hlc), again] : [again]
  }

  #ping(hlc: Hlc): Effect {
    const nonce = this.#options.nonce()
    this.#pace.probe(hex(nonce), this.#options.now())
    return send(frame(FRAME.PING, encodePing({ nonce, hlc })))
  }

  #probe(hlc: Hlc): Effect[] {
    return this.#pace.isProbeDue ? [this.#ping(hlc)] : []
  }

  #pong(payload: Uint8Array, hlc: Hlc): Effect[] {
    const { nonce, hlc: theirs } = decodePing(payload)
    return [{ kind: 'observe', hlc: theirs }, send(frame(FRAME.PONG, encodePing({ nonce, hlc })))]
  }

  #measured(payload: Uint8Array): Effect[] {
    const { nonce, hlc } = decodePing(payload)
    const effects: Effect[] = [{ kind: 'observe', hlc }]
    const now = this.#options.now()
    const roundTripMs = this.#pace.answered(hex(nonce), now)
    if (roundTripMs === undefined) return effects
    const clockOffsetMs = Math.round(millisOf(hlc) - (now - roundTripMs / 2))
    return [...effects, { kind: 'measured', roundTripMs, clockOffsetMs }]
  }
}

/** The last frame of a link that we end. */
export function goaway(reason: CloseReason, retryAfter = 0): Frame {
  return frame(FRAME.GOAWAY, encodeGoaway({ code: CLOSE[reason], retryAfter, text: reason }))
}

function goneEffect(payload: Uint8Array): Effect {
  const { code, retryAfter } = decodeGoaway(payload)
  return { kind: 'gone', reason: closeReasonOf(code), retryAfter: retryAfter * SECOND }
}

const send = (each: Frame): Effect => ({ kind: 'send', frame: each })
