/** One slip of paper per person with the temporary password, each in the person's language; printed and cut. */
import { html } from 'hono/html'
import { isLanguage, wordsOf } from '../language/words.ts'
import type { Frame } from '../layout.ts'
import { type Html, icon } from '../parts.ts'
import { adminPage } from './shell.ts'

type Slip = { name: string; login: string; password: string; language: string }

/** The answer to `POST /admin/users/import/:id/slips`. */
export function slipsPage(
  frame: Frame,
  p: { id: string; slips: readonly Slip[]; address: string },
): string {
  const t = frame.t.import
  const body = html`<p><a class="back-link" href="/admin/users/import/${p.id}">${icon('arrow-left', frame)} ${t.title}</a></p>
<header class="admin-head"><h1>${t.slips}</h1><p class="actions" data-print data-label="${frame.t.admin.print}"></p></header>
${p.slips.length === 0 ? html`<p class="banner">${t.slipsGone}</p>` : html`<div class="slips">${p.slips.map((one) => slip(frame, one, p.address))}</div>`}`
  return adminPage(frame, { title: t.slips, place: 'users', body })
}

function slip(frame: Frame, s: Slip, address: string): Html {
  const t = isLanguage(s.language) ? wordsOf(s.language) : frame.t
  const { admin } = t
  return html`<section class="slip" lang="${t.language}"><h2>${s.name}</h2>
<dl class="facts-list"><dt>${admin.address}</dt><dd>${address}</dd><dt>${admin.login}</dt><dd><code>${s.login}</code></dd><dt>${admin.temporaryPassword}</dt><dd><code>${s.password}</code></dd></dl>
<p>${t.import.slipText}</p></section>`
}
