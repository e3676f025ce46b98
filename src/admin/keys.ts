/** Certificates and keys, on the page of branches: renewing the own one, one more issuing branch, a new link key. */
import { type Context, Hono } from 'hono'
import * as v from 'valibot'
import { type BranchesProps, branchesPage } from '../../views/admin/branches.ts'
import type { KeysProps } from '../../views/admin/keys.ts'
import { problemText } from '../../views/language/words.ts'
import type { SignedIn } from '../accounts/guard.ts'
import { asWeb } from '../accounts/guard.ts'
import type { Person } from '../accounts/queries.ts'
import { hasRight } from '../accounts/rights.ts'
import type { Doer } from '../audit/entries.ts'
import { AppError, invalidInput } from '../base/errors.ts'
import type { Millis } from '../base/units.ts'
import type { RenewalOutcome } from '../relay/renewals.ts'
import { readForm } from '../web/form.ts'
import { type BranchAdminDeps, branchesProps, demandIssuing } from './branches.ts'

/** What is known here of certificates and keys. */
export type KeysState = {
  certificateUntil: Millis | undefined
  isLate: boolean
  issuing: { name: string; notAfter: Millis }[]
  hasRoot: boolean
  linkKey: { number: number; since: Millis } | undefined
}

export type KeyDeps = {
  keysState(): Promise<KeysState>
  /** The branch that was asked, by name. */
  renewCertificate(how: { newKey: boolean; by: Doer }): Promise<NamedOutcome>
  rotateLinkKey(by: Doer): Promise<{ number: number; since: Millis }>
  nameIssuer(name: string, by: Doer): Promise<{ name: string; notAfter: Millis }>
}

/** What came of asking for a certificate, with the branch that was asked by its name. */
export type NamedOutcome =
  | { kind: 'nobody' }
  | (Omit<Extract<RenewalOutcome, { kind: 'renewed' }>, 'by'> & { by: string })
  | { kind: 'refused' | 'no-answer'; by: string }

const text = v.optional(v.pipe(v.string(), v.trim()), '')
const renewalForm = v.object({ newKey: v.optional(v.literal('yes')) })
const issuerForm = v.object({ issuer: text })
const confirmForm = v.object({ confirm: text })

/** What the page shows of keys to somebody. */
export async function keysProps(deps: BranchAdminDeps, person: Person): Promise<KeysProps> {
  const { issuing, ...state } = await deps.keysState()
  return {
    ...state,
    issuers: issuing.map(({ name }) => name),
    mayName: hasRight(person.role, 'organisation'),
    mayChangeLinkKey: await deps.mayIssue(person),
  }
}

/** The routes of these forms; for administrators. */
export function keyAdminRoutes(deps: BranchAdminDeps): Hono<SignedIn> {
  const { guards, frameOf } = deps
  const app = new Hono<SignedIn>()
  for (const path of ['/admin/certificates/renew', '/admin/issuers', '/admin/link-key']) {
    app.use(path, guards.signedIn, guards.admin)
  }
  app.post('/admin/certificates/renew', async (c) => {
    const { newKey } = await readForm(c, renewalForm)
    const outcome = await deps.renewCertificate({ newKey: newKey === 'yes', by: c.var.user })
    if (outcome.kind === 'renewed') return c.redirect('/admin/branches?done=renewed', 303)
    const flash = { kind: 'problem' as const, text: c.var.t.keys.notRenewed[outcome.kind] }
    return c.html(
      branchesPage(frameOf(asWeb(c), { flash }), await branchesProps(c, deps)),
      outcome.kind === 'refused' ? 409 : 503,
    )
  })
  app.post('/admin/issuers', async (c) => {
    const values = await readForm(c, issuerForm)
    return await doneOr(c, deps, { done: 'issuer', values, field: 'issuer' }, () =>
      nameIssuerAs(deps, c.var.user, values.issuer),
    )
  })
  app.post('/admin/link-key', async (c) => {
    const { confirm } = await readForm(c, confirmForm)
    const expected = frameOf(asWeb(c)).branch
    return await doneOr(c, deps, { done: 'link-key', field: 'confirm' }, async () => {
      await demandIssuing(deps, c.var.user, 'change the link key')
      if (confirm !== expected) {
        const message = 'Cannot change the link key: the confirmation is another word'
        throw invalidInput('confirm', message, 'confirm-mismatch', { expected })
      }
      await deps.rotateLinkKey(c.var.user)
    })
  })
  return app
}

/** What was done, in words, for the page that a form leads to. */
export function doneText(c: Context<SignedIn>): string | undefined {
  const { keys } = c.var.t
  const texts: Record<string, string> = {
    renewed: keys.renewed,
    issuer: keys.issuerNamed,
    'link-key': keys.linkKeyChanged,
  }
  const done = c.req.query('done') ?? ''
  return Object.hasOwn(texts, done) ? texts[done] : undefined
}

type Form = {
  done: string
  values?: BranchesProps['values']
  field: 'issuer' | 'confirm'
}

async function doneOr(
  c: Context<SignedIn>,
  deps: BranchAdminDeps,
  { done, values, field }: Form,
  act: () => Promise<unknown>,
): Promise<Response> {
  try {
    await act()
    return c.redirect(`/admin/branches?done=${done}`, 303)
  } catch (error) {
    if (!(error instanceof AppError) || error.field === undefined) throw error
    const errors = { [field]: problemText(c.var.t, error) }
    const props = { ...(await branchesProps(c, deps)), values, errors }
    return c.html(branchesPage(deps.frameOf(asWeb(c)), props), error.status)
  }
}

/** Lets a branch issue in a person's name; throws forbidden without the right, or without the root key. */
export async function nameIssuerAs(
  deps: Pick<BranchAdminDeps, 'nameIssuer'>,
  person: Person,
  name: string,
): Promise<{ name: string; notAfter: Millis }> {
  if (!hasRight(person.role, 'organisation')) {
    throw new AppError('forbidden', 'Cannot let a branch issue: only organisation admins can')
  }
  return await deps.nameIssuer(name, person)
}
