/** Whether the simulator finds what it is for: mistakes are planted, and each must be found within a few seeds. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import './native.ts'

const { BUGS } = await import('./bugs.ts')
const { report, run } = await import('./run.ts')

const SEEDS_MAX = 10
const MINUTES = 0.4

for (const { name, plant, found, seed: first } of BUGS) {
  test(`finds ${name}`, async (t) => {
    for (let seed = first; seed < first + SEEDS_MAX; seed++) {
      const outcome = await run({ seed, minutes: MINUTES, bug: plant() })
      if (outcome.faults.length === 0) continue
      const isIt = outcome.faults.some((fault) => found.test(fault))
      assert.ok(isIt, report(outcome, { seed, minutes: MINUTES }))
      t.diagnostic(`by seed ${seed}`)
      return
    }
    assert.fail(`${SEEDS_MAX} seeds did not find it`)
  })
}
