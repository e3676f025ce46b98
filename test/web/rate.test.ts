import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppError } from '../../src/base/errors.ts'
import { createLimiter, LOGIN_RATE, refuseTooMany } from '../../src/web/rate.ts'
import { handClock } from './support.ts'

const RATE = { burst: 3, refillMs: 10_000 }

test('after the burst each try costs its time, and the answer says how long', () => {
  const clock = handClock()
  const limiter = createLimiter({ clock }, RATE)
  assert.deepEqual(
    [1, 2, 3].map(() => limiter.take('ada')),
    [0, 0, 0],
  )
  assert.equal(limiter.take('ada'), 10)
  clock.pass(4000)
  assert.equal(limiter.take('ada'), 6)
  clock.pass(6000)
  assert.equal(limiter.take('ada'), 0)
  assert.equal(limiter.take('ada'), 10)
})

test('tries that were refused do not lengthen the wait: nobody is locked out by somebody else for long', () => {
  const clock = handClock()
  const limiter = createLimiter({ clock }, LOGIN_RATE)
  for (let i = 0; i < 10_000; i++) limiter.take('ada')
  clock.pass(LOGIN_RATE.refillMs)
  assert.equal(limiter.take('ada'), 0)
})

test('several keys are taken together or not at all', () => {
  const limiter = createLimiter({ clock: handClock() }, RATE)
  for (let i = 0; i < 3; i++) limiter.take('address')
  assert.equal(limiter.take('ada', 'address'), 10)
  assert.deepEqual(
    [1, 2, 3].map(() => limiter.take('ada')),
    [0, 0, 0],
    'ada was not charged',
  )
})

test('a success forgets the slips before it', () => {
  const limiter = createLimiter({ clock: handClock() }, RATE)
  for (let i = 0; i < 3; i++) limiter.take('ada')
  limiter.forget('ada')
  assert.equal(limiter.take('ada'), 0)
})

test('memory is bounded, and rested keys leave first', () => {
  const clock = handClock()
  const limiter = createLimiter({ clock }, RATE, 100)
  for (let i = 0; i < 1000; i++) limiter.take(`key ${i}`)
  assert.ok(limiter.size <= 100)
  clock.pass(RATE.refillMs)
  limiter.take('one more')
  assert.equal(limiter.size, 1)
})

test('a clock that goes back gives no tries away', () => {
  let now = 100_000
  const limiter = createLimiter({ clock: { now: () => now } }, RATE)
  for (let i = 0; i < 3; i++) limiter.take('ada')
  now = 0
  assert.ok(limiter.take('ada') > 0)
})

test('a refusal carries the seconds', () => {
  refuseTooMany(0)
  assert.throws(
    () => refuseTooMany(7),
    (e) => e instanceof AppError && e.retryAfter === 7 && e.status === 429,
  )
})
