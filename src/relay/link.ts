/**
 * A live link: transport, ciphers, queues and session of one peer. The only loop between bytes and decisions: what
 * arrives is opened and stepped, what the session wants is carried out, what waits is sealed and sent. However it ends,
 * it ends once, with a reason. It writes a message ahead only while less than two large frames wait in the socket, and
 * on a slow line much less (pace.ts).
 */
import type { BranchId, Incarnation } from '../base/ids.ts'
import { type Millis, SECOND } from '../base/units.ts'
import type { LinkCertificate } from '../certificates/certificate.ts'
import { ProtocolError } from '../eventlog/protocol-error.ts'
import type { Cancel } from '../world/clock.ts'
import { Blobs, type Fetch, type OnPiece } from './blobs.ts'
import { CipherFailed } from './cipher.ts'
import {
  type CloseReason,
  decodeFrames,
  encodeFrames,
  FRAME,
  type Frame,
  frame,
  PAYLOAD_BYTES_MAX,
  ProtocolClose,
} from './frames.ts'
import type { LinkParts } from './link-parts.ts'
import { LENGTH_BYTES } from './messages.ts'
import { decodeSignal, encodeSignal, type Signal } from './payloads.ts'
import { Queues } from './queues.ts'
import { type LogEffect, performed, type ReplicationParts } from './replication.ts'
import { type Effect, goaway, type Input, Session } from './session.ts'
import type { Suite } from './suites.ts'

/** What is in the socket cannot be overtaken: while so much waits there nothing is added. */
const SOCKET_BYTES_MAX = 2 * PAYLOAD_BYTES_MAX
/** Work of a peer that waits for the database; beyond it nothing more is read from it. */
const TASKS_MAX = 1024
/** GOAWAY gets so long to leave before the transport is cut. */
const GOODBYE_MS: Millis = 2 * SECOND
/** A full disk or a bug of ours: the peer may call again, but not at once. */
const INTERNAL_RETRY_SECONDS = 10

/** Of mail by way of others. */
const CARRYING: ReadonlySet<number> = new Set<number>([FRAME.REACH, FRAME.ACKVEC, FRAME.HEAD])

export class Link {
  readonly #parts: LinkParts
  readonly #queues = new Queues()
  readonly #session: Session
  readonly #replication: ReplicationParts
  readonly #blobs: Blobs
  readonly #timers = new Set<Cancel>()
  /** Openings are barriers: batches of a feed must find it stored. */
  #openings: Promise<unknown> = Promise.resolve()
  #tasks = 0
  #isWaitingForDrain = false
  #ended: CloseReason | undefined
  /** What the peer said about calling again, in its GOAWAY. */
  retryAfter: Millis = 0
  roundTripMs: Millis | undefined
  clockOffsetMs: Millis | undefined
  readonly openedAt: Millis

