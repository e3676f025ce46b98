/**
 * The left part: who and where I am, the find field, my chats, me and the big plus. A row is pushed whole when
 * something is written or read; typing and presence are small pushes of their own.
 */

import { html } from 'hono/html'
import { lockButton } from '../accounts/terminal.ts'
import { brand, type Frame } from '../layout.ts'
import { removal, upsert } from '../partials.ts'
import {
  avatar,
  badge,
  called,
  type Face,
  groupAvatar,
  type Html,
  hiddenWords,
  icon,
  listTime,
  type Reader,
} from '../parts.ts'
import { type Presence, presence } from '../presence/dot.ts'

export type ChatRow = {
  id: string
  kind: 'direct' | 'group'
  title: string
  /** The other one of a direct chat. */
  person?: (Face & { presence: Presence }) | undefined
  /** Short words behind the name: a branch, `3 branches`. Never cut off. */
  tag?: string | undefined
  last?:
    | {
        at: number
        text: string
        /** First name of the author, for groups. */
        author?: string | undefined
        isMine: boolean
      }
    | undefined
  /** Names of those who are typing there now. */
  typing?: readonly string[] | undefined
  unread: number
  /** Sorts the list, newest first: timeKey of the last line, or of the chat's beginning. */
  timeKey: string
}

export type ListProps = {
  rows: readonly ChatRow[]
  /** The chat that is open. */
  current?: string | undefined
  /** What the list is filtered by. */
  find?: string | undefined
  /** How many chats there are, where only the recent ones are in `rows`. */
  total?: number | undefined
  /** Cursor of the older page that is open beside the list. */
  before?: string | undefined
  /** My own presence as others see it. */
  myPresence: Presence
}

/** The top of the left part: the short navigation, first in reading order. */
export function chatHead(frame: Frame): Html {
  const t = frame.t.common
  return html`<header class="chat-head">
<p class="brand">${brand()}<b>${frame.organisation}</b> <span>${t.branchName(frame.branch)}</span></p>
<nav class="tools" aria-label="${t.mainNavigation}">
${adminTool(frame)}
${tool('/profile', 'settings', t.profile, frame)}
</nav>
</header>`
}

/** Where the admin area begins for somebody: an auditor has the audit log alone. */
function adminTool(frame: Frame): Html {
  const { common, audit } = frame.t
  const rights = frame.me?.rights ?? []
  if (rights.includes('administration')) {
    return tool('/admin/users', 'shield', common.administration, frame)
  }
  return rights.includes('audit') ? tool('/admin/audit', 'shield', audit.title, frame) : html``
}

function tool(href: string, name: 'shield' | 'settings', text: string, reader: Reader): Html {
  return html`<a class="icon-button" href="${href}" title="${text}">${icon(name, reader)}${hiddenWords(text)}</a>`
}

/** My chats with the find field above and the plus below; the main part of the page while no chat is open. */
export function chatList(frame: Frame, list: ListProps): Html {
  const t = frame.t.list
  const parts = html`${findForm(frame, list)}
${list.rows.length === 0 && emptyList(frame, list)}
<div class="rows"><ul id="chat-list">${list.rows.map((row) => chatRow(row, frame, list.current))}</ul>
${allLink(frame, list)}</div>
${ownFoot(frame, list)}`
  if (list.current !== undefined) {
    return html`<section class="chat-list" aria-label="${t.title}">${parts}</section>`
  }
  return html`<main id="main" class="chat-list"><h1 class="hidden">${t.title}</h1>${parts}</main>`
}

/** To the same page with all chats in its list; a script fetches `allRows` instead. */
function allLink(frame: Frame, { total, current, before }: ListProps): Html | undefined {
  if (total === undefined) return undefined
  const all = `${hrefOf(current)}?list=all`
  const href = before === undefined ? all : `${all}&before=${encodeURIComponent(before)}`
  return html`<p id="all-chats" class="all-chats"><a class="button" href="${href}#chat-list" hx-get="${all}" hx-swap="none">${frame.t.list.showAll(total)}</a></p>`
}

/** All rows as an answer of htmx: each comes to its place among those on the page, and the link goes. */
export function allRows(list: ListProps, reader: Reader): Html {
  const rows = html`${list.rows.map((row) => chatRow(row, reader, list.current))}`
  return html`${upsert('#chat-list', rows, 'down')}${removal('#all-chats')}`
}

