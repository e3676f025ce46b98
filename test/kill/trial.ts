/** One trial: people of three branches write while processes die and lines fail; then everything must be there, once. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { spread, until } from '../bench/wait.ts'
import { hire, knows } from '../scenarios/company.ts'
import { Client, type Delivery } from '../scenarios/servers.ts'
import { chanceOf } from '../sim/chance.ts'
import type { Branch } from '../soak/branch.ts'
import {
  checkDatabase,
  checkHistories,
  checkLog,
  checkStreams,
  checkUnread,
  type History,
  histories,
  Problems,
} from '../soak/checks.ts'
import { type Chat, Ledger, type Person } from '../soak/ledger.ts'
import { work } from '../soak/load.ts'
import { Follower } from '../soak/streams.ts'
import { BRANCHES, type Company } from './company.ts'
import { Shelf, sendFiles } from './files.ts'
import { askDoctor, type Leftovers, openAll, tidiedUp } from './shelves.ts'
import { type Counts, kill, trouble } from './troubles.ts'

const LOGINS = {
  Kyiv: ['anton', 'bohdan', 'daryna', 'fedir'],
  Lviv: ['nadia', 'orest', 'pavlo', 'roman'],
  Odesa: ['semen', 'taras', 'uliana', 'yurko'],
} as const
const FOLLOWERS_PER_BRANCH = 2
/** How long branches may take to agree when all runs and all lines are whole. */
const AGREE_MS_MAX = 240_000
const AGREE_EVERY_MS = 2000
/** How long people still wait for an answer when the load is over. */
const LATE_MS = 60_000
/** Delivery stories that are read at the end. */
const STORIES = 1000

export type Trial = {
  messages: number
  kills: number
  rate: number
  seed: number
  /** Messages with files, besides the others; 0: none. */
  sendings: number
}

export type Found = Trial & {
  acknowledged: number
  /** Of them, so many were asked for more than once. */
  askedAgain: number
  deaths: Counts
  lineTroubles: Counts
  /** From the end of the load until all branches had all. */
  healSeconds: number
  /** From the answer to its writer until a stream at another branch told it. */
  delaysMs: number[]
  logs: Record<string, Counts>
  files: FilesFound
  problems: string[]
}

export type FilesFound = Pick<
  Shelf,
  'messages' | 'uploads' | 'resumed' | 'left' | 'same' | 'opened' | 'bytes'
> & {
  count: number
  /** From when all branches had all messages until every file opened wherever it belongs. */
  openSeconds: number
  /** Files on the disks that no table knew, and what the collector took. */
  leftovers: Leftovers
}

type Scene = {
  company: Company
  ledger: Ledger
  people: Person[]
  groups: Chat[]
  shelf: Shelf
  problems: Problems
}

/** Runs one; `say` hears how it goes. */
export async function run(
  trial: Trial,
  company: Company,
  say: (text: string) => void,
): Promise<Found> {
  const ledger = new Ledger()
  const [shelf, problems] = [new Shelf(), new Problems()]
  const scene = { company, ledger, shelf, problems, ...(await settle(company, ledger)) }
  const followers = followersOf(scene)
  const following = followers.map((follower) => follower.follow())
  await until('all streams are open', () => followers.every((one) => one.connections > 0))
  say('The load begins')
  const { deaths, lineTroubles } = await storm(trial, scene, say)
  say('The load has ended, all runs again')
  const began = performance.now()
  const read = await agree(scene)
  const healSeconds = (performance.now() - began) / 1000
  checkHistories(problems, ledger, read)
  checkStreams(problems, followers, read)
  await checkStories(problems, read)
  for (const follower of followers) follower.stop()
  const [everybody] = scene.groups
  if (everybody) await checkUnread(problems, scene.people, everybody)
  const openSeconds = await openAll(problems, shelf, ledger)
  if (trial.sendings > 0) for (const branch of company.branches) await askDoctor(problems, branch)
  const logs = await end(problems, company.branches)
  const leftovers = { strays: 0, collected: 0 }
  for (const branch of trial.sendings > 0 ? company.branches : []) {
    const { strays, collected } = await tidiedUp(problems, branch)
    leftovers.strays += strays
    leftovers.collected += collected
  }
  for (const text of ledger.faults) problems.add('fault of the load', text)
  const acknowledged = ledger.acknowledged
  if (acknowledged < ledger.messages.size) {
    problems.add('never acknowledged', `${ledger.messages.size - acknowledged} messages`)
  }
  await Promise.all(following)
  return {
    ...{ ...trial, acknowledged, deaths, lineTroubles, healSeconds, logs },
    askedAgain: [...ledger.messages.values()].filter(({ tries }) => tries > 1).length,
    delaysMs: delaysOf(ledger, followers),
    files: filesFound(shelf, { openSeconds, leftovers }),
    problems: problems.told,
  }
}

