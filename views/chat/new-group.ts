/** A new group: a name and people of my list. Overlay and page. */
import { html } from 'hono/html'
import { type Frame, layout } from '../layout.ts'
import { avatar, type Face, field, formTokenField, type Html, icon, type Reader } from '../parts.ts'

export type NewGroupProps = {
  /** Who may be chosen: the reader's contacts. */
  people: readonly (Face & { branch: string })[]
  title?: string | undefined
  /** Ids of those who were chosen before an error. */
  chosen?: readonly string[] | undefined
  errors?: { title?: string | undefined; members?: string | undefined } | undefined
}

const GROUP_TITLE_CHARS_MAX = 80 // fits a header at every width

/** The overlay: fetched by htmx into `#overlay`, opened by the script. */
export function newGroupDialog(p: NewGroupProps, reader: Reader): Html {
  const t = reader.t
  return html`<dialog class="overlay" data-dialog aria-labelledby="new-group-title">
<h2 id="new-group-title">${t.newGroup.title}</h2>
${groupForm(p, reader, html`<button class="button" formmethod="dialog" formnovalidate>${t.common.cancel}</button>`)}
</dialog>`
}

/** The same without JavaScript, and after an error. */
export function newGroupPage(frame: Frame, p: NewGroupProps): string {
  const t = frame.t
  const body = html`<main id="main" class="plain-page">
<p><a class="back-link" href="/chats">${icon('arrow-left', frame)} ${t.common.backToChats}</a></p>
<h1>${t.newGroup.title}</h1>
${groupForm(p, frame)}
</main>`
  return layout(frame, { title: t.newGroup.title, page: 'new-group', body })
}

// A button with formmethod="dialog" closes the overlay without sending anything.
function groupForm(p: NewGroupProps, reader: Reader, cancel?: Html): Html {
  const t = reader.t.newGroup
  if (p.people.length === 0) {
    return html`<div class="empty"><p>${t.nobody}</p><p><a class="button primary" href="/people/add" hx-get="/people/add" hx-target="#overlay">${icon('user-plus', reader)} ${reader.t.list.addPerson}</a></p></div>
${cancel && html`<form method="dialog" class="actions">${cancel}</form>`}`
  }
  const chosen = new Set(p.chosen ?? [])
  return html`<form method="post" action="/chats/new-group">${formTokenField(reader)}
${field({ name: 'title', label: t.name, hint: t.nameHint, value: p.title, error: p.errors?.title, maxlength: GROUP_TITLE_CHARS_MAX, required: true, autofocus: true })}
<fieldset class="choose"><legend>${t.members}</legend>
${p.errors?.members && html`<strong class="error" role="alert">${p.errors.members}</strong>`}
<ul class="people">${p.people.map((person) => choice(person, chosen.has(person.id)))}</ul></fieldset>
<p class="actions"><button class="button primary">${t.create}</button> ${cancel}</p>
</form>`
}

function choice(person: Face & { branch: string }, isChosen: boolean): Html {
  return html`<li class="person"><label><input type="checkbox" name="members" value="${person.id}"${isChosen && html` checked`}>
${avatar(person)}<span class="who"><span class="name">${person.name}</span> <span class="tag">${person.branch}</span></span></label></li>`
}
