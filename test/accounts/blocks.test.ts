/** Who may close an account from where, row by row, and what each attack comes to. docs/decisions/039-leavers.md. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { disableUser, editUser, enableUser } from '../../src/accounts/actions.ts'
import { userBlock } from '../../src/accounts/blocks.ts'
import { roleGrant } from '../../src/accounts/events.ts'
import { receiptsOf } from '../../src/admin/receipts.ts'
import type { UserId } from '../../src/base/ids.ts'
import { DAY } from '../../src/base/units.ts'
import type { EventKind } from '../../src/eventlog/events.ts'
import { exchange, handClock, keysOf } from '../eventlog/fixture.ts'
import { type Office, office } from './office.ts'

type Test = Parameters<typeof office>[0]

/** North issues and has ada, its admin, and bob; south has olga, an organisation admin; east has eva. */
async function three(t: Test) {
  const all = [keysOf('North'), keysOf('South'), keysOf('East')] as const
  const [northKeys, southKeys, eastKeys] = all
  const time = handClock()
  const start = (keys: (typeof all)[number]) =>
    office(t, { keys, knows: all.filter((one) => one !== keys), issuer: northKeys, time })
  const [north, south, east] = [
    await start(northKeys),
    await start(southKeys),
    await start(eastKeys),
  ]
  const offices = [north, south, east]
  const meet = async (some: Office[] = offices) => {
    for (let round = 0; round < 3; round++) {
      for (const one of some) {
        for (const other of some) if (one !== other) await exchange(one.branch, other.branch)
      }
    }
    time.advance(100) // what waited is tried again
    for (const one of some) await one.store.writer.write(async () => {})
  }
  const ada = await north.people.found('ada', 'organisation-admin')
  const bob = await north.people.add(ada, { login: 'bob' })
  const founded = await south.people.found('olga', 'branch-admin')
  await south.people.found('sue', 'branch-admin')
  const eva = await east.people.found('eva', 'branch-admin')
  await meet()
  await editUser(north.deps, ada, { id: founded.id, changes: { role: 'organisation-admin' } })
  await meet()
  const olga = await south.people.get(founded.id)
  const isClosed = async (id: UserId, some = offices) =>
    Promise.all(some.map(async (one) => (await one.people.get(id)).disabled))
  return { north, south, east, offices, meet, ada, bob, olga, eva, isClosed, ...time }
}

async function forges<Body>(at: Office, kind: EventKind<Body>, body: Body): Promise<void> {
  const lawless = { ...kind, refusal: async () => undefined, apply: async () => {} }
  await at.store.writer.write((tx) => at.branch.log.append(tx, { kind: lawless, body, to: 'all' }))
}

async function waiting(at: Office): Promise<(string | null)[]> {
  const rows = at.store.read.selectFrom('event').where('state', '!=', 'applied').select('reason')
  return (await rows.execute()).map(({ reason }) => reason)
}

const ALL = [true, true, true]
const NONE = [false, false, false]

test('an organisation admin closes an account of another branch from a branch that issues nothing', async (t) => {
  const { south, meet, olga, bob, isClosed } = await three(t)
  await disableUser(south.deps, olga, bob.id)
  await meet()
  assert.deepEqual(await isClosed(bob.id), ALL)
  await enableUser(south.deps, olga, bob.id)
  await meet()
  assert.deepEqual(await isClosed(bob.id), NONE)
})

test('an organisation admin who is a guest does so where he signed in', async (t) => {
  const { east, meet, olga, bob, isClosed } = await three(t)
  await assert.rejects(disableUser(east.deps, olga, bob.id), { code: 'forbidden' }, 'no stay yet')
  assert.equal((await east.enter('olga')).answer.status, 303)
  await disableUser(east.deps, olga, bob.id)
  await meet()
  assert.deepEqual(await isClosed(bob.id), ALL)
})

test('a branch where no organisation admin is names one in vain', async (t) => {
  const { north, south, east, meet, ada, olga, bob, eva, isClosed } = await three(t)
  const block = { user: bob.id, generation: 0, blocked: true }
  await forges(east, userBlock, { ...block, by: ada.id })
  await forges(east, userBlock, { ...block, by: olga.id })
  await forges(east, userBlock, { ...block, by: eva.id })
  await forges(east, userBlock, { ...block, by: 'ab'.repeat(16) as UserId })
  await forges(east, userBlock, block)
  await meet()
  for (const at of [north, south]) {
    assert.deepEqual((await waiting(at)).sort(), [
      'waits-for-admin',
      'waits-for-admin',
      'waits-for-admin',
      'waits-for-admin',
      'waits-for-issuer',
    ])
  }
  assert.deepEqual(await isClosed(bob.id), NONE)
})

