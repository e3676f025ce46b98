/** First start: the set-up code, then a new organisation or an invitation to one. Two forms, one shown at a time. */
import { html } from 'hono/html'
import { cardPage, type Frame } from '../layout.ts'
import { type Field, field, formTokenField, type Html, icon } from '../parts.ts'

export type SetupField =
  | 'code'
  | 'organisation'
  | 'branch'
  | 'invitation'
  | 'login'
  | 'firstName'
  | 'lastName'
  | 'password'

type SetupProps = {
  /** From `?choice=`; the posted form sends the same as a hidden field. */
  choice: 'create' | 'join'
  /** What was typed before an error; never the password. */
  values?: Partial<Record<SetupField, string>> | undefined
  errors?: Partial<Record<SetupField, string>> | undefined
  /** What went wrong as a whole, for instance that the inviting branch does not answer. */
  error?: string | undefined
}

/** The set-up page. */
export function setupPage(frame: Frame, p: SetupProps): string {
  const t = frame.t.setup
  const body = html`<h1>${t.title}</h1>
<p>${t.text}</p>
${p.error && html`<p class="problem" role="alert">${p.error}</p>`}
<nav class="choices" aria-label="${t.choice}">${choice('create', frame, p)} ${choice('join', frame, p)}</nav>
<form method="post" action="/setup">${formTokenField(frame)}<input type="hidden" name="choice" value="${p.choice}">
${fields(frame, p)}
<p class="actions"><button class="button primary wide">${p.choice === 'create' ? t.createButton : t.joinButton}</button></p>
</form>`
  return cardPage(frame, { title: t.title, page: 'setup', body, wide: true })
}

function choice(which: 'create' | 'join', frame: Frame, p: SetupProps): Html {
  const t = frame.t.setup
  const isCurrent = p.choice === which
  return html`<a href="/setup?choice=${which}"${isCurrent && html` aria-current="true"`}>${icon(which === 'create' ? 'building-2' : 'network', frame)}
<b>${which === 'create' ? t.create : t.join}</b> <span>${which === 'create' ? t.createText : t.joinText}</span></a>`
}

function fields(frame: Frame, p: SetupProps): Html {
  const t = frame.t.setup
  const ask = (name: SetupField, label: string, more: Partial<Field> = {}) =>
    field({
      name,
      label,
      value: p.values?.[name],
      error: p.errors?.[name],
      required: true,
      maxlength: 100,
      ...more,
    })
  return html`${ask('code', t.code, { plain: true, autofocus: true })}
${
  p.choice === 'create'
    ? html`<div class="pair">${ask('organisation', t.organisation)}${ask('branch', t.branch, { hint: t.branchHint })}</div>`
    : ask('invitation', t.invitation, { hint: t.invitationHint, plain: true, maxlength: 4000 })
}
<h2>${t.adminTitle}</h2>
<div class="pair">${ask('firstName', t.firstName, { autocomplete: 'given-name', maxlength: 60 })}
${ask('lastName', t.lastName, { autocomplete: 'family-name', maxlength: 60 })}</div>
<div class="pair">${ask('login', t.login, { hint: t.loginHint, autocomplete: 'username', plain: true, maxlength: 32 })}
${ask('password', t.password, { hint: t.passwordHint, type: 'password', autocomplete: 'new-password', maxlength: 256 })}</div>`
}
