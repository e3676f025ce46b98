/**
 * Dates and times in words of a language and a time zone. Pure: whoever calls brings the instant and, where a
 * distance matters, the present. Clock times have 24 hours in every language.
 */

export type Language = 'en' | 'uk' | 'pt'

/**
 * Bytes in the largest unit that leaves a number a person reads: `1.4 MB`. A MB is 1,048,576 bytes as in the settings
 * and in the windows of most computers (docs/decisions/048): a limit of 64 is 64 in every sentence. `isLimit` rounds
 * down: of a limit and of room that is left never more is promised than is there.
 */
export function byteWords(
  bytes: number,
  language: Language,
  how: { isLimit?: boolean } = {},
): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const
  const step = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), 3)
  const value = bytes / 1024 ** step
  return new Intl.NumberFormat(language, {
    ...{ style: 'unit', unit: units[step] ?? 'byte', unitDisplay: step === 0 ? 'long' : 'short' },
    maximumFractionDigits: value < 10 && step > 0 ? 1 : 0,
    roundingMode: how.isLimit ? 'floor' : 'halfExpand',
  }).format(value)
}

/** What is written in words; the rest is counted. */
type Kind = 'weekday' | 'day' | 'date' | 'full'

const DAY_MS = 24 * 60 * 60 * 1000
/** Bounds what is remembered: a handful of time zones, and for each the days that pages show. */
const REMEMBERED_MAX = 500
const LOCALE: Record<Language, string> = { en: 'en-GB', uk: 'uk-UA', pt: 'pt-PT' }

const OPTIONS: Record<Kind, Intl.DateTimeFormatOptions> = {
  weekday: { weekday: 'short' },
  day: { day: 'numeric', month: 'short' },
  date: { weekday: 'long', day: 'numeric', month: 'long' },
  full: { day: 'numeric', month: 'long', year: 'numeric' },
}

/** Remembers what `make` answers for a key, which never changes. */
function remembered<Key, Value>(make: (key: Key) => Value): (key: Key) => Value {
  const made = new Map<Key, Value>()
  return (key) => {
    const known = made.get(key)
    if (known !== undefined) return known
    if (made.size >= REMEMBERED_MAX) made.clear()
    const value = make(key)
    made.set(key, value)
    return value
  }
}

// All of them say something of a calendar day, and a list of chats names few days. Making a format costs a thousand
// times what using it costs.
const dayWordsIn = remembered((language: Language) =>
  remembered((kind: Kind) => {
    const options = { ...OPTIONS[kind], timeZone: 'UTC' }
    const format = new Intl.DateTimeFormat(LOCALE[language], options)
    return remembered((day: number) => format.format(day * DAY_MS))
  }),
)

function inWords(ms: number, kind: Kind, timeZone: string, language: Language): string {
  return dayWordsIn(language)(kind)(dayNumber(ms, timeZone))
}

/**
 * How far the clocks of a zone are from UTC at an instant. A page asks some hundred times and each use of a format
 * costs microseconds, so it is remembered per day; the days that change the clock are asked for each time.
 */
const offsetsIn = remembered((timeZone: string) => {
  const format = new Intl.DateTimeFormat('sv-SE', {
    ...({ year: 'numeric', month: '2-digit', day: '2-digit' } as const),
    ...({ hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' } as const),
    timeZone,
  })
  const offsetAt = (ms: number) => {
    const second = Math.floor(ms / 1000) * 1000
    return Date.parse(`${format.format(second).replace(' ', 'T')}Z`) - second
  }
  const offsetOn = remembered((day: number) => {
    const offset = offsetAt(day * DAY_MS)
    return offset === offsetAt((day + 1) * DAY_MS) ? offset : Number.NaN
  })
  return (ms: number): number => {
    const offset = offsetOn(Math.floor(ms / DAY_MS))
    return Number.isNaN(offset) ? offsetAt(ms) : offset
  }
})

/** An instant as if the clocks of the zone were those of UTC. */
function local(ms: number, timeZone: string): Date {
  return new Date(ms + offsetsIn(timeZone)(ms))
}

function twoDigits(n: number): string {
  return n < 10 ? `0${n}` : `${n}`
}

/** `14:02`. */
export function clockTime(ms: number, timeZone: string): string {
  const at = local(ms, timeZone)
  return `${twoDigits(at.getUTCHours())}:${twoDigits(at.getUTCMinutes())}`
}

/** `14:02:11`. */
export function clockSeconds(ms: number, timeZone: string): string {
  return `${clockTime(ms, timeZone)}:${twoDigits(local(ms, timeZone).getUTCSeconds())}`
}

/** `2026-11-21`, the calendar day there; sorts as text. */
export function calendarDay(ms: number, timeZone: string): string {
  return local(ms, timeZone).toISOString().slice(0, 10)
}

/** How many calendar days lie between: 0 for the same day, 1 for yesterday; negative for the future. */
export function daysBetween(ms: number, now: number, timeZone: string): number {
  return dayNumber(now, timeZone) - dayNumber(ms, timeZone)
}

/** Whether two instants are of the same calendar day there. */
export function isSameDay(ms: number, other: number, timeZone: string): boolean {
  return daysBetween(ms, other, timeZone) === 0
}

function isSameYear(ms: number, other: number, timeZone: string): boolean {
  return local(ms, timeZone).getUTCFullYear() === local(other, timeZone).getUTCFullYear()
}

function dayNumber(ms: number, timeZone: string): number {
  return Math.floor(local(ms, timeZone).getTime() / DAY_MS)
}

/** When the calendar day of an instant began there (an hour off on the two days that change the clock). */
export function startOfDay(ms: number, timeZone: string): number {
  return ms - (local(ms, timeZone).getTime() - dayNumber(ms, timeZone) * DAY_MS)
}

/** For lists: `14:02` today, `Tue` within the week, `3 Oct` within the year, else the whole date. */
export function shortTime(ms: number, now: number, timeZone: string, language: Language): string {
  const days = daysBetween(ms, now, timeZone)
  if (days <= 0) return clockTime(ms, timeZone)
  if (days < 7) return inWords(ms, 'weekday', timeZone, language)
  return isSameYear(ms, now, timeZone)
    ? inWords(ms, 'day', timeZone, language)
    : calendarDay(ms, timeZone)
}

/** `14:02` today, else `3 Oct, 14:02`. */
export function dayAndTime(ms: number, now: number, timeZone: string, language: Language): string {
  const time = clockTime(ms, timeZone)
  return isSameDay(ms, now, timeZone) ? time : `${inWords(ms, 'day', timeZone, language)}, ${time}`
}

/** `Saturday, 14 November`; with the year when it is another one. */
export function longDate(ms: number, now: number, timeZone: string, language: Language): string {
  return inWords(ms, isSameYear(ms, now, timeZone) ? 'date' : 'full', timeZone, language)
}
