/** What the simulator found about people who sit at two branches; each fault has its test. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { userAt } from '../../src/accounts/events.ts'
import type { UserAt } from '../../src/accounts/records.ts'
import { HLC_ZERO, hlcOf } from '../../src/base/hlc.ts'
import type { FeedId, MessageId } from '../../src/base/ids.ts'
import { MINUTE, SECOND } from '../../src/base/units.ts'
import { getChat } from '../../src/chat/chats.ts'
import { setBlock } from '../../src/chat/contacts.ts'
import { draftOf, keepDraft } from '../../src/chat/drafts.ts'
import { createGroup } from '../../src/chat/groups.ts'
import { followedByChats } from '../../src/chat/guests.ts'
import { wantChats } from '../../src/chat/history.ts'
import type { LoggedEvent } from '../../src/eventlog/events.ts'
import type { Clock } from '../../src/world/clock.ts'
import { temporaryFolder } from '../db/store.ts'
import { crashImage, exchange } from '../eventlog/fixture.ts'
import { companyOf, type Office, openOffice } from './cast.ts'
import { leaves, signsIn, texts, three } from './guest-cast.ts'

test('a draft that comes after the message it became is not there again', async (t) => {
  const { company, odesa, lviv, ada, bob } = await three(t)
  const chat = await bob.adds(ada)
  await company.settle()
  const at = hlcOf(company.now(), 0)
  company.advance(SECOND)
  await bob.posts(chat, 'done')
  const draft = { user: bob.id, conversation: chat, body: 'don', at }
  await lviv.store.writer.write((tx) => keepDraft(tx, draft, odesa.keys.id))
  const of = { user: bob.id, conversation: chat }
  assert.equal(await draftOf(lviv.store.read, of), '')
  const later = { ...draft, body: 'next', at: hlcOf(company.now() + MINUTE, 0) }
  await lviv.store.writer.write((tx) => keepDraft(tx, later, odesa.keys.id))
  assert.equal(await draftOf(lviv.store.read, of), 'next', 'what was begun since is')
})

test('a question for the past waits for the stay that it names, although an earlier one is known', async (t) => {
  const { company, kyiv, lviv, odesa, ada, bob, sees } = await three(t)
  const chat = await ada.adds(bob)
  await signsIn(company, bob, odesa)
  await company.settle()
  await ada.posts(chat, 'one')
  company.advance(SECOND)
  const stay = hlcOf(company.now(), 0)
  // A new password: the stay before gives nothing any more.
  for (const { store } of [kyiv, lviv]) {
    await store.writer.write((tx) => tx.updateTable('credential').set({ epoch: 2 }).execute())
  }
  await odesa.store.writer.write(async (tx) => {
    await tx.updateTable('location').set({ hlc: stay }).where('userId', '=', bob.id).execute()
    await wantChats(odesa.parts, tx, { user: bob.id, stay })
  })
  await company.settle()
  const waiting = kyiv.store.read.selectFrom('event').where('state', '=', 'parked')
  assert.deepEqual(await waiting.select('reason').execute(), [{ reason: 'waits-for-person' }])
  for (const { store } of [kyiv, lviv]) {
    const known = { epoch: 2, hlc: stay }
    await store.writer.write((tx) => tx.updateTable('location').set(known).execute())
  }
  await bob.posts(chat, 'two')
  await company.settle()
  assert.deepEqual(await waiting.select('reason').execute(), [])
  assert.deepEqual(texts(await sees(chat)), ['one', 'two'])
})

test('a chat in which all was refused follows its author', async (t) => {
  const { company, kyiv, lviv, odesa, ada, bob, sees } = await three(t)
  const chat = await bob.adds(ada)
  await company.settle()
  await setBlock(kyiv.parts, ada.id, { user: bob.id, on: true })
  company.advance(SECOND)
  await bob.posts(chat, 'too late')
  await company.settle()
  const [line] = await sees(chat, lviv)
  assert.equal(line?.isRefused, true)
  await signsIn(company, bob, odesa)
  await company.settle()
  assert.deepEqual(texts(await sees(chat)), ['too late'])
})

test('a stay of ours that was lost and comes back after it has ended is no refused record', async (t) => {
  const { company, odesa, bob } = await three(t)
  await signsIn(company, bob, odesa)
  await company.settle()
  company.advance(SECOND)
  await leaves(company, bob)
  const kind = followedByChats({ ...userAt, apply: async () => {} }, odesa.guests)
  const body = { user: bob.id, branch: odesa.keys.id }
  const lost = { body, origin: odesa.keys.id, hlc: hlcOf(company.now(), 0) }
  const asked = () =>
    odesa.store.read.selectFrom('event').where('kind', '=', 0x0410).select('id').execute()
  const before = await asked()
  const comesBack = () =>
    odesa.store.writer.write((tx) =>
      kind.apply(tx, { ...lost, arrivedAt: company.now() } as LoggedEvent<UserAt>),
    )
  await comesBack()
  assert.deepEqual(await asked(), before, 'nor is anything asked for it')
  const until = company.now() + SECOND / 2 // over by the clock of the next event
  await odesa.store.writer.write((tx) => tx.updateTable('location').set({ until }).execute())
  company.sets(odesa, SECOND)
  await comesBack()
  assert.deepEqual(await asked(), before, 'nor when it ends in this moment')
})

test('home says of no message that it was read before it is here', async (t) => {
  const { company, odesa, lviv, ada, bob, unread } = await three(t)
  const chat = await ada.adds(bob)
  const first = await ada.posts(chat, 'one')
  await company.settle()
  await signsIn(company, bob, odesa)
  await company.settle()
  const said = () =>
    odesa.store.read.selectFrom('seen_before').where('userId', '=', bob.id).select('upTo').execute()
  assert.deepEqual(await said(), [])
  await bob.reads(chat, first)
  await company.settle()
  await ada.posts(chat, 'two')
  await signsIn(company, bob, odesa)
  await company.settle()
  assert.equal((await said()).length, 1)
  assert.deepEqual([await unread(chat), await unread(chat, lviv)], [1, 1])
})

/** Four offices; Bob of Lviv is at Odesa, in a group of Ada of Kyiv and Carol of Odesa. */
async function atOdesa(t: TestContext) {
  const company = await companyOf(t, 'Kyiv', 'Lviv', 'Odesa', 'Rivne')
  const [kyiv, lviv, odesa, rivne] = company.offices
  assert(kyiv && lviv && odesa && rivne)
  const [ada, bob] = [await kyiv.hire('Ada'), await lviv.hire('Bob')]
  const carol = await odesa.hire('Carol')
  await company.settle()
  await signsIn(company, bob, odesa)
  await company.settle()
  const members = [bob.id, carol.id]
  const chat = await createGroup(kyiv.parts, ada.id, { title: 'Plans', members })
  const readAt = async ({ reading }: Office, ...lines: MessageId[]) => {
    await reading.markSeen(bob.id, { conversation: chat, lines, mark: 'read' })
    await reading.flush()
  }
  const unreadAt = async (at: Office) => (await getChat(at.store.read, bob.at(at), chat)).unread
  return { company, kyiv, lviv, odesa, rivne, ada, bob, carol, chat, readAt, unreadAt }
}

