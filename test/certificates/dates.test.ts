/** Dates that do not fit a clock: what is wrong, by how much, and whose clock it probably is. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DAY, HOUR, MINUTE, type Millis } from '../../src/base/units.ts'
import {
  BACKDATE_MS,
  ISSUER_LIFE_MS,
  issueLinkCertificate,
  LINK_LIFE_MS,
} from '../../src/certificates/certificate.ts'
import {
  clockProblemOf,
  dateProblemOf,
  ownClockProblem,
  type TimeKnown,
} from '../../src/certificates/dates.ts'
import { company, NOW } from './cast.ts'

const { founding, north, south, random } = company()

/** The chain of south with a link certificate that was signed at another time. */
const southSignedAt = (now: Millis) => {
  const { branch, noise } = south.keys
  const subject = { branch, noisePublicKey: noise.publicKey, serial: random(16), now }
  return { ...south.chain, link: issueLinkCertificate(founding.issuer, subject) }
}

/** What north knows: nothing but its own chain, unless said otherwise. */
const known = (now: Millis, more: Partial<TimeKnown> = {}): TimeKnown => ({
  ...{ now, own: north.chain, latest: NOW, offsets: [] },
  ...more,
})
const calling = { isCaller: true }
const called = { isCaller: false }

test('within its dates a chain has no problem, and outside it is said by how much', () => {
  assert.equal(dateProblemOf(south.chain, NOW), undefined)
  const begun = NOW - BACKDATE_MS
  assert.equal(dateProblemOf(south.chain, begun), undefined)
  const early = { of: 'issuer', when: 'not-yet', by: 3 * HOUR }
  assert.deepEqual(dateProblemOf(south.chain, begun - 3 * HOUR), early)
  const late = { of: 'link', when: 'expired', by: 1 }
  assert.deepEqual(dateProblemOf(south.chain, NOW + LINK_LIFE_MS + 1), late)
  const years = { of: 'issuer', when: 'expired', by: DAY }
  assert.deepEqual(dateProblemOf(south.chain, NOW + ISSUER_LIFE_MS + DAY), years)
})

test('a certificate of later is our clock, where our own records are of later too', () => {
  const theirs = southSignedAt(NOW + 5 * DAY)
  const at = NOW + DAY
  const back = known(at, { latest: at + 4 * DAY })
  assert.equal(clockProblemOf(theirs, back, calling)?.clock, 'here')
  assert.equal(clockProblemOf(theirs, known(at), calling)?.clock, 'unknown')
})

test('what other branches say of the time decides', () => {
  const theirs = southSignedAt(NOW + 5 * DAY)
  const at = (offset: Millis) => known(NOW + DAY, { offsets: [offset, offset, 3 * DAY] })
  assert.equal(clockProblemOf(theirs, at(4 * DAY), calling)?.clock, 'here')
  assert.equal(clockProblemOf(theirs, at(20), calling)?.clock, 'there')
  const ahead = known(NOW + 20 * DAY, { offsets: [-19 * DAY] })
  assert.equal(clockProblemOf(south.chain, ahead, called)?.clock, 'here')
})

test('an old certificate: who calls with it has a slow clock, who is called with it was not renewed', () => {
  const own = { ...north.chain, link: southSignedAt(NOW + 12 * DAY).link }
  const now = NOW + 13 * DAY
  assert.equal(clockProblemOf(south.chain, known(now, { own }), calling)?.clock, 'there')
  assert.equal(clockProblemOf(south.chain, known(now, { own }), called)?.clock, 'none')
  const alone = known(now)
  assert.equal(clockProblemOf(south.chain, alone, calling)?.clock, 'unknown')
})

test('our own clock is wrong before our certificate or our newest record, unless the others agree with it', () => {
  assert.equal(ownClockProblem(known(NOW)), undefined)
  const before = ownClockProblem(known(NOW - 2 * DAY))
  assert.deepEqual(before, {
    ...{ of: 'issuer', when: 'not-yet' },
    ...{ by: 2 * DAY - BACKDATE_MS, clock: 'here' },
  })
  const back = known(NOW, { latest: NOW + HOUR })
  assert.deepEqual(ownClockProblem(back), {
    ...{ of: 'records', when: 'not-yet', by: HOUR, clock: 'here' },
  })
  assert.equal(ownClockProblem({ ...back, offsets: [15] }), undefined)
  assert.equal(
    ownClockProblem(known(NOW, { latest: NOW + MINUTE })),
    undefined,
    'as others pull it',
  )
})
