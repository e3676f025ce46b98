/**
 * Who is here. At this branch people hold leases of 60 s (open streams and page requests renew them); what other
 * branches say counts while the link to them is up and is told "as of" when it is not. Only the last seen time is
 * kept in SQLite; nothing of it enters the event log (docs/decisions/015-presence.md).
 */
import type { BranchId, UserId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import { MINUTE, SECOND } from '../base/units.ts'
import type { Store } from '../db/open.ts'
import type { Cancel, Clock } from '../world/clock.ts'
import { every } from '../world/clock.ts'
import type { Log } from '../world/log.ts'
import { LastSeen } from './last-seen.ts'
import { Rolls } from './rolls.ts'
import type { Roll, Said, Seen, Wanted } from './signals.ts'
import type { Status } from './statuses.ts'
import { type Letter, Telling } from './telling.ts'

/** How long a person counts as here after the last sign of life. */
const LEASE_MS: Millis = MINUTE
/** A page that closes is often followed by another of the same person: the dot must not blink in between. */
const LINGER_MS: Millis = 10 * SECOND
/** How often leases are looked over. */
const SWEEP_MS: Millis = 2 * SECOND
/** While somebody stays, the last seen time is written at most this often. */
const WRITE_MS: Millis = MINUTE

export type PresenceState = {
  state: 'online' | 'offline'
  lastSeenAt?: Millis
  /** Set when the branch that would know is not linked: what is said is as of then. */
  asOf?: Millis
  /** What the person says of himself, wherever he is. */
  status?: Status
}

export type Presence = {
  stateOf(user: UserId): PresenceState
  /** A page was served. */
  touched(user: UserId): void
  /** A stream opened, and renews the lease while it is open; call the result when it closes. */
  streamOpened(user: UserId): () => void
  /** Calls back with the people whose state changed. */
  onChanged(fn: (users: UserId[]) => void): Cancel
  /** Something else changed that is shown with the presence of these people. */
  restated(users: UserId[]): void
  /** A branch was linked. */
  linked(branch: BranchId): void
  /** A branch's link went: what it said is as of now. */
  unlinked(branch: BranchId): void
  /** A branch says who is there; the caller has checked that it may speak of these people. */
  received(branch: BranchId, people: readonly Seen[]): void
  /** The same of people it may not speak of yet: they count in its digest, and nowhere else. */
  doubted(branch: BranchId, people: readonly Pick<Seen, 'user' | 'isOnline'>[]): void
  /** A branch names everybody between two ids; who is not named is not there. */
  rolled(branch: BranchId, roll: Roll): void
  /** A branch's digest: asks for the roll when it is not ours. */
  compared(branch: BranchId, said: Said): void
  /** A branch asks for the roll of the people here. */
  asked(branch: BranchId, wanted: Wanted): void
  /** Loads last seen times and starts the sweep; everybody is away until seen again. */
  start(): Promise<void>
  stop(): Promise<void>
}

type PresenceDeps = {
  store: Store
  self: BranchId
  clock: Clock
  log: Log
  /** Undefined while the branch is linked (or is our own); else since when it is not. */
  lostSince(branch: BranchId): Millis | undefined
  homeOf(user: UserId): BranchId | undefined
  peopleOf(branch: BranchId): UserId[]
  statusOf(user: UserId): Status | undefined
  send(branch: BranchId, letter: Letter): void
}

type Here = { until: Millis; streams: number; writtenAt: Millis }

/** Presence of one branch, with nobody here yet: leases never survive a restart. */
export function createPresence(deps: PresenceDeps): Presence {
  return new LivePresence(deps)
}

class LivePresence implements Presence {
  readonly #deps: PresenceDeps
  /** People at this branch. */
  readonly #here = new Map<UserId, Here>()
  /** What other branches said: who is online there. */
  readonly #elsewhere = new Map<UserId, Set<BranchId>>()
  readonly #lastSeen: LastSeen
  readonly #rolls = new Rolls()
  readonly #telling: Telling
  readonly #listeners = new Set<(users: UserId[]) => void>()
  #stopSweep: Cancel = () => {}

  constructor(deps: PresenceDeps) {
    this.#deps = deps
    this.#lastSeen = new LastSeen(deps.store)
    this.#telling = new Telling({
      clock: deps.clock,
      lastSeen: () => this.#lastSeen.entries(),
      isAtHome: (user) => deps.homeOf(user) === deps.self,
      entryOf: (user) => this.#entryOf(user),
      send: deps.send,
    })
  }

  async start() {
    await this.#lastSeen.load()
    this.#stopSweep = every(
      this.#deps.clock,
      SWEEP_MS,
      () => this.#sweep(),
      (error) => this.#deps.log.warn('presence.sweep.failed', { error }),
    )
  }

  async stop() {
    this.#stopSweep()
    const now = this.#deps.clock.now()
    for (const user of this.#here.keys()) this.#lastSeen.note(user, this.#deps.self, now)
    await this.#lastSeen.writeAll()
  }

  stateOf(user: UserId): PresenceState {
    const home = this.#deps.homeOf(user)
    const asOf = home === undefined ? undefined : this.#deps.lostSince(home)
    const lastSeenAt = this.#lastSeen.get(user)
    const status = this.#deps.statusOf(user)
    const known = { ...(lastSeenAt !== undefined && { lastSeenAt }), ...(status && { status }) }
    if (this.#isOnline(user)) return { state: 'online', ...known }
    return {
      state: 'offline',
      ...known,
      ...(asOf !== undefined && { asOf }),
    }
  }

  touched(user: UserId) {
    const now = this.#deps.clock.now()
    const before = this.#here.get(user)
    if (before) {
      before.until = now + LEASE_MS
      return
    }
    this.#here.set(user, { until: now + LEASE_MS, streams: 0, writtenAt: now })
    this.#lastSeen.note(user, this.#deps.self, now)
    this.#telling.changed(user, true)
    this.#changed([user])
  }

  streamOpened(user: UserId) {
    this.touched(user)
    const here = this.#here.get(user)
    if (here) here.streams++
    let isOpen = true
    return () => {
      if (!isOpen) return
      isOpen = false
      const now = this.#here.get(user)
      if (!now) return
      now.streams--
      if (now.streams === 0) now.until = Math.min(now.until, this.#deps.clock.now() + LINGER_MS)
    }
  }

  onChanged(fn: (users: UserId[]) => void) {
    this.#listeners.add(fn)
    return () => this.#listeners.delete(fn)
  }

  restated(users: UserId[]) {
    this.#changed(users)
  }

  linked(branch: BranchId) {
    this.#telling.linked(branch)
    this.#changed(this.#deps.peopleOf(branch))
  }

  unlinked(branch: BranchId) {
    this.#telling.unlinked(branch)
    // Also who was never seen: what is said of them is as of now, too.
    const touched = new Set(this.#deps.peopleOf(branch))
    for (const user of this.#rolls.believed(branch)) {
      if (!this.#left(branch, user)) continue
      this.#lastSeen.note(user, branch, this.#deps.clock.now())
      touched.add(user)
    }
    this.#rolls.unlinked(branch)
    this.#changed([...touched])
  }

  received(branch: BranchId, people: readonly Seen[]) {
    for (const { user, isOnline, lastSeenAt } of people) {
      this.#rolls.put(branch, { user, isOnline, isBelieved: true })
      if (isOnline) this.#came(branch, user)
      else this.#left(branch, user)
      // A clock ahead of ours must not make somebody seen in the future.
      this.#lastSeen.note(user, branch, Math.min(lastSeenAt, this.#deps.clock.now()))
    }
    this.#changed(people.map(({ user }) => user))
  }

  doubted(branch: BranchId, people: readonly Pick<Seen, 'user' | 'isOnline'>[]) {
    for (const { user, isOnline } of people) {
      this.#rolls.put(branch, { user, isOnline, isBelieved: false })
    }
    // Of a guest whose stay has ended it was believed before.
    this.#changed(people.flatMap(({ user }) => (this.#left(branch, user) ? [user] : [])))
  }

  rolled(branch: BranchId, roll: Roll) {
    const missing = this.#rolls.missingFrom(branch, roll)
    for (const user of missing) {
      this.#rolls.put(branch, { user, isOnline: false, isBelieved: true })
    }
    this.#changed(missing.filter((user) => this.#left(branch, user)))
  }

  compared(branch: BranchId, said: Said) {
    this.#telling.heardDigest(branch)
    const { wanted, isBack } = this.#rolls.compared(branch, said, this.#deps.clock.now())
    if (wanted) this.#telling.ask(branch, wanted)
    if (!isBack) return
    this.#changed(this.#rolls.believed(branch).filter((user) => this.#came(branch, user)))
  }

  asked(branch: BranchId, wanted: Wanted) {
    this.#telling.asked(branch, wanted)
  }

  #isOnline(user: UserId): boolean {
    return this.#here.has(user) || (this.#elsewhere.get(user)?.size ?? 0) > 0
  }

  /** Whether that is news. */
  #came(branch: BranchId, user: UserId): boolean {
    const branches = this.#elsewhere.get(user) ?? new Set()
    if (branches.has(branch)) return false
    this.#elsewhere.set(user, branches.add(branch))
    return true
  }

  #left(branch: BranchId, user: UserId): boolean {
    const branches = this.#elsewhere.get(user)
    if (!branches?.delete(branch)) return false
    if (branches.size === 0) this.#elsewhere.delete(user)
    return true
  }

  async #sweep() {
    const now = this.#deps.clock.now()
    const gone: UserId[] = []
    for (const [user, here] of this.#here) {
      if (here.streams > 0) here.until = now + LEASE_MS
      if (here.until > now) {
        if (now - here.writtenAt < WRITE_MS) continue
        here.writtenAt = now
        this.#lastSeen.note(user, this.#deps.self, now)
        continue
      }
      this.#here.delete(user)
      gone.push(user)
      this.#lastSeen.note(user, this.#deps.self, Math.min(here.until, now))
    }
    for (const user of gone) this.#telling.changed(user, false)
    this.#changed(gone)
    this.#telling.sweep()
    await this.#lastSeen.write()
  }

  #entryOf(user: UserId): Seen {
    const now = this.#deps.clock.now()
    const isOnline = this.#here.has(user)
    return { user, isOnline, lastSeenAt: isOnline ? now : (this.#lastSeen.get(user) ?? now) }
  }

  #changed(users: UserId[]) {
    if (users.length === 0) return
    for (const fn of this.#listeners) fn(users)
  }
}
