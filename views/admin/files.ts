/** Files of the branch: room and whose it is, rules, the scanner, what stays closed, and what was taken away. */
import { html } from 'hono/html'
import { refusedType } from '../language/refused-type.ts'
import { byteWords } from '../language/times.ts'
import type { Frame } from '../layout.ts'
import { field, formTokenField, type Html, momentTime } from '../parts.ts'
import { adminPage } from './shell.ts'

type Stored = { files: number; bytes: number }

type FilesProps = {
  stored: Record<'here' | 'partial' | 'elsewhere', Stored>
  free: number
  /** Files of other branches that wait for room on the disk. */
  waitingForRoom: number
  people: readonly { user: string; name: string; files: number; bytes: number }[]
  limits: readonly { branch: string; sizeMax: number }[]
  scanner: { isAsked: boolean; waiting: number; awaySince: number | undefined }
  closed: readonly {
    blob: string
    file: string | undefined
    name: string
    size: number
    verdict: 'infected' | 'failed'
    threat: string
    at: number
  }[]
  removals: readonly {
    file: string
    by: string
    at: number
    places: readonly { branch: string; at: number | undefined }[]
  }[]
  /** What stands in the fields of the rules. */
  typed: { refused: string; days: string }
  errors?: { refused?: string; days?: string }
  mayChange: boolean
  mayRemove: boolean
}

/** The page. */
export function filesPage(frame: Frame, p: FilesProps): string {
  const t = frame.t.fileAdmin
  const body = html`<h1>${t.title}</h1>
${room(frame, p)}
${scanner(frame, p)}
${p.closed.length > 0 && closed(frame, p)}
${rules(frame, p)}
${removed(frame, p)}`
  return adminPage(frame, { title: t.title, place: 'files', body })
}

function room(frame: Frame, p: FilesProps): Html {
  const t = frame.t.fileAdmin
  const size = (bytes: number) => byteWords(bytes, frame.t.language)
  const states = (['here', 'partial', 'elsewhere'] as const).map(
    (state) =>
      html`<li>${t.stored[state](p.stored[state].files)}: ${size(p.stored[state].bytes)}</li>`,
  )
  return html`<section class="card"><h2>${t.room}</h2>${p.waitingForRoom > 0 && html`<p><span class="state bad">${t.full(p.waitingForRoom)}</span> ${t.fullText}</p>`}
<ul>${states}<li>${t.free}: ${size(p.free)}</li></ul>
<h3>${t.limits}</h3><ul>${p.limits.map((l) => html`<li><b>${l.branch}</b>: ${size(l.sizeMax)}</li>`)}</ul>
${p.people.length > 0 && html`<h3>${t.people}</h3><ol>${p.people.map((one) => html`<li><a href="/admin/users/${one.user}"><bdi>${one.name}</bdi></a>: ${size(one.bytes)} <span class="sub">${t.files(one.files)}</span></li>`)}</ol>`}
</section>`
}

function scanner(frame: Frame, { scanner: s }: FilesProps): Html {
  const t = frame.t.fileAdmin
  const state = () => {
    if (!s.isAsked) return html`<p>${t.noScanner}</p>`
    if (s.awaySince === undefined)
      return html`<p><span class="state ok">${t.scannerWorks}</span></p>`
    return html`<p><span class="state bad">${t.scannerAway}</span> ${momentTime(s.awaySince, frame)}</p>`
  }
  return html`<section class="card"><h2>${t.scanner}</h2>${state()}
${s.isAsked && html`<p>${t.waiting(s.waiting)}</p>`}</section>`
}

function closed(frame: Frame, p: FilesProps): Html {
  const t = frame.t.fileAdmin
  const button = (action: string, word: string) =>
    html`<form method="post" action="${action}">${formTokenField(frame)}<button class="button">${word}</button></form>`
  const row = (f: FilesProps['closed'][number]) => html`<tr>
<td><bdi>${f.name === '' ? f.blob : f.name}</bdi> <span class="sub">${byteWords(f.size, frame.t.language)}</span></td>
<td>${f.verdict === 'infected' ? t.infected : t.failed} <code>${f.threat}</code></td>
<td>${momentTime(f.at, frame)}</td>
<td>${button(`/admin/files/${f.blob}/scan`, t.scanAgain)}${p.mayRemove && f.file !== undefined && button(`/admin/files/${f.file}/remove`, t.remove)}</td></tr>`
  return html`<section class="card wide" aria-labelledby="closed-title"><h2 id="closed-title">${t.closed}</h2><p>${t.closedText}</p>
<div class="table" tabindex="0" role="region" aria-labelledby="closed-title"><table><thead><tr><th scope="col">${t.file}</th><th scope="col">${t.why}</th><th scope="col">${t.when}</th><th scope="col">${t.actions}</th></tr></thead>
<tbody>${p.closed.map(row)}</tbody></table></div></section>`
}

function rules(frame: Frame, p: FilesProps): Html {
  const t = frame.t.fileAdmin
  if (!p.mayChange) {
    const { refused, days } = p.typed
    return html`<section class="card"><h2>${t.rules}</h2>
<p>${t.refused}: ${refused === '' ? t.nothing : typesIn(refused, frame)}</p><p>${t.keptFor(Number(days))}</p>
<p class="hint">${frame.t.rules.only}</p></section>`
  }
  return html`<form class="card" method="post" action="/admin/files/rules">${formTokenField(frame)}
<h2>${t.rules}</h2><p>${frame.t.rules.text}</p>
${field({ name: 'refused', label: t.refused, value: p.typed.refused, hint: t.refusedHint, error: p.errors?.refused })}
${field({ name: 'days', label: t.days, value: p.typed.days, hint: t.daysHint, error: p.errors?.days })}
<p class="actions"><button class="button primary">${frame.t.rules.save}</button></p></form>`
}

/** The rules as they stand in the field, for people who only read them. */
function typesIn(refused: string, { t }: Frame): string {
  return refused
    .split(', ')
    .map((rule) => refusedType(rule, t.uploads.kinds))
    .join(', ')
}

function removed(frame: Frame, p: FilesProps): Html {
  const t = frame.t.fileAdmin
  if (p.removals.length === 0) return html``
  const one = (r: FilesProps['removals'][number]) => {
    const done = r.places.filter(({ at }) => at !== undefined).length
    const places = r.places.map(
      ({ branch, at }) =>
        html`<li><b>${branch}</b>: ${at === undefined ? html`<span class="state">${t.notYet}</span>` : momentTime(at, frame)}</li>`,
    )
    return html`<div class="receipt"><h3>${t.goneAt(done, r.places.length)}</h3>
<p class="sub">${t.removedBy(r.by)}, ${momentTime(r.at, frame)} · <code>${r.file}</code></p><ul>${places}</ul></div>`
  }
  return html`<section class="card receipts"><h2>${t.removals}</h2><p class="hint">${t.removalsText}</p>
${p.removals.map(one)}</section>`
}
