/** Own sign-ins: what the list says, ending one, all others, all everywhere, and those at one other branch. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { userOut } from '../../src/accounts/factor-events.ts'
import { signedInElsewhere } from '../../src/accounts/own-sign-ins.ts'
import { MINUTE } from '../../src/base/units.ts'
import { type Office, PASSWORD, twoOffices } from './office.ts'

async function cast(t: Parameters<typeof twoOffices>[0]) {
  const two = await twoOffices(t)
  const ada = await two.north.people.found('ada', 'organisation-admin')
  const bob = await two.north.people.add(ada, { login: 'bob' })
  await two.meet()
  return { ...two, ada, bob }
}

const isIn = async (office: Office, token: string) =>
  (await office.get('/chats', token)).status === 200

async function script(office: Office, login: string) {
  const body = { login, password: PASSWORD, device: 'report.sh' }
  const answer = await office.api('POST', '/sign-in', { body })
  return ((await answer.json()) as { token: string }).token
}

test('the list says device, this one, scripts apart, and at which other branches one is', async (t) => {
  const { north, south, meet } = await cast(t)
  const { token } = await north.enter('bob')
  await script(north, 'bob')
  await south.enter('bob')
  await meet()
  const page = await (await north.get('/profile', token)).text()
  assert.match(page, /this browser/)
  assert.match(page, /Scripts and other programs[\s\S]*report\.sh/)
  assert.match(page, /At other branches[\s\S]*South[\s\S]*End it there/)
  const list = (await (
    await north.api('GET', '/me/sign-ins', { token: await script(north, 'bob') })
  ).json()) as {
    items: { kind: string; isThis: boolean; device: string }[]
    elsewhere: { branch: string }[]
  }
  assert.deepEqual(list.items.map(({ kind }) => kind).toSorted(), ['api', 'api', 'browser'])
  assert.equal(list.items.filter(({ isThis }) => isThis).length, 1)
  assert.deepEqual(
    list.elsewhere.map(({ branch }) => branch),
    ['South'],
  )
})

test('all others at this branch end, this one and those of somebody else stay', async (t) => {
  const { north } = await cast(t)
  const mine = (await north.enter('bob')).token
  const others = [(await north.enter('bob')).token, (await north.enter('bob')).token]
  const adas = (await north.enter('ada')).token
  const token = await script(north, 'bob')
  assert.equal((await north.post('/profile/sign-ins/end-others', {}, mine)).status, 303)
  for (const other of others) assert.equal(await isIn(north, other), false)
  assert.equal((await north.api('GET', '/me', { token })).status, 401)
  assert.deepEqual([await isIn(north, mine), await isIn(north, adas)], [true, true])
})

test('all everywhere: here at once, elsewhere as the event arrives, and nobody else’s', async (t) => {
  const { north, south, meet } = await cast(t)
  const here = (await north.enter('bob')).token
  const there = (await south.enter('bob')).token
  const adas = (await south.enter('ada')).token
  await meet()
  const answer = await north.post('/profile/sign-ins/end-all', {}, here)
  assert.equal(answer.headers.get('location'), '/sign-in')
  assert.equal(await isIn(north, here), false)
  assert.equal(await isIn(south, there), true, 'the line has brought nothing yet')
  await meet()
  assert.deepEqual([await isIn(south, there), await isIn(south, adas)], [false, true])
})

test('an end that a cut line brings late ends nothing that began after it', async (t) => {
  const { north, south, meet, advance } = await cast(t)
  const before = (await south.enter('bob')).token
  const here = (await north.enter('bob')).token
  await north.post('/profile/sign-ins/end-all', {}, here)
  advance(MINUTE)
  const after = (await south.enter('bob')).token
  await meet()
  assert.deepEqual([await isIn(south, before), await isIn(south, after)], [false, true])
})

test('"end it there" ends those at that branch, and the list forgets it until one comes back', async (t) => {
  const { north, south, meet, bob, advance } = await cast(t)
  const there = (await south.enter('bob')).token
  const here = (await north.enter('bob')).token
  await meet()
  const listed = async () => {
    const of = { self: north.keys.id, user: bob, now: north.deps.clock.now() }
    return (await signedInElsewhere(north.store.read, of)).map(({ branch }) => branch.name)
  }
  assert.deepEqual(await listed(), ['South'])
  await north.post(`/profile/sign-ins/at/${south.keys.id}/end`, {}, here)
  assert.deepEqual(await listed(), [])
  await meet()
  assert.deepEqual([await isIn(south, there), await isIn(north, here)], [false, true])
  advance(MINUTE)
  await south.enter('bob')
  await meet()
  assert.deepEqual(await listed(), ['South'])
})

test('a guest ends what is at home, from where he is', async (t) => {
  const { north, south, meet } = await cast(t)
  const home = (await north.enter('bob')).token
  const guest = (await south.enter('bob')).token
  await meet()
  assert.match(await (await south.get('/profile', guest)).text(), /North[\s\S]*End it there/)
  await south.post(`/profile/sign-ins/at/${north.keys.id}/end`, {}, guest)
  await meet()
  assert.deepEqual([await isIn(north, home), await isIn(south, guest)], [false, true])
})

test('a branch at which a person is not cannot end the sign-ins of that person', async (t) => {
  const { north, south, meet, ada } = await cast(t)
  const token = (await north.enter('ada')).token
  const lawless = { ...userOut, refusal: async () => undefined, apply: async () => {} }
  await south.store.writer.write((tx) =>
    south.branch.log.append(tx, { kind: lawless, to: 'all', body: { user: ada.id } }),
  )
  await meet()
  assert.equal(await isIn(north, token), true)
  const rows = await north.store.read
    .selectFrom('event')
    .where('state', '=', 'parked')
    .select('reason')
    .execute()
  assert.deepEqual(rows, [{ reason: 'waits-for-person' }])
})

test('the API ends one, all others, and all everywhere', async (t) => {
  const { north, south, meet } = await cast(t)
  const [token, second, third] = [
    await script(north, 'bob'),
    await script(north, 'bob'),
    await script(north, 'bob'),
  ]
  const there = (await south.enter('bob')).token
  await meet()
  const list = (await (await north.api('GET', '/me/sign-ins', { token: second })).json()) as {
    items: { id: string; isThis: boolean }[]
  }
  const id = list.items.find(({ isThis }) => isThis)?.id
  assert.equal((await north.api('DELETE', `/me/sign-ins/${id}`, { token })).status, 204)
  const status = async (of: string) => (await north.api('GET', '/me', { token: of })).status
  assert.deepEqual([await status(second), await status(third)], [401, 200])
  assert.equal((await north.api('DELETE', '/me/sign-ins', { token })).status, 204)
  assert.deepEqual([await status(third), await status(token)], [401, 200])
  const all = await north.api('DELETE', '/me/sign-ins?which=everywhere', { token })
  assert.equal(all.status, 204)
  await meet()
  assert.deepEqual([await status(token), await isIn(south, there)], [401, false])
})
