/**
 * Presence: one element with dot and words, the same in rows, headers and member lists, so that one push of
 * `.presence-USERID` mends all of them. It does not know how a person came to be online.
 */
import { html } from 'hono/html'
import { clockTime, daysBetween } from '../language/times.ts'
import { aroundTime, type Html, momentTime, type Reader } from '../parts.ts'
import { type Status, statusWords } from './status.ts'

export type Presence = {
  /** Whether a page of this person is open somewhere, as far as this branch knows. */
  isOnline: boolean
  /** When the person was last there, Unix milliseconds; absent if never. */
  lastSeenAt?: number | null | undefined
  /** Set while the line to the person's branch is down: since when the rest is only what was last heard. */
  asOf?: number | null | undefined
  /** What the person says of himself. */
  status?: Status | undefined
}

type When = Pick<Reader, 't' | 'timeZone' | 'now'>

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** Presence in words: `online`, `online 5 minutes ago`, `yesterday at 17:40`, `3 days ago`, and as of when. */
export function presenceWords(p: Presence, reader: When): string {
  const t = reader.t.presence
  const words = p.isOnline ? t.online : lastSeenWords(p.lastSeenAt ?? undefined, reader)
  if (p.asOf === undefined || p.asOf === null) return words
  return `${words}, ${t.asOf(reader.t.moment(p.asOf, reader.now, reader.timeZone))}`
}

function lastSeenWords(seenAt: number | undefined, reader: When): string {
  const t = reader.t.presence
  if (seenAt === undefined) return t.never
  const ago = Math.max(0, reader.now - seenAt)
  if (ago < HOUR_MS) return t.minutes(Math.max(1, Math.floor(ago / MINUTE_MS)))
  const days = daysBetween(seenAt, reader.now, reader.timeZone)
  if (days === 0) return t.hours(Math.floor(ago / HOUR_MS))
  if (days === 1) return t.yesterdayAt(clockTime(seenAt, reader.timeZone))
  return t.days(days)
}

/** Dot and words of a person; the place where it stands decides which of them is seen. */
export function presence(userId: string, p: Presence, reader: When): Html {
  const isStale = p.asOf !== undefined && p.asOf !== null
  const dot = isStale ? 'stale' : p.isOnline ? 'on' : 'off'
  const seen = p.lastSeenAt ?? undefined
  const words = { ...p, asOf: undefined }
  const isQuiet = p.status?.doNotDisturb && ' dnd'
  return html`<span class="presence presence-${userId} ${dot}${isQuiet}"><i class="dot"></i><span class="said"><span class="words"${
    dot === 'off' && seen !== undefined && ticking(seen, reader)
  }>${presenceWords(words, reader)}${isStale && html`, ${asOfWords(p.asOf ?? 0, reader)}`}</span>${
    p.status &&
    html`<span class="status"><span class="quiet"> · </span>${statusWords(p.status, reader)}</span>`
  }</span></span>`
}

/** What the script needs to keep the words true while the page stands open, by the reader's own clock and calendar. */
function ticking(seen: number, { t }: When): Html {
  return html` data-seen="${seen}" data-ago="${t.presence.ago}" data-yesterday="${t.presence.yesterdayAt('{time}')}"`
}

function asOfWords(asOf: number, reader: When): Html {
  return aroundTime(reader.t.presence.asOf, momentTime(asOf, reader))
}

/** Who is typing, in words; empty when nobody is. */
export function typingWords(names: readonly string[], reader: Pick<Reader, 't'>): string {
  const t = reader.t.presence
  const [one, two] = names
  if (one === undefined) return ''
  if (two === undefined) return t.someoneTypes(one)
  return names.length === 2 ? t.twoType(one, two) : t.severalType(names.length)
}

/** The line under the log; pushed whole. Silent for screen readers: it would speak all day. */
export function typingLine(names: readonly string[], reader: Pick<Reader, 't'>): Html {
  return html`<p id="typing" class="typing" aria-hidden="true">${typingWords(names, reader)}</p>`
}
