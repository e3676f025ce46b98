/** The audit log: filter, entries in plain words, whether it is whole, and its exports. */
import { html } from 'hono/html'
import { erasedNumber } from '../../src/base/erased.ts'
import { isoTime } from '../../src/base/units.ts'
import { calendarDay, clockSeconds } from '../language/times.ts'
import type { Words } from '../language/words.ts'
import type { Frame } from '../layout.ts'
import { choiceField, field, type Html } from '../parts.ts'
import { adminPage } from './shell.ts'

/** In the place of fields that are not there any more. */
const FORGOTTEN = ''

type Action = keyof Words['audit']['actions']
type Changed = Readonly<Record<string, unknown>>

export type AuditRow = {
  n: number
  at: number
  /** One of ours, or the name of a later release's. */
  action: string
  isFailure: boolean
  who:
    | { kind: 'person'; id: string; name: string; isErased: boolean }
    | { kind: 'operator' | 'nobody' | 'system' }
  /** As typed, of sign-ins that failed. */
  login: string | null
  address: string
  /** Where it was done, when not here. */
  branch: string | undefined
  /** A person by the name of today (of a deleted one the login), anything else by that of then; absent: who did it. */
  subject: { kind: string; id: string | null; name: string; isErased: boolean } | undefined
  before: Changed
  after: Changed
  /** What changed of the person was destroyed with him. */
  isForgotten: boolean
}

export type AuditFilterValues = {
  person: string
  action: string
  from: string
  until: string
  failed: string
}

type Told = { number: number; at: number }

type AuditProps = {
  filter: AuditFilterValues
  errors: Partial<Record<keyof AuditFilterValues, string>>
  actions: readonly Action[]
  rows: readonly AuditRow[]
  /** Where the next, older page begins. */
  before: number | undefined
  isNewest: boolean
  /** Entries in all. */
  entries: number
  /** Of a check that was asked for. */
  check: { entries: number; brokenAt: number | undefined } | undefined
  confirmations: readonly {
    isSelf: boolean
    name: string
    upTo: number | undefined
    lost: Told | undefined
    wrong: (Told & { why: 'shorter' | 'different' }) | undefined
  }[]
  held: readonly { name: string; number: number; hash: string; at: number; wentBack: boolean }[]
}

/** `/admin/audit`: the filter is in the address. */
export function auditPage(frame: Frame, p: AuditProps): string {
  const t = frame.t.audit
  const query = queryOf(p.filter)
  const isUrgent = p.check !== undefined || p.confirmations.some(({ wrong }) => wrong !== undefined)
  const body = html`<header class="admin-head"><h1>${t.title}</h1></header>
<p class="lead">${t.text}</p>
${isUrgent && proof(frame, p)}
${filterForm(frame, p)}
${p.rows.length === 0 ? html`<p class="empty-note">${t.none} <a href="/admin/audit">${t.clear}</a></p>` : entries(frame, p.rows)}
${pages(frame, p, query)}
${!isUrgent && proof(frame, p)}
${held(frame, p.held)}
<section class="card" id="export"><h2>${t.export}</h2><p>${t.exportText}</p>
<p class="actions"><a class="button" href="/admin/audit/export.csv?${query}" download>${t.exportCsv}</a> <a class="button" href="/admin/audit/export.jsonl" download>${t.exportJson}</a></p></section>`
  return adminPage(frame, { title: t.title, place: 'audit', body })
}

function queryOf(filter: AuditFilterValues): string {
  const set = Object.entries(filter).filter(([, value]) => value !== '')
  return new URLSearchParams(Object.fromEntries(set)).toString()
}

function filterForm(frame: Frame, { filter, errors, actions }: AuditProps): Html {
  const t = frame.t.audit
  const choices = [
    { value: '', label: t.allActions },
    ...actions.map((action) => ({ value: action, label: t.actions[action] })),
  ]
  const day = (name: 'from' | 'until') =>
    field({
      ...{ name, label: t[name], value: filter[name], error: errors[name], type: 'date' },
    })
  return html`<form class="filter audit-filter" method="get" action="/admin/audit" role="search">
${field({ name: 'person', label: t.person, value: filter.person, error: errors.person, type: 'search', maxlength: 100, plain: true })}
${choiceField({ name: 'action', label: t.action, value: filter.action, choices })}
${day('from')}${day('until')}
<p class="check"><label><input type="checkbox" name="failed" value="yes"${filter.failed !== '' && html` checked`}> ${t.onlyFailed}</label></p>
<button class="button">${t.apply}</button>
</form>`
}

function entries(frame: Frame, rows: readonly AuditRow[]): Html {
  return html`<ul class="audit">${rows.map((row) => entry(frame, row))}</ul>`
}

function entry(frame: Frame, row: AuditRow): Html {
  const t = frame.t.audit
  const { subject } = row
  return html`<li id="n-${row.n}"${row.isFailure && html` class="failed"`}>
<p class="did"><strong>${actionWords(t, row.action)}</strong>${subject && html` ${subjectLink(frame, subject)}`}</p>
<p class="by">${t.number(grouped(row.n))} · ${instant(frame, row.at)} · ${who(frame, row)}${row.login !== null && html` · ${t.typed(row.login)}`}${row.address !== '' && html` · ${t.at(row.address)}`}${row.branch !== undefined && html` · ${t.heard(row.branch)}`}</p>
${changes(frame, row)}</li>`
}

function actionWords(t: Words['audit'], action: string): string {
  return Object.hasOwn(t.actions, action) ? t.actions[action as Action] : action
}

function who(frame: Frame, row: AuditRow): Html {
  const t = frame.t.audit
  if (row.who.kind !== 'person') return html`${t[row.who.kind]}`
  return personLink(frame, row.who)
}

