/**
 * `npm run soak -- --minutes 60`: two real branches under a mixed load while servers are killed and the line between
 * them is cut, once a minute; then everything heals and the promises are checked. docs/soak.md says what and why.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { foundTwo } from '../bench/company.ts'
import { machine } from '../bench/machine.ts'
import { benchFolder, type Site } from '../bench/servers.ts'
import { pause, until } from '../bench/wait.ts'
import { hire, knows, linkTo } from '../scenarios/company.ts'
import { Client } from '../scenarios/servers.ts'
import { type Chance, chanceOf } from '../sim/chance.ts'
import { Branch, quietPorts } from './branch.ts'
import {
  checkDatabase,
  checkHistories,
  checkLog,
  checkStreams,
  checkUnread,
  type History,
  histories,
  Problems,
} from './checks.ts'
import { drawTrouble, happen, type Trouble } from './faults.ts'
import { type Chat, Ledger, type Person } from './ledger.ts'
import { type Line, openLine } from './line.ts'
import { type Stage, work } from './load.ts'
import { memoryOf } from './memory.ts'
import { type Findings, jsonOf, type Options, tableOf } from './report.ts'
import { Follower } from './streams.ts'

const HELP = `npm run soak -- [--minutes N] [--rate N] [--every SECONDS] [--seed N] [--keep] [--out FILE]
  --minutes    of load and troubles (default 60)
  --rate       messages a second, of all people together (default 20)
  --every      seconds from trouble to trouble (default 60)
  --seed       of the troubles and of what people do (default: of the time)
  --keep       leaves the folders of both branches, and says where
  --out        JSON of everything goes there
`

const LOGINS = {
  Kyiv: ['anton', 'bohdan', 'daryna', 'fedir', 'hanna', 'inna', 'kateryna', 'maksym'],
  Lviv: ['nadia', 'orest', 'pavlo', 'roman', 'solomia', 'taras', 'uliana', 'yurko'],
} as const
const FOLLOWERS_PER_BRANCH = 3
const SAMPLE_EVERY_SECONDS = 30
/** After the load: how long people still wait for an answer, and how long branches may take to agree. */
const LATE_MS = 60_000
const AGREE_MS_MAX = 180_000
/** A process that was just killed may still close its files. */
const REMOVAL = { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }
const DETOUR = new URL('./detour.ts', import.meta.url)
const COLLECT = new URL('./collect.ts', import.meta.url)

function given(): Options & { keep: boolean; out: string | undefined } {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '60' },
      rate: { type: 'string', default: '20' },
      every: { type: 'string', default: '60' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      keep: { type: 'boolean', default: false },
      out: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(HELP)
    process.exit(0)
  }
  const [minutes, rate] = [Number(values.minutes), Number(values.rate)]
  const [everySeconds, seed] = [Number(values.every), Number(values.seed)]
  if (![minutes, rate, everySeconds].every((n) => n > 0) || !Number.isInteger(seed)) {
    process.stderr.write(HELP)
    process.exit(2)
  }
  return { minutes, rate, everySeconds, seed, keep: values.keep, out: values.out }
}

const say = (text: string) => void process.stderr.write(`${new Date().toISOString()}  ${text}\n`)

type Company = { branches: [Branch, Branch]; lines: [Line, Line]; admins: [Client, Client] }

/** Two branches whose calls to each other go through two lines of ours. */
async function openCompany(folder: string, chance: Chance): Promise<Company> {
  const ports = await quietPorts(6, () => chance.chance())
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = ports
  const site = (name: string, port: number, relayPort: number): Site => {
    const data = join(folder, name.toLowerCase())
    mkdirSync(data)
    return { name, data, port, relayPort }
  }
  const sites = [site('Kyiv', a, b), site('Lviv', c, d)] as const
  const lines: Company['lines'] = [
    await openLine({ port: e, to: d }),
    await openLine({ port: f, to: b }),
  ]
  const detour = (from: number, to: number) => {
    const url = new URL(DETOUR)
    url.search = `from=${from}&to=${to}`
    return ['--import', url.href, '--import', COLLECT.href]
  }
  const flags = [detour(d, e), detour(b, f)] as const
  const branches: Company['branches'] = [
    new Branch(sites[0], flags[0]),
    new Branch(sites[1], flags[1]),
  ]
  const [kyiv, lviv] = await foundTwo(folder, sites, (one) => flags[one === sites[0] ? 0 : 1])
  branches[0].adopt(kyiv)
  branches[1].adopt(lviv)
  const admins: Company['admins'] = [
    await Client.signIn(branches[0], 'ada'),
    await Client.signIn(branches[1], 'lev'),
  ]
  return { branches, lines, admins }
}

