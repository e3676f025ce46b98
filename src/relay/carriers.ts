/**
 * Who leads to whom, and whom we ask to carry. Each branch tells its peers which branches mail reaches through it, and
 * over how many links (REACH); mail for a branch we have no link with goes to the peers that are nearest to it, to more
 * of them while nothing arrives, and after a while to some that do not see it either: they may, later. Nothing here is
 * stored: after a start the peers tell it anew. docs/protocol.md, section 10.
 */
import type { BranchId } from '../base/ids.ts'
import { type Millis, SECOND } from '../base/units.ts'
import type { EventLog, Route } from '../eventlog/log.ts'
import { type Cancel, type Clock, every } from '../world/clock.ts'
import type { Log } from '../world/log.ts'
import { FRAME, type Frame, frame } from './frames.ts'
import { decodeReach, encodeReach, REACH_MAX, type Reach } from './payloads.ts'

/** Ways beyond it are not told: branches that see nobody would tell each other of themselves for ever. */
const HOPS_MAX = 4
/** One carrier may fall silent or lie; two are asked from the beginning. */
const CARRIERS_MIN = 2
/** Nothing arrived for so long: one more is asked. A branch away for so long: also who does not see it. */
const PATIENCE_MS: Millis = 30 * SECOND
/** Links come and go together when a site does: one REACH for all of it. */
const SETTLE_MS: Millis = 200
/** Who did not answer a PING (sent after 15 s) for 5 s counts as away; it is given up after 45 s only. */
const SILENT_MS_MAX: Millis = 20 * SECOND
const LISTEN_MS: Millis = 5 * SECOND

type Neighbour = {
  readonly peer: BranchId
  readonly roundTripMs: Millis | undefined
  readonly silentMs: Millis
  send(frame: Frame): void
  routesChanged(): void
}

type CarriersParts = {
  /** Links that are proved live. */
  live(): readonly Neighbour[]
  /** Every other branch that is one of ours, and since when it has no link. */
  branches(): readonly { branch: BranchId; lostAt: Millis | undefined }[]
  eventLog: Pick<EventLog, 'carryOffers'>
  /** Ways have changed. */
  onRoutes(): void
  /** Mail for `to` goes over a peer from now on. */
  onRoute(peer: BranchId, to: BranchId): void
  clock: Clock
  log: Log
}

export class Carriers {
  readonly #parts: CarriersParts
  /** What each peer told last. */
  readonly #reach = new Map<BranchId, ReadonlyMap<BranchId, number>>()
  /** What we told each peer last, and whom it carries for. */
  readonly #told = new Map<BranchId, string>()
  readonly #routes = new Map<BranchId, readonly Route[]>()
  /** How many carriers a branch gets, and how much waited for it when we last looked. */
  readonly #patience = new Map<BranchId, { carriers: number; waiting: number }>()
  #settling: Cancel | undefined
  readonly #stops: Cancel[] = []
  /** Whom we heard when we last planned. */
  #heardThen = ''
  #isOver = false

  constructor(parts: CarriersParts) {
    this.#parts = parts
  }

  start(): void {
    const { clock, log } = this.#parts
    const failed = (error: unknown) => log.error('relay.carriers-failed', { cause: error })
    this.#stops.push(
      every(clock, PATIENCE_MS, () => this.#look(), failed),
      every(clock, LISTEN_MS, () => this.#listen(), failed),
    )
  }

  stop(): void {
    this.#isOver = true
    this.#settling?.()
    for (const cancel of this.#stops.splice(0)) cancel()
  }

  /** Branches that a peer shall carry mail to, now. */
  routesOver(peer: BranchId): readonly Route[] {
    return this.#routes.get(peer) ?? []
  }

  /** Whom we ask to carry to a branch that we have no link with. */
  carriersTo(branch: BranchId): BranchId[] {
    return this.#asked(({ to }) => to === branch)
  }

  /** Those of them that say that they see it. */
  seeing(branch: BranchId): BranchId[] {
    return this.#asked(({ to, isBlind }) => to === branch && !isBlind)
  }

  #asked(isMeant: (route: Route) => boolean): BranchId[] {
    return [...this.#routes].flatMap(([peer, routes]) => (routes.some(isMeant) ? [peer] : []))
  }

  /** A link is live: it is told, also that there is nobody; what it told may have come before. */
  met(peer: BranchId): void {
    this.#told.delete(peer)
    this.#settle()
  }

  /** The last link to a peer is gone. */
  lost(peer: BranchId): void {
    this.#told.delete(peer)
    this.#reach.delete(peer)
    this.#settle()
  }

  /** REACH of a peer. */
  heard(peer: BranchId, { payload }: Frame): void {
    const near = decodeReach(payload).filter(({ hops }) => hops > 0 && hops <= HOPS_MAX)
    this.#reach.set(peer, new Map(near.map(({ branch, hops }) => [branch, hops])))
    this.#settle()
  }

  /** Somebody fell silent, or is heard again. */
  #listen(): void {
    if (this.#heardNow() !== this.#heardThen) this.#plan()
  }

  #heardNow(): string {
    return this.#heard()
      .map(({ peer }) => peer)
      .join()
  }

  /** Peers that answer. */
  #heard(): Neighbour[] {
    return this.#parts.live().filter(({ silentMs }) => silentMs < SILENT_MS_MAX)
  }

