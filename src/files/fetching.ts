/**
 * Files of other branches: what is fetched when, and what is told of it. Small ones come with their message, larger
 * ones when somebody opens them, or by themselves in hours of the settings. What is missing is a query, so it goes on
 * after a cut and after a restart; memory holds what is under way and what failed lately. docs/decisions/045-chunks.md.
 */
import type { BlobId, BranchId } from '../base/ids.ts'
import { HOUR, MINUTE, type Millis, SECOND } from '../base/units.ts'
import { type Cancel, type Clock, every } from '../world/clock.ts'
import type { Log } from '../world/log.ts'
import { type BlobParts, RESERVE_BYTES } from './blobs.ts'
import {
  holdersOf,
  isWanted,
  missingBlobs,
  SMALL_BYTES_MAX,
  type Wanted,
  type Why,
} from './holders.ts'
import { type Ending, type FileLinks, type Job, Transfer } from './transfer.ts'

/** At once, of each kind: they share the links. */
const ACTIVE_MAX: Readonly<Record<Why, number>> = { small: 6, opened: 4, ahead: 1 }
/** Under way on one link: enough for a fast line with a long way, little enough to be lost with it. */
const PARTS_PER_LINK_MAX = 4
/** Nobody has it: tried again after this time, doubled each time; a new link ends the wait. A full disk: always so. */
const REST_MS_MIN: Millis = 30 * SECOND
const REST_MS_MAX: Millis = 10 * MINUTE
/** Of those whose wait is remembered; of more, some are asked for too soon. */
const RESTING_MAX = 10_000
const LOOK_MS: Millis = 15 * SECOND
/** Read at a time, past those that rest. */
const PAGE = 200
const PAGES_MAX = 20
/** Pages are told of one file so often at most. */
const TOLD_MS: Millis = SECOND / 2
const FULL_TOLD_MS: Millis = HOUR

/** What is under way, or waits for a line or for room; of all else the table knows the state. */
export type FetchState = {
  state: 'arriving' | 'waiting'
  /** 0 to 99: at 100 it is here. */
  percent: number
  bytesPerSecond: number
  isDiskFull: boolean
}

export type Fetching = {
  /** Goes on with what was under way. */
  start(): void
  /** Messages came: what is small among their files is fetched. */
  look(): void
  /** Somebody opened it: it is fetched, however large it is and however long that takes. */
  want(blob: BlobId): Promise<void>
  stateOf(blob: BlobId): FetchState | undefined
  /** How many files wait for room on the disk. */
  waitingForRoom(): number
  /** Some of it has come, all of it, or it waits now; at most twice a second for one blob, and when it is here. */
  onProgress(fn: (blob: BlobId) => void): Cancel
  /** Lets go of everything; what has come stays. */
  stop(): Promise<void>
}

type FetchingParts = BlobParts & {
  clock: Clock
  self: BranchId
  log: Log
  links: FileLinks
  /** Runs when branches came within reach, or went. */
  onLinks(fn: () => void): Cancel
  /** Bytes of the largest file that is taken here. */
  sizeMax(): number
  /** Whether larger files come by themselves now. */
  isAhead(now: Millis): boolean
}

type Active = {
  transfer: Transfer
  why: Why
  toldAt: Millis
  telling: Cancel | undefined
  /** How often links had changed when its ways were looked for. */
  linksAt: number
}
type Resting = { until: Millis; restMs: Millis; isDiskFull: boolean }

/** Builds it; nothing is fetched before `start`. */
export function createFetching(parts: FetchingParts): Fetching {
  const fetching = new BranchFetching(parts)
  return {
    start: () => fetching.start(),
    look: () => fetching.look(),
    want: (blob) => fetching.want(blob),
    stateOf: (blob) => fetching.stateOf(blob),
    waitingForRoom: () => fetching.waitingForRoom(),
    onProgress: (fn) => fetching.onProgress(fn),
    stop: () => fetching.stop(),
  }
}

class BranchFetching implements Fetching {
  readonly #parts: FetchingParts
  /** In the order in which they are served next. */
  readonly #active = new Map<BlobId, Active>()
  readonly #resting = new Map<BlobId, Resting>()
  readonly #onLink = new Map<BranchId, number>()
  readonly #listeners = new Set<(blob: BlobId) => void>()
  readonly #stops: Cancel[] = []
  readonly #work = new Set<Promise<void>>()
  #looking: Promise<void> | undefined
  #isAsked = false
  /** How often links have changed. */
  #links = 0
  #isStopped = false
  #fullToldAt: Millis = Number.NEGATIVE_INFINITY

