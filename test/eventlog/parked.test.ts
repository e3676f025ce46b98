/** A bad event never blocks its feed: it is refused and its origin told, or parked and tried again. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { AppError } from '../../src/base/errors.ts'
import { Parked } from '../../src/eventlog/events.ts'
import { WAITING_PER_BRANCH_MAX } from '../../src/eventlog/waiting.ts'
import { temporaryFolder } from '../db/store.ts'
import { watch } from '../support/plans.ts'
import type { TestBranch } from './fixture.ts'
import { exchange, handClock, keysOf, noteKind, noteOf } from './fixture.ts'
import { branchFor, pairFor } from './pair.ts'

const isBad = (text: string) => text.startsWith('bad')

async function states(branch: TestBranch) {
  const rows = branch.store.read.selectFrom('event').select(['kind', 'state', 'reason'])
  const all = await rows.orderBy('position').execute()
  return all.map(({ kind, state, reason }) => [kind.toString(16), state, reason])
}

test('what its origin may not write is refused, told to it, and the feed goes on', async (t) => {
  const strict = noteKind('to', 0x0402, {
    refusal: async (_tx, { body }) => (isBad(body.text) ? 'not-allowed' : undefined),
  })
  const { kyiv, lviv, lvivKeys } = await pairFor(t, { lviv: { mail: strict } })
  const bad = await kyiv.post('bad', [lvivKeys.id])
  await kyiv.post('good', [lvivKeys.id])
  await exchange(kyiv, lviv)
  assert.deepEqual(await states(lviv), [
    ['402', 'refused', 'not-allowed'],
    ['601', 'applied', null],
    ['402', 'applied', null],
  ])
  await exchange(lviv, kyiv)
  const refusals = await kyiv.store.read.selectFrom('refusal').selectAll().execute()
  assert.deepEqual(
    refusals.map(({ position, branchId, reason }) => ({ position, branchId, reason })),
    [{ position: bad.position, branchId: lvivKeys.id, reason: 'not-allowed' }],
  )
})

test('a body of the wrong form, a wrong scope and a broken rule are refused for good', async (t) => {
  const loose = noteKind('to', 0x0402, { parse: (value) => value as { text: string } })
  const records = noteKind('to', 0x0301)
  const strict = noteKind('to', 0x0402, {
    apply: async () => {
      throw new AppError('conflict', 'never', { detail: 'already-there' })
    },
  })
  const { kyiv, lviv, lvivKeys } = await pairFor(t, {
    kyiv: { mail: loose, kinds: [loose, records] },
    lviv: { mail: strict },
  })
  const post = (kind: typeof loose, body: { text: string }) =>
    kyiv.store.writer.write((tx) => kyiv.log.append(tx, { kind, body, to: [lvivKeys.id] }))
  await post(loose, { text: 4 as unknown as string })
  await post(records, { text: 'a record in the mail' })
  await post(loose, { text: 'against the rule' })
  await exchange(kyiv, lviv)
  const refused = (await states(lviv)).filter(([kind]) => kind !== '601')
  assert.deepEqual(refused, [
    ['402', 'refused', 'malformed'],
    ['301', 'refused', 'wrong-scope'],
    ['402', 'refused', 'already-there'],
  ])
})

/** As SQLite does when a disk is full amid a transaction (https://sqlite.org/lang_transaction.html, 3): all is undone. */
test('a full disk that undoes the whole transaction keeps nothing of a batch', async (t) => {
  let isFull = true
  const full = noteKind('to', 0x0402, {
    apply: async (tx) => {
      if (!isFull) return
      await sql`rollback`.execute(tx)
      throw Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' })
    },
  })
  const { kyiv, lviv, lvivKeys } = await pairFor(t, { lviv: { mail: full } })
  await kyiv.post('a', [lvivKeys.id])
  await assert.rejects(exchange(kyiv, lviv), { code: 'unavailable', detail: 'disk-full' })
  assert.deepEqual(await states(lviv), [])
  isFull = false
  await exchange(kyiv, lviv)
  assert.deepEqual(await states(lviv), [['402', 'applied', null]])
})

test('a branch cannot write what the others would refuse', async (t) => {
  const strict = noteKind('to', 0x0402, { refusal: async () => 'not-mine' })
  const { kyiv, lvivKeys } = await pairFor(t, { kyiv: { mail: strict } })
  await assert.rejects(kyiv.post('a', [lvivKeys.id]), { code: 'forbidden' })
  assert.deepEqual(await states(kyiv), [])
})

test('an unknown kind is stored and acknowledged, and applied after the upgrade', async (t) => {
  const [kyivKeys, lvivKeys] = [keysOf('Kyiv'), keysOf('Lviv')]
  const later = noteKind('to', 0x0499)
  const kyiv = await branchFor(t, kyivKeys, { knows: [lvivKeys], mail: later })
  const folder = temporaryFolder(t)
  const before = await branchFor(t, lvivKeys, { knows: [kyivKeys], folder })
  const event = await kyiv.post('from the future', [lvivKeys.id])
  await exchange(kyiv, before)
  assert.deepEqual(await states(before), [['499', 'parked', 'unknown-kind']])
  assert.equal(await kyiv.log.outboxOf(lvivKeys.id), 0)
  await before.store.close()
  const mail = noteKind('to', 0x0499)
  const after = await branchFor(t, lvivKeys, { knows: [kyivKeys], folder, mail })
  assert.equal(await noteOf(after.store.read, event.id), 'from the future')
  assert.deepEqual(await states(after), [['499', 'applied', null]])
  assert.equal(mail.seen[0]?.position, 1)
  const row = await after.store.read.selectFrom('event').select('conversationId').execute()
  assert.deepEqual(row, [{ conversationId: 'c0'.repeat(16) }])
})

