/**
 * A simulated company: the first branch founds it, the others join by invitations over the simulated network, and each
 * gets some people. All by the production code of the first start. That takes as long as the storm that follows: of
 * four seeds one founds its company, the others go on with one that was founded before, from the disks it left.
 */
import { mkdtempSync } from 'node:fs'
import { createUser } from '../../src/accounts/new-person.ts'
import type { BranchId, UserId } from '../../src/base/ids.ts'
import { HOUR, MINUTE, type Millis } from '../../src/base/units.ts'
import type { AckEntry } from '../../src/eventlog/log.ts'
import { foundBranch, joinBranch } from '../../src/setup/found.ts'
import { type Chance, chanceOf } from './chance.ts'
import { liar } from './liar.ts'
import { SimNetwork } from './network.ts'
import { type Bug, type Image, Office, PORT } from './office.ts'
import { assign, EARLIER, MIXED_IN, type Release, TODAY } from './releases.ts'
import { Standing } from './standing.ts'
import { Timeline } from './timeline.ts'

const NAMES = ['Kyiv', 'Lviv', 'Odesa', 'Dnipro', 'Kharkiv', 'Poltava', 'Sumy', 'Rivne']
export const BRANCHES_MAX = NAMES.length
const PEOPLE_MAX = 3
/** Clocks of offices are set by hand. */
const SKEW_MS_MAX = 20_000
/** One company in so many has a branch that lies. */
const LIARS_IN = 4

export type Person = {
  id: UserId
  login: string
  home: Office
  password: string
}

/** What must not happen did: in words, with all that is needed to understand it. */
export class Broken extends Error {
  override name = 'Broken'
}

export type Company = {
  seed: number
  timeline: Timeline
  network: SimNetwork
  chance: Chance
  offices: Office[]
  people: Person[]
  /** Lines no honest run has; each is a failure. */
  alarms: string[]
  /** The one that is revoked, if one is. */
  standing: Standing
  /** Its branches are of two releases. */
  isMixed: boolean
  /** Branches that lied: whoever warns of them is right. */
  liars: Set<BranchId>
  /** What went wrong in something nobody waits for. */
  failures: unknown[]
  /** Runs something that the timeline must drive; a failure of it ends the run. */
  doing(work: Promise<unknown>): void
}

export type CompanyOptions = { seed: number; branches: number; folder: string; bug: Bug }

/** One seed in so many founds its company. */
const FOUNDED_IN = 4
/** Beyond all seeds: what is drawn in a founding is drawn in no run. */
const FOUNDING_SEED = 2 ** 31

/** A company that stands, in good weather. */
export async function companyOf(options: CompanyOptions): Promise<Company> {
  const { seed } = options
  if (isMixed(options)) return await reopened(options, await foundedBefore(options, EARLIER))
  if (seed % FOUNDED_IN === 0) return await foundedCompany(options, TODAY)
  return await reopened(options, await foundedBefore(options, TODAY))
}

const isMixed = ({ seed, bug }: Pick<CompanyOptions, 'seed' | 'bug'>) =>
  bug.needsMix === true || (seed < FOUNDING_SEED && seed % MIXED_IN === MIXED_IN - 1)

/** What a company left on its disks, and who works there. */
type Left = {
  now: Millis
  images: readonly Image[]
  people: readonly (Omit<Person, 'home'> & { home: string })[]
}

/** By the number of branches, of each release: founded once in each process, always the same. */
const LEFT = new Map([TODAY, EARLIER].map((each) => [each, new Map<number, Promise<Left>>()]))

function foundedBefore({ branches, folder }: CompanyOptions, release: Release): Promise<Left> {
  const ofRelease = LEFT.get(release)
  const known = ofRelease?.get(branches)
  if (known) return known
  const options = {
    ...{ seed: FOUNDING_SEED + branches, branches, bug: { isOn: false } },
    folder: mkdtempSync(`${folder}/founding-`),
  }
  const left = foundedCompany(options, release).then(async ({ timeline, offices, people }) => {
    for (const office of offices) await office.kill(true)
    return {
      now: timeline.now,
      images: offices.map((office) => office.image()),
      people: people.map((person) => ({ ...person, home: person.home.name })),
    }
  })
  ofRelease?.set(branches, left)
  return left
}

/** Goes on where a company stopped. */
async function reopened(options: CompanyOptions, left: Left): Promise<Company> {
  const company = emptyCompany(options)
  const { timeline, offices, people } = company
  timeline.now = left.now
  if (company.isMixed) assign(chanceOf(options.seed, 'releases'), offices)
  for (const [index, office] of offices.entries()) {
    const image = left.images[index]
    if (image) office.begin(image)
    await done(company, office.start())
  }
  for (const person of left.people) {
    const home = offices.find(({ name }) => name === person.home)
    if (home) people.push({ ...person, home })
  }
  const isLinked = () => offices.every(({ at }) => at.running.relay.links().every(({ up }) => up))
  if (!(await timeline.runUntil(5 * MINUTE, isLinked))) {
    throw new Broken('The branches did not find each other in good weather')
  }
  return company
}

