/** Whoever guesses keeps only himself out: by address, also behind a proxy, whose word counts only where there is one. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createHasher } from '../../src/accounts/hasher.ts'
import { type Castle, castle, PASSWORD, stopTime } from './castle.ts'

const PROXY = '127.0.0.1'

/** Tries to sign in from a machine; `seen` is what a proxy says of it. */
async function tryFrom(
  at: Castle,
  who: { login: string; password: string; address: string; seen?: string },
): Promise<number> {
  const { login, password, address, seen } = who
  const request = new Request('http://castle.test:8080/sign-in', {
    method: 'POST',
    body: new URLSearchParams({ login, password }),
    headers: {
      'sec-fetch-site': 'same-origin',
      ...(seen === undefined ? {} : { 'x-forwarded-for': seen }),
    },
  })
  const env = { incoming: { socket: { remoteAddress: address } } } as never
  return (await at.branch.fetch(request, env)).status
}

test('a colleague whose login somebody guesses at behind the same proxy still gets in', async (t) => {
  const at = await castle(t, { origins: ['https://chat.example'] })
  stopTime(at)
  const eve = { login: 'ada', password: 'wrong', address: PROXY, seen: '6.6.6.6, 10.0.0.66' }
  let last = 0
  for (let i = 0; i < 12; i++) last = await tryFrom(at, eve)
  assert.equal(last, 429)
  const ada = { login: 'ada', password: PASSWORD, address: PROXY, seen: '10.0.0.2' }
  assert.equal(await tryFrom(at, ada), 303)
})

test('an address that somebody makes up counts as nothing', async (t) => {
  const at = await castle(t, { origins: ['https://chat.example'] })
  stopTime(at)
  for (const [what, address, seen] of [
    ['before the one the proxy saw', PROXY, (i: number) => `10.1.0.${i}, 10.0.0.66`],
    ['without a proxy', '10.0.0.67', (i: number) => `10.2.0.${i}`],
    ['that is none', PROXY, (i: number) => `${'x'.repeat(i + 1)}`],
  ] as const) {
    let last = 0
    for (let i = 0; i < 12; i++) {
      last = await tryFrom(at, { login: 'ada', password: 'wrong', address, seen: seen(i) })
    }
    assert.equal(last, 429, what)
  }
})

test('where no proxy was named, nobody is believed', async (t) => {
  const at = await castle(t)
  stopTime(at)
  let last = 0
  for (let i = 0; i < 12; i++) {
    const seen = `10.3.0.${i}`
    last = await tryFrom(at, { login: 'ada', password: 'wrong', address: PROXY, seen })
  }
  assert.equal(last, 429)
})

test('a storm of sign-ins is refused in time, and those who are in notice nothing', async (t) => {
  const at = await castle(t, {}, { hasher: createHasher() })
  const ada = await at.browser('ada')
  stopTime(at)
  const storm = Array.from({ length: 100 }, (_, i) =>
    tryFrom(at, { login: `nobody${i}`, password: 'wrong', address: `10.4.${i >> 8}.${i & 255}` }),
  )
  const page = await ada.get('/chats')
  assert.equal(page.status, 200)
  const statuses = new Set(await Promise.all(storm))
  assert.deepEqual([...statuses].sort(), [422, 429])
  assert.equal(await tryFrom(at, { login: 'ada', password: PASSWORD, address: '10.0.0.2' }), 303)
})
