/** How large, how much, which types, and for how long: limits, rules and retention. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppError } from '../../src/base/errors.ts'
import type { UserId } from '../../src/base/ids.ts'
import { refusedBy } from '../../src/files/endings.ts'
import { createFilePolicy } from '../../src/files/policy.ts'
import { castle } from '../attacks/castle.ts'
import { bytesIn, sender } from './sending.ts'
import { idOf, type Warehouse, warehouse } from './warehouse.ts'

const MIB = 1024 * 1024
const ada = idOf('ada') as UserId

function refusal(error: unknown): string {
  return error instanceof AppError ? `${error.status} ${error.detail}` : String(error)
}

async function asked(
  at: Warehouse,
  settings: { sizeMax?: number; personMax?: number; branchMax?: number },
  file: { name?: string; type?: string; size: number },
) {
  const policy = createFilePolicy(
    { self: idOf('self') as never },
    { sizeMax: 10 * MIB, personMax: 0, branchMax: 0, ...settings },
  )
  const wish = { owner: ada, name: 'plan.txt', ...file }
  return await policy.demandAllowed(at.store.read, wish).then(() => 'taken', refusal)
}

test('a file of the largest size is taken, one byte more is not', async (t) => {
  const at = await warehouse(t)
  assert.equal(await asked(at, {}, { size: 10 * MIB }), 'taken')
  assert.equal(await asked(at, {}, { size: 10 * MIB + 1 }), '413 file-large')
})

test('the quota of a person counts what is uploaded and what was sent, that of a branch each byte once', async (t) => {
  const at = await warehouse(t)
  const made = await at.keep(new Uint8Array(MIB))
  await at.upload('not sent', made)
  assert.equal(await asked(at, { personMax: 2 * MIB }, { size: MIB }), 'taken')
  assert.equal(await asked(at, { personMax: 2 * MIB }, { size: MIB + 1 }), '413 quota-full')
  await at.upload('again', made)
  assert.equal(await asked(at, { personMax: 2 * MIB }, { size: 1 }), '413 quota-full')
  assert.equal(await asked(at, { branchMax: 2 * MIB }, { size: MIB }), 'taken')
  assert.equal(await asked(at, { branchMax: 2 * MIB }, { size: MIB + 1 }), '413 quota-full')
})

test('a rule meets an ending however it is written, and a kind by its type', () => {
  const refused = ['exe', 'kind:video', 'docm']
  const by = (name: string, type = '') => refusedBy(refused, { name, type })
  for (const name of [
    'a.exe',
    'a.EXE',
    'a.txt.exe',
    'a.exe.',
    'a.exe . ',
    'a.ｅｘｅ',
    'a.e\u200bxe',
  ]) {
    assert.equal(by(name), 'exe', name)
  }
  for (const name of ['exe', 'a.exe.txt', 'a.exes', 'exe.a', '']) assert.equal(by(name), undefined)
  assert.equal(by('film.txt', 'video/mp4'), 'kind:video')
  assert.equal(by('film.mp4', 'audio/mp4'), undefined)
})

test('rules of an administrator hold for the next upload, by page and by API', async (t) => {
  const kyiv = await castle(t, { fileSize: 1 })
  const admin = await sender(kyiv, 'ada')
  const browser = await kyiv.browser('ada')
  const before = await admin.upload('tool.exe', new Uint8Array(5))
  assert.equal(before.name, 'tool.exe')
  const wish = { refused: '.EXE, *.docm  kind:video', days: '30' }
  assert.equal((await browser.post('/admin/files/rules', wish)).status, 303)
  const page = await (await browser.get('/admin/files')).text()
  assert.match(page, /docm, exe, kind:video/)
  const answer = await admin.call('POST', '/uploads', { name: 'tool.ExE', size: 5 })
  assert.equal(answer.status, 422)
  assert.equal((await admin.call('POST', '/uploads', { name: 'tool.txt', size: 5 })).status, 201)
  const large = await admin.call('POST', '/uploads', { name: 'large.txt', size: MIB + 1 })
  assert.equal(large.status, 413)
  const wrong = await browser.post('/admin/files/rules', { refused: 'a b! c', days: '30' })
  assert.equal(wrong.status, 422)
  const rules = { refused: [], days: 0 }
  assert.deepEqual(await admin.json('PUT', '/admin/files/rules', rules), rules)
  assert.equal((await admin.call('POST', '/uploads', { name: 'tool.exe', size: 5 })).status, 201)
})

test('files of a message go when their days are over, the message stays', async (t) => {
  const kyiv = await castle(t)
  await kyiv.add('ihor')
  const admin = await sender(kyiv, 'ada')
  const chat = await admin.chatWith('ihor')
  const { id } = await admin.upload('plan.txt', new Uint8Array(500).fill(7))
  await admin.send(chat, [id], 'the plan')
  await admin.json('PUT', '/admin/files/rules', { refused: [], days: 2 })
  const collect = async (days: number) => {
    const later = Date.now() + days * 24 * 3_600_000
    kyiv.world.clock.now = () => later
    await kyiv.branch.operations?.collectFiles()
  }
  await collect(1)
  assert.equal((await bytesIn(await admin.open(id))).length, 500)
  await collect(2.1)
  // Signing in again: that the clock has gone on ended nothing but the file.
  const again = await sender(kyiv, 'ada')
  assert.equal((await again.open(id)).status, 404)
  const message = await again.lastMessage(chat)
  assert.equal(message?.body, 'the plan')
  assert.deepEqual(
    message?.files.map(({ name, state }) => [name, state]),
    [['plan.txt', 'removed']],
  )
  await collect(2.3)
  assert.deepEqual(await kyiv.world.blobDisk.list('blobs/new'), [])
  const left = await kyiv.core.store.read.selectFrom('blob').selectAll().execute()
  assert.deepEqual(left, [])
})
