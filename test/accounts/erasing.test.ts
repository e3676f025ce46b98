/** Deleting people: what is gone at every branch, what stays, what comes late. docs/decisions/039-leavers.md. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { disableUser, editUser, enableUser, putRecord } from '../../src/accounts/actions.ts'
import { directoryPage } from '../../src/accounts/directory.ts'
import { eraseUser } from '../../src/accounts/erase-actions.ts'
import { userErase } from '../../src/accounts/erasing.ts'
import type { Person } from '../../src/accounts/queries.ts'
import { receiptsOf } from '../../src/admin/receipts.ts'
import { ERASED_NAME } from '../../src/base/erased.ts'
import type { EventKind } from '../../src/eventlog/events.ts'
import { createErasing } from '../../src/jobs/erasing.ts'
import { temporaryFolder } from '../db/store.ts'
import { crashImage, exchange, handClock, keysOf } from '../eventlog/fixture.ts'
import { type Office, office, PASSWORD } from './office.ts'

type Test = Parameters<typeof office>[0]
type Running = Office & { erase(): Promise<void> }

const SECRETS = ['Zinaida', 'Quillfeather', 'basement archive', '+351 999 111 222']

async function two(t: Test) {
  const [northKeys, southKeys, eastKeys] = [keysOf('North'), keysOf('South'), keysOf('East')]
  const all = [northKeys, southKeys, eastKeys]
  const time = handClock()
  const start = async (keys: (typeof all)[number], folder?: string): Promise<Running> => {
    const knows = all.filter((one) => one !== keys)
    const at = await office(t, {
      ...{ keys, knows, issuer: northKeys, time },
      ...(folder === undefined ? {} : { folder }),
    })
    const { store, log: eventLog } = at.branch
    const { clock } = time
    return {
      ...at,
      async erase() {
        const job = createErasing({ store, eventLog, self: keys.id, clock, log: at.deps.log })
        job.look()
        await job.idle()
        await job.stop()
      },
    }
  }
  const north = await start(northKeys)
  const south = await start(southKeys)
  const ada = await north.people.found('ada', 'organisation-admin')
  const zina = await north.people.add(ada, {
    ...{ login: 'zina', firstName: 'Zinaida', lastName: 'Quillfeather', room: 'basement archive' },
    phone: '+351 999 111 222',
  })
  const meet = async (...offices: Office[]) => {
    for (let round = 0; round < 2; round++) {
      for (const one of offices) {
        for (const other of offices) if (one !== other) await exchange(one.branch, other.branch)
      }
    }
    time.advance(100)
    for (const one of offices) await one.store.writer.write(async () => {})
  }
  await meet(north, south)
  return { north, south, ada, zina, meet, start, southKeys, eastKeys, ...time }
}

/** What the files of a branch still hold of a person, the audit log among it. */
function leftIn(at: Office): string[] {
  at.store.forgetOldPages()
  const files = ['', '-wal'].map((ending) =>
    readFileSync(at.branch.path + ending).toString('latin1'),
  )
  const asBytes = (text: string) => Buffer.from(text).toString('latin1')
  return SECRETS.filter((secret) => {
    return files.some((file) =>
      [secret, secret.toLowerCase()].some((one) => file.includes(asBytes(one))),
    )
  })
}

const stateOf = async (at: Office, kind: EventKind<never> | { code: number }) =>
  (
    await at.store.read
      .selectFrom('event')
      .where('kind', '=', kind.code)
      .select(['state', 'reason'])
      .execute()
  ).map(({ state, reason }) => reason ?? state)

