/** The local ZeroTier service: its answers, everything else that may answer or not, and the name of its interface. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { zeroTierInterface } from '../../src/base/zerotier.ts'
import { type LocalAnswer, type LocalQuestion, realNetwork } from '../../src/world/network.ts'
import { parseAnswers } from '../../src/zerotier/answers.ts'
import { createZeroTier } from '../../src/zerotier/service.ts'
import { handClock, keptLog } from '../eventlog/fixture.ts'
import { fuzz } from '../support/fuzz.ts'
import { memoryNetwork } from '../support/transport.ts'
import { answers, CLOCK, network, path } from './samples.ts'

const TOKEN = 'sesame-sesame-sesame'

/** A service that answers as `answer` says. */
function serviceWith(answer: (question: LocalQuestion) => LocalAnswer | Promise<LocalAnswer>) {
  const { clock, advance } = handClock()
  const log = keptLog()
  const asked: LocalQuestion[] = []
  const askLocal = async (question: LocalQuestion) => {
    asked.push(question)
    return await answer(question)
  }
  const state = createZeroTier({ network: { ...memoryNetwork(), askLocal }, clock, log }, TOKEN)
  return { state, asked, advance, log }
}

const json = (value: unknown, status = 200): LocalAnswer => ({
  status,
  body: new TextEncoder().encode(JSON.stringify(value)),
})

const good = ({ path: asked }: LocalQuestion) => {
  const { status, networks, peers } = answers()
  return json(asked === '/status' ? status : asked === '/network' ? networks : peers)
}

test('node, networks and ways to other nodes are read, roots left out', () => {
  assert.deepEqual(parseAnswers(answers()), {
    ...{ address: 'a1b2c3d4e5', version: '1.14.1', isOnline: true },
    networks: [
      {
        ...{ id: 'a93ff3afb15cb6d7', name: 'offices', status: 'OK', device: 'zta2hk6glg' },
        addresses: ['10.147.20.11/24'],
      },
    ],
    peers: [
      { address: '00000000aa', path: '45.81.2.2:9993', heardMs: 4000, latencyMs: 12 },
      { address: '00000000bb', path: undefined, heardMs: undefined, latencyMs: undefined },
    ],
  })
})

test('a node that waits, is turned away, or has joined nothing is told as it is', () => {
  const of = (...list: object[]) => parseAnswers({ ...answers(), networks: list }).networks
  const waiting = {
    ...network,
    status: 'REQUESTING_CONFIGURATION',
    assignedAddresses: [],
    name: '',
  }
  assert.deepEqual(of(waiting)[0]?.addresses, [])
  assert.equal(of(waiting)[0]?.status, 'REQUESTING_CONFIGURATION')
  // The service keeps the address when the controller puts it out: the address alone says nothing.
  const denied = of({ ...network, status: 'ACCESS_DENIED' })[0]
  assert.deepEqual([denied?.status, denied?.addresses.length], ['ACCESS_DENIED', 1])
  assert.deepEqual(of(), [])
})

test('a silent way shows how long it is silent; the same way twice counts once; IPv6 has brackets', () => {
  const peerWith = (...paths: object[]) => {
    const peers = [{ address: '00000000aa', latency: -1, role: 'LEAF', paths }]
    return parseAnswers({ ...answers(), peers }).peers[0]
  }
  assert.equal(peerWith({ ...path, lastReceive: CLOCK - 363_000 })?.heardMs, 363_000)
  const twice = peerWith({ ...path, preferred: false, lastReceive: CLOCK - 1 }, path)
  assert.deepEqual([twice?.path, twice?.heardMs], ['45.81.2.2:9993', 1])
  assert.equal(peerWith({ ...path, address: 'fd00::5/9993' })?.path, '[fd00::5]:9993')
  assert.equal(peerWith({ ...path, expired: true })?.path, undefined)
})

test('names are shown without what hides in them', () => {
  const evil = { ...network, name: 'off\u202eices\u0000' }
  assert.equal(parseAnswers({ ...answers(), networks: [evil] }).networks[0]?.name, 'off ices')
})

