/** Forms that other sites send in a person's name, and what the cookies promise. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cookieName } from '../../src/web/cookies.ts'
import { type Castle, castle, PASSWORD } from './castle.ts'

const ID = 'ab'.repeat(16)

/** Every address of a page that changes something. */
function changingPaths(at: Castle): string[] {
  const paths = at
    .app()
    .routes.filter(({ method, path }) => method === 'POST' && !path.startsWith('/api/'))
    .map(({ path }) => path.replace(':id', ID))
  return [...new Set(paths)]
}

const FOREIGN: Record<string, Record<string, string>> = {
  'another site': { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
  'another port of this machine': { 'sec-fetch-site': 'same-site', origin: 'http://castle.test:1' },
  'an old browser on another site': { origin: 'https://evil.example' },
  'another port, old browser': { origin: 'http://castle.test:9999' },
  'a sandboxed frame': { origin: 'null' },
  'a browser that says nothing': {},
  'a site that calls itself ours': { origin: 'http://castle.test:8080.evil.example' },
  'a site with a token of its own': { origin: 'null', 'x-form-token': '0'.repeat(32) },
  'an empty token': { origin: 'null', 'x-form-token': '' },
}

test('no form from elsewhere is taken, whoever is signed in', async (t) => {
  const at = await castle(t)
  const ada = await at.browser('ada')
  const paths = changingPaths(at)
  assert.ok(paths.length >= 15, 'there are forms')
  const taken: string[] = []
  for (const path of paths) {
    for (const [what, foreign] of Object.entries(FOREIGN)) {
      for (const headers of [foreign, { ...foreign, cookie: ada.cookie }]) {
        const body = new URLSearchParams({ formToken: '' })
        const answer = await at.ask(path, { method: 'POST', body, headers })
        if (answer.status !== 403) taken.push(`${path} from ${what}: ${answer.status}`)
        assert.deepEqual(answer.headers.getSetCookie().filter(isSignIn), [], path)
      }
    }
  }
  assert.deepEqual(taken, [])
  assert.equal((await ada.get('/profile')).status, 200, 'ada is still signed in')
})

const isSignIn = (line: string) => /^branchline-[0-9a-f]{8}=/.test(line)

test('our own forms are taken: by what the browser says, and by the token', async (t) => {
  const at = await castle(t)
  const ada = await at.browser('ada')
  const own: Record<string, string>[] = [
    { 'sec-fetch-site': 'same-origin' },
    { origin: 'http://castle.test:8080', host: 'castle.test:8080' },
    { 'x-form-token': ada.formToken },
    { origin: 'null', 'x-form-token': ada.formToken },
  ]
  const refused: string[] = []
  for (const path of changingPaths(at).filter((each) => !/sign-out$|end-all$/.test(each))) {
    for (const headers of own) {
      const answer = await at.ask(path, {
        method: 'POST',
        body: new URLSearchParams({ nothing: 'useful' }),
        headers: { cookie: ada.cookie, ...headers },
      })
      if (/another site/.test(await answer.text()))
        refused.push(`${path} ${JSON.stringify(headers)}`)
    }
  }
  assert.deepEqual(refused, [])
})

test("nobody's token serves another sign-in, nor a visitor's token a sign-in", async (t) => {
  const at = await castle(t)
  await at.add('eve')
  const [ada, eve] = [await at.browser('ada'), await at.browser('eve')]
  const page = await at.ask('/sign-in')
  const visitor = /name="formToken" value="([0-9a-f]+)"/.exec(await page.text())?.[1] ?? ''
  const planted = page.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  for (const formToken of [eve.formToken, visitor]) {
    const answer = await at.ask('/admin/users', {
      method: 'POST',
      body: new URLSearchParams({ formToken, login: 'mallory' }),
      headers: { cookie: `${ada.cookie}; ${planted}` },
    })
    assert.equal(answer.status, 403)
  }
  assert.notEqual(ada.formToken, eve.formToken)
  const again = await at.browser('ada')
  assert.notEqual(ada.formToken, again.formToken, 'a token belongs to one sign-in')
})

test('cookies are HttpOnly, Lax and without a domain; a sign-in never keeps a token it was given', async (t) => {
  const at = await castle(t)
  const name = cookieName(at.core.membership.self)
  const fixed = 'A'.repeat(43)
  const answer = await at.ask('/sign-in', {
    method: 'POST',
    body: new URLSearchParams({ login: 'ada', password: PASSWORD }),
    headers: { 'sec-fetch-site': 'same-origin', cookie: `${name}=${fixed}` },
  })
  const lines = answer.headers.getSetCookie()
  assert.equal(lines.length, 1)
  const [pair, ...flags] = (lines[0] ?? '').split('; ')
  assert.match(pair ?? '', new RegExp(`^${name}=[A-Za-z0-9_-]{43}$`))
  assert.notEqual(pair, `${name}=${fixed}`)
  assert.deepEqual(flags.sort(), ['HttpOnly', 'Max-Age=34560000', 'Path=/', 'SameSite=Lax'])
  assert.ok(!(await at.logged()).includes(pair?.split('=')[1] ?? '?'), 'not in the log')
})

test('the cookie opens no API, the token opens no page', async (t) => {
  const at = await castle(t)
  const [browser, script] = [await at.browser('ada'), await at.script('ada')]
  const name = cookieName(at.core.membership.self)
  const api = at
    .app()
    .routes.filter(({ path, method }) => /^\/api\//.test(path) && method !== 'ALL')
  const open = ['/api/v1/sign-in', '/api/v1/openapi.json']
  for (const { method, path } of api) {
    if (open.includes(path)) continue
    const secret = browser.cookie.split('=')[1] ?? ''
    const misplaced: Record<string, string>[] = [
      { cookie: browser.cookie },
      { authorization: `Bearer ${secret}` },
    ]
    for (const headers of misplaced) {
      const answer = await at.ask(path.replace(':id', ID).replace(':login', 'ada'), {
        method,
        headers,
      })
      assert.equal(answer.status, 401, `${method} ${path}`)
    }
  }
  const misplaced: Record<string, string>[] = [
    { authorization: `Bearer ${script.token}` },
    { cookie: `${name}=${script.token}` },
  ]
  for (const headers of misplaced) {
    const answer = await at.ask('/profile', { headers })
    assert.equal(answer.status, 303)
  }
})
