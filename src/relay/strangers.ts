/**
 * How much work and memory unknown callers may cost: a bounded number of half-open transports, token buckets per
 * address and in all, the first messages that were seen before, and one line in the log per minute however many came.
 * Pure but for the log.
 * docs/protocol.md, section 2.
 */
import { hex } from '../base/bytes.ts'
import { MINUTE, type Millis, SECOND } from '../base/units.ts'
import type { Log } from '../world/log.ts'

export type Limits = {
  halfOpenMax: number
  halfOpenPerAddressMax: number
  /** Calls of one address: so many at once, then so many a second. */
  burstPerAddress: number
  perSecondPerAddress: number
  perSecond: number
}

/** A message 1 replayed after a restart costs us 0.8 ms and an answer: these bound it to nothing that is felt. */
export const LIMITS: Limits = {
  halfOpenMax: 32,
  halfOpenPerAddressMax: 2,
  burstPerAddress: 10,
  perSecondPerAddress: 5,
  perSecond: 100,
}

/** Addresses remembered; beyond that, those whose bucket is full again are forgotten first. */
const ADDRESSES_MAX = 1024

export type Bucket = { tokens: number; at: Millis }
type Caller = Bucket & { halfOpen: number }

export class Doorkeeper {
  readonly #limits: Limits
  readonly #addresses = new Map<string, Caller>()
  readonly #all: Caller
  #turnedAway = new Map<string, number>()
  #loggedAt: Millis = Number.NEGATIVE_INFINITY
  readonly #log: Log

  constructor(log: Log, limits: Limits = LIMITS) {
    this.#log = log
    this.#limits = limits
    this.#all = { tokens: limits.perSecond, at: 0, halfOpen: 0 }
  }

  /** Whether a call may go on; if so, `done` is to be called when it is half-open no longer. */
  admit(address: string, now: Millis): boolean {
    const { halfOpenMax, halfOpenPerAddressMax, burstPerAddress, perSecondPerAddress, perSecond } =
      this.#limits
    const bucket = this.#bucketOf(address, now)
    if (this.#all.halfOpen >= halfOpenMax || bucket.halfOpen >= halfOpenPerAddressMax) return false
    if (!take(bucket, { now, perSecond: perSecondPerAddress, most: burstPerAddress })) return false
    if (!take(this.#all, { now, perSecond, most: perSecond })) return false
    bucket.halfOpen += 1
    this.#all.halfOpen += 1
    return true
  }

  done(address: string): void {
    const bucket = this.#addresses.get(address)
    if (bucket) bucket.halfOpen -= 1
    this.#all.halfOpen -= 1
  }

  /** Counts a caller that was turned away; at most one line a minute tells of all of them. */
  turnedAway(reason: string, now: Millis): void {
    this.#turnedAway.set(reason, (this.#turnedAway.get(reason) ?? 0) + 1)
    if (now - this.#loggedAt < MINUTE) return
    this.#loggedAt = now
    this.#log.warn('relay.strangers', { count: Object.fromEntries(this.#turnedAway) })
    this.#turnedAway = new Map()
  }

  get halfOpen(): number {
    return this.#all.halfOpen
  }

  #bucketOf(address: string, now: Millis): Caller {
    const known = this.#addresses.get(address)
    if (known) return known
    if (this.#addresses.size >= ADDRESSES_MAX) this.#forget(now)
    const bucket = { tokens: this.#limits.burstPerAddress, at: now, halfOpen: 0 }
    this.#addresses.set(address, bucket)
    return bucket
  }

  #forget(now: Millis): void {
    const { burstPerAddress, perSecondPerAddress } = this.#limits
    const fullAfter = (burstPerAddress / perSecondPerAddress) * SECOND
    for (const [address, { at, halfOpen }] of this.#addresses) {
      if (halfOpen === 0 && now - at >= fullAfter) this.#addresses.delete(address)
    }
    // All of them busy: the oldest that holds nothing open goes, so that memory stays bounded.
    for (const [address, { halfOpen }] of this.#addresses) {
      if (this.#addresses.size < ADDRESSES_MAX) break
      if (halfOpen === 0) this.#addresses.delete(address)
    }
  }
}

/** Takes one token if there is one: `most` at once, then `perSecond` a second. */
export function take(
  bucket: Bucket,
  { now, perSecond, most }: { now: Millis; perSecond: number; most: number },
): boolean {
  const passed = Math.max(0, now - bucket.at) / SECOND
  bucket.tokens = Math.min(most, bucket.tokens + passed * perSecond)
  bucket.at = now
  if (bucket.tokens < 1) return false
  bucket.tokens -= 1
  return true
}

/** Message 1s of the last minutes, so that a recorded one is not answered again. */
export class Replays {
  readonly #seen = new Set<string>()

  /** Whether it was seen before. Only those that passed the psk come here: strangers cannot fill it. */
  isReplay(message1: Uint8Array): boolean {
    const key = hex(message1.subarray(0, 16))
    if (this.#seen.has(key)) return true
    this.#seen.add(key)
    if (this.#seen.size > REPLAYS_MAX) {
      const [oldest = ''] = this.#seen
      this.#seen.delete(oldest)
    }
    return false
  }
}

/** Weeks of redialling in a large organisation; what is older falls under the limits of the listener. */
const REPLAYS_MAX = 16_384
