/**
 * The relay of one branch: listens and calls, keeps one link per peer, replicates the event log over it and carries
 * signals and small files. Everything above it sees links as states and branches by id; it knows nothing of people or
 * messages. Read docs/protocol.md first, then link.ts and session.ts.
 */
import { AppError } from '../base/errors.ts'
import { millisOf } from '../base/hlc.ts'
import type { BranchId } from '../base/ids.ts'
import { MINUTE, type Millis } from '../base/units.ts'
import type { ClockProblem, TimeKnown } from '../certificates/dates.ts'
import type { LoggedEvent } from '../eventlog/events.ts'
import { type Cancel, every } from '../world/clock.ts'
import { addressText } from './addresses.ts'
import { Announcements } from './announcements.ts'
import { Authority } from './authority.ts'
import { fetchChecked } from './blobs.ts'
import { Callers } from './callers.ts'
import { type Call, called } from './calls.ts'
import { Carrying } from './carrying.ts'
import { Chores } from './chores.ts'
import { type CredentialStore, loadCredentials } from './credentials.ts'
import { Dialer } from './dialer.ts'
import { isIdentityEvent, tellAddresses } from './events.ts'
import { FileWays } from './file-ways.ts'
import type { CloseReason } from './frames.ts'
import type { Established } from './handshake.ts'
import { Issuers } from './issuers.ts'
import { invite, type Wish } from './join.ts'
import { Link } from './link.ts'
import { LinkKeys } from './link-keys.ts'
import { isInnocent, Links, wasFault } from './links.ts'
import { Listener, type ListenerState } from './listener.ts'
import { MailedRenewals } from './mailed-renewals.ts'
import type { Relay, RelayParts } from './parts.ts'
import type { Signal } from './payloads.ts'
import { PeerSuites } from './peer-suites.ts'
import {
  markAllLost,
  markHeard,
  markLost,
  type Peer,
  peersOf,
  pinAddress,
  replaceSettingAddresses,
  staticAddresses,
} from './peers.ts'
import { Renewals } from './renewals.ts'
import { type LinkState, linkState, reasonOf } from './states.ts'
import { Troubles } from './troubles.ts'

/** Certificates, ages of links, and the time each peer was heard. */
const CARE_MS: Millis = MINUTE

/** Builds the relay; nothing happens before `start`. */
export function createRelay(parts: RelayParts): Relay {
  return new BranchRelay(parts)
}

/** What exists between start and stop. */
type Running = {
  credentials: CredentialStore
  renewals: Renewals
  linkKeys: LinkKeys
  authority: Authority
  callers: Callers
}

class BranchRelay implements Relay {
  readonly #linkListeners = new Set<(links: LinkState[]) => void>()
  readonly #signalListeners = new Set<(branch: BranchId, signal: Signal) => void>()
  readonly #parts: RelayParts
  readonly #links: Links
  readonly #listener: Listener
  readonly #dialer: Dialer
  readonly #carrying: Carrying
  readonly #suites: PeerSuites
  readonly #announcements: Announcements
  readonly #troubles: Troubles
  readonly files: FileWays
  /** Who waits for a link to be proved live: the call that made it. */
  readonly #waiting = new Map<Link, { resolve(): void; reject(error: unknown): void }>()
  readonly #stops: Cancel[] = []
  readonly #chores: Chores
  #peers: Peer[] = []
  #running: Running | undefined
  #isCut = false

