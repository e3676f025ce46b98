/** Shared terminals: the page of locked people, and choosing a PIN. */
import { html } from 'hono/html'
import { cardPage, type Frame } from '../layout.ts'
import { avatar, type Face, field, formTokenField, type Html, hiddenWords, icon } from '../parts.ts'

const SECRET_CHARS_MAX = 256
const PIN_CHARS_MAX = 8

type LockProps = {
  people: readonly (Face & { signIn: string })[]
  /** Whose PIN is asked for; the only one, or the one chosen. */
  chosen: string | undefined
  next?: string | undefined
  error?: string | undefined
}

/** Who is locked here; names and hues alone, because photos belong to who is in. */
export function lockPage(frame: Frame, p: LockProps): string {
  const t = frame.t.terminal
  const person = p.people.find(({ signIn }) => signIn === p.chosen)
  const body = html`<h1>${icon('key-round', frame)} ${t.title}</h1>
<p>${t.text}</p>
<ul class="locked">${p.people.map((one) => locked(one, one.signIn === p.chosen))}</ul>
${person && opening(frame, p, person)}
<p class="hint"><a href="/sign-in?other=yes">${t.other}</a></p>`
  return cardPage(frame, { title: t.title, page: 'lock', body })
}

function locked(one: LockProps['people'][number], isChosen: boolean): Html {
  return html`<li><a href="/lock?who=${one.signIn}"${isChosen && html` aria-current="true"`}>${avatar(one)} <b class="name">${one.name}</b></a></li>`
}

function opening(frame: Frame, p: LockProps, person: LockProps['people'][number]): Html {
  const t = frame.t.terminal
  const who = html`<input type="hidden" name="who" value="${person.signIn}">`
  return html`<form method="post" action="/lock/open">${formTokenField(frame)}${who}
${p.next && html`<input type="hidden" name="next" value="${p.next}">`}
${field({ name: 'secret', label: t.pinOrPassword, type: 'password', autocomplete: 'off', required: true, maxlength: SECRET_CHARS_MAX, autofocus: true, error: p.error })}
<p class="actions"><button class="button primary wide">${t.unlock}</button></p></form>
<form method="post" action="/lock/leave">${formTokenField(frame)}${who}<p><button class="link">${t.leave(person.name)}</button></p></form>`
}

/** Right after signing in at a shared terminal. */
export function pinPage(
  frame: Frame,
  p: { next?: string | undefined; error?: string | undefined },
): string {
  const t = frame.t.terminal
  const body = html`<h1>${t.pinTitle}</h1>
<p>${t.pinText}</p>
<form method="post" action="/terminal/pin">${formTokenField(frame)}
${p.next && html`<input type="hidden" name="next" value="${p.next}">`}
${field({ name: 'pin', label: t.pin, type: 'password', autocomplete: 'off', required: true, maxlength: PIN_CHARS_MAX, autofocus: true, error: p.error })}
<p class="actions"><button class="button primary wide">${t.pinButton}</button></p></form>
<p class="hint"><a href="${p.next ?? '/chats'}">${t.pinSkip}</a></p>`
  return cardPage(frame, { title: t.pinTitle, page: 'pin', body })
}

/** The button that locks, for somebody at a shared terminal; in the list of chats there is room for its icon alone. */
export function lockButton(frame: Frame, form: 'icon' | 'words'): Html {
  const word = frame.t.terminal.lockNow
  const button =
    form === 'icon'
      ? html`<button class="icon-button" title="${word}">${icon('key-round', frame)}${hiddenWords(word)}</button>`
      : html`<button class="button">${icon('key-round', frame)} ${word}</button>`
  return html`<form class="lock" method="post" action="/lock">${formTokenField(frame)}${button}</form>`
}
