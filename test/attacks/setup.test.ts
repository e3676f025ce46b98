/** Before and while a branch is set up: only who has the code founds it, once, and nobody can keep the owner out. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { castle, PASSWORD, type Ruin, ruin, SETUP_CODE } from './castle.ts'

const wishOf = (login: string, code = SETUP_CODE) => ({
  ...{ choice: 'create', code, organisation: 'Dovira', branch: 'Kyiv', login },
  ...{ firstName: 'Some', lastName: 'Body', password: PASSWORD },
})

/** Sends the set-up form from a machine of the LAN. */
function setUp(at: Ruin, fields: Record<string, string>, address = '10.0.0.2') {
  const request = new Request('http://castle.test:8080/setup', {
    method: 'POST',
    body: new URLSearchParams(fields),
    headers: { 'sec-fetch-site': 'same-origin' },
  })
  const env = { incoming: { socket: { remoteAddress: address } } } as never
  return at.branch.fetch(request, env)
}

test('before set-up every address leads to /setup or nowhere', async (t) => {
  const at = await ruin(t)
  const paths = ['/', '/sign-in', '/chats', '/admin/users', '/api/v1/me', '/events/page', '/demo/x']
  for (const path of paths) {
    const answer = await at.ask(path)
    assert.equal(`${answer.status} ${answer.headers.get('location')}`, '303 /setup', path)
    const posted = await at.ask(path, {
      method: 'POST',
      headers: { 'sec-fetch-site': 'same-origin' },
    })
    assert.equal(posted.status, 404, path)
  }
  assert.equal((await at.ask('/setup')).status, 200)
  assert.equal((await at.ask('/healthz')).status, 200)
})

test('a neighbour who guesses at the code keeps only himself out', async (t) => {
  const at = await ruin(t)
  let last = 0
  for (let i = 0; i < 8; i++) {
    last = (await setUp(at, wishOf('eve', `guess-${i}`), '10.0.0.66')).status
  }
  assert.equal(last, 429)
  assert.equal((await setUp(at, wishOf('eve'), '10.0.0.66')).status, 429, 'also with the right one')
  assert.equal((await setUp(at, wishOf('ada'))).status, 303, 'the owner gets in meanwhile')
})

test('the code never stands in the log, nor in a page before somebody typed it', async (t) => {
  const at = await ruin(t)
  const page = await (await at.ask('/setup')).text()
  await setUp(at, wishOf('eve', 'wrong-code'))
  await setUp(at, wishOf('ada'))
  assert.ok(!page.includes(SETUP_CODE))
  for (const secret of [SETUP_CODE, 'wrong-code', PASSWORD]) {
    assert.ok(!at.logged().includes(secret), secret)
  }
})

test('a set-up form that arrives when the branch is set up changes nothing', async (t) => {
  const at = await ruin(t)
  const gate = Promise.withResolvers<void>()
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      await gate.promise
      controller.enqueue(Buffer.from(new URLSearchParams(wishOf('mallory')).toString()))
      controller.close()
    },
  })
  // It passed the door while the branch was not set up, and takes its time.
  const slow = at.ask('/setup', {
    ...{ method: 'POST', body, duplex: 'half' },
    headers: {
      'sec-fetch-site': 'same-origin',
      'content-type': 'application/x-www-form-urlencoded',
    },
  } as RequestInit)
  assert.equal((await setUp(at, wishOf('ada'))).status, 303)
  const keys = () =>
    ['root', 'issuer', 'link'].map((name) => readFileSync(join(at.folder, `keys/${name}.json`)))
  const before = keys()
  gate.resolve()
  assert.equal((await slow).status, 409)
  assert.deepEqual(keys(), before)
  const logins = (await at.branch.operations?.users())?.map((user) => user.login)
  assert.deepEqual(logins, ['ada'])
})

test('of two set-up forms at once one founds, the other is told', async (t) => {
  const at = await ruin(t)
  const answers = await Promise.all([setUp(at, wishOf('ada')), setUp(at, wishOf('bob'))])
  assert.deepEqual(answers.map(({ status }) => status).sort(), [303, 409])
  assert.equal((await at.branch.operations?.users())?.length, 1)
})

test('after set-up there is no /setup, and without --demo there are no demo links', async (t) => {
  const at = await castle(t)
  const ada = await at.browser('ada')
  for (const path of ['/setup', `/demo/sign-in/${'ab'.repeat(16)}`]) {
    assert.equal((await at.ask(path)).status, 404, path)
    assert.equal((await ada.get(path)).status, 404, path)
    assert.equal((await ada.post(path, wishOf('eve'))).status, 404, path)
  }
})
