/** Importing people: the form, the dry run line by line, the progress, what came of it. */
import { html } from 'hono/html'
import type { Frame } from '../layout.ts'
import { choiceField, field, formTokenField, type Html, icon, momentTime, pager } from '../parts.ts'
import { adminPage } from './shell.ts'

export type ImportKind = 'create' | 'change' | 'same' | 'refused'

type ImportedLine = {
  line: number
  login: string
  name: string
  kind: ImportKind
  changes: readonly { column: string; from: string; to: string }[]
  problem?: { detail: string; values: Record<string, string | number> }
  hasPassword: boolean
}

type ImportProps = {
  id: string
  /** Of the file. */
  name: string
  state: 'shown' | 'running' | 'done' | 'failed'
  encoding: string
  isGuess: boolean
  encodings: readonly string[]
  counts: Readonly<Record<ImportKind, number>>
  /** Lines that would be done. */
  toDo: number
  show: ImportKind
  lines: readonly ImportedLine[]
  page: number
  pages: number
  done: number
  all: number
  slips: number
}

type FormProps = {
  encodings: readonly string[]
  limits: { mib: number; lines: number }
  encoding?: string | undefined
  error?: string | undefined
  ldap?: LdapRun | undefined
}

type LdapRun = {
  at: number
  state: 'done' | 'stopped' | 'failed'
  counts: { created: number; changed: number; refused: number; disabled: number; enabled: number }
}

/** How often the page without a script loads itself again while an import is being done. */
const REFRESH_SECONDS = 2

const head = (frame: Frame, title: string) =>
  html`<p><a class="back-link" href="/admin/users">${icon('arrow-left', frame)} ${frame.t.admin.users}</a></p><h1>${title}</h1>`

/** Names of columns are the same in every language. */
const SAMPLE = `login;firstName;lastName;department;role;language
olena.koval;Олена;Коваль;Sales;employee;uk`

/** `/admin/users/import`. */
export function importFormPage(frame: Frame, p: FormProps): string {
  const t = frame.t.import
  const body = html`${head(frame, t.title)}<p class="lead">${t.lead}</p>
<form class="card" method="post" action="/admin/users/import" enctype="multipart/form-data">${formTokenField(frame)}
${field({ name: 'file', label: t.file, hint: t.fileHint(p.limits.mib, p.limits.lines), type: 'file', accept: '.csv,.txt,.tsv,text/csv', required: true, error: p.error })}
${encodingField(frame, p.encodings, p.encoding ?? '')}
<p class="check"><label><input type="checkbox" name="renew" value="yes"> ${t.renew}</label></p>
<p class="actions"><button class="button primary">${t.showButton}</button> <a class="button" href="/admin/users">${frame.t.common.cancel}</a></p>
</form>
<section class="card"><h2>${t.columns}</h2><p>${t.columnsText}</p>
<pre class="sample" tabindex="0">${SAMPLE}</pre></section>
${p.ldap && ldapCard(frame, p.ldap)}`
  return adminPage(frame, { title: t.title, place: 'users', body })
}

function ldapCard(frame: Frame, run: LdapRun): Html {
  const { ldap: t, kinds } = frame.t.import
  const { created, changed, refused, disabled, enabled } = run.counts
  const facts = [
    [kinds.create, created],
    [kinds.change, changed],
    [kinds.refused, refused],
    [t.disabled, disabled],
    [t.enabled, enabled],
  ]
  return html`<section class="card"><h2>${t.title}</h2><p>${t.text}</p>
<p>${momentTime(run.at, frame)}: <span class="state ${run.state === 'done' ? 'ok' : 'bad'}">${t.states[run.state]}</span></p>
<dl class="facts-list">${facts.map(([name, count]) => html`<dt>${name}</dt><dd>${count}</dd>`)}</dl></section>`
}

function encodingField(frame: Frame, encodings: readonly string[], value: string): Html {
  const t = frame.t.import
  const choices = [
    { value: '', label: t.automatic },
    ...encodings.map((name) => ({ value: name, label: name })),
  ]
  return choiceField({ name: 'encoding', label: t.encoding, value, choices })
}

/** `/admin/users/import/:id`. */
export function importPage(frame: Frame, p: ImportProps): string {
  const t = frame.t.import
  const title = p.state === 'running' ? t.running : p.state === 'done' ? t.done : t.title
  const body = html`${head(frame, title)}
<p class="lead">${p.name}</p>
${p.state === 'running' && progress(frame, p)}
${p.state === 'failed' && html`<p class="flash problem" role="alert">${t.failed}</p>`}
${p.slips > 0 && p.state !== 'running' && slipsCard(frame, p)}
${p.state === 'shown' && reading(frame, p)}
${p.state === 'shown' && doing(frame, p)}
${p.state !== 'running' && table(frame, p)}
${p.state !== 'shown' && html`<p class="actions"><a class="button" href="/admin/users/import">${t.another}</a></p>`}`
  const refreshSeconds = p.state === 'running' ? REFRESH_SECONDS : undefined
  return adminPage(frame, { title, place: 'users', body, refreshSeconds })
}

