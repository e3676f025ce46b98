/**
 * How much may be under way to a peer, pure. What has left us cannot be overtaken any more, wherever it stands: in our
 * system, in a modem, in the peer's. So a link keeps little under way: PINGs go among what it sends, each PONG says
 * what has arrived and how long it took, and the window grows while that takes no longer than a PING on an empty line,
 * and shrinks when it takes much more. The idea is LEDBAT's (RFC 6817), above TCP instead of below, for all but
 * control: a file of ours delays no message of ours.
 */
import { KIB, MIB, type Millis, SECOND } from '../base/units.ts'
import { FRAME_HEADER_BYTES, PAYLOAD_BYTES_MAX } from './frames.ts'

/**
 * What we add to the way of a byte: 50 ms where answers come evenly, more where their times swing by themselves, so
 * that a swing is not taken for a queue; 150 ms at most, and that on thin lines, where a piece takes as long. On a long
 * way, where nobody notices, a sixth of it besides: it must hold a piece that is on the line alone.
 */
const ADDED_MS_MIN: Millis = 50
const ADDED_MS_MAX: Millis = 150
const ADDED_SHARE = 1 / 6
/** A line is thin while its window holds fewer than eight pieces. */
const THIN_BYTES = 8 * KIB
/** How much one answer differs from the one before, smoothed over so many; four times that covers nearly all. */
const SWING_OVER = 16
const SWINGS = 4
/** Two pieces: less would leave the line idle. At 64 kbit/s it takes a quarter of a second. */
const WINDOW_BYTES_MIN = 2 * KIB
/** Before anything is known: half a second at 64 kbit/s. It doubles with each answer. */
const WINDOW_BYTES_FIRST = 4 * KIB
/** What the peer grants in class 2 (receiving.ts) is no more. */
const WINDOW_BYTES_MAX = MIB
/** A piece is small against the window, and large against its headers (20 bytes, TCP/IP, the overlay's). */
const PIECE_BYTES_MIN = KIB
const FRAME_BYTES_MAX = FRAME_HEADER_BYTES + PAYLOAD_BYTES_MAX
/** Where the line takes eight of them in the time above, several frames go as one piece: each costs work. */
const PIECES_OF_WINDOW = 8
/** The empty line is measured again so often while there is no end of what waits: ways change. */
const BASE_MS: Millis = 15 * SECOND
/** A line with no more of ours on it is empty; control goes on meanwhile, and may never leave it so. */
const BARE_BYTES_MAX = 512
const EMPTYING_ANSWERS_MAX = 4
/** Two of them count, and of the others three: one alone may have been held up by a lost packet. */
const BASES = 2
const RECENT = 3
/** More PINGs are not under way at once, nor remembered: a peer need not answer. */
const PROBES_MAX = 16

type Probe = { at: Millis; sent: number; isBare: boolean }

export class Pace {
  #window = WINDOW_BYTES_FIRST
  /** Of all that was sent on this link: bytes, bytes before the newest PING, bytes that have arrived for sure. */
  #sent = 0
  #probed = 0
  #arrived = 0
  readonly #probes = new Map<string, Probe>()
  /** Round trips with nothing of ours before them, and of the newest PINGs. */
  #bases: Millis[] = []
  #recent: Millis[] = []
  #swing: Millis = ADDED_MS_MAX
  #baseAt = 0
  /** Nothing goes out until the line is empty and was measured, or so many answers have come. */
  #emptying = 0
  /** More waited than there was room for. */
  #isFull = false
  #isBeginning = true

  /** How long a piece of what is no control may go out now; 0: none, before something has arrived. */
  get pieceBytes(): number {
    const piece = this.longestPieceBytes
    return this.#emptying === 0 && this.#room >= piece ? piece : 0
  }

