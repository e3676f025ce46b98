/**
 * Which links live: one per peer. Two branches may dial each other at once, a restarted one dials while its old link
 * still looks alive: both sides decide alike which link stays, and which is due. docs/protocol.md, section 2.
 */
import type { BranchId, Incarnation } from '../base/ids.ts'
import { HOUR, type Millis, SECOND } from '../base/units.ts'
import type { Trust } from '../certificates/chain.ts'
import type { CloseReason } from './frames.ts'
import type { Link } from './link.ts'

/** Within this time two links with opposite initiators are one meeting; later ones are a new beginning. */
const MEETING_MS: Millis = 10 * SECOND
/** After that the initiator makes a fresh handshake: fresh keys, and the certificates are looked at again. */
const LINK_MS_MAX: Millis = HOUR
/** A link that ended so soon was no use, whatever the reason: the next call waits. */
const SHORT_LIVED_MS: Millis = 30 * SECOND
const INNOCENT: ReadonlySet<CloseReason> = new Set<CloseReason>([
  'bye',
  'timeout',
  'duplicate-link',
])

/** Ends that are nobody's fault. */
export function isInnocent(reason: CloseReason): boolean {
  return INNOCENT.has(reason)
}

/** Whether the next call must wait; after other ends the branch is called again at once. */
export function wasFault(reason: CloseReason, age: Millis): boolean {
  return reason !== 'bye' && (!isInnocent(reason) || age < SHORT_LIVED_MS)
}

type LinkFacts = {
  isInitiator: boolean
  openedAt: Millis
  incarnation: Incarnation | undefined
}

/** Which of two links of the same peer stays. */
export function survivor(
  { old, fresh }: { old: LinkFacts; fresh: LinkFacts },
  { self, peer }: { self: BranchId; peer: BranchId },
): 'old' | 'fresh' {
  if (old.incarnation !== fresh.incarnation) return 'fresh' // the peer started anew
  if (old.isInitiator === fresh.isInitiator) return 'fresh' // whoever dialled again knows why
  if (Math.abs(fresh.openedAt - old.openedAt) > MEETING_MS) return 'fresh'
  const oldInitiator = old.isInitiator ? self : peer
  const freshInitiator = fresh.isInitiator ? self : peer
  return oldInitiator < freshInitiator ? 'old' : 'fresh'
}

/** What a look at a live link finds: it may not go on, or a fresh handshake is due. `ownSerial`: of our certificate. */
export function dueFor(
  link: Pick<Link, 'peer' | 'certificate' | 'ownSerial' | 'isInitiator' | 'openedAt' | 'isWorn'>,
  { trust, ownSerial }: { trust: Pick<Trust, 'isRevoked' | 'now'>; ownSerial: string },
): 'certificate-revoked' | 'certificate-expired' | 'replace' | undefined {
  const { peer, certificate, openedAt } = link
  if (trust.isRevoked(peer)) return 'certificate-revoked'
  if (trust.now > certificate.notAfter) return 'certificate-expired'
  if (!link.isInitiator) return undefined // whoever opened a link replaces it
  const isRenewed = link.ownSerial !== ownSerial // times of two clocks would not tell
  return trust.now - openedAt > LINK_MS_MAX || link.isWorn || isRenewed ? 'replace' : undefined
}

export class Links {
  readonly #self: BranchId
  /** After their handshake, before the peer's SETTINGS. */
  readonly #pending = new Set<Link>()
  readonly #live = new Map<BranchId, Link>()

  constructor(self: BranchId) {
    this.#self = self
  }

  find(branch: BranchId): Link | undefined {
    return this.#live.get(branch)
  }

  live(): Link[] {
    return [...this.#live.values()]
  }

  all(): Link[] {
    return [...this.#live.values(), ...this.#pending]
  }

  /** A link after its handshake. Of one peer, one may be pending: a second one replaces it. */
  add(link: Link): void {
    for (const other of this.#pending) {
      const isSame = other.peer === link.peer && other.isInitiator === link.isInitiator
      if (isSame) other.close('duplicate-link')
    }
    this.#pending.add(link)
  }

  /** A link is proved live; false when an older one stays in its place. */
  ready(link: Link): boolean {
    this.#pending.delete(link)
    const { peer } = link
    const old = this.#live.get(peer)
    if (old && survivor({ old, fresh: link }, { self: this.#self, peer }) === 'old') {
      link.close('duplicate-link')
      return false
    }
    this.#live.set(peer, link)
    old?.close('duplicate-link')
    return true
  }

  /** True when the peer has no link any more. */
  closed(link: Link): boolean {
    this.#pending.delete(link)
    if (this.#live.get(link.peer) !== link) return false
    this.#live.delete(link.peer)
    return true
  }
}
