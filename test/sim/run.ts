/**
 * One run: a company from a seed, a storm, repairs, quiet, and the checks. Everything follows from the seed, so a run
 * that failed fails again.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BranchId } from '../../src/base/ids.ts'
import { MINUTE, type Millis, SECOND } from '../../src/base/units.ts'
import { shownAlike, type Weather } from './alike.ts'
import { believed } from './believed.ts'
import { acksHold, CHECKS, CHECKS_AMONG_HONEST, type Checked } from './checkers.ts'
import { Broken, type Company, companyOf, done } from './company.ts'
import { Faults } from './faults.ts'
import { Habits } from './habits.ts'
import { beginMemory, queuesTooLong } from './memory.ts'
import { beginNonces, noncesUsedTwice } from './nonces.ts'
import type { Bug, Office } from './office.ts'
import { readable, unsigned } from './proofs.ts'
import { notesDiffer, startNotes } from './releases.ts'
import { type Acks, acksAndHeads, type Snapshot, snapshotOf } from './snapshot.ts'
import { seenBy, Workload } from './workload.ts'

export type RunOptions = {
  seed: number
  /** Virtual minutes of storm. */
  minutes?: number | undefined
  /** 3 to 5 when absent, by the seed. */
  branches?: number | undefined
  bug?: Bug
}

export type Outcome = {
  seed: number
  /** Of everything that happened, in order. */
  hash: string
  events: number
  messages: number
  /** How often mail came by a third branch, as its writers know. */
  carried: number
  /** What struck, and how often. */
  weather: readonly (readonly [string, number])[]
  /** What did not hold, in words. */
  faults: string[]
  lines: readonly string[]
}

export const STORM_MINUTES = 0.75
/** Dead lines are noticed after 45 s, calls are repeated at most every 72 s: then all is told. */
const QUIET_MS_MAX = 5 * MINUTE
/** Marks that waited, acks of acks. */
const AFTER_QUIET_MS = 5 * SECOND
/** Leases of presence run out, pages of the past come. */
const SHOWN_MS_MAX = 10 * MINUTE
const ACKS_LOOKED_AT_MS = SECOND
/** Of all that strangers must not see at the end. */
const LOOKED_AT_MAX = 20

