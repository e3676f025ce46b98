/**
 * Dates and times in words of a language and a time zone. Pure: whoever calls brings the instant and, where a
 * distance matters, the present. Clock times have 24 hours in every language.
 */

export type Language = 'en' | 'uk' | 'pt'

type Kind = 'clock' | 'seconds' | 'weekday' | 'day' | 'date' | 'full' | 'calendar'

const DAY_MS = 24 * 60 * 60 * 1000
/** Bounds what is remembered: three languages, seven kinds and a handful of time zones fit many times over. */
const FORMATS_MAX = 500
const LOCALE: Record<Language, string> = { en: 'en-GB', uk: 'uk-UA', pt: 'pt-PT' }

const OPTIONS: Record<Kind, Intl.DateTimeFormatOptions> = {
  clock: { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
  seconds: { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' },
  weekday: { weekday: 'short' },
  day: { day: 'numeric', month: 'short' },
  date: { weekday: 'long', day: 'numeric', month: 'long' },
  full: { day: 'numeric', month: 'long', year: 'numeric' },
  calendar: { year: 'numeric', month: '2-digit', day: '2-digit' },
}

// Making a format costs a thousand times what using it costs, so each is made once; the answer never changes.
const formatOf = remembered((language: Language, kind: Kind, timeZone: string) => {
  const locale = kind === 'calendar' ? 'en-CA' : LOCALE[language]
  return new Intl.DateTimeFormat(locale, { ...OPTIONS[kind], timeZone })
})

function remembered(
  make: (language: Language, kind: Kind, timeZone: string) => Intl.DateTimeFormat,
) {
  const made = new Map<string, Intl.DateTimeFormat>()
  return (language: Language, kind: Kind, timeZone: string): Intl.DateTimeFormat => {
    const key = `${language} ${kind} ${timeZone}`
    const known = made.get(key)
    if (known) return known
    if (made.size >= FORMATS_MAX) made.clear()
    const format = make(language, kind, timeZone)
    made.set(key, format)
    return format
  }
}

/** `14:02`. */
export function clockTime(ms: number, timeZone: string, language: Language): string {
  return formatOf(language, 'clock', timeZone).format(ms)
}

/** `14:02:11`. */
export function clockSeconds(ms: number, timeZone: string, language: Language): string {
  return formatOf(language, 'seconds', timeZone).format(ms)
}

/** `2026-11-21`, the calendar day there; sorts as text. */
export function calendarDay(ms: number, timeZone: string): string {
  return formatOf('en', 'calendar', timeZone).format(ms)
}

/** How many calendar days lie between: 0 for the same day, 1 for yesterday; negative for the future. */
export function daysBetween(ms: number, now: number, timeZone: string): number {
  const then = Date.parse(calendarDay(ms, timeZone))
  return Math.round((Date.parse(calendarDay(now, timeZone)) - then) / DAY_MS)
}

/** When the calendar day of an instant began there (an hour off on the two days that change the clock). */
export function startOfDay(ms: number, timeZone: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = clockSeconds(ms, timeZone, 'en')
    .split(':')
    .map(Number)
  return ms - (ms % 1000) - ((hours * 60 + minutes) * 60 + seconds) * 1000
}

/** For lists: `14:02` today, `Tue` within the week, `3 Oct` within the year, else the whole date. */
export function shortTime(ms: number, now: number, timeZone: string, language: Language): string {
  const days = daysBetween(ms, now, timeZone)
  if (days <= 0) return clockTime(ms, timeZone, language)
  if (days < 7) return formatOf(language, 'weekday', timeZone).format(ms)
  if (calendarDay(ms, timeZone).slice(0, 4) === calendarDay(now, timeZone).slice(0, 4)) {
    return formatOf(language, 'day', timeZone).format(ms)
  }
  return calendarDay(ms, timeZone)
}

/** `14:02` today, else `3 Oct, 14:02`. */
export function dayAndTime(ms: number, now: number, timeZone: string, language: Language): string {
  const time = clockTime(ms, timeZone, language)
  if (daysBetween(ms, now, timeZone) === 0) return time
  return `${formatOf(language, 'day', timeZone).format(ms)}, ${time}`
}

/** `Saturday, 14 November`; with the year when it is another one. */
export function longDate(ms: number, now: number, timeZone: string, language: Language): string {
  const isThisYear =
    calendarDay(ms, timeZone).slice(0, 4) === calendarDay(now, timeZone).slice(0, 4)
  return formatOf(language, isThisYear ? 'date' : 'full', timeZone).format(ms)
}
