/**
 * What goes wrong: branches die between any two events and come back, power goes, lines are cut, directions are
 * stalled or swallow bytes, two branches lose each other while others see both, links are slow, disks are slow or
 * full, clocks are set, a branch lies about what it passes on (liar.ts). Each seed has some of it: a storm of
 * everything hides what one fault does. At the end all is well again.
 */
import type { Millis } from '../../src/base/units.ts'
import { SECOND } from '../../src/base/units.ts'
import { type Chance, chanceOf } from './chance.ts'
import type { Company } from './company.ts'
import type { Mode } from './network.ts'
import type { Office } from './office.ts'

const PAUSE_MS: readonly [Millis, Millis] = [500, 12 * SECOND]
const DOWN_MS: readonly [Millis, Millis] = [50, 25 * SECOND]
const TROUBLE_MS: readonly [Millis, Millis] = [200, 60 * SECOND]
/** A crash strikes after so many events: mostly amid something. */
const EVENTS_BEFORE_CRASH_MAX = 300
const DISK_MS_MAX: Millis = 900
const CLOCK_MS_MAX: Millis = 150 * SECOND
/** Of all that can go wrong, what does in one run. */
const SHARE_OF_KINDS = 0.75
/** Runs in which two branches never see each other until all is repaired. */
const PARTED_FROM_THE_BEGINNING = 0.3
/** Runs in which a branch is copied early and put back later, when that matters. */
const PUT_BACK = 0.4
const COPIED_MS: readonly [Millis, Millis] = [SECOND, 5 * SECOND]
const PUT_BACK_MS: readonly [Millis, Millis] = [8 * SECOND, 14 * SECOND]

/** Something that goes wrong, and how often compared with the rest. */
type Kind = { weight: number; strike(office: Office): void }

export class Faults {
  readonly #company: Company
  readonly #chance: Chance
  /** Branches that will die, by the number of the event before which they do. */
  readonly #doomed: { office: Office; before: number; isLoud: boolean }[] = []
  readonly #weather: readonly Kind[]
  #isOver = false

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
    this.#next()
  }

  #planLoss(office: Office): void {
    const { timeline, doing } = this.#company
    timeline.after(this.#chance.between(...COPIED_MS), () => doing(office.copy()))
    timeline.after(this.#chance.between(...PUT_BACK_MS), () => {
      if (!this.#isOver) this.#putBack(office)
    })
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
    drawn?.strike(office)
  }

  /** What can happen in this run. */
  #drawn(): Kind[] {
    const { network } = this.#company
    const all: Kind[] = [
      { weight: 30, strike: (office) => this.#doom(office) },
      { weight: 6, strike: (office) => this.#stop(office) },
      { weight: 8, strike: (office) => network.cut(office.host, this.#other(office).host) },
      { weight: 20, strike: (office) => this.#part(office, this.#other(office)) },
      { weight: 16, strike: (office) => this.#separate(office, this.#other(office)) },
      { weight: 8, strike: (office) => this.#isolate(office) },
      { weight: 8, strike: (office) => this.#slow(office, this.#other(office)) },
      { weight: 7, strike: (office) => this.#slowDisk(office) },
      { weight: 6, strike: (office) => this.#fillDisk(office) },
      { weight: 5, strike: (office) => this.#setClock(office) },
      { weight: 10, strike: (office) => this.#company.doing(office.copy()) },
      { weight: 6, strike: (office) => this.#putBack(office) },
      { weight: 8, strike: (office) => this.#prune(office) },
    ]
    const drawn = all.filter(() => this.#chance.isLucky(SHARE_OF_KINDS))
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
    if (office.liar || !office.hasCopy) return
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

  #setClock({ machine, name }: Office): void {
    machine.skew = this.#chance.between(-CLOCK_MS_MAX, CLOCK_MS_MAX)
    this.#company.timeline.note(`the clock of ${name} is set to ${machine.skew} ms`)
  }
}