/** Runs a seed. Never throws: what was thrown is a fault. */
export async function run(options: RunOptions): Promise<Outcome> {
  const { seed, minutes = STORM_MINUTES, bug = { isOn: false } } = options
  const branches = options.branches ?? branchesOf(seed)
  // Files in memory where there are such: a power loss is a copy of them anyway.
  const place = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
  const folder = mkdtempSync(join(place, 'branchline-sim-'))
  const outcome: Outcome = {
    seed,
    hash: '',
    events: 0,
    messages: 0,
    carried: 0,
    weather: [],
    faults: [],
    lines: [],
  }
  beginNonces()
  beginMemory()
  try {
    const company = await companyOf({ seed, branches, folder, bug })
    const workload = new Workload(company)
    bug.isOn = true
    for (const office of company.offices) if (office.liar) begin(company, office.liar, office)
    const faults = new Faults(company)
    try {
      outcome.faults = await storm(company, { workload, faults }, minutes * MINUTE)
      outcome.carried = await carriedIn(company)
    } catch (error) {
      outcome.faults = [told(error)]
    }
    const { timeline } = company
    Object.assign(outcome, { hash: timeline.hash, events: timeline.count, lines: timeline.lines })
    outcome.weather = [...faults.met]
    outcome.messages = workload.posted.length
    timeline.beforeEvent = () => {}
    for (const office of company.offices) await office.kill(true)
  } catch (error) {
    outcome.faults = [told(error)]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return outcome
}

function begin({ timeline, liars }: Company, liar: Bug, { name, at }: Office): void {
  timeline.note(`${name} lies`)
  liar.isOn = true
  liars.add(at.core.membership.self)
}

/** Three mostly: what goes wrong between four can mostly go wrong between three, in half the time. */
function branchesOf(seed: number): number {
  if (seed % 6 === 0) return 4
  return seed % 9 === 0 ? 5 : 3
}

async function storm(
  company: Company,
  { workload, faults }: { workload: Workload; faults: Faults },
  ms: Millis,
): Promise<string[]> {
  const { timeline } = company
  const habits = new Habits(company, workload)
  workload.start()
  startNotes(company, () => faults.isOver)
  faults.start()
  habits.start()
  const isBroken = await timeline.runUntil(ms, () => isWrong(company), ACKS_LOOKED_AT_MS)
  if (isBroken) return wrongs(company)
  workload.stop()
  habits.stop()
  await faults.heal()
  await timeline.runUntil(SECOND)
  workload.last()
  const isQuiet = await timeline.runUntil(
    QUIET_MS_MAX,
    async () => company.failures.length > 0 || (await isAllTold(company, workload)),
    SECOND,
  )
  await timeline.runUntil(AFTER_QUIET_MS)
  const found = [...(await wrongs(company)), ...(await checked(company, workload))]
  if (isQuiet && habits.isOn) found.push(...(await shownUnlike(company, { workload, faults })))
  if (!isQuiet) found.unshift('I4: it did not come to rest within five minutes of good weather')
  return found
}

/** What people see at two branches: some of it is asked of the others, so time goes on. */
async function shownUnlike(
  company: Company,
  { workload, faults }: { workload: Workload; faults: Faults },
): Promise<string[]> {
  const weather = new Set<Weather>()
  if (faults.met.has('a clock set')) weather.add('a clock was set')
  if (company.offices.some(({ machine }) => machine.wasRestored))
    weather.add('a branch was put back')
  const unlike = await done(company, shownAlike(company, { workload, weather }), SHOWN_MS_MAX)
  return unlike.map((fault) => `shown at two branches: ${fault}`)
}

async function carriedIn({ offices }: Company): Promise<number> {
  let sum = 0
  for (const office of offices.filter(({ work }) => work)) {
    const marks = office.at.store.read.selectFrom('stored_mark').where('via', 'is not', null)
    sum += (await marks.select('upTo').execute()).length
  }
  return sum
}

/** What can be seen at any time. */
async function isWrong(company: Company): Promise<boolean> {
  return (await wrongs(company)).length > 0
}

async function wrongs(company: Company): Promise<string[]> {
  const { failures, alarms, liars, offices, standing } = company
  const running = offices.filter((office) => office.work)
  const snapshots: Acks[] = []
  const above: string[] = []
  for (const office of running) {
    snapshots.push(await acksAndHeads(office))
    above.push(...(await standing.above(office.at.core)))
  }
  return [
    ...failures.map(told),
    ...alarms
      .filter((line) => ![...liars].some((branch) => line.includes(`"peer":"${branch}"`)))
      .map((line) => `no honest branch says: ${line}`),
    ...acksHold({ snapshots }).map((fault) => `I5: ${fault}`),
    ...queuesTooLong().map((fault) => `I13: ${fault}`),
    ...[...standing.faults, ...above].map((fault) => `I14: ${fault}`),
    ...noncesUsedTwice().map((fault) => `I16: ${fault}`),
  ]
}

/** All but the revoked one. */
const honest = ({ offices, standing }: Company) =>
  offices.filter(({ branch }) => branch !== standing.branch)

/** Everybody is linked with everybody, has answers, and nothing waits to be told. */
async function isAllTold(company: Company, workload: Workload): Promise<boolean> {
  const { offices, standing } = company
  if (!workload.isQuiet || offices.some(({ work, isOutdated }) => !work || isOutdated)) return false
  const all = honest(company)
  for (const office of all) {
    const { running, core, store } = office.at
    const links = running.relay.links()
    if (links.length !== all.length - 1 || links.some(({ up }) => !up)) return false
    if (standing.branch !== undefined && !standing.hasHeard(core)) return false
    for (const { branch } of links) if ((await core.eventLog.outboxOf(branch)) > 0) return false
    // Whether somebody lacks the record of a group is looked at in the end: see `isForNobody`.
    const parked = store.read
      .selectFrom('event')
      .select('position')
      .where('state', '=', 'parked')
      .where('reason', '!=', 'waits-for-conversation')
      // Looked at in the end, too: see `isOfLostStay`.
      .where('kind', '!=', 0x0410)
    if ((await parked.executeTakeFirst()) && (await isSomethingAwaited(company))) return false
    // Who carried what came by another way hears of it when its own link is mended.
    const carried = store.read
      .selectFrom('carried_batch as c')
      .innerJoin('feed as f', 'f.n', 'c.feedN')
      .select('c.feedN')
      // Of and for a revoked branch it is dropped at the next start.
      .where('f.origin', '!=', standing.branch ?? ('' as BranchId))
      .where('f.destination', '!=', standing.branch ?? ('' as BranchId))
    if (await carried.executeTakeFirst()) return false
  }
  return true
}

/** Whether what is parked waits for something that comes: nothing comes of a revoked branch. */
async function isSomethingAwaited(company: Company): Promise<boolean> {
  const { branch } = company.standing
  if (branch === undefined) return true
  const snapshots: Snapshot[] = []
  for (const office of company.offices) snapshots.push(await snapshotOf(office))
  return believed(snapshots, branch).some(({ events }) =>
    events.some(({ state, reason }) => state === 'parked' && reason !== 'waits-for-conversation'),
  )
}

async function checked(company: Company, workload: Workload): Promise<string[]> {
  const { offices, standing } = company
  const down = offices.filter((office) => !office.work)
  if (down.length > 0) return down.map(({ name }) => `${name} does not run`)
  const snapshots: Snapshot[] = []
  for (const office of offices) snapshots.push(await snapshotOf(office))
  const { posted } = workload
  const found = (checks: typeof CHECKS, of: Checked) =>
    checks.flatMap(([name, check]) => check(of).map((fault) => `${name}: ${fault}`))
  const texts = posted.map(({ text }) => text)
  const notes = await notesDiffer(honest(company), standing.branch)
  return [
    ...found(CHECKS, { snapshots, posted }),
    ...found(CHECKS_AMONG_HONEST, { snapshots: believed(snapshots, standing.branch), posted }),
    ...notes.map((fault) => `what the later release wrote differs: ${fault}`),
    ...(await unsigned(company)).map((fault) => `I7: ${fault}`),
    ...readable(company, snapshots, texts).map((fault) => `I9: ${fault}`),
    ...(await strangersSee(company, workload)),
  ]
}

/** Nobody sees a conversation he was never meant to be in, at any branch. */
async function strangersSee(company: Company, workload: Workload): Promise<string[]> {
  const { offices, people, chance } = company
  const faults: string[] = []
  const pairs = [...workload.chats.values()].flatMap(({ id: conversation, ever }) =>
    people.filter(({ id }) => !ever.has(id)).map((person) => ({ conversation, person })),
  )
  for (let n = 0; n < LOOKED_AT_MAX && pairs.length > 0; n++) {
    const { conversation, person } = chance.pick(pairs)
    const { at, name } = chance.pick(offices)
    const viewer = { id: person.id, at: at.core.membership.self }
    if (!(await seenBy(at.store, viewer, conversation))) continue
    faults.push(`secrecy: ${person.login} sees ${conversation} at ${name}, never in it`)
  }
  return faults
}

function told(error: unknown): string {
  if (error instanceof Broken) return error.message
  return error instanceof Error ? `${error.stack}` : String(error)
}