function hrefOf(current: string | undefined): string {
  return current === undefined ? '/chats' : `/chats/${current}`
}

function findForm(frame: Frame, list: ListProps): Html {
  const t = frame.t.list
  return html`<form class="find" method="get" action="${hrefOf(list.current)}" role="search">
${icon('search', frame)}
<label class="hidden" for="find">${t.find}</label>
<input id="find" type="search" name="find" value="${list.find ?? ''}" placeholder="${t.find}" autocomplete="off" maxlength="100">
<button class="without-script">${t.findButton}</button>
</form>`
}

function emptyList(frame: Frame, list: ListProps): Html {
  const t = frame.t.list
  if (list.find) {
    const more = `/people/add?q=${encodeURIComponent(list.find)}`
    return html`<div class="empty"><p>${t.nothingFound(list.find)}</p>
<p><a href="${more}" hx-get="${more}" hx-target="#overlay">${t.searchEverybody}</a></p>
<p><a href="/chats">${t.clearFind}</a></p></div>`
  }
  return html`<div class="empty empty-list"><h2>${t.empty}</h2><p>${t.emptyText}</p>
<p><a class="button" href="/people/add" hx-get="/people/add" hx-target="#overlay">${icon('user-plus', frame)} ${t.addPerson}</a></p></div>`
}

/** One chat of the list, for the page and for pushes (upsert into `#chat-list`, key `data-seq`, descending). */
export function chatRow(row: ChatRow, reader: Reader, current?: string | undefined): Html {
  const isCurrent = row.id === current
  const face = row.person ? avatar(row.person) : groupAvatar(row, reader)
  return html`<li id="chat-${row.id}" data-seq="${row.timeKey}"><a class="row${row.unread > 0 && ' unread'}" href="/chats/${row.id}"${isCurrent && html` aria-current="page"`}>
${face}<span class="who${!row.person && ' of-group'}"><span class="name"><bdi>${row.person ? called({ ...row.person, name: row.title }, reader.t) : row.title}</bdi></span>${row.tag && html` <span class="tag">${row.tag}</span>`}</span>
${row.person && presence(row.person.id, row.person.presence, reader)}
${row.last ? listTime(row.last.at, reader) : html`<time></time>`}
${rowLast(row, reader)}
${row.unread > 0 && badge(row.unread, reader.t.list.unreadWord(row.unread))}</a></li>`
}

/** The second line of a row: the last message, or who is typing. Pushed by its own id. */
export function rowLast(
  row: Pick<ChatRow, 'id' | 'kind' | 'last' | 'typing'>,
  reader: Pick<Reader, 't'>,
): Html {
  const t = reader.t
  const [typist] = row.typing ?? []
  if (typist !== undefined) {
    const words = row.kind === 'direct' ? t.presence.typing : t.presence.someoneTypes(typist)
    return html`<span id="last-${row.id}" class="last typing">${words}</span>`
  }
  return html`<span id="last-${row.id}" class="last">${lastWords(row, reader)}</span>`
}

function lastWords(row: Pick<ChatRow, 'kind' | 'last'>, reader: Pick<Reader, 't'>): string {
  const t = reader.t.list
  const { last } = row
  if (last === undefined) return t.noMessages
  if (last.isMine) return t.you(last.text)
  if (row.kind === 'direct' || last.author === undefined) return last.text
  return t.by(last.author, last.text)
}

function ownFoot(frame: Frame, list: ListProps): Html {
  const t = frame.t.list
  const { me } = frame
  return html`<footer class="own">
${
  me &&
  html`<a class="own-face" href="/profile">${avatar(me)}<span class="who"><span class="name">${me.name}</span></span>
${presence(me.id, list.myPresence, frame)}</a>`
}
${frame.lockSeconds !== undefined && lockButton(frame, 'icon')}
<a class="icon-button" href="/chats/new-group" hx-get="/chats/new-group" hx-target="#overlay" title="${t.newGroup}">${icon('users', frame)}${hiddenWords(t.newGroup)}</a>
<a class="plus" href="/people/add" hx-get="/people/add" hx-target="#overlay" title="${t.addPerson}">${icon('plus', frame)}${hiddenWords(t.addPerson)}</a>
</footer>`
}
