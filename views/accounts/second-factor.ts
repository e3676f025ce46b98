/** The second factor: its code at sign-in, setting it up with a QR code, recovery codes to print, changing it. */
import { html } from 'hono/html'
import { cardPage, type Frame } from '../layout.ts'
import { field, formTokenField, type Html } from '../parts.ts'

const CODE_CHARS_MAX = 40
const PASSWORD_CHARS_MAX = 256

/** Between password and chats: the code. */
export function codePage(frame: Frame, p: { error?: string | undefined }): string {
  const t = frame.t.factor
  const body = html`<h1>${t.codeTitle}</h1>
<p>${t.codeText}</p>
<form method="post" action="/sign-in/code">${formTokenField(frame)}
${codeField(t.code, p.error, true)}
<p class="actions"><button class="button primary wide">${t.codeButton}</button></p>
</form>
<p class="hint"><a href="/sign-in">${t.anew}</a></p>`
  return cardPage(frame, { title: t.codeTitle, page: 'sign-in', body })
}

export type FactorState =
  | { kind: 'off' }
  | { kind: 'begun'; key: string; qr: { size: number; path: string } }
  | { kind: 'on'; codesLeft: number }

export type FactorErrors = { password?: string | undefined; code?: string | undefined }

type FactorProps = {
  state: FactorState
  /** The role needs one: nothing else opens before. */
  isDemanded: boolean
  errors?: FactorErrors | undefined
}

/** The page of one's own second factor. */
export function factorPage(frame: Frame, p: FactorProps): string {
  const t = frame.t.factor
  const isBarred = p.isDemanded && p.state.kind !== 'on'
  const body = html`<h1>${t.title}</h1>
${isBarred ? html`<p class="problem" role="status">${t.demanded}</p>` : html`<p>${p.state.kind === 'on' ? t.on : t.off}</p>`}
<p>${t.about}</p>
${part(frame, p)}
${
  isBarred
    ? html`<form method="post" action="/sign-out">${formTokenField(frame)}<p><button class="link">${frame.t.common.signOut}</button></p></form>`
    : html`<p class="hint"><a href="/profile">${frame.t.common.profile}</a></p>`
}`
  return cardPage(frame, { title: t.title, page: 'second-factor', body })
}

function part(frame: Frame, p: FactorProps): Html {
  const t = frame.t.factor
  const errors = p.errors ?? {}
  if (p.state.kind === 'begun') return begun(frame, p.state, errors)
  if (p.state.kind === 'off') {
    return html`<form method="post" action="/second-factor/begin">${formTokenField(frame)}
<p>${t.passwordFirst}</p>
${passwordField(t.password, errors.password)}
<p class="actions"><button class="button primary wide">${t.begin}</button></p></form>`
  }
  return html`<p>${t.left(p.state.codesLeft)}</p>
<h2>${t.change}</h2>
<form method="post" action="/second-factor/change">${formTokenField(frame)}
${passwordField(t.password, errors.password)}
${codeField(t.code, errors.code, false)}
<p class="actions"><button class="button" name="wish" value="codes">${t.newCodes}</button>
${!p.isDemanded && html`<button class="button danger" name="wish" value="off">${t.switchOff}</button>`}</p></form>`
}

function begun(
  frame: Frame,
  s: Extract<FactorState, { kind: 'begun' }>,
  errors: FactorErrors,
): Html {
  const t = frame.t.factor
  return html`<p>${t.scan}</p>
<svg class="qr" viewBox="0 0 ${s.qr.size} ${s.qr.size}" role="img" aria-label="${t.qr}" shape-rendering="crispEdges"><rect width="${s.qr.size}" height="${s.qr.size}" fill="#fff"></rect><path d="${s.qr.path}" fill="#000"></path></svg>
<p class="fixed"><b>${t.key}</b> <code>${s.key}</code></p>
<form method="post" action="/second-factor/confirm">${formTokenField(frame)}
${codeField(t.firstCode, errors.code, true)}
<p class="actions"><button class="button primary wide">${t.confirm}</button></p></form>`
}

/** The recovery codes, once. */
export function recoveryCodesPage(frame: Frame, p: { codes: readonly string[] }): string {
  const t = frame.t.factor
  const body = html`<section class="issued"><h1>${t.codesTitle}</h1>
<p>${t.codesText}</p>
<ol class="codes">${p.codes.map((code) => html`<li><code>${code}</code></li>`)}</ol>
<p class="actions" data-print data-label="${t.print}"></p></section>
<p class="actions"><a class="button primary wide" href="/chats">${t.codesDone}</a></p>`
  return cardPage(frame, { title: t.codesTitle, page: 'second-factor', body })
}

function codeField(label: string, error: string | undefined, autofocus: boolean): Html {
  return field({
    ...{ name: 'code', label, error, autofocus, autocomplete: 'one-time-code', plain: true },
    ...{ required: true, maxlength: CODE_CHARS_MAX },
  })
}

function passwordField(label: string, error: string | undefined): Html {
  return field({
    ...{ name: 'password', label, error, type: 'password', autocomplete: 'current-password' },
    ...{ required: true, maxlength: PASSWORD_CHARS_MAX },
  })
}
