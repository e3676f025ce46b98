/** The API of chats as the contract promises it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chatApi } from '../../src/chat/api.ts'
import { openApiDocument } from '../../src/web/openapi.ts'
import { companyOf } from './cast.ts'
import { siteOf } from './site.ts'

type Json = Record<string, never>

async function api(t: Parameters<typeof companyOf>[0]) {
  const company = await companyOf(t, 'Kyiv', 'Lviv')
  const [kyiv, lviv] = company.offices
  assert(kyiv && lviv)
  const [ada, eve] = [await kyiv.hire('Ada', 'Lovelace'), await kyiv.hire('Eve')]
  const bob = await lviv.hire('Bob')
  await company.settle()
  const site = siteOf(kyiv)
  const call = async (person: typeof ada, method: string, path: string, json?: unknown) => {
    const answer = await site.call(person, method, path, json)
    const text = await answer.text()
    return { status: answer.status, body: (text === '' ? {} : JSON.parse(text)) as Json }
  }
  return { company, kyiv, ada, eve, bob, call }
}

test('a direct chat is opened, written in and read', async (t) => {
  const { company, ada, call } = await api(t)
  const opened = await call(ada, 'POST', '/conversations', { kind: 'direct', with: 'bob@lviv' })
  assert.equal(opened.status, 201)
  const { id } = opened.body
  assert.equal(
    (await call(ada, 'POST', '/conversations', { kind: 'direct', with: 'bob' })).status,
    200,
  )
  const draft = { body: 'hi\r\nthere', clientId: 'n1' }
  const written = await call(ada, 'POST', `/conversations/${id}/messages`, draft)
  assert.equal(written.status, 201)
  const { sentAt, ...message } = written.body as Record<string, unknown>
  assert.equal(sentAt, new Date(company.now()).toISOString())
  assert.deepEqual(Object.keys(message).sort(), [
    ...['author', 'body', 'clientId', 'conversation', 'files', 'id', 'position', 'reactions'],
  ])
  assert.equal(message.body, 'hi\nthere')
  assert.deepEqual(message.author, {
    id: ada.id,
    login: 'ada',
    branch: 'Kyiv',
    name: 'Ada Lovelace',
  })
  const again = await call(ada, 'POST', `/conversations/${id}/messages`, draft)
  assert.equal(again.status, 200)
  assert.deepEqual(again.body, written.body)
  const other = { ...draft, body: 'other' }
  assert.equal((await call(ada, 'POST', `/conversations/${id}/messages`, other)).status, 409)
  const list = await call(ada, 'GET', '/conversations')
  assert.deepEqual(Object.keys(list.body).sort(), ['items', 'position'])
  const [item] = list.body.items as unknown as Record<string, unknown>[]
  assert.deepEqual(item?.lastMessage, written.body)
  assert.equal(item?.title, 'Bob')
  const way = await call(ada, 'GET', `/messages/${message.id}/delivery`)
  assert.deepEqual(
    (way.body.steps as unknown as Record<string, unknown>[]).map((step) => step.state),
    ['written', 'waiting'],
  )
})

test('pages lead back to the beginning, and forward from a message', async (t) => {
  const { ada, eve, call } = await api(t)
  const chat = await ada.adds(eve)
  const ids: string[] = []
  for (let n = 0; n < 7; n++) ids.push(await ada.posts(chat, String(n)))
  const bodies = (body: Json) => (body.items as unknown as { body: string }[]).map((m) => m.body)
  const newest = await call(eve, 'GET', `/conversations/${chat}/messages?limit=3`)
  assert.deepEqual(bodies(newest.body), ['4', '5', '6'])
  const before = await call(
    eve,
    'GET',
    `/conversations/${chat}/messages?limit=3&before=${newest.body.next}`,
  )
  assert.deepEqual(bodies(before.body), ['1', '2', '3'])
  const first = await call(
    eve,
    'GET',
    `/conversations/${chat}/messages?limit=3&before=${before.body.next}`,
  )
  assert.deepEqual(bodies(first.body), ['0'])
  assert.equal(first.body.next, undefined)
  const after = await call(eve, 'GET', `/conversations/${chat}/messages?after=${ids[4]}`)
  assert.deepEqual(bodies(after.body), ['5', '6'])
  const nonsense = await call(eve, 'GET', `/conversations/${chat}/messages?before=x`)
  assert.equal(nonsense.status, 422)
})

test('reading takes what is unread, typing and members answer 204', async (t) => {
  const { ada, eve, bob, call } = await api(t)
  const made = await call(ada, 'POST', '/conversations', {
    kind: 'group',
    title: 'G',
    members: ['eve'],
  })
  assert.equal(made.status, 201)
  const { id } = made.body
  const message = await ada.posts(id as never, 'hi')
  const unread = async () =>
    (await call(eve, 'GET', '/conversations')).body.items?.[0 as never]?.['unread' as never]
  assert.equal(await unread(), 1)
  assert.equal(
    (await call(eve, 'POST', `/conversations/${id}/read`, { upTo: message })).status,
    204,
  )
  assert.equal(await unread(), 0)
  assert.equal((await call(eve, 'POST', `/conversations/${id}/typing`)).status, 204)
  assert.equal((await call(eve, 'PUT', `/conversations/${id}/members/bob`)).status, 403)
  assert.equal((await call(ada, 'PUT', `/conversations/${id}/members/bob`)).status, 204)
  assert.equal((await call(eve, 'DELETE', `/conversations/${id}/members/me`)).status, 204)
  assert.equal((await call(ada, 'DELETE', `/conversations/${id}/members/bob`)).status, 204)
  assert.equal((await call(ada, 'PUT', `/conversations/${id}/members/nobody`)).status, 422)
  assert.equal((await call(eve, 'GET', `/conversations/${id}/messages`)).status, 404)
  assert.equal((await call(bob, 'GET', `/conversations/${id}/messages`)).status, 404)
  assert.equal((await call(ada, 'GET', `/conversations/${id}/messages`)).status, 200)
})

test('the operations make an OpenAPI document', () => {
  const document = openApiDocument({ version: '1', operations: chatApi })
  const paths = document.paths as Record<string, Record<string, unknown>>
  assert.deepEqual(Object.keys(paths['/conversations/{id}/messages'] ?? {}).sort(), ['get', 'post'])
})
