/** Two tabs, two admins, two moments: whatever comes together has one outcome. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { castle } from './castle.ts'

test('one clientId is one message, however many tabs send it at once', async (t) => {
  const at = await castle(t)
  await at.add('emil')
  const ada = await at.script('ada')
  const page = await at.browser('ada')
  const wish = { kind: 'direct', with: 'emil' }
  const { id: chat } = await ada.json<{ id: string }>('POST', '/conversations', wish)
  const path = `/conversations/${chat}/messages`
  const same = await Promise.all(
    Array.from({ length: 20 }, () => ada.call('POST', path, { body: 'Once', clientId: 'a' })),
  )
  assert.deepEqual(same.map((answer) => answer.status).sort(), [...Array(19).fill(200), 201])
  const ids = await Promise.all(same.map(async (answer) => ((await answer.json()) as Id).id))
  assert.equal(new Set(ids).size, 1)

  const other = await Promise.all(
    Array.from({ length: 10 }, (_, i) => ada.call('POST', path, { body: `${i}`, clientId: 'b' })),
  )
  assert.deepEqual(other.map((answer) => answer.status).sort(), [201, ...Array(9).fill(409)])
  const form = await page.post(`/chats/${chat}/messages`, { body: 'Another', clientId: 'b' })
  assert.equal(form.status, 409)
  const { items } = await ada.json<{ items: unknown[] }>('GET', path)
  assert.equal(items.length, 2)
})

type Id = { id: string }

test('who is taken out while writing has written before or not at all', async (t) => {
  const at = await castle(t)
  for (const login of ['emil', 'vic']) await at.add(login)
  const [emil, vic] = [await at.script('emil'), await at.script('vic')]
  const wish = { kind: 'group', title: 'Race', members: ['vic'] }
  const { id: chat } = await emil.json<Id>('POST', '/conversations', wish)
  const path = `/conversations/${chat}/messages`
  const post = (i: number) => vic.call('POST', path, { body: `${i}` })
  const first = Array.from({ length: 20 }, (_, i) => post(i))
  const out = emil.call('DELETE', `/conversations/${chat}/members/vic`)
  const later = Array.from({ length: 20 }, (_, i) => post(100 + i))
  const statuses = (await Promise.all([...first, ...later])).map((answer) => answer.status)
  assert.equal((await out).status, 204)
  assert.deepEqual(
    [...new Set(statuses)].filter((status) => status !== 201 && status !== 404),
    [],
  )
  assert.equal((await post(999)).status, 404)
  const rows = await at.core.store.read
    .selectFrom('event')
    .where('conversationId', '=', chat as never)
    .orderBy('position')
    .select('kind')
    .execute()
  const kinds = rows.map((row) => row.kind)
  assert.equal(kinds.lastIndexOf(0x0401), kinds.length - 1, 'nothing was written after it')
})

test('two admins who do the same at once, or the opposite, leave one truth', async (t) => {
  const at = await castle(t)
  const emil = await at.add('emil')
  await at.add('bea', 'branch-admin')
  const [ada, bea] = [await at.script('ada'), await at.script('bea')]
  const path = `/admin/users/${emil.id}`
  for (let i = 0; i < 5; i++) {
    const answers = await Promise.all([
      ada.call('POST', `${path}/disable`),
      bea.call('POST', `${path}/enable`),
      ada.call('PATCH', path, { room: `a${i}` }),
      bea.call('PATCH', path, { phone: `b${i}` }),
    ])
    for (const answer of answers) assert.equal(answer.status, 200)
  }
  const row = await at.core.store.read
    .selectFrom('user')
    .where('id', '=', emil.id)
    .select(['room', 'phone'])
    .executeTakeFirstOrThrow()
  assert.deepEqual(row, { room: 'a4', phone: 'b4' }, 'neither change took the other back')
  const created = await Promise.all(
    [ada, bea, ada, bea].map((admin) =>
      admin.call('POST', '/admin/users', { login: 'twin', name: 'Twin' }),
    ),
  )
  assert.deepEqual(created.map((answer) => answer.status).sort(), [201, 422, 422, 422])
})

test('two admins who remove each other: one of them is left', async (t) => {
  const at = await castle(t)
  const eva = await at.add('eva', 'organisation-admin')
  const [ada, evaApi] = [await at.script('ada'), await at.script('eva')]
  const { id } = await ada.json<Id>('GET', '/me')
  const answers = await Promise.all([
    ada.call('PATCH', `/admin/users/${eva.id}`, { role: 'employee' }),
    evaApi.call('PATCH', `/admin/users/${id}`, { role: 'employee' }),
  ])
  const left = await at.core.store.read
    .selectFrom('user')
    .where('role', '=', 'organisation-admin')
    .where('disabled', '=', 0)
    .select('login')
    .execute()
  assert.equal(left.length, 1, JSON.stringify(answers.map((answer) => answer.status)))
})
