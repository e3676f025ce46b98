/**
 * Why branches are not linked: the last error with each, and where a certificate was refused for its dates, whose
 * clock is probably wrong. For the page of branches, `peers`, the API and the log. Owns memory only: one entry for each
 * branch that proved to be a member.
 */
import type { BranchId } from '../base/ids.ts'
import { DAY, HOUR, isoTime, type Millis } from '../base/units.ts'
import type { Chain } from '../certificates/chain.ts'
import {
  type ClockProblem,
  clockProblemOf,
  ownClockProblem,
  type TimeKnown,
} from '../certificates/dates.ts'
import type { Log } from '../world/log.ts'
import { Refused } from './handshake.ts'
import { reasonOf } from './states.ts'

/** A wrong clock stays wrong for hours while calls come every minute: one line tells of all of them. */
const TOLD_MS: Millis = HOUR
const OWN_TOLD_MS: Millis = DAY

/** The only one that is told beside a link: all others end when there is one. */
export const WRONG_CHUNK = 'wrong-chunk'

export type Trouble = { lastError: string; clockProblem?: ClockProblem }

type TroubleParts = {
  log: Log
  /** Undefined while the relay does not run. */
  known(): TimeKnown | undefined
}

export class Troubles {
  readonly #parts: TroubleParts
  readonly #of = new Map<BranchId, Trouble>()
  readonly #told = new Map<BranchId, { what: string; at: Millis }>()
  #ownToldAt: Millis = Number.NEGATIVE_INFINITY

  constructor(parts: TroubleParts) {
    this.#parts = parts
  }

  of(branch: BranchId): Trouble | undefined {
    return this.#of.get(branch)
  }

  /** What is wrong with our own clock or certificate, as far as can be seen from here. */
  get own(): ClockProblem | undefined {
    const known = this.#parts.known()
    return known && ownClockProblem(known)
  }

  /** There is a link. */
  met(branch: BranchId): void {
    this.#of.delete(branch)
    this.#told.delete(branch)
  }

  /** A link ended. */
  ended(branch: BranchId, reason: string): void {
    this.#of.set(branch, { lastError: reason })
  }

  /** What it gave of a file is not what its hash says; told until it is linked anew. */
  lied(branch: BranchId): void {
    this.#of.set(branch, { lastError: WRONG_CHUNK })
  }

  /** A call of ours to a branch, or to an address where nobody was met yet, did not come through. */
  callFailed(branch: BranchId | undefined, error: unknown): void {
    const refused = error instanceof Refused ? error.outOfDate : undefined
    const peer = refused?.link.branch ?? branch
    if (!peer) return
    const judged = refused && this.#judged(refused, { isCaller: false })
    // Its own call, an ordinary one, showed more: that it thinks its certificate good.
    const before = this.#of.get(peer)?.clockProblem
    const isKnown = judged?.clock === 'none' && before?.clock === 'there'
    const clockProblem = judged && isKnown ? { ...judged, clock: before.clock } : judged
    this.#of.set(peer, { lastError: reasonOf(error), ...(clockProblem && { clockProblem }) })
  }

  /** A member that called was turned away for the dates of its certificate. */
  turnedAway(refused: Refused): void {
    const { outOfDate, reason } = refused
    const clockProblem = outOfDate && this.#judged(outOfDate, { isCaller: true })
    if (!clockProblem) return
    this.#of.set(outOfDate.link.branch, { lastError: reason, clockProblem })
  }

  /** Says in the log, once a day, that our own clock or certificate is wrong. */
  tellOwn(): void {
    const known = this.#parts.known()
    const problem = known && ownClockProblem(known)
    if (!problem || Math.abs(known.now - this.#ownToldAt) < OWN_TOLD_MS) return
    this.#ownToldAt = known.now
    this.#parts.log.error('relay.dates.own', { ...problem, here: isoTime(known.now) })
  }

  #judged(theirs: Chain, how: { isCaller: boolean }): ClockProblem | undefined {
    const known = this.#parts.known()
    const problem = known && clockProblemOf(theirs, known, how)
    if (!problem) return undefined
    const { of, when, clock } = problem
    const peer = theirs.link.branch
    const what = `${of} ${when} ${clock}`
    const told = this.#told.get(peer)
    if (told?.what !== what || Math.abs(known.now - told.at) >= TOLD_MS) {
      this.#told.set(peer, { what, at: known.now })
      const { notBefore, notAfter } = of === 'issuer' ? theirs.issuer : theirs.link
      const dates = { from: isoTime(notBefore), until: isoTime(notAfter), here: isoTime(known.now) }
      this.#parts.log.warn('relay.dates.refused', { peer, ...problem, ...dates })
    }
    return problem
  }
}
