/**
 * The directory of 100,000 people in 50 branches: how long each kind of search takes, asked of the database alone. The
 * clock is the processor's, so that a busy machine does not change the figures much.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { directoryPage } from '../../../src/accounts/directory.ts'
import { HLC_ZERO } from '../../../src/base/hlc.ts'
import type { BranchId, UserId } from '../../../src/base/ids.ts'
import { openStore, type Store } from '../../../src/db/open.ts'
import { realClock } from '../../../src/world/clock.ts'
import { silentLog } from '../../db/store.ts'
import { withCore } from '../company.ts'
import type { Measured } from '../figures.ts'
import { Connection } from '../http.ts'
import { type Bench, type Scenario, scaled } from '../scenario.ts'
import { copyOf, removeCopy, start, stop } from '../servers.ts'

const PEOPLE = 100_000
const BRANCHES = 50
const PAGE = 21
const ROUNDS = 20
const FIRST = [
  'Olena',
  'Ivan',
  'Maria',
  'Taras',
  'Sofia',
  'Andrij',
  'Joana',
  'Pedro',
  'Anna',
  'Oleh',
]
const LAST = [
  'Kovalenko',
  'Bondar',
  'Silva',
  'Santos',
  'Melnyk',
  'Shevchenko',
  'Ferreira',
  'Tkachuk',
]
const DEPARTMENTS = ['Sales', 'Accounting', 'Store', 'Legal', 'Logistics', 'Support']

const idOf = (n: number) => n.toString(16).padStart(32, '0') as UserId
const pick = <T>(list: readonly T[], n: number): T => list[n % list.length] as T

/** People with names as they are in offices: few first names for many, last names with an ending of their own. */
async function filled(store: Store, people: number, homes?: readonly BranchId[]): Promise<void> {
  await store.writer.write(async (tx) => {
    for (let from = 0; from < people; from += 500) {
      const values = Array.from({ length: Math.min(500, people - from) }, (_, i) => {
        const n = from + i
        const scattered = (n * 7919) % people
        const [firstName, department] = [pick(FIRST, scattered), pick(DEPARTMENTS, scattered >> 4)]
        const lastName = `${pick(LAST, scattered >> 2)}${(scattered % 977).toString(36)}`
        const login = `${firstName}.${lastName}.${n}`.toLowerCase()
        const searchName = `${firstName} ${lastName}`.toLowerCase()
        const facts = {
          post: 'Clerk',
          department,
          phone: `+380 44 ${1_000_000 + n}`,
          room: `${n % 400}`,
        }
        const all = [searchName, login, department, facts.post, facts.phone, facts.room]
        return {
          ...{
            id: idOf(n + 1_000_000),
            home: homes?.[n % homes.length] ?? (idOf(n % BRANCHES) as string as BranchId),
            login,
            firstName,
            lastName,
          },
          ...{ ...facts, searchName, searchText: all.join('\n').toLowerCase(), photo: null },
          ...{
            language: null,
            theme: 'auto' as const,
            role: 'employee' as const,
            disabled: 0 as const,
          },
          ...{ createdAt: 0, rev: 1, hlc: HLC_ZERO, roleRev: 0, roleHlc: HLC_ZERO, roleBranch: '' },
          ...{ blockGeneration: 0, erasedAt: null },
        }
      })
      await tx
        .insertInto('user')
        .values(values as never)
        .execute()
    }
  })
}

/** Kinds of search, each with several words to ask for. */
const SEARCHES: Record<string, readonly string[]> = {
  'one letter': ['o', 'k', 'z', 'x'],
  'two letters': ['ol', 'ko', 'sz', '38'],
  'a first name': FIRST,
  'part of a last name': ['valenk', 'hevch', 'silva', 'ferr'],
  'first and last name': ['olena kovalenko', 'pedro santos', 'anna shev', 'oleh silva'],
  'a department and a name': ['legal olena', 'store pedro', 'support kov', 'sales ta'],
  'three common words': ['clerk sales anna', 'clerk store ivan', '380 legal maria'],
  'a telephone number': ['1000777', '1099999', '44 1050', '+380'],
  'a login': ['olena.kovalenko', 'ivan.bondar', 'oleh.silva0.1'],
  'many have each, few have both': ['bondar logistics 399', 'melnyk 311 legal', 'santos 17 sales'],
  nobody: ['qqqq', 'zyx olena', 'olena qq', 'xx yy'],
}

