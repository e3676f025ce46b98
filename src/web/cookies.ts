/**
 * Our cookies. Cookies do not know ports (RFC 6265, 8.5), so the branch's id is in the name: one browser can be signed
 * in at two branches of one machine. On TLS, ours or a proxy's, the name carries `__Host-`, which nobody but this
 * origin can set; a plain listener beside it has cookies of its own.
 */
import type { Context } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { equal, utf8 } from '../base/bytes.ts'
import { DAY, SECOND } from '../base/units.ts'
import type { Random } from '../world/random.ts'
import { isSecure, type Visitor } from './env.ts'

/** The branch whose cookies these are. */
export type CookieScope = { branchId: string }

/** Enough to tell branches on one machine apart, short enough for every request. */
const BRANCH_ID_CHARACTERS = 8
/** Browsers cap cookie lifetimes at 400 days (RFC 6265bis, 5.5); the sign-in itself ends earlier, on the server. */
const SIGN_IN_DAYS_MAX = 400
const PRE_TOKEN_BYTES = 16
const PRE_TOKEN = /^[0-9a-f]{32}$/

/** The name of the sign-in cookie of a branch, without the `__Host-` that TLS adds. */
export function cookieName(branchId: string): string {
  return `branchline-${branchId.slice(0, BRANCH_ID_CHARACTERS)}`
}

/** The secret of the sign-in cookie the browser sent. */
export function signInCookie(c: Context, scope: CookieScope): string | undefined {
  return read(c, cookieName(scope.branchId))
}

/** Gives the browser its sign-in's secret; without `days` it is forgotten when the browser closes. */
export function setSignInCookie(
  c: Context,
  scope: CookieScope,
  value: string,
  days?: number,
): void {
  const seconds = days === undefined ? undefined : (Math.min(days, SIGN_IN_DAYS_MAX) * DAY) / SECOND
  write(c, cookieName(scope.branchId), { value, maxAge: seconds })
}

/** Takes the sign-in's secret back from the browser. */
export function clearSignInCookie(c: Context, scope: CookieScope): void {
  const name = cookieName(scope.branchId)
  const secure = isSecure(c)
  deleteCookie(c, secure ? `__Host-${name}` : name, { path: '/', secure })
}

/** A further cookie of the branch, by its part of the name; forgotten when the browser closes. */
export function partCookie(c: Context, scope: CookieScope, part: string): string | undefined {
  return read(c, `${cookieName(scope.branchId)}-${part}`)
}

/** Sets a further cookie of the branch until the browser closes. */
export function setPart(
  c: Context,
  scope: CookieScope,
  { part, value }: { part: string; value: string },
): void {
  write(c, `${cookieName(scope.branchId)}-${part}`, { value })
}

/** Takes a further cookie of the branch back. */
export function clearPart(c: Context, scope: CookieScope, part: string): void {
  const name = `${cookieName(scope.branchId)}-${part}`
  const secure = isSecure(c)
  deleteCookie(c, secure ? `__Host-${name}` : name, { path: '/', secure })
}

/**
 * The form token of a visitor who has no sign-in yet (sign-in, set-up): random, kept in a cookie, and repeated in the
 * form. Who forges a form elsewhere cannot read the cookie. It serves only browsers that send neither Sec-Fetch-Site
 * nor Origin; those run no scripts, so nobody can plant the cookie through them either.
 */
export function preSignInToken(c: Context<Visitor>, scope: CookieScope, random: Random): string {
  const known = c.get('preToken') ?? preSignInCookie(c, scope)
  if (known !== undefined) return known
  const token = Buffer.from(random.bytes(PRE_TOKEN_BYTES)).toString('hex')
  write(c, `${cookieName(scope.branchId)}-form`, { value: token })
  c.set('preToken', token)
  return token
}

/** The form token of a visitor without a sign-in that his browser brought back. */
export function preSignInCookie(c: Context, scope: CookieScope): string | undefined {
  const value = read(c, `${cookieName(scope.branchId)}-form`)
  return value !== undefined && PRE_TOKEN.test(value) ? value : undefined
}

/** Whether two secrets are the same, in constant time. */
export function sameSecret(given: string | undefined, expected: string | undefined): boolean {
  if (given === undefined || expected === undefined || expected === '') return false
  return equal(utf8(given), utf8(expected))
}

function read(c: Context, name: string): string | undefined {
  return isSecure(c) ? getCookie(c, name, 'host') : getCookie(c, name)
}

function write(
  c: Context,
  name: string,
  { value, maxAge }: { value: string; maxAge?: number | undefined },
): void {
  setCookie(c, name, value, {
    httpOnly: true,
    sameSite: 'Lax',
    path: '/',
    ...(isSecure(c) ? { secure: true, prefix: 'host' as const } : {}),
    ...(maxAge === undefined ? {} : { maxAge }),
  })
}