test('a stay that has ended gives no right, nor does the stay of somebody else', async (t) => {
  const { north, south, east, meet, bob, olga, isClosed, advance } = await three(t)
  await east.enter('olga')
  await east.enter('bob')
  await meet()
  const block = { user: bob.id, generation: 0, blocked: true }
  await forges(east, userBlock, { ...block, by: bob.id })
  advance(16 * DAY)
  await forges(east, userBlock, { ...block, by: olga.id })
  await meet()
  assert.deepEqual(await waiting(north), ['waits-for-admin', 'waits-for-admin'])
  assert.deepEqual(await isClosed(bob.id, [north, south]), [false, false])
})

test('what an admin did after the role was taken away counts nowhere, whichever news came first', async (t) => {
  const { north, south, east, meet, ada, olga, bob, isClosed, advance } = await three(t)
  // South is cut off. North takes the role away; a minute later olga, who knows nothing of it, closes an account.
  await editUser(north.deps, ada, { id: olga.id, changes: { role: 'employee' } })
  advance(60_000)
  await disableUser(south.deps, olga, bob.id)
  assert.deepEqual(await isClosed(bob.id, [south]), [true])
  // East hears of the block first, and believes it until it hears of the role.
  await meet([south, east])
  assert.deepEqual(await isClosed(bob.id, [east]), [true])
  await meet()
  assert.deepEqual(await isClosed(bob.id), NONE)
  assert.equal((await east.enter('bob')).answer.status, 303)
})

test('what an admin did before the role was taken away stays', async (t) => {
  const { north, south, meet, ada, olga, bob, isClosed, advance } = await three(t)
  await disableUser(south.deps, olga, bob.id)
  advance(60_000)
  await editUser(north.deps, ada, { id: olga.id, changes: { role: 'employee' } })
  await meet()
  assert.deepEqual(await isClosed(bob.id), ALL)
})

test('a former admin cannot open an account again, and others can close it after that', async (t) => {
  const { north, south, meet, ada, olga, bob, isClosed, advance } = await three(t)
  await disableUser(north.deps, ada, bob.id)
  await meet()
  await editUser(north.deps, ada, { id: olga.id, changes: { role: 'employee' } })
  advance(60_000)
  await enableUser(south.deps, olga, bob.id)
  await meet()
  assert.deepEqual(await isClosed(bob.id), ALL)
  await enableUser(north.deps, ada, bob.id)
  await meet()
  assert.deepEqual(await isClosed(bob.id), NONE)
  await disableUser(north.deps, ada, bob.id)
  await meet()
  assert.deepEqual(await isClosed(bob.id), ALL)
})

test('block wins over unblock when two admins act apart', async (t) => {
  const { north, south, meet, ada, olga, bob, isClosed } = await three(t)
  await disableUser(north.deps, ada, bob.id)
  await enableUser(north.deps, ada, bob.id)
  await meet()
  await disableUser(north.deps, ada, bob.id)
  await meet()
  // Both hold generation 1, closed. North opens (2), south, cut off, opens and closes again (2).
  await enableUser(north.deps, ada, bob.id)
  await enableUser(south.deps, olga, bob.id)
  await disableUser(south.deps, olga, bob.id)
  await meet()
  assert.deepEqual(await isClosed(bob.id), ALL)
})

test('a branch of an organisation admin gains no other right: roles still need an issuing branch', async (t) => {
  const { north, south, meet, olga, bob } = await three(t)
  await forges(south, roleGrant, { user: bob.id, role: 'organisation-admin', rev: 1, by: olga.id })
  await meet()
  assert.deepEqual(await waiting(north), ['waits-for-issuer'])
})

test('the page of the person tells at how many branches a block holds, and which are not reachable', async (t) => {
  const { north, south, east, meet, ada, bob, advance } = await three(t)
  const since = north.deps.clock.now()
  const lineTo = () => ({ up: false, since })
  const deps = { read: north.store.read, self: north.keys.id, lineTo }
  advance(60_000)
  await disableUser(north.deps, ada, bob.id)
  await meet([north, south])
  const [receipt] = await receiptsOf(deps, bob.id)
  assert.equal(receipt?.act, 'block')
  assert.equal(receipt?.by, 'ada Admin')
  assert.deepEqual(
    receipt?.places.map(({ branch, state }) => `${branch} ${state}`),
    ['North done', 'East waiting', 'South done'],
  )
  assert.deepEqual(receipt?.places.at(1), { branch: 'East', state: 'waiting', downSince: since })
  const { token } = await north.enter('ada')
  const page = await (await north.get(`/admin/users/${bob.id}`, token)).text()
  assert.match(page, /Disabled at 2 of 3 branches/)
  await meet()
  const after = await (await north.get(`/admin/users/${bob.id}`, token)).text()
  assert.match(after, /Disabled at 3 of 3 branches/)
  // Elsewhere the page says who knows.
  const there = await receiptsOf({ ...deps, read: south.store.read, self: south.keys.id }, bob.id)
  assert.deepEqual([there[0]?.isWhole, there[0]?.origin], [false, 'North'])
  assert.equal((await east.people.get(bob.id)).disabled, true)
})
