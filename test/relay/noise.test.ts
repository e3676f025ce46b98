/** The handshake of links: agreement, tampering with every byte, strangers, and misuse. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nobleX25519, nodeX25519 } from '../../src/certificates/x25519.ts'
import { mlKem768 } from '../../src/relay/ml-kem.ts'
import { Handshake, HandshakeFailed } from '../../src/relay/noise.ts'
import {
  initiator,
  type LinkKeys,
  message1Bytes,
  message2BytesMax,
  responder,
  type Suite,
  XX_PSK0,
  XXHFS_PSK0,
} from '../../src/relay/suites.ts'

const NONE = new Uint8Array(0)
const filled = (value: number) => new Uint8Array(32).fill(value)
const prologue = new TextEncoder().encode('a preface and an organisation')
const north: LinkKeys = {
  prologue,
  psk: filled(9),
  staticKey: filled(1),
  ephemeralKey: filled(2),
  kemSeed: new Uint8Array(64).fill(5),
}
const south: LinkKeys = { ...north, staticKey: filled(3), ephemeralKey: filled(4) }
const payloads = [NONE, new Uint8Array(320).fill(7), new Uint8Array(256).fill(8)]

/** Exchanges the three messages, each changed by `alter` on its way. */
function exchange(
  [dialling, answering]: [Handshake, Handshake],
  alter = (_turn: number, message: Uint8Array) => message,
): Uint8Array[] {
  const read: Uint8Array[] = []
  for (const [turn, payload] of payloads.entries()) {
    const [writer, reader] = turn === 1 ? [answering, dialling] : [dialling, answering]
    read.push(reader.readMessage(alter(turn, writer.writeMessage(payload))))
  }
  return read
}

const SUITES = [1, 2] as const
const engineOf = (suite: Suite) =>
  suite === 1 ? { pattern: XX_PSK0 } : { pattern: XXHFS_PSK0, kem: mlKem768 }
/** The quick curve for the side that dials, where hundreds of handshakes are made. */
const swift = (suite: Suite) => ({ ...engineOf(suite), curve: nodeX25519 })
const pair = (suite: Suite, a = north, b = south): [Handshake, Handshake] => [
  initiator(suite, a),
  responder(suite, b),
]
/** Message 1, and what stands before the HELLO in message 2. */
const SIZES = { 1: [48, 32 + 48], 2: [1248, 32 + 1104 + 48] } as const