/** Eight people at each branch, known at both, and four groups of people of both. */
async function settle({ branches, admins }: Company, ledger: Ledger) {
  const people: Person[] = []
  for (const [i, branch] of branches.entries()) {
    const admin = admins[i]
    if (admin === undefined) continue
    for (const login of LOGINS[branch.name as keyof typeof LOGINS]) {
      await hire(admin, login, `Person ${login}`)
      people.push({
        login,
        branch: branch.name,
        client: await Client.signIn(branch, login),
      })
    }
  }
  for (const admin of admins) {
    for (const { login } of people) await until(`${login} is known`, () => knows(admin, login))
  }
  const [kyiv, lviv] = [people.slice(0, 8), people.slice(8)]
  const groups: Chat[] = [
    await newGroup('Everybody', people, ledger),
    await newGroup('Everybody, from Lviv', [...lviv, ...kyiv], ledger),
    await newGroup('Harvest', [...kyiv.slice(0, 3), ...lviv.slice(0, 3)], ledger),
    await newGroup('Machines', [...lviv.slice(3, 6), ...kyiv.slice(3, 6)], ledger),
  ]
  return { people, groups }
}

async function newGroup(title: string, members: Person[], ledger: Ledger): Promise<Chat> {
  const [owner, ...others] = members
  if (owner === undefined) throw new Error('A group of nobody')
  const wish = { kind: 'group', title, members: others.map(({ login }) => login) }
  const { id } = await owner.client.call<{ id: string }>('POST', '/conversations', wish)
  const chat = { id, members }
  for (const member of members) {
    await until(`${member.login} has ${title}`, () => has(member.client, id))
    ledger.know(chat, member.branch)
  }
  return chat
}

const has = (client: Client, chat: string) =>
  client.call('GET', `/conversations/${chat}/messages?limit=1`).then(
    () => true,
    () => false,
  )

/** Load, troubles and samples until the time is over and everything has healed. */
async function run(options: Options, company: Company, stage: Omit<Stage, 'isOver' | 'isLate'>) {
  const { branches, lines } = company
  const { ledger } = stage
  const began = performance.now()
  const endMs = options.minutes * 60_000
  const elapsed = () => performance.now() - began
  const isOver = () => elapsed() >= endMs
  const isLate = () => elapsed() >= endMs + LATE_MS
  const troubles: Trouble[] = []
  const chance = chanceOf(options.seed, 'troubles')
  const everyMs = options.everySeconds * 1000

  const sampleMs = 1000 * Math.min(SAMPLE_EVERY_SECONDS, options.everySeconds / 2)
  const sample = () => {
    for (const branch of branches) branch.sample(elapsed() / 60_000)
  }
  const sampling = setInterval(sample, sampleMs)
  const loading = work({ ...stage, isOver, isLate })
  for (let due = everyMs; due < endMs; due += everyMs) {
    await pause(Math.max(0, due - elapsed()))
    const victim = branches[elapsed() < endMs / 2 ? 1 : 0]
    const trouble = drawTrouble(chance, options.everySeconds)
    troubles.push(trouble)
    say(progress({ ledger, branches, trouble, victim, minute: elapsed() / 60_000 }))
    await happen(trouble, { victim, lines })
  }
  await pause(Math.max(0, endMs - elapsed()))
  sample()
  clearInterval(sampling)
  say('The load ends')
  await loading
  return { troubles, minutes: elapsed() / 60_000 }
}

function progress(of: {
  ledger: Ledger
  branches: readonly Branch[]
  trouble: Trouble
  victim: Branch
  minute: number
}): string {
  const { ledger, branches, trouble, victim } = of
  const { kind, downSeconds, cutSeconds } = trouble
  const parts = [
    ...(/kill|term/.test(kind) ? [`${victim.name} for ${downSeconds} s`] : []),
    ...(/refused|silent/.test(kind) ? [`line for ${cutSeconds} s`] : []),
  ]
  const memory = branches.map(({ name, lives }) => {
    const last = lives.at(-1)?.samples.at(-1)
    return `${name} ${last?.rssMib.toFixed(0) ?? '-'} MiB ${last?.descriptors ?? '-'} fd`
  })
  const faults = ledger.faultCount > 0 ? `, ${ledger.faultCount} faults: ${ledger.faults[0]}` : ''
  return `minute ${of.minute.toFixed(1)}: ${ledger.acknowledged} messages, ${memory.join(', ')}${faults}; ${kind} (${parts.join(', ')})`
}

