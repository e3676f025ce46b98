/**
 * The pages of accounts: list, new, one person. What an admin may do with whom is decided by accounts/rights.ts in the
 * actions; here it only decides what is shown.
 */
import type { Context } from 'hono'
import { Hono } from 'hono'
import * as v from 'valibot'
import { type Issued, type UserProps, userPage } from '../../views/admin/user.ts'
import { newUserPage, type UserRow, type UserValues, usersPage } from '../../views/admin/users.ts'
import { problemText, type Words } from '../../views/language/words.ts'
import type { Account, AccountFilter } from '../accounts/accounts-list.ts'
import { accountsPage, getAccount } from '../accounts/accounts-list.ts'
import {
  disableUser,
  editUser,
  enableUser,
  removeSecondFactor,
  setTemporaryPassword,
} from '../accounts/actions.ts'
import { type AccountDeps, hereOf, subjectOf } from '../accounts/authority.ts'
import { askedAt, eraseUser } from '../accounts/erase-actions.ts'
import { messagesOf } from '../accounts/erasing.ts'
import { asWeb, type Guards, type SignedIn } from '../accounts/guard.ts'
import * as inputs from '../accounts/inputs.ts'
import { alikeTo } from '../accounts/login-rows.ts'
import { createUser } from '../accounts/new-person.ts'
import { type MakePhoto, UPLOAD_BYTES_MAX } from '../accounts/photos.ts'
import { type Rights, rolesForNew } from '../accounts/rights.ts'
import { photoError, photoIn } from '../accounts/route-parts.ts'
import { codesLeftOf } from '../accounts/second-factor.ts'
import { AppError } from '../base/errors.ts'
import { asBranchId, asUserId, isId, type UserId } from '../base/ids.ts'
import { isSecure } from '../web/env.ts'
import { checked, InvalidForm, readForm, readQuery, type Typed, ticked } from '../web/form.ts'
import type { FrameOf } from '../web/frame.ts'
import { FileTooLarge, formParts, type Parts } from '../web/multipart.ts'
import { type LineTo, receiptsOf } from './receipts.ts'

export type UserAdminDeps = AccountDeps & {
  guards: Guards
  frameOf: FrameOf
  makePhoto: MakePhoto
  lineTo: LineTo
}

const eraseForm = v.object({
  erase: inputs.typed,
  messages: v.fallback(v.picklist(['keep', 'erase']), 'keep'),
})
const PAGE_MAX = 100_000

const filterQuery = v.object({
  q: v.optional(inputs.typed, ''),
  branch: v.optional(inputs.typed, ''),
  state: v.fallback(v.picklist(['', 'active', 'disabled']), ''),
})
const listQuery = v.object({
  ...filterQuery.entries,
  page: v.fallback(v.pipe(v.string(), v.regex(/^\d{1,6}$/), v.transform(Number)), 1),
})
const recordForm = v.object({
  firstName: inputs.firstName,
  lastName: inputs.lastName,
  department: inputs.department,
  post: inputs.post,
  phone: inputs.phone,
  room: inputs.room,
  role: v.optional(inputs.role),
})
/** Left empty: one is drawn. */
const temporaryPassword = v.pipe(
  v.optional(inputs.typed, ''),
  v.transform((text) => (text === '' ? undefined : text)),
)
const newForm = v.object({
  ...recordForm.entries,
  login: inputs.required,
  password: temporaryPassword,
})
const changesForm = v.object({ ...recordForm.entries, removePhoto: ticked })

/** `/admin/users` and what is under it; for admins of this branch. */
export function userAdminRoutes(deps: UserAdminDeps): Hono<SignedIn> {
  const { guards } = deps
  const app = new Hono<SignedIn>()
  app.use('/admin/users', guards.signedIn, guards.admin)
  app.use('/admin/users/*', guards.signedIn, guards.admin)
  app.get('/admin/users', (c) => list(c, deps))
  app.get('/admin/users/new', (c) => newPage(c, deps))
  app.post('/admin/users', (c) => create(c, deps))
  app.get('/admin/users/:id', (c) => onePage(c, deps, { id: asUserId(c.req.param('id')) }))
  changeRoutes(app, deps)
  return app
}

