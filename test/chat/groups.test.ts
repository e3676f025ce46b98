/** Groups: who may change them, and that any order of feeds ends the same. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { userPut } from '../../src/accounts/events.ts'
import { AppError } from '../../src/base/errors.ts'
import type { ConversationId } from '../../src/base/ids.ts'
import { chatsOf, getChat } from '../../src/chat/chats.ts'
import {
  addMember,
  createGroup,
  leaveGroup,
  recordedMembers,
  removeMember,
} from '../../src/chat/groups.ts'
import { groupIdOf } from '../../src/chat/ids.ts'
import { membersOf } from '../../src/chat/members.ts'
import { linesBefore } from '../../src/chat/queries.ts'
import type { Clock } from '../../src/world/clock.ts'
import { temporaryFolder } from '../db/store.ts'
import { crashImage, exchange } from '../eventlog/fixture.ts'
import { companyOf, type Office, openOffice, type Person } from './cast.ts'

const isCode = (code: string) => (error: unknown) =>
  error instanceof AppError && error.code === code

async function cast(t: Parameters<typeof companyOf>[0]) {
  const company = await companyOf(t, 'Kyiv', 'Lviv', 'Odesa')
  const [kyiv, lviv, odesa] = company.offices
  assert(kyiv && lviv && odesa)
  const [ada, eve] = [await kyiv.hire('Ada'), await kyiv.hire('Eve')]
  const [bob, cid] = [await lviv.hire('Bob'), await odesa.hire('Cid')]
  await company.settle()
  return { company, kyiv, lviv, odesa, ada, eve, bob, cid }
}

async function names(person: Person, chat: ConversationId): Promise<string[]> {
  const members = await membersOf(person.office.store.read, person.viewer, chat)
  return members.map((member) => `${member.name}${member.isOwner ? '*' : ''}`)
}

async function states(office: Office): Promise<string[]> {
  const rows = await office.store.read
    .selectFrom('event')
    .where('state', '!=', 'applied')
    .select(['state', 'reason'])
    .execute()
  return rows.map((row) => `${row.state} ${row.reason}`)
}

test('a group appears at all its branches with its members and messages', async (t) => {
  const { company, kyiv, odesa, ada, bob, cid } = await cast(t)
  const chat = await createGroup(kyiv.parts, ada.id, {
    title: ' Procurement ',
    members: [bob.id, cid.id, ada.id],
  })
  await bob.office.store.writer.write(async () => {})
  await company.settle()
  await bob.posts(chat, 'hello all')
  await company.settle()
  assert.deepEqual(await names(cid, chat), ['Ada*', 'Bob', 'Cid'])
  assert.deepEqual(await cid.sees(chat), ['hello all'])
  assert.deepEqual(await ada.sees(chat), ['hello all'])
  const [row] = await chatsOf(odesa.store.read, cid.viewer)
  assert.deepEqual([row?.title, row?.memberCount, row?.branchCount], ['Procurement', 3, 3])
  assert.equal(row?.last?.author.firstName, 'Bob')
})

test('only owners change members, and only at the branch that keeps them', async (t) => {
  const { company, kyiv, lviv, ada, eve, bob, cid } = await cast(t)
  const chat = await createGroup(kyiv.parts, ada.id, { title: 'G', members: [eve.id, bob.id] })
  await company.settle()
  const change = { conversation: chat, user: cid.id }
  await assert.rejects(addMember(kyiv.parts, eve.id, change), isCode('forbidden'))
  await assert.rejects(
    removeMember(kyiv.parts, eve.id, { ...change, user: bob.id }),
    isCode('forbidden'),
  )
  await assert.rejects(addMember(kyiv.parts, cid.id, change), isCode('not-found'), 'an outsider')
  await assert.rejects(leaveGroup(lviv.parts, bob.id, chat), isCode('unavailable'))
  await addMember(kyiv.parts, ada.id, change)
  await addMember(kyiv.parts, ada.id, change)
  await company.settle()
  assert.deepEqual(await names(bob, chat), ['Ada*', 'Bob', 'Cid', 'Eve'])
  await removeMember(kyiv.parts, ada.id, { conversation: chat, user: bob.id })
  await company.settle()
  assert.deepEqual(await names(cid, chat), ['Ada*', 'Cid', 'Eve'])
  await assert.rejects(getChat(lviv.store.read, bob.viewer, chat), isCode('not-found'))
  await assert.rejects(bob.posts(chat, 'still'), isCode('not-found'))
})

test('when the last owner leaves, who has been in it longest owns the group', async (t) => {
  const { kyiv, ada, eve, bob, cid, company } = await cast(t)
  const chat = await createGroup(kyiv.parts, ada.id, { title: 'G', members: [eve.id] })
  company.advance(10)
  await addMember(kyiv.parts, ada.id, { conversation: chat, user: bob.id })
  await addMember(kyiv.parts, ada.id, { conversation: chat, user: cid.id })
  await leaveGroup(kyiv.parts, ada.id, chat)
  await company.settle()
  assert.deepEqual(await names(cid, chat), ['Bob', 'Cid', 'Eve*'])
  await assert.rejects(ada.posts(chat, 'once more'), isCode('not-found'))
})

test('new members see from joining on', async (t) => {
  const { company, kyiv, ada, eve, bob } = await cast(t)
  const chat = await createGroup(kyiv.parts, ada.id, { title: 'G', members: [eve.id] })
  await ada.posts(chat, 'before')
  company.advance(10)
  await addMember(kyiv.parts, ada.id, { conversation: chat, user: bob.id })
  await ada.posts(chat, 'after')
  await company.settle()
  assert.deepEqual(await eve.sees(chat), ['before', 'after'])
  assert.deepEqual(await bob.sees(chat), ['after'])
  assert.equal((await getChat(bob.office.store.read, bob.viewer, chat)).unread, 1)
})

test('a message that comes before the record of its group waits for it', async (t) => {
  const { company, kyiv, lviv, odesa, ada, bob, cid } = await cast(t)
  const chat = await createGroup(kyiv.parts, ada.id, { title: 'G', members: [bob.id, cid.id] })
  await company.link(kyiv, lviv)
  await bob.posts(chat, 'early')
  // Odesa hears Lviv first: it does not know the group yet.
  await exchange(lviv, odesa)
  assert.deepEqual(await states(odesa), ['parked waits-for-conversation'])
  assert.deepEqual(await cid.sees(chat), [])
  await company.settle()
  assert.deepEqual(await states(odesa), [])
  assert.deepEqual(await cid.sees(chat), ['early'])
  assert.equal((await getChat(odesa.store.read, cid.viewer, chat)).unread, 1)
})

test('a message of somebody unknown waits for the person', async (t) => {
  const { company, kyiv, lviv } = await cast(t)
  const fay = await kyiv.hire('Fay')
  const gus = await lviv.hire('Gus')
  await exchange(lviv, kyiv)
  const chat = await fay.adds(gus)
  await fay.posts(chat, 'I am new')
  // Only the mail comes: the directory's feeds are held back.
  const offers = await kyiv.log.offersTo(lviv.keys.id)
  const scopes = await kyiv.store.read.selectFrom('feed').select(['n', 'scope']).execute()
  const mail = offers.filter((offer) => scopes.find((f) => f.n === offer.n)?.scope === 'to')
  assert.equal(mail.length, 1)
  const only = { ...kyiv, log: { ...kyiv.log, offersTo: async () => mail } }
  await exchange(only, lviv)
  assert.deepEqual(await states(lviv), ['parked waits-for-person'])
  await company.settle()
  assert.deepEqual(await states(lviv), [])
  assert.deepEqual(await gus.sees(chat), ['I am new'])
})

test('no branch can speak for people of others, nor take their chats', async (t) => {
  const { company, kyiv, lviv, odesa, ada, bob, cid } = await cast(t)
  const chat = await ada.adds(bob)
  await ada.posts(chat, 'hi')
  await company.settle()
  const at = kyiv.keys.id
  const { append } = odesa.log
  const forge = (kind: 'msgPost' | 'convPut', body: object) =>
    odesa.store.writer.write((tx) => {
      // As a hostile branch does: without its own check.
      const forged = { ...odesa.kinds[kind], refusal: async () => undefined, apply: async () => {} }
      return append(tx, { kind: forged as never, body: body as never, to: [at] })
    })
  // In Bob's name; into a chat of others; with an id that is not of the two; a group of Kyiv's.
  await forge('msgPost', {
    conversation: chat,
    author: bob.id,
    body: 'pay',
    direct: [ada.id, bob.id],
  })
  await forge('msgPost', {
    conversation: chat,
    author: cid.id,
    body: 'pay',
    direct: [ada.id, cid.id],
  })
  await forge('msgPost', { conversation: chat, author: cid.id, body: 'pay' })
  const group = groupIdOf(at, odesa.parts.random.id())
  const member = { user: ada.id, role: 'owner', joinedAt: '0'.repeat(16) }
  const record = { kind: 'group', title: 'T', createdAt: 0, term: 0, rev: 1, members: [member] }
  await forge('convPut', { id: group, ...record })
  await company.settle()
  assert.deepEqual((await states(kyiv)).sort(), [
    'parked waits-for-conversation',
    'parked waits-for-person',
    'refused not-its-home',
    'refused wrong-conversation',
  ])
  assert.deepEqual(await ada.sees(chat), ['hi'])
  assert.deepEqual(await bob.sees(chat), ['hi'])
  assert.equal((await chatsOf(kyiv.store.read, ada.viewer)).length, 1)
  assert.equal(userPut.code, 0x0301)
  assert.ok(lviv)
})

test('records of a group that come in any order end with the newest', async (t) => {
  const { company, kyiv, lviv, ada, eve, bob } = await cast(t)
  const chat = await createGroup(kyiv.parts, ada.id, { title: 'G', members: [eve.id, bob.id] })
  await company.settle()
  const before = await lviv.store.read.selectFrom('event').selectAll().execute()
  await addMember(kyiv.parts, ada.id, { conversation: chat, user: bob.id })
  await removeMember(kyiv.parts, ada.id, { conversation: chat, user: eve.id })
  await company.settle()
  assert.deepEqual(await names(bob, chat), ['Ada*', 'Bob'])
  // The old record once more, as it comes from an older feed of a restored Kyiv.
  const old = before.find((row) => row.kind === 0x0401)
  assert(old?.body)
  const body = lviv.kinds.convPut.parse(JSON.parse(new TextDecoder().decode(old.body.subarray(16))))
  await lviv.store.writer.write((tx) =>
    lviv.kinds.convPut.apply(tx, {
      ...{ position: 1, id: 'e'.repeat(32) as never, origin: kyiv.keys.id, kind: 'conv.put', body },
      ...{ hlc: old.hlc, arrivedAt: 0, to: [], conversationId: chat },
    }),
  )
  assert.deepEqual(await names(bob, chat), ['Ada*', 'Bob'])
})

test('who joins while a branch is cut off gets what is written there meanwhile', async (t) => {
  const { company, kyiv, lviv, odesa, ada, bob, cid } = await cast(t)
  const chat = await createGroup(kyiv.parts, ada.id, { title: 'G', members: [cid.id] })
  await company.settle()
  await cid.posts(chat, 'before Bob')
  await company.settle()
  // Odesa hears nothing of Bob, and goes on.
  company.advance(1000)
  await addMember(kyiv.parts, ada.id, { conversation: chat, user: bob.id })
  await company.link(kyiv, lviv)
  company.advance(1000)
  await cid.posts(chat, 'in the cut')
  await company.link(odesa, lviv)
  assert.deepEqual(await bob.sees(chat), [])
  await company.settle()
  await cid.posts(chat, 'after it')
  await company.settle()
  assert.deepEqual(await bob.sees(chat), ['in the cut', 'after it'], 'each once')
  assert.deepEqual(await ada.sees(chat), ['before Bob', 'in the cut', 'after it'])
  for (const office of company.offices) assert.deepEqual(await states(office), [])
})

test('a group may be known before its people are', async (t) => {
  const company = await companyOf(t, 'Kyiv', 'Lviv', 'Odesa')
  const [kyiv, lviv, odesa] = company.offices
  assert(kyiv && lviv && odesa)
  const [ada, bob, cid] = [await kyiv.hire('Ada'), await lviv.hire('Bob'), await odesa.hire('Cid')]
  await company.link(kyiv, odesa)
  await company.link(kyiv, lviv)
  const chat = await createGroup(kyiv.parts, ada.id, { title: 'G', members: [bob.id, cid.id] })
  await exchange({ ...kyiv, log: await withoutFeedsOf(kyiv, lviv) }, odesa)
  await cid.posts(chat, 'Who is Bob?')
  await company.settle()
  assert.deepEqual(await bob.sees(chat), ['Who is Bob?'])
})

/** The log of a branch that keeps the records of another one to itself. */
async function withoutFeedsOf(office: Office, origin: Office): Promise<Office['log']> {
  const feeds = office.store.read.selectFrom('feed').where('origin', '=', origin.keys.id)
  const hidden = new Set((await feeds.select('id').execute()).map(({ id }) => id))
  return {
    ...office.log,
    offersTo: async (peer) => (await office.log.offersTo(peer)).filter(({ id }) => !hidden.has(id)),
  }
}

