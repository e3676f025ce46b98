/** What the log needs from outside. Cryptography comes as functions: keys and their files belong to certificates/. */
import type { BranchId, Incarnation } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import type { Db, Store } from '../db/open.ts'
import type { Clock } from '../world/clock.ts'
import type { Log } from '../world/log.ts'
import type { Random } from '../world/random.ts'
import type { Append, EventKind, Forward } from './events.ts'

/** Signs bytes in a domain such as `batch/1`. */
export type Sign = (domain: string, bytes: Uint8Array) => Uint8Array
/** Whether a signature over bytes in a domain is right; never throws. */
export type Verify = (domain: string, bytes: Uint8Array, signature: Uint8Array) => boolean

export type LogParts = {
  store: Store
  /** This branch. Its own row must stand in table `branch` before the first event. */
  self: BranchId
  /** 8 bytes drawn at this start of the process: no seq of a feed can ever be written twice. */
  incarnation: Incarnation
  sign: Sign
  verifierOf(signPublicKey: Uint8Array): Verify
  /** Seals a feed key (32 B) to a branch's box key: 80 B. */
  sealKey(boxPublicKey: Uint8Array, feedKey: Uint8Array): Uint8Array
  /** Opens what was sealed to this branch's box key; undefined when it was not. */
  openKey(sealed: Uint8Array): Uint8Array | undefined
  clock: Clock
  random: Random
  log: Log
  /** Mail of others that is kept for them, in bytes; 0: none is carried. */
  carryBytesMax: number
  /**
   * Something of ours came back, written at `writtenAt`: this database is older than what others hold. In that
   * transaction; what was written before the last call belongs to the same loss.
   */
  rolledBack(tx: Db, writtenAt: Millis): Promise<void>
  /** Given the log's own `append` and `forward`: some events make a branch write others in the same transaction. */
  kinds(append: Append, forward: Forward): readonly EventKind<unknown>[]
}
