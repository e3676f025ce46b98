/** A whole company in one process, in bad weather: kept seeds, and fresh ones every day. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chanceOf } from './chance.ts'
import { commit, report, run } from './run.ts'
import { KEPT } from './seeds.ts'

const FRESH = 20
/** Shorter storms than `npm run sim`: everybody waits for `npm test`. */
const MINUTES = 0.4

/** Of the day and the commit: everybody who tests the same tests the same, and tomorrow something else. */
function freshSeeds(): number[] {
  const day = new Date().toISOString().slice(0, 10)
  const chance = chanceOf(0, `${day} ${commit()}`)
  return Array.from({ length: FRESH }, () => chance.between(1, 2 ** 30))
}

async function holds(options: { seed: number; branches?: number }): Promise<void> {
  const outcome = await run({ ...options, minutes: MINUTES })
  const text = report(outcome, { ...options, minutes: MINUTES })
  assert.equal(outcome.faults.length, 0, text)
}

for (const { seed, branches, found } of KEPT) {
  test(`seed ${seed} holds (it found ${found})`, () =>
    holds({ seed, ...(branches === undefined ? {} : { branches }) }))
}

for (const seed of freshSeeds()) {
  test(`seed ${seed}, of today, holds`, () => holds({ seed }))
}

test('the same seed gives the same run, another one gives another', async () => {
  const minutes = 0.2
  const [first, again, other] = [
    await run({ seed: 5, minutes }),
    await run({ seed: 5, minutes }),
    await run({ seed: 7, minutes }),
  ]
  assert.equal(first.hash, again.hash)
  assert.deepEqual(first.lines, again.lines)
  assert.notEqual(first.hash, other.hash)
})
