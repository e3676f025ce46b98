/**
 * What was thrown becomes an answer, once and here: a page, a fragment for htmx, or JSON for the API, with the status
 * of its code. What is no AppError is a bug: the person gets an incident number, the log gets the stack.
 */
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { errorBox, errorPage, type Problem } from '../../views/error.ts'
import { problemText, type Words, wordsOf } from '../../views/language/words.ts'
import { AppError, type ErrorCode, notFound } from '../base/errors.ts'
import type { Log } from '../world/log.ts'
import { isApi, type Visitor } from './env.ts'
import { InvalidForm } from './form.ts'
import type { FrameOf } from './frame.ts'
import { byeResponse } from './sse.ts'

type Options = { log: Log; random: { id(): string }; frameOf: FrameOf }

/** Seconds after which the disk or another writer may be ready again. */
const RETRY_SECONDS = 5
/** Of a chain of causes: a driver's error is at most a few steps down. */
const CAUSES_MAX = 5
/** A path to come back to; longer ones are nobody's page. */
const NEXT_CHARACTERS_MAX = 500

/** The error handler of the app (`app.onError`). */
export function errorHandler(
  options: Options,
): (error: Error, c: Context<Visitor>) => Response | Promise<Response> {
  return (thrown, c) => {
    const error = expected(thrown, c)
    if (error !== undefined) {
      if (error.cause !== undefined && error.status >= 500) {
        options.log.warn('http.unavailable', { request: c.get('requestId'), error: error.cause })
      }
      return answer(c, error, options)
    }
    const incident = options.random.id().slice(0, 8)
    const where = { incident, request: c.get('requestId'), method: c.req.method }
    options.log.error('http.bug', { ...where, path: c.req.path, error: thrown })
    return bugAnswer(c, incident, options)
  }
}

/** The answer for an address that no route has (`app.notFound`). */
export function notFoundHandler(
  options: Options,
): (c: Context<Visitor>) => Response | Promise<Response> {
  return (c) => answer(c, notFound('page'), options)
}

