/** A whole company in one process, in bad weather: kept seeds. Fresh ones stand in fresh.ts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import './native.ts'
import { KEPT } from './seeds.ts'

const { holding } = await import('./fresh.ts')
const { run } = await import('./run.ts')
const holds = holding()

for (const { seed, branches, found } of KEPT) {
  test(`seed ${seed} holds (it found ${found})`, () =>
    holds({ seed, ...(branches === undefined ? {} : { branches }) }))
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
