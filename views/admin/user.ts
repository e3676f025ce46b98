/** One account: edit, temporary password, disable and enable. Dangerous things stand apart. */
import { html } from 'hono/html'
import { photoFields } from '../accounts/photo.ts'
import type { Frame } from '../layout.ts'
import { avatar, called, confirm, formTokenField, type Html, icon, momentTime } from '../parts.ts'
import { type LeaverProps, leaverNotes, leaverParts } from './leaver.ts'
import { adminPage } from './shell.ts'
import {
  personFields,
  type Role,
  temporaryPasswordField,
  type UserRow,
  type UserValues,
} from './users.ts'

export type UserProps = {
  user: UserRow & { createdAt?: number | undefined }
  values: UserValues
  errors?: UserValues | undefined
  roles: readonly Role[]
  /** Accounts of other branches are shown and changed there. */
  hasFactor: boolean
  isEditable: boolean
  /** An admin does not disable himself. */
  mayDisable: boolean
  passwordError?: string | undefined
  confirmError?: string | undefined
  /** Shown once, after a temporary password was set. */
  issued?: Issued | undefined
  leaver: LeaverProps
}

export type Issued = { name: string; login: string; password: string; address: string }

/** `/admin/users/:id`. */
export function userPage(frame: Frame, p: UserProps): string {
  const t = frame.t.admin
  const user = { ...p.user, name: called(p.user, frame.t) }
  const { leaver } = p
  const isGone = leaver.erased !== undefined
  const body = html`<p><a class="back-link" href="/admin/users">${icon('arrow-left', frame)} ${t.users}</a></p>
<header class="user-head">${avatar(user, 'large')}<div><h1>${user.name}</h1>
<p><span class="tag">${user.branch}</span> <span>${user.login}</span> <span class="state ${user.isDisabled ? 'off' : 'ok'}">${user.isDisabled ? t.disabled : t.active}</span>
<span class="sub">${t.lastSeen}: ${user.lastSeenAt ? momentTime(user.lastSeenAt, frame) : frame.t.presence.never}</span></p></div></header>
${p.issued && issuedSheet(frame, p.issued)}
${leaverNotes(frame, user, leaver)}
${p.isEditable ? forms(frame, p) : !isGone && html`<p class="banner">${t.elsewhere(user.branch)}</p>`}
${p.mayDisable && standing(frame, p)}
${leaverParts(frame, user, leaver)}`
  return adminPage(frame, { title: user.name, place: 'users', body })
}

function forms(frame: Frame, p: UserProps): Html {
  const t = frame.t.admin
  const base = `/admin/users/${p.user.id}`
  const errors = p.errors ?? {}
  const photo = {
    isRemovable: Boolean(p.user.photo),
    isRemoved: p.values.removePhoto !== undefined,
    error: errors.photo,
    optional: frame.t.common.optional,
  }
  return html`<form class="card" method="post" action="${base}" enctype="multipart/form-data">${formTokenField(frame)}
${personFields(frame, { values: p.values, errors, roles: p.roles })}
${photoFields(frame, photo)}
<p class="actions"><button class="button primary">${t.save}</button></p></form>
<form class="card" method="post" action="${base}/password">${formTokenField(frame)}
<h2>${t.resetPassword}</h2><p>${t.resetPasswordText}${p.hasFactor && html` ${frame.t.factor.resetEnds}`}</p>
${temporaryPasswordField(frame, p.passwordError)}
<p class="actions"><button class="button">${icon('key-round', frame)} ${t.resetButton}</button></p></form>
${p.hasFactor && factorForm(frame, base)}`
}

function factorForm(frame: Frame, base: string): Html {
  const t = frame.t.factor
  return html`<form class="card" method="post" action="${base}/second-factor/remove">${formTokenField(frame)}
<h2>${t.title}</h2><p>${t.adminOn}</p><p>${t.adminText}</p>
<p class="actions"><button class="button danger">${t.adminButton}</button></p></form>`
}

function standing(frame: Frame, p: UserProps): Html {
  const t = frame.t.admin
  const { user } = p
  const base = `/admin/users/${user.id}`
  if (user.isDisabled) {
    return html`<form class="card" method="post" action="${base}/enable">${formTokenField(frame)}
<h2>${t.enable}</h2><p>${t.enableText(user.name)}</p>
<p class="actions"><button class="button">${t.enableButton}</button></p></form>`
  }
  return html`<section class="card"><h2>${t.disable}</h2>${confirm(
    {
      action: `${base}/disable`,
      text: t.disableText(user.name),
      label: t.disableConfirm(user.login),
      button: t.disableButton,
      error: p.confirmError,
    },
    frame,
  )}</section>`
}

/** Login and temporary password to hand over; prints alone on a sheet. */
function issuedSheet(frame: Frame, i: Issued): Html {
  const t = frame.t.admin
  return html`<section class="card issued"><h2>${t.issuedTitle}</h2><p>${t.issuedText}</p>
<dl class="facts-list"><dt>${t.name}</dt><dd>${i.name}</dd><dt>${t.address}</dt><dd>${i.address}</dd><dt>${t.login}</dt><dd><code>${i.login}</code></dd><dt>${t.temporaryPassword}</dt><dd><code>${i.password}</code></dd></dl>
<p class="actions" data-print data-label="${t.print}"></p></section>`
}
