/** Hostile text in every field: it stays text in pages, in JSON, in streams and in the log. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { castle, PASSWORD, streamAt, until } from './castle.ts'

const MARK = 'zq9'
/** Each would become an element, an attribute, an event or a line if somebody forgot to escape it. */
const TEXTS = [
  `<img src=x onerror=${MARK}>`,
  `"><script>${MARK}</script>`,
  `' autofocus onfocus=${MARK} x='`,
  `</textarea></title><${MARK}>`,
  `<hx-partial hx-target="body">${MARK}</hx-partial>`,
  `\n\ndata: ${MARK}\n\nevent: bye\ndata: x\n\n`,
  `\r\rdata: ${MARK}\r\r`,
  `\u2028\u2029\u0000\u001b[31m${MARK}`,
  `{{${MARK}}} \${${MARK}} %s %n`,
  `&lt;${MARK}&gt; &#60;`,
  `\u202e${MARK}`,
]
/** An unescaped tag or attribute around the mark. */
const BROKEN = [
  new RegExp(`<img src=x onerror=${MARK}`, 'i'),
  new RegExp(`<script>${MARK}`, 'i'),
  new RegExp(`' autofocus onfocus=${MARK}`),
  new RegExp(`<${MARK}>`),
  new RegExp(`<hx-partial hx-target="body">${MARK}`),
]

function checkPage(text: string, where: string): void {
  for (const pattern of BROKEN) assert.ok(!pattern.test(text), `${where}: ${pattern}`)
}

test('in names, titles, messages and searches it stays text', async (t) => {
  const at = await castle(t)
  await at.add('emil')
  const served = await at.serve()
  const [ada, adaApi] = [await at.browser('ada'), await at.script('ada')]
  const emil = await at.browser('emil')
  const api = await at.script('emil')
  const { id: chat } = await adaApi.json<{ id: string }>('POST', '/conversations', {
    ...{ kind: 'direct', with: 'emil' },
  })
  const page = await streamAt(served, `/events/page?chat=${chat}`, { cookie: emil.cookie })
  const events = await streamAt(served, '/api/v1/events', { authorization: `Bearer ${api.token}` })
  for (const [i, text] of TEXTS.entries()) {
    await ada.post(`/chats/${chat}/messages`, { body: text })
    const group = { kind: 'group', title: text.slice(0, 90), members: ['emil'] }
    const founded = await adaApi.call('POST', '/conversations', group)
    assert.ok(founded.status < 500, 'a title')
    for (const field of ['department', 'post', 'phone', 'room', 'firstName', 'lastName']) {
      const id = (await adaApi.json<{ id: string }>('GET', '/people/emil')).id
      const changed = await adaApi.call('PATCH', `/admin/users/${id}`, {
        [field]: text.slice(0, 40),
      })
      assert.ok(changed.status < 500, field)
    }
    const q = encodeURIComponent(text)
    const asked = [
      await ada.get(`/people/add?q=${q}`),
      await ada.get(`/chats?find=${q}`),
      await ada.get(`/chats/${chat}?find=${q}`),
      await ada.get(`/admin/users?q=${q}&branch=${q}&state=${q}&page=${q}`),
      await at.ask(`/sign-in?next=${q}`),
      await ada.get(`/${q}`),
      await ada.get('/chats', { 'accept-language': text.replaceAll(/[^\x20-\x7e]/g, '') }),
      await ada.post('/people/add', { user: text }),
      await ada.post('/chats/new-group', { title: text, members: text }),
      await ada.post('/admin/users', { login: text, firstName: text, password: text }),
      await ada.post('/admin/invitations', { branch: text }),
      await at.ask('/sign-in', {
        ...{ method: 'POST', headers: { 'sec-fetch-site': 'same-origin' } },
        body: new URLSearchParams({ login: text, password: text, next: text }),
      }),
      await emil.get('/chats'),
      await emil.get(`/chats/${chat}`),
      await emil.get(`/chats/${chat}/details`),
      await ada.get('/admin/users'),
      await emil.post('/profile/password', { current: text, password: text, repeat: text }),
    ]
    for (const [n, answer] of asked.entries()) {
      assert.ok(answer.status < 500, `${i} ${n}: ${answer.status}`)
      checkPage(await answer.text(), `text ${i}, page ${n}`)
      for (const [name, value] of answer.headers) assert.ok(!/[\r\n]/.test(name + value))
    }
  }
  await adaApi.json('POST', `/conversations/${chat}/messages`, { body: 'The last one' })
  await until('both streams are done', () =>
    [page, events].every((stream) => stream.text().includes('The last one')),
  )
  checkPage(page.text(), 'the stream of pages')
  for (const stream of [page, events]) {
    assert.ok(stream.isOpen() && !stream.text().includes('\r'))
    for (const block of stream.text().split('\n\n').filter(Boolean)) checkBlock(block)
    stream.close()
  }
  for (const line of at.logged().trim().split('\n')) JSON.parse(line)
})

