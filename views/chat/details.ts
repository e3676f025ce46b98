/** The right part: who is in a chat, or who the other one is. A panel from 1100 px up, a page of its own below. */
import { html } from 'hono/html'
import { type Frame, layout } from '../layout.ts'
import {
  avatar,
  called,
  type Face,
  groupAvatar,
  type Html,
  hiddenWords,
  icon,
  type Reader,
} from '../parts.ts'
import { type Presence, presence } from '../presence/dot.ts'
import type { AttachmentProps } from './attachment.ts'
import { sharedPart } from './media.ts'
import { type ChatMenuProps, chatMenu } from './menu.ts'

type Member = Face & { branch: string; isOwner: boolean; presence: Presence }

export type DetailsProps = {
  id: string
  kind: 'direct' | 'group'
  title: string
  /** The other one of a direct chat; empty facts are left out. */
  person?:
    | (Face & {
        login: string
        branch: string
        post?: string | undefined
        department?: string | undefined
        phone?: string | undefined
        room?: string | undefined
        presence: Presence
      })
    | undefined
  /** Of a group. */
  members?: readonly Member[] | undefined
  /** The newest pictures. */
  shared?: readonly AttachmentProps[] | undefined
  /** What the reader can do with this chat. */
  menu?: ChatMenuProps | undefined
}

/** What goes into `#details`; the cross leads back to the chat without a script. */
export function detailsPanel(p: DetailsProps, reader: Reader): Html {
  const t = reader.t
  return html`<header class="details-head"><h2>${t.details.title}</h2>
<a class="icon-button" href="/chats/${p.id}" data-close="#details" title="${t.common.close}">${icon('x', reader)}${hiddenWords(t.common.close)}</a></header>
${facts(p, reader)}`
}

/** The same as a page. */
export function detailsPage(frame: Frame, p: DetailsProps): string {
  const t = frame.t
  const body = html`<main id="main" class="plain-page details-page">
<p><a class="back-link" href="/chats/${p.id}">${icon('arrow-left', frame)} ${t.common.back}</a></p>
<h1 class="hidden">${t.details.title}</h1>
${facts(p, frame)}
</main>`
  const title = p.person ? called({ ...p.person, name: p.title }, frame.t) : p.title
  return layout(frame, { title, page: 'details', body })
}

function facts(p: DetailsProps, reader: Reader): Html {
  const t = reader.t.details
  return html`<div class="portrait">${p.person ? avatar(p.person, 'large') : groupAvatar(p, reader, 'large')}
<p class="name">${p.person ? html`<a class="card-link" href="/people/${p.person.id}">${called({ ...p.person, name: p.title }, reader.t)}</a>` : p.title}</p>
${p.person ? presence(p.person.id, p.person.presence, reader) : html`<span class="sub">${p.kind === 'direct' ? t.kindDirect : t.kindGroup}</span>`}</div>
${p.person && personFacts(p.person, reader)}
${p.members && members(p.members, reader)}
${p.shared && sharedPart(p.id, p.shared, reader)}
${p.menu && chatMenu(p.id, p.menu, reader)}`
}

function personFacts(person: NonNullable<DetailsProps['person']>, reader: Reader): Html {
  const t = reader.t.details
  const rows: [string, string | undefined][] = [
    [t.branch, person.branch],
    [t.department, person.department],
    [t.post, person.post],
    [t.phone, person.phone],
    [t.room, person.room],
    [t.login, person.login],
  ]
  const row = ([name, value]: [string, string | undefined]) =>
    value ? html`<dt>${name}</dt><dd>${value}</dd>` : html``
  return html`<dl class="facts-list">${rows.map(row)}</dl>`
}

function members(list: readonly Member[], reader: Reader): Html {
  const t = reader.t
  const member = (m: Member) =>
    html`<li class="person">${avatar(m)}<span class="who"><a class="name" href="/people/${m.id}">${called(m, t)}</a> <span class="tag">${m.branch}</span></span>
<span class="sub">${m.isOwner && html`${t.details.owner} · `}${presence(m.id, m.presence, reader)}</span></li>`
  return html`<h2 class="part-title">${t.common.members(list.length)}</h2>
<ul class="people">${list.map(member)}</ul>`
}