test('a group that its branch lost comes back to all of its branches, whichever record came back', async (t) => {
  const { company, kyiv, lviv, odesa, ada, cid } = await cast(t)
  const folder = crashImage(kyiv, temporaryFolder(t))
  const title = 'For Odesa'
  const chat = await createGroup(kyiv.parts, ada.id, { title, members: [cid.id] })
  // Cid is a guest in Lviv meanwhile, which gets a record of its own; Odesa is cut off.
  const group = await kyiv.store.read
    .selectFrom('conversation')
    .where('id', '=', chat)
    .select(['id', 'title', 'createdAt', 'term', 'rev'])
    .executeTakeFirstOrThrow()
  await kyiv.store.writer.write(async (tx) => {
    const body = { kind: 'group' as const, ...group, members: await recordedMembers(tx, chat) }
    const { append, kinds } = kyiv.parts
    await append(tx, { kind: kinds.convPut, body, to: [lviv.keys.id] })
  })
  await exchange(kyiv, lviv)

  const keys = company.offices.map((office) => office.keys)
  const again = { own: kyiv.keys, keys, folder, clock: { ...kyiv.parts.clock } as Clock }
  const restored = await openOffice(again)
  t.after(() => restored.store.close())
  await exchange(lviv, restored)
  assert.equal((await chatsOf(restored.store.read, ada.viewer))[0]?.title, title)
  await exchange(restored, odesa)
  assert.deepEqual(await names(cid, chat), ['Ada*', 'Cid'])
})

