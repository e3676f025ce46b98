/** What the relay of a branch is made of. */
import type { BranchId, Incarnation } from '../base/ids.ts'
import type { Store } from '../db/open.ts'
import type { EventLog } from '../eventlog/log.ts'
import type { Address } from '../world/network.ts'
import type { World } from '../world/world.ts'
import type { RelayKeys } from './credentials.ts'
import type { RelayKinds } from './events.ts'
import type { RelaySetting } from './listener.ts'
import type { SpokenSuites } from './peer-suites.ts'
import type { Limits } from './strangers.ts'

export type RelayParts = {
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
  /** A small file held here, by the first 16 bytes of its SHA-256 in hexadecimal. */
  blobOf(file: string): Promise<Uint8Array | undefined>
  isRevoked(branch: BranchId): boolean
  limits?: Limits
  suites: SpokenSuites
}