function changeRoutes(app: Hono<SignedIn>, deps: UserAdminDeps): void {
  app.post('/admin/users/:id', async (c) => {
    const id = asUserId(c.req.param('id'))
    const form = await sentForm(c)
    try {
      const { removePhoto, ...record } = checked(changesForm, form.fields)
      const made = await form.photo(deps.makePhoto)
      const photo = made ?? (removePhoto ? ('none' as const) : undefined)
      await editUser(deps, c.var.user, { id, changes: { ...record, photo } })
      return c.redirect(`/admin/users/${id}?saved=yes`, 303)
    } catch (error) {
      const errors = form.errors(error, c.var.t)
      return onePage(c, deps, { id, values: textsOf(form.fields), errors })
    }
  })

  app.post('/admin/users/:id/password', async (c) => {
    const id = asUserId(c.req.param('id'))
    try {
      const { password } = await readForm(c, v.object({ password: temporaryPassword }))
      const issued = await setTemporaryPassword(deps, c.var.user, { id, password })
      return onePage(c, deps, { id, issuedPassword: issued.password })
    } catch (error) {
      return onePage(c, deps, { id, passwordError: sentences(error, c.var.t).password })
    }
  })

  app.post('/admin/users/:id/second-factor/remove', async (c) => {
    const id = asUserId(c.req.param('id'))
    await removeSecondFactor(deps, c.var.user, id)
    return c.redirect(`/admin/users/${id}?saved=factor`, 303)
  })

  app.post('/admin/users/:id/disable', async (c) => {
    const id = asUserId(c.req.param('id'))
    try {
      const { confirm } = await readForm(c, v.object({ confirm: inputs.typed }))
      await checkConfirmed(deps, id, { confirm })
      await disableUser(deps, c.var.user, id)
      return c.redirect(`/admin/users/${id}`, 303)
    } catch (error) {
      return onePage(c, deps, { id, confirmError: sentences(error, c.var.t).confirm })
    }
  })

  app.post('/admin/users/:id/erase', async (c) => {
    const id = asUserId(c.req.param('id'))
    try {
      const { erase, messages } = await readForm(c, eraseForm)
      await checkConfirmed(deps, id, { erase })
      await eraseUser(deps, c.var.user, { id, messages })
      return c.redirect(`/admin/users/${id}`, 303)
    } catch (error) {
      const { erase, confirm } = sentences(error, c.var.t)
      return onePage(c, deps, { id, eraseError: erase ?? confirm })
    }
  })

  app.post('/admin/users/:id/enable', async (c) => {
    const id = asUserId(c.req.param('id'))
    await enableUser(deps, c.var.user, id)
    return c.redirect(`/admin/users/${id}`, 303)
  })
}

async function list(c: Context<SignedIn>, { store, frameOf }: UserAdminDeps) {
  const { q, branch, state, page } = readQuery(c, listQuery)
  const filter = { ...filterOf(c), page: Math.min(Math.max(1, page), PAGE_MAX) }
  const { accounts, pages } = await accountsPage(store.read, filter)
  const branches = await store.read
    .selectFrom('branch')
    .select(['id', 'name'])
    .orderBy('name')
    .execute()
  const props = {
    users: accounts.map(rowOf),
    filter: { q, branch, state },
    branches,
    page: filter.page,
    pages,
  }
  return c.html(usersPage(frameOf(asWeb(c)), props))
}

/** The filter in the address of the list, and of what is exported of it. */
export function filterOf(c: Context<SignedIn>): Omit<AccountFilter, 'page'> {
  const { q, branch, state } = readQuery(c, filterQuery)
  return { text: q.trim(), state, branch: isId(branch) ? asBranchId(branch) : undefined }
}

async function newPage(
  c: Context<SignedIn>,
  deps: UserAdminDeps,
  more: { values?: UserValues; errors?: UserValues } = {},
) {
  const roles = rolesForNew(c.var.user, await hereOf(deps.store.read, deps.self))
  const page = newUserPage(deps.frameOf(asWeb(c)), { ...more, roles })
  return c.html(page, more.errors === undefined ? 200 : 422)
}

async function create(c: Context<SignedIn>, deps: UserAdminDeps) {
  const form = await sentForm(c)
  try {
    const record = checked(newForm, form.fields)
    const person = { ...record, photo: await form.photo(deps.makePhoto), temporary: true }
    const { id, password } = await createUser(deps, c.var.user, person)
    return await onePage(c, deps, { id, issuedPassword: password })
  } catch (error) {
    const errors = form.errors(error, c.var.t)
    return newPage(c, deps, { values: textsOf(form.fields), errors })
  }
}

/** A form with a photo as it came; a photo that is too large fails like one that cannot be read, and later. */
async function sentForm(c: Context<SignedIn>) {
  let refused: FileTooLarge | undefined
  const { fields, files }: Parts = await formParts(c, { fileBytesMax: UPLOAD_BYTES_MAX }).catch(
    (error: unknown) => {
      if (!(error instanceof FileTooLarge)) throw error
      refused = error
      return { fields: error.typed, files: [] }
    },
  )
  return {
    fields,
    photo: async (makePhoto: MakePhoto) => {
      if (refused !== undefined) throw refused
      return photoIn(files, makePhoto)
    },
    errors(error: unknown, t: Words): Record<string, string> {
      const others = photoError(error, t) === undefined ? sentences(error, t) : {}
      // A page cannot give a file back to the browser: whoever chose one must know that it is gone.
      const again = files.length > 0 ? t.admin.photoAgain : undefined
      const photo = photoError(refused ?? error, t) ?? again
      return photo === undefined ? others : { ...others, photo }
    },
  }
}