test('a branch put back from a copy that counts again says the last word on its group, everywhere', async (t) => {
  const { company, kyiv, lviv, odesa, ada, bob, cid } = await cast(t)
  const ivo = await lviv.hire('Ivo')
  await company.settle()
  const chat = await createGroup(kyiv.parts, ada.id, { title: 'All', members: [bob.id, cid.id] })
  await company.settle()
  const folder = crashImage(kyiv, temporaryFolder(t))
  await addMember(kyiv.parts, ada.id, { conversation: chat, user: ivo.id })
  await exchange(kyiv, lviv) // and then the server is lost
  await ivo.posts(chat, 'I am in')
  company.advance(1000)

  const keys = company.offices.map((office) => office.keys)
  const restored = await openOffice({
    ...{ own: kyiv.keys, keys, folder, clock: { ...kyiv.parts.clock } as Clock },
  })
  t.after(() => restored.store.close())
  await removeMember(restored.parts, ada.id, { conversation: chat, user: cid.id })
  for (const other of [lviv, odesa, lviv]) {
    await exchange(other, restored)
    await exchange(restored, other)
  }
  const told = async ({ store }: Office, viewer: Person['viewer']) =>
    (await membersOf(store.read, viewer, chat)).map(({ name }) => name)
  assert.deepEqual(await told(restored, ada.viewer), ['Ada', 'Bob'])
  assert.deepEqual(await told(lviv, bob.viewer), ['Ada', 'Bob'])
  assert.deepEqual([await states(restored), await states(odesa)], [[], []], 'nothing waits')
  const page = await linesBefore(restored.store.read, ada.viewer, { conversation: chat, limit: 9 })
  assert.deepEqual(
    page.lines.map(({ body }) => body),
    ['I am in'],
  )
})