test('what changes an answer makes it refused or read, never anything else', async () => {
  const chance = fuzz(31)
  let refused = 0
  for (let n = 0; n < 1000; n++) {
    const mutated = answers()
    const values = {
      status: chance.value(mutated.status),
      networks: chance.value(mutated.networks),
      peers: chance.value(mutated.peers),
    }
    const { state } = serviceWith(({ path: asked }) =>
      json(
        asked === '/status' ? values.status : asked === '/network' ? values.networks : values.peers,
      ),
    )
    const read = await state()
    assert.ok(read.kind === 'answers' || read.reason === 'other-answer')
    if (read.kind === 'away') refused += 1
  }
  assert.ok(refused > 100 && refused < 1000, `${refused} refused`)
})

test('three questions with the token, and none again for five seconds', async () => {
  const { state, asked, advance } = serviceWith(good)
  const [first, second] = await Promise.all([state(), state()])
  assert.equal(first.kind, 'answers')
  assert.equal(first, second)
  assert.deepEqual(
    asked.map((question) => question.path),
    ['/status', '/network', '/peer'],
  )
  for (const { headers, port } of asked) {
    assert.deepEqual([headers['x-zt1-auth'], port], [TOKEN, 9993])
  }
  advance(6000)
  await state()
  assert.equal(asked.length, 6)
})

const failing = (code: string) =>
  Object.assign(new Error(code), code === 'ETIMEDOUT' ? {} : { code })
const AWAY: readonly [string, (question: LocalQuestion) => LocalAnswer, string][] = [
  [
    'nobody listens',
    () => {
      throw failing('ECONNREFUSED')
    },
    'not-running',
  ],
  [
    'it is silent',
    () => {
      throw failing('ETIMEDOUT')
    },
    'silent',
  ],
  [
    'it hangs up',
    () => {
      throw failing('ECONNRESET')
    },
    'other-answer',
  ],
  ['the token is wrong', () => json({}, 401), 'wrong-token'],
  ['another program is there', () => json({}, 404), 'other-answer'],
  ['it speaks no JSON', () => ({ status: 200, body: new Uint8Array([255, 1]) }), 'other-answer'],
  ['it says something else', () => json({ hello: 1 }), 'other-answer'],
]

for (const [what, answer, reason] of AWAY) {
  test(`when ${what} the page gets a word, the log one line, and nobody the token`, async () => {
    const { state, log, advance } = serviceWith(answer)
    for (let n = 0; n < 3; n++) {
      assert.deepEqual(await state(), { kind: 'away', reason })
      advance(6000)
    }
    assert.deepEqual(log.lines, [{ name: 'zerotier.unreadable', fields: { reason } }])
    assert.doesNotMatch(JSON.stringify(log.lines), /sesame/)
  })
}

test('the interface of a network has the name that ZeroTier gave it', () => {
  // Seen on real nodes: docs of the network id beside the device.
  assert.equal(zeroTierInterface('a93ff3afb15cb6d7'), 'zta2hk6glg')
  assert.equal(zeroTierInterface('a93ff3afb1ffffff'), 'zta2hayuco')
  for (const other of ['zta2hk6glg', 'a93ff3afb15cb6d', 'eth0', '']) {
    assert.equal(zeroTierInterface(other), undefined)
  }
})

test('over a real socket: a good answer, one that is too long, one that never ends', {
  timeout: 10_000,
}, async (t) => {
  const server = createServer((request, response) => {
    if (request.url === '/status')
      response.end(JSON.stringify({ token: request.headers['x-zt1-auth'] }))
    else if (request.url === '/long') response.end('x'.repeat(5000))
    else response.write('beginning')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const ask = (asked: string) =>
    realNetwork.askLocal({
      ...{ port, path: asked, headers: { 'x-zt1-auth': TOKEN } },
      ...{ timeoutMs: 300, bytesMax: 1000 },
    })
  const { status, body } = await ask('/status')
  assert.deepEqual([status, JSON.parse(new TextDecoder().decode(body))], [200, { token: TOKEN }])
  await assert.rejects(ask('/long'))
  await assert.rejects(ask('/endless'))
})
