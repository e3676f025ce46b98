/** On the page of branches: the own certificate, who may issue, and the link key, with a button for each. */
import { html } from 'hono/html'
import type { Frame } from '../layout.ts'
import { confirm, field, formTokenField, type Html } from '../parts.ts'

export type KeysProps = {
  /** Of the own certificate; undefined while there is none. */
  certificateUntil: number | undefined
  /** No issuing branch has renewed it for five days. */
  isLate: boolean
  /** Names of the branches that may issue. */
  issuers: readonly string[]
  /** Whether the viewer may let another branch issue, if the root key is here. */
  mayName: boolean
  hasRoot: boolean
  linkKey: { number: number; since: number } | undefined
  mayChangeLinkKey: boolean
}

type Typed = {
  values?: { issuer?: string | undefined } | undefined
  errors?: { issuer?: string | undefined; confirm?: string | undefined } | undefined
}

/** The section, in cards. */
export function keysSection(frame: Frame, p: KeysProps, typed: Typed): Html {
  const t = frame.t.keys
  const at = (ms: number) => frame.t.moment(ms, frame.now, frame.timeZone)
  const [only] = p.issuers
  return html`<section class="card"><h2>${t.title}</h2><p>${t.text}</p>
${p.isLate && html`<p class="state bad">${t.late}</p>`}
${p.certificateUntil !== undefined && html`<p>${t.own(at(p.certificateUntil))}</p>`}
${p.issuers.length === 1 && only !== undefined ? html`<p><strong>${t.oneIssuer(only)}</strong>${!p.hasRoot && html` ${t.rootElsewhere}`}</p>` : p.issuers.length > 1 && html`<p>${t.issuers(p.issuers.join(', '))}</p>`}
<form method="post" action="/admin/certificates/renew">${formTokenField(frame)}
<p class="actions"><button class="button">${t.renewButton}</button></p>
<p class="hint">${t.newKeyText}</p>
<p class="actions"><button class="button" name="newKey" value="yes">${t.newKeyButton}</button></p></form></section>
${p.mayName && p.hasRoot && issuerForm(frame, typed)}
${p.mayChangeLinkKey && p.linkKey && linkKeyForm(frame, p.linkKey, typed)}`
}

function issuerForm(frame: Frame, { values, errors }: Typed): Html {
  const t = frame.t.keys
  return html`<form class="card" method="post" action="/admin/issuers">${formTokenField(frame)}
<h2>${t.issuer}</h2><p>${t.issuerText}</p>
${field({ name: 'issuer', label: t.issuerBranch, value: values?.issuer, error: errors?.issuer, required: true, maxlength: 80 })}
<p class="actions"><button class="button">${t.issuerButton}</button></p></form>`
}

function linkKeyForm(
  frame: Frame,
  { number, since }: NonNullable<KeysProps['linkKey']>,
  { errors }: Typed,
): Html {
  const t = frame.t.keys
  const form = {
    action: '/admin/link-key',
    text: t.linkKeyText(number, frame.t.moment(since, frame.now, frame.timeZone)),
    label: t.linkKeyConfirm(frame.branch),
    button: t.linkKeyButton,
    error: errors?.confirm,
  }
  return html`<section class="card"><h2>${t.linkKey}</h2>${confirm(form, frame)}</section>`
}
