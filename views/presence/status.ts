/** What a person says of himself beside the dot, and the page where it is set; without a script, too. */
import { html } from 'hono/html'
import { type Frame, layout } from '../layout.ts'
import {
  aroundTime,
  choiceField,
  field,
  formTokenField,
  type Html,
  icon,
  momentTime,
  type Reader,
} from '../parts.ts'

export type Status = {
  text: string
  /** Unix milliseconds; absent: until it is changed. */
  until?: number | undefined
  doNotDisturb: boolean
}

/** What the page offers: so many minutes from now, which needs no clock of the reader. */
export const END_MINUTES = [30, 60, 120, 240, 480, 1440] as const

/** As long as a status may be. */
const TEXT_CHARS_MAX = 80

type When = Pick<Reader, 't' | 'timeZone' | 'now'>

/** `do not disturb until 15:00 · In a meeting`, or `In a meeting, until 15:00`. */
export function statusWords({ text, until, doNotDisturb }: Status, reader: When): Html {
  const t = reader.t.status
  const time = until !== undefined && aroundTime(t.until, momentTime(until, reader))
  if (!doNotDisturb) return html`<bdi>${text}</bdi>${time && html`, ${time}`}`
  // In the list of chats the dot says it, and the text has the room.
  const quiet = html`<span class="quiet">${t.doNotDisturb}${time && html` ${time}`}${text !== '' && ' · '}</span>`
  return html`${quiet}${text !== '' && html`<bdi>${text}</bdi>`}`
}

type StatusPageProps = {
  current: Status | undefined
  error?: string | undefined
}

/** The page of the own status. */
export function statusPage(frame: Frame, { current, error }: StatusPageProps): string {
  const t = frame.t.status
  const ends = [
    ...(current?.until === undefined
      ? []
      : [{ value: 'keep', label: untilText(current.until, frame) }]),
    { value: '', label: t.untilChanged },
    ...END_MINUTES.map((n) => ({
      value: String(n),
      label: n < 60 ? t.minutes(n) : t.hours(n / 60),
    })),
  ]
  const body = html`<main id="main" class="plain-page profile">
<p><a class="back-link" href="/profile">${icon('arrow-left', frame)} ${frame.t.common.profile}</a></p>
<h1>${t.title}</h1>
<form class="card" method="post" action="/profile/status">${formTokenField(frame)}
<p class="hint">${t.hint}</p>
${field({ name: 'text', label: t.text, value: current?.text ?? '', maxlength: TEXT_CHARS_MAX, error, optional: frame.t.common.optional })}
<p class="check"><label><input type="checkbox" name="doNotDisturb" value="yes"${current?.doNotDisturb && html` checked`}> ${t.doNotDisturbLabel}</label></p>
${choiceField({ name: 'end', label: t.end, value: current?.until !== undefined ? 'keep' : '', choices: ends })}
<p class="actions"><button class="button primary">${frame.t.common.save}</button></p>
</form>
${current && html`<form method="post" action="/profile/status/clear">${formTokenField(frame)}<p class="now">${t.now}: ${statusWords(current, frame)}</p><p><button class="button">${t.clear}</button></p></form>`}
</main>`
  return layout(frame, { title: t.title, page: 'profile', body })
}

function untilText(until: number, frame: Frame): string {
  return frame.t.status.until(frame.t.moment(until, frame.now, frame.timeZone))
}

/** The way to that page, on the page of the profile. */
export function statusCard(frame: Frame, status: Status | undefined): Html {
  const t = frame.t.status
  return html`<section class="card"><h2>${t.title}</h2><p class="now">${status ? statusWords(status, frame) : t.none}</p>
<p><a class="button" href="/profile/status">${status ? t.change : t.set}</a></p></section>`
}
