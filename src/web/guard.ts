/**
 * What every request passes, in the order of `app.ts`: request id and language, one log line, security headers, limits
 * of bodies. Owns the Content-Security-Policy; the cross-site rule is in cross-site.ts.
 */
import type { MiddlewareHandler } from 'hono'
import { languageFrom } from '../../views/language/words.ts'
import type { Log } from '../world/log.ts'
import { clientAddress } from './address.ts'
import { FORM_BYTES_MAX, JSON_BYTES_MAX, mediaType, statedLength, tooLarge } from './body.ts'
import { isSecure, isTextBrowser, useLanguage, type Visitor } from './env.ts'
import { isAlreadySent } from './sse.ts'

/**
 * No inline script or style, no eval, nothing from elsewhere; HTML reaches the page's parser only through the policy
 * `htmx` of public/trusted.js. CSP Level 3; Trusted Types.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "media-src 'self'",
  "font-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "frame-src 'self'",
  "frame-ancestors 'self'",
  "base-uri 'none'",
  "manifest-src 'self'",
  "worker-src 'self'",
  "require-trusted-types-for 'script'",
  'trusted-types htmx',
].join('; ')

/** A segment longer than a SHA-256 in hexadecimal is no id of ours: it may be a one-time secret. */
const SEGMENT_CHARACTERS_MAX = 64
const RAW_UPLOAD = /^(?:\/api\/v1)?\/(?:files|uploads\/[^/]+)$/

type Random = { id(): string }
type Clock = { now(): number }

/** Who asks, in which language, by which means. `language` is the branch's, for browsers that say none. */
export function visitor({
  random,
  language,
  isProxied = false,
}: {
  random: Random
  language?: string
  /** A proxy stands before this server. */
  isProxied?: boolean
}): MiddlewareHandler<Visitor> {
  return async (c, next) => {
    c.set('requestId', random.id())
    c.set('address', clientAddress(c, isProxied))
    const accepted = c.req.header('accept-language')
    useLanguage(
      c,
      accepted === undefined && language !== undefined ? language : languageFrom(accepted),
    )
    c.set('isHtmx', c.req.header('hx-request') === 'true')
    c.set('isTextBrowser', isTextBrowser(c.req.header('user-agent')))
    await next()
  }
}

/**
 * A proxy speaks TLS for us: what comes under the https address that was named for it counts as secure. Who makes up
 * that name over plain HTTP gets cookies that his browser does not keep.
 */
export function behindProxy(origins: readonly string[]): MiddlewareHandler<Visitor> {
  return async (c, next) => {
    const own = URL.parse(`https://${c.req.header('host')}`)?.origin
    if (own !== undefined && origins.includes(own)) c.env = { ...c.env, secure: true }
    await next()
  }
}

/** One line per request, without its query: a search or a one-time link is nobody's business in a log. */
export function requestLog({ clock, log }: { clock: Clock; log: Log }): MiddlewareHandler<Visitor> {
  return async (c, next) => {
    const began = clock.now()
    await next()
    const failed = c.res.status >= 500
    log[failed ? 'warn' : 'info']('http.request', {
      request: c.var.requestId,
      method: c.req.method,
      path: loggedPath(c.req.path),
      status: c.res.status,
      ms: clock.now() - began,
      ...(c.var.user === undefined ? {} : { user: c.var.user.id }),
    })
  }
}

/** A path for the log: without whatever may be a secret in it. */
function loggedPath(path: string): string {
  return path
    .split('/')
    .map((segment) => (segment.length > SEGMENT_CHARACTERS_MAX ? '(long)' : segment))
    .join('/')
}

/**
 * Security headers of every answer. The headers a plain-http page must not have (they are ignored or break it) are
 * there on TLS only. No HSTS: a name may lose its certificate here.
 */
export function securityHeaders(): MiddlewareHandler<Visitor> {
  return async (c, next) => {
    await next()
    // A stream wrote its own head; touching the answer would make the server write a second one.
    if (isAlreadySent(c.res)) return
    const { headers } = c.res
    for (const [name, value] of securityHeadersOf(isSecure(c))) {
      if (!headers.has(name)) headers.set(name, value)
    }
    // Messages must not stay in a cache after a sign-out; what may be cached says so itself.
    if (!headers.has('cache-control')) headers.set('cache-control', 'no-store')
  }
}

/** The names and values of the security headers, also for streams, which write their head themselves. */
export function securityHeadersOf(secure: boolean): readonly (readonly [string, string])[] {
  return [
    ['content-security-policy', CONTENT_SECURITY_POLICY],
    ['x-content-type-options', 'nosniff'],
    // Not `no-referrer`: with it Chromium says `Origin: null` in forms on plain http, and we could not tell them apart.
    ['referrer-policy', 'same-origin'],
    ['x-frame-options', 'SAMEORIGIN'],
    ['cross-origin-resource-policy', 'same-origin'],
    ['permissions-policy', 'camera=(), geolocation=(), microphone=(), payment=(), usb=()'],
    ['x-permitted-cross-domain-policies', 'none'],
    ...(secure
      ? ([
          ['cross-origin-opener-policy', 'same-origin'],
          ['origin-agent-cluster', '?1'],
        ] as const)
      : []),
  ]
}

/** Refuses forms and JSON whose head says that they are too long; without a head the readers in body.ts count. */
export function bodyLimits(): MiddlewareHandler<Visitor> {
  return async (c, next) => {
    const length = statedLength(c)
    if (length !== undefined && !RAW_UPLOAD.test(c.req.path)) {
      const type = mediaType(c)
      if (type === 'application/x-www-form-urlencoded' && length > FORM_BYTES_MAX) {
        throw tooLarge(FORM_BYTES_MAX)
      }
      if (type === 'application/json' && length > JSON_BYTES_MAX) throw tooLarge(JSON_BYTES_MAX)
    }
    await next()
  }
}
