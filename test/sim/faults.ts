/**
 * What goes wrong: branches die between any two events and come back, power goes, lines are cut, directions are
 * stalled or swallow bytes, two branches lose each other while others see both, links are slow, disks are slow or
 * full, clocks are set, all calendars leap so far that certificates expire, a branch lies about what it passes on
 * (liar.ts), one is revoked (standing.ts), some are upgraded (releases.ts), a stranger knocks (stranger.ts). Each seed has some of it: a storm of
 * everything hides what one fault does. At the end all is well again.
 */

import { AppError } from '../../src/base/errors.ts'
import type { Millis } from '../../src/base/units.ts'
import { DAY, MINUTE, SECOND } from '../../src/base/units.ts'
import { type Chance, chanceOf } from './chance.ts'
import type { Company } from './company.ts'
import type { Mode } from './network.ts'
import type { Office } from './office.ts'
import { EARLIER, LATER } from './releases.ts'
import { knock } from './stranger.ts'

const PAUSE_MS: readonly [Millis, Millis] = [500, 12 * SECOND]
const DOWN_MS: readonly [Millis, Millis] = [50, 25 * SECOND]
const TROUBLE_MS: readonly [Millis, Millis] = [200, 60 * SECOND]
/** A crash strikes after so many events: mostly amid something. */
const EVENTS_BEFORE_CRASH_MAX = 300
const DISK_MS_MAX: Millis = 900
const CLOCK_MS_MAX: readonly Millis[] = [150 * SECOND, 10 * MINUTE]
/** More than a link certificate lives, less than mail is carried. */
const LEAP_MS: Millis = 11 * DAY
/** Of runs, in which they do, and when. */
const LEAPT = 0.25
const LEAPT_MS: readonly [Millis, Millis] = [SECOND, 12 * SECOND]
/** Of runs, in which a branch is revoked, and when. */
const REVOKED = 0.25
const REVOKED_MS: readonly [Millis, Millis] = [2 * SECOND, 11 * SECOND]
const AGAIN_MS: Millis = 700
/** Of branches of the earlier release: they are upgraded in the storm, at some time. */
const UPGRADED = 0.6
const UPGRADED_MS: readonly [Millis, Millis] = [2 * SECOND, 13 * SECOND]
/** Of all that can go wrong, what does in one run. */
const SHARE_OF_KINDS = 0.75
/** Runs in which two branches never see each other until all is repaired. */
const PARTED_FROM_THE_BEGINNING = 0.3
/** Runs in which a branch is copied early and put back later, when that matters. */
const PUT_BACK = 0.4
const COPIED_MS: readonly [Millis, Millis] = [SECOND, 5 * SECOND]
const PUT_BACK_MS: readonly [Millis, Millis] = [8 * SECOND, 14 * SECOND]

/** Something that goes wrong, and how often compared with the rest. */
type Kind = { name: string; weight: number; strike(office: Office): void }

export class Faults {
  readonly #company: Company
  readonly #chance: Chance
  /** Branches that will die, by the number of the event before which they do. */
  readonly #doomed: { office: Office; before: number; isLoud: boolean }[] = []
  readonly #weather: readonly Kind[]
  /** How often what struck. */
  readonly met = new Map<string, number>()
  #isOver = false
  /** A branch will be revoked, or is. */
  #isRevoking = false

  constructor(company: Company) {
    this.#company = company
    this.#chance = chanceOf(company.seed, 'faults')
    this.#weather = this.#drawn()
    company.timeline.beforeEvent = () => this.#strike()
  }

