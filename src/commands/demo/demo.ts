/** `demo`: the first five minutes of a newcomer. Two linked branches on this machine, people, a past, and keys. */
import type { ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'
import type { Call } from '../commands.ts'
import type { Control } from '../control-client.ts'
import { runColleague } from './colleague.ts'
import { DEMO_PASSWORD, DEMO_PEOPLE, type DemoBranch } from './company.ts'
import { readKeys } from './keys.ts'
import { seedDemo } from './seed.ts'
import { type DemoServer, freePort, startServer } from './servers.ts'

/** Written when both folders are whole: an interrupted first start begins anew. */
const READY_FILE = 'ready'
const BRANCHES: readonly DemoBranch[] = ['Kyiv', 'Lviv']
const PAGES_PORT: Record<DemoBranch, number> = { Kyiv: 8081, Lviv: 8082 }
const RELAY_PORT: Record<DemoBranch, number> = { Kyiv: 7911, Lviv: 7912 }

type Running = { process: ChildProcess; control: Control }
type Demo = {
  call: Call
  servers: Record<DemoBranch, DemoServer>
  running: Partial<Record<DemoBranch, Running>>
  isCut: boolean
}

/** The command `demo`. */
export async function demo(call: Call): Promise<number> {
  const folder = call.config.data === './data' ? './data-demo' : call.config.data
  if (call.flags.reset || !existsSync(join(folder, READY_FILE))) {
    for (const name of [...BRANCHES.map((branch) => branch.toLowerCase()), READY_FILE]) {
      rmSync(join(folder, name), { recursive: true, force: true })
    }
  }
  const servers = await plan(call, folder)
  enableCompileCache(join(folder, 'cache'))
  if (!existsSync(join(folder, READY_FILE))) {
    call.out('Making a small company with two branches ...\n')
    await seedDemo(servers, call.config, call.err)
    mkdirSync(join(folder, READY_FILE))
  }
  const state: Demo = { call, servers, running: {}, isCut: false }
  const stopped = new AbortController()
  try {
    await Promise.all(BRANCHES.map((branch) => start(state, branch)))
    await welcome(state)
    const colleague = runColleague({
      origin: originOf(servers.Lviv),
      isSomebodyElse: () => isOlenaSignedIn(state),
      signal: stopped.signal,
    })
    await untilQuit(state)
    stopped.abort()
    await colleague
  } finally {
    stopped.abort()
    await Promise.all(BRANCHES.map((branch) => stop(state, branch)))
  }
  return 0
}

async function plan(call: Call, folder: string): Promise<Record<DemoBranch, DemoServer>> {
  const taken: number[] = []
  const port = async (wanted: number, what: string) => {
    const free = await freePort(wanted, taken)
    taken.push(free)
    if (free !== wanted) call.out(`Port ${wanted} is in use: ${what} takes ${free}.\n`)
    return free
  }
  const relay = {
    Kyiv: await port(RELAY_PORT.Kyiv, "Kyiv's relay"),
    Lviv: await port(RELAY_PORT.Lviv, "Lviv's relay"),
  }
  const server = async (branch: DemoBranch, other: DemoBranch): Promise<DemoServer> => {
    const own = join(folder, branch.toLowerCase())
    mkdirSync(own, { recursive: true, mode: 0o700 })
    return {
      branch,
      folder: own,
      port: await port(PAGES_PORT[branch], branch),
      relayPort: relay[branch],
      peerRelayPort: relay[other],
    }
  }
  return { Kyiv: await server('Kyiv', 'Lviv'), Lviv: await server('Lviv', 'Kyiv') }
}

function originOf({ port }: DemoServer): string {
  return `http://localhost:${port}`
}

async function start(state: Demo, branch: DemoBranch): Promise<void> {
  if (state.running[branch]) return
  const entry = process.argv[1] ?? 'src/main.ts'
  const running = await startServer(state.servers[branch], entry)
  state.running[branch] = running
  running.process.once('exit', () => {
    if (state.running[branch] === running) delete state.running[branch]
  })
  if (state.isCut) await running.control('POST', '/line', { down: true })
}

async function stop(state: Demo, branch: DemoBranch, signal: NodeJS.Signals = 'SIGTERM') {
  const running = state.running[branch]
  if (!running) return
  delete state.running[branch]
  const gone = new Promise((resolve) => running.process.once('exit', resolve))
  running.process.kill(signal)
  await gone
}

async function welcome(state: Demo): Promise<void> {
  const { call, servers } = state
  const petro = await linkFor(state, 'Kyiv', 'petro')
  const olena = await linkFor(state, 'Lviv', 'olena')
  const logins = (branch: DemoBranch) =>
    DEMO_PEOPLE.filter((person) => person.branch === branch)
      .map(({ login }) => login)
      .join(' ')
  call.out(`
  Branchline: two branches, one company

  Kyiv   ${originOf(servers.Kyiv)}    ${logins('Kyiv')}
  Lviv   ${originOf(servers.Lviv)}    ${logins('Lviv')}
  Everybody's password: ${DEMO_PASSWORD}

  One click, once each (a second person of the same branch wants a private window):
    Petro in Kyiv   ${petro}
    Olena in Lviv   ${olena}

  Until somebody signs in as Olena, a small script answers in her place: write to her.

  Keys:  c cut the line   h heal it   k kill -9 Lviv   s start it   q quit

`)
}

async function linkFor(state: Demo, branch: DemoBranch, login: string): Promise<string> {
  const control = state.running[branch]?.control
  const made = await control?.<{ path: string }>('POST', '/sign-in-links', { login })
  return `${originOf(state.servers[branch])}${made?.path ?? '/sign-in'}`
}

async function isOlenaSignedIn(state: Demo): Promise<boolean> {
  const control = state.running.Lviv?.control
  const browsers = await control?.<{ count: number }>('GET', '/browsers/olena')
  return (browsers?.count ?? 0) > 0
}

function untilQuit(state: Demo): Promise<void> {
  return new Promise((resolve) => {
    const say = (text: string) => state.call.out(`  ${text}\n`)
    let busy = Promise.resolve()
    const quit = () => {
      keys.close()
      resolve()
    }
    const keys = readKeys((key) => {
      if (key === 'q') return quit()
      busy = busy
        .then(() => press(state, key, say))
        .catch((error) => say(error instanceof Error ? error.message : String(error)))
    })
    process.once('SIGTERM', quit)
    process.once('SIGINT', quit)
  })
}

async function press(state: Demo, key: string, say: (text: string) => void): Promise<void> {
  switch (key) {
    case 'c':
    case 'h': {
      state.isCut = key === 'c'
      for (const running of Object.values(state.running)) {
        await running.control('POST', '/line', { down: state.isCut })
      }
      return say(
        state.isCut
          ? 'The line is cut. Write on: everything waits and goes by itself after h.'
          : 'The line is whole again: what waited is on its way.',
      )
    }
    case 'k':
      await stop(state, 'Lviv', 'SIGKILL')
      return say('Lviv was killed with kill -9. Write on in Kyiv, then press s.')
    case 's':
      await start(state, 'Lviv')
      return say('Lviv runs.')
    default:
      return undefined
  }
}
