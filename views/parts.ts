/**
 * What several screens share: avatar, time, badge, field, pager, icon. The only file that may call `raw`.
 * A template escapes every value it is given; nothing here or above builds HTML by joining strings.
 */

import { html, raw } from 'hono/html'
import { ERASED_NAME, erasedNumber } from '../src/base/erased.ts'
import { isoTime } from '../src/base/units.ts'
import { dayAndTime, shortTime } from './language/times.ts'
import type { Words } from './language/words.ts'

/** A piece of HTML. Await it (or give it to `c.html`) before joining it with text. */
export type Html = ReturnType<typeof html>

/** For whom something is rendered, and when: all that fragments need of a request. */
export type Reader = {
  t: Words
  /** The branch's time zone, an IANA name. Scripts turn times into the reader's own. */
  timeZone: string
  /** The present, Unix milliseconds. */
  now: number
  /** Address of the icon sprite, with its hash. */
  icons: string
  /** Of the sign-in; hidden in every form. Empty before signing in. */
  formToken: string
}

/** A face: photo, or initials on a hue that the id chooses. */
export type Face = { id: string; name: string; photo?: string | null | undefined }

export type IconName =
  | 'arrow-down'
  | 'arrow-left'
  | 'ban'
  | 'building-2'
  | 'circle-check'
  | 'download'
  | 'eraser'
  | 'flag'
  | 'key-round'
  | 'log-out'
  | 'message-circle'
  | 'network'
  | 'panel-right'
  | 'paperclip'
  | 'plus'
  | 'search'
  | 'send-horizontal'
  | 'settings'
  | 'shield'
  | 'triangle-alert'
  | 'user-minus'
  | 'user-plus'
  | 'users'
  | 'wifi-off'
  | 'x'

const HUES = 8
const COUNT_SHOWN_MAX = 99 // more is no news, and would push the last message away

/** An icon of the sprite; it says nothing to screen readers, so words stand beside it. */
export function icon(name: IconName, reader: Pick<Reader, 'icons'>): Html {
  return html`<svg class="icon" aria-hidden="true" focusable="false"><use href="${reader.icons}#${name}"></use></svg>`
}

/** Somebody's words with their lines as elements: text browsers do not know white-space: pre-wrap. */
export function lined(text: string): Html[] {
  return text.split('\n').map((row, i) => (i === 0 ? html`${row}` : html`<br>${row}`))
}

/** Words that only screen readers and text browsers meet. */
export function hiddenWords(text: string): Html {
  return html`<span class="hidden">${text}</span>`
}

/** How a person is called; who was deleted by words of the reader's language. */
export function called({ id, name }: { id: string; name: string }, t: Words): string {
  return name === ERASED_NAME ? t.leavers.deletedPerson(erasedNumber(id)) : name
}

/** The first letters of the first two words of a name; of one without letters what it begins with. */
function initialsOf(name: string): string {
  const words = name.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== '')
  const letters = words.slice(0, 2).map((word) => String.fromCodePoint(word.codePointAt(0) ?? 63))
  if (letters.length > 0) return letters.join('').toUpperCase()
  const [first] = new Intl.Segmenter().segment(name.trim())
  // The name of who was deleted is a control character (src/base/erased.ts) and a number.
  return first === undefined || /\p{Cc}/u.test(first.segment) ? '' : first.segment
}

/** Which of the eight hues an id has, 0 to 7: the same for everybody, for ever. */
function hueOf(id: string): number {
  let sum = 0
  for (let i = 0; i < id.length; i++) sum = (sum * 31 + id.charCodeAt(i)) % 65521
  return sum % HUES
}

/**
 * A face, 44 px in lists; `size` names the others. The name stands beside it, so it is silent; a photo is a picture in
 * an SVG, because w3m shows the file name of an `img` without words.
 */
export function avatar(face: Face, size: 'small' | 'list' | 'large' = 'list'): Html {
  if (face.photo) {
    return html`<svg class="avatar ${size}" viewBox="0 0 1 1" aria-hidden="true" focusable="false"><image href="/photos/${face.photo}" width="1" height="1" preserveAspectRatio="xMidYMid slice"></image></svg>`
  }
  const letters = initialsOf(face.name)
  return html`<span class="avatar ${size} hue-${hueOf(face.id)}" data-initials="${letters}" aria-hidden="true"></span>`
}

/** The face of a group: its own hue, and an icon instead of initials. */
export function groupAvatar(
  group: { id: string },
  reader: Pick<Reader, 'icons'>,
  size: 'small' | 'list' | 'large' = 'list',
): Html {
  return html`<span class="avatar ${size} hue-${hueOf(group.id)}" aria-hidden="true">${icon('users', reader)}</span>`
}

/** Branch and department behind a name; narrow screens leave the department out, never a part of a word. */
export function placeTag(branch: string, department?: string | undefined): Html {
  return html`<span class="tag">${branch}${department && html`<span class="more"> · ${department}</span>`}</span>`
}

/** `14:02` today, a weekday within the week, else a date: for the list. */
export function listTime(ms: number, reader: Pick<Reader, 't' | 'timeZone' | 'now'>): Html {
  return timeAs(ms, shortTime(ms, reader.now, reader.timeZone, reader.t.language), 'short')
}

/** `14:02` today, else day and time: for stories, tables and sign-ins. */
export function momentTime(ms: number, reader: Pick<Reader, 't' | 'timeZone' | 'now'>): Html {
  return timeAs(ms, dayAndTime(ms, reader.now, reader.timeZone, reader.t.language), 'moment')
}