function filesFound(shelf: Shelf, more: Pick<FilesFound, 'openSeconds' | 'leftovers'>): FilesFound {
  const { messages, uploads, resumed, left, same, opened, bytes, files } = shelf
  return { messages, uploads, resumed, left, same, opened, bytes, count: files.length, ...more }
}

/** Everybody is known everywhere; one group of all, one of each pair of branches. */
async function settle({ branches, admins }: Company, ledger: Ledger) {
  const people: Person[] = []
  for (const [i, branch] of branches.entries()) {
    for (const login of LOGINS[BRANCHES[i] ?? 'Kyiv']) {
      const admin = admins[i]
      if (admin) await hire(admin, login, `Person ${login}`)
      const client = await Client.signIn(branch, login)
      people.push({ login, branch: branch.name, client })
    }
  }
  for (const admin of admins) {
    for (const { login } of people) await until(`${login} is known`, () => knows(admin, login))
  }
  const without = (name: string) => people.filter(({ branch }) => branch !== name)
  const groups: Chat[] = [await newGroup('Everybody', people, ledger)]
  for (const name of BRANCHES) {
    groups.push(await newGroup(`Without ${name}`, without(name), ledger))
  }
  return { people, groups }
}

async function newGroup(title: string, members: Person[], ledger: Ledger): Promise<Chat> {
  const [owner, ...others] = members
  if (owner === undefined) throw new Error('A group of nobody')
  const wish = { kind: 'group', title, members: others.map(({ login }) => login) }
  const { id } = await owner.client.call<{ id: string }>('POST', '/conversations', wish)
  for (const { login, branch, client } of members) {
    const path = `/conversations/${id}/messages?limit=1`
    await until(`${login} has ${title}`, () =>
      client.call('GET', path).then(
        () => true,
        () => false,
      ),
    )
    ledger.know({ id, members }, branch)
  }
  return { id, members }
}

function followersOf({ company, people }: Scene): Follower[] {
  return company.branches.flatMap((branch) =>
    people
      .filter((person) => person.branch === branch.name)
      .slice(0, FOLLOWERS_PER_BRANCH)
      .map((person) => new Follower(person, branch)),
  )
}

async function storm(trial: Trial, scene: Scene, say: (text: string) => void) {
  const { company, ledger, people, groups, shelf } = scene
  const { branches } = company
  const chance = (of: string) => chanceOf(trial.seed, of)
  let isKilling = true
  let lateAt = Number.POSITIVE_INFINITY
  const progress = () => {
    const ofFiles = trial.sendings === 0 ? 1 : shelf.tried / trial.sendings
    return Math.min(1, ledger.messages.size / trial.messages, ofFiles)
  }
  const isOver = () => progress() >= 1 && !isKilling
  const telling = setInterval(() => {
    const starts = branches.map(({ name, lives }) => `${name} ${lives.length}`)
    say(
      `${ledger.messages.size} messages, ${shelf.messages} with files, starts: ${starts.join(', ')}`,
    )
  }, 30_000)
  const killing = kill({ company, chance: chance('kills'), kills: trial.kills, progress }).finally(
    () => {
      isKilling = false
    },
  )
  const troubling = trouble({ company, chance: chance('lines') }, isOver)
  const isLate = () => {
    if (isOver()) lateAt = Math.min(lateAt, performance.now() + LATE_MS)
    return performance.now() > lateAt
  }
  const groupIds = groups.map(({ id }) => id)
  const loading = work({
    ...{ branches, people, groups: groupIds, ledger },
    ...{ chance: chance('load'), rate: trial.rate, isOver, isLate },
  })
  const sending = sendFiles({
    ...{ people, groups: groupIds, ledger, shelf, chance, sendings: trial.sendings },
    ...{ isOver, isLate, problem: (kind, example) => scene.problems.add(kind, example) },
  })
  const [deaths, lineTroubles] = await Promise.all([killing, troubling, loading, sending])
  clearInterval(telling)
  return { deaths, lineTroubles }
}

