/**
 * Parts of large files between branches: over which link they come, also from a branch that we have no link with, and
 * what is passed on between two others. Nothing of it is kept: whoever asks keeps what has come, and asks again for the
 * rest. docs/protocol.md, section 12; docs/decisions/045-chunks.md.
 */
import { AppError } from '../base/errors.ts'
import type { BranchId } from '../base/ids.ts'
import type { Log } from '../world/log.ts'
import { CHUNK_BYTES_MAX, type Fetch, type OnPiece, SMALL_BYTES_MAX } from './blobs.ts'
import { type ChunkWant, WHOLE } from './chunks.ts'
import type { Links } from './links.ts'
import type { Troubles } from './troubles.ts'

/** As ways of mail (carriers.ts): two branches that lead to each other would pass a want to and fro. */
const HOPS_MAX = 4

/** From whom, and over which link. */
export type Way = { holder: BranchId; by: BranchId }

type FileWaysParts = {
  links: Pick<Links, 'find'>
  /** Who carries to a branch that has no link, and sees it. */
  seeing(branch: BranchId): BranchId[]
  passesOn: boolean
  troubles: Pick<Troubles, 'lied'>
  log: Log
}

export class FileWays {
  readonly #parts: FileWaysParts

  constructor(parts: FileWaysParts) {
    this.#parts = parts
  }

  /** Ways to a branch, now: its own link, else by whoever sees it. */
  waysTo(holder: BranchId): Way[] {
    const by = this.#parts.links.find(holder) ? [holder] : this.#parts.seeing(holder)
    return by.filter((peer) => this.#linkTo(peer)).map((peer) => ({ holder, by: peer }))
  }

  /** The list of a blob (index 0), or a chunk, unchecked; undefined: it is not there. Rejects when the way is gone. */
  async fetch(
    { holder, by }: Way,
    part: Pick<Fetch, 'file' | 'index' | 'bytesMax'>,
    onPiece?: OnPiece,
  ): Promise<Uint8Array | undefined> {
    const link = this.#linkTo(by)
    if (!link) throw new AppError('unavailable', 'Cannot fetch a file: there is no way to it')
    const pass = by === holder ? undefined : { holder, hops: HOPS_MAX }
    return await link.fetchBlob({ ...part, pass }, onPiece)
  }

  /** What came over a way is not what its hash says. */
  lied({ holder, by }: Way, blob: string): void {
    this.#parts.log.warn('relay.chunk.wrong', { peer: by, holder, blob })
    this.#parts.troubles.lied(by)
  }

  /** A peer wants of another branch what is not here. */
  async pass(peer: BranchId, want: ChunkWant, onPiece: OnPiece): Promise<unknown> {
    const { file, index, pass } = want
    if (!pass || !this.#parts.passesOn) return undefined
    const { holder, hops } = pass
    const [way] = this.waysTo(holder).filter(({ by }) => by !== peer)
    const link = way && this.#linkTo(way.by)
    const left = Math.min(hops, HOPS_MAX) - 1
    if (!link || (link.peer !== holder && left < 1)) return undefined
    const bytesMax = index === WHOLE ? SMALL_BYTES_MAX : CHUNK_BYTES_MAX
    const further = link.peer === holder ? undefined : { holder, hops: left }
    return await link.fetchBlob({ file, index, bytesMax, pass: further }, onPiece)
  }

  #linkTo(peer: BranchId) {
    const link = this.#parts.links.find(peer)
    return link?.hasFiles ? link : undefined
  }
}
