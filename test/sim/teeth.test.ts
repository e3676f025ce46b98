/** Whether the simulator finds what it is for: mistakes are planted, and each must be found within a few seeds. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runsAside } from './aside.ts'
import './native.ts'

const { BUGS } = await import('./bugs.ts')
const { report } = await import('./report.ts')
const runAside = runsAside()

const SEEDS_MAX = 10
const MINUTES = 0.4

for (const { name, found, seed: first } of BUGS) {
  test(`finds ${name}`, async (t) => {
    for (let seed = first; seed < first + SEEDS_MAX; seed++) {
      const outcome = await runAside({ seed, minutes: MINUTES, planted: name })
      if (outcome.faults.length === 0) continue
      const isIt = outcome.faults.some((fault) => found.test(fault))
      assert.ok(isIt, report(outcome, { seed, minutes: MINUTES }))
      t.diagnostic(`by seed ${seed}`)
      return
    }
    assert.fail(`${SEEDS_MAX} seeds did not find it`)
  })
}
