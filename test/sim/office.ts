/**
 * One branch of a simulated company: the production code on the doors of world.ts. It can be started, stopped and
 * killed; its keys and its database outlive it. A crash leaves the database as of the last commit: between two events
 * no transaction is open, so that is the files as they are.
 */
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import Database from 'better-sqlite3'
import { Hono } from 'hono'
import { sql } from 'kysely'
import type { Hasher } from '../../src/accounts/hasher.ts'
import type { BranchId } from '../../src/base/ids.ts'
import { DAY, type Millis } from '../../src/base/units.ts'
import { type KeyFiles, keyFiles } from '../../src/certificates/keys.ts'
import { createHistory, type History } from '../../src/chat/older.ts'
import { createReading, type Reading } from '../../src/chat/reading.ts'
import { buildCore, type Core } from '../../src/core.ts'
import { openStore, type Store } from '../../src/db/open.ts'
import type { AckEntry } from '../../src/eventlog/log.ts'
import { findMembership } from '../../src/organisation/membership.ts'
import { createStatuses, type Statuses } from '../../src/presence/statuses.ts'
import { type Running, startRunning } from '../../src/running.ts'
import type { SetupParts } from '../../src/setup/found.ts'
import { finishRestore } from '../../src/setup/recover.ts'
import type { Visitor } from '../../src/web/env.ts'
import { frames } from '../../src/web/frame.ts'
import { createStreams } from '../../src/web/sse.ts'
import type { Random } from '../../src/world/random.ts'
import type { World } from '../../src/world/world.ts'
import { determinedKem } from '../support/kem.ts'
import type { SimNetwork } from './network.ts'
import { type Release, TODAY } from './releases.ts'
import type { Standing } from './standing.ts'
import type { Timeline } from './timeline.ts'
import { type Life, lifeOf, type Machine } from './world.ts'

export const PORT = 7900
/** As many as SQLite knows (https://sqlite.org/limits.html, 13); it takes less than there are for "no more". */
const PAGES_MAX = 2 ** 32 - 2

/** A mistake planted by a test: what it changes of a branch before the branch runs. */
export type Bug = {
  /** Mistakes begin when the company stands. */
  isOn: boolean
  /** It shows only where somebody lies. */
  needsLiar?: boolean
  /** It shows only where a branch is revoked. */
  needsRevocation?: boolean
  /** It shows only where a disk is full. */
  needsFullDisk?: boolean
  /** It shows only where certificates expire. */
  needsLeap?: boolean
  /** It shows only where releases are mixed. */
  needsMix?: boolean
  /** It shows only where people are guests and do much there. */
  needsGuests?: boolean
  core?(core: Core, world: World): Core
  random?(random: Random): Random
  files?(files: KeyFiles): KeyFiles
  /** What people send is changed on its way in. */
  clientId?(given: string): string | undefined
}

/** What lies on the disk of a branch that does not run, and how often it was started. */
export type Image = {
  keys: ReadonlyMap<string, Uint8Array>
  database: ReadonlyMap<string, Uint8Array>
  lives: number
}

/** The file and its log; what SQLite keeps beside them it makes anew. */
const ENDINGS = ['', '-wal']

/** A branch at work, between a start and its end. */
export type Work = {
  life: Life
  store: Store
  core: Core
  running: Running
  reading: Reading
  history: History
  statuses: Statuses
}

export type OfficeParts = {
  machine: Machine
  seed: number
  timeline: Timeline
  network: SimNetwork
  bug: Bug
  onAlarm(line: string): void
  /** A branch was told what another one holds. */
  onAcks(peer: BranchId, entries: readonly AckEntry[]): Promise<void>
  standing: Standing
}

/** Quick, and different for each password and salt: what bcrypt is for the rest of the program. */
const hasher: Hasher = {
  seedOf: async (password, salt) =>
    new Uint8Array(createHash('sha256').update(`${salt} ${password}`).digest()),
  close: async () => {},
}

export class Office {
  readonly machine: Machine
  readonly #parts: OfficeParts
  /** It runs this program, not the honest one. */
  liar: Bug | undefined
  /** What it runs from its next start on. */
  release: Release = TODAY
  #runs: Release = TODAY
  #branch: BranchId | undefined
  #life: Life | undefined
  #work: Work | undefined
  #file = 0
  #copiedAt: Millis | undefined
  #restoring: Promise<void> | undefined

