/** What is forgotten, and when: not before both ends can never need it again. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DAY, HOUR, type Millis } from '../../src/base/units.ts'
import { temporaryFolder } from '../db/store.ts'
import type { TestBranch } from './fixture.ts'
import { crashImage, exchange, handClock, keysOf, mailFeed, noteKind, noteOf } from './fixture.ts'
import { branchFor } from './pair.ts'

type TestContext = { after(fn: () => void | Promise<void>): void }

/** Notes that replace each other by their first word. */
const marks = () => noteKind('to', 0x0403, { recordOf: ({ text }) => text.split(' ')[0] ?? '' })

async function company(t: TestContext, names: readonly string[]) {
  const { clock, advance } = handClock()
  const keys = names.map(keysOf)
  const branches: TestBranch[] = []
  for (const own of keys) {
    const knows = keys.filter((each) => each !== own)
    branches.push(await branchFor(t, own, { knows, clock, mail: marks() }))
  }
  const again = (n: number, folder: string) => {
    const own = keys[n]
    assert.ok(own)
    const knows = keys.filter((each) => each !== own)
    return branchFor(t, own, { knows, clock, mail: marks(), folder })
  }
  return { branches, advance, again }
}

async function pair(t: TestContext) {
  const { branches, ...rest } = await company(t, ['Kyiv', 'Lviv'])
  const [kyiv, lviv] = branches
  assert.ok(kyiv && lviv)
  return { kyiv, lviv, ...rest }
}

/** Both ways, with the acks of a session's start: of the peer's mail, and of our own mail to it. */
async function link(a: TestBranch, b: TestBranch): Promise<void> {
  await exchange(a, b)
  await exchange(b, a)
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    const held = await from.store.read
      .selectFrom('feed')
      .where('scope', '=', 'to')
      .where((eb) => eb.or([eb('origin', '=', from.keys.id), eb('destination', '=', from.keys.id)]))
      .select(['n', 'id', 'head'])
      .execute()
    const entries = held.map(({ n, id, head }) => {
      const stable = from.log.stableOf(n, head)
      return { feed: id, durable: head, stable, at: from.log.now(), via: undefined }
    })
    await to.log.acknowledged(from.keys.id, entries)
  }
}

const bodiesOf = async ({ store }: TestBranch) => {
  const rows = await store.read.selectFrom('event').select(['body']).orderBy('position').execute()
  return rows.map(({ body }) => (body === null ? 'erased' : 'here'))
}

async function pruneBoth(a: TestBranch, b: TestBranch): Promise<number> {
  return (await a.log.prune()) + (await b.log.prune())
}

test('what is said again later is erased at both ends after two weeks, the newest never', async (t) => {
  const { kyiv, lviv, advance } = await pair(t)
  for (const text of ['ada 1', 'ada 2', 'bob 1', 'ada 3']) await kyiv.post(text, [lviv.keys.id])
  await link(kyiv, lviv)
  advance(14 * DAY - HOUR)
  assert.equal(await pruneBoth(kyiv, lviv), 0, 'it is too young')
  advance(2 * HOUR)
  assert.equal(await kyiv.log.prune(), 2)
  assert.equal(await lviv.log.prune(), 2)
  for (const branch of [kyiv, lviv]) {
    assert.deepEqual(await bodiesOf(branch), ['erased', 'erased', 'here', 'here'])
  }
  assert.equal(await pruneBoth(kyiv, lviv), 0, 'nothing is done twice')
  await kyiv.post('ada 4', [lviv.keys.id])
  await link(kyiv, lviv)
  advance(15 * DAY)
  assert.equal(await pruneBoth(kyiv, lviv), 0, 'what was looked through once stays')
})

test('what the other end has not acknowledged stays, however old', async (t) => {
  const { kyiv, lviv, advance } = await pair(t)
  for (const text of ['ada 1', 'ada 2']) await kyiv.post(text, [lviv.keys.id])
  advance(400 * DAY)
  assert.equal(await kyiv.log.prune(), 0)
  await link(kyiv, lviv)
  advance(15 * DAY)
  assert.equal(await pruneBoth(kyiv, lviv), 2)
})

for (const owner of ['Kyiv', 'Lviv'] as const) {
  test(`a copy of ${owner} that may be put back keeps it everywhere until it expires`, async (t) => {
    const { kyiv, lviv, advance } = await pair(t)
    await kyiv.post('bob 1', [lviv.keys.id])
    await link(kyiv, lviv)
    const copied = owner === 'Kyiv' ? kyiv : lviv
    await copied.log.markBackup(30 * DAY)
    for (const text of ['ada 1', 'ada 2']) await kyiv.post(text, [lviv.keys.id])
    await link(kyiv, lviv)
    advance(29 * DAY)
    assert.equal(await pruneBoth(kyiv, lviv), 0)
    advance(2 * DAY)
    const before = await pruneBoth(kyiv, lviv)
    await link(kyiv, lviv) // the other end hears of it with the acks of a new session
    assert.equal(before + (await pruneBoth(kyiv, lviv)), 2)
  })
}