  constructor(parts: FetchingParts) {
    this.#parts = parts
  }

  start(): void {
    const { clock } = this.#parts
    this.#stops.push(
      this.#parts.onLinks(() => this.#do(() => this.#linksChanged())),
      every(
        clock,
        LOOK_MS,
        () => this.look(),
        (error) => this.#failed(error),
      ),
    )
    this.look()
  }

  async want(blob: BlobId): Promise<void> {
    const { store, clock } = this.#parts
    if (await isWanted(store.read, blob)) return this.look()
    await store.writer.write((tx) =>
      tx
        .updateTable('blob')
        .set((eb) => ({
          wantedAt: eb.fn.coalesce('wantedAt', eb.val(clock.now())),
          refused: null,
        }))
        .where('id', '=', blob)
        .where('state', '!=', 'here')
        .execute(),
    )
    this.#resting.delete(blob)
    this.look()
  }

  stateOf(blob: BlobId): FetchState | undefined {
    const active = this.#active.get(blob)
    const resting = this.#resting.get(blob)
    if (!active && !resting) return undefined
    const { bytes = 0, size = 0, rate = 0 } = active?.transfer ?? {}
    return {
      state: active && active.transfer.underWay > 0 ? 'arriving' : 'waiting',
      percent: size > 0 ? Math.min(99, Math.floor((bytes * 100) / size)) : 0,
      bytesPerSecond: rate,
      isDiskFull: resting?.isDiskFull ?? false,
    }
  }

  waitingForRoom(): number {
    const now = this.#parts.clock.now()
    const isWaiting = ([id, { isDiskFull, until }]: [BlobId, Resting]) =>
      // What nobody asks for any more is not tried again when its rest is over.
      isDiskFull && now < until + 2 * LOOK_MS && !this.#active.get(id)?.transfer.underWay
    return [...this.#resting].filter(isWaiting).length
  }

  onProgress(fn: (blob: BlobId) => void): Cancel {
    this.#listeners.add(fn)
    return () => void this.#listeners.delete(fn)
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    for (const cancel of this.#stops.splice(0)) cancel()
    await this.#looking
    for (const { telling } of this.#active.values()) telling?.()
    await Promise.allSettled([...this.#active.values()].map(({ transfer }) => transfer.close()))
  }

  look(): void {
    this.#isAsked = true
    this.#looking ??= this.#lookAgain()
      .catch((error) => this.#failed(error))
      .finally(() => {
        this.#looking = undefined
      })
  }

  async #lookAgain(): Promise<void> {
    while (this.#isAsked && !this.#isStopped) {
      this.#isAsked = false
      await this.#fill('small')
      await this.#fill('opened')
      if (this.#parts.isAhead(this.#parts.clock.now())) await this.#fill('ahead')
      this.#pump()
    }
  }

  /** Begins what is missing, as far as there is room. */
  async #fill(why: Why): Promise<void> {
    for (let page = 0; page < PAGES_MAX && this.#room(why) > 0; page++) {
      const range = { offset: page * PAGE, limit: PAGE }
      const found = await missingBlobs(this.#parts.store.read, why, range)
      for (const wanted of found) {
        if (this.#isStopped || this.#room(why) <= 0) return
        if (!this.#active.has(wanted.id) && !this.#isResting(wanted.id)) {
          await this.#begin(wanted, why)
        }
      }
      if (found.length < PAGE) return
    }
  }

  #room(why: Why): number {
    return ACTIVE_MAX[why] - [...this.#active.values()].filter((each) => each.why === why).length
  }

  #isResting(blob: BlobId): boolean {
    const resting = this.#resting.get(blob)
    return resting !== undefined && resting.until > this.#parts.clock.now()
  }

  async #begin({ id, wantedAt }: Wanted, why: Why): Promise<void> {
    const { sizeMax } = this.#parts
    const transfer = new Transfer(
      {
        ...this.#parts,
        // A small one whose list says that it is large is not what was meant to come unasked.
        sizeMax: why === 'small' && wantedAt === null ? SMALL_BYTES_MAX : sizeMax(),
        reserve: RESERVE_BYTES,
      },
      id,
    )
    const active = { transfer, why, toldAt: 0, telling: undefined, linksAt: this.#links }
    this.#active.set(id, active)
    await transfer.begin()
    await this.#findWays(active)
    await this.#settle(id)
  }

  async #findWays(active: Active): Promise<void> {
    const { store, self, links } = this.#parts
    const { transfer } = active
    const holders = await holdersOf(store.read, transfer.id, self)
    active.linksAt = this.#links
    transfer.setWays(holders.flatMap((holder) => links.waysTo(holder)))
  }

  async #linksChanged(): Promise<void> {
    this.#links += 1
    for (const [blob, { isDiskFull, restMs }] of this.#resting) {
      if (!isDiskFull) this.#resting.set(blob, { until: 0, restMs, isDiskFull })
    }
    for (const active of [...this.#active.values()]) {
      await this.#findWays(active)
      await this.#settle(active.transfer.id)
    }
    this.look()
  }

  /** Gives the links work, one part for each file in turn. */
  #pump(): void {
    while (!this.#isStopped && this.#giveOne()) {}
  }

  #giveOne(): boolean {
    const hasRoom = (by: BranchId) => (this.#onLink.get(by) ?? 0) < PARTS_PER_LINK_MAX
    for (const [id, active] of this.#active) {
      const job = active.transfer.next(hasRoom)
      if (!job) continue
      this.#active.delete(id)
      this.#active.set(id, active) // who got something goes to the end
      this.#do(() => this.#run(active.transfer, job))
      return true
    }
    return false
  }

  async #run(transfer: Transfer, job: Job): Promise<void> {
    const { by } = job.way
    this.#onLink.set(by, (this.#onLink.get(by) ?? 0) + 1)
    try {
      await transfer.run(job, () => this.#tell(transfer.id))
    } finally {
      this.#onLink.set(by, (this.#onLink.get(by) ?? 1) - 1)
    }
    await this.#settle(transfer.id)
    this.#pump()
  }

  /** What has ended makes room for others. */
  async #settle(id: BlobId): Promise<void> {
    const active = this.#active.get(id)
    const ending = active?.transfer.ending
    if (!active || ending === undefined || active.transfer.underWay > 0) return
    this.#active.delete(id)
    active.telling?.()
    await active.transfer.close().catch((error) => this.#failed(error))
    if (this.#isStopped) return
    await this.#ended(active, ending)
    this.#tellNow(id)
    this.look()
  }

  async #ended({ transfer: { id }, why, linksAt }: Active, ending: Ending): Promise<void> {
    const isFull = ending === 'full'
    // A way that was opened while it ended is worth a look at once.
    if (isFull || (ending === 'stuck' && linksAt === this.#links)) this.#rest(id, isFull)
    else this.#resting.delete(id)
    if (ending === 'too-large' && why === 'small') return // its true size is in the table now
    if (ending !== 'too-large' && ending !== 'no-list') return
    this.#parts.log.warn('files.fetch.refused', { blob: id, reason: ending })
    await this.#parts.store.writer.write((tx) =>
      tx
        .updateTable('blob')
        .set({ refused: ending, wantedAt: null })
        .where('id', '=', id)
        .execute(),
    )
  }

  #rest(id: BlobId, isDiskFull: boolean): void {
    const { clock, log } = this.#parts
    const now = clock.now()
    const before = this.#resting.get(id)?.restMs ?? REST_MS_MIN / 2
    // Asking the disk costs nothing: whoever made room need not wait for the tenth try.
    const restMs = isDiskFull ? REST_MS_MIN : Math.min(REST_MS_MAX, before * 2)
    this.#resting.delete(id)
    this.#resting.set(id, { until: now + restMs, restMs, isDiskFull })
    const [oldest] = this.#resting.keys()
    if (this.#resting.size > RESTING_MAX && oldest) this.#resting.delete(oldest)
    if (!isDiskFull || now - this.#fullToldAt < FULL_TOLD_MS) return
    this.#fullToldAt = now
    log.warn('files.fetch.disk-full', { blob: id })
  }

  #tell(id: BlobId): void {
    const active = this.#active.get(id)
    if (!active || active.telling) return
    const wait = active.toldAt + TOLD_MS - this.#parts.clock.now()
    if (wait <= 0) this.#tellNow(id)
    else active.telling = this.#parts.clock.after(wait, () => this.#tellNow(id))
  }

  #tellNow(id: BlobId): void {
    const active = this.#active.get(id)
    if (active) {
      active.telling = undefined
      active.toldAt = this.#parts.clock.now()
    }
    for (const fn of this.#listeners) fn(id)
  }

  #do(work: () => Promise<void>): void {
    const done = work().catch((error) => this.#failed(error))
    this.#work.add(done)
    void done.finally(() => this.#work.delete(done))
  }

  #failed(error: unknown): void {
    if (!this.#isStopped) this.#parts.log.error('files.fetch.failed', { cause: error })
  }
}
