/** Ten thousand of everything a stranger or a colleague may send: what it costs is bounded, and the others notice nothing. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createHasher } from '../../src/accounts/hasher.ts'
import { MINUTE, SECOND } from '../../src/base/units.ts'
import type { Sink } from '../../src/web/sse.ts'
import { type Castle, castle, PASSWORD, stopTime, streamAt, until } from './castle.ts'

const GUESSES = 10_000
/** Enough to come to the steady rate: the other ways to guess end at the same limiter. */
const GUESSES_ELSEWHERE = 1500
/** The clock of the test: this much passes with each guess. */
const EACH_MS = 100

/** Counts the passwords that are hashed, and spares the machine the work: each is wrong but the right one. */
function countHashes(at: Castle): { count: number } {
  const { hasher } = at.core.accounts
  const real = hasher.seedOf
  const hashed = { count: 0 }
  hasher.seedOf = async (password, salt) => {
    hashed.count += 1
    return password === PASSWORD ? await real(password, salt) : new Uint8Array(32)
  }
  return hashed
}

/** Time that only passes when it is told to. */
function handTime(at: Castle): (ms: number) => void {
  let now = at.world.clock.now()
  at.world.clock.now = () => now
  return (ms) => {
    now += ms
  }
}

type Try = { login: string; password: string; address: string }

/** Tries through the page or the API, as guessers would take turns. */
async function tryFrom(at: Castle, door: 'page' | 'api', { login, password, address }: Try) {
  const isPage = door === 'page'
  const request = new Request(`http://castle.test:8080${isPage ? '' : '/api/v1'}/sign-in`, {
    method: 'POST',
    body: isPage ? new URLSearchParams({ login, password }) : JSON.stringify({ login, password }),
    headers: isPage ? { 'sec-fetch-site': 'same-origin' } : { 'content-type': 'application/json' },
  })
  const env = { incoming: { socket: { remoteAddress: address } } } as never
  return await at.branch.fetch(request, env)
}

/** Sends the guesses and answers how often each status came; every 429 says when to come back. */
async function guessed(at: Castle, guesses: number, guess: (i: number) => Try) {
  const statuses: Record<number, number> = {}
  const pass = handTime(at)
  for (let i = 0; i < guesses; i++) {
    pass(EACH_MS)
    // The page of a refusal costs more than the refusal: most ask the API.
    const answer = await tryFrom(at, i % 10 === 0 ? 'page' : 'api', guess(i))
    statuses[answer.status] = (statuses[answer.status] ?? 0) + 1
    if (answer.status === 429) assert.match(answer.headers.get('retry-after') ?? '', /^[1-9]\d*$/)
  }
  return { statuses, pass, seconds: (guesses * EACH_MS) / SECOND }
}

const between = (n: number, least: number, most: number) =>
  assert.ok(n >= least && n <= most, `${n} is not between ${least} and ${most}`)

test('10,000 wrong passwords from one machine are 10, then one each six seconds', async (t) => {
  const at = await castle(t)
  const hashed = countHashes(at)
  const eve = '10.0.0.66'
  const { statuses, pass, seconds } = await guessed(at, GUESSES, (i) => ({
    ...{ login: i % 2 ? 'ada' : 'ADA@Kyiv', password: `guess ${i}`, address: eve },
  }))
  assert.deepEqual(Object.keys(statuses).sort(), ['401', '422', '429'])
  between(hashed.count, 10, 10 + seconds / 6 + 1)
  assert.equal(hashed.count, (statuses[401] ?? 0) + (statuses[422] ?? 0), 'a refusal costs no hash')
  const there = await tryFrom(at, 'page', { login: 'ada', password: PASSWORD, address: eve })
  assert.equal(there.status, 429, 'not even the right one, from where the guesses came')
  const desk = { login: 'ada', password: PASSWORD, address: '10.0.0.2' }
  assert.equal((await tryFrom(at, 'page', desk)).status, 303)
  pass(MINUTE)
  const again = await tryFrom(at, 'page', { login: 'ada', password: PASSWORD, address: eve })
  assert.equal(again.status, 303, 'and nobody is locked out for long')
})

