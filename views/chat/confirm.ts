/** A question before something that hides or ends: an overlay with a script, a page without. */
import { html } from 'hono/html'
import { type Frame, layout } from '../layout.ts'
import { formTokenField, type Html, icon, type Reader } from '../parts.ts'

export type ConfirmProps = {
  chatId: string
  title: string
  /** What will be, and for whom. */
  text: string
  /** Where the form goes. */
  action: string
  button: string
  /** Whether it cannot be undone, or hits somebody. */
  isDangerous: boolean
}

/** The overlay: fetched by htmx into `#overlay`, opened by the script. */
export function confirmDialog(p: ConfirmProps, reader: Reader): Html {
  return html`<dialog class="overlay" data-dialog aria-labelledby="confirm-title">
<h2 id="confirm-title">${p.title}</h2>
<p>${p.text}</p>
<div class="actions">${yes(p, reader)}
<form method="dialog"><button class="button" autofocus>${reader.t.common.cancel}</button></form></div>
</dialog>`
}

/** The same without JavaScript. */
export function confirmPage(frame: Frame, p: ConfirmProps): string {
  const { t } = frame
  const body = html`<main id="main" class="plain-page">
<p><a class="back-link" href="/chats/${p.chatId}">${icon('arrow-left', frame)} ${t.common.back}</a></p>
<h1>${p.title}</h1>
<p>${p.text}</p>
${yes(p, frame)}
<p><a href="/chats/${p.chatId}">${t.common.cancel}</a></p>
</main>`
  return layout(frame, { title: p.title, page: 'confirm', body })
}

function yes(p: ConfirmProps, reader: Reader): Html {
  const kind = p.isDangerous ? 'danger' : 'primary'
  return html`<form method="post" action="${p.action}">${formTokenField(reader)}<button class="button ${kind}">${p.button}</button></form>`
}
