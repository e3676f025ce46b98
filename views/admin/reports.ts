/** What people reported: the list, and one report with its messages as they were signed. */
import { html } from 'hono/html'
import type { Frame } from '../layout.ts'
import { formTokenField, type Html, icon, lined, momentTime } from '../parts.ts'
import { adminPage } from './shell.ts'

type ReportRow = {
  id: string
  /** Who reported it. */
  by: string
  branch: string
  title: string
  at: number
  count: number
  /** How many messages of it have come. */
  arrived: number
  isClosed: boolean
}

type ReportProps = ReportRow & {
  note: string
  messages: readonly {
    by: string
    branch: string
    at: number
    body: string
    signature: { kind: 'verified'; branch: string } | { kind: 'unknown-branch' | 'altered' }
  }[]
  decisions: readonly { by: string; at: number; isClosed: boolean; note: string }[]
  error?: string | undefined
}

/** `/admin/reports`. */
export function reportsPage(
  frame: Frame,
  p: { reports: readonly ReportRow[]; organisation: string },
): string {
  const t = frame.t.contacts.reports
  const body = html`<header class="admin-head"><h1>${t.title}</h1></header>
<p class="lead">${t.text}</p>
${p.reports.length === 0 ? html`<p class="empty-note">${t.none}</p>` : table(frame, p.reports)}
<p class="hint">${t.organisation} <code class="organisation-id">${p.organisation}</code></p>`
  return adminPage(frame, { title: t.title, place: 'reports', body })
}

function table(frame: Frame, reports: readonly ReportRow[]): Html {
  const t = frame.t.contacts.reports
  const row = (r: ReportRow) => html`<tr>
<td><a href="/admin/reports/${r.id}">${r.by}</a> <span class="tag">${r.branch}</span></td>
<td><bdi>${r.title}</bdi></td>
<td>${momentTime(r.at, frame)}</td>
<td class="number">${r.count}</td>
<td>${state(frame, r)}</td></tr>`
  return html`<div class="table" tabindex="0" role="region" aria-label="${t.title}"><table class="reports"><thead><tr><th scope="col">${t.who}</th><th scope="col">${t.chat}</th><th scope="col">${t.when}</th><th scope="col">${t.messages}</th><th scope="col">${t.state}</th></tr></thead>
<tbody>${reports.map(row)}</tbody></table></div>`
}

function state(frame: Frame, r: ReportRow): string {
  const t = frame.t.contacts.reports
  if (r.arrived < r.count) return t.onWay
  return r.isClosed ? t.closed : t.open
}

/** `/admin/reports/:id`. */
export function reportPage(frame: Frame, p: ReportProps): string {
  const t = frame.t.contacts.reports
  const body = html`<p><a class="back-link" href="/admin/reports">${icon('arrow-left', frame)} ${t.back}</a></p>
<header class="admin-head"><h1>${t.of(p.by)}</h1></header>
<p class="lead">${p.branch} · ${t.inChat(p.title)} · ${momentTime(p.at, frame)} · ${state(frame, p)}</p>
<section class="card"><h2>${t.note}</h2><p class="words" dir="auto" hx-ignore>${lined(p.note)}</p></section>
${p.arrived < p.count && html`<p class="hint">${t.arriving(p.arrived, p.count)}</p>`}
<section class="card" aria-labelledby="messages-title"><h2 id="messages-title">${t.messages}</h2>
<ol class="evidence">${p.messages.map((m) => message(frame, m))}</ol>
<p class="actions"><a class="button" href="/admin/reports/${p.id}/export" download>${icon('download', frame)} ${t.export}</a></p></section>
${p.decisions.length > 0 && decisions(frame, p.decisions)}
${decide(frame, p)}`
  return adminPage(frame, { title: t.of(p.by), place: 'reports', body })
}

function message(frame: Frame, m: ReportProps['messages'][number]): Html {
  const t = frame.t.contacts.reports
  const { signature } = m
  const isGood = signature.kind === 'verified'
  const words = isGood ? t.verified(signature.branch) : t.unverified[signature.kind]
  return html`<li><p><b><bdi>${m.by}</bdi></b> <span class="tag">${m.branch}</span> ${momentTime(m.at, frame)}</p>
<blockquote class="words" dir="auto" hx-ignore>${lined(m.body)}</blockquote>
<p class="proof ${isGood ? 'good' : 'bad'}">${icon(isGood ? 'circle-check' : 'triangle-alert', frame)} <span>${words}</span></p></li>`
}

function decisions(frame: Frame, list: ReportProps['decisions']): Html {
  const t = frame.t.contacts.reports
  return html`<section class="card"><h2>${t.history}</h2>
<ol class="steps">${list.map((d) => html`<li class="step done">${d.isClosed ? t.closedBy(d.by) : t.openedBy(d.by)} ${momentTime(d.at, frame)}${d.note && html`<br><span dir="auto" hx-ignore>${lined(d.note)}</span>`}</li>`)}</ol></section>`
}

function decide(frame: Frame, p: ReportProps): Html {
  const t = frame.t.contacts.reports
  const fields = html`${formTokenField(frame)}
<p class="field"><label for="note">${t.decision}</label>
<textarea id="note" name="note" rows="3" maxlength="2000"></textarea>
${p.error && html`<strong class="error">${p.error}</strong>`}</p>
<p class="actions"><button class="button primary">${p.isClosed ? t.openButton : t.closeButton}</button></p>`
  if (p.isClosed) {
    return html`<form class="card" method="post" action="/admin/reports/${p.id}/open">${fields}</form>`
  }
  return html`<form class="card" method="post" action="/admin/reports/${p.id}/close">${fields}</form>`
}
