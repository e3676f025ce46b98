/**
 * Live handshakes with two engines that others wrote, in both roles: what we agree on is Noise, not
 * our reading of it.
 */
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { nobleX25519, nodeX25519 } from '../../src/certificates/x25519.ts'
import { Handshake, type Pattern, type Split } from '../../src/relay/noise.ts'
import { XX_PSK0 } from '../../src/relay/suites.ts'
import type { HashName } from '../../src/relay/symmetric-state.ts'
import { patternNamed } from './patterns.ts'

const require = createRequire(import.meta.url)
const folder = new URL('../../node_modules/@chainsafe/libp2p-noise/dist/src/', import.meta.url).href

type Bytes = Uint8Array<ArrayBuffer>
/** Any engine, seen as what a test needs of it. */
type Side = {
  write(payload: Uint8Array): Uint8Array
  read(message: Uint8Array): Uint8Array
  finish(): { seal(b: Uint8Array): Uint8Array; open(b: Uint8Array): Uint8Array; hash: Uint8Array }
}

const filled = (value: number): Bytes => new Uint8Array(32).fill(value)
const prologue = Uint8Array.from([1, 2, 3, 4])
const psk = filled(77)
const keysOf = (isInitiator: boolean) =>
  isInitiator ? { s: filled(11), e: filled(12) } : { s: filled(13), e: filled(14) }

function ours(pattern: Pattern, hash: HashName, isInitiator: boolean): Side {
  const keys = keysOf(isInitiator)
  const side = new Handshake({
    pattern,
    hash,
    isInitiator,
    prologue,
    curve: isInitiator ? nobleX25519 : nodeX25519,
    psks: pattern.name.includes('psk') ? [psk] : [],
    staticKey: keys.s,
    ephemeralKey: keys.e,
  })
  return {
    write: (payload) => side.writeMessage(payload),
    read: (message) => side.readMessage(message),
    finish() {
      const { send, receive, handshakeHash }: Split = side.split()
      return { seal: (b) => send.seal(b), open: (b) => receive.open(b), hash: handshakeHash }
    },
  }
}

function talk(initiator: Side, responder: Side): void {
  const sides: [Side, Side] = [initiator, responder]
  for (let turn = 0; turn < 3; turn++) {
    const [writer, reader] = turn === 1 ? [sides[1], sides[0]] : sides
    const payload = turn === 0 ? new Uint8Array(0) : new Uint8Array(200).fill(turn)
    const message = Uint8Array.from(writer.write(payload))
    assert.equal(Buffer.from(reader.read(message)).toString('hex'), payload.toHex())
  }
  const [a, b] = [initiator.finish(), responder.finish()]
  assert.equal(Buffer.from(a.hash).toString('hex'), Buffer.from(b.hash).toString('hex'))
  for (let n = 0; n < 5; n++) {
    const text = new Uint8Array(40).fill(n)
    assert.equal(Buffer.from(b.open(Uint8Array.from(a.seal(text)))).toString('hex'), text.toHex())
    assert.equal(Buffer.from(a.open(Uint8Array.from(b.seal(text)))).toString('hex'), text.toHex())
  }
}

test('XX with SHA-256 works with the engine of libp2p, whoever dials', async () => {
  // Not an exported entry of the package: hence its path, and a pinned version.
  const { XXHandshakeState } = await import(`${folder}protocol.js`)
  const { defaultCrypto } = await import(`${folder}crypto/index.js`)
  const { wrapCrypto } = await import(`${folder}crypto.js`)
  const { Uint8ArrayList } = await import(
    new URL('../../node_modules/uint8arraylist/dist/src/index.js', import.meta.url).href
  )
  const libp2p = (isInitiator: boolean): Side => {
    const keys = keysOf(isInitiator)
    const pairOf = (secret: Bytes) => ({
      privateKey: secret,
      publicKey: nodeX25519.publicKeyOf(secret),
    })
    const crypto = { ...wrapCrypto(defaultCrypto), generateKeypair: () => pairOf(keys.e) }
    const state = new XXHandshakeState({
      crypto,
      protocolName: 'Noise_XX_25519_ChaChaPoly_SHA256',
      prologue,
      initiator: isInitiator,
      s: pairOf(keys.s),
    })
    const names = ['A', 'B', 'C']
    let turn = 0
    const list = (b: Uint8Array) => new Uint8ArrayList(b)
    return {
      write: (payload) => state[`writeMessage${names[turn++]}`](payload).subarray(),
      read: (message) => state[`readMessage${names[turn++]}`](list(message)).subarray(),
      finish() {
        const [first, second] = state.ss.split()
        const [send, receive] = isInitiator ? [first, second] : [second, first]
        const none = new Uint8Array(0)
        return {
          seal: (b) => send.encryptWithAd(none, b).subarray(),
          open: (b) => receive.decryptWithAd(none, list(b)).subarray(),
          hash: state.ss.h,
        }
      },
    }
  }
  const xx = patternNamed('XX')
  assert.ok(xx)
  talk(ours(xx, 'SHA256', true), libp2p(false))
  talk(libp2p(true), ours(xx, 'SHA256', false))
  talk(libp2p(true), libp2p(false)) // the test bench itself
})

test('XXpsk0 works with the engine of Holepunch (which hashes with BLAKE2b), whoever dials', () => {
  const NoiseState = require('noise-handshake')
  const CipherState = require('noise-handshake/cipher')
  const holepunch = (isInitiator: boolean): Side => {
    const keys = keysOf(isInitiator)
    const pairOf = (secret: Bytes) => ({
      secretKey: Buffer.from(secret),
      publicKey: Buffer.from(nodeX25519.publicKeyOf(secret)),
    })
    const state = new NoiseState('XXpsk0', isInitiator, pairOf(keys.s), { psk: Buffer.from(psk) })
    state.e = pairOf(keys.e)
    state.initialise(Buffer.from(prologue))
    return {
      write: (payload) => state.send(Buffer.from(payload)),
      read: (message) => state.recv(Buffer.from(message)),
      finish() {
        const [send, receive] = [new CipherState(state.tx), new CipherState(state.rx)]
        return {
          seal: (b) => send.encrypt(Buffer.from(b)),
          open: (b) => receive.decrypt(Buffer.from(b)),
          hash: state.hash,
        }
      },
    }
  }
  talk(ours(XX_PSK0, 'BLAKE2b', true), holepunch(false))
  talk(holepunch(true), ours(XX_PSK0, 'BLAKE2b', false))
  talk(holepunch(true), holepunch(false))
})
