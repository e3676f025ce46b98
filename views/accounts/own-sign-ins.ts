/** Where one is signed in: browsers, scripts, other branches; each can be ended, and all of them. */
import { html } from 'hono/html'
import type { Frame } from '../layout.ts'
import { formTokenField, type Html, momentTime } from '../parts.ts'

type OwnSignIn = {
  id: string
  kind: 'browser' | 'api'
  /** Browser and system in words, or what the client said. */
  where: string
  /** Of the machine; empty: not known. */
  address: string
  branch: string
  lastUsedAt: number
  isThis: boolean
  isShared: boolean
}

export type OwnSignIns = {
  signIns: readonly OwnSignIn[]
  elsewhere: readonly { branch: string; id: string; until: number | undefined }[]
}

/** The card of the profile. */
export function ownSignIns(frame: Frame, p: OwnSignIns): Html {
  const t = frame.t.profile
  const own = frame.t.ownSignIns
  const browsers = p.signIns.filter(({ kind }) => kind === 'browser')
  const scripts = p.signIns.filter(({ kind }) => kind === 'api')
  return html`<section class="card" id="sign-ins"><h2>${t.signIns}</h2><p class="hint">${t.signInsText}</p>
<ul class="sign-ins">${browsers.map((one) => item(frame, one))}</ul>
${scripts.length > 0 && html`<h3>${own.scripts}</h3><p class="hint">${own.scriptsText}</p><ul class="sign-ins">${scripts.map((one) => item(frame, one))}</ul>`}
${p.elsewhere.length > 0 && elsewhere(frame, p.elsewhere)}
${p.signIns.length > 1 && html`<form method="post" action="/profile/sign-ins/end-others">${formTokenField(frame)}<p><button class="button">${own.endOthers}</button></p></form>`}
<form method="post" action="/profile/sign-ins/end-all">${formTokenField(frame)}<p><button class="button danger">${own.endAll}</button> <span class="hint">${own.endAllText}</span></p></form>
</section>`
}

function item(frame: Frame, s: OwnSignIn): Html {
  const t = frame.t.profile
  const own = frame.t.ownSignIns
  const from = s.address === '' ? '' : own.from(s.address)
  return html`<li><span class="who"><b class="name">${s.where}</b> <span class="tag">${s.isThis ? t.thisOne : s.branch}</span>${s.isShared && html` <span class="tag">${own.shared}</span>`}</span>
<span class="sub">${t.lastUsed} ${momentTime(s.lastUsedAt, frame)} ${from}</span>
${!s.isThis && html`<form method="post" action="/profile/sign-ins/${s.id}/end">${formTokenField(frame)}<button class="button" aria-label="${t.endOf(s.where)}">${t.end}</button></form>`}</li>`
}

function elsewhere(frame: Frame, list: OwnSignIns['elsewhere']): Html {
  const own = frame.t.ownSignIns
  const one = (at: OwnSignIns['elsewhere'][number]) =>
    html`<li><span class="who"><b class="name">${at.branch}</b></span>
<span class="sub">${at.until !== undefined && html`${own.until} ${momentTime(at.until, frame)}`}</span>
<form method="post" action="/profile/sign-ins/at/${at.id}/end">${formTokenField(frame)}<button class="button">${own.endThere}</button></form></li>`
  return html`<h3>${own.elsewhere}</h3><p class="hint">${own.elsewhereText}</p><ul class="sign-ins">${list.map(one)}</ul>`
}
