/** The handshake of links: agreement, tampering with every byte, strangers, and misuse. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nobleX25519, nodeX25519 } from '../../src/certificates/x25519.ts'
import {
  Handshake,
  HandshakeFailed,
  initiator,
  type LinkKeys,
  MESSAGE_1_BYTES,
  responder,
  XX_PSK0,
} from '../../src/relay/noise.ts'

const NONE = new Uint8Array(0)
const filled = (value: number) => new Uint8Array(32).fill(value)
const prologue = new TextEncoder().encode('a preface and an organisation')
const north: LinkKeys = {
  prologue,
  psk: filled(9),
  staticKey: filled(1),
  ephemeralKey: filled(2),
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

const swift = { pattern: XX_PSK0, curve: nodeX25519 }
const pair = (a = north, b = south): [Handshake, Handshake] => [initiator(a), responder(b)]

test('both sides of a link agree on keys, hash, payloads and each other', () => {
  const sides = pair()
  assert.deepEqual(exchange(sides), payloads)
  assert.deepEqual(sides[0].remoteStatic, nodeX25519.publicKeyOf(south.staticKey))
  assert.deepEqual(sides[1].remoteStatic, nodeX25519.publicKeyOf(north.staticKey))
  const [a, b] = [sides[0].split(), sides[1].split()]
  assert.deepEqual(a.handshakeHash, b.handshakeHash)
  const text = Uint8Array.from([1, 2, 3])
  assert.deepEqual(b.receive.open(a.send.seal(text)), text)
  assert.deepEqual(a.receive.open(b.send.seal(text)), text)
})

test('message 1 has 48 bytes and shows nothing that repeats from one handshake to the next', () => {
  const first = initiator(north).writeMessage(NONE)
  assert.equal(first.length, MESSAGE_1_BYTES)
  const hashes = new Set<string>()
  const chunks = new Set<string>()
  for (let n = 0; n < 10; n++) {
    const sides = pair(
      { ...north, ephemeralKey: filled(20 + n) },
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
  assert.equal(chunks.size, 10 * (3 + (32 + 48 + 320 + 16) / 16 + (48 + 256 + 16) / 16))
})

test('changing any one byte of any handshake message ends the handshake', () => {
  const lengths = [MESSAGE_1_BYTES, 32 + 48 + 320 + 16, 48 + 256 + 16]
  // One exchange serves as the template: only the reader of the altered message is made anew.
  const messages: Uint8Array[] = []
  exchange(pair(), (_turn, message) => {
    messages.push(message.slice())
    return message
  })
  assert.deepEqual(
    messages.map((message) => message.length),
    lengths,
  )
  for (const [turn, length] of lengths.entries()) {
    for (let at = 0; at < length; at++) assertRefused(messages, turn, at)
  }
})

function assertRefused(messages: Uint8Array[], turn: number, at: number): void {
  const reader = readerOf(messages, turn)
  const altered = Uint8Array.from(messages[turn] ?? NONE)
  altered[at] = (altered[at] ?? 0) ^ (1 << (at % 8))
  // Bit 255 of an X25519 key is ignored by the curve (RFC 7748, 5) but hashed by Noise: it must
  // count too.
  assert.throws(
    () => reader.readMessage(altered),
    HandshakeFailed,
    `message ${turn + 1}, byte ${at}`,
  )
  assert.throws(() => reader.readMessage(messages[turn] ?? NONE), HandshakeFailed)
}

/** A side that has come so far that it waits for message `turn`. */
function readerOf(messages: Uint8Array[], turn: number): Handshake {
  if (turn === 1) {
    // The quick curve: this runs four hundred times.
    const dialling = new Handshake({ ...swift, ...north, isInitiator: true, psks: [north.psk] })
    dialling.writeMessage(NONE)
    return dialling
  }
  const answering = responder(south)
  if (turn === 2) {
    answering.readMessage(messages[0] ?? NONE)
    answering.writeMessage(payloads[1] ?? NONE)
  }
  return answering
}

