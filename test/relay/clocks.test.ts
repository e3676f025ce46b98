/** Branches whose clocks are wrong: they start and serve, say what is wrong, and link when the clock is mended. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DAY, HOUR, MINUTE } from '../../src/base/units.ts'
import { temporaryFolder } from '../db/store.ts'
import {
  isLinked,
  memoryKeys,
  type Office,
  openOffice,
  organisation,
  twoOffices,
} from './company.ts'

const troubleWith = (at: Office, other: Office) =>
  at.relay.links().find(({ branch }) => branch === other.keys.branch)
const count = (at: Office, name: string) => at.lines.filter((line) => line.name === name).length

test('a branch whose clock is before its own certificate starts, says so, and links once it is set', async (t) => {
  const org = organisation()
  const folder = temporaryFolder(t)
  const { kyivOptions, lvivOptions } = await twoOffices(org, folder)
  const kyiv = await openOffice(kyivOptions)
  t.after(() => kyiv.stop())
  const files = memoryKeys()
  const early = await openOffice({ ...lvivOptions, files, behind: 30 * DAY })
  await kyiv.relay.start()
  await early.relay.start()
  await early.publish('the office goes on working')
  await org.until(() => troubleWith(early, kyiv)?.lastError !== undefined, 'a call failed')
  const trouble = troubleWith(early, kyiv)
  assert.equal(trouble?.lastError, 'issuer-not-yet-valid')
  assert.equal(trouble?.clockProblem?.clock, 'here')
  assert.ok(Math.abs((trouble?.clockProblem?.by ?? 0) - (30 * DAY - HOUR)) < HOUR)
  const own = early.relay.clockProblem()
  assert.deepEqual([own?.of, own?.when, own?.clock], ['issuer', 'not-yet', 'here'])
  assert.equal(kyiv.relay.clockProblem(), undefined)
  org.advance(10 * MINUTE)
  await org.until(() => !isLinked(early, kyiv), 'calls go on')
  assert.equal(count(early, 'relay.dates.own'), 1)
  assert.equal(count(early, 'relay.dates.refused'), 1, 'not once a call')
  await early.stop()
  const set = await openOffice({ ...lvivOptions, files })
  t.after(() => set.stop())
  await set.relay.start()
  await org.until(() => isLinked(set, kyiv) && isLinked(kyiv, set), 'linked')
  assert.equal(troubleWith(kyiv, set)?.clockProblem, undefined)
  assert.equal(set.relay.clockProblem(), undefined)
})

test('a caller whose clock is slow is known to the branch it called, which says whose clock it is', async (t) => {
  const org = organisation()
  const { kyivOptions, lvivOptions } = await twoOffices(org, temporaryFolder(t))
  const kyiv = await openOffice(kyivOptions)
  t.after(() => kyiv.stop())
  org.advance(6 * DAY)
  await kyiv.relay.start() // renews: a certificate from the sixth day on
  org.advance(4.5 * DAY)
  await kyiv.publish('on the eleventh day')
  // On the ninth day of its own it sees nothing wrong: neither with Kyiv's certificate nor with its own of ten days.
  const slow = await openOffice({ ...lvivOptions, behind: 2 * DAY })
  t.after(() => slow.stop())
  await slow.relay.start()
  await org.until(() => troubleWith(kyiv, slow)?.clockProblem !== undefined, 'it was turned away')
  const trouble = troubleWith(kyiv, slow)
  assert.equal(trouble?.lastError, 'link-expired')
  assert.equal(trouble?.clockProblem?.clock, 'there')
  assert.ok((trouble?.clockProblem?.by ?? 0) > 11 * HOUR)
  await org.until(() => troubleWith(slow, kyiv)?.lastError === 'not-let-in', 'it hears nothing')
  assert.equal(count(kyiv, 'relay.dates.refused'), 1)
})

test('a certificate made while the clock was ahead is replaced as soon as the clock is right', async (t) => {
  const org = organisation()
  const { kyivOptions, lvivOptions } = await twoOffices(org, temporaryFolder(t))
  const files = memoryKeys()
  files.saveRootKey(org.founding.root)
  const ahead = await openOffice({ ...kyivOptions, files, behind: -400 * DAY })
  await ahead.relay.start()
  assert.equal(count(ahead, 'relay.renewal.done'), 1)
  assert.equal(count(ahead, 'relay.issuer.renewed'), 1)
  await ahead.stop()
  const kyiv = await openOffice({ ...kyivOptions, files })
  const lviv = await openOffice(lvivOptions)
  t.after(() => kyiv.stop())
  t.after(() => lviv.stop())
  await kyiv.relay.start()
  await lviv.relay.start()
  await org.until(() => isLinked(lviv, kyiv) && isLinked(kyiv, lviv), 'linked')
  const until = troubleWith(lviv, kyiv)?.certificateNotAfter ?? 0
  assert.ok(until < org.clock.now() + 11 * DAY, 'by a certificate of today')
})

test('a clock that falls back while linked asks once an hour, not every minute', async (t) => {
  const org = organisation()
  const { kyivOptions, lvivOptions } = await twoOffices(org, temporaryFolder(t))
  const kyiv = await openOffice(kyivOptions)
  t.after(() => kyiv.stop())
  const { now } = org.clock
  let behind = 0
  const clock = { ...org.clock, now: () => now() - behind }
  const lviv = await openOffice({ ...lvivOptions, org: { ...org, clock } })
  t.after(() => lviv.stop())
  await kyiv.relay.start()
  await lviv.relay.start()
  await org.until(() => isLinked(lviv, kyiv) && isLinked(kyiv, lviv), 'linked')
  behind = 3 * DAY
  const until = now() + 20 * MINUTE
  await org.until(() => now() > until, 'twenty minutes', 5000)
  assert.equal(count(kyiv, 'relay.renewal.granted'), 1)
})