test('guesses at invented logins from one machine are 60, then one each second', async (t) => {
  const at = await castle(t)
  const hashed = countHashes(at)
  const { seconds } = await guessed(at, GUESSES_ELSEWHERE, (i) => ({
    ...{ login: `nobody${i}`, password: 'wrong', address: '10.0.0.66' },
  }))
  between(hashed.count, 60, 60 + seconds + 1)
  const ada = { login: 'ada', password: PASSWORD, address: '10.0.0.2' }
  assert.equal((await tryFrom(at, 'page', ada)).status, 303)
})

test('guesses at one login from as many machines are 40, then one each two seconds; she gets in from her desk', async (t) => {
  const at = await castle(t)
  const desk = { login: 'ada', password: PASSWORD, address: '192.168.0.2' }
  assert.equal((await tryFrom(at, 'page', desk)).status, 303)
  const hashed = countHashes(at)
  const { seconds } = await guessed(at, GUESSES_ELSEWHERE, (i) => ({
    ...{ login: 'ada', password: 'wrong', address: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}` },
  }))
  between(hashed.count, 40, 40 + seconds / 2 + 1)
  assert.equal((await tryFrom(at, 'page', desk)).status, 303, 'at a desk where she was before')
})

test('guesses at one login from fifty machines, again and again: she gets in from a new one too', async (t) => {
  const at = await castle(t)
  const hashed = countHashes(at)
  await guessed(at, 400, (i) => ({ login: 'ada', password: 'wrong', address: `10.0.0.${i % 50}` }))
  between(hashed.count, 50, 120)
  const ada = { login: 'ada', password: PASSWORD, address: '192.168.0.7' }
  assert.equal((await tryFrom(at, 'page', ada)).status, 303)
})

test('who must wait anyway is told so before anything is looked up, in words', async (t) => {
  const at = await castle(t)
  countHashes(at)
  await guessed(at, 80, () => ({ login: 'ada', password: 'wrong', address: '10.0.0.66' }))
  at.core.store.read.rowsOf = () => assert.fail('nothing is looked up')
  const ask = (path: string, type: string) =>
    at.branch.fetch(
      new Request(`http://castle.test:8080${path}`, {
        method: 'POST',
        body: '{',
        headers: { 'content-type': type, 'accept-language': 'uk' },
      }),
      { incoming: { socket: { remoteAddress: '10.0.0.66' } } } as never,
    )
  for (let i = 0; i < 60; i++) await ask('/api/v1/sign-in', 'application/json')
  const answer = await ask('/api/v1/sign-in', 'application/json')
  assert.equal(answer.status, 429)
  assert.match(await answer.text(), /"too-many"/)
  for (let i = 0; i < 30; i++) await ask('/sign-in', 'text/plain')
  const page = await ask('/sign-in', 'text/plain')
  assert.equal(page.status, 429)
  assert.match(page.headers.get('retry-after') ?? '', /^[1-9]/)
  assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'/)
  assert.match(await page.text(), /lang="uk"[\s\S]*<p role="alert">[^<]*\d/)
})

test('400 guesses at once from as many machines: who was here before gets in, pages go on, the queue stays short', async (t) => {
  const at = await castle(t, {}, { hasher: createHasher() })
  const desk = { login: 'ada', password: PASSWORD, address: '192.168.0.2' }
  assert.equal((await tryFrom(at, 'page', desk)).status, 303)
  const statuses: Record<number, number> = {}
  const guesses = Array.from({ length: 400 }, async (_, i) => {
    const address = `10.0.${i >> 8}.${i & 255}`
    const { status } = await tryFrom(at, 'api', { login: `x${i}`, password: 'wrong', address })
    statuses[status] = (statuses[status] ?? 0) + 1
  })
  const began = performance.now()
  const answer = await tryFrom(at, 'page', desk)
  const waitedMs = performance.now() - began
  assert.equal(answer.status, 303)
  assert.equal((await at.ask('/sign-in')).status, 200)
  await Promise.all(guesses)
  t.diagnostic(`${JSON.stringify(statuses)}, her sign-in took ${Math.round(waitedMs)} ms`)
  between(statuses[401] ?? 0, 1, 200)
  assert.equal((statuses[401] ?? 0) + (statuses[429] ?? 0), 400, 'the others are told to come back')
})

