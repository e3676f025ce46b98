/** Receipts on the page of an account: at how many branches an act holds, and what each of the others waits for. */
import { html } from 'hono/html'
import type { Frame } from '../layout.ts'
import { type Html, momentTime } from '../parts.ts'

type Place = { branch: string } & (
  | { state: 'done'; at: number }
  | { state: 'waiting'; downSince: number | undefined }
  | { state: 'working' }
  | { state: 'refused'; reason: string }
)

export type ReceiptProps = {
  act: 'block' | 'role' | 'password' | 'erase'
  at: number
  by: string | undefined
  origin: string
  isWhole: boolean
  places: readonly Place[]
}

/** One section for all acts; nothing when there were none. */
export function receipts(
  frame: Frame,
  list: readonly ReceiptProps[],
  { isDisabled }: { isDisabled: boolean },
): Html {
  if (list.length === 0) return html``
  const t = frame.t.leavers
  return html`<section class="card receipts" id="receipts"><h2>${t.receipts}</h2>
${list.map((one) => receipt(frame, one, isDisabled))}
<p class="hint">${t.receiptsHint}</p></section>`
}

function receipt(frame: Frame, r: ReceiptProps, isDisabled: boolean): Html {
  const t = frame.t.leavers
  const act = r.act === 'block' ? (isDisabled ? 'disabled' : 'enabled') : r.act
  const done = r.places.filter(({ state }) => state === 'done').length
  const title = r.isWhole ? t.holdsAt[act](done, r.places.length) : t.holdsHere[act](r.origin)
  const facts = html`<span class="sub">${t.doneBy(r.by, r.origin)}, ${momentTime(r.at, frame)}</span>`
  return html`<div class="receipt"><h3>${title}</h3><p>${facts}</p>
<ul>${r.places.map((place) => html`<li><b>${place.branch}</b>: ${placeWords(frame, place)}</li>`)}</ul></div>`
}

function placeWords(frame: Frame, p: Place): Html {
  const t = frame.t.leavers
  if (p.state === 'done')
    return html`<span class="state ok">${t.since}</span> ${momentTime(p.at, frame)}`
  if (p.state === 'working') return html`<span class="state">${t.working}</span>`
  if (p.state === 'refused') {
    return html`<span class="state off">${t.refused}</span> <code>${p.reason}</code>`
  }
  if (p.downSince === undefined) return html`<span class="state">${t.onTheWay}</span>`
  return html`<span class="state off">${t.notReachable}</span> ${momentTime(p.downSince, frame)}`
}
