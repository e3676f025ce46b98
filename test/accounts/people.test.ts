/** The own profile, photos, finding people, and the API's document. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import sharp from 'sharp'
import { accountApi } from '../../src/accounts/api.ts'
import { directoryPage } from '../../src/accounts/directory.ts'
import { userAdminApi } from '../../src/admin/api.ts'
import type { PhotoHash } from '../../src/base/ids.ts'
import { cookieName } from '../../src/web/cookies.ts'
import { openApiDocument } from '../../src/web/openapi.ts'
import { type Office, PASSWORD, twoOffices } from './office.ts'

async function cast(t: Parameters<typeof twoOffices>[0]) {
  const two = await twoOffices(t)
  const { north, south, meet } = two
  const ada = await north.people.found('ada', 'organisation-admin')
  const olena = await south.people.add(undefined, {
    login: 'olena',
    firstName: 'Олена',
    lastName: 'Коваленко',
  })
  const oleh = await south.people.add(undefined, {
    login: 'oleh_k',
    firstName: 'Олег',
    lastName: 'Коваль',
  })
  await meet()
  return { ...two, ada, olena, oleh }
}

/** The profile form with a file, as a browser sends it. */
async function sendsProfile(
  office: Office,
  token: string,
  file: Uint8Array | undefined,
  more = {},
) {
  const form = new FormData()
  const fields = { firstName: 'Ada', lastName: 'King', language: 'uk', theme: 'dark', ...more }
  for (const [name, value] of Object.entries(fields)) form.set(name, value)
  form.set(
    'photo',
    new Blob([new Uint8Array(file ?? [])], { type: 'image/png' }),
    file ? 'me.png' : '',
  )
  return office.app.request('/profile', {
    method: 'POST',
    body: form,
    headers: { 'sec-fetch-site': 'same-origin', cookie: `${cookieName(office.keys.id)}=${token}` },
  })
}

const picture = () =>
  sharp({ create: { width: 400, height: 300, channels: 3, background: 'teal' } })
    .png()
    .toBuffer()

test('a person changes name, look and photo, and all branches know', async (t) => {
  const { north, south, meet, ada } = await cast(t)
  const { token } = await north.enter('ada')
  const done = await sendsProfile(north, token, await picture())
  assert.equal(done.headers.get('location'), '/profile?saved=profile')
  const page = await (await north.get('/profile?saved=profile', token)).text()
  assert.match(page, /<html lang="uk" data-theme="dark">/)
  await meet()
  const known = await south.people.get(ada.id)
  assert.deepEqual([known.name, known.language, known.theme], ['Ada King', 'uk', 'dark'])
  const { photo: hash } = await north.people.get(ada.id)
  assert.match(hash ?? '', /^[0-9a-f]{64}$/)
  assert.equal(known.photo, undefined, 'initials until the picture is here')
  const told = south.store.read.selectFrom('user').where('id', '=', ada.id).select('photo')
  assert.deepEqual(await told.execute(), [{ photo: hash }])
  const arrived = { hash: hash as PhotoHash, bytes: new Uint8Array(1) }
  await south.store.writer.write((tx) => tx.insertInto('photo').values(arrived).execute())
  assert.equal((await south.people.get(ada.id)).photo, hash)

  const photo = await north.get(`/photos/${hash}`, token)
  assert.equal(photo.headers.get('content-type'), 'image/webp')
  assert.match(photo.headers.get('cache-control') ?? '', /immutable/)
  assert.equal((await north.get(`/photos/${hash}`)).status, 303, 'only for who is signed in')
  assert.equal((await north.get(`/photos/${'0'.repeat(64)}`, token)).status, 404)

  await sendsProfile(north, token, undefined, { removePhoto: 'yes' })
  assert.equal((await north.people.get(ada.id)).photo, undefined)
  assert.deepEqual(await north.store.read.selectFrom('photo').select('hash').execute(), [])
})

test('a file that is no picture is told at the field, and nothing changes', async (t) => {
  const { north, ada } = await cast(t)
  const { token } = await north.enter('ada')
  const answer = await sendsProfile(north, token, new Uint8Array(Buffer.from('<svg/>')))
  assert.equal(answer.status, 422)
  assert.match(await answer.text(), /id="photo-error"/)
  const empty = await sendsProfile(north, token, undefined, { firstName: ' \u200b ' })
  assert.equal(empty.status, 422)
  assert.match(await empty.text(), /id="firstName-error"/)
  assert.equal((await north.people.get(ada.id)).name, ada.name)
})

test('a guest changes no record: the home branch keeps it, and is asked', async (t) => {
  const { south, ada } = await cast(t)
  const { token } = await south.enter('ada')
  const answer = await sendsProfile(south, token, undefined)
  assert.equal(answer.headers.get('location'), '/profile?saved=wish')
  assert.equal((await south.people.get(ada.id)).name, ada.name)
})

