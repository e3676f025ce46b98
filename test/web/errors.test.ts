import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppError, invalidInput, notFound } from '../../src/base/errors.ts'
import { nextPath } from '../../src/web/errors.ts'
import { smallApp } from './support.ts'

function failing(error: Error) {
  return smallApp({
    routes: (app) => {
      for (const path of ['/', '/chats/1', '/api/v1/thing', '/events/page']) {
        app.all(path, () => {
          throw error
        })
      }
    },
  })
}

const OURS = { 'sec-fetch-site': 'same-origin' }
const HTMX = { ...OURS, 'hx-request': 'true' }

test('one failure is a page for people, a fragment for htmx, JSON for the API, each with its status', async () => {
  const { app } = failing(notFound('chat'))
  const page = await app.request('/chats/1')
  assert.equal(page.status, 404)
  assert.match(await page.text(), /<!doctype html>[\s\S]*There is nothing here/)
  assert.match(page.headers.get('vary') ?? '', /HX-Request/)
  const fragment = await app.request('/chats/1', { headers: HTMX })
  assert.equal(fragment.status, 404)
  assert.match(await fragment.text(), /^<div class="problem" role="alert">/)
  assert.match(fragment.headers.get('vary') ?? '', /HX-Request/)
  const api = await app.request('/api/v1/thing')
  assert.equal(api.status, 404)
  assert.deepEqual(await api.json(), {
    error: { code: 'not-found', message: 'Cannot find the chat' },
  })
})

test('the page speaks the language of the browser', async () => {
  const { app } = failing(notFound('chat'))
  const page = await app.request('/chats/1', { headers: { 'accept-language': 'uk,en;q=0.5' } })
  assert.match(await page.text(), /<html lang="uk"/)
})

test('an address that no route has is answered in the same three ways', async () => {
  const { app } = failing(notFound('chat'))
  assert.match(await (await app.request('/nowhere')).text(), /<!doctype html>/)
  const api = (await (await app.request('/api/v1/nowhere')).json()) as { error: { code: string } }
  assert.equal(api.error.code, 'not-found')
})

test('an API error names its field', async () => {
  const { app } = failing(invalidInput('login', 'Cannot use the login: it is empty'))
  const api = await app.request('/api/v1/thing', { method: 'POST' })
  assert.equal(api.status, 422)
  assert.deepEqual(await api.json(), {
    error: { code: 'invalid-input', message: 'Cannot use the login: it is empty', field: 'login' },
  })
})

test('without a sign-in a page goes to the sign-in and back, htmx is told to, a stream says bye', async () => {
  const { app } = failing(new AppError('not-signed-in', 'Cannot show it: you are not signed in'))
  const page = await app.request('/chats/1?e=2')
  assert.equal(page.status, 303)
  assert.equal(page.headers.get('location'), '/sign-in?next=%2Fchats%2F1%3Fe%3D2')
  assert.equal((await app.request('/')).headers.get('location'), '/sign-in')
  const headers = { ...HTMX, 'hx-current-url': 'http://localhost/chats/1' }
  const part = await app.request('/chats/1', { method: 'POST', headers })
  assert.equal(part.status, 204)
  assert.equal(part.headers.get('hx-redirect'), '/sign-in?next=%2Fchats%2F1')
  const stream = await app.request('/events/page', {
    headers: { ...HTMX, accept: 'text/html, text/event-stream' },
  })
  assert.equal(stream.status, 200)
  assert.equal(await stream.text(), 'event: bye\ndata: sign-in\n\n')
  const api = await app.request('/api/v1/thing')
  assert.equal(api.status, 401)
  assert.equal(api.headers.get('www-authenticate'), 'Bearer')
})

test('a forced new password is a page, and a plain refusal for the API', async () => {
  const { app } = failing(
    new AppError('password-change-required', 'Cannot go on: the password is temporary'),
  )
  assert.equal((await app.request('/chats/1')).headers.get('location'), '/password')
  assert.equal((await app.request('/api/v1/thing')).status, 403)
})

test('too many tries say when to come back', async () => {
  const { app } = failing(new AppError('too-many', 'Cannot try again yet', { retryAfter: 12 }))
  for (const path of ['/chats/1', '/api/v1/thing']) {
    const response = await app.request(path)
    assert.equal(response.status, 429)
    assert.equal(response.headers.get('retry-after'), '12')
  }
})

for (const code of ['SQLITE_FULL', 'SQLITE_BUSY', 'SQLITE_IOERR_WRITE', 'ENOSPC']) {
  test(`${code} is "try again", also below other errors, and no bug`, async () => {
    const disk = Object.assign(new Error('database or disk is full'), { code })
    const { app, lines } = failing(new Error('Cannot commit', { cause: disk }))
    const response = await app.request('/api/v1/thing')
    assert.equal(response.status, 503)
    assert.equal(response.headers.get('retry-after'), '5')
    assert.match(await response.text(), /nothing was lost, try again/)
    assert.deepEqual(
      lines.map((line) => line.name),
      ['http.unavailable', 'http.request'],
    )
  })
}

test('a bug shows an incident number; what and where stays in the log', async () => {
  const { app, lines } = failing(new TypeError('Cannot read properties of undefined (secret)'))
  for (const [path, headers] of [
    ['/chats/1', {}],
    ['/chats/1', HTMX],
    ['/api/v1/thing', {}],
  ] as const) {
    lines.length = 0
    const response = await app.request(path, { headers })
    const text = await response.text()
    assert.equal(response.status, 500)
    assert.doesNotMatch(text, /TypeError|secret|\.ts/)
    const bug = lines.find((line) => line.name === 'http.bug')
    assert.ok(bug?.fields.error instanceof TypeError)
    assert.match(text, new RegExp(String(bug.fields.incident)))
    assert.equal(bug.level, 'error')
  }
})

test('the way back after signing in never leads to another site', () => {
  for (const good of ['/chats', '/chats/1?before=2', '/admin/users', '/']) {
    assert.equal(nextPath(good), good)
  }
  const bad = [
    undefined,
    '',
    'chats',
    '//evil.example',
    '/\\evil.example',
    'https://evil.example',
    '/\t/evil.example',
    '/a\nb',
    '/sign-out',
    '/sign-in?next=/',
    `/${'a'.repeat(500)}`,
  ]
  for (const text of bad) assert.equal(nextPath(text), '/chats', String(text))
})
