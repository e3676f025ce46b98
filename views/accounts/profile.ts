/** The gear: own name, photo, language, theme, password, and where one is signed in. */
import { html } from 'hono/html'
import { LANGUAGES, type Language } from '../language/words.ts'
import { type Frame, layout, type Theme } from '../layout.ts'
import { choiceField, field, formTokenField, type Html, icon, momentTime } from '../parts.ts'
import { type PasswordErrors, passwordChange } from './password.ts'
import { photoFields } from './photo.ts'

type OwnSignIn = {
  id: string
  /** Browser and system in words, or what the client said. */
  where: string
  branch: string
  lastUsedAt: number
  isThis: boolean
}

export type ProfileProps = {
  login: string
  firstName: string
  lastName: string
  language: Language
  theme: Theme
  signIns: readonly OwnSignIn[]
  errors?:
    | { firstName?: string | undefined; lastName?: string | undefined; photo?: string | undefined }
    | undefined
  passwordErrors?: PasswordErrors | undefined
}

const NAME_CHARS_MAX = 60

/** The profile page. */
export function profilePage(frame: Frame, p: ProfileProps): string {
  const t = frame.t
  const body = html`<main id="main" class="plain-page profile">
<p><a class="back-link" href="/chats">${icon('arrow-left', frame)} ${t.common.backToChats}</a></p>
<h1>${t.profile.title}</h1>
${personForm(frame, p)}
<section class="card"><h2>${t.profile.changePassword}</h2>${passwordChange(p.passwordErrors ?? {}, frame)}</section>
${signIns(frame, p.signIns)}
<form class="sign-out" method="post" action="/sign-out">${formTokenField(frame)}<button class="button">${icon('log-out', frame)} ${t.common.signOut}</button></form>
</main>`
  return layout(frame, { title: t.profile.title, page: 'profile', body })
}

function personForm(frame: Frame, p: ProfileProps): Html {
  const t = frame.t.profile
  const themes = [
    { value: 'auto', label: t.themeAuto },
    { value: 'light', label: t.themeLight },
    { value: 'dark', label: t.themeDark },
  ]
  const languages = LANGUAGES.map((l) => ({ value: l.language, label: l.name }))
  const e = p.errors ?? {}
  return html`<form class="card" method="post" action="/profile" enctype="multipart/form-data">${formTokenField(frame)}
<h2>${t.you}</h2>
${photoFields(frame, { face: frame.me, isRemovable: Boolean(frame.me?.photo), error: e.photo })}
<div class="pair">${field({ name: 'firstName', label: t.firstName, value: p.firstName, error: e.firstName, autocomplete: 'given-name', required: true, maxlength: NAME_CHARS_MAX })}
${field({ name: 'lastName', label: t.lastName, value: p.lastName, error: e.lastName, autocomplete: 'family-name', required: true, maxlength: NAME_CHARS_MAX })}</div>
<p class="fixed"><b>${t.login}</b> <span>${p.login}</span> <span class="hint">${t.loginHint}</span></p>
<h2>${t.look}</h2>
<div class="pair">${choiceField({ name: 'language', label: t.language, value: p.language, choices: languages })}
${choiceField({ name: 'theme', label: t.theme, value: p.theme, choices: themes })}</div>
<p class="actions"><button class="button primary">${frame.t.common.save}</button></p>
</form>`
}

function signIns(frame: Frame, list: readonly OwnSignIn[]): Html {
  const t = frame.t.profile
  const item = (s: OwnSignIn) =>
    html`<li><span class="who"><b class="name">${s.where}</b> <span class="tag">${s.isThis ? t.thisOne : s.branch}</span></span>
<span class="sub">${t.lastUsed} ${momentTime(s.lastUsedAt, frame)}</span>
${!s.isThis && html`<form method="post" action="/profile/sign-ins/${s.id}/end">${formTokenField(frame)}<button class="button" aria-label="${t.endOf(s.where)}">${t.end}</button></form>`}</li>`
  return html`<section class="card"><h2>${t.signIns}</h2><p class="hint">${t.signInsText}</p><ul class="sign-ins">${list.map(item)}</ul></section>`
}
