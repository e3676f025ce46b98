/** What is somebody else's: its address answers like one that does not exist, and no stream tells of it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Browser, castle, type Script, streamAt, until } from './castle.ts'

const SECRET = 'The vault is behind the clock'
const NOBODY = 'ab'.repeat(16)

/** Emil and vic share a direct chat and a group; olga and the admins share nothing with them. */
async function twoWithASecret(t: Parameters<typeof castle>[0]) {
  const at = await castle(t)
  for (const login of ['emil', 'vic', 'olga']) await at.add(login)
  const emil = await at.script('emil')
  const begin = (wish: object) => emil.json<{ id: string }>('POST', '/conversations', wish)
  const direct = await begin({ kind: 'direct', with: 'vic' })
  const group = await begin({ kind: 'group', title: 'Vault keepers', members: ['vic'] })
  const chats = [direct.id, group.id]
  const messages: string[] = []
  for (const chat of chats) {
    const path = `/conversations/${chat}/messages`
    messages.push((await emil.json<{ id: string }>('POST', path, { body: SECRET })).id)
  }
  return { at, emil, chats, messages }
}

/** What an answer says, without what differs from request to request. */
async function said(answer: Response): Promise<string> {
  return `${answer.status} ${await answer.text()}`
}

test("somebody else's chats and messages answer like ids that do not exist", async (t) => {
  const { at, chats, messages } = await twoWithASecret(t)
  for (const login of ['olga', 'ada']) {
    const page = await at.browser(login)
    const api = await at.script(login)
    for (const [i, chat] of chats.entries()) {
      const message = messages[i] ?? ''
      for (const probe of probes) {
        const real = await said(await probe({ page, api, chat, message }))
        const none = await said(await probe({ page, api, chat: NOBODY, message: NOBODY }))
        assert.equal(real.replaceAll(chat, NOBODY).replaceAll(message, NOBODY), none)
        assert.match(real, /^404 /)
        assert.ok(!real.includes(SECRET) && !real.includes('Vault'), real)
      }
    }
  }
})

type Probe = (of: {
  page: Browser
  api: Script
  chat: string
  message: string
}) => Promise<Response>

const probes: Probe[] = [
  ({ page, chat }) => page.get(`/chats/${chat}`),
  ({ page, chat }) => page.get(`/chats/${chat}?before=${'f'.repeat(32)}`),
  ({ page, chat }) => page.get(`/chats/${chat}?e=1`),
  ({ page, chat }) => page.get(`/chats/${chat}/details`),
  ({ page, chat }) => page.get(`/chats/${chat}/details`, { 'hx-request': 'true' }),
  ({ page, chat }) => page.get(`/chats/${chat}/older?before=${'f'.repeat(32)}`),
  ({ page, chat }) => page.get(`/chats/${chat}/wait?after=0`),
  ({ page, chat }) => page.post(`/chats/${chat}/messages`, { body: 'me too' }),
  ({ page, chat }) => page.post(`/chats/${chat}/messages`, { body: '' }),
  ({ page, chat }) =>
    page.post(`/chats/${chat}/messages`, { body: 'me too' }, { 'hx-request': 'true' }),
  ({ page, chat }) => page.post(`/chats/${chat}/typing`, {}),
  ({ page, chat, message }) => page.post(`/chats/${chat}/seen`, { upTo: message, mark: 'read' }),
  ({ page, message }) => page.get(`/messages/${message}/delivery`),
  ({ page, message }) => page.get(`/messages/${message}/delivery`, { 'hx-request': 'true' }),
  ({ api, chat }) => api.call('GET', `/conversations/${chat}/messages`),
  ({ api, chat, message }) => api.call('GET', `/conversations/${chat}/messages?before=${message}`),
  ({ api, chat }) => api.call('POST', `/conversations/${chat}/messages`, { body: 'me too' }),
  ({ api, chat, message }) => api.call('POST', `/conversations/${chat}/read`, { upTo: message }),
  ({ api, chat }) => api.call('POST', `/conversations/${chat}/typing`),
  ({ api, chat }) => api.call('PUT', `/conversations/${chat}/members/olga`),
  ({ api, chat }) => api.call('DELETE', `/conversations/${chat}/members/vic`),
  ({ api, chat }) => api.call('DELETE', `/conversations/${chat}/members/me`),
  ({ api, message }) => api.call('GET', `/messages/${message}/delivery`),
]

