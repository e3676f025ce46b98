/** The directory: people of all branches, and the card of one of them. Links and forms alone. */
import { html } from 'hono/html'
import { type Frame, layout } from '../layout.ts'
import { avatar, choiceField, type Face, formTokenField, type Html, icon } from '../parts.ts'
import { type Presence, presence } from '../presence/dot.ts'

type Entry = Face & {
  login: string
  branch: string
  department: string
  post: string
  phone: string
  room: string
  presence: Presence
}

type DirectoryProps = {
  filter: { q: string; branch: string; department: string }
  branches: readonly { id: string; name: string }[]
  departments: readonly string[]
  people: readonly Entry[]
  /** The id to go on after; undefined: this is the last page. */
  next?: string | undefined
  /** Whether this is not the first page. */
  isLater: boolean
  down: readonly BranchDown[]
}

/** A branch without a line: what is known of its people is as of then. */
type BranchDown = { branch: string; since: number }

/** `/people`. */
export function directoryPage(frame: Frame, p: DirectoryProps): string {
  const t = frame.t
  const body = html`<main id="main" class="plain-page directory">
<p><a class="back-link" href="/chats">${icon('arrow-left', frame)} ${t.common.backToChats}</a></p>
<h1>${t.leavers.people}</h1>
${search(frame, p)}
${downNotes(frame, p.down)}
${p.people.length === 0 ? html`<p class="empty-note">${t.leavers.nobody}</p>` : list(frame, p)}
${pager(frame, p)}
</main>`
  return layout(frame, { title: t.leavers.people, page: 'people', body })
}

function search(frame: Frame, { filter, branches, departments }: DirectoryProps): Html {
  const t = frame.t.leavers
  const branchChoices = [
    { value: '', label: t.anyBranch },
    ...branches.map(({ id, name }) => ({ value: id, label: name })),
  ]
  const departmentChoices = [
    { value: '', label: t.anyDepartment },
    ...departments.map((name) => ({ value: name, label: name })),
  ]
  return html`<form class="directory-search" method="get" action="/people" role="search">
<div class="field"><label for="q">${t.findPeople}</label>
<input id="q" name="q" type="search" value="${filter.q}" maxlength="100" autocomplete="off" autocapitalize="none" spellcheck="false" aria-describedby="q-hint">
<span class="hint" id="q-hint">${t.findHint}</span></div>
<div class="pair">${choiceField({ name: 'branch', label: frame.t.details.branch, value: filter.branch, choices: branchChoices })}
${departments.length > 0 && choiceField({ name: 'department', label: t.department, value: filter.department, choices: departmentChoices })}</div>
<p class="actions"><button class="button primary">${t.show}</button></p>
</form>`
}

function list(frame: Frame, p: DirectoryProps): Html {
  const item = (e: Entry) =>
    html`<li class="person">${avatar(e)}<span class="who"><a class="name" href="/people/${e.id}">${e.name}</a> <span class="tag">${e.branch}</span></span>
<span class="sub">${[e.post, e.department].filter(Boolean).map((fact) => html`${fact} · `)}${presence(e.id, e.presence, frame)}</span></li>`
  return html`<ul class="people" aria-label="${frame.t.leavers.found}">${p.people.map(item)}</ul>`
}

function pager(frame: Frame, { filter, next, isLater }: DirectoryProps): Html {
  const given = Object.entries(filter).filter(([, value]) => value !== '')
  const to = (more: Record<string, string>) =>
    `/people?${new URLSearchParams([...given, ...Object.entries(more)])}`
  if (next === undefined && !isLater) return html``
  return html`<nav class="pager" aria-label="${frame.t.common.pages}">
${isLater && html`<a class="button" href="${to({})}">${frame.t.leavers.first}</a> `}${next !== undefined && html`<a class="button" rel="next" href="${to({ after: next })}">${frame.t.common.next}</a>`}</nav>`
}

function downNotes(frame: Frame, down: readonly BranchDown[]): Html {
  const words = ({ branch, since }: BranchDown) =>
    frame.t.leavers.fromBranch(branch, frame.t.moment(since, frame.now, frame.timeZone))
  return html`${down.map((one) => html`<p class="banner">${icon('wifi-off', frame)} <span>${words(one)}</span></p>`)}`
}

export type CardProps = {
  person: Entry
  /** Of a deleted person nothing else is known. */
  isErased: boolean
  isDisabled: boolean
  isSelf: boolean
  /** The address of the chat, where there is one. */
  chat?: string | undefined
  isContact: boolean
  down?: BranchDown | undefined
}

/** `/people/:id`. */
export function personCardPage(frame: Frame, p: CardProps): string {
  const t = frame.t
  const { person } = p
  const body = html`<main id="main" class="plain-page details-page">
<p><a class="back-link" href="/people">${icon('arrow-left', frame)} ${t.leavers.people}</a></p>
<div class="portrait">${avatar(person, 'large')}<h1 class="name">${person.name}</h1>
${!p.isErased && presence(person.id, person.presence, frame)}</div>
${p.down && downNotes(frame, [p.down])}
${!p.isErased && facts(frame, person)}
${actions(frame, p)}
</main>`
  return layout(frame, { title: person.name, page: 'person', body })
}

function facts(frame: Frame, person: Entry): Html {
  const t = frame.t.details
  const rows = [
    [t.branch, person.branch],
    [t.department, person.department],
    [t.post, person.post],
    [t.phone, person.phone],
    [t.room, person.room],
    [t.login, `${person.login}@${person.branch}`],
  ]
  return html`<dl class="facts-list">${rows.map(([name, value]) => value && html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`
}

function actions(frame: Frame, p: CardProps): Html {
  const t = frame.t.leavers
  if (p.isSelf) return html`<p class="hint">${t.you}</p>`
  const open =
    p.chat !== undefined && html`<a class="button primary" href="${p.chat}">${t.write}</a>`
  if (p.isErased || p.isDisabled) return html`<p class="actions">${open}</p>`
  const add = html`<form method="post" action="/people/add">${formTokenField(frame)}<input type="hidden" name="user" value="${p.person.id}">
<button class="button${p.chat === undefined && ' primary'}">${t.add}</button></form>`
  return html`<div class="actions">${open}${!p.isContact && add}</div>`
}
