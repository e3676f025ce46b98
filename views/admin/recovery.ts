/** Copies, and what came back after the database was put back or lost: parts of the page of branches. */
import { html } from 'hono/html'
import type { Frame } from '../layout.ts'
import { formTokenField, type Html } from '../parts.ts'

export type RecoveryProps = {
  kind: 'restored' | 'rebuilt' | 'rolled-back'
  at: number
  /** When the copy was made. */
  copyAt?: number | undefined
  cameBack: number
  notHeard: readonly string[]
}

/** The section, with a button that takes it away. */
export function recoverySection(frame: Frame, p: RecoveryProps): Html {
  const t = frame.t.recovery
  const rest = p.notHeard
  return html`<section class="card" id="recovery"><h2>${t.titles[p.kind]}</h2>
<p>${what(frame, p)} ${t.cameBack(p.cameBack)}</p>
${rest.length === 0 ? html`<p>${t.allHeard}</p>` : html`<p>${t.notHeard}</p><ul>${rest.map((name) => html`<li>${name}</li>`)}</ul>`}
<h3>${t.lost}</h3><ul><li>${t.lostLocal[p.kind]}</li><li>${t.lostUnsent}</li><li>${t.lostSignIns}</li></ul>
<form method="post" action="/admin/recovery/read">${formTokenField(frame)}<p class="actions"><button class="button">${t.read}</button></p></form></section>`
}

/** When the newest copy was made that may still be put back. */
export function backupSection(frame: Frame, madeAt: number | undefined): Html {
  const t = frame.t.recovery
  const at = madeAt !== undefined && frame.t.moment(madeAt, frame.now, frame.timeZone)
  return html`<section class="card" id="backup"><h2>${t.backup}</h2><p>${at ? t.lastBackup(at) : t.noBackup}</p></section>`
}

function what(frame: Frame, { kind, at, copyAt }: RecoveryProps): string {
  const t = frame.t.recovery
  const moment = (ms: number) => frame.t.moment(ms, frame.now, frame.timeZone)
  return kind === 'restored' ? t.restored(moment(copyAt ?? at), moment(at)) : t[kind](moment(at))
}
