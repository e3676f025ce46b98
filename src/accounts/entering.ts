/** What a browser gets when its person has been let in: cookies, and where to go first. */
import type { Context } from 'hono'
import { setSignInCookie, signInCookie } from '../web/cookies.ts'
import { nextPath } from '../web/errors.ts'
import type { Visitor } from './guard.ts'
import { type AccountRouteDeps, COOKIE_DAYS } from './route-parts.ts'
import type { Known } from './sign-ins.ts'
import { joinTerminal } from './terminal-routes.ts'

/**
 * Gives a browser its new sign-in and answers where it goes. A new token always, and the old sign-in of this browser
 * ends: nobody can prepare one for somebody else. At a shared terminal the cookie goes with the browser.
 */
export async function enter(
  c: Context<Visitor>,
  deps: Pick<AccountRouteDeps, 'signIns' | 'scope'>,
  of: { known: Known & { token: string }; next: string | undefined },
): Promise<string> {
  const { known } = of
  const next = nextPath(of.next)
  if (c.var.signIn?.isShared === false) await deps.signIns.signOut(c.var.signIn.id)
  if (!known.signIn.isShared) {
    const locked = await deps.signIns.sharedOf(signInCookie(c, deps.scope) ?? '')
    if (locked !== undefined) await deps.signIns.signOut(locked.signIn.id)
    setSignInCookie(c, deps.scope, known.token, COOKIE_DAYS)
    return known.signIn.mustChange ? '/password' : next
  }
  await joinTerminal(c, deps, known)
  if (known.signIn.mustChange) return '/password'
  return `/terminal/pin${next === '/chats' ? '' : `?next=${encodeURIComponent(next)}`}`
}
