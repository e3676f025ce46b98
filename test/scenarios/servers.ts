/**
 * Real branches for scenarios: processes of their own on loopback, started with the commands an operator uses, killed
 * like a power cut. Every wait has a deadline; every process is ended by its own id.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
/** Compiled code is shared: the folders of these branches are new, and their own caches begin empty. */
const ENVIRONMENT = {
  PATH: process.env.PATH,
  NODE_COMPILE_CACHE: fileURLToPath(new URL('../../node_modules/.cache/compile', import.meta.url)),
}
/** Generous: two cores run the whole suite at once. */
export const WAIT_MS_MAX = 60_000
const ASK_EVERY_MS = 50

export const PASSWORD = 'correct horse battery'

export type Server = {
  name: string
  data: string
  port: number
  relayPort: number
  origin: string
  /** Flags of every start. */
  flags: string[]
  /** Of Node itself. */
  nodeFlags?: string[]
  process: ChildProcess | undefined
  /** What it printed, for messages of failures. */
  output: string
}

/**
 * Below those that systems give to whoever asks for any port: the tests beside this one ask for many, and between our
 * look and our server's listening one of them would have it.
 */
const PORT_MIN = 20_000
const PORTS = 12_000

/** A port nobody listens on now. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = PORT_MIN + randomInt(PORTS)
    if (await isFree(port)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const probe = createServer()
  probe.once('error', () => resolve(false))
  probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  return promise
}

/** Runs a command to its end. */
export async function run(
  ...args: string[]
): Promise<{ status: number; out: string; err: string }> {
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [MAIN, ...args], {
      timeout: WAIT_MS_MAX,
      env: ENVIRONMENT,
    })
    return { status: 0, out: stdout, err: stderr }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
    return { status: code, out: stdout, err: stderr }
  }
}

/** A new branch's folder and ports; nothing runs yet. */
export async function newServer(name: string): Promise<Server> {
  const data = mkdtempSync(join(tmpdir(), `branchline-${name.toLowerCase()}-`))
  const [port, relayPort] = [await freePort(), await freePort()]
  const flags = ['--data', data, '--listen', `127.0.0.1:${port}`]
  flags.push('--relay', `127.0.0.1:${relayPort}`, '--timezone', 'UTC')
  const origin = `http://127.0.0.1:${port}`
  return { name, data, port, relayPort, origin, flags, process: undefined, output: '' }
}

/** Starts a server and waits until it serves. */
export async function start(server: Server, ...more: string[]): Promise<void> {
  const { nodeFlags = [], flags } = server
  const child = spawn(process.execPath, [...nodeFlags, MAIN, 'serve', ...flags, ...more], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: ENVIRONMENT,
  })
  server.process = child
  const keep = (chunk: Buffer) => {
    server.output = (server.output + chunk.toString()).slice(-20_000)
  }
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
  await until(`${server.name} serves`, async () => {
    if (child.exitCode !== null) throw new Error(`${server.name} ended: ${server.output}`)
    return (await fetch(`${server.origin}/healthz`).catch(() => undefined))?.ok === true
  })
}

/** Ends the process at once, as a power cut would. */
export async function kill(server: Server): Promise<void> {
  await end(server, 'SIGKILL')
}

/** Ends the process cleanly; answers its exit status. */
export async function end(server: Server, signal: NodeJS.Signals = 'SIGTERM') {
  const child = server.process
  server.process = undefined
  if (!child || child.exitCode !== null) return child?.exitCode
  const gone = new Promise<number | null>((resolve) => child.once('exit', resolve))
  child.kill(signal)
  return gone
}

export function remove(server: Server): void {
  rmSync(server.data, { recursive: true, force: true })
}

/** Founds Kyiv with Ada Kravets as its administrator, and lets Lviv join with Lev Bondar. */
export async function twoBranches(): Promise<{
  kyiv: Server
  lviv: Server
  stop(): Promise<void>
}> {
  const [kyiv, lviv] = [await newServer('Kyiv'), await newServer('Lviv')]
  const password = join(kyiv.data, 'password')
  writeFileSync(password, PASSWORD)
  const admin = (login: string, name: string) => {
    const flags = ['--admin-login', login, '--admin-name', name]
    return [...flags, '--admin-password-file', password]
  }
  const stop = async () => {
    await Promise.all([kyiv, lviv].map((server) => end(server, 'SIGKILL')))
    for (const server of [kyiv, lviv]) remove(server)
  }
  try {
    await start(kyiv, '--org', 'Dovira', '--branch', 'Kyiv', ...admin('ada', 'Ada Kravets'))
    const { out, err } = await run('invite', '--branch', 'Lviv', '--data', kyiv.data)
    if (out === '') throw new Error(`No invitation: ${err}`)
    await start(lviv, '--join', out.trim(), ...admin('lev', 'Lev Bondar'))
  } catch (error) {
    // A server that runs on would keep the test's pipes open, and its end would never come.
    await stop()
    throw error
  }
  return { kyiv, lviv, stop }
}

/** Waits until something is true; names it when it never becomes so. */
export async function until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + WAIT_MS_MAX
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error(`Not within ${WAIT_MS_MAX / 1000} s: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS))
  }
}

export type Message = { id: string; body: string; author: { login: string }; position: number }
export type Delivery = { steps: { state: string; branch: string; at?: string }[] }

/** A person at a server, over the public API. */
export class Client {
  readonly origin: string
  readonly token: string

  private constructor(origin: string, token: string) {
    this.origin = origin
    this.token = token
  }

  static async signIn(
    { origin }: Pick<Server, 'origin'>,
    login: string,
    password = PASSWORD,
  ): Promise<Client> {
    const anonymous = new Client(origin, '')
    const device = 'scenario'
    const body = { login, password, device }
    const { token } = await anonymous.call<{ token: string }>('POST', '/sign-in', body)
    return new Client(origin, token)
  }

  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${this.origin}/api/v1${path}`, {
      method,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${this.token}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) {
      const error = new Error(`${method} ${path}: ${response.status} ${text}`)
      throw Object.assign(error, { status: response.status })
    }
    return (text === '' ? undefined : JSON.parse(text)) as T
  }

  async directWith(login: string): Promise<string> {
    const body = { kind: 'direct', with: login }
    return (await this.call<{ id: string }>('POST', '/conversations', body)).id
  }

  post(conversation: string, body: string): Promise<Message> {
    return this.call('POST', `/conversations/${conversation}/messages`, { body, clientId: body })
  }

  /** All messages of a chat, oldest first; none when the chat is not here (yet). */
  async messages(conversation: string): Promise<Message[]> {
    const found: Message[] = []
    let before = ''
    for (;;) {
      const path = `/conversations/${conversation}/messages?limit=200${before}`
      const page = await this.call<{ items: Message[]; next?: string }>('GET', path).catch(
        () => ({ items: [] as Message[] }) as { items: Message[]; next?: string },
      )
      found.unshift(...page.items)
      if (page.next === undefined) return found
      before = `&before=${encodeURIComponent(page.next)}`
    }
  }

  delivery(message: string): Promise<Delivery> {
    return this.call('GET', `/messages/${message}/delivery`)
  }
}
