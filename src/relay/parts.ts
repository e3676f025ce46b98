/** What the relay of a branch is made of, and what it is to others. */
import type { BranchId, Incarnation } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import type { ClockProblem } from '../certificates/dates.ts'
import type { Store } from '../db/open.ts'
import type { EventLog } from '../eventlog/log.ts'
import type { Cancel } from '../world/clock.ts'
import type { Address } from '../world/network.ts'
import type { World } from '../world/world.ts'
import type { AnnounceSetting } from './announcements.ts'
import type { Authority } from './authority.ts'
import type { BlobSource } from './blobs.ts'
import type { RelayKeys } from './credentials.ts'
import type { RelayKinds } from './events.ts'
import type { FileWays } from './file-ways.ts'
import type { Wish } from './join.ts'
import type { ListenerState, RelaySetting } from './listener.ts'
import type { Signal } from './payloads.ts'
import type { SpokenSuites } from './peer-suites.ts'
import type { LinkState } from './states.ts'
import type { Limits } from './strangers.ts'

export type RelayParts = BlobSource & {
  world: Pick<World, 'clock' | 'random' | 'network' | 'log'>
  store: Pick<Store, 'read' | 'writer'>
  eventLog: EventLog
  kinds: RelayKinds
  keys: RelayKeys
  self: BranchId
  /** The one the event log was built with. */
  incarnation: Incarnation
  release: string
  setting: RelaySetting
  /** Static addresses of the settings. */
  peers: readonly Address[]
  /** Parts of files between two other branches are passed on. */
  passesOn: boolean
  isRevoked(branch: BranchId): boolean
  limits?: Limits
  suites: SpokenSuites
  announce: AnnounceSetting
}

/** What the rest of the program sees of it. */
export type Relay = {
  /** Listens and calls. Throws when this branch has no certificate or keys. */
  start(): Promise<void>
  /** Says goodbye to all peers. */
  stop(): Promise<void>
  links(): LinkState[]
  /** What is wrong with our own clock or certificate, as far as can be seen from here. */
  clockProblem(): ClockProblem | undefined
  listening(): ListenerState
  onLinks(fn: (links: LinkState[]) => void): Cancel
  /** False: there is no link, and the signal is forgotten. */
  sendSignal(branch: BranchId, signal: Signal): boolean
  onSignal(fn: (branch: BranchId, signal: Signal) => void): Cancel
  /** A small file of another branch by its SHA-256 in hexadecimal, checked; undefined: it is not there. */
  fetchBlob(branch: BranchId, sha256: string): Promise<Uint8Array | undefined>
  /** Parts of large files. */
  files: Pick<FileWays, 'waysTo' | 'fetch' | 'lied'>
  createInvitation(wish: Wish): Promise<{ line: string; expiresAt: Millis }>
  /** Certificates and keys. Throws unavailable while the relay does not run. */
  authority(): Authority
  /** An operator's word: a branch went back to a release that lacks the suite it has shown. */
  forgetSuite(branch: BranchId): Promise<void>
  /** Cuts the line, as far as this branch goes: links die, nobody is let in or called until it is up again. */
  setCut(isCut: boolean): void
}
