/** Deleted people in the audit log: nothing of them is left in it but id and login, and the chain stays whole. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { test } from 'node:test'
import { checkChain } from '../../src/audit/check.ts'
import { DATABASE_FILE, openStore } from '../../src/db/open.ts'
import { type Castle, castle } from '../attacks/castle.ts'
import { entriesOf, forged } from './support.ts'

const SECRETS = ['Zinaida', 'Quillfeather', '+351 999', 'basement']

/** Zina, created, edited and changed by herself; ada is who reads. */
async function cast(t: Parameters<typeof castle>[0]) {
  const at = await castle(t)
  const ada = await at.script('ada')
  const { id } = await ada.json<{ id: string }>('POST', '/admin/users', {
    ...{ login: 'zina', name: 'Zinaida Quillfeather', phone: '+351 999' },
  })
  await ada.json('PATCH', `/admin/users/${id}`, { room: 'basement' })
  return { at, ada, id }
}

const page = async (at: Castle, query = '') =>
  (await (await at.browser('ada')).get(`/admin/audit${query}`)).text()

test('while a person is there the log tells what changed, and proves it', async (t) => {
  const { at, id } = await cast(t)
  const shown = await page(at, '?person=zina')
  for (const text of [...SECRETS, 'Zinaida Quillfeather (zina)']) {
    assert.ok(shown.includes(text.replace('+', '&#43;')) || shown.includes(text), text)
  }
  const csv = await (await (await at.browser('ada')).get('/admin/audit/export.csv')).text()
  assert.match(csv, /basement/)
  const lines = await (await (await at.browser('ada')).get('/admin/audit/export.jsonl')).text()
  const told = lines
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .filter((line) => line.told !== undefined)
  assert.ok(told.length >= 2)
  for (const { after, told: beside } of told) {
    const hash = createHash('sha256').update('branchline audit-told/1\0')
    hash.update(Buffer.from(beside.salt, 'hex')).update(beside.text)
    assert.equal(JSON.parse(after).told, hash.digest('hex'))
  }
  const chained = (await entriesOf(at)).filter(({ subjectId }) => subjectId === id)
  for (const secret of SECRETS) assert.ok(!JSON.stringify(chained).includes(secret), secret)
})

test('a deleted person is nobody in the log, and the chain is whole', async (t) => {
  const { at, ada, id } = await cast(t)
  const before = await entriesOf(at)
  const wish = { login: 'zina', messages: 'keep' }
  await ada.json('POST', `/admin/users/${id}/erase`, wish)
  const after = await entriesOf(at)
  assert.deepEqual(after.slice(0, before.length), before, 'no entry was touched')
  assert.deepEqual((await checkChain(at.core.store.read)).brokenAt, undefined)
  const shown = await page(at, '?person=zina')
  const csv = await (await (await at.browser('ada')).get('/admin/audit/export.csv')).text()
  const lines = await (await (await at.browser('ada')).get('/admin/audit/export.jsonl')).text()
  const api = await (await ada.call('GET', '/admin/audit?person=zina')).text()
  for (const text of [shown, csv, lines, api]) {
    for (const secret of SECRETS) assert.ok(!text.includes(secret), secret)
    assert.ok(!text.includes('\u0001'))
  }
  assert.match(shown, /Deleted person \d+ \(zina\)/)
  assert.match(shown, /What changed of the person was destroyed with the person/)
})

test('what stands beside an entry cannot be changed or taken away of somebody who is there', async (t) => {
  for (const change of [
    `update audit_told set text = replace(text, 'basement', 'attic')`,
    `delete from audit_told`,
  ]) {
    const { at, id } = await cast(t)
    const last = (await entriesOf(at)).findLast(({ subjectId }) => subjectId === id)
    await at.branch.stop()
    forged(at.folder, (file) => {
      file.exec(`${change} where n = ${last?.n}`)
    })
    assert.equal(await brokenAt(at), last?.n)
  }
})

async function brokenAt(at: Castle) {
  const { clock, log } = at.world
  const store = await openStore({ path: join(at.folder, DATABASE_FILE), clock, log })
  const { brokenAt: n } = await checkChain(store.read)
  await store.close()
  return n
}
