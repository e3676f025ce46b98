/**
 * Where a request comes from, for limits on tries. Behind a proxy all requests come from the proxy: there its own word
 * counts (X-Forwarded-For), or one person who guesses would keep everybody out.
 */
import type { Context } from 'hono'
import type { Visitor } from './env.ts'

const ADDRESS = /^[0-9a-f:.]{2,45}$/i
const THIS_MACHINE = /^(?:127\.|::1$|::ffff:127\.)/

/**
 * The address of whoever asks; empty where there is no socket (tests). `isProxied`: the settings name the addresses of
 * a proxy; it is believed only from this machine, and only in what it added itself, the last entry.
 */
export function clientAddress(c: Context<Visitor>, isProxied: boolean): string {
  const remote = c.env?.incoming?.socket.remoteAddress ?? ''
  return addressOf(remote, isProxied ? (c.req.header('x-forwarded-for') ?? '') : undefined)
}

/** The same of a socket's address and X-Forwarded-For; undefined: no proxy is named. */
export function addressOf(remote: string, forwarded: string | undefined): string {
  if (forwarded === undefined || !THIS_MACHINE.test(remote)) return remote
  const last = forwarded.split(',').at(-1)?.trim() ?? ''
  return ADDRESS.test(last) ? last : remote
}
