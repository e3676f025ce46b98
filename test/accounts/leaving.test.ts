/** Guests who leave: it is told at once, but not without end when somebody signs in and out in a loop. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLeaving, userLeft } from '../../src/accounts/leaving.ts'
import { HOUR, MINUTE, SECOND } from '../../src/base/units.ts'
import { exchange, handClock, keysOf } from '../eventlog/fixture.ts'
import { office } from './office.ts'

test('who signs in and out in a loop makes his branch write a few records, and leaves in the end', async (t) => {
  const [northKeys, southKeys] = [keysOf('North'), keysOf('South')]
  const time = handClock()
  const shared = { issuer: northKeys, time, more: [userLeft] }
  const north = await office(t, { keys: northKeys, knows: [southKeys], ...shared })
  const south = await office(t, { keys: southKeys, knows: [northKeys], ...shared })
  const eva = await north.people.add(undefined, { login: 'eva' })
  await exchange(north.branch, south.branch)
  const tellLeft = createLeaving(south.deps)
  const written = async (kind: number) => {
    const rows = south.store.read.selectFrom('event').where('kind', '=', kind).select('position')
    return (await rows.execute()).length
  }
  const isHere = async () => {
    const rows = south.store.read.selectFrom('location').where('userId', '=', eva.id)
    const stay = await rows.select('until').executeTakeFirstOrThrow()
    return stay.until > time.clock.now()
  }
  for (let n = 0; n < 30; n++) {
    const { token } = await south.enter('eva')
    await south.post('/sign-out', {}, token)
    await tellLeft()
    time.advance(12 * SECOND)
  }
  assert.equal(await written(userLeft.code), 3)
  assert.equal(
    await written(0x0304),
    4,
    'a stay for each departure that was told, and the one that goes on',
  )
  assert.equal(await isHere(), true)
  time.advance(10 * MINUTE)
  await tellLeft()
  time.advance(MINUTE)
  assert.equal(await written(userLeft.code), 4)
  assert.equal(await isHere(), false, 'nothing more is sent there')
  time.advance(HOUR)
  const { token } = await south.enter('eva')
  await south.post('/sign-out', {}, token)
  await tellLeft()
  assert.equal(await written(userLeft.code), 5, 'after a rest it is told at once')
})
