/** Mail by way of others, as the relay sees it: who leads where (carriers.ts), what is signed of it (reports.ts). */
import type { BranchId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import type { EventLog, Route } from '../eventlog/log.ts'
import type { Clock } from '../world/clock.ts'
import type { Log } from '../world/log.ts'
import { Carriers } from './carriers.ts'
import type { Chores } from './chores.ts'
import { FRAME, type Frame } from './frames.ts'
import type { Link } from './link.ts'
import { Reports } from './reports.ts'

type CarryingParts = {
  eventLog: EventLog
  /** Links that are proved live. */
  live(): readonly Link[]
  /** Every other branch that is one of ours, and since when it has no link. */
  branches(): readonly { branch: BranchId; lostAt: Millis | undefined }[]
  /** Ways have changed. */
  onRoutes(): void
  chores: Chores
  clock: Clock
  log: Log
}

export class Carrying {
  readonly #carriers: Carriers
  readonly #reports: Reports

  constructor(parts: CarryingParts) {
    const { live, branches } = parts
    const isLinked = (branch: BranchId) => live().some(({ peer }) => peer === branch)
    this.#carriers = new Carriers({
      ...parts,
      onRoute: (peer, to) => {
        const link = live().find((each) => each.peer === peer)
        if (link) parts.chores.run(() => this.#reports.leads(link, to))
      },
    })
    this.#reports = new Reports({
      ...parts,
      unlinked: () => branches().flatMap(({ branch }) => (isLinked(branch) ? [] : [branch])),
      carriersTo: (branch) => this.#carriers.carriersTo(branch),
    })
  }

  start(): void {
    this.#carriers.start()
    this.#reports.start()
  }

  stop(): void {
    this.#carriers.stop()
    this.#reports.stop()
  }

  /** A link is live. */
  async met(link: Link): Promise<void> {
    this.#carriers.met(link.peer)
    await this.#reports.leads(link, link.peer)
  }

  /** The last link to a peer is gone. */
  lost(peer: BranchId): void {
    this.#carriers.lost(peer)
  }

  /** REACH, ACKVEC or HEAD of a peer. */
  async received(link: Link, frame: Frame): Promise<void> {
    if (frame.type === FRAME.REACH) this.#carriers.heard(link.peer, frame)
    else await this.#reports.received(link, frame)
  }

  /** Mail of `origin` for us was brought by a peer. */
  carried(by: Link, origin: BranchId): void {
    this.#reports.carried(by.peer, origin)
  }

  /** Branches that a peer shall carry mail to, now. */
  routesOver(peer: BranchId): readonly Route[] {
    return this.#carriers.routesOver(peer)
  }

  /** Who carries to a branch that has no link, and sees it. */
  seeing(branch: BranchId): BranchId[] {
    return this.#carriers.seeing(branch)
  }
}