/** Waits until both branches hold all; what is still wrong at the deadline is a problem. */
async function agree(company: Company, ledger: Ledger): Promise<History[]> {
  const deadline = performance.now() + AGREE_MS_MAX
  const isQuiet = async () => {
    const links = await Promise.all([
      linkTo(company.admins[0], 'Lviv'),
      linkTo(company.admins[1], 'Kyiv'),
    ])
    return links.every((link) => link?.linked && link.waiting === 0)
  }
  await until('the line is up and nothing waits', isQuiet, { everyMs: 500, withinMs: AGREE_MS_MAX })
  for (;;) {
    const read = await histories(ledger)
    const problems = new Problems()
    checkHistories(problems, ledger, read)
    if (problems.told.length === 0 || performance.now() > deadline) return read
    await pause(5000)
  }
}

async function check(
  company: Company,
  { ledger, people, groups }: { ledger: Ledger; people: Person[]; groups: readonly Chat[] },
  followers: readonly Follower[],
) {
  const problems = new Problems()
  const began = performance.now()
  const read = await agree(company, ledger)
  const healSeconds = (performance.now() - began) / 1000
  checkHistories(problems, ledger, read)
  checkStreams(problems, followers, read)
  for (const follower of followers) follower.stop()
  const [everybody] = groups
  if (everybody) await checkUnread(problems, people, everybody)
  for (const text of ledger.faults) problems.add('fault of the load', text)
  const unanswered = ledger.messages.size - ledger.acknowledged
  if (unanswered > 0) problems.add('never acknowledged', `${unanswered} messages`)

  for (const branch of company.branches) await branch.end()
  const logs: Record<string, Record<string, number>> = {}
  for (const branch of company.branches) {
    checkDatabase(problems, branch)
    logs[branch.name] = checkLog(problems, branch)
    for (const fault of branch.faults) problems.add('process', fault)
    const memory = memoryOf(branch)
    if (memory.verdict === 'grows') problems.add('memory grows', branch.name)
  }
  return { problems: problems.told, logs, healSeconds }
}

async function main(): Promise<number> {
  const { keep, out, ...options } = given()
  const folder = benchFolder('soak')
  if (!keep) process.once('exit', () => rmSync(folder, REMOVAL))
  const started = new Date().toISOString()
  say(`${machine()}; seed ${options.seed}, pid ${process.pid}, ${folder}`)
  const chance = chanceOf(options.seed, 'load')
  const company = await openCompany(folder, chance)
  const ledger = new Ledger()
  const { people, groups } = await settle(company, ledger)
  const { branches } = company
  const followers = branches.flatMap((branch) =>
    people
      .filter(({ branch: at }) => at === branch.name)
      .slice(0, FOLLOWERS_PER_BRANCH)
      .map((person) => new Follower(person, branch)),
  )
  const following = followers.map((follower) => follower.follow())
  await until('all streams are open', () => followers.every((one) => one.connections > 0))

  const stage = { branches, people, groups: groups.map(({ id }) => id), ledger, chance }
  const ran = await run(options, company, { ...stage, rate: options.rate })
  const checked = await check(company, { ledger, people, groups }, followers)
  await Promise.all(following)
  for (const line of company.lines) line.close()

  const sum = (of: (line: Line) => number) => company.lines.reduce((n, line) => n + of(line), 0)
  const { user, system } = process.cpuUsage()
  const findings: Findings = {
    ...{ options, machine: machine(), started, branches, ledger, followers, ...checked },
    troubles: ran.troubles,
    line: { calls: sum(({ calls }) => calls), bytes: sum(({ bytes }) => bytes) },
    loadSeconds: (user + system) / 1e6,
    wallSeconds: Math.round(process.uptime()),
  }
  process.stdout.write(`${tableOf(findings)}\n`)
  if (out !== undefined) writeFileSync(out, `${JSON.stringify(jsonOf(findings), undefined, 2)}\n`)
  if (findings.problems.length === 0) return 0
  const again = `npm run soak -- --minutes ${options.minutes} --rate ${options.rate} --every ${options.everySeconds} --seed ${options.seed} --keep`
  process.stderr.write(`\n${findings.problems.join('\n')}\n\nThe same troubles again: ${again}\n`)
  return 1
}

process.exit(await main())