test('unknown, disabled and long logins cost as many hashes as known ones, and get the same answer', async (t) => {
  const at = await castle(t)
  await at.add('emil')
  const hashed = countHashes(at)
  const answers = new Set<string>()
  for (const [i, [login, password]] of [
    ['emil', 'wrong'],
    ['nobody', 'wrong'],
    ['emil@nowhere', 'wrong'],
    ['nobody@Kyiv', 'wrong'],
    ['x'.repeat(1000), 'wrong'],
    ['\u0000', 'wrong'],
    ['emil', 'x'.repeat(1000)],
  ].entries()) {
    const before = hashed.count
    const who = { login: login ?? '', password: password ?? '', address: `10.0.1.${i}` }
    const answer = await tryFrom(at, 'api', who)
    answers.add(`${answer.status} ${(await answer.text()).replace(/[0-9a-f]{32}/g, '')}`)
    assert.equal(hashed.count, before + 1, `${login} ${password}`)
  }
  assert.deepEqual([...answers].length, 1, [...answers].join('\n'))
})

const STREAMS_PER_PERSON = 24
const STREAMS = 10_000

/** A reader that takes everything and keeps nothing. */
function sink(): Sink & { hangUp(): void } {
  let gone = () => {}
  return {
    waitingBytes: 0,
    write: () => {},
    end: () => gone(),
    destroy: () => gone(),
    onClose: (fn) => {
      gone = fn
    },
    hangUp: () => gone(),
  }
}

test('a colleague who opens two hundred streams has 24, and words for the rest', async (t) => {
  const at = await castle(t)
  await at.add('emil')
  const served = await at.serve()
  const [ada, emil, script] = [
    await at.browser('ada'),
    await at.browser('emil'),
    await at.script('emil'),
  ]
  const opened: { close(): void }[] = []
  t.after(() => {
    for (const stream of opened) stream.close()
  })
  const headers = { cookie: emil.cookie }
  for (let i = 0; i < STREAMS_PER_PERSON; i++) {
    opened.push(await streamAt(served, '/events/page', headers))
  }
  for (let i = 0; i < 176; i++) {
    const isApi = i % 2 === 0
    const answer = await fetch(`${served.url}${isApi ? '/api/v1/events' : '/events/page'}`, {
      headers: isApi ? { authorization: `Bearer ${script.token}` } : headers,
    })
    assert.equal(answer.status, 429)
    assert.equal(answer.headers.get('retry-after'), '10')
    assert.match(await answer.text(), /\b24\b/, 'the limit is said')
  }
  assert.equal(at.branch.streams.count, STREAMS_PER_PERSON)
  assert.equal((await emil.get('/chats')).status, 200)
  const hers = await streamAt(served, '/events/page', { cookie: ada.cookie })
  opened.push(hers)
  await until('ada is greeted', () => hers.text().includes('event: hello'))
  opened[0]?.close()
  await until('a place is free', () => at.branch.streams.count === STREAMS_PER_PERSON)
  const next = await streamAt(served, '/events/page', headers)
  opened.push(next)
  await until('he is greeted', () => next.text().includes('event: hello'))
})

test('when 10,000 streams are open the next is told to come back, pages go on, and a place that is left is given', async (t) => {
  const at = await castle(t)
  stopTime(at)
  const served = await at.serve()
  const ada = await at.browser('ada')
  const script = await at.script('ada')
  const sinks = Array.from({ length: STREAMS }, sink)
  for (const [i, each] of sinks.entries()) {
    const owner = `person ${Math.floor(i / STREAMS_PER_PERSON)}`
    at.branch.streams.openOver(each, { owner, kind: i % 2 ? 'api' : 'page' })
  }
  assert.throws(() => at.branch.streams.openOver(sink(), { owner: 'one more', kind: 'api' }))
  for (let i = 0; i < 100; i++) {
    const answer = await fetch(`${served.url}/api/v1/events`, {
      headers: { authorization: `Bearer ${script.token}` },
    })
    assert.equal(answer.status, 503)
    assert.equal(answer.headers.get('retry-after'), '10')
    assert.match(await answer.text(), /all are taken|unavailable/)
  }
  assert.equal(at.branch.streams.count, STREAMS)
  assert.equal((await ada.get('/chats')).status, 200)
  assert.equal((await fetch(`${served.url}/healthz`)).status, 200)
  sinks[0]?.hangUp()
  const stream = await streamAt(served, '/events/page', { cookie: ada.cookie })
  await until('she is greeted', () => stream.text().includes('event: hello'))
  stream.close()
  await until('she has left', () => at.branch.streams.count === STREAMS - 1)
  for (const each of sinks.slice(1)) each.hangUp()
  assert.equal(at.branch.streams.count, 0, 'nothing is kept of those who left')
})