/** The bar, which asks for itself again while it is on the page. */
export function progress(frame: Frame, p: Pick<ImportProps, 'id' | 'done' | 'all'>): Html {
  const t = frame.t.import
  return html`<div id="import-progress" class="card" hx-get="/admin/users/import/${p.id}/progress" hx-trigger="every 1s" hx-swap="outerHTML">
<progress max="${p.all}" value="${p.done}" aria-label="${t.running}"></progress>
<p>${t.runningText(p.done, p.all)} <a href="/admin/users/import/${p.id}">${frame.t.common.refresh}</a></p></div>`
}

function reading(frame: Frame, p: ImportProps): Html {
  const t = frame.t.import
  return html`<form class="filter import-reading" method="post" action="/admin/users/import/${p.id}/encoding">${formTokenField(frame)}
<p class="field">${p.isGuess ? html`<strong>${t.guess(p.encoding)}</strong>` : t.readAs(p.encoding)}</p>
${encodingField(frame, p.encodings, p.encoding)}
<button class="button">${t.readAgain}</button></form>`
}

function doing(frame: Frame, p: ImportProps): Html {
  const t = frame.t.import
  if (p.toDo === 0) {
    return html`<p class="banner">${t.nothing} <a href="/admin/users/import">${t.another}</a></p>`
  }
  return html`<form class="card" method="post" action="/admin/users/import/${p.id}/run">${formTokenField(frame)}
<p>${t.doText}</p>
<p class="actions"><button class="button primary">${t.doButton(p.toDo)}</button> <a class="button" href="/admin/users/import">${t.another}</a></p></form>`
}

function slipsCard(frame: Frame, p: ImportProps): Html {
  const t = frame.t.import
  return html`<form class="card" method="post" action="/admin/users/import/${p.id}/slips">${formTokenField(frame)}
<h2>${t.slips}</h2><p>${t.slipsText(p.slips)}</p>
<p class="actions"><button class="button primary">${icon('key-round', frame)} ${t.slipsButton}</button></p></form>`
}

const KINDS: readonly ImportKind[] = ['refused', 'create', 'change', 'same']

function table(frame: Frame, p: ImportProps): Html {
  const t = frame.t.import
  const hrefOf = (page: number, show = p.show) =>
    `/admin/users/import/${p.id}?${new URLSearchParams({ show, page: String(page) })}`
  const tabs = KINDS.map(
    (kind) =>
      html`<li><a href="${hrefOf(1, kind)}"${kind === p.show && html` aria-current="page"`}>${t.kinds[kind]} <b>${p.counts[kind]}</b></a></li>`,
  )
  return html`<nav class="tabs" aria-label="${t.outcome}"><ul>${tabs}</ul></nav>
${p.lines.length === 0 ? html`<p class="empty-note">${t.none}</p>` : rows(frame, p)}
${pager({ page: p.page, pages: p.pages, hrefOf: (page) => hrefOf(page) }, frame)}`
}

function rows(frame: Frame, p: ImportProps): Html {
  const t = frame.t.import
  const { name, login } = frame.t.admin
  return html`<div class="table import-lines" tabindex="0" role="region" aria-label="${t.kinds[p.show]}"><table>
<thead><tr><th scope="col">${t.line}</th><th scope="col">${login}</th><th scope="col">${name}</th><th scope="col">${t.outcome}</th></tr></thead>
<tbody>${p.lines.map((line) => row(frame, line))}</tbody></table></div>`
}

function row(frame: Frame, l: ImportedLine): Html {
  const t = frame.t.import
  const changes = l.changes.map(
    ({ column, from, to }) =>
      html`<span class="sub">${column}: ${from !== '' && html`<del>${from}</del> → `}<ins>${to === '' ? '–' : to}</ins></span>`,
  )
  const state = l.kind === 'refused' ? 'bad' : l.kind === 'same' ? '' : 'ok'
  return html`<tr><td>${l.line}</td><th scope="row">${l.login}</th><td>${l.name}</td>
<td><span class="state ${state}">${l.problem ? reasonText(frame, l.problem) : t.kinds[l.kind]}</span>${l.kind === 'change' && changes}${l.hasPassword && html`<span class="sub">${t.password}</span>`}</td></tr>`
}

/** Why a line is refused, as a sentence. */
export function reasonText(
  { t }: Pick<Frame, 't'>,
  { detail, values }: { detail: string; values: Record<string, string | number> },
): string {
  const { reasons } = t.import
  const sentence = Object.hasOwn(reasons, detail) ? reasons[detail] : reasons.other
  return sentence?.(values) ?? detail
}
