/** The directory between branches: who may write what, which record wins, what may arrive in any order. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  disableUser,
  editUser,
  enableUser,
  setTemporaryPassword,
} from '../../src/accounts/actions.ts'
import { userBlock } from '../../src/accounts/blocks.ts'
import {
  credentialBytes,
  drawnCredential,
  locationBytes,
  newCredential,
  provedBy,
  signerOf,
} from '../../src/accounts/credentials.ts'
import { roleGrant, userAt, userCred, userPut } from '../../src/accounts/events.ts'
import { changePassword } from '../../src/accounts/own.ts'
import { branchesOf, mayWriteFor, type Person } from '../../src/accounts/queries.ts'
import type { UserPut } from '../../src/accounts/records.ts'
import { hex } from '../../src/base/bytes.ts'
import type { UserId } from '../../src/base/ids.ts'
import { DAY } from '../../src/base/units.ts'
import type { EventKind } from '../../src/eventlog/events.ts'
import { type Office, PASSWORD, twoOffices } from './office.ts'

const SEED = new Uint8Array(32).fill(7)

/** What a branch with another program would write: no rule of ours stands in its way. */
async function forges<Body>(office: Office, kind: EventKind<Body>, body: Body): Promise<void> {
  const lawless = { ...kind, refusal: async () => undefined, apply: async () => {} }
  await office.store.writer.write((tx) =>
    office.branch.log.append(tx, { kind: lawless, body, to: 'all' }),
  )
}

/** Reasons of refused and parked events at a branch. */
async function kept(office: Office): Promise<string[]> {
  const rows = await office.store.read
    .selectFrom('event')
    .where('state', 'in', ['refused', 'parked'])
    .select(['state', 'reason'])
    .orderBy('position')
    .execute()
  return rows.map((row) => `${row.state} ${row.reason}`)
}

const credentialOf = (office: Office, user: UserId) =>
  office.store.read
    .selectFrom('credential')
    .where('userId', '=', user)
    .selectAll()
    .executeTakeFirstOrThrow()

async function cast(t: Parameters<typeof twoOffices>[0]) {
  const two = await twoOffices(t)
  const ada = await two.north.people.found('ada', 'organisation-admin')
  const sam = await two.south.people.found('sam', 'branch-admin')
  const bob = await two.north.people.add(ada, {
    login: 'bob',
    firstName: 'Боб',
    lastName: 'Коваль',
  })
  await two.meet()
  return { ...two, ada, sam, bob }
}

const recordOf = (person: Person): UserPut => ({
  user: person.id,
  home: person.branch.id,
  rev: 9,
  login: person.login,
  firstName: 'Forged',
  lastName: '',
  photo: null,
  post: '',
  department: '',
  phone: '',
  room: '',
  language: null,
  theme: 'auto',
  createdAt: 0,
})

test('everybody is known at every branch, with the same password', async (t) => {
  const { south, bob } = await cast(t)
  const known = await south.people.get(bob.id)
  assert.deepEqual(known, bob)
  assert.equal((await south.enter('bob@north')).answer.status, 303)
})

test('a record that another branch writes is refused', async (t) => {
  const { north, south, meet, bob } = await cast(t)
  await forges(south, userPut, recordOf(bob))
  await forges(south, userPut, { ...recordOf(bob), home: south.keys.id })
  await meet()
  assert.deepEqual(await kept(north), ['refused not-home', 'refused not-home'])
  assert.equal((await north.people.get(bob.id)).firstName, 'Боб')
})

test('the home branch cannot change a login, nor give one to somebody else', async (t) => {
  const { north, south, meet, bob } = await cast(t)
  await forges(north, userPut, { ...recordOf(bob), login: 'robert' })
  await forges(north, userPut, { ...recordOf(bob), user: 'ab'.repeat(16) as UserId })
  await meet()
  assert.deepEqual(await kept(south), ['refused login-changed', 'refused login-taken'])
})

