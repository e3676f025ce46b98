/** Contacts, blocks and cleared histories between branches: docs/contacts.md, row by row where two branches matter. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppError } from '../../src/base/errors.ts'
import type { ConversationId, UserId } from '../../src/base/ids.ts'
import { addContact, openDirect, postMessage } from '../../src/chat/actions.ts'
import { chatsOf, getChat } from '../../src/chat/chats.ts'
import { blockersOf, clearHistory, deleteContact, setBlock } from '../../src/chat/contacts.ts'
import { createGroup } from '../../src/chat/groups.ts'
import { marksOf } from '../../src/chat/marks.ts'
import { lineById, linesAfter, linesBefore, missedAfter } from '../../src/chat/queries.ts'
import { deliveryStory } from '../../src/chat/story.ts'
import { companyOf, type Office, type Person, seat } from './cast.ts'
import { hears } from './guest-cast.ts'

const is = (code: string, detail?: string) => (error: unknown) =>
  error instanceof AppError && error.code === code && (!detail || error.detail === detail)

const blocks = (owner: Person, user: Person, office = owner.office) =>
  setBlock(office.parts, owner.id, { user: user.id, on: true })
const unblocks = (owner: Person, user: Person, office = owner.office) =>
  setBlock(office.parts, owner.id, { user: user.id, on: false })

async function two(t: Parameters<typeof companyOf>[0]) {
  const company = await companyOf(t, 'Kyiv', 'Lviv')
  const [kyiv, lviv] = company.offices
  assert(kyiv && lviv)
  const [ada, bob] = [await kyiv.hire('Ada'), await lviv.hire('Bob', 'Bee')]
  await company.settle()
  const chat = await ada.adds(bob)
  await bob.adds(ada)
  await ada.posts(chat, 'a1')
  company.advance(10)
  await bob.posts(chat, 'b1')
  await company.settle()
  company.advance(10)
  return { company, kyiv, lviv, ada, bob, chat }
}

async function eventsOf({ store }: Office): Promise<number> {
  const row = store.read.selectFrom('event').select((eb) => eb.fn.countAll<number>().as('n'))
  return (await row.executeTakeFirstOrThrow()).n
}

test('whoever is blocked is told plainly at his own branch, and what was written stays readable to both', async (t) => {
  const { company, kyiv, lviv, ada, bob, chat } = await two(t)
  await blocks(ada, bob)
  await company.settle()
  await assert.rejects(bob.posts(chat, 'b2'), is('forbidden', 'blocked'))
  await assert.rejects(ada.posts(chat, 'a2'), is('forbidden', 'blocked-by-you'))
  assert.deepEqual(await ada.sees(chat), ['a1', 'b1'])
  assert.deepEqual(await bob.sees(chat), ['a1', 'b1'])
  assert.equal((await getChat(kyiv.store.read, ada.viewer, chat)).isBlockedByMe, true)
  assert.equal((await getChat(lviv.store.read, bob.viewer, chat)).isBlockedByOther, true)
  assert.deepEqual([...(await blockersOf(lviv.store.read, bob.id))], [ada.id])
  await unblocks(ada, bob)
  await company.settle()
  await bob.posts(chat, 'b3')
  await company.settle()
  assert.deepEqual(await ada.sees(chat), ['a1', 'b1', 'b3'])
  assert.deepEqual([...(await blockersOf(lviv.store.read, bob.id))], [])
})

test('what is written before the block is known stays with its author, refused, and is not shown to the blocker', async (t) => {
  const { company, kyiv, lviv, ada, bob, chat } = await two(t)
  // The line is cut: Ada blocks, and Bob goes on.
  await blocks(ada, bob)
  company.advance(10)
  const lost = await bob.posts(chat, 'b2')
  company.advance(10)
  const before = await getChat(kyiv.store.read, ada.viewer, chat)
  await company.settle()
  assert.deepEqual(await ada.sees(chat), ['a1', 'b1'])
  assert.deepEqual(await bob.sees(chat), ['a1', 'b1', 'b2'])
  const after = await getChat(kyiv.store.read, ada.viewer, chat)
  assert.equal(after.unread, before.unread, 'it is no news for her')
  assert.equal(after.last?.text, before.last?.text)
  await assert.rejects(lineById(kyiv.store.read, ada.viewer, lost), is('not-found'))
  const line = await lineById(lviv.store.read, bob.viewer, lost)
  assert.deepEqual(
    [...(await marksOf(lviv.store.read, lviv.keys.id, [line])).values()],
    ['refused'],
  )
  const about = { message: lost, linkOf: () => undefined }
  const { steps } = await deliveryStory(lviv.store.read, bob.viewer, about)
  assert.deepEqual(
    steps.map((step) => [step.state, 'person' in step ? step.person : step.branch]),
    [
      ['written', 'Lviv'],
      ['stored', 'Kyiv'],
      ['blocked', 'Ada'],
    ],
  )
  // Nothing is lost as evidence: both branches hold it, signed.
  for (const { store } of [kyiv, lviv]) {
    const row = store.read.selectFrom('message').where('id', '=', lost).select(['body', 'refused'])
    assert.deepEqual(await row.execute(), [{ body: 'b2', refused: 1 }])
  }
})

test('what arrives late counts by when it was written: before, during or after a block', async (t) => {
  const { company, ada, bob, chat } = await two(t)
  const step = async (work: () => Promise<unknown>) => {
    await work()
    company.advance(10)
  }
  await step(() => bob.posts(chat, 'before'))
  await step(() => blocks(ada, bob))
  await step(() => bob.posts(chat, 'during'))
  await step(() => unblocks(ada, bob))
  await step(() => bob.posts(chat, 'after'))
  await company.settle()
  assert.deepEqual(await ada.sees(chat), ['a1', 'b1', 'before', 'after'])
  assert.deepEqual(await bob.sees(chat), ['a1', 'b1', 'before', 'during', 'after'])
})

test('blocking or clearing twice is doing it once, and nobody blocks himself or a stranger', async (t) => {
  const { kyiv, ada, bob, chat } = await two(t)
  const work = [
    () => blocks(ada, bob),
    () => unblocks(ada, bob),
    () => clearHistory(kyiv.parts, ada.id, chat),
    () => deleteContact(kyiv.parts, ada.id, bob.id),
  ]
  for (const run of work) {
    const before = await eventsOf(kyiv)
    await Promise.all([run(), run()])
    await run()
    assert.equal(await eventsOf(kyiv), before + 1, String(run))
  }
  const nobody = 'f'.repeat(32) as UserId
  const stranger = { ...ada, id: nobody }
  await assert.rejects(blocks(ada, ada), is('invalid-input', 'block-self'))
  await assert.rejects(blocks(ada, stranger), is('invalid-input', 'person-unknown'))
  await assert.rejects(
    deleteContact(kyiv.parts, ada.id, nobody),
    is('invalid-input', 'person-unknown'),
  )
  await assert.rejects(clearHistory(kyiv.parts, nobody, chat), is('not-found'))
})

test('a cleared history is gone from pages, pages of pages, counts, the list and the API, for its owner alone', async (t) => {
  const { company, kyiv, lviv, ada, bob, chat } = await two(t)
  const b1 = (await linesBefore(kyiv.store.read, ada.viewer, { conversation: chat, limit: 9 }))
    .lines
  await clearHistory(kyiv.parts, ada.id, chat)
  const db = kyiv.store.read
  const row = (await chatsOf(db, ada.viewer)).find(({ id }) => id === chat)
  assert(row, 'the contact stays in the list')
  assert.deepEqual([row.unread, row.last], [0, undefined])
  assert.deepEqual(await ada.sees(chat), [])
  assert.deepEqual(
    (await missedAfter(db, ada.viewer, 0))?.filter((each) => each.message),
    [],
  )
  for (const { id } of b1) await assert.rejects(lineById(db, ada.viewer, id), is('not-found'))
  const start = { timeKey: '0'.repeat(16), id: '0'.repeat(32) } as Parameters<
    typeof linesAfter
  >[2]['after']
  const after = { conversation: chat, after: start, limit: 9 }
  assert.deepEqual((await linesAfter(db, ada.viewer, after)).lines, [])
  assert.deepEqual(await bob.sees(chat), ['a1', 'b1'])
  await bob.posts(chat, 'b2')
  await company.settle()
  assert.deepEqual(await ada.sees(chat), ['b2'])
  assert.equal((await getChat(db, ada.viewer, chat)).unread, 1)
  assert.equal((await linesAfter(db, ada.viewer, after)).lines.length, 1)
  assert.equal((await linesAfter(lviv.store.read, bob.viewer, after)).lines.length, 3)
})

test('what had not arrived when the history was cleared is not hidden', async (t) => {
  const { company, kyiv, ada, bob, chat } = await two(t)
  await bob.posts(chat, 'under way')
  company.advance(10)
  await ada.posts(chat, 'a2')
  await clearHistory(kyiv.parts, ada.id, chat)
  assert.deepEqual(await ada.sees(chat), [])
  await company.settle()
  assert.deepEqual(await ada.sees(chat), ['under way'])
  assert.equal((await getChat(kyiv.store.read, ada.viewer, chat)).unread, 1)
})

test('two clears meet: everything that either of them hid is hidden', async (t) => {
  const { company, kyiv, lviv, ada, bob } = await two(t)
  for (const office of company.offices) await seat(office, ada, lviv)
  const chat = await ada.adds(bob)
  await bob.posts(chat, 'at Lviv only')
  await ada.posts(chat, 'at Kyiv only')
  await clearHistory(kyiv.parts, ada.id, chat)
  await clearHistory(lviv.parts, ada.id, chat)
  await company.settle()
  assert.deepEqual(await ada.sees(chat), [])
  const there = await linesBefore(lviv.store.read, ada.at(lviv), { conversation: chat, limit: 9 })
  assert.deepEqual(there.lines, [])
})

test('a deleted contact is gone for its owner alone; late mail brings the chat back as news does', async (t) => {
  const { company, kyiv, lviv, ada, bob, chat } = await two(t)
  await bob.posts(chat, 'written before, arrives after')
  company.advance(10)
  await ada.posts(chat, 'a2')
  company.advance(10)
  await deleteContact(kyiv.parts, ada.id, bob.id)
  const listed = async () =>
    (await chatsOf(kyiv.store.read, ada.viewer)).some(({ id }) => id === chat)
  assert.equal(await listed(), false)
  assert.equal((await chatsOf(lviv.store.read, bob.viewer)).length, 1)
  await company.settle()
  assert.equal(await listed(), true, 'nobody has seen it')
  assert.deepEqual(await ada.sees(chat), ['a1', 'b1', 'written before, arrives after', 'a2'])
  await addContact(kyiv.parts, ada.id, bob.id)
  assert.equal(await listed(), true)
})

test('in a group a block takes nothing away', async (t) => {
  const { company, kyiv, ada, bob } = await two(t)
  const group = await createGroup(kyiv.parts, ada.id, { title: 'Board', members: [bob.id] })
  await blocks(ada, bob)
  await company.settle()
  await bob.posts(group, 'to all')
  await ada.posts(group, 'of all')
  await company.settle()
  assert.deepEqual((await ada.sees(group)).sort(), ['of all', 'to all'])
  assert.deepEqual((await bob.sees(group)).sort(), ['of all', 'to all'])
})

async function three(t: Parameters<typeof companyOf>[0]) {
  const company = await companyOf(t, 'Kyiv', 'Lviv', 'Odesa')
  const [kyiv, lviv, odesa] = company.offices
  assert(kyiv && lviv && odesa)
  const [ada, bob] = [await kyiv.hire('Ada'), await lviv.hire('Bob')]
  await company.settle()
  const chat: ConversationId = await ada.adds(bob)
  await bob.adds(ada)
  await bob.posts(chat, 'hello')
  await company.settle()
  company.advance(10)
  return { company, kyiv, lviv, odesa, ada, bob, chat }
}

test('blocks follow the blocked one to where he signs in next', async (t) => {
  const { company, kyiv, odesa, ada, bob, chat } = await three(t)
  await blocks(ada, bob)
  await company.settle()
  for (const office of company.offices) await seat(office, bob, odesa)
  await hears(kyiv, company, bob, odesa)
  await company.settle()
  const draft = { conversation: chat, body: 'from Odesa' }
  await openDirect(odesa.parts, bob.id, ada.id)
  await assert.rejects(postMessage(odesa.parts, bob.id, draft), is('forbidden', 'blocked'))
})

test('contacts, blocks and clears follow their owner, and what he does there comes home and goes on', async (t) => {
  const { company, kyiv, lviv, odesa, ada, bob, chat } = await three(t)
  await clearHistory(kyiv.parts, ada.id, chat)
  const carol = await kyiv.hire('Carol')
  await ada.adds(carol)
  await company.settle()
  for (const office of company.offices) await seat(office, ada, odesa)
  await hears(kyiv, company, ada, odesa)
  await company.settle()
  const contacts = async ({ store }: Office) =>
    await store.read
      .selectFrom('contact')
      .where('ownerId', '=', ada.id)
      .select(['contactId', 'hlc', 'removed'])
      .orderBy('contactId')
      .execute()
  assert.equal((await contacts(odesa)).length, 2)
  assert.deepEqual(await contacts(odesa), await contacts(kyiv), 'with the times they have at home')
  const cleared = ({ store }: Office) => store.read.selectFrom('cleared').selectAll().execute()
  assert.deepEqual(await cleared(odesa), await cleared(kyiv))
  // Odesa has not heard that she is a guest of Lviv as well; her home has.
  await addSeat(kyiv, ada, lviv)
  await blocks(ada, bob, odesa)
  await deleteContact(odesa.parts, ada.id, carol.id)
  await company.settle()
  assert.equal((await getChat(kyiv.store.read, ada.viewer, chat)).isBlockedByMe, true)
  await assert.rejects(bob.posts(chat, 'hm'), is('forbidden', 'blocked'))
  assert.deepEqual(await contacts(odesa), await contacts(kyiv))
  const gone = (await contacts(lviv)).find(({ contactId }) => contactId === carol.id)
  assert.equal(gone?.removed, 1, 'her home sent it on')
})

async function addSeat(office: Office, person: Person, at: Office) {
  const stay = { userId: person.id, branchId: at.keys.id, epoch: 1, hlc: '0'.repeat(16) as never }
  await office.store.writer.write(async (tx) => {
    const row = { ...stay, until: office.parts.clock.now() + 1e9 }
    await tx
      .insertInto('location')
      .values(row)
      .onConflict((on) => on.doNothing())
      .execute()
  })
}

test('nobody writes the records of others, nor dates a decision so far ahead that it would stand for ever', async (t) => {
  const { company, kyiv, lviv, ada, bob, chat } = await two(t)
  const at = 'f'.repeat(16) as never
  const wrong = [
    [kyiv.kinds.contactBlock, { owner: bob.id, blocked: ada.id, on: true, at: '0'.repeat(16) }],
    [kyiv.kinds.contactPut, { owner: bob.id, contact: ada.id, removed: true, at }],
    [kyiv.kinds.contactPut, { owner: ada.id, contact: bob.id, removed: true, at }],
    [kyiv.kinds.contactBlock, { owner: ada.id, blocked: bob.id, on: true, at }],
    [
      kyiv.kinds.historyClear,
      { owner: bob.id, conversation: chat, upTo: [{ origin: lviv.keys.id, hlc: at }] },
    ],
  ] as const
  for (const [kind, body] of wrong) {
    const written = kyiv.store.writer.write((tx) =>
      kyiv.log.append(tx, { kind: kind as never, body: body as never, to: [lviv.keys.id] }),
    )
    await assert.rejects(written, is('forbidden'), JSON.stringify(body))
  }
  await company.settle()
  assert.deepEqual(await bob.sees(chat), ['a1', 'b1'])
})
