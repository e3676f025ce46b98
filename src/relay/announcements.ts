/**
 * Announcements: every five seconds this branch says on its relay's network where it listens, and it hears the others
 * say so. Nothing is ever answered. What is heard is a hint where to call and proves nothing; it is kept in memory for
 * a minute. docs/protocol.md, section 2; why it is as it is: docs/decisions/028-announcements.md.
 */
import type { BranchId, Incarnation } from '../base/ids.ts'
import { MINUTE, type Millis, SECOND } from '../base/units.ts'
import { signerOf, verifierOf } from '../certificates/signing.ts'
import type { Cancel } from '../world/clock.ts'
import type { Address, Datagrams } from '../world/network.ts'
import type { World } from '../world/world.ts'
import { addressText, broadcastOf, isInSubnet } from './addresses.ts'
import {
  type Announcement,
  announcementKey,
  decodeAnnouncement,
  encodeAnnouncement,
  isOfOrganisation,
  isSigned,
} from './announcement.ts'
import type { RelayKeys } from './credentials.ts'
import { type Bucket, take } from './strangers.ts'

export type AnnounceSetting =
  | { kind: 'off' }
  /** The broadcast address of the interface the relay listens at. */
  | { kind: 'interface' }
  | { kind: 'address'; address: Address }

const ANNOUNCE_PORT = 7901
/** A fifth of it more or less by chance: many branches must not speak at once. */
const ANNOUNCE_MS: Millis = 5 * SECOND
/** Twelve announcements missed: what was heard is worth nothing any more. */
const HEARD_MS_MAX: Millis = MINUTE
/** As wrong as a clock may be. A recorded datagram is of no use for longer, after a restart of whoever hears it. */
const SKEW_MS_MAX: Millis = 5 * MINUTE
/** 250 branches announce so often. A member who forges others costs us 5 ms of each second, no more. */
const SIGNATURES_PER_SECOND_MAX = 50
/** The current link key and the one before, as for links. */
const EPOCHS_HEARD = 2
const TOLD_MS: Millis = MINUTE

/** Why a datagram had no effect: counted for the log, told to nobody. */
type Refusal =
  | 'not-ours'
  | 'outside-subnet'
  | 'other-organisation'
  | 'wrong-time'
  | 'replayed'
  | 'unknown-branch'
  | 'too-many'
  | 'not-signed'

type AnnouncementParts = Pick<World, 'clock' | 'random' | 'network' | 'log'> & {
  setting: AnnounceSetting
  self: BranchId
  incarnation: Incarnation
  keys: Pick<RelayKeys, 'findBranchKeys' | 'linkKeys'>
  isRevoked(branch: BranchId): boolean
  /** Where the relay listens now. */
  bound(): Address | undefined
  /** A branch was heard: it may be worth calling. */
  onHeard(branch: BranchId): void
}

export type Heard = { address: string; at: Millis }

/** Where it is announced to, and who is heard there. */
type Place = { to: Address; port: number; cidr: string | undefined }
type OrganisationKey = { epoch: number; key: Uint8Array }
type Known = { signPublicKey: Uint8Array; verify?: ReturnType<typeof verifierOf> }

export class Announcements {
  readonly #parts: AnnouncementParts
  readonly #heard = new Map<BranchId, Heard>()
  /** The newest of each branch, also after it was forgotten: a recorded one must not come back. */
  readonly #newest = new Map<BranchId, Millis>()
  readonly #signatures: Bucket = { tokens: SIGNATURES_PER_SECOND_MAX, at: 0 }
  #known = new Map<BranchId, Known>()
  #keys: OrganisationKey[] = []
  #sign: ReturnType<typeof signerOf> | undefined
  #place: Place | undefined
  #socket: Datagrams | undefined
  #dropped = new Map<Refusal, number>()
  #droppedToldAt: Millis = Number.NEGATIVE_INFINITY
  #twinToldAt: Millis = Number.NEGATIVE_INFINITY
  #failure: string | undefined
  #saidAt: Millis = 0
  #startedAt: Millis = 0
  #cancel: Cancel = () => {}
  #isRunning = false
  #isLooking = false

