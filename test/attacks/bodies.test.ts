/** Bodies nobody should send: of the wrong form, endless, slow, deep, bombs. Each is refused in words, none is a bug. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import sharp from 'sharp'
import { type Castle, castle, until } from './castle.ts'

const ID = 'ab'.repeat(16)
const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
const HOSTILE_JSON = [
  ...['', 'null', '7', '"text"', '[]', '{}', 'nonsense', '{"a":', '[1', '\ufeff{}', '{"a":1}x'],
  '{"__proto__":{"role":"organisation-admin","disabled":false}}',
  '{"constructor":{"prototype":{"role":"organisation-admin"}}}',
  '{"login":{"$ne":null},"password":["a"],"body":{"length":1},"kind":{},"name":[],"upTo":{}}',
  '{"login":null,"password":null,"body":null,"kind":"direct","with":{"id":1},"branch":7}',
  '{"kind":"group","title":7,"members":"all"}',
  '{"kind":"group","title":"x","members":[null,{},[]]}',
  '{"kind":"direct","with":"\\ud800"}',
  '{"body":"\\u0000","clientId":"\\u0000"}',
  `{"body":"${'x'.repeat(200_000)}"}`,
  `{"clientId":"${'x'.repeat(65)}","body":"x"}`,
  `{"kind":"group","title":"x","members":${JSON.stringify(Array(501).fill('ada'))}}`,
  '{"branch":"","validHours":1e308}',
  '{"branch":"Lviv","validHours":-1}',
  '{"password":"","login":"","name":""}',
  '{"role":"root","firstName":"x"}',
  '{"name":"\\u202e\\u200b","firstName":"\\u0000"}',
  deep,
  `{"a":${deep}}`,
  `{"a":1e999999,"b":${'9'.repeat(5000)}}`,
]

test('no JSON of any form is a bug, nor makes anybody more than he is', async (t) => {
  const at = await castle(t)
  await at.add('emil')
  const [ada, emil] = [await at.script('ada'), await at.script('emil')]
  const routes = at
    .app()
    .routes.filter(({ method, path }) => /^\/api\//.test(path) && !/^(?:ALL|GET)$/.test(method))
    .filter(({ path }) => path !== '/api/v1/sign-out' && path !== '/api/v1/sign-in')
  const wrong: string[] = []
  for (const { method, path } of routes) {
    for (const token of path.includes('/admin/') ? [ada.token] : [ada.token, emil.token]) {
      for (const body of HOSTILE_JSON) {
        const answer = await at.ask(path.replace(':id', ID).replace(':login', 'emil'), {
          ...{ method, body },
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        })
        const text = await answer.text()
        if (answer.status >= 500) wrong.push(`${method} ${path} ${body.slice(0, 60)}: ${text}`)
        assert.ok(text.length < 20_000, 'an answer does not echo what it was sent')
      }
    }
  }
  assert.deepEqual(wrong, [])
  assert.equal((await emil.json<{ role: string }>('GET', '/me')).role, 'employee')
  assert.equal(Object.hasOwn(Object.prototype, 'role'), false)
})

test('nobody gives himself a role, a home or a password by a field too many', async (t) => {
  const at = await castle(t)
  const person = await at.add('emil')
  const [api, page] = [await at.script('emil'), await at.browser('emil')]
  const more = {
    ...{ role: 'organisation-admin', home: ID, branch: ID, disabled: true, id: ID, login: 'root' },
    ...{ post: 'Director', department: 'Board', phone: '1', room: '1', mustChange: false, rev: 99 },
  }
  await api.json('PATCH', '/me', { lastName: 'Once', ...more })
  const form = new FormData()
  const fields = { firstName: 'Emil', lastName: 'Twice', language: 'en', theme: 'dark' }
  for (const [name, value] of Object.entries({ ...fields, ...more })) form.set(name, String(value))
  const answer = await at.ask('/profile', {
    ...{ method: 'POST', body: form },
    headers: { cookie: page.cookie, 'sec-fetch-site': 'same-origin' },
  })
  assert.equal(answer.status, 303)
  const row = await at.core.store.read
    .selectFrom('user')
    .where('id', '=', person.id)
    .selectAll()
    .executeTakeFirstOrThrow()
  const { role, home, disabled, login, post, department, lastName } = row
  assert.deepEqual(
    { role, home, disabled, login, post, department, lastName },
    {
      ...{ role: 'employee', home: at.core.membership.self, disabled: 0, login: 'emil' },
      ...{ post: '', department: '', lastName: 'Twice' },
    },
  )
})

test('forms and files that are too much are refused while they come', async (t) => {
  const at = await castle(t)
  const ada = await at.browser('ada')
  const headers = { cookie: ada.cookie, 'sec-fetch-site': 'same-origin' }
  const send = (path: string, type: string, body: BodyOf) =>
    at.ask(path, {
      method: 'POST',
      body,
      duplex: 'half',
      headers: { ...headers, 'content-type': type },
    } as RequestInit)
  let given = 0
  const endless = (chunk: Uint8Array) =>
    new ReadableStream<Uint8Array>({
      pull(controller) {
        given += chunk.length
        controller.enqueue(chunk)
      },
    })
  const urlencoded = 'application/x-www-form-urlencoded'
  const chunk = new Uint8Array(64 * 1024).fill(97)
  assert.equal((await send('/sign-in', urlencoded, endless(chunk))).status, 413)
  assert.ok(given < 1024 * 1024, `${given} bytes were taken`)
  given = 0
  const multipart = 'multipart/form-data; boundary=x'
  const head = Buffer.from(
    '--x\r\nContent-Disposition: form-data; name="photo"; filename="a"\r\n\r\n',
  )
  const file = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(head),
    pull(controller) {
      given += chunk.length
      controller.enqueue(chunk)
    },
  })
  assert.equal((await send('/profile', multipart, file)).status, 422)
  assert.ok(given < 16 * 1024 * 1024, `${given} bytes were taken`)
  const part = (i: number) => `--x\r\nContent-Disposition: form-data; name="f${i}"\r\n\r\n1\r\n`
  const many = Array.from({ length: 500 }, (_, i) => part(i)).join('')
  const flood = await send('/profile', multipart, `${many}--x--\r\n`)
  assert.ok(flood.status === 413 || flood.status === 422, `${flood.status}`)
  for (const body of [
    '',
    '--x',
    '--x--',
    '--x\r\n\r\n',
    `--x\r\n${'a: b\r\n'.repeat(5000)}\r\n\r\n--x--`,
  ]) {
    const { status } = await send('/profile', multipart, body)
    assert.equal(status, 422, JSON.stringify(body.slice(0, 40)))
  }
  for (const type of ['text/plain', 'multipart/form-data', 'multipart/form-data; boundary=', 'x']) {
    for (const path of ['/profile', '/admin/users', '/people/add', '/chats/new-group']) {
      const { status } = await send(path, type, 'firstName=x')
      assert.ok(status >= 400 && status < 500, `${path} ${type}: ${status}`)
    }
  }
})

type BodyOf = string | ReadableStream<Uint8Array>

test('pictures that unpack to gigabytes, or are none, are refused in words', async (t) => {
  const at = await castle(t)
  const ada = await at.browser('ada')
  const huge = await sharp({
    create: { width: 12_000, height: 4_400, channels: 3, background: 'white' },
    limitInputPixels: false,
  })
    .png({ compressionLevel: 1 })
    .toBuffer()
  const jpeg = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
    .jpeg()
    .toBuffer()
  const svg = '<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'
  const pictures: Record<string, Uint8Array> = {
    'a picture of 53 megapixels': huge,
    'half a picture': jpeg.subarray(0, 200),
    'a drawing that reads files': Buffer.from(svg),
    'a drawing with the head of a JPEG': Buffer.concat([jpeg.subarray(0, 3), Buffer.from(svg)]),
    'a page': Buffer.from('<script>alert(1)</script>'),
  }
  for (const [what, bytes] of Object.entries(pictures)) {
    const form = new FormData()
    const fields = { firstName: 'Ada', lastName: 'Admin', language: 'en', theme: 'auto' }
    for (const [name, value] of Object.entries(fields)) form.set(name, value)
    form.set('photo', new Blob([new Uint8Array(bytes)], { type: 'image/png' }), '../../x.png')
    const answer = await at.ask('/profile', {
      ...{ method: 'POST', body: form },
      headers: { cookie: ada.cookie, 'sec-fetch-site': 'same-origin' },
    })
    assert.equal(answer.status, 422, what)
    assert.match(await answer.text(), /not a picture that can be read/, what)
  }
})

/** Sends bytes as they are and answers what came back. */
function raw(at: { port: number }, text: string, { hold = false } = {}) {
  const socket = connect({ host: '127.0.0.1', port: at.port })
  let answer = ''
  socket.on('data', (chunk) => {
    answer += chunk.toString()
  })
  socket.on('error', () => {})
  if (hold) socket.write(text)
  else socket.end(text)
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  return { socket, closed, text: () => answer }
}

test('requests that try to be two are one or none', async (t) => {
  const at: Castle = await castle(t)
  const served = await at.serve()
  const head = 'POST /sign-in HTTP/1.1\r\nHost: castle.test:8080\r\nSec-Fetch-Site: same-origin\r\n'
  const second = 'GET /healthz HTTP/1.1\r\nHost: castle.test\r\n\r\n'
  const both = `${head}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${second}`
  const twice = `${head}Content-Length: 0\r\nContent-Length: ${second.length}\r\n\r\n${second}`
  const folded = `${head}X: a\r\n b\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n${second}`
  for (const text of [both, twice, folded]) {
    const sent = raw(served, text)
    await sent.closed
    assert.match(sent.text(), /^HTTP\/1\.1 400 /)
    assert.ok(!sent.text().includes('ok\n'), 'nothing was smuggled')
  }
  const chunks = raw(
    served,
    `${head}Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n`,
    { hold: true },
  )
  const line = `${(60_000).toString(16)}\r\n${'a'.repeat(60_000)}\r\n`
  for (let i = 0; i < 8; i++) chunks.socket.write(line)
  await until('it is refused before its end', () => / 413 /.test(chunks.text()))
  chunks.socket.destroy()
})
