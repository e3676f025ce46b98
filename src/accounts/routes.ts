/** Signing in and out, the forced change of a temporary password, photos. The profile is in profile-routes.ts. */
import type { Context } from 'hono'
import { Hono } from 'hono'
import * as v from 'valibot'
import { passwordPage } from '../../views/accounts/password.ts'
import { signInPage } from '../../views/accounts/sign-in.ts'
import { problemText } from '../../views/language/words.ts'
import { AppError, notFound } from '../base/errors.ts'
import { asPhotoHash } from '../base/ids.ts'
import { clearSignInCookie, setPart, setSignInCookie } from '../web/cookies.ts'
import { isSecure } from '../web/env.ts'
import { nextPath } from '../web/errors.ts'
import { readForm, readQuery, ticked } from '../web/form.ts'
import { deviceOf } from './device.ts'
import { enter } from './entering.ts'
import { addressOf, asWeb, type SignedIn, type Visitor } from './guard.ts'
import { required, typed } from './inputs.ts'
import { changePassword } from './own.ts'
import { ownSignInRoutes } from './own-sign-in-routes.ts'
import { profileRoutes } from './profile-routes.ts'
import { findPhoto } from './queries.ts'
import { type AccountRouteDeps, COOKIE_DAYS, checkRepeat, passwordErrors } from './route-parts.ts'
import { codeRoutes, factorRoutes, HALF } from './second-factor-routes.ts'
import { CodeRequired } from './sign-ins.ts'
import { hasLocked, terminalRoutes } from './terminal-routes.ts'

/** A photo never changes under its name. */
const PHOTO_CACHE = 'private, max-age=31536000, immutable'

const signInForm = v.object({
  login: typed,
  password: typed,
  next: v.optional(typed),
  shared: ticked,
})
const signInQuery = v.object({ next: v.optional(typed), other: v.optional(typed) })
const freshPassword = v.object({ password: required, repeat: typed })

/** The pages of one's own account; mount after the guards that know the visitor. */
export function accountRoutes(deps: AccountRouteDeps): Hono<SignedIn> {
  const app = new Hono<SignedIn>()
  app.route('/', signInRoutes(deps))
  app.route('/', codeRoutes(deps))
  app.route('/', factorRoutes(deps))
  app.route('/', terminalRoutes(deps))
  app.route('/', passwordRoutes(deps))
  app.route('/', profileRoutes(deps))
  app.route('/', ownSignInRoutes(deps))
  app.get('/photos/:hash', deps.guards.signedIn, async (c) => {
    const hash = asPhotoHash(c.req.param('hash'))
    const bytes = await findPhoto(deps.store.read, hash)
    if (bytes === undefined) throw notFound('photo')
    const headers = {
      'Content-Type': 'image/webp',
      'Cache-Control': c.var.signIn.isShared ? 'no-store' : PHOTO_CACHE,
      ETag: `"${hash}"`,
    }
    if (c.req.header('if-none-match') === headers.ETag) return c.body(null, 304, headers)
    return c.body(new Uint8Array(bytes), 200, headers)
  })
  return app
}

function signInRoutes(deps: AccountRouteDeps): Hono<Visitor> {
  const { signIns, scope, frameOf } = deps
  const app = new Hono<Visitor>()
  const demo = () => deps.demoLinks?.()
  const isShared = (c: Context<Visitor>) => deps.isSharedTerminal(addressOf(c))

  app.get('/sign-in', async (c) => {
    const { next, other } = readQuery(c, signInQuery)
    if (c.var.user !== undefined) return c.redirect(nextPath(next), 303)
    if (other === undefined && (await hasLocked(c, deps))) {
      return c.redirect(`/lock?next=${encodeURIComponent(nextPath(next))}`, 303)
    }
    const isRebuilding = await deps.isRebuilding()
    const props = { next: nextOf(next), demo: demo(), isRebuilding, isShared: isShared(c) }
    return c.html(signInPage(frameOf(asWeb(c)), props))
  })

  app.post('/sign-in', async (c) => {
    const form = await readForm(c, signInForm)
    try {
      const known = await signIns.signIn({
        login: form.login,
        password: form.password,
        kind: 'browser',
        device: deviceOf(c.req.header('user-agent')),
        address: addressOf(c),
        next: form.next,
        isShared: form.shared || isShared(c),
      })
      return c.redirect(await enter(c, deps, { known, next: form.next }), 303)
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      if (error instanceof CodeRequired) {
        setPart(c, scope, { part: HALF, value: error.half })
        return c.redirect('/sign-in/code', 303)
      }
      if (error.retryAfter !== undefined) c.header('Retry-After', String(error.retryAfter))
      const isRebuilding = await deps.isRebuilding()
      const props = {
        ...{ login: form.login, next: nextOf(form.next), demo: demo(), isRebuilding },
        ...{ isShared: isShared(c), isTicked: form.shared },
      }
      const page = signInPage(frameOf(asWeb(c)), { ...props, error: problemText(c.var.t, error) })
      return c.html(page, error.code === 'not-signed-in' ? 422 : error.status)
    }
  })

  app.post('/sign-out', async (c) => {
    if (c.var.signIn !== undefined) await signIns.signOut(c.var.signIn.id, c.var.user)
    clearSignInCookie(c, scope)
    // Not "cookies": those of another branch under the same name would go too.
    if (isSecure(c)) c.header('Clear-Site-Data', '"cache", "storage"')
    return c.redirect('/sign-in', 303)
  })
  return app
}

function passwordRoutes(deps: AccountRouteDeps): Hono<SignedIn> {
  const { guards, frameOf, scope } = deps
  const app = new Hono<SignedIn>()

  app.get('/password', guards.signedIn, (c) => {
    if (!c.var.signIn.mustChange) return c.redirect('/profile', 303)
    return c.html(passwordPage(frameOf(asWeb(c)), {}))
  })

  app.post('/password', guards.signedIn, async (c) => {
    if (!c.var.signIn.mustChange) return c.redirect('/profile', 303)
    try {
      const form = await readForm(c, freshPassword)
      checkRepeat(form)
      const of = { password: form.password, address: addressOf(c) }
      const { token } = await changePassword(deps, c.var, of)
      setSignInCookie(c, scope, token, c.var.signIn.isShared ? undefined : COOKIE_DAYS)
      return c.redirect('/chats', 303)
    } catch (error) {
      const errors = passwordErrors(error, c.var.t)
      return c.html(passwordPage(frameOf(asWeb(c)), { errors }), 422)
    }
  })
  return app
}

/** Where to go afterwards, for the hidden field; nothing when it is the usual place. */
function nextOf(next: string | undefined): string | undefined {
  const path = nextPath(next)
  return path === '/chats' ? undefined : path
}
