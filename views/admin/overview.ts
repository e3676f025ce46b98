/** The first screen of the admin area: four numbers, and in plain words what needs attention. */
import { html } from 'hono/html'
import type { Frame } from '../layout.ts'
import { type Html, icon } from '../parts.ts'
import { adminPage } from './shell.ts'

export type OverviewProps = {
  people: number
  online: number
  linesUp: number
  lines: number
  waiting: number
  /** Sentences, from the catalogue, each with a place that helps. */
  problems: readonly { text: string; href: string }[]
}

/** `/admin`. */
export function overviewPage(frame: Frame, p: OverviewProps): Html {
  const t = frame.t.admin
  const number = (label: string, value: string) =>
    html`<div class="number"><dt>${label}</dt><dd>${value}</dd></div>`
  const body = html`<header class="admin-head"><h1>${t.overview}</h1></header>
<dl class="numbers">${number(t.overviewPeople, String(p.people))}${number(t.overviewOnline, String(p.online))}${number(t.overviewLines, `${p.linesUp} / ${p.lines}`)}${number(t.overviewWaiting, String(p.waiting))}</dl>
<section class="card"><h2>${t.overviewProblems}</h2>${
    p.problems.length === 0
      ? html`<p class="fine">${icon('circle-check', frame)} ${t.overviewFine}</p>`
      : html`<ul class="problems">${p.problems.map((x) => html`<li>${icon('triangle-alert', frame)} <span>${x.text} <a href="${x.href}">${frame.t.common.open}</a></span></li>`)}</ul>`
  }</section>`
  return adminPage(frame, { title: t.overview, place: 'overview', body, hasOverview: true })
}
