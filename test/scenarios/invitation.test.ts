/** Joining when things go wrong: whatever breaks, asking again works, and what cannot work is said in a sentence. */
import assert from 'node:assert/strict'
import { connect, createServer, type Server as Listener } from 'node:net'
import { after, before, test } from 'node:test'
import { adminFlags, arrives, found, invite, knows, stopAll } from './company.ts'
import {
  Client,
  freePort,
  kill,
  newServer,
  run,
  type Server,
  start,
  until,
  WAIT_MS_MAX,
} from './servers.ts'

const OPTIONS = { timeout: 3 * WAIT_MS_MAX }

let kyiv: Server
const servers: Server[] = []

async function newBranch(name: string): Promise<Server> {
  const server = await newServer(name)
  servers.push(server)
  return server
}

before(async () => {
  kyiv = await newBranch('Kyiv')
  await found(kyiv, 'ada')
}, OPTIONS)

after(() => stopAll(servers))

/** Tries to join; answers what the operator sees when it does not work. */
async function refusedJoin(server: Server, line: string): Promise<string> {
  const flags = [...server.flags, '--join', line, ...adminFlags(server, 'lev')]
  const { status, err } = await run('serve', ...flags)
  assert.equal(status, 2, err)
  return err
}

/** Passes everything on until the inviter answers the request to join: that answer is lost, and `onAnswer` runs. */
async function losesAnswer(
  to: number,
  onAnswer: () => void,
): Promise<{ port: number; end(): void }> {
  const listener: Listener = createServer((caller) => {
    const inviter = connect(to, '127.0.0.1')
    let answers = 0
    for (const socket of [caller, inviter]) socket.on('error', () => {})
    caller.on('data', (chunk) => inviter.write(chunk))
    caller.on('close', () => inviter.destroy())
    inviter.on('close', () => caller.destroy())
    inviter.on('data', (chunk) => {
      answers++
      if (answers === 1) return caller.write(chunk) // message 2 of the handshake
      onAnswer()
      caller.destroy()
      return inviter.destroy()
    })
  })
  const port = await freePort()
  await new Promise<void>((resolve) => listener.listen(port, '127.0.0.1', resolve))
  return { port, end: () => listener.close() }
}

test(
  'an inviter killed between letting in and answering gives the same answer later',
  OPTIONS,
  async (t) => {
    const lviv = await newBranch('Lviv')
    let killed: Promise<void> | undefined
    const proxy = await losesAnswer(kyiv.relayPort, () => {
      killed ??= kill(kyiv)
    })
    t.after(() => proxy.end())
    const line = await invite(kyiv, 'Lviv', '--address', `127.0.0.1:${proxy.port}`)
    assert.match(await refusedJoin(lviv, line), /does not answer/)
    await killed
    assert.match(await refusedJoin(lviv, line), /does not answer/, 'still down')
    proxy.end()
    await start(kyiv)
    const direct = await listenFor(proxy.port, kyiv.relayPort)
    t.after(() => direct.close())
    await start(lviv, '--join', line, ...adminFlags(lviv, 'lev'))
    const ada = await Client.signIn(kyiv, 'ada')
    const lev = await Client.signIn(lviv, 'lev')
    await until('they know each other', async () =>
      (await Promise.all([knows(ada, 'lev'), knows(lev, 'ada')])).every(Boolean),
    )
    const chat = await lev.directWith('ada')
    await lev.post(chat, 'in at last')
    await arrives(ada, chat, 'in at last')
    const thief = await newBranch('Thief')
    assert.match(await refusedJoin(thief, line), /used/)
  },
)

/** Passes everything on. */
async function listenFor(port: number, to: number): Promise<Listener> {
  const listener = createServer((caller) => {
    const other = connect(to, '127.0.0.1')
    for (const socket of [caller, other]) socket.on('error', () => {})
    caller.pipe(other).pipe(caller)
  })
  await new Promise<void>((resolve) => listener.listen(port, '127.0.0.1', resolve))
  return listener
}

test(
  'an invitation that is altered or leads nowhere is refused in a sentence',
  OPTIONS,
  async () => {
    const odesa = await newBranch('Odesa')
    const line = await invite(kyiv, 'Odesa')
    const middle = Math.floor(line.length / 2)
    const other = line[middle] === 'A' ? 'B' : 'A'
    const altered = line.slice(0, middle) + other + line.slice(middle + 1)
    assert.match(await refusedJoin(odesa, altered), /invitation is (altered|malformed)/)
    assert.match(await refusedJoin(odesa, line.slice(0, -5)), /invitation is (altered|malformed)/)
    const nowhere = await invite(kyiv, 'Odesa', '--address', `127.0.0.1:${await freePort()}`)
    assert.match(await refusedJoin(odesa, nowhere), /does not answer/)
    // The folder is none the worse for all that.
    await start(odesa, '--join', line, ...adminFlags(odesa, 'olha'))
    const olha = await Client.signIn(odesa, 'olha')
    await until('the directory has arrived', () => knows(olha, 'ada'))
  },
)