test('a forged stay is refused: nobody is where he did not type his password', async (t) => {
  const { north, south, meet, bob } = await cast(t)
  const { epoch, rev } = await credentialOf(south, bob.id)
  const until = south.deps.clock.now() + DAY
  const stay = { user: bob.id, branch: south.keys.id, epoch, rev, until }
  await forges(south, userAt, { ...stay, signature: hex(signerOf(SEED).sign(locationBytes(stay))) })
  await meet()
  assert.deepEqual(await kept(north), ['refused signature-wrong'])
  assert.deepEqual(await branchesOf(north.store.read, [bob.id], until - 1), [north.keys.id])
  assert.equal(
    await mayWriteFor(north.store.read, { user: bob.id, branch: south.keys.id, at: until - 1 }),
    false,
  )
})

test('a stay of another branch, a longer one and an altered one are refused', async (t) => {
  const { north, south, meet, bob } = await cast(t)
  const credential = await credentialOf(south, bob.id)
  const signer = await provedBy(south.hasher, credential, PASSWORD)
  assert.ok(signer)
  const { epoch, rev } = credential
  const signed = (stay: Parameters<typeof locationBytes>[0]) => ({
    ...stay,
    signature: hex(signer.sign(locationBytes(stay))),
  })
  const now = south.deps.clock.now()
  const stay = { user: bob.id, branch: south.keys.id, epoch, rev, until: now + DAY }
  await forges(south, userAt, signed({ ...stay, branch: north.keys.id }))
  await forges(south, userAt, signed({ ...stay, until: now + 16 * DAY }))
  await forges(south, userAt, { ...signed(stay), until: now + 2 * DAY })
  await meet()
  assert.deepEqual(await kept(north), [
    'refused not-its-branch',
    'refused until-too-far',
    'refused signature-wrong',
  ])
  await forges(south, userAt, signed(stay))
  await meet()
  assert.deepEqual(
    new Set(await branchesOf(north.store.read, [bob.id], now)),
    new Set([north.keys.id, south.keys.id]),
  )
})

test('a guest is reached where he is, and that branch may write for him', async (t) => {
  const { north, south, meet, bob, advance } = await cast(t)
  const now = north.deps.clock.now()
  const writes = () =>
    mayWriteFor(north.store.read, { user: bob.id, branch: south.keys.id, at: now })
  assert.equal(await writes(), false)
  await south.enter('bob')
  await south.enter('bob')
  await meet()
  assert.equal(await writes(), true)
  const events = await north.store.read
    .selectFrom('event')
    .where('kind', '=', userAt.code)
    .select('position')
    .execute()
  assert.equal(events.length, 1, 'the second sign-in of the day says nothing new')
  advance(15 * DAY)
  assert.deepEqual(await branchesOf(north.store.read, [bob.id], north.deps.clock.now()), [
    north.keys.id,
  ])
})

test('a stay ends at the same time everywhere, whichever of it and a new password came first', async (t) => {
  const { north, south, meet, ada, bob, advance } = await cast(t)
  await setTemporaryPassword(north.deps, ada, { id: bob.id })
  advance(DAY)
  await south.enter('bob') // South has not heard of it
  await meet()
  const stays = ({ store }: typeof north) => store.read.selectFrom('location').selectAll().execute()
  assert.equal((await stays(north)).length, 1)
  assert.deepEqual(await stays(north), await stays(south))
  const end = north.deps.clock.now() + 13 * DAY
  const writes = (at: number) =>
    mayWriteFor(south.store.read, { user: bob.id, branch: south.keys.id, at })
  assert.equal(await writes(end - 1), true)
  assert.equal(await writes(end + 1), false)
})

test('a forged credential is refused', async (t) => {
  const { north, south, meet, bob } = await cast(t)
  const { credential } = await newCredential(south.deps, 'taken over 123')
  const known = await credentialOf(south, bob.id)
  const publicKey = hex(credential.publicKey)
  const base = { user: bob.id, salt: credential.salt, publicKey, mustChange: false }
  const next = { ...base, epoch: known.epoch, rev: known.rev + 1 }
  await forges(south, userCred, next)
  const signed = credentialBytes({ ...next, branch: south.keys.id })
  await forges(south, userCred, { ...next, signature: hex(signerOf(SEED).sign(signed)) })
  await forges(south, userCred, { ...base, epoch: known.epoch + 1, rev: 0 })
  await meet()
  assert.deepEqual(await kept(north), [
    'refused not-home',
    'refused signature-wrong',
    'refused not-home',
  ])
  assert.equal((await north.enter('bob')).answer.status, 303)
})

