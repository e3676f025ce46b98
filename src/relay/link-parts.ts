/** What a link is made of, and whom it tells: relay.ts gives the one and is the other. */
import type { BranchId, Incarnation } from '../base/ids.ts'
import type { LinkCertificate } from '../certificates/certificate.ts'
import type { Db } from '../db/open.ts'
import type { Route } from '../eventlog/log.ts'
import type { Clock } from '../world/clock.ts'
import type { Log } from '../world/log.ts'
import type { Random } from '../world/random.ts'
import type { BlobSource, OnPiece } from './blobs.ts'
import type { ChunkWant } from './chunks.ts'
import type { CloseReason, Frame } from './frames.ts'
import type { Established } from './handshake.ts'
import type { Link } from './link.ts'
import type { Signal } from './payloads.ts'
import type { RelayLog } from './replication.ts'
import type { Suite } from './suites.ts'

type LinkHandlers = {
  /** The peer's SETTINGS came: this link is proved live on both sides. */
  onReady(link: Link): void
  onClosed(link: Link, reason: CloseReason): void
  onSignal(link: Link, signal: Signal): void
  /** RENEW_REQ and RENEW_RES. */
  onRenewal(link: Link, frame: Frame): void
  /** REACH, ACKVEC and HEAD. */
  onCarrying(link: Link, frame: Frame): Promise<void>
  /** Branches that the peer shall carry mail to, now. */
  routesOver(peer: BranchId): readonly Route[]
  /** Mail of this branch was brought by the peer, which is not that branch. */
  onCarried(link: Link, origin: BranchId): void
  /** The peer wants a part of a file that is not here from a branch that it names. */
  pass(link: Link, want: ChunkWant, onPiece: OnPiece): Promise<unknown>
}

export type LinkParts = BlobSource & {
  established: Established
  peer: BranchId
  certificate: LinkCertificate
  /** Of the certificate that the peer was shown. */
  ownSerial: string
  address: string | undefined
  self: BranchId
  incarnation: Incarnation
  release: string
  /** The strongest suite spoken here. */
  strongest: Suite
  eventLog: RelayLog
  read: Db
  clock: Clock
  random: Random
  log: Log
  handlers: LinkHandlers
}
