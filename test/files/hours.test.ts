/** Hours of the settings: how they are written, and when they hold. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HOUR, MINUTE } from '../../src/base/units.ts'
import { type Config, configOf, UsageError } from '../../src/config.ts'
import { fileRateBy, isWithin } from '../../src/files/hours.ts'

const settings = (flags: Record<string, string>): Config['files'] =>
  configOf({ flags, environment: {}, readFile: () => '' }).files

test('a ceiling and its hours are read, and what is none is refused with an example', () => {
  assert.deepEqual(settings({}), { rate: 0, hours: undefined, ahead: undefined })
  const flags = { 'file-rate': '512', 'file-hours': '08:00-18:30=64', 'files-ahead': '19:00-07:00' }
  assert.deepEqual(settings(flags), {
    rate: 512,
    hours: { from: 480, to: 1110, rate: 64 },
    ahead: { from: 1140, to: 420 },
  })
  for (const wrong of [
    ...[{ 'file-rate': '15' }, { 'file-rate': 'fast' }, { 'file-hours': '08:00-18:00' }],
    ...[{ 'file-hours': '8-18=64' }, { 'file-hours': '08:00-25:00=64' }],
    ...[{ 'files-ahead': '19:00-19:00' }, { 'files-ahead': '19:60-07:00' }],
  ]) {
    assert.throws(() => settings(wrong as Record<string, string>), UsageError, String(wrong))
  }
})

test('hours may go over midnight; their end is no part of them', () => {
  const day = { from: 480, to: 1080 }
  const night = { from: 1140, to: 420 }
  assert.deepEqual(
    [479, 480, 1079, 1080].map((minute) => isWithin(day, minute)),
    [false, true, true, false],
  )
  assert.deepEqual(
    [1139, 1140, 0, 419, 420].map((minute) => isWithin(night, minute)),
    [false, true, true, true, false],
  )
})

test('the ceiling changes within a minute of its hour', () => {
  const minuteOf = (now: number) => Math.floor(now / MINUTE) % 1440
  const rateAt = fileRateBy({ rate: 0, hours: { from: 480, to: 1080, rate: 256 } }, minuteOf)
  assert.equal(rateAt(8 * HOUR - 1), undefined)
  assert.equal(rateAt(8 * HOUR), 32)
  assert.equal(rateAt(18 * HOUR - 1), 32)
  assert.equal(rateAt(18 * HOUR), undefined)
  assert.equal(rateAt(9 * HOUR), 32, 'also when a clock was put back')
})