  constructor(parts: OfficeParts) {
    this.#parts = parts
    this.machine = parts.machine
  }

  get name(): string {
    return this.machine.name
  }

  get host(): string {
    return this.machine.host
  }

  /** Undefined while it is down, starting or stopping. */
  get work(): Work | undefined {
    return this.#work?.life.isAlive ? this.#work : undefined
  }

  get isDown(): boolean {
    return !this.#life?.isAlive
  }

  /** For whoever knows that it runs. */
  get at(): Work {
    const { work } = this
    if (!work) throw new Error(`${this.name} does not run`)
    return work
  }

  /** Its id, from its first start on. */
  get branch(): BranchId | undefined {
    return this.#branch
  }

  /** It runs another release than it should. */
  get isOutdated(): boolean {
    return this.work !== undefined && this.#runs !== this.release
  }

  get bug(): Bug {
    return this.#parts.bug
  }

  /** The first start founds or joins by `setUp`; later ones open what is there. */
  async start(setUp?: (parts: SetupParts) => Promise<Core>): Promise<void> {
    const { timeline, bug, standing } = this.#parts
    await this.#restoring
    if (!this.isDown) return
    const { release } = this
    this.#runs = release
    const life = lifeOf(this.#parts)
    this.#life = life
    timeline.note(`${this.name} starts, life ${life.number}`)
    const world = { ...life.world, random: bug.random?.(life.world.random) ?? life.world.random }
    const { clock, log, disk } = world
    const store = await openStore({ path: this.#path, clock, log })
    const own = keyFiles(disk)
    const files = bug.files?.(own) ?? own
    const kem = determinedKem(() => world.random.bytes(32))
    const suites = { ...release.suites, kem }
    const membership = await findMembership(store.read)
    const keys = files.findBranchKeys()
    const extent = { carryMib: 64, laterKinds: release.kinds }
    const built =
      membership && keys
        ? await buildCore({ ...{ world, store, keys, membership, hasher }, ...extent })
        : await setUp?.({ ...{ world, store, files, hasher, suites }, ...extent })
    if (!built) throw new Error(`${this.name} is not set up`)
    this.#branch = built.membership.self
    const watched = await standing.watched(this.#watched(built))
    const withBug = release.core(bug.core?.(watched, world) ?? watched)
    const core = this.liar?.core?.(withBug, world) ?? withBug
    const running = await startRunning({
      ...{
        core,
        world,
        files,
        suites,
        streams: createStreams({ clock }),
        icons: '',
        demo: undefined,
      },
      config: {
        relay: { kind: 'address', address: { host: this.host, port: PORT } },
        peers: [],
        announce: { kind: 'interface' },
        ldap: undefined,
        zerotierToken: undefined,
        timezone: 'UTC',
        postsPerSecond: 0,
        ...{ carry: 2048, files: { rate: 0, hours: undefined, ahead: undefined } },
        guestDays: 30,
        ...{ scanner: undefined, fileSize: 2048, fileQuota: 0, fileRoom: 0 },
        isSharedTerminal: () => false,
      },
      shell: { world, language: 'en', origins: [], staticRoutes: new Hono<Visitor>() },
      framesFor: (scope, names) =>
        frames({
          ...{ assets: { css: '', js: '', icons: '' }, clock, random: world.random },
          ...{ scope, timeZone: 'UTC', names },
        }),
    })
    if (!life.isAlive) return store.close()
    const { append, onCommitted } = core.eventLog
    const statuses = createStatuses({ store, append, clock, log })
    onCommitted(statuses.committed)
    await statuses.start()
    if (!life.isAlive) return store.close()
    const reading = createReading({ ...core.chat, log })
    const history = createHistory({ ...core.chat, onCommitted })
    this.#work = { life, store, core, running, reading, history, statuses }
  }

  /** Whatever it takes for an ack is looked at the moment it does: later the peer may hold it after all. */
  #watched(core: Core): Core {
    const { eventLog } = core
    const { onAcks } = this.#parts
    const acknowledged: typeof eventLog.acknowledged = async (peer, entries) => {
      await onAcks(peer, entries)
      await eventLog.acknowledged(peer, entries)
    }
    return { ...core, eventLog: { ...eventLog, acknowledged } }
  }

  /** As an operator stops it: with a goodbye. */
  async stop(): Promise<void> {
    const { work } = this
    if (!work) return
    this.#parts.timeline.note(`${this.name} stops`)
    this.#work = undefined
    work.statuses.stop()
    await work.reading.flush()
    await work.running.stop()
    await work.store.close()
    this.#end(work.life, true)
  }

  /** Takes its life between two events. Loud: the system lives on and tells the others; silent: the power went. */
  async kill(isLoud: boolean): Promise<void> {
    const life = this.#life
    if (!life?.isAlive) return
    const { work } = this
    this.#parts.timeline.note(`${this.name} dies ${isLoud ? 'loudly' : 'silently'}`)
    this.#work = undefined
    const from = this.#path
    this.#file += 1
    this.#copyFiles(from, this.#path)
    this.#end(life, isLoud)
    // What it goes on to do goes into the file that was left behind.
    await work?.store.close()
  }

  /** What `backup` does: the branch notes what the copy will hold, and the copy is made. */
  async copy(): Promise<void> {
    const { work } = this
    if (!work) return
    await work.core.eventLog.markBackup(DAY)
    if (!work.life.isAlive) return
    this.#parts.timeline.note(`${this.name} is copied`)
    this.#copyFiles(this.#path, this.#copyPath)
    this.#copiedAt = work.life.world.clock.now()
  }

  get hasCopy(): boolean {
    return this.#copiedAt !== undefined
  }

  /** What `restore` does, to a branch that is down; without a copy nothing happens. Whoever starts it waits for that. */
  restore(): Promise<void> {
    this.#restoring = this.#putBack()
    return this.#restoring
  }

  async #putBack(): Promise<void> {
    const copyAt = this.#copiedAt
    if (copyAt === undefined || !this.isDown) return
    const { timeline } = this.#parts
    timeline.note(`${this.name} is put back`)
    this.machine.wasRestored = true
    this.#copyFiles(this.#copyPath, this.#path)
    const life = lifeOf(this.#parts)
    const { clock, log, disk } = life.world
    const store = await openStore({ path: this.#path, clock, log })
    await finishRestore({ world: life.world, store, files: keyFiles(disk) }, { copyAt })
    await store.close()
    life.end()
  }

  #copyFiles(from: string, to: string): void {
    for (const ending of ['', '-wal']) {
      rmSync(to + ending, { force: true })
      if (existsSync(from + ending)) copyFileSync(from + ending, to + ending)
    }
  }

  get #copyPath(): string {
    return `${this.machine.folder}/${this.name}-copy.db`
  }

  /** While its disk is full the database does not grow; whoever starts it anew has made room. */
  async setFull(isFull: boolean): Promise<void> {
    const { work } = this
    if (!work) return
    if (isFull) this.machine.wasFull = true
    const pragma = sql.raw(`pragma max_page_count = ${isFull ? 1 : PAGES_MAX}`)
    // It holds from when it is run, whatever becomes of the transaction around it.
    await work.store.writer.write((tx) => pragma.execute(tx)).catch(() => {})
  }

  /** Its database as it lies on the disk: the file, and what SQLite keeps beside it. */
  bytes(): Buffer[] {
    return [...this.#database().values()]
  }

  /** For `begin`; it is down, by `kill`. All is in the file: whoever begins with it would read the log beside it anew. */
  image(): Image {
    const { files, lives } = this.machine
    const file = new Database(this.#path)
    file.pragma('wal_checkpoint(truncate)')
    file.close()
    return { keys: new Map(files), database: this.#database(), lives }
  }

  /** Before its first start: goes on where another one stopped. */
  begin({ keys, database, lives }: Image): void {
    for (const [name, bytes] of keys) this.machine.files.set(name, bytes.slice())
    for (const [ending, bytes] of database) writeFileSync(this.#path + ending, bytes)
    this.machine.lives = lives
  }

  #database(): Map<string, Buffer> {
    const there = ENDINGS.filter((ending) => existsSync(this.#path + ending))
    return new Map(there.map((ending) => [ending, readFileSync(this.#path + ending)]))
  }

  #end(life: Life, isLoud: boolean): void {
    if (!life.isAlive) return
    this.#parts.network.kill(life, isLoud)
    life.end()
  }

  get #path(): string {
    return `${this.machine.folder}/${this.name}-${this.#file}.db`
  }
}
