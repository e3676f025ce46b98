/** What the page of an account says of leaving: a wish to be deleted, the form that does it, look-alike logins. */
import { html } from 'hono/html'
import type { Frame } from '../layout.ts'
import { field, formTokenField, type Html, icon } from '../parts.ts'
import { type ReceiptProps, receipts } from './receipts.ts'

export type LeaverProps = {
  receipts: readonly ReceiptProps[]
  /** When the person asked to be deleted. */
  askedAt?: number | undefined
  mayErase: boolean
  eraseError?: string | undefined
  /** Deleted; what became of the messages. */
  erased?: 'keep' | 'erase' | undefined
  /** Logins this one is easily mistaken for, as login@branch. */
  alike: readonly string[]
}

type Subject = { id: string; name: string; login: string; isDisabled: boolean }

/** Above the forms: what an administrator should know first. */
export function leaverNotes(frame: Frame, user: Subject, p: LeaverProps): Html {
  const t = frame.t.leavers
  const asked = p.askedAt === undefined ? undefined : momentOf(frame, p.askedAt)
  return html`${asked !== undefined && html`<p class="banner">${t.askedByPerson(user.name, asked)} <a href="#erase-person">${t.erase}</a></p>`}
${p.alike.length > 0 && html`<p class="banner">${t.alikeTo(p.alike.join(', '))}</p>`}
${p.erased && html`<p class="banner">${t.erasedText} ${p.erased === 'keep' ? t.messagesKept : t.messagesErased}</p>`}`
}

/** Below the forms: receipts, and the most dangerous form last. */
export function leaverParts(frame: Frame, user: Subject, p: LeaverProps): Html {
  return html`${receipts(frame, p.receipts, { isDisabled: user.isDisabled })}
${p.mayErase && eraseForm(frame, user, p.eraseError)}`
}

function eraseForm(frame: Frame, user: Subject, error: string | undefined): Html {
  const t = frame.t.leavers
  const label = t.eraseConfirm(user.login)
  return html`<section class="card" id="erase-person"><h2>${t.erase}</h2>
<form class="danger-zone" method="post" action="/admin/users/${user.id}/erase">${formTokenField(frame)}
<p>${t.eraseText(user.name)}</p><p>${t.eraseLater}</p>
<fieldset><legend>${t.eraseMessages}</legend>
<label class="tick"><input type="radio" name="messages" value="keep" checked> ${t.keepMessages}</label>
<label class="tick"><input type="radio" name="messages" value="erase"> ${t.dropMessages}</label></fieldset>
${field({ name: 'erase', label, error, plain: true, required: true })}
<p class="actions"><button class="button danger">${icon('triangle-alert', frame)} ${t.eraseButton}</button></p></form></section>`
}

function momentOf(frame: Frame, at: number): string {
  return frame.t.moment(at, frame.now, frame.timeZone)
}