for (const suite of SUITES) {
  test(`suite ${suite}: both sides of a link agree on keys, hash, payloads and each other`, () => {
    const sides = pair(suite)
    assert.deepEqual(exchange(sides), payloads)
    assert.deepEqual(sides[0].remoteStatic, nodeX25519.publicKeyOf(south.staticKey))
    assert.deepEqual(sides[1].remoteStatic, nodeX25519.publicKeyOf(north.staticKey))
    const [a, b] = [sides[0].split(), sides[1].split()]
    assert.deepEqual(a.handshakeHash, b.handshakeHash)
    const text = Uint8Array.from([1, 2, 3])
    assert.deepEqual(b.receive.open(a.send.seal(text)), text)
    assert.deepEqual(a.receive.open(b.send.seal(text)), text)
  })

  test(`suite ${suite}: messages have their sizes and show nothing that comes twice`, () => {
    const [first, before] = SIZES[suite]
    assert.equal(message1Bytes(suite), first)
    assert.equal(message2BytesMax(suite, 320), before + 320 + 16)
    const hashes = new Set<string>()
    const chunks = new Set<string>()
    for (let n = 0; n < 10; n++) {
      const kemSeed = new Uint8Array(64).fill(60 + n)
      const sides = pair(
        suite,
        { ...north, ephemeralKey: filled(20 + n), kemSeed },
        { ...south, ephemeralKey: filled(40 + n) },
      )
      exchange(sides, (turn, message) => {
        // Static keys are sent sealed, so no 16-byte piece of any message may come twice.
        for (let at = 0; at + 16 <= message.length; at += 16) {
          chunks.add(`${turn} ${message.subarray(at, at + 16).toHex()}`)
        }
        return message
      })
      hashes.add(sides[0].split().handshakeHash.toHex())
    }
    assert.equal(hashes.size, 10)
    const bytes = first + (before + 320 + 16) + (48 + 256 + 16)
    assert.equal(chunks.size, (10 * bytes) / 16)
  })

  test(`suite ${suite}: changing any one byte of any message ends the handshake`, () => {
    const lengths = [SIZES[suite][0], SIZES[suite][1] + 320 + 16, 48 + 256 + 16]
    for (const [turn, length] of lengths.entries()) {
      // Encapsulating draws chance, so a side that waits for message 3 has a transcript of its own.
      const messages = turn < 2 ? transcript(suite) : undefined
      if (messages) assert.equal(messages[turn]?.length, length)
      for (let at = 0; at < length; at++) assertRefused({ suite, turn, at }, messages)
    }
  })

  test(`suite ${suite}: messages cut short, made longer or out of turn end the handshake`, () => {
    for (const [turn, change] of CHANGES) {
      const changed = (at: number, message: Uint8Array) => {
        if (at !== turn) return message
        if (change < 0) return message.subarray(0, message.length + change)
        return Uint8Array.from([...message, 0])
      }
      assert.throws(() => exchange(pair(suite), changed), HandshakeFailed, `${turn} ${change}`)
    }
    assert.throws(() => responder(suite, south).writeMessage(NONE), HandshakeFailed)
    const zeros = new Uint8Array(message1Bytes(suite))
    assert.throws(() => initiator(suite, north).readMessage(zeros), HandshakeFailed)
    const early = initiator(suite, north)
    assert.throws(() => early.split(), HandshakeFailed)
  })

  test(`suite ${suite}: another psk or prologue is refused at message 1 and gets no answer`, () => {
    for (const stranger of [
      { ...north, psk: filled(10) },
      { ...north, prologue: prologue.slice(1) },
    ]) {
      const answering = responder(suite, south)
      const message1 = initiator(suite, stranger).writeMessage(NONE)
      assert.throws(() => answering.readMessage(message1), HandshakeFailed)
      assert.throws(() => answering.writeMessage(NONE), HandshakeFailed)
    }
    // The same, undisturbed, is accepted.
    responder(suite, south).readMessage(initiator(suite, north).writeMessage(NONE))
  })

  test(`suite ${suite}: a stranger costs less than a tenth of a handshake`, () => {
    const noise = new Uint8Array(message1Bytes(suite)).fill(5)
    const refuse = () => {
      try {
        responder(suite, south).readMessage(noise)
        assert.fail('noise was accepted')
      } catch (error) {
        assert.ok(error instanceof HandshakeFailed)
      }
    }
    for (let n = 0; n < 50; n++) refuse()
    const stranger = median(refuse, 201)
    const whole = median(() => exchange(pair(suite)), 9)
    assert.ok(stranger < whole / 10, `${stranger} us against ${whole} us`)
  })

  test(`suite ${suite}: message 1 can carry nothing: it could be replayed`, () => {
    assert.throws(() => initiator(suite, north).writeMessage(Uint8Array.from([1])), HandshakeFailed)
  })

  test(`suite ${suite}: a public key of small order is refused, even with the right psk`, () => {
    const lowOrder = { ...nodeX25519, publicKeyOf: () => new Uint8Array(32) }
    for (const curve of [nodeX25519, nobleX25519]) {
      const forger = { ...engineOf(suite), curve: lowOrder, psks: [north.psk] }
      const ours = { ...engineOf(suite), curve, psks: [north.psk] }
      const answering = new Handshake({ ...ours, ...south, isInitiator: false })
      answering.readMessage(
        new Handshake({ ...forger, ...north, isInitiator: true }).writeMessage(NONE),
      )
      assert.throws(() => answering.writeMessage(NONE), HandshakeFailed)

      const dialling = new Handshake({ ...ours, ...north, isInitiator: true })
      const forging = new Handshake({ ...forger, ...south, isInitiator: false })
      forging.readMessage(dialling.writeMessage(NONE))
      const forged = forging.writeMessage(NONE)
      assert.throws(() => dialling.readMessage(forged), HandshakeFailed)
    }
  })

  test(`suite ${suite}: a first message of the other suite is refused`, () => {
    const other = suite === 1 ? 2 : 1
    const message1 = initiator(other, north).writeMessage(NONE)
    assert.throws(() => responder(suite, south).readMessage(message1), HandshakeFailed)
  })
}

/** Message and how many bytes fewer or more: also exactly one field fewer. */
const CHANGES = [
  [0, -1],
  [0, 1],
  [0, -16],
  [0, -48],
  [1, -1],
  [1, 1],
  [1, -336],
  [1, -384],
  [2, -1],
  [2, 1],
  [2, -300],
] as const