  /** The same when there is room for it. */
  get longestPieceBytes(): number {
    const quarter = Math.min(FRAME_BYTES_MAX, Math.floor(this.#window / 4))
    return Math.max(PIECE_BYTES_MIN, quarter, Math.floor(this.#window / PIECES_OF_WINDOW))
  }

  /** So much is worth having at hand: what waits here can still be overtaken, what is read ahead costs memory. */
  get windowBytes(): number {
    return this.#window
  }

  get #room(): number {
    return this.#window - this.#underWay
  }

  get #underWay(): number {
    return this.#sent - this.#arrived
  }

  wrote(bytes: number): void {
    this.#sent += bytes
  }

  /** More waits than there is room for. */
  full(now: Millis): void {
    this.#isFull = true
    if (this.#isStale(now) && this.#emptying === 0) this.#emptying = EMPTYING_ANSWERS_MAX
  }

  /** Whether a PING is due: behind each quarter of a window, and when no answer is awaited that makes room again. */
  get isProbeDue(): boolean {
    if (this.#probes.size >= PROBES_MAX) return false
    if (this.pieceBytes === 0 && this.#probes.size === 0) return true
    return this.#sent - this.#probed >= Math.max(PIECE_BYTES_MIN, this.#window / 4)
  }

  #isStale(now: Millis): boolean {
    return this.#bases.length > 0 && now - this.#baseAt > BASE_MS
  }

  /** A PING goes out behind all that was sent. */
  probe(nonce: string, now: Millis): void {
    const isBare = this.#underWay < BARE_BYTES_MAX
    this.#probes.set(nonce, { at: now, sent: this.#sent, isBare })
    this.#probed = this.#sent
    const [oldest = ''] = this.#probes.keys()
    if (this.#probes.size > PROBES_MAX) this.#probes.delete(oldest)
  }

  /** The round trip of a PONG, if it answers a PING of ours. */
  answered(nonce: string, now: Millis): Millis | undefined {
    const probe = this.#probes.get(nonce)
    if (!probe) return undefined
    for (const older of this.#probes.keys()) {
      this.#probes.delete(older)
      if (older === nonce) break
    }
    const roundTrip = now - probe.at
    const arrived = Math.max(0, probe.sent - this.#arrived)
    this.#arrived += arrived
    const differs = Math.abs(roundTrip - (this.#recent.at(-1) ?? roundTrip))
    this.#swing += (differs - this.#swing) / SWING_OVER
    this.#recent = [...this.#recent, roundTrip].slice(-RECENT)
    if (probe.isBare) this.#bases = [...this.#bases, roundTrip].slice(-BASES)
    // Those that were under way when the emptying began say nothing of an empty line.
    const isLast = this.#emptying > 0 && this.#probes.size === 0 && --this.#emptying === 0
    if (probe.isBare || isLast) {
      this.#emptying = 0
      this.#baseAt = now
    }
    this.#steer(arrived)
    return roundTrip
  }

  get #addedMsMax(): Millis {
    if (this.#window < THIN_BYTES) return ADDED_MS_MAX
    return Math.min(ADDED_MS_MAX, Math.max(ADDED_MS_MIN, SWINGS * this.#swing))
  }

  #steer(arrived: number): void {
    const wasFull = this.#isFull
    this.#isFull = false
    if (this.#bases.length === 0) return
    const base = Math.min(...this.#bases, ...this.#recent)
    const added = Math.min(...this.#recent) - base
    const addedMax = this.#addedMsMax + base * ADDED_SHARE
    const off = Math.max(-1, 1 - added / addedMax)
    if (off < 0.5) this.#isBeginning = false
    if (off > 0 && !wasFull) return
    // What is changed now is seen a round trip later: the longer that takes, the smaller the step.
    const step = this.#isBeginning ? 1 : addedMax / (addedMax + base)
    const wanted = this.#window + arrived * off * step
    this.#window = Math.min(WINDOW_BYTES_MAX, Math.max(WINDOW_BYTES_MIN, Math.round(wanted)))
  }
}
