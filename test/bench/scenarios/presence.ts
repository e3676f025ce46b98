/**
 * What presence of 50 branches with 2,000 people each costs a line and a branch. Everything but sockets is real; time is
 * turned by hand and bytes are counted as they would stand on the line, so that a busy machine changes nothing.
 */
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import type { BranchId, UserId } from '../../../src/base/ids.ts'
import { SECOND } from '../../../src/base/units.ts'
import { openStore } from '../../../src/db/open.ts'
import { createPresence } from '../../../src/presence/presence.ts'
import type { Letter } from '../../../src/presence/telling.ts'
import { silentLog } from '../../db/store.ts'
import { branchId, kbitPerSecond, personId, twoOffices } from '../../presence/offices.ts'
import { handClock } from '../../web/support.ts'
import { type Measured, rounded } from '../figures.ts'
import { type Bench, type Scenario, scaled } from '../scenario.ts'

const PEOPLE = 2000
const BRANCHES = 50
/** Everybody of a branch comes within these, and looks away and back once. */
const RUSH_SECONDS = 600

const storeIn = (bench: Bench) => () => {
  const path = join(mkdtempSync(join(bench.folder, 'presence-')), 'branchline.db')
  return openStore({ path, clock: handClock(), log: silentLog })
}

/** Both ways of one line between two branches, the worst minute of each part of a day. */
async function lineOf(bench: Bench) {
  const people = scaled(bench, PEOPLE, 50)
  const at = await twoOffices({ people, storeOf: storeIn(bench) })
  const { wire, pass } = at
  const worst = async (minutes: number, each: (second: number) => void = () => {}) => {
    let most = 0
    for (let minute = 0; minute < minutes; minute++) {
      const before = wire.bytes
      await pass(60, (second) => each(minute * 60 + second))
      most = Math.max(most, wire.bytes - before)
    }
    return kbitPerSecond(most, 60 * SECOND)
  }
  await at.link()
  await pass(120)
  const open: (() => void)[] = []
  const morning = await worst(RUSH_SECONDS / 60, (second) => {
    const from = Math.floor((second * people) / RUSH_SECONDS)
    const to = Math.floor(((second + 1) * people) / RUSH_SECONDS)
    for (const office of [at.here, at.there]) {
      for (const user of office.people.slice(from, to)) {
        open.push(office.presence.streamOpened(user))
        // A phone or a door: gone for longer than the grace, and back by the next request.
        const earlier = office.people[from - Math.floor(people / 20)]
        if (earlier) office.presence.touched(earlier)
      }
    }
    if (second % 2 === 0) for (const one of open.splice(0, Math.floor(open.length / 40))) one()
  })
  for (const office of [at.here, at.there]) {
    for (const user of office.people) office.presence.streamOpened(user)
  }
  await pass(180)
  const rest = await worst(2)
  await at.cut()
  for (const office of [await at.restart(0), await at.restart(1)]) {
    for (const user of office.people) office.presence.streamOpened(user)
  }
  await at.link()
  const linkUp = await worst(2)
  return { rest, morning, linkUp }
}

/** One branch that hears 49 others: what its processor does, with everybody of the company online. */
async function branchOf(bench: Bench) {
  const count = scaled(bench, PEOPLE, 50)
  const clock = handClock()
  const store = await storeIn(bench)()
  const self = branchId(0)
  const homes = new Map<UserId, BranchId>()
  const peopleOf = (b: number) => Array.from({ length: count }, (_, i) => personId(b * count + i))
  const all = Array.from({ length: BRANCHES }, (_, b) => peopleOf(b))
  for (const [b, people] of all.entries()) for (const user of people) homes.set(user, branchId(b))
  const sent: Letter[] = []
  const presence = createPresence({
    ...{ store, self, clock, log: silentLog, homeOf: (user) => homes.get(user) },
    ...{ peopleOf: (branch) => all[Number.parseInt(branch.slice(0, 4), 16)] ?? [] },
    ...{ lostSince: () => undefined, statusOf: () => undefined },
    send: (_to, letter) => void sent.push(letter),
  })
  await presence.start()
  const turn = async () => {
    for (let n = 0; n < 4; n++) await new Promise((resolve) => setImmediate(resolve))
  }
  for (let b = 1; b < BRANCHES; b++) presence.linked(branchId(b))
  for (const user of all[0] ?? []) presence.streamOpened(user)
  for (let b = 1; b < BRANCHES; b++) {
    const lastSeenAt = clock.now()
    const people = (all[b] ?? []).map((user) => ({ user, isOnline: true, lastSeenAt }))
    for (let i = 0; i < people.length; i += 22) {
      presence.received(branchId(b), people.slice(i, i + 22))
    }
  }
  // What is due once, the writing of 100,000 times, takes some minutes of sweeps.
  const longest: number[] = []
  const cpu = process.cpuUsage()
  const seconds = 600
  for (let n = 0; n < seconds; n++) {
    const before = process.cpuUsage()
    clock.pass(SECOND)
    const { user, system } = process.cpuUsage(before)
    longest.push((user + system) / 1000)
    await turn()
  }
  const { user, system } = process.cpuUsage(cpu)
  await presence.stop()
  await store.close()
  const sorted = longest.toSorted((a, b) => a - b)
  return {
    share: (user + system) / 1000 / (seconds * 10),
    sweep: sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Number.NaN,
  }
}

/** kbit/s of one line, both ways; and what the people of a whole company cost one branch. */
export const presence: Scenario = async (bench) => {
  bench.say('the line')
  const line = await lineOf(bench)
  bench.say('the branch')
  const branches: Awaited<ReturnType<typeof branchOf>>[] = []
  for (let run = 0; run < bench.runs; run++) branches.push(await branchOf(bench))
  const note = `50 branches, ${PEOPLE} people each; the worst minute, both ways, with all headers`
  const kbit = (figure: string, value: number): Measured => {
    return { figure, unit: 'kbit/s', values: [rounded(value)], note }
  }
  return [
    kbit('a line at rest', line.rest),
    kbit('a line in the morning', line.morning),
    kbit('a line after both ends started', line.linkUp),
    {
      ...{ figure: 'a sweep with 100,000 people online, p99', unit: 'ms CPU' },
      values: branches.map(({ sweep }) => sweep),
    },
    {
      ...{ figure: 'a branch with 100,000 people online', unit: '% CPU' },
      values: branches.map(({ share }) => share),
      note: 'ten minutes, with the writing of all last seen times',
    },
  ]
}
