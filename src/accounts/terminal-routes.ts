/**
 * The pages of a shared terminal: who is locked there, opening with PIN or password, locking, a PIN. The browser
 * carries a token for each person in two cookies: who is in, and the others.
 */
import type { Context } from 'hono'
import { Hono } from 'hono'
import * as v from 'valibot'
import { lockPage, pinPage } from '../../views/accounts/terminal.ts'
import { problemText } from '../../views/language/words.ts'
import { AppError } from '../base/errors.ts'
import type { CookieScope } from '../web/cookies.ts'
import {
  clearPart,
  clearSignInCookie,
  partCookie,
  setPart,
  setSignInCookie,
  signInCookie,
} from '../web/cookies.ts'
import { isSecure } from '../web/env.ts'
import { nextPath } from '../web/errors.ts'
import { readForm, readQuery } from '../web/form.ts'
import { addressOf, asWeb, type Guards, type SignedIn, type Visitor } from './guard.ts'
import { typed } from './inputs.ts'
import type { AccountRouteDeps } from './route-parts.ts'
import type { Known, SignIns } from './sign-ins.ts'
import { PEOPLE_PER_TERMINAL_MAX } from './terminals.ts'

/** Part of the cookie's name of the people who are locked on this terminal. */
const OTHERS = 'others'

const openForm = v.object({ who: typed, secret: typed, next: v.optional(typed) })
const leaveForm = v.object({ who: typed })
const pinForm = v.object({ pin: typed, next: v.optional(typed) })
const lockQuery = v.object({ who: v.optional(typed), next: v.optional(typed) })

type Deps = { signIns: SignIns; scope: CookieScope }
type Person = Known & { token: string }

/** `/lock` and `/terminal/pin`. */
export function terminalRoutes(deps: AccountRouteDeps): Hono<Visitor> {
  const app = new Hono<Visitor>()
  const { guards } = deps

  app.get('/lock', async (c) => {
    const { who, next } = readQuery(c, lockQuery)
    // A page that was made five minutes ago comes here by itself; somebody may have used another one since.
    if (c.var.user !== undefined) return c.redirect(pageBefore(c), 303)
    return await shown(c, deps, { who, next: next ?? pageBefore(c) })
  })

  app.post('/lock', async (c) => {
    const { user, signIn } = c.var
    if (user !== undefined && signIn?.isShared) deps.signIns.terminals.lock({ user, signIn })
    return c.redirect('/lock', 303)
  })

  app.post('/lock/open', async (c) => {
    const { who, secret, next } = await readForm(c, openForm)
    const people = await peopleAt(c, deps)
    const chosen = people.find(({ signIn }) => signIn.id === who)
    if (chosen === undefined) return c.redirect('/lock', 303)
    try {
      await deps.signIns.terminals.unlock(chosen, { secret, address: addressOf(c) })
    } catch (error) {
      if (!(error instanceof AppError) || error.field !== 'secret') throw error
      return await shown(c, deps, { who, next, error: problemText(c.var.t, error) })
    }
    lockOthers(deps, people, chosen)
    keep(c, deps, { current: chosen, others: people.filter((one) => one !== chosen) })
    return c.redirect(nextPath(next), 303)
  })

  app.post('/lock/leave', async (c) => {
    const { who } = await readForm(c, leaveForm)
    const people = await peopleAt(c, deps)
    const gone = people.find(({ signIn }) => signIn.id === who)
    if (gone !== undefined) await deps.signIns.signOut(gone.signIn.id)
    keep(c, deps, { current: undefined, others: people.filter((one) => one !== gone) })
    if (isSecure(c)) c.header('Clear-Site-Data', '"cache", "storage"')
    return c.redirect('/lock', 303)
  })
  app.route('/', pinRoutes(deps, guards))
  return app
}

