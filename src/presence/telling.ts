/**
 * What other branches are told of the people here: changes together, a digest at intervals, and the roll itself only to
 * who asks for it. All of it waits in a queue per branch that is let out at a bounded pace: whatever
 * happens here, a line to another branch carries no more than that (docs/decisions/038-presence-digests.md).
 */
import type { BranchId, UserId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import { DAY, MINUTE, SECOND } from '../base/units.ts'
import type { Clock } from '../world/clock.ts'
import { Digest, differing, type Stretch } from './digest.ts'
import {
  DIGEST_SIGNAL,
  encodeDigest,
  encodePresence,
  encodeRoll,
  encodeWanted,
  PEOPLE_PER_ROLL,
  PEOPLE_PER_SIGNAL,
  PRESENCE_SIGNAL,
  ROLL_SIGNAL,
  type Seen,
  WANTED_SIGNAL,
  type Wanted,
} from './signals.ts'

/** The first change after a rest goes at once, with those of the same moment; what follows waits for the next sweep. */
const REST_MS: Millis = 2 * SECOND
/** A lost change is healed after this long; a digest is 55 bytes on the line. */
const DIGEST_MS: Millis = 15 * SECOND
/**
 * Signals that may go at once after a quiet minute, and that are added each second. A full one is 553 bytes on the
 * line with its headers: 120 in the worst minute are 8.9 kbit/s one way, below 20 kbit/s both ways.
 */
const BURST = 60
const PER_SECOND = 1
/** Beyond it what waits is forgotten, and the next digest shows it. */
const WAITING_MAX = 128
/** A branch whose digest has not come by then is of a release that knows none: it is told everything. */
const OLDER_AFTER_MS: Millis = 10 * SECOND
/** Older last seen times are not told: the table there has them. */
const TOLD_MS: Millis = 7 * DAY
/** Somebody is found gone after the time up to which he was here. */
const SINCE_SLACK_MS: Millis = MINUTE

export type Letter = { kind: number; user?: UserId | undefined; body: Uint8Array }

type Peer = {
  queue: Letter[]
  /** What it asked for, made as it goes. */
  answer: Iterator<Letter> | undefined
  wanted: Wanted | undefined
  linkedAt: Millis
  digestAt: Millis
  /** It sent a digest or asked for a roll; undefined while it may yet. */
  hasDigests: boolean | undefined
  allowance: number
  allowedAt: Millis
}

type Parts = {
  clock: Pick<Clock, 'now' | 'soon'>
  /** People of ours who were seen some time, with that time. */
  lastSeen(): Iterable<readonly [UserId, Millis]>
  isAtHome(user: UserId): boolean
  entryOf(user: UserId): Seen
  send(branch: BranchId, letter: Letter): void
}

export class Telling {
  readonly #parts: Parts
  readonly #here = new Set<UserId>()
  readonly #digest = new Digest()
  readonly #changed = new Set<UserId>()
  #toldAt: Millis = Number.NEGATIVE_INFINITY
  /** Kept when a line goes, so that a line that flaps gets no more than others. */
  readonly #peers = new Map<BranchId, Peer>()
  readonly #linked = new Set<BranchId>()

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Somebody came to this branch or left it. */
  changed(user: UserId, isHere: boolean): void {
    if (isHere === this.#here.has(user)) return
    if (isHere) this.#here.add(user)
    else this.#here.delete(user)
    this.#digest.turn(user)
    this.#changed.add(user)
    if (this.#changed.size > 1) return
    const { now, soon } = this.#parts.clock
    if (now() - this.#toldAt >= REST_MS) soon(() => this.sweep())
  }

  linked(branch: BranchId): void {
    const now = this.#parts.clock.now()
    const { allowance = BURST, allowedAt = now, hasDigests } = this.#peers.get(branch) ?? {}
    this.#peers.set(branch, {
      ...{ queue: [], answer: undefined, wanted: undefined, allowance, allowedAt },
      ...{ linkedAt: now, digestAt: Number.NEGATIVE_INFINITY },
      // Once it knew digests it will not unlearn them soon; an upgrade shows by its first digest.
      hasDigests: hasDigests === true ? true : undefined,
    })
    this.#linked.add(branch)
    this.#serve(branch, now)
  }

  unlinked(branch: BranchId): void {
    this.#linked.delete(branch)
  }

  /** A branch that speaks of digests needs no other telling. */
  heardDigest(branch: BranchId): void {
    const peer = this.#peers.get(branch)
    if (peer) peer.hasDigests = true
  }

  ask(branch: BranchId, wanted: Wanted): void {
    this.#peers.get(branch)?.queue.push({ kind: WANTED_SIGNAL, body: encodeWanted(wanted) })
    this.#serve(branch, this.#parts.clock.now())
  }

  /** A branch asks for what its digests do not have; the last question counts. */
  asked(branch: BranchId, wanted: Wanted): void {
    const peer = this.#peers.get(branch)
    if (!peer) return
    peer.hasDigests = true
    peer.wanted = wanted
  }

  /** At each sweep: what changed since the last one, what is due, and what waits. */
  sweep(): void {
    const now = this.#parts.clock.now()
    if (this.#changed.size > 0) this.#toldAt = now
    const letters = this.#lettersOf([...this.#changed])
    this.#changed.clear()
    for (const branch of this.#linked) {
      this.#peers.get(branch)?.queue.push(...letters)
      this.#serve(branch, now)
    }
  }

  #serve(branch: BranchId, now: Millis): void {
    const peer = this.#peers.get(branch)
    if (!peer || !this.#linked.has(branch)) return
    if (peer.queue.length > WAITING_MAX) peer.queue = []
    this.#answer(peer, now)
    // While it is being told it cannot agree yet.
    if (now - peer.digestAt >= DIGEST_MS && !peer.answer) {
      const body = encodeDigest({ at: now, digest: this.#digest.whole })
      peer.queue.push({ kind: DIGEST_SIGNAL, body })
      peer.digestAt = now
    }
    const gained = ((now - peer.allowedAt) / SECOND) * PER_SECOND
    // A clock that was put back gives nothing, and takes nothing.
    peer.allowance = Math.min(BURST, peer.allowance + Math.max(0, gained))
    peer.allowedAt = now
    for (; peer.allowance >= 1; peer.allowance--) {
      const letter = peer.queue.shift() ?? this.#nextOf(peer)
      if (!letter) break
      this.#parts.send(branch, letter)
    }
  }

  #answer(peer: Peer, now: Millis): void {
    if (peer.answer) return
    if (peer.wanted) {
      const { buckets, since } = peer.wanted
      peer.wanted = undefined
      peer.answer = this.#rolls(differing(this.#digest.buckets, buckets), since)
    } else if (peer.hasDigests === undefined && now - peer.linkedAt >= OLDER_AFTER_MS) {
      peer.hasDigests = false
      peer.answer = this.#everything()
    }
  }

  #nextOf(peer: Peer): Letter | undefined {
    const next = peer.answer?.next()
    if (next && !next.done) return next.value
    // Told all: the next digest shows whether it has arrived.
    if (peer.answer) peer.digestAt = Number.NEGATIVE_INFINITY
    peer.answer = undefined
    return undefined
  }

  /** Read as it is sent, so that it never says what is not so any more. */
  *#rolls(stretches: readonly Stretch[], since: Millis): Generator<Letter, undefined> {
    for (const { after: first, last: end } of stretches) {
      for (let after = first; after < end; ) {
        const users = this.#between({ after, last: end })
        const last = users.length > PEOPLE_PER_ROLL ? (users[PEOPLE_PER_ROLL - 1] ?? end) : end
        const roll = { after, last, users: users.slice(0, PEOPLE_PER_ROLL) }
        yield { kind: ROLL_SIGNAL, body: encodeRoll(roll) }
        after = last
      }
    }
    yield* this.#lettersOf(this.#seenSince(since - SINCE_SLACK_MS))
  }

  /** As branches without digests expect it: who is here, and when the others of ours were last. */
  *#everything(): Generator<Letter, undefined> {
    yield* this.#lettersOf([...this.#here, ...this.#seenSince(0)])
  }

  #between({ after, last }: Stretch): UserId[] {
    const users: UserId[] = []
    for (const user of this.#here) if (user > after && user <= last) users.push(user)
    return users.sort()
  }

  #seenSince(since: Millis): UserId[] {
    const earliest = Math.max(since, this.#parts.clock.now() - TOLD_MS)
    const users: UserId[] = []
    for (const [user, at] of this.#parts.lastSeen()) {
      if (at >= earliest && !this.#here.has(user) && this.#parts.isAtHome(user)) users.push(user)
    }
    return users
  }

  #lettersOf(users: readonly UserId[]): Letter[] {
    const letters: Letter[] = []
    for (let i = 0; i < users.length; i += PEOPLE_PER_SIGNAL) {
      const part = users.slice(i, i + PEOPLE_PER_SIGNAL)
      const user = part.length === 1 ? part[0] : undefined
      const body = encodePresence(part.map((each) => this.#parts.entryOf(each)))
      letters.push({ kind: PRESENCE_SIGNAL, user, body })
    }
    return letters
  }
}