test('a copy that came to nothing holds nothing back', async (t) => {
  const { kyiv, lviv, advance } = await pair(t)
  const { id } = await lviv.log.markBackup(30 * DAY)
  for (const text of ['ada 1', 'ada 2']) await kyiv.post(text, [lviv.keys.id])
  await lviv.log.removeBackupMark(id)
  await link(kyiv, lviv)
  advance(15 * DAY)
  assert.equal(await pruneBoth(kyiv, lviv), 2)
})

test('the oldest of several copies counts, also after a start', async (t) => {
  const { kyiv, lviv, advance, again } = await pair(t)
  await kyiv.post('ada 1', [lviv.keys.id])
  await link(kyiv, lviv)
  const offer = await mailFeed(kyiv, lviv)
  const held = async (branch: TestBranch) => {
    const { n } = await branch.store.read
      .selectFrom('feed')
      .where('id', '=', offer.id)
      .select('n')
      .executeTakeFirstOrThrow()
    return branch.log.stableOf(n, 3)
  }
  assert.equal(await held(lviv), 3, 'without a copy what is here is all there will be')
  await lviv.log.markBackup(30 * DAY)
  await kyiv.post('ada 2', [lviv.keys.id])
  await link(kyiv, lviv)
  await lviv.log.markBackup(10 * DAY)
  await kyiv.post('ada 3', [lviv.keys.id])
  await link(kyiv, lviv)
  assert.equal(await held(lviv), 1)
  await lviv.store.close()
  const restarted = await again(1, lviv.path.replace(/\/[^/]+$/, ''))
  assert.equal(await held(restarted), 1)
  advance(30 * DAY)
  await restarted.log.prune()
  assert.equal(await held(restarted), 3)
})

test('what goes to two branches waits for both', async (t) => {
  const { branches, advance } = await company(t, ['Kyiv', 'Lviv', 'Odesa'])
  const [kyiv, lviv, odesa] = branches
  assert.ok(kyiv && lviv && odesa)
  for (const text of ['ada 1', 'ada 2']) await kyiv.post(text, [lviv.keys.id, odesa.keys.id])
  await link(kyiv, lviv)
  advance(15 * DAY)
  assert.equal(await kyiv.log.prune(), 0)
  await link(kyiv, odesa)
  advance(15 * DAY)
  assert.equal(await kyiv.log.prune(), 1)
})

const DAYS: Millis = 15 * DAY

test('whoever lost all gets the rest from the other end, and nothing stops where a body is gone', async (t) => {
  const { kyiv, lviv, advance, again } = await pair(t)
  const old = []
  for (const text of ['ada 1', 'ada 2', 'bob 1']) old.push(await kyiv.post(text, [lviv.keys.id]))
  await link(kyiv, lviv)
  advance(DAYS)
  assert.equal(await pruneBoth(kyiv, lviv), 2)
  const [gone, last, other] = old
  assert.ok(gone && last && other)
  for (const n of [0, 1]) {
    const rebuilt = await again(n, temporaryFolder(t))
    await exchange(n === 0 ? lviv : kyiv, rebuilt)
    assert.equal(await noteOf(rebuilt.store.read, gone.id), '')
    assert.equal(await noteOf(rebuilt.store.read, last.id), 'ada 2')
    assert.equal(await noteOf(rebuilt.store.read, other.id), 'bob 1')
    assert.deepEqual(await bodiesOf(rebuilt), ['erased', 'here', 'here'])
  }
})

test('what came back after a loss is not taken for the later word', async (t) => {
  const { kyiv, lviv, advance, again } = await pair(t)
  const folder = crashImage(kyiv, temporaryFolder(t))
  await kyiv.post('chat 5', [lviv.keys.id])
  await link(kyiv, lviv)
  await kyiv.store.close()
  advance(HOUR)
  const restored = await again(0, folder)
  const last = await restored.post('chat 9', [lviv.keys.id])
  await link(lviv, restored)
  advance(DAYS)
  await link(lviv, restored)
  await pruneBoth(restored, lviv)
  for (const branch of [restored, lviv]) {
    const query = branch.store.read.selectFrom('event').where('state', '=', 'applied')
    const left = await query.select('id').execute()
    assert.ok(
      left.some(({ id }) => Buffer.from(id).toString('hex') === last.id),
      branch.keys.name,
    )
  }
})

test('nobody can give a lost branch its own back without what stood in it', async (t) => {
  const { branches, again } = await company(t, ['Kyiv', 'Lviv', 'Odesa'])
  const [kyiv, liar, odesa] = branches
  assert.ok(kyiv && liar && odesa)
  const record = await kyiv.publish('the account of Ada')
  const other = noteKind('to', 0x0402)
  const text = { kind: other, body: { text: 'to both' }, to: [liar.keys.id, odesa.keys.id] }
  const mail = await kyiv.store.writer.write((tx) => kyiv.log.append(tx, text))
  await exchange(kyiv, liar)
  await exchange(kyiv, odesa)
  await liar.store.writer.write((tx) =>
    tx.updateTable('event').set({ body: null, state: 'erased' }).execute(),
  )
  const lost = await again(0, temporaryFolder(t))
  for (const from of [liar, odesa]) await exchange(from, lost)
  assert.equal(await noteOf(lost.store.read, record.id), 'the account of Ada')
  const rows = await lost.store.read.selectFrom('event').select(['id', 'body']).execute()
  const back = rows.find(({ id }) => Buffer.from(id).toString('hex') === mail.id)
  assert.ok(back?.body, 'with its text')
})
