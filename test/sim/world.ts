/**
 * The five doors of one life of a simulated branch, from a start to the next crash. When the life ends the doors go
 * dead: timers never fire, calls are never answered, nothing is written. Whatever still runs then reaches nobody.
 */
import type { Millis } from '../../src/base/units.ts'
import type { Clock } from '../../src/world/clock.ts'
import type { Disk } from '../../src/world/disk.ts'
import type { Fields, Level, Log } from '../../src/world/log.ts'
import type { World } from '../../src/world/world.ts'
import { type BlobMemory, memoryBlobDisk } from '../support/blob-disk.ts'
import { chanceOf } from './chance.ts'
import type { HostLife, SimNetwork } from './network.ts'
import { BEGINNING, type Timeline } from './timeline.ts'

/** What belongs to the machine and outlives its crashes. */
export type Machine = {
  name: string
  host: string
  folder: string
  files: Map<string, Uint8Array>
  blobs: BlobMemory
  /** How far its clock is from the right time. */
  skew: Millis
  /** How long a commit takes at most; 0 on a good day. */
  diskMs: Millis
  /** Its disk was full once: its log may say so. */
  wasFull: boolean
  /** An old copy of its database was put back: it may say that it lost something. */
  wasRestored: boolean
  lives: number
}

export type Life = HostLife & {
  number: number
  world: World
  /** Ends it. Commits that wait are let go, into a file that nobody reads any more. */
  end(): void
}

export type LifeParts = {
  machine: Machine
  seed: number
  timeline: Timeline
  network: SimNetwork
  /** A line of the log with a level that no honest run has. */
  onAlarm(line: string): void
}

/** A new life of a machine. */
export function lifeOf(parts: LifeParts): Life {
  const { machine, seed, timeline, network } = parts
  machine.lives += 1
  const number = machine.lives
  const chance = chanceOf(seed, `${machine.name} ${number}`)
  const slowness = chanceOf(seed, `${machine.name} ${number} disk`)
  const committing = new Set<() => void>()
  const life: HostLife = { host: machine.host, isAlive: true }
  const clock: Clock = {
    now: () => BEGINNING + Math.floor(timeline.now) + timeline.leapt + machine.skew,
    after(ms, fn) {
      if (!life.isAlive) return () => {}
      return timeline.after(ms, () => {
        if (life.isAlive) fn()
      })
    },
    soon(fn) {
      if (!life.isAlive) return void setImmediate(fn)
      committing.add(fn)
      const ms = machine.diskMs === 0 ? 0 : slowness.between(0, machine.diskMs)
      timeline.after(ms, () => {
        if (committing.delete(fn)) fn()
      })
    },
  }
  const log = logOf(parts, life, {})
  const world = {
    clock,
    random: chance,
    network: network.door(life),
    disk: diskOf(machine),
    blobDisk: memoryBlobDisk(machine.blobs),
    log,
  }
  return Object.assign(life, {
    number,
    world,
    end() {
      life.isAlive = false
      for (const fn of committing) setImmediate(fn)
      committing.clear()
    },
  })
}

function diskOf({ folder, files }: Machine): Disk {
  return {
    root: folder,
    path: (name) => `${folder}/${name}`,
    exists: (name) => files.has(name),
    read: (name) => files.get(name)?.slice(),
    write: (name, bytes) => void files.set(name, bytes.slice()),
    list: (under) =>
      [...files.keys()]
        .filter((name) => name.startsWith(`${under}/`))
        .map((name) => name.slice(under.length + 1))
        .sort(),
    remove: (name) => void files.delete(name),
  }
}

function logOf(parts: LifeParts, life: HostLife, own: Fields): Log {
  const { timeline, machine, onAlarm } = parts
  const line =
    (level: Level) =>
    (name: string, fields: Fields = {}) => {
      if (!life.isAlive) return
      const text = `${machine.name} ${level} ${name} ${fieldsText({ ...own, ...fields })}`
      if (level !== 'debug' && name !== 'http.request') timeline.note(text)
      // Clocks are set in a storm: whose clock is behind his own records says so, and is right.
      const isClock = name === 'relay.dates.own' || name === 'relay.renewal.late'
      // Its clock was set as well: what it lost looks younger than the copy's return.
      const isLoss = machine.wasRestored && name === 'eventlog.rolled-back'
      const isExpected = isClock || isLoss || (machine.wasFull && DISK_FULL.test(text))
      if ((level === 'error' || isBrokenRule(name, fields)) && !isExpected) onAlarm(text)
    }
  return {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    with: (fields) => logOf(parts, life, { ...own, ...fields }),
  }
}

/** As SQLite and as the writer say it. */
const DISK_FULL = /(?:database or|The) disk is full/

/** A peer that is silent or slow may be honest; one that breaks another rule is not. */
function isBrokenRule(name: string, { reason }: Fields): boolean {
  return name === 'relay.link.broken-rule' && reason !== 'timeout' && reason !== 'too-slow'
}

function fieldsText(fields: Fields): string {
  return JSON.stringify(fields, (_name, value) =>
    value instanceof Error ? `${value.name}: ${value.message} ${causeOf(value)}` : value,
  )
}

/** Where in our code it was thrown, for whoever reads a failure. */
function causeOf(error: Error): string {
  const place = error.stack?.split('\n').find((line) => line.includes('/src/'))
  return place?.trim().replace(/^.*\/src\//, 'src/') ?? ''
}
