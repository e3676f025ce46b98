/**
 * Public known-answer vectors of three independent Noise implementations; where they came from:
 * their README.
 */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { type Curve, nobleX25519, nodeX25519 } from '../../src/certificates/x25519.ts'
import { Handshake, type HandshakeParts, type Pattern, type Split } from '../../src/relay/noise.ts'
import type { HashName } from '../../src/relay/symmetric-state.ts'
import { patternNamed } from './patterns.ts'

const FOLDER = new URL('../../../shared/vectors/noise/', import.meta.url)
const FILES = ['cacophony.txt', 'snow.txt', 'noise-c-basic.txt']

type Vector = {
  protocol_name?: string
  name?: string
  init_prologue: string
  resp_prologue: string
  init_static?: string
  resp_static?: string
  init_ephemeral: string
  resp_ephemeral?: string
  init_remote_static?: string
  resp_remote_static?: string
  init_psks?: string[]
  resp_psks?: string[]
  handshake_hash?: string
  messages: { payload: string; ciphertext: string }[]
}

const bytes = (text: string) => Uint8Array.fromHex(text)

function side(vector: Vector, who: 'init' | 'resp', common: Partial<HandshakeParts>): Handshake {
  const staticKey = vector[`${who}_static`]
  const remoteStatic = vector[`${who}_remote_static`]
  return new Handshake({
    pattern: common.pattern as Pattern,
    curve: common.curve as Curve,
    hash: common.hash as HashName,
    isInitiator: who === 'init',
    prologue: bytes(vector[`${who}_prologue`]),
    psks: (vector[`${who}_psks`] ?? []).map(bytes),
    // One-way patterns name none for the responder, who never uses it.
    ephemeralKey: bytes(vector[`${who}_ephemeral`] ?? '00'.repeat(32)),
    ...(staticKey ? { staticKey: bytes(staticKey) } : {}),
    ...(remoteStatic ? { remoteStatic: bytes(remoteStatic) } : {}),
  })
}

/** Runs one vector through both sides; throws where a byte differs. */
function run(vector: Vector, common: Partial<HandshakeParts>): void {
  const initiator = side(vector, 'init', common)
  const responder = side(vector, 'resp', common)
  const handshakeMessages = (common.pattern as Pattern).messages.length
  let ends: [Split, Split] | undefined
  for (const [i, { payload, ciphertext }] of vector.messages.entries()) {
    const isForward = handshakeMessages === 1 || i % 2 === 0
    if (i < handshakeMessages) {
      const [writer, reader] = isForward ? [initiator, responder] : [responder, initiator]
      assert.equal(writer.writeMessage(bytes(payload)).toHex(), ciphertext)
      assert.equal(reader.readMessage(bytes(ciphertext)).toHex(), payload)
    } else {
      ends ??= [initiator.split(), responder.split()]
      const [from, to] = isForward ? ends : [ends[1], ends[0]]
      assert.equal(from.send.seal(bytes(payload)).toHex(), ciphertext)
      assert.equal(to.receive.open(bytes(ciphertext)).toHex(), payload)
    }
  }
  ends ??= [initiator.split(), responder.split()]
  assert.deepEqual(ends[0].handshakeHash, ends[1].handshakeHash)
  if (vector.handshake_hash) assert.equal(ends[0].handshakeHash.toHex(), vector.handshake_hash)
}

for (const file of FILES) {
  test(`the engine answers byte for byte like the public vectors of ${file}`, (t) => {
    const path = new URL(file, FOLDER)
    if (!existsSync(path)) return t.skip(`no ${path.pathname}`)
    const { vectors } = JSON.parse(readFileSync(path, 'utf8')) as { vectors: Vector[] }
    let ran = 0
    let nobleRan = 0
    for (const vector of vectors) {
      const name = vector.protocol_name ?? vector.name ?? ''
      const parts = /^Noise_([^_]+)_25519_ChaChaPoly_(\w+)$/.exec(name)
      const pattern = parts && patternNamed(parts[1] ?? '')
      if (!parts || !pattern) continue
      const common = { pattern, hash: parts[2] as HashName }
      run(vector, { ...common, curve: nodeX25519 })
      ran++
      // noble is thirty times slower: it takes the vectors of our own pattern's kin.
      if (!/^Noise_XX(psk.*)?_.*_SHA256$/.test(name)) continue
      run(vector, { ...common, curve: nobleX25519 })
      nobleRan++
    }
    assert.ok(ran > 0)
    t.diagnostic(
      `${file}: ${ran} run (${nobleRan} with noble too), ${vectors.length - ran} skipped`,
    )
  })
}