/** A block of a stream: heads of ours, and data; a line end in a text must not make another event. */
function checkBlock(block: string): void {
  for (const line of block.split('\n')) {
    assert.match(line, /^(?:data: .*|data:|id: [0-9a-f-]+|event: [a-z]+|retry: \d+|: ?)$/s)
  }
  const event = /^event: (\w+)$/m.exec(block)?.[1]
  assert.ok(event !== 'bye', block)
  assert.ok(!new RegExp(`^data: ${MARK}$`, 'm').test(block) || block.includes('<'), block)
}

test('a title hides nothing: no second line, no turned letters', async (t) => {
  const at = await castle(t)
  await at.add('emil')
  const ada = await at.script('ada')
  const found = (title: string) =>
    ada.call('POST', '/conversations', { kind: 'group', title, members: ['emil'] })
  const answer = await found(' Board\r\n\u202eof\u200b  all ')
  assert.equal(((await answer.json()) as { title: string }).title, 'Board of all')
  assert.equal((await found('\u200b\n')).status, 422)
})

test('no address leads anywhere else, and no trick of a path passes a guard', async (t) => {
  const at = await castle(t)
  const ada = await at.browser('ada')
  const served = await at.serve()
  const elsewhere = [
    'https://evil.example/',
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '/\t/evil.example',
    '/\n/evil.example',
    '\\\\evil.example',
    'javascript:alert(1)',
    '/%5cevil.example',
    '/.//evil.example',
    'chats',
    '/sign-out',
    '',
  ]
  for (const next of elsewhere) {
    const signedIn = await ada.get(`/sign-in?next=${encodeURIComponent(next)}`)
    const entered = await at.ask('/sign-in', {
      method: 'POST',
      body: new URLSearchParams({ login: 'ada', password: PASSWORD, next }),
      headers: { 'sec-fetch-site': 'same-origin' },
    })
    for (const answer of [signedIn, entered]) {
      assert.equal(answer.status, 303)
      const place = new URL(answer.headers.get('location') ?? '', 'http://castle.test:8080')
      assert.equal(place.origin, 'http://castle.test:8080', next)
      assert.notEqual(place.pathname, '/sign-out')
    }
  }
  const tricks = [
    '//admin/users',
    '/admin//users',
    '/admin/users/',
    '/./admin/users',
    '/x/../admin/users',
    '/%61dmin/users',
    '/admin%2fusers',
    '/admin%2Fusers',
    '/admin/users;x=y',
    '/admin/users%00',
    '/admin/users%0a',
    '/ADMIN/users',
    '/static/../admin/users',
    '/static/..%2f..%2fpackage.json',
    '/static/%2e%2e/%2e%2e/package.json',
    '/static/..%5c..%5cpackage.json',
    '/static/__proto__',
    '/static/constructor',
    '/api/../admin/users',
    '/api/v1/../../admin/users',
    '/api%2fv1/me',
    '/%',
    '/%e0%a4%a',
    '/chats/%00',
    `/chats/${'a'.repeat(9000)}`,
    '/photos/..%2f..%2fkeys%2froot.json',
  ]
  for (const path of tricks) {
    const answer = await rawGet(served.port, path)
    assert.match(answer, /^HTTP\/1\.1 (?:303|400|401|404) /, `${path}: ${answer.slice(0, 60)}`)
    assert.ok(!answer.includes('"secretKey"') && !answer.includes('"license"'), path)
  }
})

/** A request whose path no client has tidied. */
async function rawGet(port: number, path: string): Promise<string> {
  const { connect } = await import('node:net')
  const socket = connect({ host: '127.0.0.1', port })
  socket.end(`GET ${path} HTTP/1.1\r\nHost: castle.test:8080\r\nConnection: close\r\n\r\n`)
  let text = ''
  for await (const chunk of socket) text += chunk
  return text
}
