/** A disk that is full, a database that is locked, a server that is stopped while it writes: nothing is said to be done that is not. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import Sqlite from 'better-sqlite3'
import { sql } from 'kysely'
import { DATABASE_FILE } from '../../src/db/open.ts'
import { type Castle, castle, PASSWORD, type Script } from './castle.ts'

/** Pages the database may have from now on; 1 means: not one more than it has. */
async function pagesMax(at: Castle, pages: number): Promise<void> {
  await at.core.store.writer.write(async (tx) => {
    await sql`pragma max_page_count = ${sql.lit(pages)}`.execute(tx)
  })
}

async function chatOfAda(at: Castle): Promise<{ ada: Script; chat: string }> {
  await at.add('emil')
  const ada = await at.script('ada')
  const wish = { kind: 'direct', with: 'emil' }
  const { id: chat } = await ada.json<{ id: string }>('POST', '/conversations', wish)
  return { ada, chat }
}

/** The bodies of all messages. */
async function bodies(ada: Script, chat: string): Promise<string[]> {
  const path = `/conversations/${chat}/messages?limit=200`
  const { items } = await ada.json<{ items: { body: string }[] }>('GET', path)
  return items.map((item) => item.body)
}

test('on a full disk nothing is acknowledged, pages say why, and reading goes on', async (t) => {
  const at = await castle(t)
  const { ada, chat } = await chatOfAda(at)
  const page = await at.browser('ada')
  await pagesMax(at, 1)
  const taken: string[] = []
  const refused: string[] = []
  for (let i = 0; refused.length < 3; i++) {
    assert.ok(i < 500, 'the disk never filled')
    const body = `${i} ${'x'.repeat(3000)}`
    const path = `/conversations/${chat}/messages`
    const answer = await ada.call('POST', path, { body, clientId: `${i}` })
    if (answer.status === 201) taken.push(body)
    else {
      assert.equal(answer.status, 503)
      assert.ok(Number(answer.headers.get('retry-after')) > 0)
      const { error } = (await answer.json()) as { error: { code: string; message: string } }
      assert.deepEqual([error.code, error.message], ['unavailable', 'The disk is full'])
      refused.push(body)
    }
  }
  const form = await page.post(`/chats/${chat}/messages`, { body: 'y'.repeat(4000) })
  assert.equal(form.status, 503)
  assert.match(await form.text(), /The disk of the branch server is full/)
  const entered = await at.ask('/sign-in', {
    ...{ method: 'POST', headers: { 'sec-fetch-site': 'same-origin' } },
    body: new URLSearchParams({ login: 'ada', password: PASSWORD }),
  })
  assert.ok(entered.status === 503 || entered.status === 303, `${entered.status}`)
  assert.equal((await page.get(`/chats/${chat}`)).status, 200)
  assert.deepEqual(await bodies(ada, chat), taken)

  await pagesMax(at, 1_000_000)
  for (const [i, body] of refused.entries()) {
    const again = { body, clientId: `${taken.length + i}` }
    const answer = await ada.call('POST', `/conversations/${chat}/messages`, again)
    assert.equal(answer.status, 201)
  }
  const all = await bodies(ada, chat)
  assert.deepEqual(all, [...taken, ...refused])
})

test('while another program holds the database, writing is told to wait and reading goes on', async (t) => {
  const at = await castle(t)
  const { ada, chat } = await chatOfAda(at)
  const thief = new Sqlite(`${at.folder}/${DATABASE_FILE}`)
  thief.exec('begin immediate')
  const path = `/conversations/${chat}/messages`
  const answer = await ada.call('POST', path, { body: 'Held up', clientId: '1' })
  assert.equal(answer.status, 503)
  assert.ok(Number(answer.headers.get('retry-after')) > 0)
  assert.deepEqual(await bodies(ada, chat), [])
  thief.exec('rollback')
  thief.close()
  assert.equal((await ada.call('POST', path, { body: 'Held up', clientId: '1' })).status, 201)
  assert.equal((await ada.call('POST', path, { body: 'Held up', clientId: '1' })).status, 200)
  assert.deepEqual(await bodies(ada, chat), ['Held up'])
})

test('a branch that is stopped while people write has all it acknowledged, and refuses the rest', async (t) => {
  const at = await castle(t)
  const { ada, chat } = await chatOfAda(at)
  const path = `/conversations/${chat}/messages`
  const taken: string[] = []
  const statuses = new Set<number>()
  const write = async (i: number) => {
    const answer = await ada.call('POST', path, { body: `${i}`, clientId: `${i}` })
    statuses.add(answer.status)
    if (answer.status === 201) taken.push(`${i}`)
  }
  const first = Array.from({ length: 50 }, (_, i) => write(i))
  await Promise.race(first)
  const stopping = at.branch.stop()
  const later = Array.from({ length: 50 }, (_, i) => write(100 + i))
  await Promise.all([stopping, ...first, ...later])
  for (let i = 200; i < 203; i++) await write(i)
  assert.deepEqual(
    [...statuses].filter((status) => status !== 201 && status !== 503),
    [],
  )
  const left = new Sqlite(`${at.folder}/${DATABASE_FILE}`, { readonly: true })
  const rows = left.prepare('select body from message').all() as { body: string }[]
  left.close()
  assert.ok(taken.length > 0)
  for (const body of taken)
    assert.ok(
      rows.some((row) => row.body === body),
      `${body} is there`,
    )
})
