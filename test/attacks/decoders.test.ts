/**
 * Every decoder of what comes from outside, fed from a seed with valid samples that were changed: it answers a value or
 * refuses in its own way, never otherwise, and no answer is larger than what was sent allows. `npm run fuzz` tries each
 * a million times, and watches buffers too.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DECODERS } from '../fuzz/decoders.ts'
import { fuzz } from '../support/fuzz.ts'

const CASES = 4000
const SLOW_CASES = 60

for (const [index, decoder] of DECODERS.entries()) {
  test(decoder.name, () => {
    const chance = fuzz(index + 1)
    const counts = { answered: 0, refused: 0 }
    decoder.begin()
    for (let n = 0; n < (decoder.isSlow ? SLOW_CASES : CASES); n++) {
      counts[decoder.once(chance).isAnswer ? 'answered' : 'refused'] += 1
    }
    assert.ok(counts.refused > 0 || !decoder.mayRefuse, 'some are refused')
  })
}
