/** Choosing an own password in place of a temporary one, and the fields for changing it later. */
import { html } from 'hono/html'
import { cardPage, type Frame } from '../layout.ts'
import { field, formTokenField, type Html, type Reader } from '../parts.ts'

export type PasswordErrors = {
  current?: string | undefined
  password?: string | undefined
  repeat?: string | undefined
}

const PASSWORD_CHARS_MAX = 256

/** The page that stands before everything while a password is temporary. */
export function passwordPage(frame: Frame, p: { errors?: PasswordErrors | undefined }): string {
  const t = frame.t.password
  const body = html`<h1>${t.title}</h1>
<p>${t.text}</p>
<form method="post" action="/password">${formTokenField(frame)}
${freshPassword(p.errors ?? {}, frame)}
<p class="actions"><button class="button primary wide">${t.save}</button></p>
</form>
<form method="post" action="/sign-out">${formTokenField(frame)}<p><button class="link">${frame.t.common.signOut}</button></p></form>`
  return cardPage(frame, { title: t.title, page: 'password', body })
}

/** Changing the password from the profile: the present one first. */
export function passwordChange(errors: PasswordErrors, reader: Reader): Html {
  const t = reader.t.password
  return html`<form method="post" action="/profile/password">${formTokenField(reader)}
${field({ name: 'current', label: t.current, type: 'password', autocomplete: 'current-password', required: true, maxlength: PASSWORD_CHARS_MAX, error: errors.current })}
${freshPassword(errors, reader)}
<p class="actions"><button class="button">${t.save}</button></p>
</form>`
}

function freshPassword(errors: PasswordErrors, reader: Reader): Html {
  const t = reader.t.password
  const common = {
    type: 'password',
    autocomplete: 'new-password',
    required: true,
    maxlength: PASSWORD_CHARS_MAX,
  } as const
  return html`${field({ name: 'password', label: t.fresh, hint: t.hint, error: errors.password, ...common })}
${field({ name: 'repeat', label: t.repeat, error: errors.repeat, ...common })}`
}