test('a deleted person is nobody at every branch, and nothing of him is left in the files', async (t) => {
  const { north, south, ada, zina, meet } = await two(t)
  const { token } = await north.enter('zina')
  await south.enter('zina')
  await meet(north, south)
  assert.deepEqual(leftIn(north), SECRETS)
  await eraseUser(north.deps, ada, { id: zina.id, messages: 'keep' })
  await meet(north, south)
  for (const at of [north, south]) {
    await at.erase()
    const gone = await at.people.get(zina.id)
    assert.deepEqual(
      [gone.name, gone.phone, gone.room, gone.photo, gone.disabled, gone.isErased, gone.login],
      [ERASED_NAME, '', '', undefined, true, true, 'zina'],
    )
    assert.deepEqual(await directoryPage(at.store.read, { text: 'zina', limit: 5 }), [])
    for (const table of ['credential', 'sign_in', 'presence', 'person_text'] as const) {
      const rows = at.store.read.selectFrom(table).where('userId', '=', zina.id).select('userId')
      assert.deepEqual(await rows.execute(), [], table)
    }
    assert.equal((await at.enter('zina')).answer.status, 422)
    assert.deepEqual(leftIn(at), [], at.keys.name)
  }
  assert.equal((await north.get('/chats', token)).status, 303)
})

test('each branch answers, and the page tells which did', async (t) => {
  const { north, south, ada, zina, meet } = await two(t)
  await eraseUser(north.deps, ada, { id: zina.id, messages: 'keep' })
  await north.erase()
  const deps = { read: north.store.read, self: north.keys.id }
  const since = north.deps.clock.now()
  const lineTo = () => ({ up: false, since })
  const places = async () =>
    (await receiptsOf({ ...deps, lineTo }, zina.id))[0]?.places.map(
      ({ branch, state }) => `${branch} ${state}`,
    )
  assert.deepEqual(await places(), ['East waiting', 'North done', 'South waiting'])
  await meet(north, south)
  assert.deepEqual(await places(), ['East waiting', 'North done', 'South working'])
  await south.erase()
  await meet(north, south)
  assert.deepEqual(await places(), ['East waiting', 'North done', 'South done'])
  const { token } = await north.enter('ada')
  const page = await (await north.get(`/admin/users/${zina.id}`, token)).text()
  assert.match(page, /Erased at 2 of 3 branches/)
  assert.match(page, /Deleted person \d+/)
  const list = await (await north.get('/admin/users', token)).text()
  assert.match(list, /Deleted person \d+/)
  assert.ok(!list.includes(ERASED_NAME))
})

test('deleting wins over records, roles, passwords and blocks that come after it', async (t) => {
  const { north, south, ada, zina, meet } = await two(t)
  // South issues too, and deletes her while north, cut off, changes everything of her.
  await south.store.writer.write(async (tx) => {
    const values = { serial: 'second', branchId: south.keys.id, certificate: new Uint8Array(1) }
    await tx.insertInto('issuer').values(values).execute()
  })
  await north.store.writer.write(async (tx) => {
    const values = { serial: 'second', branchId: south.keys.id, certificate: new Uint8Array(1) }
    await tx.insertInto('issuer').values(values).execute()
  })
  await eraseUser(south.deps, undefined, { id: zina.id, messages: 'keep' })
  await south.erase()
  await editUser(north.deps, ada, {
    id: zina.id,
    changes: { room: 'basement archive', role: 'auditor' },
  })
  await disableUser(north.deps, ada, zina.id)
  await enableUser(north.deps, ada, zina.id)
  await meet(north, south)
  await south.erase()
  await north.erase()
  for (const at of [north, south]) {
    const gone = await at.people.get(zina.id)
    assert.deepEqual(
      [gone.isErased, gone.disabled, gone.role, gone.room],
      [true, true, 'employee', ''],
    )
    assert.deepEqual(leftIn(at), [], 'what came late is destroyed too')
  }
})

test('nobody may do anything with a deleted person, and the login is never given again', async (t) => {
  const { north, ada, zina } = await two(t)
  await eraseUser(north.deps, ada, { id: zina.id, messages: 'keep' })
  for (const tried of [
    enableUser(north.deps, ada, zina.id),
    disableUser(north.deps, ada, zina.id),
    editUser(north.deps, ada, { id: zina.id, changes: { firstName: 'Back' } }),
  ]) {
    await assert.rejects(tried, { code: 'forbidden' })
  }
  await assert.rejects(eraseUser(north.deps, ada, { id: zina.id, messages: 'keep' }), {
    code: 'conflict',
  })
  await assert.rejects(north.people.add(ada, { login: 'zina' }), { detail: 'login-taken' })
  await assert.rejects(north.people.add(ada, { login: 'z1na' }), { detail: 'login-lookalike' })
  const back = north.store.writer.write((tx) =>
    putRecord(north.deps, tx, { id: zina.id, changes: { firstName: 'Back' } }),
  )
  await back
  assert.equal((await north.people.get(zina.id)).name, ERASED_NAME)
})

