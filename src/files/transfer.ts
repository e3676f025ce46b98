/**
 * One blob on its way here: its list, then its chunks, from every branch that has them. It says what to ask next and
 * takes what came; when to ask is fetching.ts's business. What is not what its hash says is dropped, and so is whoever
 * gave it.
 */
import { FormatError } from '../base/bytes.ts'
import { AppError } from '../base/errors.ts'
import type { BlobId, BranchId } from '../base/ids.ts'
import { type Millis, SECOND } from '../base/units.ts'
import type { Log } from '../world/log.ts'
import type { BlobParts, KnownBlob } from './blobs.ts'
import { findBlob, hasChunk } from './blobs.ts'
import {
  blobIdOf,
  CHUNKS_MAX,
  chunkCount,
  chunkPlace,
  decodeManifest,
  type Manifest,
} from './manifest.ts'
import { type ArrivingBlob, keepManifest, openArriving } from './receiving.ts'

const LIST_BYTES_MAX = 12 + CHUNKS_MAX * 32
/** Over this time a rate is told. */
const RATE_MS: Millis = 10 * SECOND

/** From whom, and over whose link: as the relay says it. */
export type Way = { holder: BranchId; by: BranchId }

/** What the relay does for files. */
export type FileLinks = {
  waysTo(holder: BranchId): Way[]
  /** The list (index 0) or chunk index - 1; undefined: not there. Rejects when the way is gone, or nothing comes. */
  fetch(
    way: Way,
    part: { file: string; index: number; bytesMax: number },
    onPiece?: (data: Uint8Array) => void,
  ): Promise<Uint8Array | undefined>
  /** What came over a way is not what was asked for. */
  lied(way: Way, blob: string): void
}

/** The list, or the number of a chunk. */
type Part = 'list' | number
export type Job = { way: Way; part: Part }

/** How it ended: `refused` for good, `stuck` when nobody has it now, `full` when the disk is. */
export type Ending = 'here' | 'gone' | 'too-large' | 'no-list' | 'stuck' | 'full'

type TransferParts = BlobParts & {
  links: FileLinks
  /** Bytes a file may have here; what is taken unasked has a limit of its own. */
  sizeMax: number
  /** Bytes that must stay free on the disk. */
  reserve: number
  log: Pick<Log, 'error'>
}

export class Transfer {
  readonly id: BlobId
  readonly #parts: TransferParts
  #arriving: ArrivingBlob | undefined
  #needsList = true
  #missing: number[] = []
  #ways: Way[] = []
  /** Ways that did not have it, or failed, since the ways were told; what began before that tells nothing of them. */
  #spent = new Set<string>()
  readonly #liars = new Set<string>()
  readonly #underWay = new Map<Part, Way>()
  /** Bytes of chunks that are under way. */
  #coming = 0
  #marks: { at: Millis; bytes: number }[] = []
  #ending: Ending | undefined
  #closing: Promise<void> | undefined
  /** What is here of it is being read: before that nobody knows what to ask for. */
  #isBeginning = true
  /** It gets its name: before it has that, and the table knows, it must not begin anew. */
  #isFinishing = false

  constructor(parts: TransferParts, id: BlobId) {
    this.id = id
    this.#parts = parts
  }

  /** Reads what is here of it. */
  async begin(): Promise<void> {
    try {
      await this.#begin()
    } catch (error) {
      this.#failed(error)
      this.#ending ??= 'stuck'
    } finally {
      this.#isBeginning = false
    }
  }