test('a message of another chat is no place in mine, and cannot be marked through it', async (t) => {
  const { at, messages } = await twoWithASecret(t)
  const olga = await at.script('olga')
  const page = await at.browser('olga')
  const wish = { kind: 'group', title: 'Own', members: ['ada'] }
  const { id: own } = await olga.json<{ id: string }>('POST', '/conversations', wish)
  for (const message of [...messages, NOBODY]) {
    const read = await olga.call('POST', `/conversations/${own}/read`, { upTo: message })
    assert.equal(read.status, 404)
    const seen = await page.post(`/chats/${own}/seen`, { upTo: message, mark: 'read' })
    assert.equal(seen.status, 404)
    for (const way of ['before', 'after']) {
      const answer = await olga.call('GET', `/conversations/${own}/messages?${way}=${message}`)
      assert.equal(answer.status, 404)
    }
  }
})

test('the author alone is told the way of a message; the other one is not', async (t) => {
  const { at, messages } = await twoWithASecret(t)
  const vic = await at.script('vic')
  for (const message of messages) {
    assert.equal((await vic.call('GET', `/messages/${message}/delivery`)).status, 404)
  }
})

test("streams tell nothing of others' chats, whatever address they name", async (t) => {
  const { at, emil, chats } = await twoWithASecret(t)
  const served = await at.serve()
  const [olga, olgaApi] = [await at.browser('olga'), await at.script('olga')]
  const vic = await at.browser('vic')
  const streams = [
    ...(await Promise.all(
      chats.flatMap((chat) => [
        streamAt(served, `/events/page?chat=${chat}`, { cookie: olga.cookie }),
        streamAt(served, `/events/page?chat=${chat}&after=0`, { cookie: olga.cookie }),
      ]),
    )),
    await streamAt(served, '/api/v1/events?after=0', { authorization: `Bearer ${olgaApi.token}` }),
  ]
  const witness = await streamAt(served, `/events/page?chat=${chats[1]}`, { cookie: vic.cookie })
  for (const chat of chats) {
    await emil.call('POST', `/conversations/${chat}/typing`)
    await emil.call('POST', `/conversations/${chat}/messages`, { body: SECRET })
    await vic.post(`/chats/${chat}/typing`, {})
  }
  await until('the member hears of it', () => witness.text().includes(SECRET))
  // What comes after all that has passed the same queue.
  await olgaApi.json('POST', '/conversations', { kind: 'group', title: 'Own', members: ['ada'] })
  await until('the last one is there', () => streams.every((s) => s.text().includes('Own')))
  for (const stream of streams) {
    assert.ok(!stream.text().includes(SECRET))
    assert.ok(!chats.some((chat) => stream.text().includes(chat)))
    assert.ok(!/emil|vic/i.test(stream.text()), stream.text())
    stream.close()
  }
  witness.close()
})

test('who was taken out of a group sees and hears nothing more of it', async (t) => {
  const { at, emil, chats } = await twoWithASecret(t)
  const group = chats[1] ?? ''
  const served = await at.serve()
  const [vic, vicApi] = [await at.browser('vic'), await at.script('vic')]
  const page = await streamAt(served, `/events/page?chat=${group}`, { cookie: vic.cookie })
  const api = await streamAt(served, '/api/v1/events', { authorization: `Bearer ${vicApi.token}` })
  await emil.json('DELETE', `/conversations/${group}/members/vic`)
  await emil.json('POST', `/conversations/${group}/messages`, { body: 'Vic is gone' })
  const [direct = ''] = chats
  await emil.json('POST', `/conversations/${direct}/messages`, { body: 'The last one' })
  await until('the last one is there', () => api.text().includes('The last one'))
  for (const stream of [page, api]) assert.ok(!stream.text().includes('Vic is gone'))
  assert.equal((await vic.get(`/chats/${group}`)).status, 404)
  assert.equal((await vicApi.call('GET', `/conversations/${group}/messages`)).status, 404)
  const list = await (await vic.get('/chats')).text()
  assert.ok(!list.includes(group))
  page.close()
  api.close()
})

test('what was written before somebody came is not shown in any way', async (t) => {
  const { at, emil, chats, messages } = await twoWithASecret(t)
  const group = chats[1] ?? ''
  await emil.json('PUT', `/conversations/${group}/members/olga`)
  const [page, api] = [await at.browser('olga'), await at.script('olga')]
  const texts = [
    await (await page.get('/chats')).text(),
    await (await page.get(`/chats/${group}`)).text(),
    await (await page.get(`/chats/${group}?before=${'f'.repeat(32)}`)).text(),
    JSON.stringify(await api.json('GET', '/conversations')),
    JSON.stringify(await api.json('GET', `/conversations/${group}/messages`)),
  ]
  for (const text of texts) assert.ok(!text.includes(SECRET))
  const unread = await api.json<{ items: { unread: number }[] }>('GET', '/conversations')
  assert.deepEqual(
    unread.items.map((item) => item.unread),
    [0],
  )
  for (const upTo of [NOBODY, messages[1] ?? '']) {
    const seen = await page.post(`/chats/${group}/seen`, { upTo, mark: 'read' })
    assert.equal(seen.status, 404, 'an old message cannot be found out by marking it')
  }
})
