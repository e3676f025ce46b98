/**
 * One message: the page, the answer to a sending and every push render it with this, once per language for its author
 * and once for all others. Siblings are sorted by `data-seq`, as text.
 */
import { html } from 'hono/html'
import {
  calendarDay,
  clockTime,
  daysBetween,
  isSameDay,
  longDate,
  startOfDay,
} from '../language/times.ts'
import type { Words } from '../language/words.ts'
import { avatar, called, type Face, type Html, hiddenWords, type Reader, timeAs } from '../parts.ts'
import { type AttachmentProps, attachments } from './attachment.ts'

/** The lowest state over all recipients: the mark is never better than the worst of them. */
export type MarkState = 'written' | 'stored' | 'shown' | 'read' | 'refused'

export type Line = {
  id: string
  /** Hybrid clock, 16 hexadecimal characters: the place in the timeline. */
  timeKey: string
  author: Face
  body: string
  files?: readonly AttachmentProps[] | undefined
  /** It has no text of its own: its body is the names of its files. */
  isTextless?: boolean | undefined
  sentAt: number
  mark: MarkState
  /** In groups the author's face and name are shown; in direct chats they are only read out. */
  kind: 'direct' | 'group'
  /** It arrived after younger messages were shown here. */
  isLate?: boolean | undefined
  /** In a group: its reader has blocked the author, and opens it if he wants. */
  isFolded?: boolean | undefined
}

type LineOptions = {
  timeZone: string
  /** Whether the reader wrote it: only then its way is shown. */
  mine: boolean
  /** Whether the line before is of the same author and at most five minutes older. */
  follows?: boolean | undefined
}

const GROUP_MS_MAX = 5 * 60 * 1000 // longer pauses begin a new thought

/** A message as the log shows it. */
export function line(m: Line, t: Words, options: LineOptions): Html {
  const classes = `line${options.mine ? ' mine' : ''}${options.follows ? ' follows' : ''}`
  const time = timeAs(m.sentAt, clockTime(m.sentAt, options.timeZone), 'clock')
  return html`<article id="m-${m.id}" data-seq="${m.timeKey}-${m.id}" data-author="${m.author.id}" class="${classes}">${
    m.kind !== 'direct' && avatar(m.author, 'small')
  }<div class="bubble"><b class="author"><bdi>${called(m.author, t)}</bdi><i>:</i></b> ${m.isFolded ? folded(m, t) : content(m, t)} <span class="facts">${m.isLate && html`<span class="late">${t.chat.late}</span> `}${time}${
    options.mine && markLink(m, t)
  }</span></div>${options.mine && html`<div id="story-${m.id}"></div>`}</article>`
}

// dir=auto: turned letters end with the text, nothing after it is turned (HTML, the `dir` attribute: it isolates).
// hx-ignore: a person's words are never searched for htmx attributes, should an escape ever fail. Line breaks are
// elements, because text browsers do not know white-space: pre-wrap.
function text(body: string): Html {
  const rows = body.split('\n')
  return html`<span class="text" dir="auto" hx-ignore>${rows.map((row, i) => (i === 0 ? row : html`<br>${row}`))}</span>`
}

function content(m: Line, t: Words): Html {
  return html`${!m.isTextless && written(m, t)}${m.files && attachments(m.files, t)}`
}

function written(m: Line, t: Words): Html {
  return m.body === '' ? html`<em>${t.leavers.messageErased}</em>` : text(m.body)
}

function folded(m: Line, t: Words): Html {
  return html`<details class="folded"><summary>${t.contacts.folded}${hiddenWords(': ')}</summary>${content(m, t)}</details>`
}

// The next `div` is the place of the story: shorter than its id, in a line that is sent to everybody.
function markLink(m: Line, t: Words): Html {
  const href = `/messages/${m.id}/delivery`
  return html` <a class="way" href="${href}" hx-get="${href}" hx-target="next div">${mark(m.id, m.mark, t)}</a>`
}

/** How far a message has come; pushed by its own id to its author. */
export function mark(messageId: string, state: MarkState, t: Words): Html {
  return html`<span id="mark-${messageId}" class="mark" data-state="${state}" title="${t.marks[state]}">${t.marks[state]}</span>`
}

/** The line that begins a day; its key is midnight, so an upsert puts it before all of that day's messages. */
function dayLine(ms: number, reader: Pick<Reader, 't' | 'timeZone' | 'now'>): Html {
  const day = calendarDay(ms, reader.timeZone)
  const midnight = startOfDay(ms, reader.timeZone).toString(16).padStart(12, '0')
  return html`<h2 id="day-${day}" data-seq="${midnight}0000-" class="day"><span>${dayWords(ms, reader)}</span></h2>`
}

function dayWords(ms: number, reader: Pick<Reader, 't' | 'timeZone' | 'now'>): string {
  const { t, now, timeZone } = reader
  const days = daysBetween(ms, now, timeZone)
  if (days === 0) return t.common.today
  if (days === 1) return t.common.yesterday
  return longDate(ms, now, timeZone, t.language)
}

/** The line before the first message that was not seen yet. */
function newLine(first: Pick<Line, 'timeKey'>, t: Words): Html {
  return html`<p id="new" data-seq="${first.timeKey}-" class="new"><span>${t.chat.newLine}</span></p>`
}

/** Lines in timeline order with the days between them, grouped; `newFrom` is the id of the first unread one. */
export function lines(
  list: readonly Line[],
  reader: Pick<Reader, 't' | 'timeZone' | 'now'>,
  place: { viewer: string; newFrom?: string | undefined },
): Html[] {
  const parts: Html[] = []
  let before: Line | undefined
  for (const m of list) {
    const isNewDay = before === undefined || !isSameDay(before.sentAt, m.sentAt, reader.timeZone)
    if (isNewDay) parts.push(dayLine(m.sentAt, reader))
    const isFirstNew = m.id === place.newFrom
    if (isFirstNew) parts.push(newLine(m, reader.t))
    const follows = !isNewDay && !isFirstNew && before !== undefined && isGrouped(before, m)
    const mine = m.author.id === place.viewer
    parts.push(line(m, reader.t, { timeZone: reader.timeZone, mine, follows }))
    before = m
  }
  return parts
}

/** A line that arrives on an open page: with its day before it, when the line before it (if any) is of another day. */
export function arrivingLine(
  m: Line,
  reader: Pick<Reader, 't' | 'timeZone' | 'now'>,
  about: { before: number | undefined; mine: boolean },
): Html[] {
  const isNewDay = about.before === undefined || !isSameDay(about.before, m.sentAt, reader.timeZone)
  const shown = line(m, reader.t, { timeZone: reader.timeZone, mine: about.mine })
  return isNewDay ? [dayLine(m.sentAt, reader), shown] : [shown]
}

/** Whether `next` belongs to the group of the line before it. */
function isGrouped(before: Line, next: Line): boolean {
  return before.author.id === next.author.id && next.sentAt - before.sentAt <= GROUP_MS_MAX
}