  start(): void {
    const { network, offices, timeline } = this.#company
    const honest = offices.filter(({ liar }) => !liar)
    const hasLiar = honest.length < offices.length
    // A liar must have something to carry.
    if (hasLiar || this.#chance.isLucky(PARTED_FROM_THE_BEGINNING)) {
      const office = this.#chance.pick(honest)
      const other = this.#chance.pick(honest.filter((each) => each !== office))
      timeline.note(`${office.name} and ${other.name} do not see each other`)
      network.setWay(office.host, other.host, { mode: 'black' })
      network.setWay(other.host, office.host, { mode: 'black' })
      network.cut(office.host, other.host)
    }
    if (this.#chance.isLucky(PUT_BACK)) this.#planLoss(this.#chance.pick(honest))
    const { bug } = honest[0] ?? this.#chance.pick(offices)
    const isRevoking = bug.needsRevocation || this.#chance.isLucky(REVOKED)
    if (isRevoking && !bug.needsLeap) this.#planRevocation()
    this.#planUpgrades()
    if (bug.needsLeap || this.#chance.isLucky(LEAPT)) {
      timeline.after(this.#chance.between(...LEAPT_MS), () => this.#leap())
    }
    this.#next()
  }

  #planLoss(office: Office): void {
    const { timeline, doing } = this.#company
    timeline.after(this.#chance.between(...COPIED_MS), () => doing(office.copy()))
    timeline.after(this.#chance.between(...PUT_BACK_MS), () => {
      if (!this.#isOver) this.#putBack(office)
    })
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** The first branch may issue, hence revoke. */
  #planRevocation(): void {
    const { offices, timeline, standing } = this.#company
    standing.isPlanned = true
    const [issuer, ...others] = offices
    const office = this.#chance.pick(others)
    this.#isRevoking = true
    if (issuer)
      timeline.after(this.#chance.between(...REVOKED_MS), () => this.#revoke(issuer, office))
  }

  /** Asked again until it is known to be said: it may be, and the answer lost. */
  #revoke(issuer: Office, office: Office): void {
    const { standing, timeline, doing } = this.#company
    if (standing.isSaid || !office.branch) return
    standing.branch = office.branch
    timeline.after(AGAIN_MS, () => this.#revoke(issuer, office))
    const { work } = issuer
    if (!work) return
    const said = () => {
      if (standing.isSaid) return
      standing.isSaid = true
      timeline.note(`${office.name} is revoked`)
      this.#note('a branch revoked')
    }
    const word = { name: office.name, reason: 'keyCompromise', note: 'stolen' } as const
    const asked = work.running.revoke(word).then(said, (error) => {
      const isSaid = error instanceof AppError && error.message.endsWith('is revoked already')
      if (isSaid) said()
      else if (work.life.isAlive && !(error instanceof AppError)) throw error
    })
    doing(asked)
  }

  #planUpgrades(): void {
    const { offices, timeline } = this.#company
    for (const office of offices.filter(({ release }) => release === EARLIER)) {
      if (!this.#chance.isLucky(UPGRADED)) continue
      timeline.after(this.#chance.between(...UPGRADED_MS), () => {
        if (this.#isOver) return
        this.#upgrade(office)
        if (!office.isDown) this.#stop(office)
      })
    }
  }

  #upgrade(office: Office): void {
    if (office.release !== EARLIER) return
    office.release = LATER
    this.#company.timeline.note(`${office.name} is upgraded`)
    this.#note('an upgrade')
  }

  /** Until all run what they should: one may be starting. */
  #replaceOutdated(): void {
    const { offices, timeline, doing } = this.#company
    for (const office of offices) if (office.isOutdated) doing(this.#convert(office))
    timeline.after(SECOND, () => this.#replaceOutdated())
  }

  #note(name: string): void {
    this.met.set(name, (this.met.get(name) ?? 0) + 1)
  }

  #next(): void {
    const [least, most] = PAUSE_MS
    this.#company.timeline.after(this.#chance.between(least, most), () => {
      if (this.#isOver) return
      this.#one()
      this.#next()
    })
  }