function pinRoutes(deps: AccountRouteDeps, guards: Guards): Hono<SignedIn> {
  const { frameOf } = deps
  const app = new Hono<SignedIn>()

  app.get('/terminal/pin', guards.signedIn, (c) => {
    const { next } = readQuery(c, v.object({ next: v.optional(typed) }))
    if (!c.var.signIn.isShared) return c.redirect('/profile', 303)
    return c.html(pinPage(frameOf(asWeb(c)), { next: nextPath(next) }))
  })

  app.post('/terminal/pin', guards.signedIn, async (c) => {
    const { pin, next } = await readForm(c, pinForm)
    if (!c.var.signIn.isShared) return c.redirect('/profile', 303)
    try {
      await deps.signIns.terminals.setPin(c.var.signIn.id, pin)
      return c.redirect(nextPath(next), 303)
    } catch (error) {
      if (!(error instanceof AppError) || error.field !== 'pin') throw error
      const props = { next: nextPath(next), error: problemText(c.var.t, error) }
      return c.html(pinPage(frameOf(asWeb(c)), props), 422)
    }
  })
  return app
}

async function shown(
  c: Context<Visitor>,
  deps: AccountRouteDeps,
  of: { who: string | undefined; next: string | undefined; error?: string },
) {
  const people = await peopleAt(c, deps)
  if (people.length === 0) return c.redirect('/sign-in', 303)
  const isThere = people.some(({ signIn }) => signIn.id === of.who)
  const chosen = isThere ? of.who : people.length === 1 ? people[0]?.signIn.id : undefined
  const props = {
    people: people.map(({ user, signIn }) => ({ id: user.id, name: user.name, signIn: signIn.id })),
    ...{ chosen, next: nextPath(of.next), error: of.error },
  }
  return c.html(lockPage(deps.frameOf(asWeb(c)), props), of.error === undefined ? 200 : 422)
}

/** Whoever this browser holds a token of that still holds, the last one in first. */
async function peopleAt(c: Context<Visitor>, { signIns, scope }: Deps): Promise<Person[]> {
  const others = partCookie(c, scope, OTHERS)?.split('.', PEOPLE_PER_TERMINAL_MAX) ?? []
  const tokens = new Set([signInCookie(c, scope) ?? '', ...others])
  const people: Person[] = []
  for (const token of tokens) {
    const known = await signIns.sharedOf(token)
    if (known?.signIn.kind === 'browser') people.push({ ...known, token })
  }
  return people
}

/** Whether somebody is locked on this terminal: then its first page is theirs. */
export async function hasLocked(c: Context<Visitor>, deps: Deps): Promise<boolean> {
  return (await peopleAt(c, deps)).length > 0
}

/** Somebody more at a shared terminal: the others are locked, at most eight, an own earlier sign-in ends. */
export async function joinTerminal(
  c: Context<Visitor>,
  deps: Deps,
  known: Known & { token: string },
): Promise<void> {
  const before = await peopleAt(c, deps)
  const others = before.filter(({ user }) => user.id !== known.user.id)
  lockOthers(deps, others, known)
  const kept = others.slice(0, PEOPLE_PER_TERMINAL_MAX - 1)
  for (const gone of before) if (!kept.includes(gone)) await deps.signIns.signOut(gone.signIn.id)
  keep(c, deps, { current: known, others: kept })
}

function lockOthers({ signIns }: Deps, people: readonly Known[], chosen: Known): void {
  for (const one of people) if (one.signIn.id !== chosen.signIn.id) signIns.terminals.lock(one)
}

/** Cookies that the browser forgets when it is closed. */
function keep(
  c: Context<Visitor>,
  { scope }: Deps,
  of: { current: { token: string } | undefined; others: readonly Person[] },
): void {
  if (of.current) setSignInCookie(c, scope, of.current.token)
  else clearSignInCookie(c, scope)
  if (of.others.length === 0) clearPart(c, scope, OTHERS)
  else setPart(c, scope, { part: OTHERS, value: of.others.map(({ token }) => token).join('.') })
}

/** The page this one was opened from, of ours. */
function pageBefore(c: Context<Visitor>): string {
  const url = URL.parse(c.req.header('referer') ?? '')
  const path = url === null ? undefined : url.pathname + url.search
  return path?.startsWith('/lock') ? '/chats' : nextPath(path)
}