  async #begin(): Promise<void> {
    const blob = await findBlob(this.#parts.store.read, this.id)
    if (!blob) return
    this.#needsList = false
    if (blob.isHere) this.#ending = 'here'
    else if (blob.size > this.#parts.sizeMax) this.#ending = 'too-large'
    else await this.#open()
  }

  async #open(): Promise<void> {
    const { disk, reserve } = this.#parts
    const known = await findBlob(this.#parts.store.read, this.id)
    if (!known) {
      this.#ending = 'gone'
      return
    }
    const left = missingBytes(known)
    if ((await disk.free()) < left + reserve) {
      this.#ending = 'full'
      return
    }
    const arriving = await openArriving(this.#parts, known)
    if (this.#closing) return await arriving?.close() // it was let go of meanwhile
    this.#arriving = arriving
    if (!this.#arriving) this.#ending = 'here'
    this.#missing = this.#arriving?.missing() ?? []
    this.#marks = [{ at: this.#parts.clock.now(), bytes: this.bytes }]
    if (this.#missing.length === 0) await this.#end()
  }

  /** Ways to whoever may hold it, now; those that failed are tried again. */
  setWays(ways: Way[]): void {
    this.#ways = ways
    this.#spent = new Set()
  }

  get underWay(): number {
    return this.#underWay.size
  }

  /** Undefined while it goes on. */
  get ending(): Ending | undefined {
    if (this.#isBeginning || this.#isFinishing) return undefined
    if (this.#ending !== undefined) return this.#ending
    return this.#underWay.size === 0 && this.#usable().length === 0 ? 'stuck' : undefined
  }

  get bytes(): number {
    return (this.#arriving?.bytes ?? 0) + this.#coming
  }

  /** Of the file, as long as it is stored. */
  get size(): number | undefined {
    return this.#arriving?.blob.size
  }

  /** Bytes in a second, lately. */
  get rate(): number {
    const now = this.#parts.clock.now()
    this.#marks = this.#marks.filter(
      ({ at }, i, all) => now - at <= RATE_MS || i === all.length - 1,
    )
    const [first] = this.#marks
    if (!first || now === first.at) return 0
    return Math.round(((this.bytes - first.bytes) * SECOND) / (now - first.at))
  }

  /** What to ask for, if a link has room for it. */
  next(hasRoom: (by: BranchId) => boolean): Job | undefined {
    if (this.#isBeginning || this.#ending !== undefined) return undefined
    const ways = this.#usable().filter(({ by }) => hasRoom(by))
    const [way] = ways.sort((a, b) => this.#load(a) - this.#load(b))
    if (!way) return undefined
    if (this.#needsList) return this.#underWay.has('list') ? undefined : { way, part: 'list' }
    const [part] = this.#missing
    return part === undefined ? undefined : { way, part }
  }

  #load(way: Way): number {
    return [...this.#underWay.values()].filter(({ by }) => by === way.by).length
  }

  /** Own links go before ways over others, which cost two lines. */
  #usable(): Way[] {
    const can = this.#ways.filter((way) => {
      return !this.#spent.has(keyOf(way)) && !this.#liars.has(keyOf(way))
    })
    const direct = can.filter(({ holder, by }) => holder === by)
    return direct.length > 0 ? direct : can
  }

  /** Asks for it and takes what comes. Never rejects. */
  async run({ way, part }: Job, onBytes: () => void): Promise<void> {
    this.#underWay.set(part, way)
    const spent = this.#spent
    if (part !== 'list') this.#missing = this.#missing.filter((each) => each !== part)
    let came = 0
    try {
      const bytes = await this.#ask({ way, part }, (length) => {
        came += length
        this.#coming += length
        onBytes()
      })
      if (bytes === undefined) spent.add(keyOf(way))
      else if (part === 'list') await this.#takeList(way, bytes)
      else await this.#takeChunk(way, { part, bytes })
    } catch (error) {
      this.#failed(error)
      spent.add(keyOf(way))
    } finally {
      this.#coming -= came
      this.#underWay.delete(part)
      this.#note()
    }
    if (typeof part === 'number' && !this.#holds(part)) this.#missing.unshift(part)
    if (this.#arriving?.isWhole && this.#underWay.size === 0) await this.#end()
  }

  #ask({ way, part }: Job, onBytes: (length: number) => void): Promise<Uint8Array | undefined> {
    const { links } = this.#parts
    const file = this.id
    if (part === 'list') {
      return links.fetch(way, { file, index: 0, bytesMax: LIST_BYTES_MAX })
    }
    const blob = this.#arriving?.blob
    if (!blob) return Promise.resolve(undefined)
    const { bytes } = chunkPlace(blob, part)
    return links.fetch(way, { file, index: part + 1, bytesMax: bytes }, (data) =>
      onBytes(data.length),
    )
  }

  async #takeList(way: Way, bytes: Uint8Array): Promise<void> {
    if (blobIdOf(bytes) !== this.id) return this.#lied(way)
    const manifest = manifestOf(bytes)
    if (!manifest) {
      this.#ending = 'no-list' // right by its hash: whoever made the id meant no file
      return
    }
    await keepManifest(this.#parts, this.id, manifest)
    this.#needsList = false
    if (manifest.size > this.#parts.sizeMax) this.#ending = 'too-large'
    else if (this.#ending === undefined) await this.#open()
  }

  async #takeChunk(way: Way, { part, bytes }: { part: number; bytes: Uint8Array }): Promise<void> {
    if (this.#ending !== undefined) return
    const { disk, reserve } = this.#parts
    // Others write to the same disk: files that come beside this one, uploads, the database.
    if ((await disk.free()) - bytes.length < reserve) {
      this.#ending = 'full'
      return
    }
    const isRight = await this.#arriving?.put(part, bytes)
    if (isRight === false) this.#lied(way)
  }

  #lied(way: Way): void {
    this.#liars.add(keyOf(way))
    this.#parts.links.lied(way, this.id)
  }

  #holds(part: number): boolean {
    return this.#arriving?.has(part) === true
  }

  #note(): void {
    const now = this.#parts.clock.now()
    const last = this.#marks.at(-1)
    if (!last || now - last.at >= SECOND / 2) this.#marks.push({ at: now, bytes: this.bytes })
  }

  async #end(): Promise<void> {
    if (this.#ending !== undefined || !this.#arriving) return
    const arriving = this.#arriving
    this.#ending = 'here' // nothing more is asked for
    this.#isFinishing = true
    try {
      if (!(await arriving.finish())) this.#ending = 'gone'
    } catch (error) {
      this.#ending = undefined
      this.#failed(error)
      this.#ending ??= 'stuck'
    } finally {
      this.#isFinishing = false
    }
  }

  /** A way that is gone is nothing to tell; a disk or a table that fails is. */
  #failed(error: unknown): void {
    if (isFull(error)) this.#ending ??= 'full'
    else if (!(error instanceof AppError)) {
      this.#parts.log.error('files.fetch.failed', { blob: this.id, cause: error })
    }
  }

  /** Lets go of the file: what has come stays. */
  close(): Promise<void> {
    this.#ending ??= 'stuck'
    this.#closing ??= this.#arriving?.close() ?? Promise.resolve()
    return this.#closing
  }
}

/** Of a file with holes its length says nothing. */
function missingBytes(blob: KnownBlob): number {
  let bytes = 0
  for (let index = 0; index < chunkCount(blob); index++) {
    if (!blob.have || !hasChunk(blob.have, index)) bytes += chunkPlace(blob, index).bytes
  }
  return bytes
}

function keyOf({ holder, by }: Way): string {
  return `${holder} ${by}`
}

function manifestOf(bytes: Uint8Array): Manifest | undefined {
  try {
    return decodeManifest(bytes)
  } catch (error) {
    if (error instanceof FormatError) return undefined
    throw error
  }
}

function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^(ENOSPC|EDQUOT)$/.test(String(error.code))
}
