/**
 * Seeds that nobody has seen, in eight parts: files run side by side, and each stays far below the time a file may take.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runsAside } from './aside.ts'
import { chanceOf } from './chance.ts'
import { commit, report } from './report.ts'

/** 200 in all. */
const PER_PART = 25
/** Shorter storms than `npm run sim`: everybody waits for `npm test`. */
export const MINUTES = 0.25

/** Of the day and the commit: everybody who tests the same tests the same, and tomorrow something else. */
function freshSeeds(part: number): number[] {
  const day = new Date().toISOString().slice(0, 10)
  const chance = chanceOf(part, `${day} ${commit()}`)
  return Array.from({ length: PER_PART }, () => chance.between(1, 2 ** 30))
}

/** Runs seeds as `npm test` does. */
export function holding(): (options: { seed: number; branches?: number }) => Promise<void> {
  const runAside = runsAside()
  return async (options) => {
    const outcome = await runAside({ ...options, minutes: MINUTES })
    const text = report(outcome, { ...options, minutes: MINUTES })
    assert.equal(outcome.faults.length, 0, text)
  }
}

/** One test for each of the seeds of a part. */
export function testFresh(part: number): void {
  const holds = holding()
  for (const seed of freshSeeds(part)) {
    test(`seed ${seed}, of today, holds`, () => holds({ seed }))
  }
}
