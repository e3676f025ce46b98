/** The door: login and password. It says which branch this is and nothing about who exists. */
import { html } from 'hono/html'
import { cardPage, type Frame } from '../layout.ts'
import { attributes, field, formTokenField } from '../parts.ts'

type SignInProps = {
  login?: string | undefined
  /** One sentence for the whole form; which of the two was wrong is never said. */
  error?: string | undefined
  /** The accounts of this branch have not come back yet. */
  isRebuilding?: boolean | undefined
  /** The settings call this machine a shared terminal: nobody has to tick it. */
  isShared?: boolean | undefined
  isTicked?: boolean | undefined
  /** Where to go afterwards: a path of this server. */
  next?: string | undefined
  /** One-click links of the demo. */
  demo?: readonly { name: string; href: string }[] | undefined
}

/** The sign-in page. */
export function signInPage(frame: Frame, p: SignInProps): string {
  const t = frame.t.signIn
  const body = html`<h1>${t.title}</h1>
${p.isRebuilding && html`<p class="problem" role="status">${frame.t.recovery.signIn}</p>`}
${p.error && html`<p class="problem" role="alert">${p.error}</p>`}
<form method="post" action="/sign-in">${formTokenField(frame)}
${p.next && html`<input type="hidden" name="next" value="${p.next}">`}
${field({ name: 'login', label: t.login, hint: t.loginHint, value: p.login, autocomplete: 'username', plain: true, required: true, maxlength: 100, autofocus: p.login === undefined })}
${field({ name: 'password', label: t.password, type: 'password', autocomplete: 'current-password', required: true, maxlength: 256, autofocus: p.login !== undefined })}
<p class="actions"><button class="button primary wide">${t.button}</button></p>
${!p.isShared && html`<p class="check"><label><input type="checkbox" name="shared" value="yes"${attributes({ checked: p.isTicked })}> ${frame.t.terminal.choose}</label> <span class="hint">${frame.t.terminal.chooseHint}</span></p>`}
</form>
<p class="hint">${t.forgot}</p>
${frame.hasTrustPage && html`<p class="hint"><a href="/trust">${frame.t.trust.link}</a></p>`}
${p.demo && p.demo.length > 0 && html`<p class="demo-links">${t.demoTitle} ${p.demo.map((d) => html`<a class="button" href="${d.href}">${d.name}</a> `)}</p>`}`
  return cardPage(frame, { title: t.title, page: 'sign-in', body })
}
