/** Strangers at a real port: whatever they send, they are closed without a byte in answer, and soon. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { issueLinkCertificate } from '../../src/certificates/certificate.ts'
import type { Chain } from '../../src/certificates/chain.ts'
import { foundOrganisation } from '../../src/certificates/founding.ts'
import { generateBranchKeys, type KeyPair, x25519KeyPair } from '../../src/certificates/keys.ts'
import { dialHandshake } from '../../src/relay/handshake.ts'
import { encodePreface } from '../../src/relay/preface.ts'
import { realNetwork, type Transport } from '../../src/world/network.ts'
import { realRandom } from '../../src/world/random.ts'
import { type Office, openOffice, organisation } from './company.ts'

/** Real sockets: a stranger who is not closed must fail the test, not stop it. */
const SOON = { timeout: 10_000 }
const random = realRandom()
const DAY = 86_400_000
const org = organisation()
const lviv = org.admitted('Lviv')
const folder = mkdtempSync(join(tmpdir(), 'branchline-hostile-'))
const place = { kyiv: undefined as Office | undefined, port: 0 }

before(async () => {
  const kyiv = await openOffice({
    org,
    host: '127.0.0.1',
    folder,
    member: org.founder,
    knows: [lviv.chain],
    network: realNetwork,
    setting: { kind: 'address', address: { host: '127.0.0.1', port: 0 } },
  })
  await kyiv.relay.start()
  place.kyiv = kyiv
  place.port = Number(kyiv.relay.listening().address?.split(':')[1])
})

after(async () => {
  await place.kyiv?.stop()
  rmSync(folder, { recursive: true, force: true })
})

// The buckets of an address fill again with time.
beforeEach(() => org.advance(10_000))

type Caller = { socket: Socket; answered(): number; closed: Promise<void> }

async function call(localAddress = '127.0.0.1'): Promise<Caller> {
  const socket = connect({ host: '127.0.0.1', port: place.port, localAddress })
  socket.unref()
  let bytes = 0
  socket.on('data', (chunk) => {
    bytes += chunk.length
  })
  socket.on('error', () => {})
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  await new Promise((resolve) => socket.once('connect', resolve))
  return { socket, answered: () => bytes, closed }
}

/** Waits for real sockets, letting the hand clock stand still. */
const turns = async (count = 20) => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

const preface = encodePreface({ suite: 2, kind: 'link', epoch: 1 })

for (const [what, bytes] of [
  ['an HTTP request', new TextEncoder().encode('GET / HTTP/1.1\r\nHost: kyiv\r\n\r\n')],
  ['a TLS hello', new Uint8Array([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3, ...random.bytes(200)])],
  ['random bytes', random.bytes(64)],
  ['a right preface and a message that is announced too long', cat(preface, [0xff, 0xff])],
  ['a right preface and random bytes', cat(preface, [4, 224], random.bytes(1248))],
  [
    'a right preface and a first message that is too short',
    cat(preface, [0, 48], random.bytes(48)),
  ],
  [
    'the preface of suite 1 and random bytes',
    cat(encodePreface({ suite: 1, kind: 'link', epoch: 1 }), [0, 48], random.bytes(48)),
  ],
  ['a suite that nobody speaks', cat(preface.with(5, 3), [4, 224], random.bytes(1248))],
  [
    'an unknown link key epoch',
    cat(encodePreface({ suite: 2, kind: 'link', epoch: 9 }), [4, 224], random.bytes(1248)),
  ],
  [
    'an unknown invitation',
    cat(
      encodePreface({ suite: 2, kind: 'join', joinId: '00'.repeat(8) }),
      [4, 224],
      random.bytes(1248),
    ),
  ],
] as const) {
  test(`${what} is met with silence`, SOON, async () => {
    const caller = await call()
    caller.socket.write(bytes)
    await caller.closed
    assert.equal(caller.answered(), 0)
  })
}

function cat(...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  return new Uint8Array(parts.flatMap((part) => [...part]))
}

test('who says nothing is closed after three seconds', SOON, async () => {
  const caller = await call()
  caller.socket.write(preface.subarray(0, 5))
  await turns()
  org.advance(2900)
  await turns()
  assert.equal(caller.socket.destroyed, false)
  org.advance(200)
  await caller.closed
  assert.equal(caller.answered(), 0)
})

test('who sends one byte after the other is closed after three seconds too', SOON, async () => {
  const caller = await call()
  for (let i = 0; i < 10; i++) {
    caller.socket.write(preface.subarray(i, i + 1))
    await turns(2)
    org.advance(350)
  }
  await caller.closed
  assert.equal(caller.answered(), 0)
})

test('endless bytes are not taken', SOON, async () => {
  const caller = await call()
  caller.socket.write(cat(preface, [4, 224]))
  const chunk = random.bytes(65_536)
  let taken = 0
  for (let i = 0; i < 64 && !caller.socket.destroyed; i++) {
    caller.socket.write(chunk)
    taken += chunk.length
    await turns(2)
  }
  await caller.closed
  assert.equal(caller.answered(), 0)
  assert.ok(taken > 0)
})