test('a guest changes the password, signed with the old one, and it counts at home', async (t) => {
  const { north, south, meet, bob } = await cast(t)
  const atHome = (await north.enter('bob')).token
  const { token } = await south.enter('bob')
  const known = await south.signIns.signInOf(token)
  assert.ok(known)
  const of = { current: PASSWORD, password: 'quiet harbour 29', address: '' }
  await changePassword(south.deps, known, of)
  await meet()
  assert.deepEqual(await kept(north), [])
  assert.equal((await north.get('/chats', atHome)).status, 303, 'his sign-in at home has ended')
  assert.equal((await north.enter('bob')).answer.status, 422)
  assert.equal((await north.enter('bob', of.password)).answer.status, 303)
  assert.ok((await branchesOf(north.store.read, [bob.id], 0)).includes(south.keys.id))
})

test('a guest with a temporary password chooses an own one', async (t) => {
  const { north, south, meet, ada } = await cast(t)
  await north.people.add(ada, { login: 'dan', temporary: true })
  await meet()
  const { token } = await south.enter('dan')
  const fields = { password: 'quiet harbour 29', repeat: 'quiet harbour 29' }
  assert.equal((await south.post('/password', fields, token)).status, 303)
  await meet()
  assert.deepEqual(await kept(north), [])
  assert.equal((await north.enter('dan', fields.password)).answer.headers.get('location'), '/chats')
})

test("an admin's reset at home beats a change made apart, and what the guest did until then still counts", async (t) => {
  const { north, south, meet, ada, bob } = await cast(t)
  const { token } = await south.enter('bob')
  const known = await south.signIns.signInOf(token)
  assert.ok(known)
  await changePassword(south.deps, known, {
    current: PASSWORD,
    password: 'quiet harbour 29',
    address: '',
  })
  const { password } = await setTemporaryPassword(north.deps, ada, { id: bob.id })
  await meet()
  for (const office of [north, south]) {
    assert.deepEqual(await kept(office), [])
    assert.equal((await office.enter('bob', 'quiet harbour 29')).answer.status, 422)
    assert.equal((await office.enter('bob', password)).answer.status, 303)
  }
  assert.equal((await south.get('/chats', token)).status, 303)
  const at = north.deps.clock.now()
  assert.equal(
    await mayWriteFor(north.store.read, { user: bob.id, branch: south.keys.id, at }),
    true,
  )
})

test('a block ends the sign-ins at every branch, and beats an unblock of the same time', async (t) => {
  const { north, south, meet, ada, bob } = await cast(t)
  const { token } = await south.enter('bob')
  await disableUser(north.deps, ada, bob.id)
  await meet()
  assert.equal((await south.get('/chats', token)).status, 303)
  assert.equal((await south.enter('bob')).answer.status, 403)

  await enableUser(north.deps, ada, bob.id)
  await meet()
  assert.equal((await south.people.get(bob.id)).disabled, false)
  for (const blocked of [true, false]) {
    await north.store.writer.write((tx) =>
      north.deps.append(tx, {
        kind: userBlock,
        body: { user: bob.id, generation: 1, blocked },
        to: 'all',
      }),
    )
  }
  await meet()
  assert.equal((await south.people.get(bob.id)).disabled, true)
})

test('a branch that issues nothing can neither block nor promote people of others', async (t) => {
  const { north, south, meet, ada, sam } = await cast(t)
  await forges(south, userBlock, { user: ada.id, generation: 5, blocked: true })
  await forges(south, roleGrant, { user: ada.id, role: 'employee', rev: 9 })
  await forges(south, roleGrant, { user: sam.id, role: 'organisation-admin', rev: 9 })
  await meet()
  assert.deepEqual(await kept(north), Array(3).fill('parked waits-for-issuer'))
  assert.equal((await north.people.get(ada.id)).role, 'organisation-admin')
  assert.equal((await north.people.get(sam.id)).role, 'branch-admin')
})