type OnePage = {
  id: UserId
  values?: UserValues
  errors?: UserValues
  passwordError?: string | undefined
  confirmError?: string | undefined
  eraseError?: string | undefined
  issuedPassword?: string
}

async function onePage(c: Context<SignedIn>, deps: UserAdminDeps, of: OnePage) {
  const { store, self, frameOf } = deps
  const { rights } = await subjectOf(store.read, self, c.var.user, of.id)
  const account = await getAccount(store.read, of.id)
  const { login, role, firstName, lastName, post, department, phone, room } = account
  const props: UserProps = {
    user: { ...rowOf(account), createdAt: account.createdAt },
    values: of.values ?? { login, role, firstName, lastName, post, department, phone, room },
    errors: of.errors,
    roles: rights.roles,
    isEditable: rights.mayEdit,
    hasFactor: (await codesLeftOf(store.read, account)) !== undefined,
    mayDisable: rights.mayBlock && account.id !== c.var.user.id,
    leaver: await leaverProps(c, deps, { account, rights, eraseError: of.eraseError }),
    passwordError: of.passwordError,
    confirmError: of.confirmError,
    issued: of.issuedPassword === undefined ? undefined : issuedOf(c, account, of.issuedPassword),
  }
  const saved = c.req.method === 'GET' ? c.req.query('saved') : undefined
  const text = saved === 'factor' ? c.var.t.factor.adminRemoved : c.var.t.admin.saved
  const more = saved === undefined ? {} : { flash: { kind: 'ok' as const, text } }
  const wrong = of.errors ?? of.passwordError ?? of.confirmError ?? of.eraseError
  return c.html(userPage(frameOf(asWeb(c), more), props), wrong === undefined ? 200 : 422)
}

async function leaverProps(
  c: Context<SignedIn>,
  { store, self, lineTo }: UserAdminDeps,
  of: { account: Account; rights: Rights; eraseError: string | undefined },
): Promise<UserProps['leaver']> {
  const { account, rights, eraseError } = of
  const { id, login } = account
  const alike = await alikeTo(store.read, login)
  return {
    receipts: await receiptsOf({ read: store.read, self, lineTo }, id),
    askedAt: await askedAt(store.read, id),
    mayErase: rights.mayErase && id !== c.var.user.id,
    eraseError,
    erased: await messagesOf(store.read, id),
    alike: alike.map((other) => `${other.login}@${other.branch}`),
  }
}

function issuedOf(c: Context<SignedIn>, account: Account, password: string): Issued {
  return { name: account.name, login: account.login, password, address: serverAddress(c) }
}

/** Where people reach this branch: as whoever asks does. */
export function serverAddress(c: Context<SignedIn>): string {
  return `${isSecure(c) ? 'https' : 'http'}://${c.req.header('host') ?? 'localhost'}/`
}

function rowOf(account: Account): UserRow {
  const { id, name, photo, login, branch, role, department, disabled, lastSeenAt } = account
  const row = { id, name, photo, login, branch: branch.name, role, department, lastSeenAt }
  return { ...row, isDisabled: disabled }
}

async function checkConfirmed(
  deps: UserAdminDeps,
  id: UserId,
  typed: Record<string, string>,
): Promise<void> {
  const { login } = await getAccount(deps.store.read, id)
  const [[field, text] = ['', '']] = Object.entries(typed)
  if (text.trim().toLowerCase() === login) return
  throw new AppError('invalid-input', 'Cannot do this: the login typed is another', {
    field,
    detail: 'confirm-mismatch',
    values: { expected: login },
  })
}

/** The sentences at the fields of a form; throws what no field can say. */
function sentences(error: unknown, t: Words): Record<string, string> {
  if (error instanceof InvalidForm) {
    const pairs = error.problems.map(({ field, detail, values }) => [
      field,
      problemText(t, { code: 'invalid-input', detail, values }),
    ])
    return Object.fromEntries(pairs)
  }
  if (!(error instanceof AppError) || error.field === undefined) throw error
  return { [error.field]: problemText(t, error) }
}

/** What was typed, to show it again; never a password. */
function textsOf(fields: Typed): UserValues {
  const texts = Object.entries(fields).filter(
    ([name, value]) => typeof value === 'string' && name !== 'password' && name !== 'formToken',
  )
  return Object.fromEntries(texts)
}