/** The messages of one undisturbed handshake. */
function transcript(suite: Suite): Uint8Array[] {
  const messages: Uint8Array[] = []
  exchange(swiftPair(suite), (_turn, message) => {
    messages.push(message.slice())
    return message
  })
  return messages
}

function swiftPair(suite: Suite): [Handshake, Handshake] {
  const dialling = { ...swift(suite), ...north, isInitiator: true, psks: [north.psk] }
  return [new Handshake(dialling), responder(suite, south)]
}

type Place = { suite: Suite; turn: number; at: number }

function assertRefused({ suite, turn, at }: Place, messages: Uint8Array[] | undefined): void {
  const [dialling, answering] = swiftPair(suite)
  const reader = turn === 1 ? dialling : answering
  let right = messages?.[turn] ?? NONE
  if (turn === 1) dialling.writeMessage(NONE)
  if (turn === 2) {
    answering.readMessage(dialling.writeMessage(NONE))
    dialling.readMessage(answering.writeMessage(payloads[1] ?? NONE))
    right = dialling.writeMessage(payloads[2] ?? NONE)
  }
  const altered = Uint8Array.from(right)
  altered[at] = (altered[at] ?? 0) ^ (1 << (at % 8))
  // Bit 255 of an X25519 key is ignored by the curve (RFC 7748, 5) but hashed by Noise: it must
  // count too.
  const where = `message ${turn + 1}, byte ${at}`
  assert.throws(() => reader.readMessage(altered), HandshakeFailed, where)
  assert.throws(() => reader.readMessage(right), HandshakeFailed, where)
}

/** Microseconds. */
function median(work: () => void, times: number): number {
  const taken = Array.from({ length: times }, () => {
    const from = process.hrtime.bigint()
    work()
    return Number(process.hrtime.bigint() - from) / 1000
  })
  return taken.sort((a, b) => a - b)[times >> 1] ?? 0
}

test('a KEM key that is none is refused by whoever would encapsulate to it', () => {
  const kem = {
    ...mlKem768,
    pairOf: (seed: Uint8Array) => {
      const pair = mlKem768.pairOf(seed)
      // FIPS 203, 7.2: a coefficient of 4095 is no number modulo 3329.
      return { ...pair, publicKey: pair.publicKey.with(0, 0xff).with(1, 0xff) }
    },
  }
  const dialling = { ...engineOf(2), kem, curve: nodeX25519, psks: [north.psk], isInitiator: true }
  const answering = responder(2, south)
  // It is sealed rightly, by a member: nothing is wrong with message 1 but this.
  answering.readMessage(new Handshake({ ...dialling, ...north }).writeMessage(NONE))
  assert.throws(() => answering.writeMessage(NONE), HandshakeFailed)
})

test('a wrong ciphertext gives another secret, and so the next tag of message 2 fails', () => {
  const read: string[] = []
  const forging = {
    ...mlKem768,
    encapsulate(publicKey: Uint8Array) {
      const { ciphertext, secret } = mlKem768.encapsulate(publicKey)
      return { ciphertext: ciphertext.with(7, (ciphertext[7] ?? 0) ^ 1), secret }
    },
  }
  const kem = {
    ...mlKem768,
    pairOf(seed: Uint8Array) {
      const pair = mlKem768.pairOf(seed)
      return {
        ...pair,
        decapsulate(ciphertext: Uint8Array) {
          const secret = pair.decapsulate(ciphertext) // does not throw: FIPS 203, 6.3
          read.push(secret.toHex())
          return secret
        },
      }
    },
  }
  const common = { ...engineOf(2), curve: nodeX25519, psks: [north.psk] }
  const dialling = new Handshake({ ...common, ...north, kem, isInitiator: true })
  const answering = new Handshake({ ...common, ...south, kem: forging, isInitiator: false })
  answering.readMessage(dialling.writeMessage(NONE))
  const message2 = answering.writeMessage(NONE)
  assert.throws(() => dialling.readMessage(message2), HandshakeFailed)
  assert.equal(read.length, 1)
})

test('the ciphers are given out once, for two pairs would repeat keys and nonces', () => {
  const sides = pair(2)
  exchange(sides)
  sides[0].split()
  assert.throws(() => sides[0].split(), HandshakeFailed)
})

test('keys of a wrong length are a mistake of ours and are said so', () => {
  assert.throws(() => initiator(1, { ...north, psk: new Uint8Array(31) }), TypeError)
})
