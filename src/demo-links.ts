/**
 * One-click sign-ins of the demo: on loopback only, each link once. They exist only under `serve --demo`, and sign in
 * with the password that the demo prints for everybody.
 */
import { Hono } from 'hono'
import { asWeb, type Visitor } from './accounts/guard.ts'
import { COOKIE_DAYS } from './accounts/route-parts.ts'
import { notFound } from './base/errors.ts'
import type { Core } from './core.ts'
import { setSignInCookie } from './web/cookies.ts'
import type { Random } from './world/random.ts'

/** More links than people who look at the demo. */
const LINKS_MAX = 100

export type DemoLinks = {
  /** A path that signs somebody in, once. */
  linkFor(login: string): string
  routes(core: Core): Hono<Visitor>
}

/** The links of one server; `password` is the one of everybody in the demo. */
export function createDemoLinks(random: Random, password: string): DemoLinks {
  const logins = new Map<string, string>()
  return {
    linkFor(login) {
      const [oldest] = logins.keys()
      if (logins.size >= LINKS_MAX && oldest !== undefined) logins.delete(oldest)
      const token = random.id()
      logins.set(token, login)
      return `/demo/sign-in/${token}`
    },
    routes({ signIns, membership }) {
      const app = new Hono<Visitor>()
      app.get('/demo/sign-in/:token', async (c) => {
        const login = logins.get(c.req.param('token'))
        if (login === undefined) throw notFound('link')
        logins.delete(c.req.param('token'))
        const device = 'demo'
        const known = await signIns.signIn({
          login,
          password,
          device,
          kind: 'browser',
          address: '',
        })
        const scope = { branchId: membership.self }
        setSignInCookie(asWeb(c), scope, known.token, COOKIE_DAYS)
        return c.redirect('/chats', 303)
      })
      return app
    },
  }
}