test('what an issuing branch says before its certificate is here waits for it', async (t) => {
  const { north, south, meet, sam, bob, advance } = await cast(t)
  await forges(south, roleGrant, { user: sam.id, role: 'organisation-admin', rev: 2 })
  await forges(south, userBlock, { user: bob.id, generation: 1, blocked: true })
  await meet()
  assert.deepEqual(await kept(north), Array(2).fill('parked waits-for-issuer'))
  await north.store.writer.write((tx) =>
    tx
      .insertInto('issuer')
      .values({ serial: 'second', branchId: south.keys.id, certificate: new Uint8Array(1) })
      .execute(),
  )
  await south.people.add(undefined, { login: 'eva' })
  await meet()
  advance(100)
  await north.store.writer.write(async () => {})
  assert.deepEqual(await kept(north), [])
  assert.equal((await north.people.get(sam.id)).role, 'organisation-admin')
  assert.equal((await north.people.get(bob.id)).disabled, true)
})

test('a branch does not write what it may not: nothing of it is left to wait', async (t) => {
  const { south, ada } = await cast(t)
  const body = { user: ada.id, generation: 5, blocked: true }
  const write = south.store.writer.write((tx) =>
    south.deps.append(tx, { kind: userBlock, body, to: 'all' }),
  )
  await assert.rejects(write, { code: 'forbidden' })
  assert.deepEqual(await kept(south), [])
})

test('the issuing branch gives roles to people of others and closes their accounts', async (t) => {
  const { north, south, meet, ada, sam } = await cast(t)
  await assert.rejects(editUser(north.deps, ada, { id: sam.id, changes: { role: 'auditor' } }), {
    detail: 'last-admin',
  })
  const eva = await south.people.add(undefined, { login: 'eva', role: 'branch-admin' })
  await meet()
  assert.equal((await north.people.get(eva.id)).role, 'branch-admin')
  await editUser(north.deps, ada, { id: sam.id, changes: { role: 'auditor' } })
  await meet()
  assert.equal((await south.people.get(sam.id)).role, 'auditor')
  await disableUser(north.deps, ada, sam.id)
  await meet()
  assert.equal((await south.enter('sam')).answer.status, 403)
})

test('a role or a block cannot be pinned by a number above all others', async (t) => {
  const { north, south, meet, ada, sam } = await cast(t)
  const last = 2 ** 31 - 1
  await forges(south, roleGrant, { user: sam.id, role: 'branch-admin', rev: last })
  await forges(south, userBlock, { user: sam.id, generation: last, blocked: false })
  await meet()
  assert.deepEqual(await kept(north), Array(2).fill('parked waits-for-earlier'))
  await south.people.add(undefined, { login: 'eva', role: 'branch-admin' })
  await meet()
  await editUser(north.deps, ada, { id: sam.id, changes: { role: 'auditor' } })
  await disableUser(north.deps, ada, sam.id)
  await meet()
  for (const { people } of [north, south]) {
    const { role, disabled } = await people.get(sam.id)
    assert.deepEqual({ role, disabled }, { role: 'auditor', disabled: true })
  }
})

test('roles and blocks end the same in whatever order they come', async (t) => {
  const { north, south, meet, sam, advance } = await cast(t)
  const roles = ['auditor', 'employee', 'organisation-admin'] as const
  const bodies = [
    ...roles.map((role, i) => [roleGrant, { user: sam.id, role, rev: i + 2 }] as const),
    ...[true, false].map(
      (blocked) => [userBlock, { user: sam.id, generation: 1, blocked }] as const,
    ),
    [userBlock, { user: sam.id, generation: 2, blocked: false }] as const,
  ]
  // What comes first is what stands above the others.
  for (const [kind, body] of bodies.toReversed())
    await forges(north, kind as EventKind<unknown>, body)
  await meet()
  for (let round = 0; round < 8 && (await kept(south)).length > 0; round++) {
    advance(100)
    await south.store.writer.write(async () => {})
  }
  assert.deepEqual(await kept(south), [])
  assert.equal((await south.people.get(sam.id)).role, 'organisation-admin')
  assert.equal((await south.people.get(sam.id)).disabled, false)
})