  constructor(parts: AnnouncementParts) {
    this.#parts = parts
  }

  start(): void {
    const own = this.#parts.keys.findBranchKeys()
    if (this.#parts.setting.kind === 'off' || !own || this.#isRunning) return
    this.#sign = signerOf(own.sign.secretKey)
    this.#known.set(this.#parts.self, { signPublicKey: own.sign.publicKey })
    this.#startedAt = this.#parts.clock.now()
    this.#isRunning = true
    this.look()
  }

  stop(): void {
    this.#isRunning = false
    this.#cancel()
    this.#close()
  }

  /** The relay may listen elsewhere: looks at once and announces. */
  look(): void {
    if (this.#isRunning) this.#schedule(0)
  }

  /** The branches whose word counts. What others said is forgotten. */
  setBranches(branches: readonly { branch: BranchId; signPublicKey: Uint8Array }[]): void {
    const own = this.#known.get(this.#parts.self)
    this.#known = new Map(
      branches.map(({ branch, signPublicKey }) => [branch, { signPublicKey }] as const),
    )
    if (own) this.#known.set(this.#parts.self, own)
    for (const branch of this.#newest.keys()) {
      if (this.#known.has(branch)) continue
      this.#newest.delete(branch)
      this.#heard.delete(branch)
    }
  }

  /** Where a branch said it listens, within the last minute. */
  heardFrom(branch: BranchId): Heard | undefined {
    const heard = this.#heard.get(branch)
    const age = this.#parts.clock.now() - (heard?.at ?? 0)
    if (age >= 0 && age <= HEARD_MS_MAX) return heard // a clock that was set back ends it too
    this.#heard.delete(branch)
    return undefined
  }

  #schedule(ms: Millis): void {
    this.#cancel()
    this.#cancel = this.#parts.clock.after(ms, () => void this.#look())
  }

  async #look(): Promise<void> {
    if (this.#isLooking || !this.#isRunning) return
    this.#isLooking = true
    try {
      // Read here and not per datagram: they lie in a file.
      this.#keys = this.#parts.keys
        .linkKeys()
        .slice(0, EPOCHS_HEARD)
        .map(({ epoch, key }) => ({ epoch, key: announcementKey(key) }))
      const place = this.#wantedPlace()
      if (!isSame(place, this.#place)) this.#close()
      if (place && !this.#socket) await this.#open(place)
      this.#say()
    } catch (error) {
      this.#failed(error)
    }
    this.#isLooking = false
    if (!this.#isRunning) return
    this.#schedule(Math.round(ANNOUNCE_MS * (0.8 + 0.4 * this.#parts.random.chance())))
  }

  /** Undefined while the relay does not listen, while its interface is away, and where there is no broadcast. */
  #wantedPlace(): Place | undefined {
    const { setting, network, bound } = this.#parts
    const relay = bound()
    if (!relay || setting.kind === 'off') return undefined
    const { port } = relay
    const own = network.interfaces().find(({ address }) => address === relay.host)
    const cidr = own?.cidr
    if (setting.kind === 'address') {
      const to = setting.address
      const isEverywhere = relay.host === '0.0.0.0' || relay.host === '::'
      if (!own && !isEverywhere) return undefined
      return { to, port, cidr: cidr && isInSubnet(to.host, cidr) ? cidr : undefined }
    }
    // Servers on loopback know each other's ports already; those of tests and demos must not hear each other.
    const host = cidr === undefined || relay.host.startsWith('127.') ? undefined : broadcastOf(cidr)
    return host === undefined ? undefined : { to: { host, port: ANNOUNCE_PORT }, port, cidr }
  }

  async #open(place: Place): Promise<void> {
    const { network, log } = this.#parts
    const socket = await network.datagrams(place.to, (bytes, from) => this.#take(bytes, from))
    if (!this.#isRunning) return socket.close()
    this.#socket = socket
    this.#place = place
    this.#failure = undefined
    log.info('relay.announcing', { to: addressText(place.to) })
  }

  /** Logged when it is news: it is tried again every five seconds. */
  #failed(error: unknown): void {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    if (this.#failure !== reason) this.#parts.log.warn('relay.announcing-failed', { reason })
    this.#failure = reason
  }

  #close(): void {
    this.#socket?.close()
    this.#socket = undefined
    this.#place = undefined
  }

  #say(): void {
    const [newest] = this.#keys
    const place = this.#place
    if (!place || !newest || !this.#sign) return
    const { self: branch, incarnation, clock } = this.#parts
    this.#saidAt = Math.max(clock.now(), this.#saidAt + 1)
    const { port } = place
    const said = { epoch: newest.epoch, branch, incarnation, port, at: this.#saidAt }
    this.#socket?.send(encodeAnnouncement(said, { sign: this.#sign, key: newest.key }), place.to)
  }

  /** A datagram from anybody. */
  #take(bytes: Uint8Array, from: Address): void {
    if (!this.#isRunning) return
    const said = decodeAnnouncement(bytes)
    const refusal = said ? this.#refusal(said, bytes, from) : 'not-ours'
    if (refusal !== undefined) this.#drop(refusal)
    else if (said) this.#believe(said, from)
  }

  #believe(said: Announcement, from: Address): void {
    const { self, clock, onHeard } = this.#parts
    const address = addressText({ host: from.host, port: said.port })
    this.#newest.set(said.branch, said.at)
    if (said.branch === self) {
      this.#twin(address)
      return
    }
    this.#heard.set(said.branch, { address, at: clock.now() })
    onHeard(said.branch)
  }

  /** In order of cost: what anybody can send is dropped for a comparison or one HMAC. */
  #refusal(said: Announcement, bytes: Uint8Array, from: Address): Refusal | 'own' | undefined {
    const { self, incarnation, clock, isRevoked } = this.#parts
    const { branch, at } = said
    const now = clock.now()
    const cidr = this.#place?.cidr
    if (cidr !== undefined && !isInSubnet(from.host, cidr)) return 'outside-subnet'
    const key = this.#keys.find(({ epoch }) => epoch === said.epoch)?.key
    if (!key || !isOfOrganisation(bytes, key)) return 'other-organisation'
    // Our own come back to us. Another life of ours that speaks after this one began is a copy of this branch.
    if (branch === self && (said.incarnation === incarnation || at <= this.#startedAt)) return 'own'
    if (Math.abs(at - now) > SKEW_MS_MAX) return 'wrong-time'
    const newest = this.#newest.get(branch) ?? 0
    if (at <= newest) return 'replayed'
    const known = this.#known.get(branch)
    if (!known || isRevoked(branch)) return 'unknown-branch'
    const limit = { perSecond: SIGNATURES_PER_SECOND_MAX, most: SIGNATURES_PER_SECOND_MAX }
    if (!take(this.#signatures, { now, ...limit })) return 'too-many'
    known.verify ??= verifierOf(known.signPublicKey)
    return isSigned(bytes, known.verify) ? undefined : 'not-signed'
  }

  /** Somebody else has our keys and speaks now: two servers with one data folder, or a thief. */
  #twin(address: string): void {
    const now = this.#parts.clock.now()
    if (now - this.#twinToldAt < TOLD_MS) return
    this.#twinToldAt = now
    this.#parts.log.warn('relay.twin', { address })
  }

  /** One line a minute, however many came. */
  #drop(refusal: Refusal | 'own'): void {
    if (refusal === 'own') return
    this.#dropped.set(refusal, (this.#dropped.get(refusal) ?? 0) + 1)
    const { clock, log } = this.#parts
    if (clock.now() - this.#droppedToldAt < TOLD_MS) return
    this.#droppedToldAt = clock.now()
    log.warn('relay.announcements-dropped', { count: Object.fromEntries(this.#dropped) })
    this.#dropped = new Map()
  }
}

function isSame(a: Place | undefined, b: Place | undefined): boolean {
  if (!a || !b) return a === b
  return addressText(a.to) === addressText(b.to) && a.port === b.port && a.cidr === b.cidr
}
