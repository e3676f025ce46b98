/** One person who writes as fast as a program can: told in words, and nobody else notices. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configOf, UsageError } from '../../src/config.ts'
import { castle, stopTime } from './castle.ts'

async function talking(t: Parameters<typeof castle>[0]) {
  const at = await castle(t, { postsPerSecond: 5 })
  await at.add('emil')
  const [ada, emil] = [await at.script('ada'), await at.script('emil')]
  const { id } = await ada.json<{ id: string }>('POST', '/conversations', {
    ...{ kind: 'direct', with: 'emil' },
  })
  const path = `/conversations/${id}/messages`
  return { at, ada, emil, id, path }
}

test('thirty messages at once go through, the next is told when to come again', async (t) => {
  const { at, ada, emil, id, path } = await talking(t)
  const page = await at.browser('ada')
  stopTime(at)
  for (let n = 0; n < 30; n++) await ada.json('POST', path, { body: `line ${n}` })
  const refused = await ada.call('POST', path, { body: 'one too many' })
  assert.equal(refused.status, 429)
  assert.equal(refused.headers.get('retry-after'), '1')
  const { error } = (await refused.json()) as { error: { code: string } }
  assert.equal(error.code, 'too-many')
  assert.equal((await emil.call('POST', path, { body: 'I am slow' })).status, 201)

  const shown = await page.post(`/chats/${id}/messages`, { body: 'a long thought' })
  const html = await shown.text()
  assert.match(html, />a long thought<\/textarea>/, 'the text is kept')
  assert.match(html, /Your text is kept: send it again in 1 second\./)

  const now = at.world.clock.now()
  at.world.clock.now = () => now + 1000
  for (let n = 0; n < 5; n++) await ada.json('POST', path, { body: `later ${n}` })
  assert.equal((await ada.call('POST', path, { body: 'again' })).status, 429)
})

test('signs of typing beyond the pace are forgotten without a word', async (t) => {
  const { at, ada, id } = await talking(t)
  stopTime(at)
  for (let n = 0; n < 40; n++) {
    assert.equal((await ada.call('POST', `/conversations/${id}/typing`)).status, 204)
  }
})

test('a pace that is no number, and a set-up code that is soon guessed, are refused at the start', () => {
  const start = (flags: Record<string, string>) =>
    configOf({ flags, environment: {}, readFile: () => '' })
  assert.equal(start({}).postsPerSecond, 0)
  assert.equal(start({ 'posts-per-second': '5' }).postsPerSecond, 5)
  for (const wrong of ['-1', '1.5', 'many', '100000']) {
    assert.throws(() => start({ 'posts-per-second': wrong }), UsageError)
  }
  const told = (error: Error) => /too short/.test(error.message) && !/abc1234/.test(error.message)
  assert.throws(() => start({ 'setup-code': 'abc1234' }), told)
  assert.equal(start({ 'setup-code': 'abc12345' }).setupCode, 'abc12345')
})
