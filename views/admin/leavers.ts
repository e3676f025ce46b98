/** Leavers and guests: who asks to be deleted, whose sign-in here hangs on another branch, whose login looks alike. */
import { html } from 'hono/html'
import type { Frame } from '../layout.ts'
import { called, type Html } from '../parts.ts'
import { adminPage } from './shell.ts'

type Who = { id: string; name: string; login: string; branch: string }

export type LeaversProps = {
  requests: readonly (Who & { at: number })[]
  guests: readonly (Who & {
    /** Undefined: the home branch is linked. */
    silentSince: number | undefined
    endsAt: number
    /** Until when an administrator of the organisation is one here; undefined: he is none. */
    adminUntil: number | undefined
  })[]
  deleted: readonly (Who & { done: number; of: number })[]
  alike: readonly (readonly Who[])[]
}

/** `/admin/leavers`. */
export function leaversPage(frame: Frame, p: LeaversProps): string {
  const t = frame.t.leavers
  const when = (at: number) => frame.t.moment(at, frame.now, frame.timeZone)
  const guest = (g: LeaversProps['guests'][number]) => {
    if (g.silentSince === undefined) return t.homeLinked
    const words = [t.homeNotHeard(when(g.silentSince)), t.signInEnds(when(g.endsAt))]
    if (g.adminUntil !== undefined) {
      words.push(g.adminUntil > frame.now ? t.adminEnds(when(g.adminUntil)) : t.adminEnded)
    }
    return words.join(', ')
  }
  const body = html`<h1>${t.title}</h1>
${part(
  t.requests,
  p.requests.length === 0 ? t.noRequests : '',
  p.requests.map((r) => html`<li>${link(frame, r)} <span class="sub">${when(r.at)}</span></li>`),
)}
${part(
  t.guests,
  p.guests.length === 0 ? t.noGuests : t.guestsText,
  p.guests.map(
    (g) =>
      html`<li>${link(frame, g)} <span class="sub">${t.guestOf(g.branch)}: ${guest(g)}</span></li>`,
  ),
)}
${part(
  t.alike,
  p.alike.length === 0 ? t.noAlike : t.alikeText,
  p.alike.map(
    (group) =>
      html`<li>${group.map((one, i) => html`${i > 0 && ' · '}<a href="/admin/users/${one.id}">${one.login}@${one.branch}</a>`)}</li>`,
  ),
)}
${part(
  t.deleted,
  p.deleted.length === 0 ? t.noDeleted : '',
  p.deleted.map(
    (d) =>
      html`<li>${link(frame, d)} <span class="sub">${d.login}@${d.branch}: ${t.erasedAt(d.done, d.of)}</span></li>`,
  ),
)}`
  return adminPage(frame, { title: t.title, place: 'users', body })
}

function link(frame: Frame, who: Who): Html {
  return html`<a href="/admin/users/${who.id}">${called(who, frame.t)}</a>`
}

function part(title: string, text: string, items: Html[]): Html {
  return html`<section class="card"><h2>${title}</h2>${text !== '' && html`<p class="hint">${text}</p>`}
${items.length > 0 && html`<ul class="plain-list">${items}</ul>`}</section>`
}