  constructor(parts: LinkParts) {
    const { eventLog, read, self, peer, clock, random, log } = parts
    this.#parts = parts
    this.openedAt = clock.now()
    this.#session = new Session({
      incarnation: parts.incarnation,
      release: parts.release,
      suite: parts.strongest,
      now: () => clock.now(),
      nonce: () => random.bytes(8),
      waiting: () => this.#queues.waiting(2),
    })
    this.#replication = {
      eventLog,
      read,
      self,
      peer,
      settings: () => this.#session.settings,
      routes: () => parts.handlers.routesOver(peer),
      onCarried: (origin) => parts.handlers.onCarried(this, origin),
      isDropped: (id, batch) => this.#session.isDropped(id, batch),
    }
    this.#blobs = new Blobs({
      ...{ clock, peer },
      send: (each) => this.send(each),
      hasRoom: () => this.#queues.waiting(3) <= this.#session.longestPieceBytes,
      blobOf: parts.blobOf,
      fileRate: parts.fileRate,
      pass: (want, onPiece) => parts.handlers.pass(this, want, onPiece),
      onUnread: (cause) => log.error('relay.blob-failed', { peer, cause }),
      onError: (cause) => {
        log.error('relay.blob-failed', { peer, cause })
        this.close('internal')
      },
    })
  }

  get peer(): BranchId {
    return this.#parts.peer
  }

  get certificate(): LinkCertificate {
    return this.#parts.certificate
  }

  get ownSerial(): string {
    return this.#parts.ownSerial
  }

  get address(): string | undefined {
    return this.#parts.address
  }

  get isInitiator(): boolean {
    return this.#parts.established.isInitiator
  }

  /** Of this link's handshake. */
  get suite(): Suite {
    return this.#parts.established.suite
  }

  /** The strongest suite the peer has shown: by this link, or by what it says of itself. */
  get shownSuite(): Suite {
    return this.#session.settings?.suite === 2 ? 2 : this.suite
  }

  get handshakeHash(): Uint8Array {
    return this.#parts.established.handshakeHash
  }

  /** The boot of the peer that this link belongs to; known when it is ready. */
  get incarnation(): Incarnation | undefined {
    return this.#session.settings?.incarnation
  }

  /** How long nothing was heard of the peer; after 15 s it was asked for a sign of life. */
  get silentMs(): Millis {
    return this.#session.silentMs
  }

  /** The branch that issued the peer's certificate. */
  get issuer(): BranchId | undefined {
    return this.#parts.established.peer?.issuer.branch
  }
  get bytesIn(): number {
    return this.#parts.established.messages.received
  }

  get bytesOut(): number {
    return this.#parts.established.messages.sent
  }

  /** So many messages went over one pair of keys that a fresh handshake is due. */
  get isWorn(): boolean {
    const { send, receive } = this.#parts.established
    return send.isWorn || receive.isWorn
  }

  /** Begins: SETTINGS out, reading on. */
  start(): void {
    const { transport, messages } = this.#parts.established
    transport.onClose((reason) => this.#end('timeout', `the transport was closed: ${reason}`))
    this.#step({ kind: 'opened', hlc: this.#parts.eventLog.now() })
    try {
      messages.each((message) => this.#receive(message))
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Feeds of the log grew; also before the peer's SETTINGS, when the first list may have been made already. */
  grown(feeds: readonly number[]): void {
    this.#step({ kind: 'grown', feeds })
  }

  /** Something urgent stands in feeds of records; `grown` follows. */
  urgent(places: readonly { feedN: number; upTo: number }[]): void {
    this.#step({ kind: 'urgent', places })
  }

  /** Whom the peer shall carry for has changed. */
  routesChanged(): void {
    this.#step({ kind: 'routes' })
  }

  /** Identities of branches arrived in the log. */
  identities(): void {
    this.#step({ kind: 'identities' })
  }

  send(each: Frame): void {
    if (this.#ended) return
    this.#queues.push(each)
    this.#flush()
  }

  /** Sends a signal; an unsent one of the same kind and key is replaced. */
  sendSignal(signal: Signal): void {
    if (this.#ended || !this.#session.settings) return
    const each = frame(FRAME.EPH, encodeSignal(signal))
    this.#queues.pushSignal(`${signal.kind} ${signal.key}`, each)
    this.#flush()
  }

  /** Whether the peer may be asked for large files. */
  get hasFiles(): boolean {
    return this.#session.settings?.hasFiles === true
  }

  /** A part of a file, or a small one, unchecked; undefined: not there. */
  fetchBlob(want: Fetch, onPiece?: OnPiece): Promise<Uint8Array | undefined> {
    return this.#blobs.fetch(want, onPiece)
  }

  /** Says why, and ends. */
  close(reason: CloseReason, retryAfterSeconds = 0): void {
    if (this.#ended) return
    const { messages, send, transport } = this.#parts.established
    try {
      messages.send(send.seal(encodeFrames([goaway(reason, retryAfterSeconds)])))
    } catch (error) {
      if (!(error instanceof CipherFailed)) throw error // a cipher that failed can say nothing more
    }
    transport.close()
    this.#parts.clock.after(GOODBYE_MS, () => transport.close(true))
    this.#end(reason)
  }

  /** Ends without a word, as a cut line does. */
  cut(): void {
    this.#parts.established.transport.close(true)
    this.#end('timeout')
  }

  #receive(message: Uint8Array): void {
    if (this.#ended) return
    try {
      const frames = decodeFrames(this.#parts.established.receive.open(message))
      this.#session.step({ kind: 'heard' })
      for (const received of frames) {
        if (this.#ended) return
        const hlc = this.#parts.eventLog.now()
        this.#carryOut(this.#session.step({ kind: 'received', frame: received, hlc }))
      }
      this.#flush()
    } catch (error) {
      this.#fail(error)
    }
  }

  #step(input: Input): void {
    if (this.#ended) return
    try {
      this.#carryOut(this.#session.step(input))
      this.#flush()
    } catch (error) {
      this.#fail(error)
    }
  }

  #carryOut(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (this.#ended) return
      this.#carryOutOne(effect)
    }
  }

  #carryOutOne(effect: Effect): void {
    switch (effect.kind) {
      case 'send':
        this.#queues.push(effect.frame, effect.isUrgent)
        break
      case 'timer':
        this.#timer(effect)
        break
      case 'observe':
        this.#parts.eventLog.observe(effect.hlc)
        break
      case 'ready':
        this.#parts.handlers.onReady(this)
        break
      case 'measured':
        this.roundTripMs = effect.roundTripMs
        this.clockOffsetMs = effect.clockOffsetMs
        break
      case 'credit':
        this.#blobs.credit(effect.bytes)
        break
      case 'other':
        this.#other(effect.frame)
        break
      case 'gone':
        this.retryAfter = effect.retryAfter
        this.#parts.established.transport.close()
        this.#end(effect.reason, 'the peer said so')
        break
      case 'takeOpening': {
        const before = this.#openings
        this.#openings = this.#perform(() => before.then(() => this.#performed(effect)))
        break
      }
      case 'store': {
        const before = this.#openings
        this.#task(() => before.then(() => this.#performed(effect)))
        break
      }
      default:
        this.#task(() => this.#performed(effect))
    }
  }

  #performed(effect: LogEffect): Promise<Input | undefined> {
    return performed(effect, this.#replication)
  }

  #timer({ name, ms }: Extract<Effect, { kind: 'timer' }>): void {
    const cancel = this.#parts.clock.after(ms, () => {
      this.#timers.delete(cancel)
      this.#step({ kind: 'timer', name, hlc: this.#parts.eventLog.now() })
    })
    this.#timers.add(cancel)
  }

  #other(received: Frame): void {
    const { handlers } = this.#parts
    if (received.type === FRAME.EPH) handlers.onSignal(this, decodeSignal(received.payload))
    else if (received.type === FRAME.CHUNK || received.type === FRAME.CHUNK_WANT) {
      this.#blobs.received(received)
    } else if (CARRYING.has(received.type)) {
      this.#task(() => handlers.onCarrying(this, received).then(() => undefined))
    } else handlers.onRenewal(this, received)
  }

  #task(run: () => Promise<Input | undefined>): void {
    void this.#perform(run)
  }

  /** Runs something that waits, and steps its answer. Never rejects: a failure ends the link. */
  async #perform(run: () => Promise<Input | undefined>): Promise<void> {
    const { messages } = this.#parts.established
    this.#tasks += 1
    if (this.#tasks > TASKS_MAX) messages.pause()
    try {
      const input = await run()
      if (input) this.#step(input)
    } catch (error) {
      this.#fail(error)
    } finally {
      this.#tasks -= 1
      if (this.#tasks < TASKS_MAX / 2 && !this.#ended) this.#resume()
    }
  }

  #resume(): void {
    try {
      this.#parts.established.messages.resume()
    } catch (error) {
      this.#fail(error)
    }
  }

  #flush(): void {
    try {
      this.#sendWaiting()
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Seals and sends while there is room; asks the session for more when little waits. */
  #sendWaiting(): void {
    const { transport, messages, send } = this.#parts.established
    while (!this.#ended && transport.waiting < SOCKET_BYTES_MAX) {
      const hadBatches = this.#queues.waiting(2) > 0
      const message = this.#queues.next(this.#session.pieceBytes)
      if (message) {
        const sealed = send.seal(message, LENGTH_BYTES)
        messages.sendPlaced(sealed)
        this.#blobs.room()
        this.#stepNow({ kind: 'wrote', bytes: sealed.length, hlc: this.#parts.eventLog.now() })
        if (hadBatches) this.#stepNow({ kind: 'room' })
      } else {
        // What waits goes on when the peer has answered a PING.
        if (!this.#queues.isEmpty) this.#stepNow({ kind: 'full', hlc: this.#parts.eventLog.now() })
        if (this.#queues.waiting(0) === 0) break
      }
    }
    if (this.#ended) return
    if (this.#queues.isOverfull) {
      throw new ProtocolClose('too-slow', 'The peer does not take what it asked for')
    }
    if (this.#isWaitingForDrain || this.#queues.isEmpty) return
    if (transport.waiting < SOCKET_BYTES_MAX) return
    this.#isWaitingForDrain = true
    transport.onDrain(() => {
      this.#isWaitingForDrain = false
      this.#step({ kind: 'room' })
    })
  }

  #stepNow(input: Input): void {
    this.#carryOut(this.#session.step(input))
  }

  #fail(error: unknown): void {
    if (this.#ended) return
    const { log, peer } = this.#parts
    if (error instanceof CipherFailed) {
      // 5.1: a message that cannot be opened ends everything at once; there is nobody to talk to.
      log.warn('relay.link.altered', { peer })
      this.cut()
    } else if (error instanceof ProtocolClose || error instanceof ProtocolError) {
      const reason = error instanceof ProtocolClose ? error.reason : 'bad-frame'
      log.warn('relay.link.broken-rule', { peer, reason, rule: error.message })
      this.close(reason)
    } else {
      log.error('relay.link.failed', { peer, cause: error })
      this.close('internal', INTERNAL_RETRY_SECONDS)
    }
  }

  #end(reason: CloseReason, detail = ''): void {
    if (this.#ended) return
    this.#ended = reason
    for (const cancel of this.#timers) cancel()
    this.#timers.clear()
    const { send, receive } = this.#parts.established
    send.destroy()
    receive.destroy()
    this.#blobs.end()
    const { log, peer, handlers } = this.#parts
    const { bytesIn, bytesOut } = this
    log.info('relay.link.closed', { peer, reason, detail, bytesIn, bytesOut })
    handlers.onClosed(this, reason)
  }
}
