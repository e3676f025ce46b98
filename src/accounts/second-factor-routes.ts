/** The code at sign-in, and the page of one's own second factor. */
import type { Context } from 'hono'
import { Hono } from 'hono'
import * as v from 'valibot'
import {
  codePage,
  type FactorErrors,
  type FactorState,
  factorPage,
  recoveryCodesPage,
} from '../../views/accounts/second-factor.ts'
import { problemText } from '../../views/language/words.ts'
import { AppError } from '../base/errors.ts'
import type { Db } from '../db/open.ts'
import { clearPart, partCookie } from '../web/cookies.ts'
import { readForm } from '../web/form.ts'
import { enter } from './entering.ts'
import { addressOf, asWeb, type SignedIn, type Visitor } from './guard.ts'
import { typed } from './inputs.ts'
import { policyOf } from './policy.ts'
import { qrPath } from './qr.ts'
import type { Person } from './queries.ts'
import type { AccountRouteDeps } from './route-parts.ts'
import { codesLeftOf } from './second-factor.ts'
import { base32, otpauthUri } from './totp.ts'

/** Part of the cookie's name of a sign-in that waits for its code. */
export const HALF = 'code'

const KEY_GROUP = /.{4}(?=.)/g

const codeForm = v.object({ code: typed })
const passwordForm = v.object({ password: typed })
const changeForm = v.object({ password: typed, code: typed, wish: v.picklist(['codes', 'off']) })

/** `/sign-in/code`, after the password. */
export function codeRoutes(deps: AccountRouteDeps): Hono<Visitor> {
  const { signIns, scope, frameOf } = deps
  const app = new Hono<Visitor>()

  app.get('/sign-in/code', (c) => {
    if (partCookie(c, scope, HALF) === undefined) return c.redirect('/sign-in', 303)
    return c.html(codePage(frameOf(asWeb(c)), {}))
  })

  app.post('/sign-in/code', async (c) => {
    const { code } = await readForm(c, codeForm)
    try {
      const half = partCookie(c, scope, HALF) ?? ''
      const known = await signIns.signInWithCode({ half, code })
      clearPart(c, scope, HALF)
      return c.redirect(await enter(c, deps, { known, next: known.next }), 303)
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      // The password has to be typed again: the code came too late, or the account has changed meanwhile.
      if (error.detail === undefined) {
        clearPart(c, scope, HALF)
        throw error
      }
      if (error.retryAfter !== undefined) c.header('Retry-After', String(error.retryAfter))
      const page = codePage(frameOf(asWeb(c)), { error: problemText(c.var.t, error) })
      return c.html(page, error.code === 'not-signed-in' ? 422 : error.status)
    }
  })
  return app
}

/** `/second-factor` and what is under it. */
export function factorRoutes(deps: AccountRouteDeps): Hono<SignedIn> {
  const { guards, signIns, frameOf } = deps
  const app = new Hono<SignedIn>()

  app.get('/second-factor', guards.signedIn, async (c) => {
    const { id, mustSetFactor } = c.var.signIn
    const signer = signIns.signerLeft(id)
    // Who just signed in need not type the password again.
    if (mustSetFactor && signer !== undefined) signIns.factors.begin(id, signer)
    return c.html(await page(c, deps))
  })

  app.post('/second-factor/begin', guards.signedIn, async (c) => {
    try {
      const { password } = await readForm(c, passwordForm)
      const signer = await signIns.provedAgain(c.var.user, password, addressOf(c))
      signIns.factors.begin(c.var.signIn.id, signer)
      return c.redirect('/second-factor', 303)
    } catch (error) {
      return c.html(await page(c, deps, errorsOf(c, error)), 422)
    }
  })

  app.post('/second-factor/confirm', guards.signedIn, async (c) => {
    try {
      const { code } = await readForm(c, codeForm)
      const address = addressOf(c)
      const of = { user: c.var.user.id, signIn: c.var.signIn.id, code, address }
      const codes = await signIns.factors.confirm(of)
      return c.html(recoveryCodesPage(frameOf(asWeb(c)), { codes }))
    } catch (error) {
      return c.html(await page(c, deps, errorsOf(c, error)), 422)
    }
  })

  app.post('/second-factor/change', guards.signedIn, async (c) => {
    try {
      const { wish, ...of } = await readForm(c, changeForm)
      if (wish === 'off' && (await isDemanded(deps.store.read, c.var.user))) throw demanded()
      const proved = await signIns.provedWithCode(c.var.user, { ...of, address: addressOf(c) })
      if (wish === 'off') {
        await signIns.factors.switchOff(proved)
        return c.redirect('/second-factor', 303)
      }
      const codes = await signIns.factors.renewCodes(proved)
      return c.html(recoveryCodesPage(frameOf(asWeb(c)), { codes }))
    } catch (error) {
      return c.html(await page(c, deps, errorsOf(c, error)), 422)
    }
  })
  return app
}

async function page(c: Context<SignedIn>, deps: AccountRouteDeps, errors?: FactorErrors) {
  const state = await stateOf(c, deps)
  const props = { state, isDemanded: await isDemanded(deps.store.read, c.var.user), errors }
  return factorPage(deps.frameOf(asWeb(c)), props)
}

async function stateOf(c: Context<SignedIn>, deps: AccountRouteDeps): Promise<FactorState> {
  const codesLeft = await codesLeftOf(deps.store.read, c.var.user)
  if (codesLeft !== undefined) return { kind: 'on', codesLeft }
  const secret = deps.signIns.factors.begun(c.var.signIn.id)
  if (secret === undefined) return { kind: 'off' }
  const { organisation } = deps.frameOf(asWeb(c))
  const { user, t } = c.var
  const account = `${user.login}@${user.branch.name}`
  const uri = otpauthUri({ issuer: organisation || t.product, account, secret })
  return { kind: 'begun', key: base32(secret).replace(KEY_GROUP, '$& '), qr: qrPath(uri) }
}

async function isDemanded(db: Db, user: Pick<Person, 'role'>): Promise<boolean> {
  return (await policyOf(db)).secondFactorFor.includes(user.role)
}

function demanded(): AppError {
  return new AppError('forbidden', 'Cannot switch it off: the role needs a second factor', {
    field: 'code',
    detail: 'factor-demanded',
  })
}

function errorsOf(c: Context<SignedIn>, error: unknown): FactorErrors {
  if (!(error instanceof AppError) || error.detail === undefined) throw error
  const field = error.field === 'current' ? 'password' : 'code'
  return { [field]: problemText(c.var.t, error) }
}