test('a block that overtakes the record of the person waits for it', async (t) => {
  const { north, south, meet } = await twoOffices(t)
  const user = 'cd'.repeat(16) as UserId
  const body = { user, generation: 0, blocked: true }
  await forges(north, userBlock, body)
  await meet()
  assert.deepEqual(await kept(south), ['parked waits-for-person'])
})

test('a name that another branch lets turn or hide letters is shown without that', async (t) => {
  const { north, south, meet, sam } = await cast(t)
  const known = await south.people.get(sam.id)
  const record = { ...recordOf(known), firstName: 'Sam\u202eadA', lastName: 'Ro\u200bss\u2066' }
  const loose = { ...userPut, parse: (body: unknown) => body as UserPut }
  await forges(south, loose, { ...record, post: 'Chief\nadmin', room: '\u200f' })
  await meet()
  const { firstName, lastName, post, room } = await north.people.get(sam.id)
  assert.deepEqual([firstName, lastName, post, room], ['Sam adA', 'Ro ss', 'Chief admin', ''])
  await forges(south, loose, { ...record, rev: 10, firstName: '\u202e' })
  await meet()
  assert.deepEqual(await kept(north), ['refused malformed'])
})

test('bodies that break the form are refused', () => {
  const good = {
    user: 'ab'.repeat(16),
    epoch: 1,
    rev: 0,
    salt: `$2b$10$${'a'.repeat(22)}`,
    publicKey: '0'.repeat(64),
    mustChange: false,
  }
  assert.doesNotThrow(() => userCred.parse(good))
  // A cost of 31 would keep our workers busy for days.
  for (const bad of [
    { salt: `$2b$31$${'a'.repeat(22)}` },
    { rev: -1 },
    { publicKey: '00' },
    { user: 'x' },
  ]) {
    assert.throws(() => userCred.parse({ ...good, ...bad }))
  }
  const person = {
    id: 'ab'.repeat(16) as UserId,
    login: 'bob',
    branch: { id: 'cd'.repeat(16) },
  } as Person
  assert.throws(() => userPut.parse({ ...recordOf(person), firstName: 'x'.repeat(61) }))
})

test('a quick hash for a password that need not be changed is refused everywhere', async (t) => {
  const { north, south, bob, meet } = await cast(t)
  const drawn = drawnCredential(north.deps.random, 'abcd-efgh-jkmn-pqrs-tvwx')
  const { epoch, branchId: _branch, hlc: _hlc, userId: user } = await credentialOf(north, bob.id)
  const { salt } = drawn
  const body = { user, epoch: epoch + 1, rev: 0, salt, publicKey: hex(drawn.publicKey) }
  await forges(north, userCred, { ...body, mustChange: false })
  await meet()
  assert.deepEqual(await kept(south), ['refused fast-salt'])
  await assert.rejects(
    north.store.writer.write((tx) =>
      north.deps.append(tx, { kind: userCred, to: 'all', body: { ...body, mustChange: false } }),
    ),
    /fast-salt/,
  )
  // One that must be changed is good at every branch, and is changed there too.
  await north.store.writer.write((tx) =>
    north.deps.append(tx, { kind: userCred, to: 'all', body: { ...body, mustChange: true } }),
  )
  await meet()
  const guest = await south.enter('bob@north', 'abcd-efgh-jkmn-pqrs-tvwx')
  assert.equal(guest.answer.headers.get('location'), '/password')
  const own = { password: 'quiet harbour 29', repeat: 'quiet harbour 29' }
  assert.equal((await south.post('/password', own, guest.token)).headers.get('location'), '/chats')
  await meet()
  assert.equal((await north.enter('bob', own.password)).answer.headers.get('location'), '/chats')
})