test('messages cut short, made longer or sent out of turn end the handshake', () => {
  for (const [turn, change] of [
    [0, -1],
    [0, 1],
    [1, -1],
    [1, 1],
    [2, -1],
    [2, 1],
    [0, -48],
    [2, -300],
  ] as const) {
    const changed = (at: number, message: Uint8Array) => {
      if (at !== turn) return message
      if (change < 0) return message.subarray(0, message.length + change)
      return Uint8Array.from([...message, 0])
    }
    assert.throws(() => exchange(pair(), changed), HandshakeFailed)
  }
  assert.throws(() => responder(south).writeMessage(NONE), HandshakeFailed)
  assert.throws(() => initiator(north).readMessage(new Uint8Array(48)), HandshakeFailed)
  const early = initiator(north)
  assert.throws(() => early.split(), HandshakeFailed)
})

test('another psk or prologue is refused at message 1 and gets no answer', () => {
  for (const stranger of [
    { ...north, psk: filled(10) },
    { ...north, prologue: prologue.slice(1) },
  ]) {
    const answering = responder(south)
    assert.throws(
      () => answering.readMessage(initiator(stranger).writeMessage(NONE)),
      HandshakeFailed,
    )
    assert.throws(() => answering.writeMessage(NONE), HandshakeFailed)
  }
  // The same, undisturbed, is accepted.
  responder(south).readMessage(initiator(north).writeMessage(NONE))
})

test('a stranger costs less than a tenth of a handshake', () => {
  const noise = new Uint8Array(48).fill(5)
  const refuse = () => {
    try {
      responder(south).readMessage(noise)
      assert.fail('noise was accepted')
    } catch (error) {
      assert.ok(error instanceof HandshakeFailed)
    }
  }
  for (let n = 0; n < 50; n++) refuse()
  const median = (work: () => void, times: number) => {
    const taken = Array.from({ length: times }, () => {
      const from = process.hrtime.bigint()
      work()
      return Number(process.hrtime.bigint() - from) / 1000
    })
    return taken.sort((a, b) => a - b)[times >> 1] ?? 0
  }
  const stranger = median(refuse, 201)
  const whole = median(() => exchange(pair()), 9)
  assert.ok(stranger < whole / 10, `${stranger} us against ${whole} us`)
})

test('message 1 can carry nothing: it could be replayed', () => {
  assert.throws(() => initiator(north).writeMessage(Uint8Array.from([1])), HandshakeFailed)
})

test('a public key of small order is refused by both roles, even with the right psk', () => {
  const lowOrder = { ...nodeX25519, publicKeyOf: () => new Uint8Array(32) }
  const curves = [nodeX25519, nobleX25519]
  for (const curve of curves) {
    const forger = { pattern: XX_PSK0, curve: lowOrder, psks: [north.psk] }
    const answering = new Handshake({
      ...swift,
      ...south,
      curve,
      isInitiator: false,
      psks: [south.psk],
    })
    answering.readMessage(
      new Handshake({ ...forger, ...north, isInitiator: true }).writeMessage(NONE),
    )
    assert.throws(() => answering.writeMessage(NONE), HandshakeFailed)

    const dialling = new Handshake({
      ...swift,
      ...north,
      curve,
      isInitiator: true,
      psks: [north.psk],
    })
    const forging = new Handshake({ ...forger, ...south, isInitiator: false })
    forging.readMessage(dialling.writeMessage(NONE))
    const forged = forging.writeMessage(NONE)
    assert.throws(() => dialling.readMessage(forged), HandshakeFailed)
  }
})

test('the ciphers are given out once, for two pairs would repeat keys and nonces', () => {
  const sides = pair()
  exchange(sides)
  sides[0].split()
  assert.throws(() => sides[0].split(), HandshakeFailed)
})

test('keys of a wrong length are a mistake of ours and are said so', () => {
  assert.throws(() => initiator({ ...north, psk: new Uint8Array(31) }), TypeError)
})
