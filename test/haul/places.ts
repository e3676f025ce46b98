/**
 * Where the two branches of a haul are, and how the line between them fails: on loopback over two thin lines of ours, or
 * wherever a file says (namespaces, containers, machines behind a tunnel), with the commands that cut it there.
 */
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { foundTwo } from '../bench/company.ts'
import type { Site } from '../bench/servers.ts'
import { pause } from '../bench/wait.ts'
import { Branch, quietPorts } from '../soak/branch.ts'
import { openLine, type Weather } from '../soak/line.ts'

/** One way it fails: until when, and what makes it whole. */
export type Trouble = {
  name: string
  seconds: number
  begin(): Promise<void>
  end(): Promise<void>
}

export type Places = {
  /** What was done to the line, in words. */
  about: string
  sender: Branch
  receiver: Branch
  troubles: Trouble[]
  close(): void
}

type Spot = { within?: string[]; host?: string; port: number; listening: string[] }
type Told = {
  about: string
  sender: Spot
  receiver: Spot
  troubles: { name: string; seconds: number; begin: string[][]; end: string[][] }[]
}

const DETOUR = new URL('../soak/detour.ts', import.meta.url)
const COMMAND_MS_MAX = 30_000
/** Timers are no finer: what is owed is paid together. */
const TICK_MS = 2
const DOWN_SECONDS = 5

/** Founds both branches as the file says. */
export async function placesOf(file: string, folder: string): Promise<Places> {
  const told = JSON.parse(readFileSync(file, 'utf8')) as Told
  const siteOf = (name: string, { within, host, port, listening }: Spot): Site => ({
    ...{ name, data: newFolder(folder, name), port, relayPort: 0, listening },
    ...(within && { within }),
    ...(host !== undefined && { host }),
  })
  const [sender, receiver] = await founded(folder, [
    siteOf('Kyiv', told.sender),
    siteOf('Lviv', told.receiver),
  ])
  const troubles = told.troubles.map(({ name, seconds, begin, end }) => ({
    ...{ name, seconds, begin: () => inTurn(begin), end: () => inTurn(end) },
  }))
  const killed = deathOf(receiver, 'receiver')
  return { about: told.about, sender, receiver, troubles: [...troubles, killed], close() {} }
}

/** Founds both on loopback; each calls the other over a line of so many Mbit/s. */
export async function ownPlaces(folder: string, mbits: number): Promise<Places> {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = await quietPorts(6, Math.random)
  const lines = [
    await openLine({ port: e, to: d, weather: thin(mbits) }),
    await openLine({ port: f, to: b, weather: thin(mbits) }),
  ]
  const sites: [Site, Site] = [
    { name: 'Kyiv', data: newFolder(folder, 'Kyiv'), port: a, relayPort: b },
    { name: 'Lviv', data: newFolder(folder, 'Lviv'), port: c, relayPort: d },
  ]
  const detour = (from: number, to: number) => ['--import', `${DETOUR.href}?from=${from}&to=${to}`]
  const [sender, receiver] = await founded(folder, sites, [detour(d, e), detour(b, f)])
  const cut = (how: 'refused' | 'silent', seconds: number): Trouble => ({
    ...{ name: how, seconds },
    begin: async () => lines.forEach((line) => void line.cut(how)),
    async end() {
      for (const line of lines) await line.heal()
    },
  })
  const troubles = [
    cut('refused', 10),
    cut('silent', 20),
    deathOf(receiver, 'receiver'),
    deathOf(sender, 'sender'),
  ]
  const close = () => {
    for (const line of lines) line.close()
  }
  return { about: `${mbits} Mbit/s on loopback`, sender, receiver, troubles, close }
}

/** So many Mbit/s in each direction of each call. */
function thin(mbits: number): Weather {
  let freeAt = 0
  return (bytes) => {
    const now = performance.now()
    freeAt = Math.max(now, freeAt) + (bytes * 8) / (mbits * 1000)
    return freeAt - now < TICK_MS ? 0 : freeAt - now
  }
}

function newFolder(folder: string, name: string): string {
  const data = join(folder, name.toLowerCase())
  mkdirSync(data)
  return data
}

async function founded(
  folder: string,
  sites: [Site, Site],
  flags: readonly [string[], string[]] = [[], []],
): Promise<[Branch, Branch]> {
  const servers = await foundTwo(folder, sites, (site) => flags[site === sites[0] ? 0 : 1])
  const branches: [Branch, Branch] = [
    new Branch(sites[0], flags[0]),
    new Branch(sites[1], flags[1]),
  ]
  for (const [i, branch] of branches.entries()) {
    const server = servers[i]
    if (server) branch.adopt(server)
  }
  return branches
}

function deathOf(branch: Branch, who: string): Trouble {
  return {
    ...{ name: `kill -9 of the ${who}`, seconds: DOWN_SECONDS },
    begin: () => branch.kill(),
    end: () => branch.start(),
  }
}

async function inTurn(commands: readonly string[][]): Promise<void> {
  for (const [command = '', ...args] of commands) {
    await promisify(execFile)(command, args, { timeout: COMMAND_MS_MAX })
    await pause(0)
  }
}
