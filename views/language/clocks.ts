/** A certificate that does not fit the clock, in words: what is wrong, by how much, and whose clock it probably is. */

export type ClockProblem = {
  of: 'link' | 'issuer' | 'records'
  when: 'not-yet' | 'expired'
  /** In milliseconds. */
  by: number
  clock: 'here' | 'there' | 'unknown' | 'none'
}

export type ClockWords = {
  minutes(n: number): string
  hours(n: number): string
  days(n: number): string
  what: Record<'link' | 'issuer', Record<'not-yet' | 'expired', (span: string) => string>>
  records(span: string): string
  whose: Record<ClockProblem['clock'], string>
}

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** One or two sentences. */
export function clockProblemText(t: ClockWords, { of, when, by, clock }: ClockProblem): string {
  const span = spanText(t, by)
  if (of === 'records') return t.records(span)
  return `${t.what[of][when](span)} ${t.whose[clock]}`
}

/** Up to two hours in minutes, up to two days in hours, then in days. */
function spanText(t: ClockWords, ms: number): string {
  if (ms < 2 * HOUR_MS) return t.minutes(Math.max(1, Math.round(ms / MINUTE_MS)))
  if (ms < 2 * DAY_MS) return t.hours(Math.round(ms / HOUR_MS))
  return t.days(Math.round(ms / DAY_MS))
}
