/**
 * Who asks: a browser by its cookie, a script by its bearer token (RFC 6750), never the other way round, so that no
 * page elsewhere can use the API in a person's name. What is thrown here becomes a redirect or JSON in web/errors.ts.
 */
import type { Context, MiddlewareHandler } from 'hono'
import { AppError } from '../base/errors.ts'
import type { BranchId } from '../base/ids.ts'
import { type CookieScope, signInCookie } from '../web/cookies.ts'
import type { Bindings, Visitor as WebVisitor } from '../web/env.ts'
import { isApi, useLanguage } from '../web/env.ts'
import type { Person } from './queries.ts'
import { may, type Right, rightsHere } from './rights.ts'
import type { SignIn, SignIns } from './sign-ins.ts'

type Variables = Omit<WebVisitor['Variables'], 'user' | 'signIn'>

/** Anybody; with a person when the cookie was good. */
export type Visitor = {
  Bindings: Bindings
  Variables: Variables & { user: Person | undefined; signIn: SignIn | undefined }
}
/** A signed-in person: behind `signedIn`, `bearer` or `admin`. */
export type SignedIn = {
  Bindings: Bindings
  Variables: Variables & { user: Person; signIn: SignIn }
}

export type Guards = {
  /** For every page, before the cross-site guard: sets `user` and `signIn` when the cookie is good. */
  visitor: MiddlewareHandler<WebVisitor>
  /** Throws not-signed-in, and password-change-required while the password is temporary. */
  signedIn: MiddlewareHandler<SignedIn>
  /** The same for the API, by bearer token. */
  bearer: MiddlewareHandler<SignedIn>
  /** After `signedIn` or `bearer`: throws forbidden unless the person is an admin at this branch. */
  admin: MiddlewareHandler<SignedIn>
  /** After `signedIn` or `bearer`: throws forbidden unless the person may read the audit log of this branch. */
  audit: MiddlewareHandler<SignedIn>
  /** After `signedIn` or `bearer`: throws forbidden for who may not read reports. */
  reports: MiddlewareHandler<SignedIn>
}

/** Where somebody with a temporary password may go all the same. */
const OPEN_WITH_TEMPORARY: readonly string[] = ['/password', '/sign-out', '/api/v1/sign-out']
/** Where somebody may go who has to set up a second factor. */
const OPEN_WITHOUT_FACTOR = /^\/(?:second-factor(?:\/.*)?|sign-out|api\/v1\/sign-out)$/
/** What a page asks for by itself: it keeps no shared terminal open. */
const BY_ITSELF =
  /^\/(?:events\/page|photos\/.*|lock|chats\/[^/]+\/(?:seen|wait)|files\/[^/]+\/(?:thumb|now)|admin\/users\/import\/[^/]+\/progress)$/
const BEARER = /^Bearer +(\S+) *$/i

/** The guards of a branch. */
export function createGuards(deps: {
  signIns: SignIns
  scope: CookieScope
  self: BranchId
}): Guards {
  const { signIns, scope, self } = deps
  const demand = (right: Right, message: string): MiddlewareHandler<SignedIn> => {
    return async (c, next) => {
      if (!may(c.get('user'), right, { self })) throw new AppError('forbidden', message)
      await next()
    }
  }
  return {
    visitor: async (c, next) => {
      const token = isApi(c.req.path) ? undefined : signInCookie(c, scope)
      if (token !== undefined) {
        await recognise(c, {
          signIns,
          self,
          token,
          kind: 'browser',
          // A page that loads itself anew says so (views/layout.ts).
          isAct: !BY_ITSELF.test(c.req.path) && c.req.query('itself') === undefined,
        })
      }
      await next()
    },
    signedIn: async (c, next) => {
      checkSignedIn(c)
      await next()
    },
    bearer: async (c, next) => {
      const token = BEARER.exec(c.req.header('authorization') ?? '')?.[1]
      if (token !== undefined) await recognise(c, { signIns, self, token, kind: 'api' })
      checkSignedIn(c)
      await next()
    },
    admin: demand('administration', 'Cannot open the administration: only admins can'),
    audit: demand('audit', 'Cannot read the audit log: only auditors and organisation admins can'),
    reports: demand('reports', 'Cannot open reports: only auditors and organisation admins can'),
  }
}

async function recognise(
  context: Context<WebVisitor> | Context<SignedIn>,
  of: {
    signIns: SignIns
    self: BranchId
    token: string
    kind: SignIn['kind']
    isAct?: boolean
  },
): Promise<void> {
  const c = context as Context as Context<Visitor>
  const known = await of.signIns.signInOf(of.token, of.isAct)
  if (known === undefined || known.signIn.kind !== of.kind) return
  const rights = rightsHere(known.user, of)
  c.set('user', { ...known.user, address: c.var.address, rights })
  c.set('signIn', known.signIn)
  if (known.user.language !== '') useLanguage(asWeb(c), known.user.language)
}

function checkSignedIn(context: Context<SignedIn>): void {
  const { user, signIn } = (context as Context as Context<Visitor>).var
  if (user === undefined || signIn === undefined) {
    throw new AppError('not-signed-in', 'Cannot do this: not signed in')
  }
  if (signIn.mustChange && !OPEN_WITH_TEMPORARY.includes(context.req.path)) {
    throw new AppError('password-change-required', 'Cannot do this: the password is temporary')
  }
  if (signIn.mustSetFactor && !signIn.mustChange && !OPEN_WITHOUT_FACTOR.test(context.req.path)) {
    throw new AppError('second-factor-required', 'Cannot do this: a second factor is needed first')
  }
}

/** The same request as the web layer sees it: it asks less of the person than we know. */
export function asWeb(c: Context<Visitor> | Context<SignedIn>): Context<WebVisitor> {
  return c as Context as Context<WebVisitor>
}

/** The address a request comes from, for limits; empty where there is no socket (tests). */
export function addressOf(c: Context<Visitor> | Context<SignedIn>): string {
  return (c as Context as Context<Visitor>).var.address
}
