/** A branch with a scanner: what people see of it from the upload on. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Castle, castle } from '../attacks/castle.ts'
import { clamdStandIn, EICAR, type Fault } from './scanner-standins.ts'
import { bytesIn, sender } from './sending.ts'

type Test = Parameters<typeof castle>[0]

async function scannedCastle(t: Test, fault: Fault = 'none') {
  const standIn = await clamdStandIn(fault)
  t.after(() => standIn.close())
  const at = { host: '127.0.0.1', port: standIn.port }
  const kyiv = await castle(t, { scanner: { kind: 'clamd', at } })
  await kyiv.add('ihor')
  return { kyiv, standIn }
}

async function verdicts(at: Castle) {
  const rows = await at.core.store.read.selectFrom('blob').select('verdict').execute()
  return rows.map(({ verdict }) => verdict).sort()
}

/** A real scanner over a real socket: it answers when it answers. */
async function until(isSo: () => Promise<boolean>) {
  const end = Date.now() + 10_000
  while (!(await isSo())) {
    assert.ok(Date.now() < end, 'it never came')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

test('a clean file opens, an infected one nobody opens, and it is reported', async (t) => {
  const { kyiv } = await scannedCastle(t)
  const [ada, ihor] = [await sender(kyiv, 'ada'), await sender(kyiv, 'ihor')]
  const chat = await ada.chatWith('ihor')
  const good = await ada.upload('plan.txt', new Uint8Array(300_000))
  const bad = await ada.upload('invoice.txt', EICAR)
  await ada.send(chat, [good.id, bad.id])
  await until(async () => !(await verdicts(kyiv)).includes('waiting'))
  assert.equal((await bytesIn(await ihor.open(good.id))).length, 300_000)
  for (const person of [ada, ihor]) assert.equal((await person.open(bad.id)).status, 409)
  const states = (await ihor.lastMessage(chat))?.files.map(({ name, state }) => [name, state])
  assert.deepEqual(states, [
    ['plan.txt', 'here'],
    ['invoice.txt', 'infected'],
  ])
  const browser = await kyiv.browser('ada')
  const page = await (await browser.get('/admin/files')).text()
  assert.match(page, /invoice\.txt[\s\S]*Eicar-Test-Signature/)
  assert.ok(!page.includes('plan.txt'))
  const blob = /\/admin\/files\/([0-9a-f]{32})\/scan/.exec(page)?.[1]
  assert.equal((await browser.post(`/admin/files/${blob}/scan`, {})).status, 303)
  await until(async () => (await verdicts(kyiv)).includes('infected'))
  const actions = await kyiv.core.store.read.selectFrom('audit').select('action').execute()
  const count = (name: string) => actions.filter(({ action }) => action === name).length
  assert.deepEqual([count('file.infected'), count('file.scanned-again')], [2, 1])
})

test('while nobody has looked at a file it is closed, and people are told why', async (t) => {
  const { kyiv, standIn } = await scannedCastle(t, 'mute')
  const [ada, ihor] = [await sender(kyiv, 'ada'), await sender(kyiv, 'ihor')]
  const chat = await ada.chatWith('ihor')
  const file = await ada.upload('plan.txt', new Uint8Array(100))
  await ada.send(chat, [file.id])
  const answer = await ihor.open(file.id)
  assert.equal(answer.status, 409)
  assert.match(await answer.text(), /being checked/)
  assert.deepEqual(
    (await ihor.lastMessage(chat))?.files.map(({ state }) => state),
    ['checking'],
  )
  const browser = await kyiv.browser('ihor')
  assert.match(await (await browser.get(`/chats/${chat}`)).text(), /data-state="checking"/)
  await standIn.close()
})

test('a file of which the scanner cannot say anything stays closed, and says why', async (t) => {
  const { kyiv } = await scannedCastle(t, 'too-large')
  const [ada, ihor] = [await sender(kyiv, 'ada'), await sender(kyiv, 'ihor')]
  const chat = await ada.chatWith('ihor')
  const file = await ada.upload('plan.txt', new Uint8Array(100))
  await ada.send(chat, [file.id])
  await until(async () => (await verdicts(kyiv)).includes('failed'))
  assert.equal((await ihor.open(file.id)).status, 409)
  assert.equal((await ihor.lastMessage(chat))?.files[0]?.state, 'unchecked')
  const page = await (await (await kyiv.browser('ihor')).get(`/chats/${chat}`)).text()
  assert.match(page, /data-state="unchecked"[\s\S]*could not be checked for viruses/)
})

test('a scanner that is away closes what it has not seen, and says so to administrators', async (t) => {
  const { kyiv, standIn } = await scannedCastle(t)
  await standIn.close()
  const ada = await sender(kyiv, 'ada')
  const file = await ada.upload('plan.txt', new Uint8Array(100))
  assert.equal((await ada.open(file.id)).status, 409)
  type Facts = { scanner: { waiting: number; awaySince?: string } }
  const facts = () => ada.json<Facts>('GET', '/admin/files')
  await until(async () => (await facts()).scanner.awaySince !== undefined)
  assert.equal((await facts()).scanner.waiting, 1)
  assert.match(kyiv.logged(), /files\.scanner-away/)
})
