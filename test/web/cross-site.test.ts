import assert from 'node:assert/strict'
import { test } from 'node:test'
import { preSignInToken } from '../../src/web/cookies.ts'
import { isOwnOrigin } from '../../src/web/cross-site.ts'
import { BRANCH_ID, countedRandom, FORM_TOKEN, smallApp } from './support.ts'

const HOST = 'chat.kyiv:8081'
const SIGNED_IN = { cookie: 'sign-in=ada', host: HOST }
const FORM = 'application/x-www-form-urlencoded'

async function post(headers: Record<string, string>, body = 'a=1', path = '/change') {
  const { app, changed } = smallApp({ origins: ['https://chat.example'] })
  const init = { method: 'POST', headers: { 'content-type': FORM, ...headers }, body }
  const response = await app.request(`http://${HOST}${path}`, init)
  assert.equal(changed.length === 1, response.status === 200, 'an answer says what was done')
  return response.status
}

// Each row: what the browser says about where the request comes from, and what we say to it.
const MATRIX: [name: string, headers: Record<string, string>, status: number][] = [
  ['our own page', { 'sec-fetch-site': 'same-origin' }, 200],
  ['an address typed or a bookmark', { 'sec-fetch-site': 'none' }, 200],
  ['another site', { 'sec-fetch-site': 'cross-site' }, 403],
  ['another port of this machine', { 'sec-fetch-site': 'same-site' }, 403],
  [
    'another port that forges Origin too',
    { 'sec-fetch-site': 'same-site', origin: `http://${HOST}` },
    403,
  ],
  ['a value of the future', { 'sec-fetch-site': 'nested' }, 403],
  ['our page on plain http', { origin: `http://${HOST}` }, 200],
  ['our page behind a TLS proxy', { origin: `https://${HOST}` }, 200],
  ['a configured origin', { origin: 'https://chat.example' }, 200],
  ['another host by Origin', { origin: 'http://evil.example' }, 403],
  ['the same name on another port', { origin: 'http://chat.kyiv:8082' }, 403],
  ['a name that begins like ours', { origin: 'http://chat.kyiv:8081.evil.example' }, 403],
  [
    'another host that brings the token',
    { origin: 'http://evil.example', 'x-form-token': FORM_TOKEN },
    403,
  ],
  ['a sandboxed frame', { origin: 'null' }, 403],
  ['no word about its origin', {}, 403],
  ['a text browser with the token', { 'x-form-token': FORM_TOKEN }, 200],
  ['a wrong token', { 'x-form-token': '6'.repeat(32) }, 403],
  ['a part of the token', { 'x-form-token': FORM_TOKEN.slice(1) }, 403],
  ['an empty token', { 'x-form-token': '' }, 403],
]

for (const [name, headers, status] of MATRIX) {
  test(`a form from ${name} is ${status === 200 ? 'taken' : 'refused'}`, async () => {
    assert.equal(await post({ ...SIGNED_IN, ...headers }), status)
  })
}

test('the token in the field formToken serves browsers that say nothing', async () => {
  assert.equal(await post(SIGNED_IN, `a=1&formToken=${FORM_TOKEN}`), 200)
  assert.equal(await post(SIGNED_IN, `a=1&formToken=${'7'.repeat(32)}`), 403)
  assert.equal(await post(SIGNED_IN, `formToken=x&formToken=${FORM_TOKEN}`), 403)
})

test('the token in a multipart form serves too, and without a sign-in nobody makes us read one', async () => {
  const body = `--x\r\nContent-Disposition: form-data; name="formToken"\r\n\r\n${FORM_TOKEN}\r\n--x--\r\n`
  const type = { 'content-type': 'multipart/form-data; boundary=x' }
  assert.equal(await post({ ...SIGNED_IN, ...type }, body), 200)
  assert.equal(await post({ host: HOST, ...type }, body), 403)
})

test('the API needs no proof, because a cookie never authenticates it', async () => {
  const headers = { ...SIGNED_IN, 'sec-fetch-site': 'cross-site' }
  assert.equal(await post(headers, '{}', '/api/v1/change'), 200)
  assert.equal(await post(headers, '{}', '/change'), 403)
})

test('before a sign-in the token of the cookie must come back in the form', async () => {
  const scope = { branchId: BRANCH_ID }
  const { app, changed } = smallApp({
    routes: (routes) => {
      routes.get('/form', (c) => c.text(preSignInToken(c, scope, countedRandom())))
    },
  })
  const page = await app.request('/form')
  const token = await page.text()
  const cookie = (page.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
  assert.match(cookie, /^branchline-ab12cd34-form=[0-9a-f]{32}$/)
  const send = async (headers: Record<string, string>, given: string) => {
    const init = {
      method: 'POST',
      headers: { 'content-type': FORM, ...headers },
      body: `formToken=${given}`,
    }
    return (await app.request('/change', init)).status
  }
  assert.equal(await send({ cookie }, token), 200)
  assert.equal(await send({ cookie }, 'f'.repeat(32)), 403)
  assert.equal(await send({}, token), 403, 'a form alone proves nothing')
  assert.equal(await send({ cookie: 'branchline-ab12cd34-form=' }, ''), 403)
  assert.equal(changed.length, 1)
})

test('on TLS a plain page under our name is not ours', () => {
  const secure = { secure: true, origins: [] }
  assert.equal(isOwnOrigin('https://chat.kyiv', 'chat.kyiv', secure), true)
  assert.equal(isOwnOrigin('https://chat.kyiv', 'chat.kyiv:443', secure), true)
  assert.equal(isOwnOrigin('http://chat.kyiv', 'chat.kyiv', secure), false)
  assert.equal(isOwnOrigin('file:///', '', { secure: false, origins: [] }), false)
})

test('reading needs no proof', async () => {
  const { app } = smallApp({ routes: (routes) => void routes.get('/page', (c) => c.text('page')) })
  const response = await app.request('/page', { headers: { 'sec-fetch-site': 'cross-site' } })
  assert.equal(response.status, 200)
})
