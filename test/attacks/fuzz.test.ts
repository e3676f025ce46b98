/** Requests of chance, from a seed, at every route that reads JSON, a form, a file or a query: an answer, never a bug. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { utf8 } from '../../src/base/bytes.ts'
import { type Fuzz, fuzz } from '../support/fuzz.ts'
import { type Browser, type Castle, castle, type Script } from './castle.ts'

const ID = 'ab'.repeat(16)
const CASES = 400

/** What each route of the API is sent when all is well. */
const JSON_BODIES: [method: string, path: string, body: object][] = [
  ['PATCH', '/me', { name: 'Ada Admin', firstName: 'Ada', lastName: 'Admin', language: 'en' }],
  ['POST', '/conversations', { kind: 'group', title: 'Board', members: ['emil'] }],
  ['POST', '/conversations', { kind: 'direct', with: 'emil' }],
  ['POST', '/conversations/CHAT/messages', { body: 'Hello', clientId: '1' }],
  ['POST', '/conversations/CHAT/read', { upTo: ID }],
  ['POST', '/admin/users', { login: 'fuzz', firstName: 'F', lastName: 'Z', role: 'employee' }],
  ['PATCH', `/admin/users/${ID}`, { firstName: 'A', post: 'x', room: '7', role: 'employee' }],
  ['POST', '/admin/invitations', { branch: 'Lviv', validHours: 2 }],
  ['POST', '/admin/revocations', { branch: 'Lviv', reason: 'superseded', note: 'x' }],
  ['POST', '/admin/issuers', { branch: 'Lviv' }],
]
const QUERIES = [
  '/chats?find=a',
  '/chats/CHAT?before=AAECAwQFBgcICQoLDA0ODxAREhMUFRYX&e=1',
  '/chats/CHAT/older?before=AAECAwQFBgcICQoLDA0ODxAREhMUFRYX',
  '/chats/CHAT/wait?after=0f0f-0',
  '/people/add?q=emil',
  '/admin/users?q=a&branch=b&state=active&page=2',
  '/sign-in?next=/chats',
  '/api/v1/people?q=e&limit=5&after=x&branch=Kyiv',
  '/api/v1/conversations?limit=5&after=x',
  '/api/v1/conversations/CHAT/messages?limit=5&before=AAECAwQFBgcICQoLDA0ODxAREhMUFRYX',
]
const FIELDS = { firstName: 'Ada', lastName: 'Admin', language: 'en', theme: 'auto' }
const PARTS = [...Object.entries(FIELDS), ['photo"; filename="a.png', '']].map(
  ([name, value]) => `--edge\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
)

describe('requests of chance', () => {
  const ending: (() => void | Promise<void>)[] = []
  let at: Castle
  let ada: Browser
  let script: Script
  let chat: string

  before(async () => {
    at = await castle({ after: (fn) => void ending.push(fn) })
    await at.add('emil')
    ada = await at.browser('ada')
    script = await at.script('ada')
    const found = { kind: 'direct', with: 'emil' }
    chat = (await script.json<{ id: string }>('POST', '/conversations', found)).id
  })
  after(async () => {
    for (const fn of ending.toReversed()) await fn()
  })

  /** Sends requests and tells those that ended as a bug; some must have been taken, or nothing was tried. */
  async function noBug(seed: number, ask: (chance: Fuzz) => Promise<[string, Response]>) {
    const chance = fuzz(seed)
    const bugs: string[] = []
    const statuses = new Set<number>()
    for (let n = 0; n < CASES; n++) {
      const [what, answer] = await ask(chance)
      statuses.add(answer.status)
      if (answer.status >= 500) bugs.push(`${answer.status} ${what}`)
      await answer.body?.cancel()
    }
    assert.deepEqual(bugs, [])
    assert.ok(
      [...statuses].some((status) => status < 400),
      [...statuses].join(' '),
    )
    assert.ok(statuses.has(422), [...statuses].join(' '))
    const log = at.logged().split('\n')
    assert.deepEqual(
      log.filter((line) => /"level":"error"/.test(line)),
      [],
    )
  }

  test('JSON', () =>
    noBug(1, async (chance) => {
      const [method, path, body] = chance.pick(JSON_BODIES as [[string, string, object]])
      const value = JSON.stringify(chance.value(body))
      const sent = chance.pick([value, value, chance.text([value])])
      const address = `/api/v1${path.replace('CHAT', chat)}`
      const headers = {
        'content-type': 'application/json',
        authorization: `Bearer ${script.token}`,
      }
      return [`${method} ${path} ${sent}`, await at.ask(address, { method, headers, body: sent })]
    }))

  test('queries', () =>
    noBug(2, async (chance) => {
      const [path = '', query = ''] = chance.pick(QUERIES as [string]).split('?')
      const address = `${path.replace('CHAT', chat)}?${chance.text([query]).replaceAll('#', '')}`
      const authorization = `Bearer ${script.token}`
      const headers = path.startsWith('/api/') ? { authorization } : { cookie: ada.cookie }
      return [address, await at.ask(address, { headers })]
    }))

  test('forms with files', () =>
    noBug(3, async (chance) => {
      const whole = utf8(`${PARTS.join('')}--edge--\r\n`)
      const body = new Uint8Array(chance.bytes([whole, utf8(PARTS.join('')), utf8(PARTS[0] ?? '')]))
      const type = `multipart/form-data; boundary=${chance.pick(['edge', 'edge', 'edge', '"edge"', 'x'])}`
      const headers = { cookie: ada.cookie, 'sec-fetch-site': 'same-origin', 'content-type': type }
      const answer = await at.ask('/profile', { method: 'POST', headers, body })
      return [JSON.stringify(Buffer.from(body).toString('latin1')), answer]
    }))
})
