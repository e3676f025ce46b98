/**
 * What each other branch says of who is there, with its digest, so that it can be compared with what that branch says
 * of itself. Kept while the line is down, because then a line that comes back costs one digest and not 2,000 people.
 */
import type { BranchId, UserId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import { SECOND } from '../base/units.ts'
import { Digest } from './digest.ts'
import type { Roll, Said, Wanted } from './signals.ts'

/** People of a branch that this branch does not believe it: guests whose record is still on the way. */
const DOUBTED_MAX = 1000
/** A branch whose digests never fit is asked so often at most. */
const ASK_MS: Millis = 10 * SECOND

type Peer = {
  /** Who is there, and whether it may say so of them. */
  people: Map<UserId, boolean>
  doubted: number
  digest: Digest
  /** It sends digests: what was heard before the line went is worth keeping. */
  hasDigests: boolean
  /** A digest came since the line is up: what is kept of before counts again. */
  isLive: boolean
  /** Its time of the last digest that was ours too. */
  agreedAt: Millis
  askedAt: Millis
}

export class Rolls {
  readonly #peers = new Map<BranchId, Peer>()

  #peer(branch: BranchId): Peer {
    const known = this.#peers.get(branch)
    if (known) return known
    const peer: Peer = {
      ...{ people: new Map(), doubted: 0, digest: new Digest() },
      ...{ hasDigests: false, isLive: false, agreedAt: 0, askedAt: Number.NEGATIVE_INFINITY },
    }
    this.#peers.set(branch, peer)
    return peer
  }

  /** A branch says that somebody is there or not; `isBelieved`: it may. */
  put(branch: BranchId, of: { user: UserId; isOnline: boolean; isBelieved: boolean }): void {
    const peer = this.#peer(branch)
    const before = peer.people.get(of.user)
    if (before === false) peer.doubted--
    if (!of.isOnline) {
      if (peer.people.delete(of.user)) peer.digest.turn(of.user)
      return
    }
    if (!of.isBelieved && ++peer.doubted > DOUBTED_MAX) {
      peer.doubted--
      if (peer.people.delete(of.user)) peer.digest.turn(of.user)
      return
    }
    peer.people.set(of.user, of.isBelieved)
    if (before === undefined) peer.digest.turn(of.user)
  }

  /** Who was said to be between the ends of a roll and is not on it. */
  missingFrom(branch: BranchId, { after, last, users }: Roll): UserId[] {
    const named = new Set(users)
    const missing: UserId[] = []
    for (const user of this.#peer(branch).people.keys()) {
      if (user > after && user <= last && !named.has(user)) missing.push(user)
    }
    return missing
  }

  /** What to ask after a digest, if anything; and whether what was kept since before the line went counts again. */
  compared(branch: BranchId, said: Said, now: Millis): { wanted?: Wanted; isBack: boolean } {
    const peer = this.#peer(branch)
    const isBack = !peer.isLive
    peer.hasDigests = true
    peer.isLive = true
    if (peer.digest.whole === said.digest) {
      peer.agreedAt = said.at
      // Not asked for the digest, but for when its people were last seen, of which nothing is known here yet.
      if (peer.askedAt > Number.NEGATIVE_INFINITY) return { isBack }
    }
    if (now - peer.askedAt < ASK_MS) return { isBack }
    const isFirst = peer.askedAt === Number.NEGATIVE_INFINITY
    peer.askedAt = now
    const wanted = { since: isFirst ? 0 : peer.agreedAt, buckets: peer.digest.buckets }
    return { wanted, isBack }
  }

  /** Who a branch is believed to have there. */
  believed(branch: BranchId): UserId[] {
    const people = this.#peers.get(branch)?.people ?? new Map<UserId, boolean>()
    return [...people].flatMap(([user, isBelieved]) => (isBelieved ? [user] : []))
  }

  /** The line went. A branch of an older release tells everything again when it is back. */
  unlinked(branch: BranchId): void {
    const peer = this.#peers.get(branch)
    if (!peer) return
    peer.isLive = false
    if (peer.hasDigests) return
    peer.people.clear()
    peer.doubted = 0
    peer.digest.clear()
  }
}
