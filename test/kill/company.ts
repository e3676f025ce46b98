/**
 * Three real branches whose calls to each other go through six lines of ours, one for each direction, so that any of
 * them can be cut off, any pair split, and all be lossy. Without root, on loopback.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Site, start } from '../bench/servers.ts'
import { Client, PASSWORD, run } from '../scenarios/servers.ts'
import type { Chance } from '../sim/chance.ts'
import { Branch, quietPorts } from '../soak/branch.ts'
import { type Cut, type Line, openLine } from '../soak/line.ts'

export const BRANCHES = ['Kyiv', 'Lviv', 'Odesa'] as const
const ADMINS = { Kyiv: 'ada', Lviv: 'lev', Odesa: 'olha' } as const
type Name = (typeof BRANCHES)[number]

const DETOUR = new URL('../soak/detour.ts', import.meta.url)
/** Of pieces on a lossy line: TCP sends them again, and all behind them waits so long. */
const LOSS_SHARE = 0.05
const SENT_AGAIN_MS = 200

/** What can happen between branches. */
export type Ground = {
  /** Between one branch and all others. */
  cutOff(name: string, how: Cut): Promise<void>
  /** Between two, which the third one reaches both; nobody is told. */
  split(one: string, other: string): Promise<void>
  /** One piece in twenty is lost, everywhere. */
  lose(isLossy: boolean): Promise<void>
  /** All lines are whole again. */
  heal(): Promise<void>
  close(): Promise<void>
}

export type Company = { branches: Branch[]; admins: Client[]; ground: Ground }

type Between = { from: Name; to: Name; line: Line; state: Cut | 'up' }

/** Founds the organisation at Kyiv and lets the others join; all three run. */
export async function openCompany(
  folder: string,
  chance: Chance,
  settings: readonly string[] = [],
): Promise<Company> {
  const ports = await quietPorts(12, () => chance.chance())
  const port = () => ports.pop() ?? 0
  const sites = BRANCHES.map((name): Site => {
    const data = join(folder, name.toLowerCase())
    const [at, relayAt] = [port(), port()]
    const loopback = ['--listen', `127.0.0.1:${at}`, '--relay', `127.0.0.1:${relayAt}`]
    return { name, data, port: at, relayPort: relayAt, listening: [...loopback, ...settings] }
  })
  let isLossy = false
  const weather = () => (isLossy && chance.isLucky(LOSS_SHARE) ? SENT_AGAIN_MS : 0)
  const lines: Between[] = []
  for (const { name: from } of sites) {
    for (const { name: to, relayPort } of sites.filter(({ name }) => name !== from)) {
      const line = await openLine({ port: port(), to: relayPort, weather })
      lines.push({ from: from as Name, to: to as Name, line, state: 'up' })
    }
  }
  const detours = (name: string) =>
    lines.flatMap(({ from, to, line }) => {
      const url = new URL(DETOUR)
      url.search = `from=${sites.find((site) => site.name === to)?.relayPort}&to=${line.port}`
      return from === name ? ['--import', url.href] : []
    })
  const ground = groundOf(lines, (lossy) => {
    isLossy = lossy
  })
  const branches = sites.map((site) => new Branch(site, detours(site.name)))
  return { branches, ground, admins: await foundThree(folder, branches, detours) }
}

/** Starts new branches, one organisation; answers their administrators. */
async function foundThree(
  folder: string,
  branches: readonly Branch[],
  nodeFlagsOf: (name: string) => readonly string[],
): Promise<Client[]> {
  const password = join(folder, 'password')
  writeFileSync(password, PASSWORD, { mode: 0o600 })
  const [kyiv] = branches
  if (kyiv === undefined) throw new Error('No branches')
  for (const branch of branches) {
    const { name, site } = branch
    mkdirSync(site.data)
    const admin = ['--admin-login', ADMINS[name as Name], '--admin-password-file', password]
    const begin =
      branch === kyiv
        ? ['--org', 'Dovira', '--branch', name]
        : ['--join', await invitation(kyiv.site, name)]
    branch.adopt(await start(site, { more: [...begin, ...admin], nodeFlags: nodeFlagsOf(name) }))
  }
  return Promise.all(branches.map((branch) => Client.signIn(branch, ADMINS[branch.name as Name])))
}

async function invitation(inviter: Site, name: string): Promise<string> {
  const { out, err } = await run('invite', '--branch', name, '--data', inviter.data)
  if (out === '') throw new Error(`No invitation: ${err}`)
  return out.trim()
}

function groundOf(lines: readonly Between[], lose: (isLossy: boolean) => void): Ground {
  const cut = (which: (between: Between) => boolean, how: Cut) => {
    for (const between of lines.filter((one) => one.state === 'up' && which(one))) {
      between.state = how
      between.line.cut(how)
    }
  }
  return {
    cutOff: async (name, how) => cut(({ from, to }) => from === name || to === name, how),
    split: async (one, other) =>
      cut(({ from, to }) => [one, other].includes(from) && [one, other].includes(to), 'silent'),
    lose: async (isLossy) => lose(isLossy),
    async heal() {
      for (const between of lines.filter(({ state }) => state !== 'up')) {
        between.state = 'up'
        await between.line.heal()
      }
    },
    async close() {
      for (const { line } of lines) line.close()
    },
  }
}
