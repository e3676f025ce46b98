/** Anchors between two branches: who tells what, when, and what each learns of its own log. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkAnchors, headsHeld } from '../../src/audit/check.ts'
import { addAudit } from '../../src/audit/entries.ts'
import { createAuditHeads } from '../../src/audit/heads.ts'
import { HOUR, MINUTE } from '../../src/base/units.ts'
import { temporaryFolder } from '../db/store.ts'
import { exchange, handClock, type Keys, keysOf, startBranch } from '../eventlog/fixture.ts'

type Test = { after(fn: () => void | Promise<void>): void }

async function branchOf(t: Test, keys: Keys, knows: Keys[], time: ReturnType<typeof handClock>) {
  const { clock } = time
  const heads = createAuditHeads({ self: keys.id, clock })
  const folder = temporaryFolder(t)
  const branch = await startBranch({ keys, knows, folder, clock, kinds: [heads.kind] })
  t.after(() => branch.store.close())
  const { store, log } = branch
  return {
    branch,
    tell: (how?: { isLast: boolean }) =>
      store.writer.write((tx) => heads.tell(tx, log.append, how)),
    add: () => store.writer.write((tx) => addAudit({ clock }, tx, { action: 'recovery.read' })),
    confirmations: () => checkAnchors(store.read, keys.id),
    held: () => headsHeld(store.read, keys.id),
    events: async () => (await store.read.selectFrom('event').select('position').execute()).length,
  }
}

async function two(t: Test) {
  const [kyivKeys, lvivKeys] = [keysOf('Kyiv'), keysOf('Lviv')]
  const time = handClock()
  const kyiv = await branchOf(t, kyivKeys, [lvivKeys], time)
  const lviv = await branchOf(t, lvivKeys, [kyivKeys], time)
  const meet = async () => {
    await exchange(kyiv.branch, lviv.branch)
    await exchange(lviv.branch, kyiv.branch)
  }
  return { kyiv, lviv, meet, advance: time.advance }
}

test('a branch tells its head, the other holds it and says so', async (t) => {
  const { kyiv, lviv, meet } = await two(t)
  for (let i = 0; i < 3; i++) await kyiv.add()
  await kyiv.tell()
  await meet()
  const [held] = await lviv.held()
  assert.deepEqual([held?.name, held?.number, held?.wentBack], ['Kyiv', 3, false])
  await lviv.tell()
  await meet()
  const [own, other] = await kyiv.confirmations()
  assert.deepEqual([own?.isSelf, own?.upTo], [true, 3])
  assert.deepEqual([other?.name, other?.upTo, other?.wrong], ['Lviv', 3, undefined])
})

test('nothing is told twice, nor more than once an hour, but at the end', async (t) => {
  const { kyiv, advance } = await two(t)
  await kyiv.tell()
  assert.equal(await kyiv.events(), 0, 'an empty log has no head')
  await kyiv.add()
  await kyiv.tell()
  assert.equal(await kyiv.events(), 1)
  advance(HOUR)
  await kyiv.tell()
  assert.equal(await kyiv.events(), 1, 'nothing new')
  await kyiv.add()
  await kyiv.tell()
  assert.equal(await kyiv.events(), 2)
  await kyiv.add()
  advance(59 * MINUTE)
  await kyiv.tell()
  assert.equal(await kyiv.events(), 2, 'too soon')
  await kyiv.tell({ isLast: true })
  assert.equal(await kyiv.events(), 3)
  await kyiv.tell({ isLast: true })
  assert.equal(await kyiv.events(), 3)
})

test('two branches at rest come to an end of telling each other', async (t) => {
  const { kyiv, lviv, meet, advance } = await two(t)
  await kyiv.add()
  await lviv.add()
  const round = async () => {
    for (const branch of [kyiv, lviv]) await branch.tell()
    await meet()
    advance(HOUR)
    return await kyiv.events()
  }
  for (let i = 0; i < 3; i++) await round()
  const settled = await round()
  assert.equal(await round(), settled)
})
