/**
 * What each stage of a request guarantees to the next: `Visitor` (anybody) and `SignedIn`.
 * The person is minimal and structural here: `accounts` sets more, and routes say in their own type what they need.
 */
import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import type { Language, Words } from '../../views/language/words.ts'
import { isLanguage, wordsOf } from '../../views/language/words.ts'

/**
 * The sockets below a request; absent in tests that use `app.request()`. `secure`: it came by a listener with TLS, a
 * fact of the listener, because one with TLS and a plain one may serve the same app.
 */
export type Bindings = Partial<HttpBindings> & { secure?: boolean }

/** A browser's credential as the web layer needs it: `formToken` proves that a form came from our page. */
export type SignIn = {
  readonly id: string
  readonly formToken: string
  /** At a terminal that several people share. */
  readonly isShared?: boolean
  /** The person set a password that lost against another change; told for a while after signing in. */
  readonly lostPassword?: { readonly branch: string; readonly at: number } | undefined
}

type Role = 'employee' | 'auditor' | 'branch-admin' | 'organisation-admin'

/** A signed-in person as the web layer needs it. */
export type Person = {
  readonly id: string
  readonly login: string
  readonly name: string
  readonly role: Role
  /** null: the browser's. */
  readonly language: string | null
  /** SHA-256 of the photo, for its address. */
  readonly photo?: string | null | undefined
  readonly theme?: string
  /** Names of what the person may do at this branch, for what pages show. */
  readonly rights?: readonly string[] | undefined
}

type VisitorVariables = {
  requestId: string
  /** Of the machine that asks, for limits on tries. */
  address: string
  language: Language
  t: Words
  /** htmx asks for a part of a page. */
  isHtmx: boolean
  /** w3m, lynx, links or elinks: no script, no style, plain fields. */
  isTextBrowser: boolean
  user: Person | undefined
  signIn: SignIn | undefined
  /** Of forms before a sign-in: see `preSignInToken` in cookies.ts. */
  preToken: string | undefined
  /** A urlencoded or multipart body that was read already (the cross-site guard may need it first). */
  bodyText: string | undefined
  /** The token that a form must bring whose files are read by its route: nothing else said that it is ours. */
  formTokenDue: string | undefined
}

export type Visitor = { Bindings: Bindings; Variables: VisitorVariables }
export type SignedIn = {
  Bindings: Bindings
  Variables: VisitorVariables & { user: Person; signIn: SignIn }
}

const TEXT_BROWSER = /^(?:w3m|lynx|links|elinks)\b/i

/** Whether the request came by TLS. */
export function isSecure(c: { env: unknown }): boolean {
  return (c.env as Bindings | undefined)?.secure === true
}

/** Whether a User-Agent is one of the text browsers we serve a plain layout. */
export function isTextBrowser(userAgent: string | undefined): boolean {
  return TEXT_BROWSER.test(userAgent ?? '')
}

/** From here on this request speaks `language`; called again once the person is known. */
export function useLanguage(c: Context<Visitor> | Context<SignedIn>, language: string): void {
  const known: Language = isLanguage(language) ? language : 'en'
  const visitor = c as Context<Visitor>
  visitor.set('language', known)
  visitor.set('t', wordsOf(known))
}

/** Whether the path belongs to the JSON API, which cookies never authenticate. */
export function isApi(path: string): boolean {
  return path === '/api' || path.startsWith('/api/')
}
