/**
 * The bytes of release 0.1 are read for ever and written as they were: branches of two releases
 * talk to each other, and what lies at a carrier was written long ago. A line of wire-1.json is never changed; what is
 * new gets lines of its own.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hex } from '../../src/base/bytes.ts'
import { WIRE } from './wire.ts'
import FROZEN from './wire-1.json' with { type: 'json' }

const frozen: Readonly<Record<string, string>> = FROZEN

test('everything that crosses a link is frozen', () => {
  assert.deepEqual(Object.keys(WIRE).sort(), Object.keys(frozen).sort())
})

for (const [name, { write, read, is }] of Object.entries(WIRE)) {
  test(`${name}: written as release 0.1 wrote it, and read as it was meant`, () => {
    const bytes = Uint8Array.fromHex(frozen[name] ?? '')
    assert.equal(hex(write()), frozen[name])
    const found = read(bytes)
    assert.notEqual(found, undefined)
    assert.deepEqual(found, is ?? read(write()))
  })
}

test('a batch is opened to the words that were written in it', () => {
  const { BATCH } = WIRE
  const found = BATCH?.read(Uint8Array.fromHex(FROZEN.BATCH))
  const { text } = found as { text: string }
  assert.match(Buffer.from(text, 'hex').subarray(16).toString(), /"body":"Добрий день"/)
})
