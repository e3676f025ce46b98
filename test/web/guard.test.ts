import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as v from 'valibot'
import { FORM_BYTES_MAX, JSON_BYTES_MAX } from '../../src/web/body.ts'
import { formFields, readJson } from '../../src/web/form.ts'
import { smallApp } from './support.ts'

const OURS = { 'sec-fetch-site': 'same-origin' }
const FORM = { ...OURS, 'content-type': 'application/x-www-form-urlencoded' }

function readers() {
  return smallApp({
    routes: (app) => {
      app.get('/page', (c) => c.html('<p>page'))
      app.get('/raw', () => new Response('raw'))
      app.get('/secret/:token', (c) => c.text('ok'))
      app.post('/form', async (c) => c.json(Object.keys(await formFields(c)).length))
      app.post('/api/v1/json', async (c) =>
        c.json(await readJson(c, v.object({ text: v.string() }))),
      )
      app.post('/api/v1/files', (c) => c.text('raw bytes are the route’s matter'))
    },
  })
}

test('every answer carries the policy and what a plain-http page may have', async () => {
  const { app } = readers()
  for (const path of ['/page', '/raw', '/nowhere']) {
    const { headers } = await app.request(path)
    assert.equal(
      headers.get('content-security-policy'),
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self'; font-src 'self'; connect-src 'self'; form-action 'self'; frame-src 'self'; frame-ancestors 'self'; base-uri 'none'; manifest-src 'self'; worker-src 'self'; require-trusted-types-for 'script'; trusted-types htmx",
    )
    assert.equal(headers.get('x-content-type-options'), 'nosniff')
    assert.equal(headers.get('referrer-policy'), 'same-origin')
    assert.equal(headers.get('cache-control'), 'no-store')
    for (const name of [
      'strict-transport-security',
      'cross-origin-opener-policy',
      'origin-agent-cluster',
    ]) {
      assert.equal(headers.get(name), null, `${name} has no place on plain http`)
    }
  }
})

test('on TLS the opener policy is there, HSTS is not', async () => {
  const { app } = smallApp({ secure: true, routes: (a) => void a.get('/page', (c) => c.text('')) })
  const { headers } = await app.request('/page')
  assert.equal(headers.get('cross-origin-opener-policy'), 'same-origin')
  assert.equal(headers.get('strict-transport-security'), null)
})

test('a request is one line in the log, without its query and without long secrets', async () => {
  const { app, lines } = readers()
  await app.request(`/secret/${'s'.repeat(65)}?q=also-secret`)
  assert.equal(lines.length, 1)
  assert.equal(lines[0]?.name, 'http.request')
  assert.equal(lines[0]?.fields.path, '/secret/(long)')
  assert.doesNotMatch(JSON.stringify(lines), /sss|also-secret/)
})

test('a form at the limit is read, one byte more is refused by its head, with the number', async () => {
  const { app } = readers()
  const body = (bytes: number) => `a=${'x'.repeat(bytes - 2)}`
  const send = (text: string) =>
    app.request('/form', {
      method: 'POST',
      headers: { ...FORM, 'content-length': String(text.length) },
      body: text,
    })
  assert.equal((await send(body(FORM_BYTES_MAX))).status, 200)
  assert.equal((await send(body(FORM_BYTES_MAX + 1))).status, 413)
})

test('a body without a length is refused while it is read, and no further', async () => {
  const { app } = readers()
  const chunkBytes = 16 * 1024
  let pulled = 0
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      pulled += chunkBytes
      controller.enqueue(new Uint8Array(chunkBytes).fill(97))
    },
  })
  const init = { method: 'POST', headers: FORM, body, duplex: 'half' as const }
  const response = await app.request(new Request('http://localhost/form', init))
  assert.equal(response.status, 413)
  assert.ok(pulled <= FORM_BYTES_MAX + 4 * chunkBytes, `${pulled} bytes were pulled`)
})

test('the API names the limit of JSON; raw uploads have their own', async () => {
  const { app } = readers()
  const send = (path: string, length: number) =>
    app.request(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': String(length) },
      body: 'x',
    })
  const refused = await send('/api/v1/json', JSON_BYTES_MAX + 1)
  assert.equal(refused.status, 413)
  assert.deepEqual(await refused.json(), {
    error: { code: 'too-large', message: 'Cannot read the request: the limit is 256 KiB' },
  })
  assert.equal((await send('/api/v1/files', JSON_BYTES_MAX + 1)).status, 200)
})