  constructor(parts: RelayParts) {
    this.#parts = parts
    const { clock, random, network, log } = parts.world
    this.#chores = new Chores((error) => {
      if (this.#running) log.error('relay.table-failed', { cause: error })
    })
    this.#links = new Links(parts.self)
    this.#carrying = new Carrying({
      ...parts,
      ...parts.world,
      live: () => this.#links.live(),
      branches: () => this.#peers.filter(({ isActive }) => isActive),
      onRoutes: () => this.#tellLinks(),
      chores: this.#chores,
    })
    this.#suites = new PeerSuites({ spoken: parts.suites, store: parts.store, clock })
    this.#listener = new Listener({
      setting: parts.setting,
      network,
      clock,
      log,
      onTransport: (transport) => {
        if (this.#isCut || !this.#running) transport.close(true)
        else void this.#running.callers.take(transport)
      },
      onBound: (isMoved) => this.#bound(isMoved),
    })
    this.#announcements = new Announcements({
      ...{ ...parts, ...parts.world, setting: parts.announce },
      bound: () => this.#listener.bound,
      onHeard: (branch) => this.#dialer.announced(branch),
    })
    this.#dialer = new Dialer({
      clock,
      random,
      call: (call) => this.#call(call),
      isLinked: (branch) => this.#links.find(branch) !== undefined,
      hintOf: (branch) => this.#announcements.heardFrom(branch)?.address,
      onFailed: (branch, address, error) => {
        this.#troubles.callFailed(branch, error)
        log.debug('relay.call.failed', { address, reason: reasonOf(error) })
      },
    })
    this.#troubles = new Troubles({ log, known: () => this.#timeKnown() })
    this.files = new FileWays({
      ...{ links: this.#links, log, passesOn: parts.passesOn, troubles: this.#troubles },
      seeing: (branch) => this.#carrying.seeing(branch),
    })
  }

  async start(): Promise<void> {
    const { store, self, keys, world, peers, eventLog, isRevoked } = this.#parts
    const { clock, log } = world
    const credentials = await loadCredentials({ read: store.read, self, keys, clock, isRevoked })
    await this.#suites.load(store.read)
    const { append } = eventLog
    const shared = { ...this.#parts, ...world, append, credentials, suites: this.#suites }
    const renewals = new Renewals(shared)
    const linkKeys = new LinkKeys(shared)
    const mailed = new MailedRenewals({ ...shared, renewals })
    const trusted = { ...shared, renewals, linkKeys, links: this.#links, chores: this.#chores }
    const authority = new Authority({
      ...{ ...trusted, issuers: new Issuers(shared), mailed },
      replace: (link) => this.#replace(link),
    })
    const callers = new Callers({
      ...trusted,
      onLink: (established) => void this.#open(established, undefined),
      onRefused: (refused) => this.#troubles.turnedAway(refused),
    })
    this.#running = { credentials, renewals, linkKeys, authority, callers }
    await store.writer.write(async (tx) => {
      await markAllLost(tx)
      await replaceSettingAddresses(tx, peers.map(addressText))
    })
    this.#stops.push(
      eventLog.onUrgent((places) => {
        for (const link of this.#links.all()) link.urgent(places)
      }),
      eventLog.onGrown((feeds) => {
        for (const link of this.#links.all()) link.grown(feeds)
      }),
      eventLog.onCommitted((events) => this.#committed(events)),
      every(
        clock,
        CARE_MS,
        () => this.#care(),
        (error) => log.error('relay.care-failed', { cause: error }),
      ),
    )
    await this.#refresh()
    this.#troubles.tellOwn()
    await authority.care()
    await this.#listener.start()
    this.#carrying.start()
    if (this.#isCut) return
    this.#dialer.start()
    this.#announcements.start()
  }

  async stop(): Promise<void> {
    for (const cancel of this.#stops.splice(0)) cancel()
    this.#carrying.stop()
    this.#dialer.stop()
    this.#announcements.stop()
    this.#listener.stop()
    this.#running?.callers.dropAll()
    for (const link of this.#links.all()) link.close('bye')
    this.#running = undefined
    await this.#chores.settled()
  }

  links(): LinkState[] {
    return this.#peers
      .filter(({ isActive }) => isActive)
      .map((peer) => {
        const { branch } = peer
        return linkState(peer, this.#links.find(branch), {
          trouble: this.#troubles.of(branch),
          over: this.#carrying.seeing(branch),
          announced: this.#announcements.heardFrom(branch),
        })
      })
  }

  clockProblem(): ClockProblem | undefined {
    return this.#troubles.own
  }

  #timeKnown(): TimeKnown | undefined {
    const own = this.#running?.credentials.current()
    if (!own) return undefined
    const latest = millisOf(this.#parts.eventLog.now())
    const offsets = this.#links.live().flatMap(({ clockOffsetMs }) => clockOffsetMs ?? [])
    return { now: own.trust.now, own: own.chain, latest, offsets }
  }

  listening(): ListenerState {
    return this.#listener.state
  }

  onLinks(fn: (links: LinkState[]) => void): Cancel {
    return added(this.#linkListeners, fn)
  }

  onSignal(fn: (branch: BranchId, signal: Signal) => void): Cancel {
    return added(this.#signalListeners, fn)
  }

  sendSignal(branch: BranchId, signal: Signal): boolean {
    const link = this.#links.find(branch)
    link?.sendSignal(signal)
    return link !== undefined
  }

  async fetchBlob(branch: BranchId, sha256: string): Promise<Uint8Array | undefined> {
    const link = this.#links.find(branch)
    if (!link) throw new AppError('unavailable', 'Cannot fetch a file: its branch is not linked')
    return await fetchChecked(link, sha256, this.#parts.world.log)
  }

  createInvitation(wish: Wish): Promise<{ line: string; expiresAt: Millis }> {
    const { chain } = this.#runningOrThrow().credentials.current()
    return invite({ ...this.#parts, chain, addresses: this.#listener.addresses }, wish)
  }

  authority(): Authority {
    return this.#runningOrThrow().authority
  }

  forgetSuite(branch: BranchId): Promise<void> {
    return this.#suites.forget(branch)
  }

  setCut(isCut: boolean): void {
    if (isCut === this.#isCut) return
    this.#isCut = isCut
    if (!isCut) {
      if (!this.#running) return
      this.#dialer.start()
      this.#announcements.start()
      return
    }
    this.#dialer.stop()
    this.#announcements.stop()
    this.#running?.callers.dropAll()
    for (const link of this.#links.all()) link.cut()
  }

  #runningOrThrow(): Running {
    if (!this.#running) throw new AppError('unavailable', 'The relay is not running')
    return this.#running
  }

  async #call(call: Call): Promise<void> {
    const running = this.#runningOrThrow()
    const with_ = { ...this.#parts.world, ...running, suites: this.#suites }
    const established = await called(call, with_)
    await this.#open(established, call.address)
  }

  /** A link after its handshake; resolves when the peer has proved it live, rejects when it ends before. */
  #open(established: Established, address: string | undefined): Promise<void> {
    const { peer, transport } = established
    if (!peer || this.#isCut || !this.#running || this.#parts.isRevoked(peer.link.branch)) {
      transport.close(true)
      return Promise.reject(new AppError('unavailable', 'The line is down'))
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const link = new Link({
      ...this.#parts,
      ...this.#parts.world,
      read: this.#parts.store.read,
      established,
      peer: peer.link.branch,
      certificate: peer.link,
      ownSerial: this.#running.credentials.current().chain.link.serial,
      address: address ?? transport.remote,
      strongest: this.#suites.strongest,
      handlers: {
        onReady: (ready) => this.#ready(ready, address),
        onClosed: (closed, reason) => this.#closed(closed, reason),
        onSignal: (from, signal) => {
          for (const fn of this.#signalListeners) fn(from.peer, signal)
        },
        onRenewal: (asking, frame) =>
          this.#chores.run(async () => await this.#running?.renewals.received(asking, frame)),
        onCarrying: (from, frame) => this.#carrying.received(from, frame),
        routesOver: (peer) => this.#carrying.routesOver(peer),
        onCarried: (by, origin) => this.#carrying.carried(by, origin),
        pass: (from, want, onPiece) => this.files.pass(from.peer, want, onPiece),
      },
    })
    this.#waiting.set(link, { resolve, reject })
    promise.catch(() => {}) // an accepted link has nobody who waits
    this.#links.add(link)
    link.start()
    return promise
  }

  #ready(link: Link, dialledAddress: string | undefined): void {
    const { store, world } = this.#parts
    const { peer, suite, shownSuite } = link
    this.#chores.run(() => this.#suites.show(peer, shownSuite))
    if (!this.#suites.maySpeak(suite, peer)) {
      // Nothing but SETTINGS and lists of feeds has crossed it; the next call takes the stronger suite.
      this.#chores.run(() => this.#pin(dialledAddress, peer))
      link.close('suite-too-low')
      return
    }
    this.#waiting.get(link)?.resolve()
    this.#waiting.delete(link)
    if (!this.#links.ready(link)) return
    this.#dialer.met(peer)
    this.#troubles.met(peer)
    const { isInitiator, address } = link
    world.log.info('relay.link.opened', { peer, address, isInitiator, suite })
    this.#chores.run(async () => {
      await store.writer.write((tx) => markHeard(tx, [peer], world.clock.now()))
      await this.#pin(dialledAddress, peer)
      await this.#carrying.met(link)
    })
    this.#tellLinks()
  }

  /** Notes who answers at an address, and reads the tables anew. */
  async #pin(address: string | undefined, peer: BranchId): Promise<void> {
    const { writer } = this.#parts.store
    if (address) await writer.write((tx) => pinAddress(tx, address, peer))
    await this.#refresh()
  }

  #closed(link: Link, reason: CloseReason): void {
    const { store, world } = this.#parts
    const waiting = this.#waiting.get(link)
    // Nothing is said to who is not let in: a call that ends before a word of the other side is told as that.
    const why = waiting && link.isInitiator && reason === 'timeout' ? 'not-let-in' : reason
    if (why === 'not-let-in') this.#troubles.ended(link.peer, why)
    waiting?.reject(new Error(why))
    this.#waiting.delete(link)
    if (!this.#links.closed(link)) return
    this.#carrying.lost(link.peer)
    const now = world.clock.now()
    if (!isInnocent(reason)) this.#troubles.ended(link.peer, reason)
    const isFault = wasFault(reason, now - link.openedAt)
    this.#dialer.lost(link.peer, { after: link.retryAfter, isFault })
    this.#chores.run(async () => {
      await store.writer.write((tx) => markLost(tx, link.peer, now))
      await this.#refresh()
    })
    // Who is told below asks since when, and the table is not read again before that.
    const lost = { heardAt: now, lostAt: now }
    this.#peers = this.#peers.map((peer) =>
      peer.branch === link.peer ? { ...peer, ...lost } : peer,
    )
    this.#tellLinks()
  }

  #tellLinks(): void {
    const states = this.links()
    for (const fn of this.#linkListeners) fn(states)
  }

  #committed(events: readonly LoggedEvent[]): void {
    if (events.some(isIdentityEvent)) {
      for (const link of this.#links.live()) link.identities()
    }
    this.#running?.authority.committed(events)
    const { branchIdentity, branchAddress, branchRevoke } = this.#parts.kinds
    const concerns = [branchIdentity.name, branchAddress.name, branchRevoke.name]
    if (events.some(({ kind }) => concerns.includes(kind))) {
      this.#chores.run(async () => {
        await this.#refresh()
        this.#tellLinks()
      })
    }
  }

  /** Reads branches and addresses anew: whom to call, and what to show. */
  async #refresh(): Promise<void> {
    const { store, self } = this.#parts
    this.#peers = await peersOf(store.read, self)
    const active = this.#peers.filter(({ isActive }) => isActive)
    this.#announcements.setBranches(active)
    this.#dialer.setTargets(active, await staticAddresses(store.read))
  }

  /** The relay listens elsewhere now. Links over the old address are dead, and nobody else would say so for 45 s. */
  #bound(isMoved: boolean): void {
    if (isMoved) {
      for (const link of this.#links.all()) link.cut()
      if (!this.#isCut) this.#dialer.start()
    }
    this.#announcements.look()
    this.#chores.run(() => tellAddresses(this.#parts, this.#listener.addresses))
  }

  /** Once a minute: certificates, link keys, old links, and when each peer was heard. */
  async #care(): Promise<void> {
    const { store, world } = this.#parts
    this.#troubles.tellOwn()
    await this.#runningOrThrow().authority.care()
    const now = world.clock.now()
    const heard = this.#links.live().map(({ peer }) => peer)
    if (heard.length > 0) await store.writer.write((tx) => markHeard(tx, heard, now))
  }

  #replace({ peer, address }: Link): void {
    const { log } = this.#parts.world
    if (address === undefined) return
    this.#call({ address, branch: peer, round: 0 }).catch((error) => {
      log.warn('relay.link.not-replaced', { peer, reason: reasonOf(error) })
    })
  }
}

function added<Fn>(listeners: Set<Fn>, fn: Fn): Cancel {
  listeners.add(fn)
  return () => void listeners.delete(fn)
}
