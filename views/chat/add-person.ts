/** The overlay of the big plus, and the same as a page: look up a person of any branch and begin a chat. */
import { html } from 'hono/html'
import { type Frame, layout } from '../layout.ts'
import {
  avatar,
  type Face,
  formTokenField,
  type Html,
  icon,
  placeTag,
  type Reader,
} from '../parts.ts'
import { type Presence, presence } from '../presence/dot.ts'

type Match = Face & {
  login: string
  branch: string
  department?: string | undefined
  presence: Presence
  /** Whether the reader has this person in the list already. */
  isKnown: boolean
}

export type AddPersonProps = {
  /** What was typed; no matches are shown before anything is. */
  q: string
  matches: readonly Match[]
  hasMore?: boolean | undefined
  error?: string | undefined
}

/** The overlay: fetched by htmx into `#overlay`, opened by the script. */
export function addPersonDialog(p: AddPersonProps, reader: Reader): Html {
  const t = reader.t
  return html`<dialog class="overlay" data-dialog aria-labelledby="add-person-title">
<h2 id="add-person-title">${t.addPerson.title}</h2>
${lookup(p, reader)}
<form method="dialog" class="actions"><button class="button">${t.common.cancel}</button></form>
</dialog>`
}

/** The same without JavaScript. */
export function addPersonPage(frame: Frame, p: AddPersonProps): string {
  const t = frame.t
  const body = html`<main id="main" class="plain-page">
<p><a class="back-link" href="/chats">${icon('arrow-left', frame)} ${t.common.backToChats}</a></p>
<h1>${t.addPerson.title}</h1>
${lookup(p, frame)}
</main>`
  return layout(frame, { title: t.addPerson.title, page: 'add-person', body })
}

// Not type="search": Escape would empty that instead of closing the overlay.
// The script asks for the whole overlay and takes the matches out of it, so there is one answer for all.
function lookup(p: AddPersonProps, reader: Reader): Html {
  const t = reader.t.addPerson
  return html`<form class="lookup" method="get" action="/people/add" role="search" hx-get="/people/add" hx-trigger="input delay:200ms, submit" hx-target="#matches" hx-select="#matches" hx-swap="outerHTML" hx-sync="this:replace">
<label for="q">${t.label}</label>
<span class="joined"><input id="q" name="q" type="text" enterkeyhint="search" value="${p.q}" maxlength="100" autocomplete="off" autocapitalize="none" spellcheck="false" autofocus aria-describedby="q-hint"><button class="button">${t.find}</button></span>
<span class="hint" id="q-hint">${t.hint}</span>
</form>
${matches(p, reader)}
<p class="hint"><a href="/people">${reader.t.leavers.people}</a></p>`
}

/** Who was found. */
function matches(p: AddPersonProps, reader: Reader): Html {
  const t = reader.t.addPerson
  const isEmpty = p.q !== '' && p.matches.length === 0
  return html`<div id="matches" class="matches" aria-live="polite">
${p.error && html`<p class="error" role="alert">${p.error}</p>`}
${isEmpty && html`<p class="empty-note"><b>${t.nobody(p.q)}</b> ${t.nobodyHint}</p>`}
${p.matches.length > 0 && html`<ul class="people" aria-label="${t.results}">${p.matches.map((m) => match(m, reader))}</ul>`}
${p.hasMore && html`<p class="empty-note">${t.more}</p>`}
</div>`
}

function match(m: Match, reader: Reader): Html {
  const t = reader.t
  return html`<li class="person">${avatar(m)}<span class="who"><span class="name">${m.name}</span> ${placeTag(m.branch, m.department)}</span>
<span class="sub">${m.login} · ${presence(m.id, m.presence, reader)}</span>
<form method="post" action="/people/add">${formTokenField(reader)}<input type="hidden" name="user" value="${m.id}">
<button class="button primary" aria-label="${m.isKnown ? `${t.addPerson.write}: ${m.name}` : t.addPerson.addOf(m.name)}">${m.isKnown ? t.addPerson.write : t.common.add}</button></form></li>`
}