/** A `<time>` with any text: `data-local` tells the script which form to write. */
export function timeAs(ms: number, text: string, form: string): Html {
  return html`<time datetime="${isoTime(ms)}" data-local="${form}">${text}</time>`
}

/** Words of a catalogue around a time: `until 15:00`, with the time as an element of its own. */
export function aroundTime(words: (time: string) => string, time: Html): Html {
  const [before = '', after = ''] = words(HOLE).split(HOLE)
  return html`${before}${time}${after}`
}

/** Stands for the time while the words around it are taken apart; no catalogue has it. */
const HOLE = '\u0000'

/** A counter with its word for screen readers. */
export function badge(n: number, word: string): Html {
  const shown = n > COUNT_SHOWN_MAX ? `${COUNT_SHOWN_MAX}+` : String(n)
  return html`<b class="badge" data-count="${n}">${shown}<span class="hidden"> ${word}</span></b>`
}

/** The hidden field that proves a form is ours where browsers send no Origin. */
export function formTokenField(reader: Pick<Reader, 'formToken'>): Html {
  return html`<input type="hidden" name="formToken" value="${reader.formToken}">`
}

export type Field = {
  name: string
  label: string
  value?: string | undefined
  error?: string | undefined
  hint?: string | undefined
  type?: 'text' | 'password' | 'search' | 'tel' | 'number' | 'file' | 'date' | undefined
  autocomplete?: string | undefined
  required?: boolean | undefined
  autofocus?: boolean | undefined
  maxlength?: number | undefined
  accept?: string | undefined
  optional?: string | undefined
  plain?: boolean | undefined
}

/** Label, input, hint and error; what was typed stays (passwords do not), the error is read with the input. */
export function field(f: Field): Html {
  const described = [f.hint ? `${f.name}-hint` : '', f.error ? `${f.name}-error` : '']
  const describedBy = described.filter((id) => id !== '').join(' ')
  return html`<p class="field">
<label for="${f.name}">${f.label}${f.optional && html` <span class="optional">(${f.optional})</span>`}</label>
<input id="${f.name}" name="${f.name}" type="${f.type ?? 'text'}"${attributes({
    // A file has no value, and no browser fills it in (HTML, 4.10.5.1.17).
    ...(f.type === 'file' ? {} : typing(f)),
    maxlength: f.maxlength,
    accept: f.accept,
    required: f.required,
    autofocus: f.autofocus,
    autocapitalize: f.plain ? 'none' : undefined,
    spellcheck: f.plain ? 'false' : undefined,
    'aria-describedby': describedBy === '' ? undefined : describedBy,
    'aria-invalid': f.error ? 'true' : undefined,
  })}>
${f.hint && html`<span class="hint" id="${f.name}-hint">${f.hint}</span>`}
${f.error && html`<strong class="error" id="${f.name}-error">${f.error}</strong>`}
</p>`
}

function typing(f: Field): Record<string, string> {
  const value = f.type === 'password' ? '' : (f.value ?? '')
  return { value, autocomplete: f.autocomplete ?? 'off' }
}

export type Choice = { value: string; label: string }

/** A select with its label. */
export function choiceField(f: {
  name: string
  label: string
  value: string
  choices: readonly Choice[]
  error?: string | undefined
}): Html {
  const option = (c: Choice) =>
    html`<option value="${c.value}"${c.value === f.value && raw(' selected')}>${c.label}</option>`
  return html`<p class="field">
<label for="${f.name}">${f.label}</label>
<select id="${f.name}" name="${f.name}"${f.error && html` aria-invalid="true" aria-describedby="${f.name}-error"`}>${f.choices.map(option)}</select>
${f.error && html`<strong class="error" id="${f.name}-error">${f.error}</strong>`}
</p>`
}

/** Attributes that are there or not: `true` has no value, `false` and `undefined` are left out. */
export function attributes(list: Record<string, string | number | boolean | undefined>): Html[] {
  return Object.entries(list).map(([name, value]) => {
    if (value === undefined || value === false) return html``
    if (value === true) return html` ${raw(name)}`
    return html` ${raw(name)}="${value}"`
  })
}

/** Links to the pages before and after; nothing when all fits on one. */
export function pager(
  p: { page: number; pages: number; hrefOf: (page: number) => string },
  reader: Pick<Reader, 't'>,
): Html {
  const t = reader.t.common
  if (p.pages <= 1) return html``
  return html`<nav class="pager" aria-label="${t.pages}">
${p.page > 1 && html`<a class="button" rel="prev" href="${p.hrefOf(p.page - 1)}">${t.previous}</a>`}
<span>${t.pageOf(p.page, p.pages)}</span>
${p.page < p.pages && html`<a class="button" rel="next" href="${p.hrefOf(p.page + 1)}">${t.next}</a>`}
</nav>`
}

/** A form that does something dangerous only when the expected word was typed. */
export function confirm(
  c: {
    action: string
    text: string
    label: string
    button: string
    error?: string | undefined
  },
  reader: Reader,
): Html {
  return html`<form class="danger-zone" method="post" action="${c.action}">
${formTokenField(reader)}
<p>${c.text}</p>
${field({ name: 'confirm', label: c.label, error: c.error, plain: true, required: true })}
<button class="button danger">${c.button}</button>
</form>`
}
