/**
 * A server under thousands of callers who mean it ill, or hang up: its memory and its descriptors come back to where
 * they were, and when there are no descriptors left it serves again as soon as there are.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { encodePreface } from '../../src/relay/preface.ts'
import { prng } from '../support/prng.ts'
import {
  Client,
  end,
  newServer,
  PASSWORD,
  remove,
  type Server,
  until,
  WAIT_MS_MAX,
} from './servers.ts'

const KIB = 1024
/** So many at a time: each end of a connection is a descriptor, of this process too. */
const WIDTH = 100
/** Half of what one person may have: those before are still being closed. */
const STREAMS_WIDTH = 12
/** What V8 keeps of a heap that was used, and what SQLite's caches grow by; a leak of all that came would be more. */
const RSS_GROWTH_MIB_MAX = 24
/** A connection to the control socket, a file that is being written. */
const DESCRIPTORS_MORE_MAX = 5

const OPTIONS = {
  timeout: 2 * WAIT_MS_MAX,
  skip: existsSync('/proc/self/fd') ? false : 'no /proc here',
}

const pidOf = ({ process: child }: Server) => child?.pid ?? 0
const descriptors = (server: Server) => readdirSync(`/proc/${pidOf(server)}/fd`).length

function rssMib(server: Server): number {
  const status = readFileSync(`/proc/${pidOf(server)}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / KIB
}

type Call = { port: number; bytes: Uint8Array | string; from?: string; isHeard?: boolean }

/** Sends bytes and goes, or waits for the first bytes of an answer before it goes; answers those. */
function call({ port, bytes, from = '127.0.0.1', isHeard = false }: Call): Promise<string> {
  return new Promise((resolve) => {
    let heard = ''
    const socket = connect({ host: '127.0.0.1', port, localAddress: from })
    socket.on('error', () => {})
    socket.once('close', () => resolve(heard))
    socket.once('connect', () => {
      socket.write(bytes, () => {
        if (!isHeard) socket.destroy()
      })
    })
    socket.once('data', (chunk) => {
      heard = chunk.toString()
      socket.destroy()
    })
  })
}

async function inTurns(
  count: number,
  width: number,
  each: (i: number) => Promise<string>,
): Promise<string[]> {
  const heard: string[] = []
  for (let i = 0; i < count; i += width) {
    const turn = Array.from({ length: Math.min(width, count - i) }, (_, n) => each(i + n))
    heard.push(...(await Promise.all(turn)))
  }
  return heard
}

/** Callers by the thousand, as `scale` says: 1 is all of them. */
async function storm(server: Server, token: string, scale: number): Promise<void> {
  const { port, relayPort } = server
  const chance = prng(42)
  const garbage = () => Uint8Array.from({ length: 200 }, () => Math.floor(chance() * 256))
  const preface = encodePreface({ suite: 2, kind: 'link', epoch: 1 })
  // Each from another address: the limit of one address must not be what keeps memory flat.
  const from = (i: number) => `127.1.${(i >> 8) & 255}.${i & 255 || 1}`
  await inTurns(2000 * scale, WIDTH, (i) =>
    call({ port: relayPort, bytes: garbage(), from: from(i) }),
  )
  await inTurns(2000 * scale, WIDTH, (i) =>
    call({
      ...{ port: relayPort, from: from(i + 5000) },
      bytes: Buffer.concat([preface, Uint8Array.of(4, 224), garbage().subarray(0, i % 48)]),
    }),
  )
  const form =
    'POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n'
  const halves = [
    'GET /sign-in HTTP/1.1\r\nHost: x\r\n\r\n',
    'GET /sign-in HTTP/1.1\r\nHost:',
    `${form}Sec-Fetch-Site: same-origin\r\nContent-Length: 9000\r\n\r\nlogin=`,
    `${form}Sec-Fetch-Site: same-origin\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nlogin`,
  ]
  await inTurns(2000 * scale, WIDTH, (i) => call({ port, bytes: halves[i % halves.length] ?? '' }))
  const stream = `GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`
  const heard = await inTurns(500 * scale, STREAMS_WIDTH, () =>
    call({ port, bytes: stream, isHeard: true }),
  )
  const opened = heard.filter((answer) => answer.startsWith('HTTP/1.1 200'))
  assert.ok(opened.length > 450 * scale, `${opened.length} streams were open`)
}

const MAIN = join(import.meta.dirname, '../../src/main.ts')

/** Founds a branch whose server is started by a line of the shell; `"$@"` is what to run. */
async function founded(script: string): Promise<Server> {
  const server = await newServer('Kyiv')
  const password = join(server.data, 'password')
  writeFileSync(password, PASSWORD)
  const admin = ['--admin-login', 'ada', '--admin-name', 'Ada Kravets']
  const flags = ['--org', 'Dovira', '--branch', 'Kyiv', ...admin]
  flags.push('--admin-password-file', password, ...server.flags)
  // A small young generation: what is seen of the memory is what is held, not what waits to be collected.
  const command = [process.execPath, '--max-semi-space-size=1', MAIN, 'serve', ...flags]
  const child = spawn('sh', ['-c', script, ...command], { stdio: ['ignore', 'pipe', 'pipe'] })
  server.process = child
  const keep = (chunk: Buffer) => {
    server.output = (server.output + chunk.toString()).slice(-20_000)
  }
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
  await until('it serves', async () => {
    if (child.exitCode !== null) throw new Error(`It ended: ${server.output}`)
    return (await fetch(`${server.origin}/healthz`).catch(() => undefined))?.ok === true
  })
  return server
}

async function tokenAt({ origin }: Server): Promise<string> {
  const answer = await fetch(`${origin}/api/v1/sign-in`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ login: 'ada', password: PASSWORD }),
  })
  return ((await answer.json()) as { token: string }).token
}

test(
  'after thousands of callers who hang up, memory and descriptors are where they were',
  OPTIONS,
  async () => {
    const server = await founded('exec "$0" "$@"')
    try {
      const ada = await Client.signIn(server, 'ada')
      const token = await tokenAt(server)
      await storm(server, token, 0.2) // code is compiled, caches are full
      await until('it has come to rest', async () => descriptors(server) < 60)
      const before = { rss: rssMib(server), descriptors: descriptors(server) }
      await storm(server, token, 1)
      await until(
        'the descriptors are back',
        async () => descriptors(server) <= before.descriptors + DESCRIPTORS_MORE_MAX,
      )
      await until(
        'the memory is back',
        async () => rssMib(server) <= before.rss + RSS_GROWTH_MIB_MAX,
      )
      assert.equal(server.process?.exitCode, null)
      assert.equal((await ada.call<{ login: string }>('GET', '/me')).login, 'ada')
      const warned = server.output.split('\n').filter((line) => /"level":"error"/.test(line))
      assert.deepEqual(warned, [], 'none of it is a fault of ours')
    } finally {
      await end(server, 'SIGKILL')
      remove(server)
    }
  },
)

const FEW = 160

test(
  'a server without a descriptor left lives, and serves again when callers have gone',
  OPTIONS,
  async () => {
    const server = await founded(`ulimit -n ${FEW}; exec "$0" "$@"`)
    const held: Socket[] = []
    try {
      const ada = await Client.signIn(server, 'ada')
      const rested = descriptors(server)
      for (let i = 0; i < 2 * FEW; i++) {
        const port = i % 8 === 0 ? server.relayPort : server.port
        const socket = connect({
          host: '127.0.0.1',
          port,
          localAddress: `127.2.0.${(i % 250) + 1}`,
        })
        socket.on('error', () => {})
        held.push(socket)
      }
      await until('there is none left', async () => descriptors(server) >= FEW - 1)
      for (const socket of held) socket.destroy()
      await until('it serves again', async () => {
        const answer = await fetch(`${server.origin}/healthz`).catch(() => undefined)
        return answer?.ok === true
      })
      const { id } = await ada.call<{ id: string }>('GET', '/me')
      assert.match(id, /^[0-9a-f]{32}$/, 'the database too')
      await until(
        'they are given back',
        async () => descriptors(server) <= rested + DESCRIPTORS_MORE_MAX,
      )
      assert.equal(server.process?.exitCode, null)
    } finally {
      for (const socket of held) socket.destroy()
      await end(server, 'SIGKILL')
      remove(server)
    }
  },
)