/** Sets a company up, and waits until everybody knows everybody. */
async function foundedCompany(options: CompanyOptions, release: Release): Promise<Company> {
  const company = emptyCompany(options)
  const { timeline, offices, chance } = company
  for (const office of offices) office.release = release
  const first = offices[0]
  if (!first) throw new Error('No branches')
  await done(
    company,
    first.start((parts) => foundBranch(parts, wishOf(first))),
  )
  for (const office of offices.slice(1)) await join(company, first, office)
  for (const office of offices) {
    for (let n = chance.between(1, PEOPLE_MAX); n > 0; n--) await hire(company, office)
  }
  if (!(await timeline.runUntil(5 * MINUTE, () => isEverybodyKnown(company)))) {
    throw new Broken('The company did not come together in good weather')
  }
  return company
}

function emptyCompany({ seed, branches, folder, bug }: CompanyOptions): Company {
  const timeline = new Timeline()
  const standing = new Standing(timeline)
  const network = new SimNetwork(timeline, chanceOf(seed, 'network'))
  const chance = chanceOf(seed, 'company')
  const alarms: string[] = []
  const failures: unknown[] = []
  const hasLiar = bug.needsLiar || seed % LIARS_IN === LIARS_IN - 1
  const liarAt = hasLiar ? chance.below(branches) : undefined
  const offices: Office[] = NAMES.slice(0, branches).map((name, index) => {
    const machine = {
      ...{ name, host: `10.0.0.${index + 1}`, folder, files: new Map<string, Uint8Array>() },
      blobs: new Map(),
      ...{ skew: chance.between(-SKEW_MS_MAX, SKEW_MS_MAX), diskMs: 0 },
      ...{ wasFull: false, wasRestored: false, lives: 0 },
    }
    const onAlarm = (line: string) => void alarms.push(line)
    const onAcks = (peer: BranchId, entries: readonly AckEntry[]) =>
      heldBy({ offices, failures }, peer, entries)
    const office = new Office({ machine, seed, timeline, network, bug, onAlarm, onAcks, standing })
    if (index === liarAt) office.liar = liar(seed)
    return office
  })
  return {
    ...{ seed, timeline, network, chance, offices, people: [], alarms, failures, liars: new Set() },
    ...{ standing, isMixed: isMixed({ seed, bug }) },
    doing: (work) => void work.catch((error) => void failures.push(error)),
  }
}

/** I5, when it is said: whoever says that it holds something for itself has it in its database. */
async function heldBy(
  { offices, failures }: Pick<Company, 'offices' | 'failures'>,
  peer: BranchId,
  entries: readonly AckEntry[],
): Promise<void> {
  const office = offices.find(({ work }) => work?.core.membership.self === peer)
  // What it said before it was put back may still have been on the way.
  if (!office || office.machine.wasRestored) return
  const { read } = office.at.store
  for (const { feed, durable } of entries) {
    const query = read.selectFrom('feed').where('id', '=', feed)
    const held = await query.select(['scope', 'destination', 'head']).executeTakeFirst()
    if (held?.scope === 'to' && held.destination !== peer) continue
    if (!held || durable <= held.head) continue
    failures.push(new Broken(`I5: ${office.name} says ${durable} of ${feed}, has ${held.head}`))
  }
}

/** Lets time go on until something has happened. */
export async function done<T>(
  { timeline }: Company,
  work: Promise<T>,
  ms: Millis = MINUTE,
): Promise<T> {
  let isDone = false
  const ended = work.finally(() => {
    isDone = true
  })
  ended.catch(() => {})
  if (!(await timeline.runUntil(ms, () => isDone, 20))) throw new Broken(`It took ${ms} ms`)
  return ended
}

const wishOf = (office: Office) => ({
  organisation: 'Acme',
  branch: office.name,
  admin: { login: 'boss', firstName: 'Boss', lastName: office.name, password: 'first of all 1' },
})

async function join(company: Company, first: Office, office: Office): Promise<void> {
  const { line } = await done(
    company,
    first.at.running.relay.createInvitation({
      ...{ branchName: office.name, createdBy: undefined, validMs: HOUR },
    }),
  )
  const addresses = [`${office.host}:${PORT}`]
  const wish = { invitation: line, admin: wishOf(office).admin, addresses }
  await done(
    company,
    office.start((parts) => joinBranch(parts, wish)),
  )
}

async function hire(company: Company, home: Office): Promise<void> {
  const login = `p${'abcdefghjkmnpqrstvwxyz'[company.people.length]}x`
  const password = `password of ${login}`
  const input = { login, firstName: login.toUpperCase(), password, temporary: false }
  const { id } = await done(company, createUser(home.at.core.accounts, undefined, input))
  company.people.push({ id, login, home, password })
}

async function isEverybodyKnown({ offices, people }: Company): Promise<boolean> {
  for (const office of offices) {
    const rows = await office.at.store.read.selectFrom('user').select('id').execute()
    // The bosses count too.
    if (rows.length < people.length + offices.length) return false
  }
  return true
}