  #settle(): void {
    if (this.#settling || this.#isOver) return
    this.#settling = this.#parts.clock.after(SETTLE_MS, () => {
      this.#settling = undefined
      this.#plan()
    })
  }

  /** Tells the peers what changed, and offers them what they shall carry. */
  #plan(): void {
    if (this.#isOver) return
    this.#heardThen = this.#heardNow()
    const routes = new Map<BranchId, Route[]>()
    for (const { branch } of this.#unlinked()) {
      for (const { peer, isBlind } of this.#choice(branch)) {
        const list = routes.get(peer) ?? []
        list.push({ to: branch, isBlind })
        routes.set(peer, list)
      }
    }
    const before = this.#ways()
    for (const peer of this.#routes.keys()) if (!this.#isLinked(peer)) this.#routes.delete(peer)
    for (const neighbour of this.#parts.live()) {
      const { peer } = neighbour
      const last = this.routesOver(peer)
      const now = routes.get(peer) ?? []
      this.#routes.set(peer, now)
      if (JSON.stringify(last) !== JSON.stringify(now)) neighbour.routesChanged()
      for (const { to } of now) {
        if (!last.some((route) => route.to === to)) this.#parts.onRoute(peer, to)
      }
      this.#tell(neighbour)
    }
    if (before !== this.#ways()) this.#parts.onRoutes()
  }

  /** Who carries for whom, to compare. */
  #ways(): string {
    return JSON.stringify([...this.#routes].filter(([, routes]) => routes.length > 0))
  }

  #tell(neighbour: Neighbour): void {
    const list = this.#reachFor(neighbour.peer)
    const text = JSON.stringify(list)
    if (this.#told.get(neighbour.peer) === text) return
    this.#told.set(neighbour.peer, text)
    neighbour.send(frame(FRAME.REACH, encodeReach(list)))
  }

  /** Whom mail of this peer reaches through us; ways over itself are left out, or they would go round in circles. */
  #reachFor(peer: BranchId): Reach[] {
    const list: Reach[] = []
    for (const { branch } of this.#parts.branches()) {
      if (branch === peer) continue
      const hops = this.#isLinked(branch) ? 1 : this.#hopsTo(branch, peer) + 1
      if (hops <= HOPS_MAX) list.push({ branch, hops })
    }
    return list.slice(0, REACH_MAX)
  }

  #hopsTo(branch: BranchId, except: BranchId): number {
    const ways = this.#heard().flatMap(({ peer }) => {
      return peer === except ? [] : [this.#reach.get(peer)?.get(branch) ?? Infinity]
    })
    return Math.min(Infinity, ...ways)
  }

  #choice(branch: BranchId): { peer: BranchId; isBlind: boolean }[] {
    const count = this.#patience.get(branch)?.carriers ?? CARRIERS_MIN
    const asked = this.carriersTo(branch)
    const candidates = this.#heard().map(({ peer, roundTripMs = Infinity }) => {
      const hops = this.#reach.get(peer)?.get(branch) ?? Infinity
      return { peer, roundTripMs, hops, isNew: asked.includes(peer) ? 0 : 1 }
    })
    const seeing = candidates.filter(({ hops }) => hops < Infinity)
    const isBlind = seeing.length === 0
    if (isBlind && !this.#isLongAway(branch)) return []
    return (isBlind ? candidates : seeing)
      .sort((a, b) => {
        // Who carries already goes on: round trips that change places would make copies everywhere.
        const nearer = a.hops - b.hops || a.isNew - b.isNew || a.roundTripMs - b.roundTripMs
        return nearer || (a.peer < b.peer ? -1 : 1)
      })
      .slice(0, isBlind ? CARRIERS_MIN : count)
      .map(({ peer }) => ({ peer, isBlind }))
  }

  /** Every half minute: who gets nothing gets one carrier more, and who is away for long a blind one. */
  async #look(): Promise<void> {
    const unlinked = this.#unlinked()
    for (const branch of this.#patience.keys()) {
      if (!unlinked.some((each) => each.branch === branch)) this.#patience.delete(branch)
    }
    for (const { branch } of unlinked) {
      const waiting = await this.#waitingFor(branch)
      const before = this.#patience.get(branch)
      const isStuck = before !== undefined && before.waiting > 0 && waiting >= before.waiting
      const carriers = isStuck ? before.carriers + 1 : (before?.carriers ?? CARRIERS_MIN)
      this.#patience.set(branch, { carriers: waiting === 0 ? CARRIERS_MIN : carriers, waiting })
    }
    this.#plan()
  }

  /** Events of our mail for it that it has not acked; records are none, and nobody acks those he got from others. */
  async #waitingFor(branch: BranchId): Promise<number> {
    const offers = await this.#parts.eventLog.carryOffers([{ to: branch, isBlind: true }])
    return offers.reduce((sum, { head, carry }) => sum + head - carry.after, 0)
  }

  #unlinked() {
    return this.#parts.branches().filter(({ branch }) => !this.#isLinked(branch))
  }

  #isLinked(branch: BranchId): boolean {
    return this.#heard().some(({ peer }) => peer === branch)
  }

  #isLongAway(branch: BranchId): boolean {
    const lostAt = this.#parts.branches().find((each) => each.branch === branch)?.lostAt
    return lostAt === undefined || this.#parts.clock.now() - lostAt >= PATIENCE_MS
  }
}