test('own sign-ins can be ended, those of others cannot', async (t) => {
  const { north } = await cast(t)
  await north.people.add(undefined, { login: 'bob' })
  const mine = (await north.enter('ada')).token
  const lost = (await north.enter('ada')).token
  const bobs = (await north.enter('bob')).token
  const idOf = async (token: string) => (await north.signIns.signInOf(token))?.signIn.id
  await north.post(`/profile/sign-ins/${await idOf(bobs)}/end`, {}, mine)
  assert.equal((await north.get('/chats', bobs)).status, 200)
  await north.post(`/profile/sign-ins/${await idOf(lost)}/end`, {}, mine)
  assert.equal((await north.get('/chats', lost)).status, 303)
  assert.equal((await north.get('/chats', mine)).status, 200)
})

test('people are found by login, by login@branch and by any part of the name', async (t) => {
  const { north, ada, olena, oleh } = await cast(t)
  const find = async (text: string, more = {}) =>
    (await directoryPage(north.store.read, { except: ada.id, text, limit: 10, ...more })).map(
      (one) => one.login,
    )
  assert.deepEqual(await find('OLE'), ['oleh_k', 'olena'])
  assert.deepEqual(await find('олЕна'), ['olena'])
  assert.deepEqual(await find('ковал'), ['oleh_k', 'olena'])
  assert.deepEqual(await find('ole@sou'), ['oleh_k', 'olena'])
  assert.deepEqual(await find('ole@north'), [])
  assert.deepEqual(await find('oleh_'), ['oleh_k'])
  assert.deepEqual(await find('o_e'), [], 'signs of LIKE mean themselves')
  assert.deepEqual(await find('ada'), [], 'not oneself')
  assert.deepEqual(await find('ковал', { limit: 1 }), ['oleh_k'])
  assert.deepEqual(await find('ковал', { after: oleh.id }), ['olena'])
  assert.deepEqual(await find('ковал', { after: olena.id }), [])
})

test('the API finds people page by page and answers for one', async (t) => {
  const { north } = await cast(t)
  const signedIn = await north.api('POST', '/sign-in', {
    body: { login: 'ada', password: PASSWORD },
  })
  const { token } = (await signedIn.json()) as { token: string }
  type Page = { items: { login: string; branch: string; presence: unknown }[]; next?: string }
  const page = async (query: string) =>
    (await (await north.api('GET', `/people?${query}`, { token })).json()) as Page
  const first = await page('q=ole&limit=1&branch=south')
  assert.deepEqual(
    first.items.map((one) => one.login),
    ['oleh_k'],
  )
  const second = await page(`q=ole&limit=1&after=${first.next}`)
  assert.deepEqual(
    second.items.map((one) => one.login),
    ['olena'],
  )
  assert.equal(second.next, undefined)
  assert.deepEqual(second.items[0]?.presence, { state: 'offline' })
  assert.equal((await north.api('GET', '/people/olena@South', { token })).status, 200)
  assert.equal((await north.api('GET', '/people/nobody', { token })).status, 404)
  const renamed = await north.api('PATCH', '/me', { token, body: { name: 'Ada  King Lovelace' } })
  const { firstName, lastName } = (await renamed.json()) as { firstName: string; lastName: string }
  assert.deepEqual([firstName, lastName], ['Ada', 'King Lovelace'])
  const wrong = await north.api('PATCH', '/me', { token, body: { theme: 'pink' } })
  assert.equal(wrong.status, 422)
  assert.deepEqual(((await wrong.json()) as { error: { field: string } }).error.field, 'theme')
})

test('the OpenAPI document says what the operations say', () => {
  const operations = [...accountApi, ...userAdminApi]
  const document = openApiDocument({ version: '1', operations })
  assert.equal(document.openapi, '3.1.0')
  const paths = document.paths as Record<string, Record<string, Record<string, unknown>>>
  for (const { method, path, status } of operations) {
    const operation = paths[path]?.[method]
    assert.ok(operation, `${method} ${path}`)
    assert.ok(Object.keys(operation.responses as object).includes(String(status)))
  }
  assert.deepEqual(paths['/sign-in']?.post?.security, [])
  const parameters = paths['/people']?.get?.parameters as { name: string }[]
  assert.deepEqual(
    parameters.map((one) => one.name),
    ['q', 'branch', 'department', 'limit', 'after'],
  )
  assert.deepEqual(JSON.parse(JSON.stringify(document)), document, 'nothing that is no JSON')
  const ids = Object.values(paths).flatMap((path) =>
    Object.values(path).map((one) => one.operationId),
  )
  assert.equal(new Set(ids).size, operations.length)
})
