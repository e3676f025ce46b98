/** Reporting messages of a chat to the auditors: a page with a box per message and a note; no script is needed. */
import { html } from 'hono/html'
import { type Frame, layout } from '../layout.ts'
import { attributes, formTokenField, icon, lined, momentTime } from '../parts.ts'
import type { Line } from './line.ts'

type ReportFormProps = {
  chatId: string
  /** Of the report to be: the form sent twice is one report. */
  id: string
  lines: readonly Line[]
  /** Cursor of older messages. */
  older?: string | undefined
  most: number
  chosen?: readonly string[] | undefined
  note?: string | undefined
  errors?: { messages?: string | undefined; note?: string | undefined } | undefined
}

const NOTE_CHARS_MAX = 2000 // UTF-16 units, the limit of a note

/** `/chats/:id/report`. */
export function reportFormPage(frame: Frame, p: ReportFormProps): string {
  const t = frame.t.contacts
  const body = html`<main id="main" class="plain-page">
<p><a class="back-link" href="/chats/${p.chatId}">${icon('arrow-left', frame)} ${frame.t.common.back}</a></p>
<h1>${t.report}</h1>
<p class="lead">${t.reportText}</p>
${p.lines.length === 0 ? html`<p class="empty-note">${t.reportEmpty}</p>` : form(frame, p)}
</main>`
  return layout(frame, { title: t.report, page: 'report', body })
}

function form(frame: Frame, p: ReportFormProps) {
  const t = frame.t.contacts
  const chosen = new Set(p.chosen)
  const box = (m: Line) =>
    html`<li><label class="pick"><input type="checkbox" name="messages" value="${m.id}"${attributes({ checked: chosen.has(m.id) })}>
<span><b><bdi>${m.author.name}</bdi></b> ${momentTime(m.sentAt, frame)}<br><span dir="auto" hx-ignore>${lined(m.body)}</span></span></label></li>`
  return html`<form class="report" method="post" action="/chats/${p.chatId}/report">${formTokenField(frame)}<input type="hidden" name="id" value="${p.id}">
<fieldset><legend>${t.reportMessages}</legend>
<p class="hint">${t.reportMax(p.most)}</p>
${p.errors?.messages && html`<p class="error" role="alert">${p.errors.messages}</p>`}
${p.older && html`<p><a href="/chats/${p.chatId}/report?before=${p.older}">${frame.t.chat.older}</a></p>`}
<ul class="picks">${p.lines.map(box)}</ul></fieldset>
<p class="field"><label for="note">${t.reportNote}</label>
<textarea id="note" name="note" rows="4" maxlength="${NOTE_CHARS_MAX}" required>${p.note ?? ''}</textarea>
${p.errors?.note && html`<strong class="error" id="note-error">${p.errors.note}</strong>`}</p>
<p class="actions"><button class="button primary">${t.reportButton}</button> <a class="button" href="/chats/${p.chatId}">${frame.t.common.cancel}</a></p></form>`
}
