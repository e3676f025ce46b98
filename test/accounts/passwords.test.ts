/** Passwords changed apart, and old ones brought again: one holds everywhere, and nothing of yesterday comes back. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { credentialBytes, newCredential } from '../../src/accounts/credentials.ts'
import { userCred } from '../../src/accounts/events.ts'
import { changePassword } from '../../src/accounts/own.ts'
import { hex } from '../../src/base/bytes.ts'
import { type Office, PASSWORD, twoOffices } from './office.ts'

const AT_HOME = 'marble window 31'
const AWAY = 'copper ladder 52'

async function cast(t: Parameters<typeof twoOffices>[0]) {
  const two = await twoOffices(t)
  const ada = await two.north.people.found('ada', 'organisation-admin')
  const bob = await two.north.people.add(ada, { login: 'bob' })
  await two.meet()
  return { ...two, ada, bob }
}

async function changes(office: Office, from: string, to: string) {
  const { token } = await office.enter('bob', from)
  const known = await office.signIns.signInOf(token)
  assert.ok(known)
  await changePassword(office.deps, known, { current: from, password: to, address: '' })
}

const opens = async (office: Office, password: string) =>
  (await office.enter('bob', password)).answer.status === 303

test('of two changes made apart the one at home holds, at every branch', async (t) => {
  const { north, south, meet } = await cast(t)
  await changes(south, PASSWORD, AWAY)
  await changes(north, PASSWORD, AT_HOME)
  assert.deepEqual([await opens(south, AWAY), await opens(north, AT_HOME)], [true, true])
  await meet()
  for (const office of [north, south]) {
    assert.equal(await opens(office, AT_HOME), true)
    assert.equal(await opens(office, AWAY), false)
    assert.equal(await opens(office, PASSWORD), false)
  }
})

test('a change ends the sign-ins at every branch that hears of it', async (t) => {
  const { north, south, meet } = await cast(t)
  const { token } = await north.enter('bob')
  await changes(south, PASSWORD, AWAY)
  await meet()
  assert.equal((await north.get('/chats', token)).status, 303)
})

test('an old change that is brought again changes nothing', async (t) => {
  const { north, south, meet, bob } = await cast(t)
  const signer = await south.signIns.provedAgain(bob, PASSWORD, '')
  const before = await south.store.read
    .selectFrom('credential')
    .where('userId', '=', bob.id)
    .select(['epoch', 'rev'])
    .executeTakeFirstOrThrow()
  const { credential } = await newCredential(south.deps, AWAY)
  const { salt } = credential
  const next = { user: bob.id, epoch: before.epoch, rev: before.rev + 1, salt }
  const whole = { ...next, publicKey: hex(credential.publicKey) }
  const signature = hex(signer.sign(credentialBytes({ ...whole, branch: south.keys.id })))
  const body = { ...whole, mustChange: false, signature }
  const lawless = { ...userCred, refusal: async () => undefined }
  const brings = () =>
    south.store.writer.write((tx) =>
      south.branch.log.append(tx, { kind: lawless, to: 'all', body }),
    )
  await brings()
  await meet()
  assert.equal(await opens(north, AWAY), true)
  await changes(north, AWAY, AT_HOME)
  await meet()
  await brings()
  await meet()
  for (const office of [north, south]) {
    assert.deepEqual([await opens(office, AT_HOME), await opens(office, AWAY)], [true, false])
  }
})
