/** Sign-ins that have ended are over everywhere: in other tabs, in open streams, with a stolen cookie. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { disableUser } from '../../src/accounts/actions.ts'
import { type Castle, castle, PASSWORD, streamAt, until } from './castle.ts'

/** Two browsers and a script of emil, each with an open stream. */
async function emilEverywhere(t: Parameters<typeof castle>[0]) {
  const at = await castle(t)
  const emil = await at.add('emil')
  const served = await at.serve()
  const here = await at.browser('emil')
  const there = await at.browser('emil')
  const script = await at.script('emil')
  const page = (browser: { cookie: string }) =>
    streamAt(served, '/events/page', { cookie: browser.cookie })
  const bearer = { authorization: `Bearer ${script.token}` }
  const streams = {
    here: await page(here),
    there: await page(there),
    script: await streamAt(served, '/api/v1/events', bearer),
  }
  await until('three streams are open', () => at.branch.streams.count === 3)
  return { at, emil, here, there, script, streams }
}

const isOut = async (at: Castle, cookie: string) =>
  (await at.ask('/profile', { headers: { cookie } })).status === 303

test('signing out ends the streams of that sign-in, and no others', async (t) => {
  const { at, here, streams } = await emilEverywhere(t)
  await here.post('/sign-out', {})
  await until('the stream has ended', () => !streams.here.isOpen())
  assert.match(streams.here.text(), /event: bye/)
  assert.ok(await isOut(at, here.cookie))
  assert.ok(streams.there.isOpen() && streams.script.isOpen())
})

test('a script that signs out loses its stream', async (t) => {
  const { script, streams } = await emilEverywhere(t)
  await script.call('POST', '/sign-out')
  await until('the stream has ended', () => !streams.script.isOpen())
  assert.equal((await script.call('GET', '/me')).status, 401)
  assert.ok(streams.here.isOpen() && streams.there.isOpen())
})

test('another own sign-in that is ended takes its stream with it', async (t) => {
  const { at, here, there, streams } = await emilEverywhere(t)
  const page = await (await here.get('/profile')).text()
  const ids = [...page.matchAll(/\/profile\/sign-ins\/([0-9a-f]{32})\/end/g)].map((m) => m[1])
  for (const id of ids) await here.post(`/profile/sign-ins/${id}/end`, {})
  await until('the others have ended', () => !streams.there.isOpen() && !streams.script.isOpen())
  assert.ok(streams.here.isOpen(), 'the own one goes on')
  assert.ok(await isOut(at, there.cookie))
})

test('ending all others, and then all everywhere, takes their streams with them', async (t) => {
  const { at, here, there, streams } = await emilEverywhere(t)
  await here.post('/profile/sign-ins/end-others', {})
  await until('the others have ended', () => !streams.there.isOpen() && !streams.script.isOpen())
  assert.ok(streams.here.isOpen(), 'the own one goes on')
  await here.post('/profile/sign-ins/end-all', {})
  await until('the own one has ended', () => !streams.here.isOpen())
  assert.ok((await isOut(at, here.cookie)) && (await isOut(at, there.cookie)))
})

test('a new password ends the streams of whoever knew the old one', async (t) => {
  const { at, here, there, streams } = await emilEverywhere(t)
  const fresh = 'another lantern 8'
  const fields = { current: PASSWORD, password: fresh, repeat: fresh }
  const answer = await here.post('/profile/password', fields)
  assert.equal(answer.status, 303)
  await until('the others have ended', () => !streams.there.isOpen() && !streams.script.isOpen())
  assert.ok(await isOut(at, there.cookie))
  assert.ok(await isOut(at, here.cookie), 'the old token of this browser is of no use either')
})

test('after a reset no stream goes on, even if the thief is quick to sign in again', async (t) => {
  const { at, emil, streams } = await emilEverywhere(t)
  const reset = at.reset(emil.id, 'temporary lantern 9')
  await reset
  await at.browser('emil', 'temporary lantern 9')
  await until('all have ended', () => at.branch.streams.count === 0)
  for (const stream of Object.values(streams)) await stream.ended
})

test('a disabled person is out of every page, script and stream at once', async (t) => {
  const { at, emil, here, script } = await emilEverywhere(t)
  await disableUser(at.core.accounts, undefined, emil.id)
  await until('all have ended', () => at.branch.streams.count === 0)
  assert.ok(await isOut(at, here.cookie))
  assert.equal((await script.call('GET', '/me')).status, 401)
  await assert.rejects(at.browser('emil'), /403/)
})

test('a sign-in that expires while its page is open takes the stream with it', async (t) => {
  const { at, streams } = await emilEverywhere(t)
  await at.core.store.writer.write(async (tx) => {
    await tx.updateTable('sign_in').set({ expiresAt: 1 }).where('kind', '=', 'browser').execute()
  })
  await at.core.signIns.removeExpired()
  await until('both pages have ended', () => !streams.here.isOpen() && !streams.there.isOpen())
  assert.ok(streams.script.isOpen())
})
