/**
 * Which branches to call, where, and when to call again. Every branch without a link is called at each of its
 * addresses in turn; a round that failed is waited for, at most a minute, and any sign of the branch ends the wait. A
 * static address accepts any member at first and is pinned to that one then. Where a branch announced itself is one
 * address more for as long as it is fresh; it takes the place of no other.
 */
import { retryDelay } from '../base/backoff.ts'
import type { BranchId } from '../base/ids.ts'
import { type Millis, SECOND } from '../base/units.ts'
import type { Cancel, Clock } from '../world/clock.ts'
import type { Random } from '../world/random.ts'
import type { StaticAddress } from './peers.ts'

/** Between two addresses of one round. */
const NEXT_ADDRESS_MS: Millis = 100
/** Two branches that lost each other at once should not call at once. */
const LOST_MS_MAX: Millis = 100
/** An announcement ends a wait so often: a branch that can be heard and not called is still called rarely. */
const WOKEN_MS_MIN: Millis = 10 * SECOND

type DialerParts = {
  clock: Clock
  random: Random
  /** Calls; resolves when a link is live, rejects with the reason otherwise. `round` counts failures. */
  call(target: { address: string; branch: BranchId | undefined; round: number }): Promise<void>
  isLinked(branch: BranchId): boolean
  /** Where a branch announced itself within the last minute. */
  hintOf(branch: BranchId): string | undefined
  onFailed(branch: BranchId | undefined, address: string, error: unknown): void
}

type Target = {
  branch: BranchId | undefined
  addresses: string[]
  next: number
  /** Addresses called in this round. */
  tried: number
  /** Rounds without an answer. */
  failures: number
  /** Links that were opened and soon ended by a fault. */
  faults: number
  isCalling: boolean
  /** An announcement ends no wait before. */
  wakesAt: Millis
  cancel: Cancel
}

export class Dialer {
  readonly #parts: DialerParts
  readonly #targets = new Map<string, Target>()
  #isRunning = false

  constructor(parts: DialerParts) {
    this.#parts = parts
  }

  /** Calls everybody; also after this branch moved: what failed from the old address says nothing about the new one. */
  start(): void {
    this.#isRunning = true
    for (const target of this.#targets.values()) {
      Object.assign(target, { failures: 0, faults: 0, wakesAt: 0 })
      this.#schedule(target, 0)
    }
  }

  /** No call is made until `start`. */
  stop(): void {
    this.#isRunning = false
    for (const target of this.#targets.values()) target.cancel()
  }

  /** The branches and addresses as they are now. */
  setTargets(
    branches: readonly { branch: BranchId; addresses: readonly string[] }[],
    statics: readonly StaticAddress[],
  ): void {
    const wanted = new Map<string, { branch: BranchId | undefined; addresses: Set<string> }>()
    const pinned = new Set<string>()
    for (const { branch, addresses } of branches) {
      wanted.set(branch, { branch, addresses: new Set(addresses) })
      for (const address of addresses) pinned.add(address)
    }
    for (const { address, branch } of statics) {
      if (branch) wanted.get(branch)?.addresses.add(address)
      else if (!pinned.has(address)) {
        wanted.set(`@${address}`, { branch: undefined, addresses: new Set([address]) })
      }
    }
    for (const [key, target] of this.#targets) {
      if (wanted.has(key)) continue
      target.cancel()
      this.#targets.delete(key)
    }
    for (const [key, { branch, addresses }] of wanted) this.#want(key, branch, [...addresses])
  }

  #want(key: string, branch: BranchId | undefined, addresses: string[]): void {
    const known = this.#targets.get(key)
    const isSame = known?.addresses.join() === addresses.join()
    if (known && isSame) return
    const target = known ?? {
      branch,
      addresses,
      next: 0,
      tried: 0,
      failures: 0,
      faults: 0,
      isCalling: false,
      wakesAt: 0,
      cancel: () => {},
    }
    target.addresses = addresses
    begin(target)
    this.#targets.set(key, target)
    this.#schedule(target, 0)
  }

  /** There is a link, or was a sign of life: the next wait begins small again. */
  met(branch: BranchId): void {
    const target = this.#targets.get(branch)
    if (target) target.failures = 0
  }

  /** The link to a branch is gone; `after` is what it asked for. A fault that comes again is waited for longer. */
  lost(branch: BranchId, { after, isFault }: { after: Millis; isFault: boolean }): void {
    const target = this.#targets.get(branch)
    if (!target) return
    const chance = this.#parts.random.chance()
    target.faults = isFault ? target.faults + 1 : 0
    const wait = isFault ? retryDelay(target.faults, chance) : Math.round(chance * LOST_MS_MAX)
    // What the peer asked for, and a wait that a fault earned, no announcement ends.
    target.wakesAt = this.#parts.clock.now() + after + (isFault ? wait : 0)
    this.#schedule(target, after + wait)
  }

  /** A branch announced itself: a round begins now, at the address it named, instead of after the wait. */
  announced(branch: BranchId): void {
    const target = this.#targets.get(branch)
    const now = this.#parts.clock.now()
    if (!target || this.#parts.isLinked(branch) || now < target.wakesAt) return
    target.wakesAt = now + WOKEN_MS_MIN
    const at = this.#addressesOf(target).indexOf(this.#parts.hintOf(branch) ?? '')
    // A call that is under way ends first, and goes on with the next address.
    begin(target, Math.max(0, at) - (target.isCalling ? 1 : 0))
    if (!target.isCalling) this.#schedule(target, 0)
  }

  #addressesOf({ branch, addresses }: Target): readonly string[] {
    const hint = branch && this.#parts.hintOf(branch)
    return hint === undefined || addresses.includes(hint) ? addresses : [...addresses, hint]
  }

  #schedule(target: Target, ms: Millis): void {
    target.cancel()
    if (!this.#isRunning || this.#addressesOf(target).length === 0) return
    target.cancel = this.#parts.clock.after(ms, () => void this.#call(target))
  }

  async #call(target: Target): Promise<void> {
    const { branch } = target
    if (target.isCalling || !this.#isRunning) return
    if (branch && this.#parts.isLinked(branch)) return
    const addresses = this.#addressesOf(target)
    const address = addresses[target.next % addresses.length]
    if (address === undefined) return
    target.isCalling = true
    try {
      await this.#parts.call({ address, branch, round: target.failures })
      begin(target)
      target.failures = 0
    } catch (error) {
      this.#parts.onFailed(branch, address, error)
      target.isCalling = false
      this.#again(target)
    } finally {
      target.isCalling = false
    }
  }

  #again(target: Target): void {
    target.next += 1
    target.tried += 1
    const isRoundOver = target.tried >= this.#addressesOf(target).length
    if (isRoundOver) {
      begin(target)
      target.failures += 1
    }
    const { random } = this.#parts
    this.#schedule(
      target,
      isRoundOver ? retryDelay(target.failures, random.chance()) : NEXT_ADDRESS_MS,
    )
  }
}

/** A round: each address once, from the first or from the one given. */
function begin(target: Target, next = 0): void {
  target.next = next
  target.tried = 0
}
