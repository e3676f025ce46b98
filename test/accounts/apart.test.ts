/** Accounts made while branches cannot hear each other, and by clocks that differ: each outcome as stated. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { editUser } from '../../src/accounts/actions.ts'
import { HOUR } from '../../src/base/units.ts'
import { exchange, handClock, keysOf } from '../eventlog/fixture.ts'
import { office, twoOffices } from './office.ts'

test('the same login made apart is two people; at each branch the short form is the own one', async (t) => {
  const { north, south, meet } = await twoOffices(t)
  const ada = await north.people.found('ada', 'organisation-admin')
  const sam = await south.people.found('sam', 'branch-admin')
  await north.people.add(ada, { login: 'ivan', firstName: 'North' })
  await south.people.add(sam, { login: 'ivan', firstName: 'South' })
  await meet()
  for (const [at, login] of [
    [north, 'ivan'],
    [north, 'ivan@south'],
    [south, 'ivan'],
    [south, 'ivan@north'],
  ] as const) {
    assert.equal((await at.enter(login)).answer.status, 303, login)
  }
})

test('look-alike logins made apart both stay, and the administrator is told', async (t) => {
  const { north, south, meet } = await twoOffices(t)
  const ada = await north.people.found('ada', 'organisation-admin')
  const sam = await south.people.found('sam', 'branch-admin')
  const bernie = await north.people.add(ada, { login: 'bernie' })
  await south.people.add(sam, { login: 'bemie' })
  await meet()
  const { token } = await north.enter('ada')
  const page = await (await north.get(`/admin/users/${bernie.id}`, token)).text()
  assert.match(page, /easily mistaken for bemie@South/)
  await assert.rejects(north.people.add(ada, { login: 'b.ernle' }), { detail: 'login-lookalike' })
})

test('a branch whose clock is an hour off: people sign in, stays hold, records keep their order', async (t) => {
  const [northKeys, southKeys] = [keysOf('North'), keysOf('South')]
  const [right, late] = [handClock(), handClock(1_800_000_000_000 - HOUR)]
  const facts = { issuer: northKeys }
  const north = await office(t, { ...facts, keys: northKeys, knows: [southKeys], time: right })
  const south = await office(t, { ...facts, keys: southKeys, knows: [northKeys], time: late })
  const meet = async () => {
    await exchange(north.branch, south.branch)
    await exchange(south.branch, north.branch)
  }
  const ada = await north.people.found('ada', 'organisation-admin')
  const bob = await north.people.add(ada, { login: 'bob', room: 'old' })
  await meet()
  assert.equal((await south.enter('bob')).answer.status, 303)
  await meet()
  const stays = await north.store.read.selectFrom('location').select('branchId').execute()
  assert.deepEqual(stays, [{ branchId: southKeys.id }])
  // The number of a record decides, not its time: two changes of one moment stay in order at both.
  await editUser(north.deps, ada, { id: bob.id, changes: { room: 'first' } })
  await editUser(north.deps, ada, { id: bob.id, changes: { room: 'second' } })
  await meet()
  assert.deepEqual(
    [(await north.people.get(bob.id)).room, (await south.people.get(bob.id)).room],
    ['second', 'second'],
  )
})