// An auditor has no right to the pages of accounts.
function personLink(frame: Frame, of: { id: string; name: string; isErased: boolean }): Html {
  const { id } = of
  const deleted = frame.t.leavers.deletedPerson(erasedNumber(id))
  const name = of.isErased ? `${deleted} (${of.name})` : of.name
  if (!frame.me?.rights.includes('administration')) return html`${name}`
  return html`<a href="/admin/users/${id}">${name}</a>`
}

function subjectLink(frame: Frame, subject: NonNullable<AuditRow['subject']>): Html {
  const { kind, id, name } = subject
  return kind === 'person' && id !== null ? personLink(frame, { ...subject, id }) : html`${name}`
}

function changes(frame: Frame, { before, after, isForgotten }: AuditRow): Html {
  const t = frame.t.audit
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  if (isForgotten) names.push(FORGOTTEN)
  if (names.length === 0) return html``
  const fields: Record<string, string> = t.fields
  const nameOf = (name: string) => (Object.hasOwn(fields, name) ? fields[name] : name)
  const was = (name: string) =>
    Object.hasOwn(before, name) &&
    html`<span class="was">${valueWords(frame, name, before[name])}</span> → `
  return html`<ul class="changed">${names.map((name) => (name === FORGOTTEN ? html`<li>${t.forgotten}</li>` : html`<li>${nameOf(name)}: ${was(name)}${Object.hasOwn(after, name) && html`${valueWords(frame, name, after[name])}`}</li>`))}</ul>`
}

const INSTANT = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/
const PHOTO_SHOWN = 8 // enough to tell two pictures apart

function valueWords(frame: Frame, name: string, value: unknown): string {
  const { audit, admin } = frame.t
  if (value === null || value === '') return audit.empty
  if (typeof value === 'boolean') return value ? audit.yes : audit.no
  const text = String(value)
  if (name === 'photo') return text.slice(0, PHOTO_SHOWN)
  if (INSTANT.test(text)) return when(frame, Date.parse(text))
  const words: Record<string, Record<string, string>> = {
    role: admin.roles,
    reason: { ...audit.values, ...admin.revocationReasons },
    ...{ outcome: audit.values, kind: audit.values, key: audit.values },
  }
  const known = Object.hasOwn(words, name) ? words[name] : undefined
  return (known && Object.hasOwn(known, text) ? known[text] : undefined) ?? text
}

/** Day and second, alike in all languages: an entry is read long after. */
function when({ timeZone }: Frame, at: number): string {
  return `${calendarDay(at, timeZone)} ${clockSeconds(at, timeZone)}`
}

function instant(frame: Frame, at: number): Html {
  return html`<time datetime="${isoTime(at)}">${when(frame, at)}</time>`
}

function pages(frame: Frame, p: AuditProps, query: string): Html {
  const t = frame.t.audit
  if (p.isNewest && p.before === undefined) return html``
  const more = query === '' ? '' : `&${query}`
  return html`<nav class="pager" aria-label="${frame.t.common.pages}">
${!p.isNewest && html`<a class="button" rel="first" href="/admin/audit?${query}">${t.newest}</a>`}
${p.before !== undefined && html`<a class="button" rel="next" href="/admin/audit?before=${p.before}${more}">${t.older}</a>`}
</nav>`
}

function proof(frame: Frame, p: AuditProps): Html {
  const t = frame.t.audit
  const others = p.confirmations.filter(({ isSelf, upTo }) => !isSelf && upTo !== undefined)
  const upTo = Math.min(...others.map((each) => each.upTo ?? 0))
  const names = others.map(({ name }) => name)
  const [only] = names
  const words =
    only === undefined
      ? t.unconfirmed
      : names.length === 1
        ? t.confirmedByOne(only, grouped(upTo))
        : t.confirmed(names.join(', '), grouped(upTo))
  return html`<section class="card" id="proof"><h2>${t.proof}</h2>
<p>${t.entries(p.entries)} ${words}</p>
${p.confirmations.map((each) => troubles(frame, each))}
${p.check && checked(frame, p.check)}
<p class="actions"><a class="button" href="/admin/audit?check=yes#proof">${t.check}</a></p></section>`
}

function troubles(frame: Frame, of: AuditProps['confirmations'][number]): Html {
  const t = frame.t.audit
  const name = of.isSelf ? t.thisBranch : of.name
  const told = ({ number, at }: Told) => [grouped(number), when(frame, at)] as const
  return html`${of.lost && html`<p><span class="state wait">${t.lost(name, ...told(of.lost))}</span></p>`}
${of.wrong && html`<p><span class="state bad">${t[of.wrong.why](name, ...told(of.wrong))}</span></p>`}`
}

function checked(frame: Frame, check: NonNullable<AuditProps['check']>): Html {
  const t = frame.t.audit
  return check.brokenAt === undefined
    ? html`<p><span class="state ok">${t.chainGood(check.entries)}</span></p>`
    : html`<p><span class="state bad">${t.chainBroken(check.brokenAt)}</span></p>`
}

function held(frame: Frame, heads: AuditProps['held']): Html {
  const t = frame.t.audit
  if (heads.length === 0) return html``
  return html`<section class="card" id="held"><h2>${t.held}</h2><ul>${heads.map(
    (head) => html`<li>${t.heldHead(head.name, grouped(head.number), when(frame, head.at))}
<span class="hash">${t.hash} <code>${head.hash}</code></span>${head.wentBack && html` <span class="state bad">${t.wentBack}</span>`}</li>`,
  )}</ul></section>`
}

const SPACE = '\u202f' // narrow, and no line ends there
const grouped = (n: number) => String(n).replace(/\B(?=(\d{3})+$)/g, SPACE)
