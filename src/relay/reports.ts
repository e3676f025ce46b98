/**
 * Passing on what branches sign about carried mail: ACKVEC goes back to the origin, HEAD on to the destination, over
 * their own links where there are such, else over whoever leads there. Each is passed on once: only what is news goes
 * further, so none goes round in circles. docs/protocol.md, section 10.
 */
import type { BranchId } from '../base/ids.ts'
import { MINUTE, type Millis, SECOND } from '../base/units.ts'
import type { EventLog } from '../eventlog/log.ts'
import { ProtocolError } from '../eventlog/protocol-error.ts'
import { type Cancel, type Clock, every } from '../world/clock.ts'
import type { Log } from '../world/log.ts'
import { FRAME, type Frame, type FrameType, frame } from './frames.ts'

/** Acks of carried mail are collected so long: one signature for many batches. */
const COLLECT_MS: Millis = SECOND
/** How often an origin says what it wrote, where that changed. */
const HEADS_MS: Millis = MINUTE

type Neighbour = {
  readonly peer: BranchId
  send(frame: Frame): void
  close(reason: 'bad-frame'): void
}

type ReportsParts = {
  eventLog: Pick<
    EventLog,
    'vectorFor' | 'headsFor' | 'receiveVector' | 'receiveHead' | 'reportsFor'
  >
  live(): readonly Neighbour[]
  /** Branches of ours without a link. */
  unlinked(): readonly BranchId[]
  /** Whom we ask to carry to a branch that we have no link with. */
  carriersTo(branch: BranchId): readonly BranchId[]
  clock: Clock
  log: Log
}

export class Reports {
  readonly #parts: ReportsParts
  /** Origins whose mail was brought by others, and by whom, since we last said so. */
  readonly #brought = new Map<BranchId, Set<BranchId>>()
  #collecting: Cancel | undefined
  #telling: Cancel | undefined

  constructor(parts: ReportsParts) {
    this.#parts = parts
  }

  start(): void {
    const { clock } = this.#parts
    this.#telling = every(clock, HEADS_MS, () => this.#tellHeads(), this.#failed)
  }

  stop(): void {
    this.#collecting?.()
    this.#telling?.()
  }

  /** A link leads to a branch, its peer or one beyond: what others said to that one, or about mail for it. */
  async leads(link: Neighbour, to: BranchId): Promise<void> {
    const { vectors, heads } = await this.#parts.eventLog.reportsFor(to)
    for (const bytes of vectors) link.send(frame(FRAME.ACKVEC, bytes))
    for (const bytes of heads) link.send(frame(FRAME.HEAD, bytes))
  }

  /** Mail of `origin` for us was brought by `carrier`: both learn that it is here. */
  carried(carrier: BranchId, origin: BranchId): void {
    const by = this.#brought.get(origin) ?? new Set()
    this.#brought.set(origin, by.add(carrier))
    this.#collecting ??= this.#parts.clock.after(COLLECT_MS, () => {
      this.#collecting = undefined
      this.#tellAcks().catch(this.#failed)
    })
  }

  /** ACKVEC or HEAD of a peer. */
  async received(link: Neighbour, { type, payload }: Frame): Promise<void> {
    const { receiveVector, receiveHead } = this.#parts.eventLog
    const { peer } = link
    const bytes = payload.slice()
    try {
      const learned = await (type === FRAME.ACKVEC ? receiveVector(bytes) : receiveHead(bytes))
      if (learned) this.#passOn(type as FrameType, bytes, { to: learned.for, except: [peer] })
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#parts.log.warn('relay.report.wrong', { peer, rule: error.message })
      link.close('bad-frame')
    }
  }

  async #tellAcks(): Promise<void> {
    const brought = [...this.#brought]
    this.#brought.clear()
    for (const [origin, by] of brought) {
      const bytes = await this.#parts.eventLog.vectorFor(origin)
      this.#passOn(FRAME.ACKVEC, bytes, { to: origin, also: [...by] })
    }
  }

  /** To everybody: the carrier that keeps something back will not pass its proof on. */
  async #tellHeads(): Promise<void> {
    const { unlinked, eventLog, live } = this.#parts
    for (const branch of unlinked()) {
      for (const bytes of await eventLog.headsFor(branch)) {
        for (const link of live()) link.send(frame(FRAME.HEAD, bytes))
      }
    }
  }

  #passOn(
    type: FrameType,
    bytes: Uint8Array,
    ways: { to: BranchId; except?: readonly BranchId[]; also?: readonly BranchId[] },
  ): void {
    const { to, except = [], also = [] } = ways
    const { live, carriersTo } = this.#parts
    const isLinked = live().some(({ peer }) => peer === to)
    const peers = new Set([...(isLinked ? [to] : carriersTo(to)), ...also])
    for (const link of live()) {
      if (peers.has(link.peer) && !except.includes(link.peer)) link.send(frame(type, bytes))
    }
  }

  readonly #failed = (error: unknown): void => {
    this.#parts.log.error('relay.reports-failed', { cause: error })
  }
}