test('the last organisation admin cannot be deleted, nor an admin himself; a stranger has no right', async (t) => {
  const { north, south, ada, zina } = await two(t)
  const erase = (by: Person | undefined, id = ada.id) =>
    eraseUser(north.deps, by, { id, messages: 'keep' })
  await assert.rejects(erase(undefined), { detail: 'last-admin' })
  await assert.rejects(erase(ada), { code: 'forbidden' })
  await assert.rejects(erase(zina), { code: 'forbidden' })
  const elsewhere = eraseUser(south.deps, undefined, { id: zina.id, messages: 'keep' })
  await assert.rejects(elsewhere, { code: 'forbidden' })
})

test('a branch that is neither home nor issues deletes nobody', async (t) => {
  const { north, south, zina, meet } = await two(t)
  const body = { user: zina.id, login: 'zina', createdAt: 0, messages: 'erase' as const }
  const lawless = { ...userErase, refusal: async () => undefined, apply: async () => {} }
  for (const home of [north.keys.id, south.keys.id]) {
    await south.store.writer.write((tx) =>
      south.branch.log.append(tx, { kind: lawless, body: { ...body, home }, to: 'all' }),
    )
  }
  await meet(north, south)
  assert.deepEqual((await stateOf(north, userErase)).sort(), ['not-home', 'waits-for-issuer'])
  assert.equal((await north.people.get(zina.id)).isErased, false)
})

test('a branch that joins later learns that the login is taken, though the record has no body any more', async (t) => {
  const { north, south, ada, zina, meet, start, eastKeys } = await two(t)
  await eraseUser(north.deps, ada, { id: zina.id, messages: 'keep' })
  await north.erase()
  await meet(north, south)
  await south.erase()
  const east = await start(eastKeys)
  // It has no line to north, where the records come from.
  await meet(south, east)
  await east.erase()
  const gone = await east.people.get(zina.id)
  assert.deepEqual([gone.isErased, gone.login, gone.branch.name], [true, 'zina', 'North'])
  assert.deepEqual(leftIn(east), [])
})

test('a copy that is put back deletes again as soon as it hears', async (t) => {
  const { north, south, ada, zina, meet, start, southKeys } = await two(t)
  const copy = crashImage(south.branch, temporaryFolder(t))
  await eraseUser(north.deps, ada, { id: zina.id, messages: 'keep' })
  await north.erase()
  const restored = await start(southKeys, copy)
  assert.equal(
    (await restored.people.get(zina.id)).firstName,
    'Zinaida',
    'the copy holds her still',
  )
  await meet(north, restored)
  await restored.erase()
  assert.equal((await restored.people.get(zina.id)).name, ERASED_NAME)
  assert.deepEqual(leftIn(restored), [])
})

test('a person asks to be deleted, takes it back, and an administrator who types the login does it', async (t) => {
  const { north, ada, zina } = await two(t)
  const own = (await north.enter('zina')).token
  const admin = (await north.enter(ada.login, PASSWORD)).token
  await north.post('/profile/deletion', { wish: 'yes' }, own)
  const page = async () => (await north.get(`/admin/users/${zina.id}`, admin)).text()
  assert.match(await page(), /asked to be deleted/)
  await north.post('/profile/deletion', { wish: 'no' }, own)
  assert.doesNotMatch(await page(), /asked to be deleted/)
  const wrong = await north.post(`/admin/users/${zina.id}/erase`, { erase: 'ada' }, admin)
  assert.equal(wrong.status, 422)
  assert.equal((await north.people.get(zina.id)).isErased, false)
  const fields = { erase: 'zina', messages: 'keep' }
  assert.equal((await north.post(`/admin/users/${zina.id}/erase`, fields, admin)).status, 303)
  assert.equal((await north.people.get(zina.id)).isErased, true)
})
