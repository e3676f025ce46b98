/**
 * What is wrong with the dates of a certificate by a clock, and whose clock that probably is. A certificate alone
 * cannot say it; what else is known of the time can: the clocks of other branches, and how late it was when something
 * here was last signed or written. Pure.
 */
import { MINUTE, type Millis } from '../base/units.ts'
import { BACKDATE_MS } from './certificate.ts'
import type { Chain, ChainRefusal } from './chain.ts'

/** Events of others pull the log's clock a minute ahead; beyond twice that this clock went back. */
const AHEAD_MS_MAX: Millis = 2 * MINUTE

type DateProblem = {
  /** Whose dates: a link certificate, that of its issuer, or the newest event of this branch. */
  of: 'link' | 'issuer' | 'records'
  when: 'not-yet' | 'expired'
  by: Millis
}

/** `none`: the clocks agree, so it was not renewed in time. `there`: the peer's, or that of whoever signed for it. */
type Suspect = 'here' | 'there' | 'unknown' | 'none'

export type ClockProblem = DateProblem & { clock: Suspect }

/** What a branch knows of the time. */
export type TimeKnown = {
  now: Millis
  /** The chain of this branch. */
  own: Chain
  /** Time of the newest event here. */
  latest: Millis
  /** Their clock minus ours, of every live link that has measured it. */
  offsets: readonly Millis[]
}

/** What is wrong with the dates of a chain at an instant; the order is that of `verifyChain`. */
export function dateProblemOf(
  { issuer, link }: Pick<Chain, 'issuer' | 'link'>,
  now: Millis,
): DateProblem | undefined {
  const early = [
    { of: 'issuer', by: issuer.notBefore - now },
    { of: 'link', by: link.notBefore - now },
  ] as const
  const late = [
    { of: 'issuer', by: now - issuer.notAfter },
    { of: 'link', by: now - link.notAfter },
  ] as const
  const tooEarly = early.find(({ by }) => by > 0)
  if (tooEarly) return { ...tooEarly, when: 'not-yet' }
  const tooLate = late.find(({ by }) => by > 0)
  return tooLate && { ...tooLate, when: 'expired' }
}

/** Whether a refusal says that all is proved but the dates. */
export function isByDates(reason: ChainRefusal): boolean {
  return reason.endsWith('-not-yet-valid') || reason.endsWith('-expired')
}

/**
 * A refused chain and whose clock it probably is. `isCaller`: the peer called for an ordinary link: by its own clock
 * its certificate is good.
 */
export function clockProblemOf(
  theirs: Chain,
  known: TimeKnown,
  { isCaller }: { isCaller: boolean },
): ClockProblem | undefined {
  const problem = dateProblemOf(theirs, known.now)
  return problem && { ...problem, clock: suspectOf(problem, { theirs, known, isCaller }) }
}

/** What is wrong with our own dates; undefined: nothing, as far as can be seen from here. */
export function ownClockProblem(known: TimeKnown): ClockProblem | undefined {
  const { now, own, latest, offsets } = known
  const ofCertificate = clockProblemOf(own, known, { isCaller: false })
  if (ofCertificate) return ofCertificate
  const by = latest - now
  const ahead = median(offsets)
  // The others go by the same time: then the clock was ahead when those events were written, and is right now.
  if (by <= AHEAD_MS_MAX || (ahead !== undefined && ahead < by / 2)) return undefined
  return { of: 'records', when: 'not-yet', by, clock: 'here' }
}

function suspectOf(
  { of, when }: DateProblem,
  { theirs, known, isCaller }: { theirs: Chain; known: TimeKnown; isCaller: boolean },
): Suspect {
  const { now, own, latest, offsets } = known
  // A call by which the peer would only renew is honest about being late.
  const whenLate = isCaller ? 'there' : 'none'
  const ahead = median(offsets)
  if (ahead !== undefined) {
    if (!dateProblemOf(theirs, now + ahead)) return 'here'
    return when === 'not-yet' ? 'there' : whenLate
  }
  // It is at least so late as when our own certificate was signed, or the newest event here was written.
  const atLeast = Math.max(latest, own.link.notBefore + BACKDATE_MS)
  if (when === 'not-yet') return now < atLeast - AHEAD_MS_MAX ? 'here' : 'unknown'
  const { notAfter } = of === 'issuer' ? theirs.issuer : theirs.link
  return atLeast > notAfter ? whenLate : 'unknown'
}

function median(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
}