test('an event that waits for another is applied when that one has come', async (t) => {
  const wall = handClock()
  let isComplete = false
  const mail = noteKind('to', 0x0402)
  const { apply } = mail
  mail.apply = async (tx, event) => {
    if (!isComplete) throw new Parked('waits-for-record')
    await apply(tx, event)
  }
  const record = noteKind('all', 0x0301)
  const { kyiv, lviv, lvivKeys } = await pairFor(t, { lviv: { mail, record, clock: wall.clock } })
  const event = await kyiv.post('early', [lvivKeys.id])
  await exchange(kyiv, lviv)
  assert.deepEqual(await states(lviv), [['402', 'parked', 'waits-for-record']])
  const plans = await lviv.store.writer.write(async (tx) => watch(tx))
  isComplete = true
  await kyiv.publish('the record')
  await exchange(kyiv, lviv)
  const told = new Promise<string[]>((resolve) => {
    lviv.log.onCommitted((events) => resolve(events.map((each) => each.id)))
  })
  wall.advance(100)
  assert.deepEqual(await told, [event.id])
  assert.equal(await noteOf(lviv.store.read, event.id), 'early')
  // All events there are would be a long way, while everybody waits who writes.
  const details = plans.flat().map(({ detail }) => detail)
  assert.ok(details.some((detail) => detail.includes('INDEX event_parked')))
  for (const detail of details) assert.doesNotMatch(detail, /^SCAN event$/)
})

test('a bug in applying parks the event, tells its origin, and spares the others', async (t) => {
  const [kyivKeys, lvivKeys] = [keysOf('Kyiv'), keysOf('Lviv')]
  const folder = temporaryFolder(t)
  const kyiv = await branchFor(t, kyivKeys, { knows: [lvivKeys] })
  const buggy = noteKind('to', 0x0402)
  const { apply } = buggy
  buggy.apply = async (tx, event) => {
    await apply(tx, event)
    if (isBad(event.body.text)) throw new TypeError('cannot read properties of undefined')
  }
  const lviv = await branchFor(t, lvivKeys, { knows: [kyivKeys], folder, mail: buggy })
  const posted = await Promise.all(['good', 'bad', 'fine'].map((x) => kyiv.post(x, [lvivKeys.id])))
  await exchange(kyiv, lviv)
  const notes = await Promise.all(posted.map(({ id }) => noteOf(lviv.store.read, id)))
  assert.deepEqual(notes, ['good', '', 'fine'])
  await exchange(lviv, kyiv)
  const refusals = await kyiv.store.read.selectFrom('refusal').select('reason').execute()
  assert.deepEqual(refusals, [{ reason: 'failed' }])
  await lviv.store.close()
  const mended = await branchFor(t, lvivKeys, { knows: [kyivKeys], folder })
  const bad = posted[1]
  assert.ok(bad)
  assert.equal(await noteOf(mended.store.read, bad.id), 'bad')
})

test('of a branch that has too much waiting nothing more is taken, and nothing is lost', async (t) => {
  const wall = handClock()
  let isComplete = false
  const mail = noteKind('to', 0x0402)
  const { apply } = mail
  mail.apply = async (tx, event) => {
    if (!isComplete) throw new Parked('waits-for-record')
    await apply(tx, event)
  }
  const [kyivKeys, lvivKeys, odesaKeys] = [keysOf('Kyiv'), keysOf('Lviv'), keysOf('Odesa')]
  const kyiv = await branchFor(t, kyivKeys, { knows: [lvivKeys] })
  const odesa = await branchFor(t, odesaKeys, { knows: [lvivKeys] })
  const knows = [kyivKeys, odesaKeys]
  const lviv = await branchFor(t, lvivKeys, { knows, mail, clock: wall.clock })
  const texts = Array.from({ length: WAITING_PER_BRANCH_MAX }, (_, n) => String(n))
  await Promise.all(texts.map((text) => kyiv.post(text, [lvivKeys.id])))
  await exchange(kyiv, lviv)
  assert.equal(await kyiv.log.outboxOf(lvivKeys.id), 0)

  const last = await kyiv.post('one too many', [lvivKeys.id])
  await exchange(kyiv, lviv)
  assert.equal(await kyiv.log.outboxOf(lvivKeys.id), 1, 'it was not acknowledged')
  assert.ok(lviv.lines.some((line) => line.name === 'eventlog.full'))
  await odesa.post('of another branch', [lvivKeys.id])
  await exchange(odesa, lviv)
  assert.equal(await odesa.log.outboxOf(lvivKeys.id), 0)

  isComplete = true
  await kyiv.publish('its records go on')
  await exchange(kyiv, lviv)
  wall.advance(100)
  const waiting = () =>
    lviv.store.read.selectFrom('event').select('id').where('state', '=', 'parked').execute()
  for (let n = 0; n < 5000 && (await waiting()).length > 0; n++)
    await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(await waiting(), [])
  await exchange(kyiv, lviv)
  assert.equal(await noteOf(lviv.store.read, last.id), 'one too many')
  assert.equal(await kyiv.log.outboxOf(lvivKeys.id), 0)
})
