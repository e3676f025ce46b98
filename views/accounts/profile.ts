/** The gear: own name, photo, language, theme, password, and where one is signed in. */
import { html } from 'hono/html'
import { LANGUAGES, type Language } from '../language/words.ts'
import { type Frame, layout, type Theme } from '../layout.ts'
import { choiceField, field, formTokenField, type Html, icon } from '../parts.ts'
import { type Status, statusCard } from '../presence/status.ts'
import { type OwnSignIns, ownSignIns } from './own-sign-ins.ts'
import { type PasswordErrors, passwordChange } from './password.ts'
import { photoFields } from './photo.ts'
import { lockButton } from './terminal.ts'

export type ProfileProps = OwnSignIns & {
  login: string
  firstName: string
  lastName: string
  language: Language
  theme: Theme
  hasFactor: boolean
  /** What a guest asked the home branch to change, and has no answer to. */
  wish?: WishProps | undefined
  /** What the person says of himself. */
  status: Status | undefined
  /** When the person asked to be deleted. */
  askedAt?: number | undefined
  errors?:
    | { firstName?: string | undefined; lastName?: string | undefined; photo?: string | undefined }
    | undefined
  passwordErrors?: PasswordErrors | undefined
}

type WishProps = {
  branch: string
  fields: { [field in (typeof WISH_FIELDS)[number]]?: string | null | undefined }
  askedAt: number
  /** Why the home branch will not. */
  refused?: string
}

const NAME_CHARS_MAX = 60
const WISH_FIELDS = ['firstName', 'lastName', 'photo', 'language', 'theme'] as const

/** The profile page. */
export function profilePage(frame: Frame, p: ProfileProps): string {
  const t = frame.t
  const body = html`<main id="main" class="plain-page profile">
<p><a class="back-link" href="/chats">${icon('arrow-left', frame)} ${t.common.backToChats}</a></p>
<h1>${t.profile.title}</h1>
${p.wish && wishCard(frame, p.wish)}
${statusCard(frame, p.status)}
${personForm(frame, p)}
<section class="card"><h2>${t.profile.changePassword}</h2>${passwordChange(p.passwordErrors ?? {}, frame)}</section>
<section class="card"><h2>${t.factor.title}</h2><p>${p.hasFactor ? t.factor.on : t.factor.off}</p><p><a class="button" href="/second-factor">${t.factor.open}</a></p></section>
${ownSignIns(frame, p)}
${frame.lockSeconds !== undefined && lockButton(frame, 'words')}
${deletion(frame, p.askedAt)}
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

/** What is asked and not yet in force, or what was refused. */
function wishCard(frame: Frame, { branch, fields, askedAt, refused }: WishProps): Html {
  const t = frame.t.profile
  const at = frame.t.moment(askedAt, frame.now, frame.timeZone)
  const themes = { auto: t.themeAuto, light: t.themeLight, dark: t.themeDark }
  const lines = WISH_FIELDS.flatMap((field) => {
    const value = fields[field]
    if (value === undefined) return []
    if (field === 'photo') return [value === null ? t.wishNoPhoto : t.wishPhoto]
    const language = LANGUAGES.find((each) => each.language === value)?.name
    const theme = Object.entries(themes).find(([name]) => name === value)?.[1]
    const shown = (field === 'language' ? language : field === 'theme' ? theme : value) ?? value
    return [`${t[field]}: ${shown ?? ''}`]
  })
  const head = refused === undefined ? t.wish(branch, at) : t.wishRefused(branch, refused)
  return html`<section class="card" id="wish"><h2>${t.wishTitle}</h2><p>${head}</p>
<ul>${lines.map((line) => html`<li>${line}</li>`)}</ul></section>`
}

function deletion(frame: Frame, askedAt: number | undefined): Html {
  const t = frame.t.leavers
  const isAsked = askedAt !== undefined
  const words = isAsked ? t.asked(frame.t.moment(askedAt, frame.now, frame.timeZone)) : t.askText
  return html`<section class="card"><h2>${t.ask}</h2><p${!isAsked && html` class="hint"`}>${words}</p>
<form method="post" action="/profile/deletion">${formTokenField(frame)}<input type="hidden" name="wish" value="${isAsked ? 'no' : 'yes'}">
<p class="actions"><button class="button">${isAsked ? t.unaskButton : t.askButton}</button></p></form></section>`
}
