/**
 * Who is here. At this branch people hold leases of 60 s (open streams and page requests renew them); what other
 * branches say counts while the link to them is up and is told "as of" when it is not. Only the last seen time is
 * kept in SQLite; nothing of it enters the event log (docs/decisions/015-presence.md).
 */
import type { BranchId, UserId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import { DAY, MINUTE, SECOND } from '../base/units.ts'
import type { Store } from '../db/open.ts'
import type { Cancel, Clock } from '../world/clock.ts'
import { every } from '../world/clock.ts'
import type { Log } from '../world/log.ts'
import { encodePresence, PEOPLE_PER_SIGNAL, type Seen } from './signals.ts'

/** How long a person counts as here after the last sign of life. */
const LEASE_MS: Millis = MINUTE
/** A page that closes is often followed by another of the same person: the dot must not blink in between. */
const LINGER_MS: Millis = 10 * SECOND
/** How often leases are looked over. */
const SWEEP_MS: Millis = 2 * SECOND
/** While somebody stays, the last seen time is written at most this often. */
const WRITE_MS: Millis = MINUTE
/** Older last seen times are not told to a branch that links: its own table has them. */
const SNAPSHOT_MS: Millis = 7 * DAY

export type PresenceState = {
  state: 'online' | 'offline'
  lastSeenAt?: Millis
  /** Set when the branch that would know is not linked: what is said is as of then. */
  asOf?: Millis
}

export type Presence = {
  stateOf(user: UserId): PresenceState
  /** A page was served. */
  touched(user: UserId): void
  /** A stream opened, and renews the lease while it is open; call the result when it closes. */
  streamOpened(user: UserId): () => void
  /** Calls back with the people whose state changed. */
  onChanged(fn: (users: UserId[]) => void): Cancel
  /** A branch was linked: tells it who is here. */
  linked(branch: BranchId): void
  /** A branch's link went: what it said is as of now. */
  unlinked(branch: BranchId): void
  /** A branch says who is there; the caller has checked that it may speak of these people. */
  received(branch: BranchId, people: readonly Seen[]): void
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
  linkedBranches(): BranchId[]
  send(branch: BranchId, user: UserId | undefined, body: Uint8Array): void
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
  readonly #lastSeen = new Map<UserId, Millis>()
  readonly #unwritten = new Map<UserId, { branch: BranchId; at: Millis }>()
  readonly #listeners = new Set<(users: UserId[]) => void>()
  #stopSweep: Cancel = () => {}

  constructor(deps: PresenceDeps) {
    this.#deps = deps
  }

  async start() {
    const rows = await this.#deps.store.read
      .selectFrom('presence')
      .select((eb) => ['userId', eb.fn.max('lastSeenAt').as('lastSeenAt')])
      .groupBy('userId')
      .execute()
    for (const row of rows) this.#lastSeen.set(row.userId, Number(row.lastSeenAt))
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
    for (const user of this.#here.keys()) this.#note(user, this.#deps.self, now)
    await this.#write()
  }

  stateOf(user: UserId): PresenceState {
    const home = this.#deps.homeOf(user)
    const asOf = home === undefined ? undefined : this.#deps.lostSince(home)
    const lastSeenAt = this.#lastSeen.get(user)
    if (this.#isOnline(user)) return { state: 'online', ...(lastSeenAt && { lastSeenAt }) }
    return {
      state: 'offline',
      ...(lastSeenAt !== undefined && { lastSeenAt }),
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
    this.#note(user, this.#deps.self, now)
    this.#changed([user])
    this.#tell(user)
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

  linked(branch: BranchId) {
    const now = this.#deps.clock.now()
    const seen: Seen[] = []
    for (const [user, at] of this.#lastSeen) {
      const isHere = this.#here.has(user)
      if (!isHere && this.#deps.homeOf(user) !== this.#deps.self) continue
      if (isHere || now - at < SNAPSHOT_MS) {
        seen.push({ user, isOnline: isHere, lastSeenAt: isHere ? now : at })
      }
    }
    for (let i = 0; i < seen.length; i += PEOPLE_PER_SIGNAL) {
      const part = seen.slice(i, i + PEOPLE_PER_SIGNAL)
      this.#deps.send(branch, part.length === 1 ? part[0]?.user : undefined, encodePresence(part))
    }
    this.#changed(this.#deps.peopleOf(branch))
  }

  unlinked(branch: BranchId) {
    // Also who was never seen: what is said of them is as of now, too.
    const touched = new Set(this.#deps.peopleOf(branch))
    for (const [user, branches] of this.#elsewhere) {
      if (!branches.delete(branch)) continue
      this.#note(user, branch, this.#deps.clock.now())
      touched.add(user)
      if (branches.size === 0) this.#elsewhere.delete(user)
    }
    this.#changed([...touched])
  }

  received(branch: BranchId, people: readonly Seen[]) {
    const changed: UserId[] = []
    for (const { user, isOnline, lastSeenAt } of people) {
      if (this.#deps.homeOf(user) === undefined) continue // somebody we have not heard of yet
      const branches = this.#elsewhere.get(user) ?? new Set()
      if (isOnline) this.#elsewhere.set(user, branches.add(branch))
      else if (branches.delete(branch) && branches.size === 0) this.#elsewhere.delete(user)
      // A clock ahead of ours must not make somebody seen in the future.
      this.#note(user, branch, Math.min(lastSeenAt, this.#deps.clock.now()))
      changed.push(user)
    }
    this.#changed(changed)
  }

  #isOnline(user: UserId): boolean {
    return this.#here.has(user) || (this.#elsewhere.get(user)?.size ?? 0) > 0
  }

  async #sweep() {
    const now = this.#deps.clock.now()
    const gone: UserId[] = []
    for (const [user, here] of this.#here) {
      if (here.streams > 0) here.until = now + LEASE_MS
      if (here.until > now) {
        if (now - here.writtenAt < WRITE_MS) continue
        here.writtenAt = now
        this.#note(user, this.#deps.self, now)
        continue
      }
      this.#here.delete(user)
      gone.push(user)
      this.#note(user, this.#deps.self, Math.min(here.until, now))
    }
    for (const user of gone) this.#tell(user)
    if (gone.length > 0) this.#changed(gone)
    await this.#write()
  }

  #note(user: UserId, branch: BranchId, at: Millis) {
    if ((this.#lastSeen.get(user) ?? 0) < at) this.#lastSeen.set(user, at)
    this.#unwritten.set(user, { branch, at })
  }

  /** Many changes share one transaction; it is not an event, so a loss of seconds costs nothing. */
  async #write() {
    if (this.#unwritten.size === 0) return
    const rows = [...this.#unwritten].map(([userId, { branch, at }]) => ({
      userId,
      branchId: branch,
      lastSeenAt: at,
    }))
    this.#unwritten.clear()
    await this.#deps.store.writer.write(async (tx) => {
      for (const row of rows) {
        await tx
          .insertInto('presence')
          .values(row)
          .onConflict((on) =>
            on
              .columns(['userId', 'branchId'])
              .doUpdateSet({ lastSeenAt: row.lastSeenAt })
              .where('presence.lastSeenAt', '<', row.lastSeenAt),
          )
          .execute()
      }
    })
  }

  #tell(user: UserId) {
    const now = this.#deps.clock.now()
    const isOnline = this.#here.has(user)
    const lastSeenAt = isOnline ? now : (this.#lastSeen.get(user) ?? now)
    const body = encodePresence([{ user, isOnline, lastSeenAt }])
    for (const branch of this.#deps.linkedBranches()) this.#deps.send(branch, user, body)
  }

  #changed(users: UserId[]) {
    if (users.length === 0) return
    for (const fn of this.#listeners) fn(users)
  }
}
