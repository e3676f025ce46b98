/** What a sender sees of his file on its way to other branches. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BlobId, BranchId } from '../../src/base/ids.ts'
import { createGiving } from '../../src/files/giving.ts'
import { handClock, idOf } from './warehouse.ts'

const blob = idOf('plan') as BlobId
const [lviv, odesa] = ['Lviv', 'Odesa'] as BranchId[]

function scene() {
  const clock = handClock()
  const giving = createGiving({ clock, nameOf: (branch) => branch })
  let told = 0
  giving.onProgress(() => {
    told += 1
  })
  const give = (to: BranchId | undefined, index: number, count = 200) =>
    to && giving.given(to, { blob, index, count })
  return { clock, giving, give, told: () => told }
}

test('each branch that takes a file is told with how far it is, and pages hear it once a second', () => {
  const { clock, giving, give, told } = scene()
  for (let index = 0; index < 100; index++) give(lviv, index)
  give(odesa, 19)
  const to = [
    { branch: 'Lviv', percent: 50 },
    { branch: 'Odesa', percent: 10 },
  ]
  assert.deepEqual(giving.goingTo(blob), { state: 'going', to })
  give(lviv, 3)
  assert.equal(giving.goingTo(blob)?.to[1]?.percent, 50, 'a chunk that is asked for again')
  assert.equal(told(), 0)
  clock.pass(1000)
  assert.equal(told(), 1)
})

test('what has its last chunk, or is silent, is not told any more', () => {
  const { clock, giving, give, told } = scene()
  give(odesa, 9)
  give(lviv, 199)
  assert.equal(giving.goingTo(blob)?.to[1]?.percent, 100)
  clock.pass(1000)
  assert.deepEqual(giving.goingTo(blob)?.to, [{ branch: 'Odesa', percent: 5 }])
  clock.pass(60_000)
  give(odesa, 9)
  clock.pass(119_000)
  assert.equal(giving.goingTo(blob)?.to.length, 1)
  const before = told()
  clock.pass(2000)
  assert.equal(giving.goingTo(blob), undefined)
  assert.equal(told(), before)
  clock.pass(1000)
  assert.equal(told(), before + 1, 'the cards hear that it is over')
  give(lviv, 0, 1)
  assert.equal(giving.goingTo(blob), undefined, 'one of a single chunk comes with its message')
})

test('of very many the oldest are forgotten', () => {
  const { giving } = scene()
  for (let n = 0; n < 1001; n++) {
    const each = idOf(String(n)) as BlobId
    if (lviv) giving.given(lviv, { blob: each, index: 0, count: 2 })
  }
  assert.equal(giving.goingTo(idOf('0') as BlobId), undefined)
  assert.equal(giving.goingTo(idOf('1') as BlobId)?.to.length, 1)
})
