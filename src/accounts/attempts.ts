/**
 * Limits on password attempts. Narrow for one login from one address, wider for the login from everywhere and for the
 * address: somebody who guesses at a colleague's login is slowed down, and she still gets in from her own desk.
 */
import type { Millis } from '../base/units.ts'
import { SECOND } from '../base/units.ts'
import { ADDRESS_RATE, createLimiter, LOGIN_RATE, type Rate, refuseTooMany } from '../web/rate.ts'

/** One login, all addresses together, not counting those where it succeeded before. */
const LOGIN_ANYWHERE_RATE: Rate = { burst: 40, refillMs: 2 * SECOND }
/** Addresses remembered as a login's own; about 100 bytes each. */
const OWN_ADDRESSES_MAX = 10_000

export type Attempts = {
  /** Counts an attempt from an address before anything is looked up; throws too-many. */
  from(address: string): void
  /** Counts an attempt at a login (a person's id, or what was typed); throws too-many. */
  at(login: string, address: string): void
  /** Whether this login succeeded from this address before. */
  isOwn(login: string, address: string): boolean
  /** The password was right: earlier slips no longer count, and the address is the login's own. */
  succeeded(login: string, address: string): void
}

/** Limits that live in memory: after a restart everybody begins anew. */
export function createAttempts(deps: { clock: { now(): Millis } }): Attempts {
  const addresses = createLimiter(deps, ADDRESS_RATE)
  const pairs = createLimiter(deps, LOGIN_RATE)
  const logins = createLimiter(deps, LOGIN_ANYWHERE_RATE)
  const own = new Set<string>()
  const pairOf = (login: string, address: string) => `${login}\n${address}`
  return {
    from: (address) => refuseTooMany(addresses.take(address)),
    at(login, address) {
      const pair = pairOf(login, address)
      refuseTooMany(pairs.take(pair))
      if (!own.has(pair)) refuseTooMany(logins.take(login))
    },
    isOwn: (login, address) => own.has(pairOf(login, address)),
    succeeded(login, address) {
      const pair = pairOf(login, address)
      pairs.forget(pair)
      own.delete(pair) // to the end: the set is in order of last use
      own.add(pair)
      const [oldest] = own
      if (own.size > OWN_ADDRESSES_MAX && oldest !== undefined) own.delete(oldest)
    },
  }
}