/** Where to go after signing in: a path of ours, never an address elsewhere. */
export function nextPath(text: string | undefined): string {
  const isOurs =
    text !== undefined &&
    text.length <= NEXT_CHARACTERS_MAX &&
    // `//host` and `/\host` are other sites to a browser; control characters are dropped by it and hide such a thing.
    /^\/(?![/\\])[^\\\p{Cc}\s]*$/u.test(text)
  return isOurs && !/^\/(?:sign-in|sign-out|setup|events)(?:[/?#]|$)/.test(text) ? text : '/chats'
}

/** The sign-in page, with the way back to where the person is now. */
function signInAddress(c: Context): string {
  const next = nextPath(currentPath(c))
  return next === '/chats' || next === '/'
    ? '/sign-in'
    : `/sign-in?next=${encodeURIComponent(next)}`
}

function currentPath(c: Context): string | undefined {
  const isPage = c.req.method === 'GET' && c.req.header('hx-request') === undefined
  const address = isPage ? c.req.url : (c.req.header('hx-current-url') ?? c.req.header('referer'))
  const url = address === undefined ? null : URL.parse(address)
  return url === null ? undefined : url.pathname + url.search
}

/** The AppError that a thrown value means; undefined for a bug. */
function expected(thrown: Error, c: Context): AppError | undefined {
  if (thrown instanceof AppError) return thrown
  if (thrown instanceof HTTPException && thrown.status < 500) return ofStatus(thrown)
  if (c.req.raw.signal.aborted) {
    return new AppError('invalid-input', 'Cannot read the request: it ended early')
  }
  const code = causeCode(thrown)
  if (code !== undefined) {
    // Nothing was written: SQLite rolled the transaction back, and an acknowledgement had not been given.
    return new AppError(
      'unavailable',
      `Cannot store it now: ${code}; nothing was lost, try again`,
      {
        detail: /FULL|ENOSPC|EDQUOT/.test(code) ? 'disk-full' : 'busy',
        retryAfter: RETRY_SECONDS,
        cause: thrown,
      },
    )
  }
  return undefined
}

const STORE_TROUBLE =
  /^(?:SQLITE_(?:FULL|BUSY|LOCKED|IOERR|NOMEM|CANTOPEN|READONLY).*|ENOSPC|EDQUOT|EMFILE)$/

/** What better-sqlite3 says to a request that is still at work when the branch has stopped. */
const STORE_CLOSED = 'The database connection is not open'

function causeCode(thrown: Error): string | undefined {
  let error: unknown = thrown
  for (let i = 0; i < CAUSES_MAX && error instanceof Error; i++) {
    if ('code' in error && typeof error.code === 'string' && STORE_TROUBLE.test(error.code)) {
      return error.code
    }
    if (error.message === STORE_CLOSED) return 'closed'
    error = error.cause
  }
  return undefined
}

function ofStatus(thrown: HTTPException): AppError {
  const codes: Record<number, ErrorCode> = { 403: 'forbidden', 404: 'not-found', 413: 'too-large' }
  return new AppError(codes[thrown.status] ?? 'invalid-input', thrown.message, { cause: thrown })
}

function answer(
  c: Context<Visitor>,
  error: AppError,
  { frameOf }: Options,
): Response | Promise<Response> {
  if (error.retryAfter !== undefined) c.header('Retry-After', String(error.retryAfter))
  if (isApi(c.req.path)) return jsonAnswer(c, error)
  // Our own scripts that send no forms of htmx, as uploads.js: words for the person, without a page around.
  if (isAskedAsJson(c)) return jsonAnswer(c, error, c.get('t'))
  const way = wayOut(c, error)
  if (way !== undefined) return way
  const t = c.get('t')
  const problem: Problem = {
    code: error.code,
    retryAfter: error.retryAfter,
    ...(error.detail === undefined ? {} : { text: problemText(t, error) }),
  }
  return shown(c, { problem, status: error.status, frameOf })
}

// Where an answer other than the page itself is due.
function wayOut(c: Context<Visitor>, error: AppError): Response | undefined {
  const places: Partial<Record<ErrorCode, string>> = {
    'not-signed-in': signInAddress(c),
    'password-change-required': '/password',
    'second-factor-required': '/second-factor',
  }
  const place = places[error.code]
  if (place === undefined) return undefined
  // A stream must not be redirected: hx-sse 4.0.1 would ask for ever.
  if (c.req.header('accept')?.includes('text/event-stream')) return byeResponse()
  c.header('Vary', 'HX-Request', { append: true })
  if (!c.get('isHtmx')) return c.redirect(place, 303)
  c.header('HX-Redirect', place)
  return c.body(null, 204)
}

function shown(
  c: Context<Visitor>,
  {
    problem,
    status,
    frameOf,
  }: { problem: Problem; status: ContentfulStatusCode; frameOf: FrameOf },
): Response | Promise<Response> {
  const frame = frameOf(c)
  c.header('Vary', 'HX-Request', { append: true })
  return c.html(c.get('isHtmx') ? errorBox(problem, frame) : errorPage(frame, problem), status)
}

function isAskedAsJson(c: Context<Visitor>): boolean {
  return c.req.header('accept') === 'application/json'
}

function jsonAnswer(c: Context<Visitor>, error: AppError, t?: Words): Response {
  if (error.status === 401 && t === undefined) c.header('WWW-Authenticate', 'Bearer')
  const isForm = error instanceof InvalidForm
  const words = t ?? (isForm ? wordsOf('en') : undefined)
  const message = words ? problemText(words, error) : error.message
  const field = error.field === undefined || error.field === '' ? {} : { field: error.field }
  return c.json({ error: { code: error.code, message, ...field } }, error.status)
}

function bugAnswer(
  c: Context<Visitor>,
  incident: string,
  { frameOf }: Options,
): Response | Promise<Response> {
  if (isApi(c.req.path)) {
    const message = `Cannot finish the request: a mistake of the server, incident ${incident}`
    return c.json({ error: { code: 'internal', message, incident } }, 500)
  }
  return shown(c, { problem: { code: 'bug', incident }, status: 500, frameOf })
}
