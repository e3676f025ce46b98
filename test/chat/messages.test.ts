/** Messages between two branches: order, idempotence, who may see and write. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppError } from '../../src/base/errors.ts'
import type { ConversationId, UserId } from '../../src/base/ids.ts'
import { addContact, openDirect, postMessage } from '../../src/chat/actions.ts'
import { chatsOf, getChat } from '../../src/chat/chats.ts'
import { placeOf } from '../../src/chat/cursors.ts'
import { directIdOf } from '../../src/chat/ids.ts'
import { membersOf } from '../../src/chat/members.ts'
import { lineById, linesAfter, linesBefore, missedAfter } from '../../src/chat/queries.ts'
import { companyOf } from './cast.ts'

const isCode = (code: string) => (error: unknown) =>
  error instanceof AppError && error.code === code

test('a message of one branch is read at the other, and the chat appears there without a contact', async (t) => {
  const { offices, settle } = await companyOf(t, 'Kyiv', 'Lviv')
  const [kyiv, lviv] = offices
  assert(kyiv && lviv)
  const ada = await kyiv.hire('Ada', 'Lovelace')
  const bob = await lviv.hire('Bob')
  await settle()
  const chat = await ada.adds(bob)
  assert.equal(chat, directIdOf(bob.id, ada.id), 'both sides name it alike')
  assert.equal((await chatsOf(lviv.store.read, bob.viewer)).length, 0, 'nothing was written yet')
  await ada.posts(chat, 'Доброго ранку\r\nBob')
  await settle()
  assert.deepEqual(await bob.sees(chat), ['Доброго ранку\nBob'])
  const [row] = await chatsOf(lviv.store.read, bob.viewer)
  assert.equal(row?.title, 'Ada Lovelace')
  assert.equal(row?.other?.branch.name, 'Kyiv')
  assert.equal(row?.unread, 1)
  assert.equal(row?.last?.author.id, ada.id)
  await bob.posts(chat, 'Hello')
  await settle()
  assert.deepEqual(await ada.sees(chat), ['Доброго ранку\nBob', 'Hello'])
  assert.equal((await chatsOf(kyiv.store.read, ada.viewer))[0]?.unread, 1, 'own ones do not count')
})

test('history is in the order of writing at both branches, and a late message says so', async (t) => {
  const { offices, settle, advance } = await companyOf(t, 'Kyiv', 'Lviv')
  const [kyiv, lviv] = offices
  assert(kyiv && lviv)
  const ada = await kyiv.hire('Ada')
  const bob = await lviv.hire('Bob')
  await settle()
  const chat = await ada.adds(bob)
  await bob.adds(ada)
  // The line is cut: both write on.
  await ada.posts(chat, '1')
  advance(1000)
  await bob.posts(chat, '2')
  advance(1000)
  await ada.posts(chat, '3')
  advance(1000)
  await settle()
  assert.deepEqual(await ada.sees(chat), ['1', '2', '3'])
  assert.deepEqual(await bob.sees(chat), ['1', '2', '3'])
  const atKyiv = await linesBefore(kyiv.store.read, ada.viewer, { conversation: chat, limit: 9 })
  assert.deepEqual(
    atKyiv.lines.map((line) => line.isLate),
    [false, true, false],
  )
  assert.equal((await getChat(kyiv.store.read, ada.viewer, chat)).last?.text, '3')
})

test('a clock far ahead cannot hold its messages at the end of the history', async (t) => {
  const { offices, settle, advance, link } = await companyOf(t, 'Kyiv', 'Lviv')
  const [kyiv, lviv] = offices
  assert(kyiv && lviv)
  const ada = await kyiv.hire('Ada')
  const bob = await lviv.hire('Bob')
  await settle()
  const chat = await ada.adds(bob)
  // Kyiv's clock runs an hour ahead: seen from Lviv, what it wrote comes from the future.
  const now = kyiv.parts.clock.now()
  const real = kyiv.parts.clock.now
  kyiv.parts.clock.now = () => now + 3_600_000
  await ada.posts(chat, 'ahead')
  kyiv.parts.clock.now = real
  await link(kyiv, lviv)
  advance(61_000)
  await bob.posts(chat, 'answer')
  assert.deepEqual(await bob.sees(chat), ['ahead', 'answer'])
})

test('the same clientId twice is one message, with another text a conflict', async (t) => {
  const { offices } = await companyOf(t, 'Kyiv')
  const [kyiv] = offices
  assert(kyiv)
  const [ada, bob] = [await kyiv.hire('Ada'), await kyiv.hire('Bob')]
  const chat = await ada.adds(bob)
  const draft = { conversation: chat, body: 'once', clientId: 'c-1' }
  const both = await Promise.all([
    postMessage(kyiv.parts, ada.id, draft),
    postMessage(kyiv.parts, ada.id, draft),
  ])
  assert.equal(both[0].message, both[1].message)
  assert.deepEqual(both.map((each) => each.isNew).sort(), [false, true])
  assert.deepEqual(await bob.sees(chat), ['once'])
  await assert.rejects(
    postMessage(kyiv.parts, ada.id, { ...draft, body: 'other' }),
    isCode('conflict'),
  )
  // The number is the author's own: somebody else may use the same.
  await postMessage(kyiv.parts, bob.id, { ...draft, body: 'mine' })
})

test('bodies have 1 to 4000 characters after line ends became one', async (t) => {
  const { offices } = await companyOf(t, 'Kyiv')
  const [kyiv] = offices
  assert(kyiv)
  const [ada, bob] = [await kyiv.hire('Ada'), await kyiv.hire('Bob')]
  const chat = await ada.adds(bob)
  await ada.posts(chat, `${'x'.repeat(3999)}\r\n`)
  await ada.posts(chat, '😀'.repeat(2000))
  await assert.rejects(ada.posts(chat, 'x'.repeat(4001)), isCode('invalid-input'))
  await assert.rejects(ada.posts(chat, ' \n '), isCode('invalid-input'))
  assert.equal((await bob.sees(chat)).length, 2)
})

test('outsiders find nothing, insiders do', async (t) => {
  const { offices, settle } = await companyOf(t, 'Kyiv', 'Lviv')
  const [kyiv, lviv] = offices
  assert(kyiv && lviv)
  const [ada, eve] = [await kyiv.hire('Ada'), await kyiv.hire('Eve')]
  const bob = await lviv.hire('Bob')
  await settle()
  const chat = await ada.adds(bob)
  const message = await ada.posts(chat, 'between us')
  const db = kyiv.store.read
  const place = { timeKey: '0'.repeat(16), id: '0'.repeat(32) } as ReturnType<typeof placeOf>
  const asks = (viewer: typeof ada.viewer) => [
    () => getChat(db, viewer, chat),
    () => membersOf(db, viewer, chat),
    () => lineById(db, viewer, message),
    () => postMessage(kyiv.parts, viewer.id, { conversation: chat, body: 'in' }),
    () => kyiv.reading.markSeen(viewer.id, { conversation: chat, lines: [message], mark: 'read' }),
  ]
  for (const ask of asks(eve.viewer)) await assert.rejects(ask(), isCode('not-found'))
  for (const ask of asks(ada.viewer)) await ask()
  const ofEve = [
    (await linesBefore(db, eve.viewer, { conversation: chat, limit: 9 })).lines,
    (await linesAfter(db, eve.viewer, { conversation: chat, after: place, limit: 9 })).lines,
    (await missedAfter(db, eve.viewer, 0)) ?? [],
    await chatsOf(db, eve.viewer),
  ]
  assert.deepEqual(ofEve, [[], [], [], []])
  assert.equal(
    (await linesAfter(db, ada.viewer, { conversation: chat, after: place, limit: 9 })).lines.length,
    2,
  )
  assert.equal((await missedAfter(db, ada.viewer, 0))?.length, 2)
})

test('disabled people neither write nor are written to, and nobody unknown is added', async (t) => {
  const { offices } = await companyOf(t, 'Kyiv')
  const [kyiv] = offices
  assert(kyiv)
  const [ada, bob] = [await kyiv.hire('Ada'), await kyiv.hire('Bob')]
  const chat = await ada.adds(bob)
  await kyiv.store.writer.write((tx) =>
    tx.updateTable('user').set({ disabled: 1 }).where('id', '=', bob.id).execute(),
  )
  await assert.rejects(bob.posts(chat, 'still here'), isCode('forbidden'))
  await assert.rejects(ada.posts(chat, 'are you?'), isCode('forbidden'))
  await assert.rejects(ada.adds(bob), isCode('forbidden'))
  const nobody = 'f'.repeat(32) as UserId
  await assert.rejects(addContact(kyiv.parts, ada.id, nobody), isCode('invalid-input'))
  await assert.rejects(addContact(kyiv.parts, ada.id, ada.id), isCode('invalid-input'))
})

test('a deleted contact leaves the list and comes back with the next message', async (t) => {
  const { offices, advance } = await companyOf(t, 'Kyiv')
  const [kyiv] = offices
  assert(kyiv)
  const [ada, bob] = [await kyiv.hire('Ada'), await kyiv.hire('Bob')]
  const chat = await ada.adds(bob)
  await ada.posts(chat, 'hi')
  advance(10)
  const removal = { owner: ada.id, contact: bob.id, removed: true }
  await kyiv.store.writer.write((tx) =>
    kyiv.log.append(tx, { kind: kyiv.kinds.contactPut, body: removal, to: [kyiv.keys.id] }),
  )
  assert.deepEqual(await chatsOf(kyiv.store.read, ada.viewer), [])
  assert.equal((await chatsOf(kyiv.store.read, bob.viewer)).length, 1, 'only her own view changed')
  advance(10)
  await bob.posts(chat, 'hello?')
  assert.equal((await chatsOf(kyiv.store.read, ada.viewer))[0]?.last?.text, 'hello?')
})

test('a direct chat is opened once', async (t) => {
  const { offices } = await companyOf(t, 'Kyiv')
  const [kyiv] = offices
  assert(kyiv)
  const [ada, bob] = [await kyiv.hire('Ada'), await kyiv.hire('Bob')]
  const first = await openDirect(kyiv.parts, ada.id, bob.id)
  const second = await openDirect(kyiv.parts, bob.id, ada.id)
  assert.deepEqual([first.isNew, second.isNew], [true, false])
  assert.equal(first.conversation, second.conversation)
})

test('five hundred messages are paged back and forth without a gap or a double', async (t) => {
  const { offices } = await companyOf(t, 'Kyiv')
  const [kyiv] = offices
  assert(kyiv)
  const [ada, bob] = [await kyiv.hire('Ada'), await kyiv.hire('Bob')]
  const conversation: ConversationId = await ada.adds(bob)
  await Promise.all(Array.from({ length: 500 }, (_, n) => ada.posts(conversation, String(n))))
  const back: string[] = []
  let before: ReturnType<typeof placeOf> | undefined
  for (;;) {
    const page = await linesBefore(kyiv.store.read, bob.viewer, { conversation, before, limit: 47 })
    back.unshift(...page.lines.map((line) => line.body))
    if (page.next === undefined) break
    before = placeOf(page.next, 'before')
  }
  const all = Array.from({ length: 500 }, (_, n) => String(n))
  assert.deepEqual(back, all)
  const newest = await linesBefore(kyiv.store.read, bob.viewer, { conversation, limit: 500 })
  const forth = newest.lines.slice(0, 1)
  for (let next: string | undefined; ; ) {
    const after = next === undefined ? forth[0] : placeOf(next, 'after')
    assert(after)
    const page = await linesAfter(kyiv.store.read, bob.viewer, { conversation, after, limit: 47 })
    forth.push(...page.lines)
    next = page.next
    if (next === undefined) break
  }
  assert.deepEqual(
    forth.map((line) => line.body),
    all,
  )
  assert.throws(() => placeOf('nonsense', 'before'), isCode('invalid-input'))
})
