/** A small app around src/web: the guards in their order, a clock moved by hand, a log that keeps its lines. */
import { type Context, Hono } from 'hono'
import type { CookieScope } from '../../src/web/cookies.ts'
import { crossSiteGuard } from '../../src/web/cross-site.ts'
import type { Person, SignIn, Visitor } from '../../src/web/env.ts'
import { errorHandler, notFoundHandler } from '../../src/web/errors.ts'
import { frames } from '../../src/web/frame.ts'
import { bodyLimits, requestLog, securityHeaders, visitor } from '../../src/web/guard.ts'
import type { Clock } from '../../src/world/clock.ts'
import type { Fields, Log } from '../../src/world/log.ts'

export type HandClock = Clock & { pass(ms: number): void }

export function handClock(start = 1_000_000): HandClock {
  let now = start
  let waiting: { at: number; fn: () => void }[] = []
  return {
    now: () => now,
    after(ms, fn) {
      const timer = { at: now + ms, fn }
      waiting.push(timer)
      return () => {
        waiting = waiting.filter((other) => other !== timer)
      }
    },
    soon: (fn) => queueMicrotask(fn),
    pass(ms) {
      const end = now + ms
      for (;;) {
        const next = waiting.filter((t) => t.at <= end).sort((a, b) => a.at - b.at)[0]
        if (next === undefined) break
        waiting = waiting.filter((t) => t !== next)
        now = next.at
        next.fn()
      }
      now = end
    },
  }
}

export type Line = { level: string; name: string; fields: Fields }

export function keptLog(lines: Line[]): Log {
  const at =
    (level: string) =>
    (name: string, fields: Fields = {}) =>
      void lines.push({ level, name, fields })
  const log: Log = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    with: () => log,
  }
  return log
}

export function countedRandom() {
  let n = 0
  return {
    bytes: (length: number) => new Uint8Array(length).fill(++n),
    below: () => 0,
    chance: () => 0.5,
    id: () => (++n).toString(16).padStart(32, '0'),
  }
}

export const BRANCH_ID = 'ab12cd34ef567890ab12cd34ef567890'
export const ADA: Person = {
  id: '11'.repeat(16),
  login: 'ada',
  name: 'Ada Lovelace',
  role: 'employee',
  language: null,
}
export const FORM_TOKEN = '5'.repeat(32)

export type SmallApp = {
  app: Hono<Visitor>
  lines: Line[]
  clock: HandClock
  /** Handlers that changed something, by path. */
  changed: string[]
}

/** The app; `cookie: ada` is a sign-in. */
export function smallApp(
  options: {
    secure?: boolean
    origins?: readonly string[]
    routes?: (app: Hono<Visitor>) => void
  } = {},
): SmallApp {
  const lines: Line[] = []
  const changed: string[] = []
  const clock = handClock()
  const log = keptLog(lines)
  const random = countedRandom()
  const scope: CookieScope = { branchId: BRANCH_ID }
  const frameOf = frames({
    assets: { css: '/static/app.css', js: '/static/app.js', icons: '/static/icons.svg' },
    clock,
    random,
    scope,
    timeZone: 'UTC',
    names: () => ({ organisation: 'Acme', branch: 'Kyiv' }),
  })
  const app = new Hono<Visitor>()
  app.use(async (c, next) => {
    c.env = { ...c.env, secure: options.secure ?? false }
    await next()
  })
  app.use(visitor({ random }), requestLog({ clock, log }))
  app.use(securityHeaders(), bodyLimits())
  app.use(async (c, next) => {
    const signIn: SignIn = { id: '22'.repeat(16), formToken: FORM_TOKEN }
    if (c.req.header('cookie')?.includes('sign-in=ada')) {
      c.set('signIn', signIn)
      c.set('user', ADA)
    }
    await next()
  })
  app.use(crossSiteGuard({ scope, origins: options.origins ?? [] }))
  const change = (c: Context) => {
    changed.push(c.req.path)
    return c.text('changed')
  }
  app.post('/change', change)
  app.post('/api/v1/change', change)
  options.routes?.(app)
  app.onError(errorHandler({ log, random, frameOf }))
  app.notFound(notFoundHandler({ log, random, frameOf }))
  return { app, lines, clock, changed }
}