export const directory: Scenario = async (bench: Bench): Promise<Measured[]> => {
  const folder = join(bench.folder, 'directory')
  mkdirSync(folder, { recursive: true })
  const store = await openStore({
    path: join(folder, 'branchline.db'),
    clock: realClock,
    log: silentLog,
  })
  const measured: Measured[] = []
  try {
    await filled(store, scaled(bench, PEOPLE, 1000))
    const all: number[] = []
    for (const [kind, texts] of Object.entries(SEARCHES)) {
      const values: number[] = []
      for (let round = 0; round < ROUNDS; round++) {
        for (const text of texts) {
          const before = process.cpuUsage()
          await directoryPage(store.read, { text, limit: PAGE })
          const { user, system } = process.cpuUsage(before)
          values.push((user + system) / 1000)
        }
      }
      all.push(...values)
      measured.push({ figure: `${kind}, p99`, unit: 'ms', values: [at(values, 0.99)] })
    }
    measured.push({ figure: 'all kinds, p99', unit: 'ms', values: [at(all, 0.99)] })
  } finally {
    await store.close()
  }
  return [...measured, ...(await overHttp(bench))]
}

const SERVED_ROUNDS = 20

/** Pages as a browser asks for them, one after the other: the time by the clock on the wall. */
async function overHttp(bench: Bench): Promise<Measured[]> {
  const company = await bench.company()
  const site = copyOf(company.kyiv, company.folder)
  await withCore(site, async ({ store }) => {
    const row = await store.read.selectFrom('branch').selectAll().executeTakeFirstOrThrow()
    const homes = Array.from(
      { length: BRANCHES - 2 },
      (_, n) => idOf(5_000_000 + n) as string as BranchId,
    )
    await store.writer.write(async (tx) => {
      for (const [n, id] of homes.entries()) {
        await tx
          .insertInto('branch')
          .values({ ...row, id, n: row.n + 1000 + n, name: `Office ${n}` })
          .execute()
      }
    })
    await filled(store, scaled(bench, PEOPLE, 1000), homes)
  })
  const server = await start(site)
  const connection = new Connection(server)
  const headers = { Cookie: company.atKyiv[0]?.cookie ?? '' }
  const ask = async (path: string) => {
    const began = performance.now()
    const { status, body } = await connection.ask({ method: 'GET', path, headers })
    if (status !== 200) throw new Error(`${path} answered ${status}`)
    return { ms: performance.now() - began, text: body.toString() }
  }
  const times: number[] = []
  let found = 0
  try {
    for (let round = 0; round < SERVED_ROUNDS; round++) {
      for (const q of [...Object.values(SEARCHES).flat(), 'olena&department=Legal']) {
        const { ms, text } = await ask(
          `/people?q=${q.replaceAll(' ', '+').replace('+380', '%2B380')}`,
        )
        const next = /rel="next" href="([^"]+)"/.exec(text)?.[1]?.replaceAll('&amp;', '&')
        times.push(ms)
        if (text.includes('class="person"')) found++
        if (next !== undefined) times.push((await ask(next)).ms)
      }
    }
  } finally {
    connection.close()
    await stop(server.process)
    removeCopy(site)
  }
  bench.say(`${times.length} pages, ${found} first ones with people on them`)
  return [
    { figure: 'pages over HTTP, p50', unit: 'ms', values: [at(times, 0.5)] },
    { figure: 'pages over HTTP, p99', unit: 'ms', values: [at(times, 0.99)] },
    { figure: 'pages over HTTP, longest', unit: 'ms', values: [Math.max(...times)] },
  ]
}

const at = (values: readonly number[], share: number) =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * share)] ?? 0
