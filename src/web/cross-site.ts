/**
 * Who may change something in a signed-in person's name: only our own pages. Browsers say where a request comes from
 * (Fetch Metadata; RFC 6454 for Origin); those that say nothing must bring the form token, which no other site can
 * read. `/api` is exempt because a cookie never authenticates it.
 */
import type { Context, MiddlewareHandler } from 'hono'
import { type CookieScope, preSignInCookie, sameSecret } from './cookies.ts'
import { isApi, isSecure, type Visitor } from './env.ts'
import { formFields } from './form.ts'
import { crossSite, isMultipart, multipartParts } from './multipart.ts'

/** Forms whose files go straight to the disk: their routes read them with `streamedForm` alone. */
const STREAMED = /^\/chats\/[0-9a-f]{32}\/attach$/

const SAFE: readonly string[] = ['GET', 'HEAD', 'OPTIONS']

type Options = {
  scope: CookieScope
  /** Origins (`https://chat.kyiv.example`) that browsers see when a proxy changes the Host. */
  origins?: readonly string[]
}

/** Refuses requests that other sites make; mount it after the sign-in is known (`c.var.signIn`). */
export function crossSiteGuard({ scope, origins = [] }: Options): MiddlewareHandler<Visitor> {
  return async (c, next) => {
    const exempt = SAFE.includes(c.req.method) || isApi(c.req.path)
    if (!exempt && !(await isOurs(c, scope, origins))) throw crossSite()
    await next()
  }
}

async function isOurs(
  c: Context<Visitor>,
  scope: CookieScope,
  origins: readonly string[],
): Promise<boolean> {
  const site = c.req.header('sec-fetch-site')
  // `same-site` is refused too: another port or name of this machine may be another branch, or anybody's.
  if (site !== undefined) return site === 'same-origin' || site === 'none'
  const origin = c.req.header('origin')
  // `null` (a sandboxed frame, a privacy setting) says nothing; then only the token can speak.
  if (origin !== undefined && origin !== 'null') {
    return isOwnOrigin(origin, c.req.header('host'), { secure: isSecure(c), origins })
  }
  return hasFormToken(c, scope)
}

/** Whether an Origin header names us: a configured origin, or the host the browser asked for. */
export function isOwnOrigin(
  origin: string,
  host: string | undefined,
  { secure, origins }: { secure: boolean; origins: readonly string[] },
): boolean {
  if (origins.includes(origin)) return true
  const url = URL.parse(origin)
  if (url === null || host === undefined) return false
  // On TLS a page of plain http under our name is not ours: anybody on the way can write it.
  if (secure ? url.protocol !== 'https:' : !/^https?:$/.test(url.protocol)) return false
  return url.host === URL.parse(`${url.protocol}//${host}`)?.host
}

async function hasFormToken(c: Context<Visitor>, scope: CookieScope): Promise<boolean> {
  const signIn = c.get('signIn')
  const expected = signIn?.formToken ?? preSignInCookie(c, scope)
  if (expected === undefined) return false
  const header = c.req.header('x-form-token')
  if (header !== undefined) return sameSecret(header, expected)
  // A form with large files is not read here: its token stands before them, and its reader checks it (multipart.ts).
  if (isMultipart(c) && signIn !== undefined && STREAMED.test(c.req.path)) {
    c.set('formTokenDue', expected)
    return true
  }
  // Only a signed-in person may make us read a whole file before we know where it comes from.
  if (isMultipart(c) && signIn === undefined) return false
  const fields = isMultipart(c) ? (await multipartParts(c)).fields : await formFields(c)
  const given = fields.formToken
  return sameSecret(typeof given === 'string' ? given : undefined, expected)
}