  /** Everything is repaired; who is down is started. */
  async heal(): Promise<void> {
    const { network, offices, timeline } = this.#company
    timeline.note('all is repaired')
    this.#isOver = true
    this.#doomed.length = 0
    network.heal()
    for (const office of offices) this.#upgrade(office)
    timeline.after(SECOND, () => this.#replaceOutdated())
    for (const office of offices) {
      if (office.liar) office.liar.isOn = false
      office.machine.diskMs = 0
      this.#company.doing(office.setFull(false))
      if (office.isDown) this.#restart(office)
      else if (office.liar) this.#company.doing(this.#convert(office))
    }
  }

  /** An honest program is put in place of the liar's. */
  async #convert(office: Office): Promise<void> {
    await office.kill(true)
    await office.start()
  }

  #one(): void {
    const office = this.#chance.pick(this.#company.offices)
    const sum = this.#weather.reduce((weight, kind) => weight + kind.weight, 0)
    let dice = this.#chance.below(sum)
    const drawn = this.#weather.find(({ weight }) => {
      dice -= weight
      return dice < 0
    })
    if (!drawn) return
    this.#note(drawn.name)
    drawn.strike(office)
  }

  /** What can happen in this run. */
  #drawn(): Kind[] {
    const { network } = this.#company
    const needsFullDisk = this.#company.offices[0]?.bug.needsFullDisk === true
    const all: Kind[] = [
      { name: 'a crash', weight: 30, strike: (office) => this.#doom(office) },
      { name: 'a stop', weight: 6, strike: (office) => this.#stop(office) },
      {
        ...{ name: 'a line reset', weight: 8 },
        strike: (office) => network.cut(office.host, this.#other(office).host),
      },
      {
        ...{ name: 'one way or both stalled or black', weight: 20 },
        strike: (office) => this.#part(office, this.#other(office)),
      },
      {
        ...{ name: 'two parted', weight: 16 },
        strike: (office) => this.#separate(office, this.#other(office)),
      },
      { name: 'one isolated', weight: 8, strike: (office) => this.#isolate(office) },
      {
        ...{ name: 'a slow line', weight: 8 },
        strike: (office) => this.#slow(office, this.#other(office)),
      },
      { name: 'a slow disk', weight: 7, strike: (office) => this.#slowDisk(office) },
      {
        name: 'a full disk',
        weight: needsFullDisk ? 90 : 6,
        strike: (office) => this.#fillDisk(office),
      },
      { name: 'a clock set', weight: 5, strike: (office) => this.#setClock(office) },
      { name: 'a stranger', weight: 6, strike: (office) => this.#stranger(office) },
      { name: 'a copy', weight: 10, strike: (office) => this.#company.doing(office.copy()) },
      { name: 'a copy put back', weight: 6, strike: (office) => this.#putBack(office) },
      { name: 'pruning', weight: 8, strike: (office) => this.#prune(office) },
    ]
    const drawn = all.filter(
      ({ name }) =>
        this.#chance.isLucky(SHARE_OF_KINDS) || (needsFullDisk && name === 'a full disk'),
    )
    return drawn.length > 0 ? drawn : all
  }

  #other(office: Office): Office {
    return this.#chance.pick(this.#company.offices.filter((each) => each !== office))
  }

  #doom(office: Office): void {
    const { count } = this.#company.timeline
    const before = count + this.#chance.between(1, EVENTS_BEFORE_CRASH_MAX)
    this.#doomed.push({ office, before, isLoud: this.#chance.isLucky(0.6) })
  }

  /** Called before each event. */
  #strike(): Promise<void> | undefined {
    if (this.#doomed.length === 0) return undefined
    const { count } = this.#company.timeline
    const at = this.#doomed.findIndex(({ before }) => before <= count)
    const [doom] = at === -1 ? [] : this.#doomed.splice(at, 1)
    return doom && this.#kill(doom.office, doom.isLoud)
  }

  async #kill(office: Office, isLoud: boolean): Promise<void> {
    if (office.isDown) return
    await office.kill(isLoud)
    const [least, most] = DOWN_MS
    this.#company.timeline.after(this.#chance.between(least, most), () => this.#restart(office))
  }

  #restart(office: Office): void {
    if (office.isDown) this.#company.doing(office.start())
  }

  #stop(office: Office): void {
    const { timeline, doing } = this.#company
    const [least, most] = DOWN_MS
    const ms = this.#chance.between(least, most)
    const work = office.stop().then(() => void timeline.after(ms, () => this.#restart(office)))
    doing(work)
  }

  /** The server is lost, and an old copy takes its place. */
  #putBack(office: Office): void {
    // Who was put back believes who is revoked until he hears it again, and gives nothing to be judged by.
    if (office.liar || !office.hasCopy || this.#isRevoking) return
    const isLoud = this.#chance.isLucky(0.5)
    const [least, most] = DOWN_MS
    const ms = this.#chance.between(least, most)
    const { timeline, doing } = this.#company
    const work = office.kill(isLoud).then(() => office.restore())
    doing(work.then(() => void timeline.after(ms, () => this.#restart(office))))
  }

  /** Without the two weeks of respite that copies nobody told of have. */
  #prune({ work }: Office): void {
    if (work) this.#company.doing(work.core.eventLog.prune(0))
  }

  #later(undo: () => void): void {
    const [least, most] = TROUBLE_MS
    this.#company.timeline.after(this.#chance.between(least, most), undo)
  }

  /** One direction or both: half-open lines are those where one side hears nothing and the other does. */
  #part(office: Office, other: Office): void {
    const mode = this.#chance.pick(['black', 'stalled'] as const)
    this.#setMode(office, other, mode)
    if (this.#chance.isLucky(0.6)) this.#setMode(other, office, mode)
  }

  /** Both know at once, and find no way to each other: others carry between them. */
  #separate(office: Office, other: Office): void {
    this.#setMode(office, other, 'black')
    this.#setMode(other, office, 'black')
    this.#company.network.cut(office.host, other.host)
  }

  #setMode(from: Office, to: Office, mode: Mode): void {
    const { network, timeline } = this.#company
    timeline.note(`${from.name}>${to.name} is ${mode}`)
    network.setWay(from.host, to.host, { mode })
    this.#later(() => {
      timeline.note(`${from.name}>${to.name} is open`)
      network.setWay(from.host, to.host, { mode: 'open' })
    })
  }

  #isolate(office: Office): void {
    for (const other of this.#company.offices) {
      if (other === office) continue
      this.#setMode(office, other, 'black')
      this.#setMode(other, office, 'black')
    }
  }

  #slow(from: Office, to: Office): void {
    const { network } = this.#company
    const delay = this.#chance.between(200, 3000)
    const bytesPerMs = this.#chance.between(1, 20)
    network.setWay(from.host, to.host, { delay, jitter: delay / 2, bytesPerMs })
    this.#later(() =>
      network.setWay(from.host, to.host, { delay: 10, jitter: 3, bytesPerMs: 2000 }),
    )
  }

  #slowDisk({ machine }: Office): void {
    machine.diskMs = this.#chance.between(5, DISK_MS_MAX)
    this.#later(() => {
      machine.diskMs = 0
    })
  }

  #fillDisk(office: Office): void {
    const { timeline, doing } = this.#company
    timeline.note(`the disk of ${office.name} is full`)
    doing(office.setFull(true))
    this.#later(() => {
      timeline.note(`the disk of ${office.name} has room`)
      doing(office.setFull(false))
    })
  }

  /** Everybody's certificates have expired, as after a cut of eleven days. */
  #leap(): void {
    if (this.#isOver) return
    this.#company.timeline.note('eleven days pass')
    this.#company.timeline.leapt += LEAP_MS
    this.#note('eleven days at once')
  }

  #stranger(office: Office): void {
    this.#company.doing(knock(this.#company, office, this.#chance))
  }

  #setClock({ machine, name }: Office): void {
    const most = this.#chance.pick(CLOCK_MS_MAX)
    machine.skew = this.#chance.between(-most, most)
    this.#company.timeline.note(`the clock of ${name} is set to ${machine.skew} ms`)
  }
}