type Links = { items: { isSelf: boolean; linked: boolean; waiting: number }[] }

/** Waits until all hold all; what is still wrong at the deadline is a problem. */
async function agree({ company, ledger }: Scene): Promise<History[]> {
  const deadline = performance.now() + AGREE_MS_MAX
  const isQuiet = async () => {
    const asked = company.admins.map((admin) => admin.call<Links>('GET', '/admin/branches'))
    const links = (await Promise.all(asked)).flatMap(({ items }) => items)
    return links.every(({ isSelf, linked, waiting }) => isSelf || (linked && waiting === 0))
  }
  const patience = { everyMs: 200, withinMs: AGREE_MS_MAX }
  await until('all are linked and nothing waits', isQuiet, patience)
  for (;;) {
    const read = await histories(ledger)
    const problems = new Problems()
    checkHistories(problems, ledger, read)
    if (problems.told.length === 0 || performance.now() > deadline) return read
    await until('the next look', () => true, { everyMs: AGREE_EVERY_MS })
  }
}

/** What its author is told: stored at every branch of a member, nothing waits, nothing is silent. */
async function checkStories(problems: Problems, read: readonly History[]): Promise<void> {
  const own = read.flatMap(({ chat, reader, messages }) => {
    const others = new Set(chat.members.map(({ branch }) => branch))
    others.delete(reader.branch)
    const mine = messages.filter(({ author }) => author.login === reader.login)
    return mine.map(({ id, body }) => ({ id, body, reader, others }))
  })
  const step = Math.max(1, Math.ceil(own.length / STORIES))
  await spread(Math.ceil(own.length / step), 4, async (i) => {
    const one = own[i * step]
    if (one === undefined) return
    const { steps }: Delivery = await one.reader.client.delivery(one.id)
    const stored = new Set(steps.flatMap((s) => (s.state === 'stored' ? [s.branch] : [])))
    const missing = [...one.others].filter((name) => !stored.has(name))
    const strange = steps.filter(({ state }) => state === 'waiting' || state === 'refused')
    if (missing.length + strange.length === 0) return
    problems.add('a story does not end well', `"${one.body}": ${JSON.stringify(steps)}`)
  })
}

/** Ends all cleanly and looks into their databases and logs. */
async function end(problems: Problems, branches: readonly Branch[]) {
  const logs: Record<string, Counts> = {}
  for (const branch of branches) {
    await branch.end()
    checkDatabase(problems, branch)
    checkEvents(problems, branch)
    logs[branch.name] = checkLog(problems, branch)
    for (const fault of branch.faults) problems.add('process', fault)
  }
  return logs
}

/** Nothing was refused, and nothing waits for what never came. */
function checkEvents(problems: Problems, { name, site }: Branch): void {
  if (!readdirSync(site.data).includes('branchline.db')) return
  const database = new Database(join(site.data, 'branchline.db'), { readonly: true })
  try {
    const rows = database
      .prepare(
        `select state, reason, count(*) as n from event where state in ('parked', 'refused')
         group by state, reason`,
      )
      .all() as { state: string; reason: string; n: number }[]
    for (const { state, reason, n } of rows) {
      problems.add('an event is not applied', `${name}: ${n} ${state}, ${reason}`)
    }
  } finally {
    database.close()
  }
}

/** How long messages took to a stream at another branch than their author's. */
function delaysOf(ledger: Ledger, followers: readonly Follower[]): number[] {
  const delays: number[] = []
  const branchOf = new Map(
    [...ledger.chats.values()].flatMap(({ members }) => members.map((m) => [m.login, m.branch])),
  )
  for (const { person, toldAt } of followers) {
    for (const [body, at] of toldAt) {
      const written = ledger.messages.get(body)
      if (written?.at === undefined || branchOf.get(written.author) === person.branch) continue
      delays.push(Math.max(0, at - written.at))
    }
  }
  return delays
}
