/** A branch that passes records on and keeps passwords back: what is missing is asked of its origin, and believed only if it fits. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { sql } from 'kysely'
import type { BranchId, EventId } from '../../src/base/ids.ts'
import { exchange, handClock, keysOf } from '../eventlog/fixture.ts'
import { type Office, office } from './office.ts'

const USER_CRED = 0x0302

/** North is eva's home; west has no line to it and hears of it from south, which leaves out what it likes. */
async function liars(t: TestContext) {
  const [northKeys, southKeys, westKeys] = [keysOf('North'), keysOf('South'), keysOf('West')]
  const time = handClock()
  const all = [northKeys, southKeys, westKeys]
  const open = (keys: (typeof all)[number]) =>
    office(t, { keys, knows: all.filter((each) => each !== keys), issuer: northKeys, time })
  const [north, south, west] = [await open(northKeys), await open(southKeys), await open(westKeys)]
  const eva = await north.people.add(undefined, { login: 'eva' })
  await exchange(north.branch, south.branch)
  await south.store.writer.write((tx) =>
    tx
      .updateTable('event')
      .set({ body: null, state: 'erased' })
      .where('kind', '=', USER_CRED)
      .execute(),
  )
  await exchange(south.branch, west.branch)
  const rest = async () => {
    for (let turn = 0; turn < 3; turn++) {
      time.advance(60)
      for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
    }
  }
  const status = async () => (await west.enter('eva')).answer.status
  return { north, south, west, eva, rest, status, meet: bothWays(north, west) }
}

const bothWays = (a: Office, b: Office) => async () => {
  for (const [from, to] of [
    [a, b],
    [b, a],
    [a, b],
  ] as const) {
    await exchange(from.branch, to.branch)
  }
}

const stateOf = (at: Office) =>
  at.store.read
    .selectFrom('event')
    .where('kind', '=', USER_CRED)
    .select(['state', 'reason'])
    .execute()

test('a password that was kept back comes from home when mail gets there, and lets in', async (t) => {
  const { west, meet, rest, status } = await liars(t)
  assert.equal(await status(), 422)
  assert.deepEqual(await stateOf(west), [{ state: 'erased', reason: 'missing' }])
  assert.equal(await west.branch.log.askForBodies(), 1)
  assert.equal(await west.branch.log.askForBodies(), 0, 'it is asked for once')
  await meet()
  await rest()
  assert.deepEqual(await stateOf(west), [{ state: 'applied', reason: null }])
  assert.equal(await status(), 303)
})

test('what home itself has no more is asked for once and then let be', async (t) => {
  const { north, west, meet, rest } = await liars(t)
  await north.store.writer.write((tx) =>
    sql`update event set body = null, state = 'erased' where kind = ${USER_CRED}`.execute(tx),
  )
  await west.branch.log.askForBodies()
  await meet()
  await rest()
  assert.deepEqual(await stateOf(west), [{ state: 'erased', reason: null }])
})

test('a body that does not fit the signed header is taken from nobody, and only home says it is gone', async (t) => {
  const { north, south, west, rest } = await liars(t)
  await west.branch.log.askForBodies()
  const { id } = await west.store.read
    .selectFrom('event')
    .where('kind', '=', USER_CRED)
    .select('id')
    .executeTakeFirstOrThrow()
  const kind = south.branch.log.kinds.get(0x040a)
  assert(kind)
  const says = async (body: string | null) => {
    const gives = [{ event: Buffer.from(id).toString('hex') as EventId, body }]
    await south.store.writer.write((tx) =>
      south.branch.log.append(tx, {
        ...{ kind, to: [west.keys.id] as BranchId[] },
        body: { origin: north.keys.id, gives },
      }),
    )
    await exchange(south.branch, west.branch)
    await rest()
  }
  await says(Buffer.from('{"user":"forged, and long enough to be one"}').toString('base64'))
  await says(null)
  assert.deepEqual(await stateOf(west), [{ state: 'erased', reason: 'asked' }])
})

test('only records are given, never mail', async (t) => {
  const { north, west } = await liars(t)
  const refused = { event: 'ab'.repeat(16) as EventId, origin: west.keys.id, reason: 'secret' }
  const kind = north.branch.log.kinds.get(0x0601)
  const asking = west.branch.log.kinds.get(0x040a)
  assert(kind && asking)
  const mail = await north.store.writer.write((tx) =>
    north.branch.log.append(tx, { kind, to: [west.keys.id], body: refused }),
  )
  await west.store.writer.write((tx) =>
    west.branch.log.append(tx, {
      ...{ kind: asking, to: [north.keys.id] },
      body: { origin: north.keys.id, wants: [mail.id] },
    }),
  )
  await exchange(west.branch, north.branch)
  const said = north.store.read.selectFrom('event').where('kind', '=', 0x040a).select('originN')
  assert.equal((await said.execute()).length, 1, 'the question, and no answer')
})
