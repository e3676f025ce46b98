/** Accounts: the table with its filter, and the form for a new one. */
import { html } from 'hono/html'
import { photoFields } from '../accounts/photo.ts'
import type { Frame } from '../layout.ts'
import {
  avatar,
  type Choice,
  called,
  choiceField,
  type Face,
  field,
  formTokenField,
  type Html,
  icon,
  momentTime,
  pager,
} from '../parts.ts'
import { adminPage } from './shell.ts'

export type Role = 'employee' | 'auditor' | 'branch-admin' | 'organisation-admin'

export type UserRow = Face & {
  login: string
  branch: string
  role: Role
  department?: string | undefined
  isDisabled: boolean
  lastSeenAt?: number | null | undefined
}

type UserFilter = { q: string; branch: string; state: '' | 'active' | 'disabled' }

type UsersProps = {
  users: readonly UserRow[]
  filter: UserFilter
  /** For the filter: id and name. */
  branches: readonly { id: string; name: string }[]
  page: number
  pages: number
}

/** `/admin/users`: the filter is in the address. */
export function usersPage(frame: Frame, p: UsersProps): string {
  const t = frame.t.admin
  const hrefOf = (page: number) =>
    `/admin/users?${new URLSearchParams({ ...p.filter, page: String(page) })}`
  const body = html`<header class="admin-head"><h1>${t.users}</h1>
<p class="actions"><a class="button" href="/admin/users/export.csv?${new URLSearchParams(p.filter)}">${frame.t.import.export}</a>
<a class="button" href="/admin/users/import">${frame.t.import.open}</a>
<a class="button" href="/admin/leavers">${frame.t.leavers.title}</a>
<a class="button primary" href="/admin/users/new">${icon('user-plus', frame)} ${t.newUser}</a></p></header>
${filterForm(frame, p)}
${p.users.length === 0 ? html`<p class="empty-note">${t.noUsers} <a href="/admin/users">${t.clear}</a></p>` : table(frame, p.users)}
${pager({ page: p.page, pages: p.pages, hrefOf }, frame)}`
  return adminPage(frame, { title: t.users, place: 'users', body })
}

function filterForm(frame: Frame, p: UsersProps): Html {
  const t = frame.t.admin
  const states = [
    { value: '', label: t.allStates },
    { value: 'active', label: t.active },
    { value: 'disabled', label: t.disabled },
  ]
  const branches = [
    { value: '', label: t.allBranches },
    ...p.branches.map((b) => ({ value: b.id, label: b.name })),
  ]
  return html`<form class="filter" method="get" action="/admin/users" role="search">
${field({ name: 'q', label: t.filterName, value: p.filter.q, type: 'search', maxlength: 100 })}
${choiceField({ name: 'branch', label: t.filterBranch, value: p.filter.branch, choices: branches })}
${choiceField({ name: 'state', label: t.filterState, value: p.filter.state, choices: states })}
<button class="button">${t.apply}</button>
</form>`
}

function table(frame: Frame, users: readonly UserRow[]): Html {
  const t = frame.t.admin
  return html`<div class="table" tabindex="0" role="region" aria-label="${t.users}"><table>
<thead><tr><th scope="col">${t.name}</th><th scope="col">${t.login}</th><th scope="col">${t.branch}</th><th scope="col">${t.department}</th><th scope="col">${t.role}</th><th scope="col">${t.state}</th><th scope="col">${t.lastSeen}</th></tr></thead>
<tbody>${users.map((u) => userRow(frame, u))}</tbody></table></div>`
}

function userRow(frame: Frame, u: UserRow): Html {
  const t = frame.t.admin
  return html`<tr${u.isDisabled && html` class="disabled"`}><th scope="row"><a class="row-link" href="/admin/users/${u.id}">${avatar(u, 'small')}<span>${called(u, frame.t)}</span></a></th>
<td>${u.login}</td><td>${u.branch}</td><td>${u.department}</td><td>${t.roles[u.role]}</td>
<td><span class="state ${u.isDisabled ? 'off' : 'ok'}">${u.isDisabled ? t.disabled : t.active}</span></td>
<td>${u.lastSeenAt ? momentTime(u.lastSeenAt, frame) : frame.t.presence.never}</td></tr>`
}

type UserFields =
  | 'login'
  | 'firstName'
  | 'lastName'
  | 'post'
  | 'department'
  | 'phone'
  | 'room'
  | 'role'
  | 'password'
  | 'photo'
  | 'removePhoto'

export type UserValues = Partial<Record<UserFields, string>>

type NewUserProps = {
  values?: UserValues | undefined
  errors?: UserValues | undefined
  /** Roles the viewing admin may give. */
  roles: readonly Role[]
}

/** `/admin/users/new`. */
export function newUserPage(frame: Frame, p: NewUserProps): string {
  const t = frame.t.admin
  const values = p.values ?? {}
  const errors = p.errors ?? {}
  const body = html`<p><a class="back-link" href="/admin/users">${icon('arrow-left', frame)} ${t.users}</a></p>
<h1>${t.newUserTitle}</h1><p class="lead">${t.newUserText}</p>
<form class="card" method="post" action="/admin/users" enctype="multipart/form-data">${formTokenField(frame)}
<div class="pair">${field({ name: 'login', label: t.login, hint: t.loginHint, value: values.login, error: errors.login, plain: true, required: true, maxlength: 32, autofocus: true })}
${temporaryPasswordField(frame, errors.password)}</div>
${personFields(frame, { values, errors, roles: p.roles })}
${photoFields(frame, { error: errors.photo, optional: frame.t.common.optional })}
<p class="actions"><button class="button primary">${t.create}</button> <a class="button" href="/admin/users">${frame.t.common.cancel}</a></p>
</form>`
  return adminPage(frame, { title: t.newUserTitle, place: 'users', body })
}

/** Left empty, a password is drawn; what was typed never comes back in a page. */
export function temporaryPasswordField(frame: Frame, error: string | undefined): Html {
  const { temporaryPassword: label, temporaryPasswordHint: hint } = frame.t.admin
  const optional = frame.t.common.optional
  return field({ name: 'password', label, hint, error, optional, plain: true, maxlength: 256 })
}

/** Name, place and role: the same fields for a new account and for changing one. */
export function personFields(
  frame: Frame,
  p: { values: UserValues; errors: UserValues; roles: readonly Role[] },
): Html {
  const t = frame.t.admin
  const optional = frame.t.common.optional
  const ask = (name: 'post' | 'department' | 'phone' | 'room') =>
    field({
      name,
      label: t[name],
      value: p.values[name],
      error: p.errors[name],
      optional,
      maxlength: 60,
      type: name === 'phone' ? 'tel' : 'text',
    })
  const named = (name: 'firstName' | 'lastName') =>
    field({
      name,
      label: t[name],
      value: p.values[name],
      error: p.errors[name],
      required: true,
      maxlength: 60,
    })
  const choices: Choice[] = p.roles.map((role) => ({ value: role, label: t.roles[role] }))
  const role = p.values.role ?? 'employee'
  return html`<div class="pair">${named('firstName')}${named('lastName')}</div>
<div class="pair">${ask('department')}${ask('post')}</div>
<div class="pair">${ask('phone')}${ask('room')}</div>
${choices.length > 1 && choiceField({ name: 'role', label: t.role, value: role, choices, error: p.errors.role })}`
}
