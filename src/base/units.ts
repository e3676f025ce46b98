/** Units of time and size, so that no number stands without one. Pure values. */

/** Milliseconds: an instant since 1970-01-01T00:00Z, or a duration. */
export type Millis = number

export const MS = 1
export const SECOND = 1000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

/** Last instant a JavaScript date can have: a later one would break every page that shows it. */
export const TIME_MS_MAX: Millis = 8.64e15

/** An instant as the API and the log write it: ISO 8601 in UTC, with milliseconds. */
export function isoTime(at: Millis): string {
  return new Date(at).toISOString()
}

export const KIB = 1024
export const MIB = 1024 * KIB
export const GIB = 1024 * MIB
