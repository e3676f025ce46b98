/**
 * The way to a sign-in while more passwords are tried than can be looked at: whoever must wait anyway is told so before
 * anything of the request is read, looked up or logged. A refusal here costs a tenth of one behind it, and that is what
 * keeps messages going while a thousand passwords a second are guessed.
 */
import { html } from 'hono/html'
import { getPath } from 'hono/utils/url'
import { languageFrom, wordsOf } from '../../views/language/words.ts'
import { type Millis, SECOND } from '../base/units.ts'
import { addressOf } from '../web/address.ts'
import type { Bindings } from '../web/env.ts'
import { securityHeadersOf } from '../web/guard.ts'
import { createLimiter, type Rate } from '../web/rate.ts'
import type { Attempts } from './attempts.ts'
import { HASH_RETRY_MS, type Hasher } from './hasher.ts'

/** Sign-in pages with words and frame to those who must wait: more of them than people come are a flood by itself. */
const WHOLE_PAGES: Rate = { burst: 10, refillMs: SECOND / 10 }
const WAYS: ReadonlySet<string> = new Set(['/sign-in', '/api/v1/sign-in'])

/** Seconds after which a password from there can be looked at, before anything is known of whose it is; 0: now. */
export function turnedAway(
  parts: {
    attempts: Pick<Attempts, 'wait' | 'callerOf' | 'toldToWait'>
    hasher: Pick<Hasher, 'isFullFor'>
  },
  address: string,
): number {
  const { attempts, hasher } = parts
  const isFull = hasher.isFullFor?.(attempts.callerOf(address)) ?? false
  if (isFull) attempts.toldToWait(address)
  return Math.max(attempts.wait(address), isFull ? HASH_RETRY_MS / SECOND : 0)
}

/** What the door asks of sign-ins. */
export type AtDoor = {
  /** Seconds after which a password from there can be looked at, before anything is known of whose it is; 0: now. */
  turnedAway(address: string): number
  /** One was answered here, and nothing else will tell of it. */
  onRefused(): void
}

type DoorParts = AtDoor & { clock: { now(): Millis }; isProxied: boolean }

/** The answer to who tries to sign in and must wait; undefined for everything else. */
export function createSignInDoor({ clock, isProxied, turnedAway, onRefused }: DoorParts) {
  const pages = createLimiter({ clock }, WHOLE_PAGES)
  return (request: Request, env: Bindings): Response | undefined => {
    if (request.method !== 'POST') return undefined
    const path = getPath(request) // as the routes read it: written in another way it would pass by here
    if (!WAYS.has(path)) return undefined
    const forwarded = isProxied ? (request.headers.get('x-forwarded-for') ?? '') : undefined
    const seconds = turnedAway(addressOf(env.incoming?.socket.remoteAddress ?? '', forwarded))
    if (seconds === 0) return undefined
    if (path === '/sign-in' && pages.take('') === 0) return undefined
    onRefused()
    return refusal(request, { seconds, isPage: path === '/sign-in', isSecure: env.secure ?? false })
  }
}

function refusal(
  request: Request,
  { seconds, isPage, isSecure }: { seconds: number; isPage: boolean; isSecure: boolean },
): Response {
  const headers: Record<string, string> = {
    ...Object.fromEntries(securityHeadersOf(isSecure)),
    'content-type': isPage ? 'text/html; charset=UTF-8' : 'application/json',
    'cache-control': 'no-store',
    'retry-after': String(seconds),
  }
  if (!isPage) {
    const error = { code: 'too-many', message: `Cannot try again yet: wait ${seconds} seconds` }
    return new Response(JSON.stringify({ error }), { status: 429, headers })
  }
  const language = languageFrom(request.headers.get('accept-language') ?? undefined)
  const t = wordsOf(language)
  const words = t.problems['too-many-tries']({ seconds })
  const page = html`<!doctype html><html lang="${language}"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${t.signIn.title}</title><body><main><h1>${t.signIn.title}</h1><p role="alert">${words}</p><p><a href="/sign-in">${t.common.back}</a></p></main></body></html>`
  return new Response(String(page), { status: 429, headers })
}