test('one address holds two half-open calls; the third is closed at once', SOON, async () => {
  const [first, second] = [await call('127.0.0.9'), await call('127.0.0.9')]
  const third = await call('127.0.0.9')
  await third.closed
  assert.equal(first.socket.destroyed || second.socket.destroyed, false)
  org.advance(3100)
  await Promise.all([first.closed, second.closed])
})

test('however many come, the log gets one line a minute', SOON, async () => {
  const lines = () => place.kyiv?.lines.filter(({ name }) => name === 'relay.strangers').length ?? 0
  org.advance(61_000)
  const before = lines()
  for (let i = 0; i < 14; i++) {
    const caller = await call('127.0.0.10')
    caller.socket.write(random.bytes(16))
    await caller.closed
  }
  await turns()
  assert.equal(lines() - before, 1)
})

type Showing = { chain: Chain | undefined; noise: KeyPair; psk?: Uint8Array }

/** A handshake with these credentials; how many bytes came after message 2, once it was closed. */
async function shown({ chain, noise, psk = org.linkKey.key }: Showing): Promise<number> {
  const transport = await realNetwork.dial({ host: '127.0.0.1', port: place.port }, 2000)
  const { organisation } = org.issuer.certificate
  const established = await dialHandshake(
    {
      transport,
      preface: { suite: 2, kind: 'link', epoch: 1 },
      psk,
      organisation,
      noise,
      hello: chain,
      own: lviv.keys.branch,
      dialled: undefined,
      trust: { organisation, now: org.clock.now(), isRevoked: () => false },
      maySpeak: () => true,
    },
    { clock: org.clock, random },
  )
  const before = established.messages.received
  await new Promise<void>((resolve) => transport.onClose(() => resolve()))
  return established.messages.received - before
}

const issuedAt = (now: number) => ({
  ...lviv.chain,
  link: issueLinkCertificate(org.issuer, {
    branch: lviv.keys.branch,
    noisePublicKey: lviv.keys.noise.publicKey,
    serial: random.bytes(16),
    now,
  }),
})

const strangerKey = x25519KeyPair(random.bytes(32))
const otherKeys = generateBranchKeys((length) => random.bytes(length))
const other = foundOrganisation(otherKeys, { name: 'Lviv', now: org.clock.now() }, (length) =>
  random.bytes(length),
)

for (const [what, showing] of [
  [
    'an expired certificate',
    () => ({ chain: issuedAt(org.clock.now() - 11 * DAY), noise: lviv.keys.noise }),
  ],
  [
    'a certificate of tomorrow',
    () => ({ chain: issuedAt(org.clock.now() + DAY), noise: lviv.keys.noise }),
  ],
  [
    'the certificate of another organisation',
    () => ({ chain: other.chain, noise: otherKeys.noise }),
  ],
  ["another branch's certificate", () => ({ chain: lviv.chain, noise: strangerKey })],
  ['our own certificate', () => ({ chain: org.founder.chain, noise: org.founder.keys.noise })],
  ['no certificate', () => ({ chain: undefined, noise: strangerKey })],
] as const) {
  test(`who shows ${what} gets no answer`, SOON, async () => {
    assert.equal(await shown(showing()), 0)
    assert.deepEqual(
      place.kyiv?.relay.links().filter(({ up }) => up),
      [],
    )
  })
}

test(
  'the same calls with a right certificate are answered: the silence above is not an accident',
  SOON,
  async () => {
    const transport = await realNetwork.dial({ host: '127.0.0.1', port: place.port }, 2000)
    const bytes = await shownOn(transport)
    assert.ok(bytes > 0)
  },
)

async function shownOn(transport: Transport): Promise<number> {
  const { organisation } = org.issuer.certificate
  const established = await dialHandshake(
    {
      transport,
      preface: { suite: 2, kind: 'link', epoch: 1 },
      psk: org.linkKey.key,
      organisation,
      noise: lviv.keys.noise,
      hello: lviv.chain,
      own: lviv.keys.branch,
      dialled: org.founder.keys.branch,
      trust: { organisation, now: org.clock.now(), isRevoked: () => false },
      maySpeak: () => true,
    },
    { clock: org.clock, random },
  )
  const message = await established.messages.next(65_535)
  transport.close(true)
  return message.length
}

test('a wrong link key is met with silence', SOON, async () => {
  await assert.rejects(
    shown({ chain: lviv.chain, noise: lviv.keys.noise, psk: random.bytes(32) }),
    /silence/,
  )
})

test('a recorded first message is not answered again', SOON, async () => {
  const recorded: Uint8Array[] = []
  const transport = await realNetwork.dial({ host: '127.0.0.1', port: place.port }, 2000)
  const recording: Transport = {
    ...transport,
    waiting: 0,
    remote: transport.remote,
    send(bytes) {
      recorded.push(bytes.slice())
      transport.send(bytes)
    },
  }
  assert.ok((await shownOn(recording)) > 0)
  const replay = await call()
  replay.socket.write(cat(...recorded.slice(0, 2)))
  await replay.closed
  assert.equal(replay.answered(), 0)
})
