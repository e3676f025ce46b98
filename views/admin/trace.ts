/** Where an event is, by its id: a form, and the way as a list. */
import { html } from 'hono/html'
import { stepWords } from '../chat/delivery.ts'
import type { Frame } from '../layout.ts'
import { field, type Html, momentTime } from '../parts.ts'
import { adminPage } from './shell.ts'

type Way = { to: string } & (
  | { state: 'stored'; at: number; via: string | undefined }
  | { state: 'waiting'; ahead: number; carriers: readonly string[]; downSince: number | undefined }
  | { state: 'refused'; at: number; reason: string }
)

export type TraceProps = {
  /** What was asked for, as it was typed. */
  id?: string
  problem?: 'no-id' | 'unknown'
  found?: {
    event: string
    kind: string
    origin: string
    writtenAt: number
    arrivedAt: number
    isOwn: boolean
    state: 'applied' | 'parked' | 'refused' | 'erased'
    reason: string | undefined
    broughtBy: string | undefined
    ways: readonly Way[]
  }
}

/** `/admin/trace`. */
export function tracePage(frame: Frame, p: TraceProps): string {
  const t = frame.t.network
  const errors = { 'no-id': t.traceNoId, unknown: t.traceUnknown }
  const error = p.problem && errors[p.problem]
  const body = html`<header class="admin-head"><h1>${t.trace}</h1></header>
<p class="lead">${t.traceText}</p>
<form class="card" method="get" action="/admin/trace">
${field({ name: 'id', label: t.traceId, value: p.id, error, hint: t.traceIdHint, required: true, maxlength: 300 })}
<p class="actions"><button class="button primary">${t.traceButton}</button></p></form>
${p.found && result(frame, p.found)}`
  return adminPage(frame, { title: t.trace, place: 'trace', body })
}

function result(frame: Frame, found: NonNullable<TraceProps['found']>): Html {
  const t = frame.t.network
  const moment = (at: number) => momentTime(at, frame)
  return html`<section class="card" aria-labelledby="trace-title"><h2 id="trace-title">${t.traceKind(found.kind, found.origin)}</h2>
<ol class="steps">
<li class="step done">${t.traceWritten(found.origin)} ${moment(found.writtenAt)}</li>
${!found.isOwn && html`<li class="step done">${found.broughtBy ? t.traceCameBy(found.broughtBy) : t.traceCame} ${moment(found.arrivedAt)}</li>`}
${found.state !== 'applied' && html`<li class="step ${found.state === 'refused' ? 'bad' : 'open'}">${t.traceStates[found.state]}${found.reason && ` (${found.reason})`}</li>`}
${found.ways.map((way) => wayStep(frame, way))}
</ol>
${!found.isOwn && html`<p class="hint">${t.traceElsewhere(found.origin)}</p>`}
${found.isOwn && found.ways.length === 0 && html`<p class="hint">${t.traceHere}</p>`}</section>`
}

function wayStep(frame: Frame, { to: branch, ...way }: Way): Html {
  if (way.state === 'waiting') {
    const { downSince: linkDownSince, carriers, ahead } = way
    const step = { kind: 'waiting', branch, linkDownSince, carriers, ahead } as const
    return html`<li class="step open">${stepWords(step, frame)}</li>`
  }
  const { state: kind, ...rest } = way
  const tone = kind === 'stored' ? 'done' : 'bad'
  const words = stepWords({ kind, branch, ...rest }, frame)
  return html`<li class="step ${tone}">${words} ${momentTime(way.at, frame)}</li>`
}
