/** Two passwords set at two branches that were cut off from each other: one holds, and who set the other is told. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTemporaryPassword } from '../../src/accounts/actions.ts'
import { HOUR, MINUTE } from '../../src/base/units.ts'
import { type Office, PASSWORD, twoOffices } from './office.ts'

const [AT_HOME, AWAY] = ['copper violin 9', 'silver trumpet 8']

async function cast(t: TestContext) {
  const two = await twoOffices(t)
  const { north, south, meet, advance } = two
  await north.people.found('ada', 'organisation-admin')
  const eva = await north.people.add(undefined, { login: 'eva' })
  await meet()
  const change = async (at: Office, password: string, current = PASSWORD) => {
    const { token } = await at.enter('eva', current)
    const fields = { current, password, repeat: password }
    const answer = await at.post('/profile/password', fields, token)
    assert.equal(answer.headers.get('location'), '/profile?saved=password')
  }
  const entries = async (at: Office) => {
    const rows = at.store.read.selectFrom('audit').where('action', '=', 'own.password-lost')
    return await rows.select(['before', 'after']).execute()
  }
  return { north, south, meet, advance, eva, change, entries }
}

test('who types the password that lost is told which one holds, at either branch', async (t) => {
  const { north, south, meet, advance, change, entries } = await cast(t)
  await change(south, AWAY)
  advance(HOUR)
  await change(north, AT_HOME)
  await meet()
  for (const office of [north, south]) {
    const { answer } = await office.enter('eva', AWAY)
    assert.equal(answer.status, 422)
    assert.match(await answer.text(), /lost to another one: North set that at \d{4}-/)
    const wrong = await office.enter('eva', 'simply a wrong one')
    assert.doesNotMatch(await wrong.answer.text(), /lost to another/)
    const [entry] = await entries(office)
    assert.match(entry?.before ?? '', /South/)
    assert.match(entry?.after ?? '', /North/)
  }
})

test('after signing in by the one that holds, the pages say so for a while', async (t) => {
  const { north, south, meet, advance, change } = await cast(t)
  await change(south, AWAY)
  await change(north, AT_HOME)
  await meet()
  const { token } = await south.enter('eva', AT_HOME)
  const page = async () => (await south.get('/profile', token)).text()
  assert.match(await page(), /the one set at North, [^<]*, holds/)
  advance(11 * MINUTE)
  assert.doesNotMatch(await page(), /the one set at North/)
})

test('whichever came first: a change made without knowing of the other is lost, one that knew is none', async (t) => {
  const { north, south, meet, change, entries } = await cast(t)
  await change(south, AWAY)
  await meet()
  await change(north, AT_HOME, AWAY)
  await meet()
  for (const office of [north, south]) assert.deepEqual(await entries(office), [])
  const { answer } = await south.enter('eva', AWAY)
  assert.doesNotMatch(await answer.text(), /lost to another/)
})

test('a reset by an administrator who knew of it is no loss, and a later own change ends the telling', async (t) => {
  const { north, south, meet, change, entries, eva } = await cast(t)
  await change(south, AWAY)
  await meet()
  const reset = { id: eva.id, password: AT_HOME, temporary: false }
  await setTemporaryPassword(north.deps, undefined, reset)
  await meet()
  assert.deepEqual(await entries(south), [])
  await change(south, AWAY, AT_HOME)
  await setTemporaryPassword(north.deps, undefined, { ...reset, password: 'one more lantern' })
  await meet()
  assert.equal((await entries(north)).length, 1)
  await change(north, 'and the last of all', 'one more lantern')
  await meet()
  const rows = north.store.read.selectFrom('password_lost').selectAll()
  assert.deepEqual(await rows.execute(), [])
})
