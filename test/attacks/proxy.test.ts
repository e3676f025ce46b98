/** Behind a proxy that speaks TLS: cookies are as they would be on TLS of our own. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configOf, UsageError } from '../../src/config.ts'
import { castle, PASSWORD } from './castle.ts'

const ORIGIN = 'https://chat.example'

/** The cookies of a sign-in asked for under a host name. */
async function cookiesUnder(at: Awaited<ReturnType<typeof castle>>, host: string) {
  const answer = await at.ask('/sign-in', {
    method: 'POST',
    body: new URLSearchParams({ login: 'ada', password: PASSWORD }),
    headers: { host, origin: ORIGIN, 'sec-fetch-site': 'same-origin' },
  })
  assert.equal(answer.status, 303)
  const lines = answer.headers.getSetCookie().filter((line) => !line.includes('Max-Age=0'))
  return { lines, answer }
}

test('under the https address of --origins cookies are Secure and __Host-, and are known again', async (t) => {
  const at = await castle(t, { origins: [ORIGIN] })
  const { lines, answer } = await cookiesUnder(at, 'chat.example')
  assert.ok(lines.length > 0)
  for (const line of lines) assert.match(line, /^__Host-.*; Secure/)
  assert.equal(answer.headers.get('cross-origin-opener-policy'), 'same-origin')
  const cookie = lines.map((line) => line.split(';')[0]).join('; ')
  const inside = await at.ask('/chats', { headers: { host: 'chat.example', cookie } })
  assert.equal(inside.status, 200)
  const plain = cookie.replaceAll('__Host-', '')
  const planted = await at.ask('/chats', { headers: { host: 'chat.example', cookie: plain } })
  assert.equal(planted.status, 303, 'one that anybody on plain http can plant is none of ours')
})

test('under another name nothing changes', async (t) => {
  const at = await castle(t, { origins: [ORIGIN] })
  for (const host of ['127.0.0.1:8080', 'chat.example:8080']) {
    const { lines } = await cookiesUnder(at, host)
    for (const line of lines) assert.doesNotMatch(line, /__Host-|Secure/)
  }
})

test('an address that no browser would send as its origin is refused at the start', () => {
  const start = (origins: string) =>
    configOf({ flags: { origins }, environment: {}, readFile: () => '' })
  for (const wrong of [
    'chat.example',
    'https://chat.example/chat',
    'ftp://chat.example',
    'https://u@chat.example',
  ]) {
    assert.throws(() => start(wrong), UsageError, wrong)
  }
  const given = start('https://Chat.example/,https://chat.example:443, http://10.1.2.3:8081')
  assert.deepEqual(given.origins, [ORIGIN, ORIGIN, 'http://10.1.2.3:8081'])
})
