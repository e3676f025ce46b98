/**
 * Limits on password attempts. Narrow for one login from one address, wider for the login from everywhere and for the
 * address: somebody who guesses at a colleague's login is slowed down, and she still gets in from her own desk. Where
 * no wrong password came from lately is told apart from where one did, so that a flood of guesses from many addresses
 * does not keep out who comes from a new one.
 */
import type { Millis } from '../base/units.ts'
import { MINUTE, SECOND } from '../base/units.ts'
import { ADDRESS_RATE, createLimiter, LOGIN_RATE, type Rate, refuseTooMany } from '../web/rate.ts'
import type { Caller } from './hasher.ts'

/**
 * One login, all addresses together, not counting those where it succeeded before; once for addresses that have
 * slipped lately and once for the others.
 */
const LOGIN_ANYWHERE_RATE: Rate = { burst: 40, refillMs: 2 * SECOND }
/**
 * A wrong password is remembered of an address so long, or until somebody gets in from there. It matters only while
 * more passwords are tried than can be looked at.
 */
const SLIP: Rate = { burst: 1, refillMs: 10 * MINUTE }
/** Who comes oftener than this while he is told to wait three seconds is no person: that is a slip too. */
const HURRY: Rate = { burst: 4, refillMs: 3 * SECOND }
/** Addresses remembered as a login's own; about 100 bytes each. */
export const OWN_ADDRESSES_MAX = 10_000

export type Attempts = {
  /** Seconds after which an address may try at all; takes nothing. */
  wait(address: string): number
  /** Counts an attempt from an address before anything is looked up; throws too-many. */
  from(address: string): void
  /** Counts an attempt at a login (a person's id, or what was typed); throws too-many. */
  at(login: string, address: string): void
  /** Who asks, for the queue; without a login the best that this address may be. */
  callerOf(address: string, login?: string): Caller
  /** Looks at a password: what else comes from there meanwhile waits behind those of other addresses. */
  while<T>(address: string, run: () => Promise<T>): Promise<T>
  /** The password was wrong. */
  slipped(address: string): void
  /** There was no room, and the address was told when to come again. */
  toldToWait(address: string): void
  /** The password was right: earlier slips no longer count, and the address is the login's own. */
  succeeded(login: string, address: string): void
  /** Logins and addresses of sign-ins of before, the newest last. */
  recall(pairs: readonly { login: string; address: string }[]): void
}

/** Limits that live in memory: after a restart everybody begins anew. */
export function createAttempts(deps: { clock: { now(): Millis } }): Attempts {
  const addresses = createLimiter(deps, ADDRESS_RATE)
  const pairs = createLimiter(deps, LOGIN_RATE)
  const fresh = createLimiter(deps, LOGIN_ANYWHERE_RATE)
  const guessed = createLimiter(deps, LOGIN_ANYWHERE_RATE)
  const slips = createLimiter(deps, SLIP)
  const told = createLimiter(deps, HURRY)
  const own = createPairs()
  const trying = new Map<string, number>()
  const hasSlipped = (address: string) => slips.wait(address) > 0
  const byAddress = (address: string) =>
    hasSlipped(address) || trying.has(address) ? 'slipped' : 'fresh'
  return {
    wait: (address) => addresses.wait(address),
    from: (address) => refuseTooMany(addresses.take(address)),
    at(login, address) {
      const wait = pairs.take(`${login}\n${address}`)
      if (wait > 0) slips.take(address)
      refuseTooMany(wait)
      if (own.has(login, address)) return
      refuseTooMany((hasSlipped(address) ? guessed : fresh).take(login))
    },
    callerOf(address, login) {
      const isOwn = login === undefined ? own.hasAddress(address) : own.has(login, address)
      return isOwn ? 'known' : byAddress(address)
    },
    async while(address, run) {
      trying.set(address, (trying.get(address) ?? 0) + 1)
      try {
        return await run()
      } finally {
        const left = (trying.get(address) ?? 1) - 1
        if (left > 0) trying.set(address, left)
        else trying.delete(address)
      }
    },
    slipped: (address) => void slips.take(address),
    toldToWait(address) {
      if (told.take(address) > 0) slips.take(address)
    },
    succeeded(login, address) {
      pairs.forget(`${login}\n${address}`)
      slips.forget(address)
      own.add(login, address)
    },
    recall(list) {
      for (const { login, address } of list) own.add(login, address)
    },
  }
}

/** Logins with the addresses they succeeded from, in order of last use. */
function createPairs() {
  const pairs = new Map<string, string>()
  const counts = new Map<string, number>()
  const remove = (pair: string) => {
    const address = pairs.get(pair)
    if (address === undefined) return
    pairs.delete(pair)
    const left = (counts.get(address) ?? 1) - 1
    if (left > 0) counts.set(address, left)
    else counts.delete(address)
  }
  return {
    has: (login: string, address: string) => pairs.has(`${login}\n${address}`),
    hasAddress: (address: string) => counts.has(address),
    add(login: string, address: string) {
      const pair = `${login}\n${address}`
      remove(pair) // to the end: the map is in order of last use
      pairs.set(pair, address)
      counts.set(address, (counts.get(address) ?? 0) + 1)
      const [oldest] = pairs.keys()
      if (pairs.size > OWN_ADDRESSES_MAX && oldest !== undefined) remove(oldest)
    },
  }
}