test('what a guest has read is read where he goes next, also at a branch that had heard it as the writers do', async (t) => {
  const { company, kyiv, lviv, odesa, ada, bob, carol, chat, readAt, unreadAt } = await atOdesa(t)
  await company.settle()
  const lines = [await ada.posts(chat, 'from Kyiv')]
  await company.settle()
  lines.push(await carol.posts(chat, 'from Odesa'))
  await company.settle()
  await readAt(odesa, ...lines)
  await company.link(odesa, kyiv)
  await signsIn(company, bob, kyiv)
  await company.link(kyiv, lviv)
  await company.settle()
  assert.deepEqual(await Promise.all([kyiv, lviv, odesa].map(unreadAt)), [0, 0, 0])
})

test('what a guest has read is read where he goes next, also when his home has the chat only later', async (t) => {
  const { company, kyiv, lviv, odesa, rivne, ada, bob, chat, readAt, unreadAt } = await atOdesa(t)
  const line = await ada.posts(chat, 'from Kyiv')
  await company.link(kyiv, odesa)
  await readAt(odesa, line)
  await company.link(odesa, lviv)
  await signsIn(company, bob, rivne)
  await company.link(rivne, lviv)
  await company.settle()
  assert.deepEqual(await Promise.all([rivne, lviv, odesa].map(unreadAt)), [0, 0, 0])
})

test('what a guest has read of a branch that was started twice goes on from his home as one mark', async (t) => {
  const { company, lviv, odesa, rivne, kyiv, ada, bob, chat, unreadAt } = await atOdesa(t)
  const line = await ada.posts(chat, 'from Kyiv')
  await company.settle()
  await signsIn(company, bob, rivne)
  await company.settle()
  // Kyiv had one feed before its start, and has another since: the clock tells which mark is the later one.
  const [first, second] = ['a', 'b'].map((n) => n.repeat(32) as FeedId)
  const marks = [
    { origin: kyiv.keys.id, hlc: hlcOf(company.now(), 0xffff), feed: second, seq: 1 },
    { origin: kyiv.keys.id, hlc: hlcOf(company.now() - MINUTE, 0), feed: first, seq: 1 },
  ]
  const body = { conversation: chat, user: bob.id, mark: 'read' as const, marks, lastMessage: line }
  await odesa.store.writer.write((tx) =>
    odesa.log.append(tx, { kind: odesa.kinds.msgSeen, body, to: [lviv.keys.id] }),
  )
  await company.settle()
  assert.deepEqual(await Promise.all([lviv, rivne].map(unreadAt)), [0, 0])
  const none = { ...body, marks: [{ origin: odesa.keys.id, hlc: HLC_ZERO }] }
  await odesa.store.writer.write((tx) =>
    odesa.log.append(tx, { kind: odesa.kinds.msgSeen, body: none, to: [lviv.keys.id] }),
  )
  await company.settle()
  const waiting = lviv.store.read.selectFrom('event').where('state', '!=', 'applied').select('id')
  assert.deepEqual(await waiting.execute(), [], 'nor does a mark of no message wait')
})

test('a mark of home that was lost and comes back is not written again', async (t) => {
  const { company, lviv, odesa, ada, bob } = await three(t)
  const chat = await ada.adds(bob)
  await signsIn(company, bob, odesa)
  const line = await ada.posts(chat, 'hello')
  await company.settle()
  const folder = crashImage(lviv, temporaryFolder(t))
  await bob.reads(chat, line)
  await exchange(lviv, odesa) // and then the server is lost
  const keys = company.offices.map((office) => office.keys)
  const clock = { ...lviv.parts.clock } as Clock
  const restored = await openOffice({ own: lviv.keys, keys, folder, clock })
  t.after(() => restored.store.close())
  await exchange(odesa, restored)
  const kind = lviv.kinds.msgSeen.code
  const rows = await restored.store.read
    .selectFrom('event')
    .where('kind', '=', kind)
    .select('id')
    .execute()
  assert.equal(rows.length, 1)
})
