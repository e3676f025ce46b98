/** Whose clock is wrong: what a person decides comes after what he sees, and it reaches all of his branches. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { DAY, HOUR, MINUTE, SECOND } from '../../src/base/units.ts'
import { addContact, postMessage, saveDraft } from '../../src/chat/actions.ts'
import { chatsOf, getChat } from '../../src/chat/chats.ts'
import {
  blocksBetween,
  clearHistory,
  contactRow,
  deleteContact,
  setBlock,
} from '../../src/chat/contacts.ts'
import { DRAFTS_MAX, draftOf, keepDraft } from '../../src/chat/drafts.ts'
import { addMember, createGroup } from '../../src/chat/groups.ts'
import { linesBefore } from '../../src/chat/queries.ts'
import { hears, signsIn, three } from './guest-cast.ts'

/** Bob of Lviv at Kyiv and at Odesa, whose clock is ten minutes ahead. */
async function ahead(t: TestContext) {
  const { company, kyiv, lviv, odesa, ada, bob } = await three(t)
  await signsIn(company, bob, odesa)
  await signsIn(company, bob, kyiv)
  const chat = await bob.adds(ada)
  await company.settle()
  company.sets(odesa, 10 * MINUTE)
  const goOn = async () => {
    await company.settle()
    company.advance(SECOND)
  }
  const everywhere = async <Seen>(look: (at: typeof odesa) => Promise<Seen>) =>
    await Promise.all([kyiv, lviv, odesa].map(look))
  return { company, kyiv, lviv, odesa, ada, bob, chat, goOn, everywhere }
}

test('a contact deleted where the clock is ahead can be added at home, everywhere', async (t) => {
  const { lviv, odesa, ada, bob, goOn, everywhere } = await ahead(t)
  const removed = () =>
    everywhere(async ({ store }) => (await contactRow(store.read, bob.id, ada.id))?.removed)
  await deleteContact(odesa.parts, bob.id, ada.id)
  await goOn()
  assert.deepEqual(await removed(), [1, 1, 1])
  await addContact(lviv.parts, bob.id, ada.id)
  await goOn()
  assert.deepEqual(await removed(), [0, 0, 0])
  await deleteContact(lviv.parts, bob.id, ada.id)
  await goOn()
  assert.deepEqual(await removed(), [1, 1, 1])
})

test('a contact deleted at home, after a clock hours ahead added him, is listed again by what is new', async (t) => {
  const { company, kyiv, lviv, odesa, ada, bob, chat, goOn } = await ahead(t)
  const carol = await kyiv.hire('Carol')
  company.sets(odesa, 3 * HOUR)
  await goOn()
  const lists = () =>
    Promise.all(
      [lviv, odesa].map(async (at) =>
        (await chatsOf(at.store.read, bob.at(at))).map(({ id }) => id),
      ),
    )
  await deleteContact(odesa.parts, bob.id, ada.id)
  await goOn()
  await addContact(lviv.parts, bob.id, ada.id)
  await goOn()
  const other = await carol.adds(bob)
  await carol.posts(other, 'good morning')
  await goOn()
  assert.deepEqual(await lists(), [
    [other, chat],
    [other, chat],
  ])
  await deleteContact(lviv.parts, bob.id, ada.id)
  await goOn()
  assert.deepEqual(await lists(), [[other], [other]])
  await ada.adds(bob)
  await ada.posts(chat, 'do you hear me?')
  await goOn()
  assert.deepEqual(await lists(), [
    [chat, other],
    [chat, other],
  ])
})

test('what was decided where the clock is ahead goes on to a branch that comes later', async (t) => {
  const { company, kyiv, lviv, odesa, ada, bob } = await three(t)
  const carol = await kyiv.hire('Carol')
  await signsIn(company, bob, odesa)
  await company.settle()
  company.sets(odesa, 10 * MINUTE)
  const chat = await addContact(odesa.parts, bob.id, ada.id)
  await setBlock(odesa.parts, bob.id, { user: carol.id, on: true })
  await saveDraft(odesa.parts, { user: bob.id, conversation: chat, body: 'dear' })
  await company.link(odesa, lviv)
  await signsIn(company, bob, kyiv)
  await hears(lviv, company, bob, kyiv)
  await company.settle()
  assert.equal((await contactRow(kyiv.store.read, bob.id, ada.id))?.removed, 0)
  const pair = { viewer: bob.id, other: carol.id }
  assert.deepEqual(await blocksBetween(kyiv.store.read, pair), { mine: true, theirs: false })
  assert.equal(await draftOf(kyiv.store.read, { user: bob.id, conversation: chat }), 'dear')
  assert.equal((await contactRow(lviv.store.read, bob.id, ada.id))?.removed, 0)
})

test('a block set where the clock is ahead can be taken back at home', async (t) => {
  const { kyiv, lviv, odesa, ada, bob, chat, goOn, everywhere } = await ahead(t)
  const blocks = () =>
    everywhere(async ({ store }) => {
      return (await blocksBetween(store.read, { viewer: bob.id, other: ada.id })).mine
    })
  await setBlock(odesa.parts, bob.id, { user: ada.id, on: true })
  await goOn()
  assert.deepEqual(await blocks(), [true, true, true])
  await setBlock(lviv.parts, bob.id, { user: ada.id, on: false })
  await goOn()
  assert.deepEqual(await blocks(), [false, false, false])
  await postMessage(kyiv.parts, ada.id, { conversation: chat, body: 'again' })
})

test('of a message counts what was decided before it, also where a clock hours ahead decided something else', async (t) => {
  const { company, kyiv, lviv, odesa, ada, bob } = await three(t)
  await signsIn(company, bob, odesa)
  await bob.adds(ada)
  const chat = await ada.adds(bob)
  await company.settle()
  company.sets(odesa, 3 * HOUR)
  const decides = async (at: typeof odesa, on: boolean) => {
    company.advance(MINUTE)
    await setBlock(at.parts, bob.id, { user: ada.id, on })
  }
  const flags = () =>
    Promise.all(
      [lviv, odesa].map(({ store }) =>
        store.read.selectFrom('message').orderBy('timeKey').select(['body', 'refused']).execute(),
      ),
    )
  await decides(lviv, true)
  await company.link(lviv, odesa)
  await decides(odesa, false)
  await company.link(odesa, lviv)
  await decides(lviv, true)
  await company.link(lviv, odesa)
  company.advance(MINUTE)
  await ada.posts(chat, 'while he is blocked') // Kyiv has not heard of any of it
  await company.link(kyiv, lviv)
  await decides(lviv, false)
  await company.link(kyiv, lviv)
  company.advance(MINUTE)
  await ada.posts(chat, 'free again')
  await company.link(kyiv, lviv)
  await company.link(kyiv, odesa)
  await company.settle()
  const expected = [
    { body: 'while he is blocked', refused: 1 },
    { body: 'free again', refused: 0 },
  ]
  assert.deepEqual(await flags(), [expected, expected])
  company.advance(4 * HOUR)
  await ada.posts(chat, 'when the clocks have passed all of it')
  await company.settle()
  const last = { body: 'when the clocks have passed all of it', refused: 0 }
  assert.deepEqual(await flags(), [
    [...expected, last],
    [...expected, last],
  ])
})

test('a draft begun at home after a message by a clock ahead follows; sending it ends it everywhere', async (t) => {
  const { lviv, odesa, bob, chat, goOn, everywhere } = await ahead(t)
  const of = { user: bob.id, conversation: chat }
  const drafts = () => everywhere(({ store }) => draftOf(store.read, of))
  await postMessage(odesa.parts, bob.id, { conversation: chat, body: 'from Odesa' })
  await goOn()
  await saveDraft(lviv.parts, { ...of, body: 'from Lviv' })
  await goOn()
  assert.deepEqual(await drafts(), ['from Lviv', 'from Lviv', 'from Lviv'])
  await bob.posts(chat, 'from Lviv')
  await goOn()
  assert.deepEqual(await drafts(), ['', '', ''])
  await saveDraft(odesa.parts, { ...of, body: 'half' })
  await goOn()
  await bob.posts(chat, 'half and half')
  await goOn()
  assert.deepEqual(await drafts(), ['', '', ''])
})

test('a draft is the same everywhere, also hours after a message by a clock hours ahead', async (t) => {
  const { company, lviv, odesa, bob, chat, goOn, everywhere } = await ahead(t)
  const of = { user: bob.id, conversation: chat }
  const drafts = () => everywhere(({ store }) => draftOf(store.read, of))
  company.sets(odesa, 5 * HOUR)
  await postMessage(odesa.parts, bob.id, { conversation: chat, body: 'from Odesa' })
  await goOn()
  company.advance(2 * HOUR)
  await saveDraft(lviv.parts, { ...of, body: 'from Lviv' })
  await goOn()
  assert.deepEqual(await drafts(), ['from Lviv', 'from Lviv', 'from Lviv'])
  await bob.posts(chat, 'from Lviv')
  await goOn()
  assert.deepEqual(await drafts(), ['', '', ''])
})

test('what is read is read, also where the clock was set back between two messages', async (t) => {
  const { company, kyiv, lviv, ada } = await three(t)
  const carol = await kyiv.hire('Carol')
  await company.settle()
  const chat = await carol.adds(ada)
  await signsIn(company, ada, lviv)
  await carol.posts(chat, 'by the right clock')
  company.sets(kyiv, -10 * MINUTE)
  const last = await carol.posts(chat, 'by the one that was set back')
  await company.settle()
  await ada.reads(chat, last)
  await company.settle()
  const unread = async ({ store, keys }: typeof kyiv) =>
    (await getChat(store.read, { id: ada.id, at: keys.id }, chat)).unread
  assert.deepEqual(await Promise.all([kyiv, lviv].map(unread)), [0, 0])
})

test('what is written by a right clock after a contact was deleted is listed, whatever a clock ahead wrote before', async (t) => {
  const { company, kyiv, lviv, ada, bob } = await three(t)
  const chat = await bob.adds(ada)
  await ada.adds(bob)
  company.sets(kyiv, 10 * MINUTE)
  await ada.posts(chat, 'by the clock ahead')
  await company.settle()
  company.advance(3 * MINUTE)
  const isListed = async () =>
    (await chatsOf(lviv.store.read, bob.viewer)).some(({ id }) => id === chat)
  await deleteContact(lviv.parts, bob.id, ada.id)
  assert.equal(await isListed(), false)
  company.advance(SECOND)
  await bob.posts(chat, 'by the right one')
  assert.equal(await isListed(), true)
})

test('what is written after a history was cleared is shown, also before something refused by a clock ahead', async (t) => {
  const { company, kyiv, lviv, odesa, ada, bob } = await three(t)
  const chat = await bob.adds(ada)
  await signsIn(company, ada, odesa)
  await ada.adds(bob)
  await bob.posts(chat, 'first')
  await company.settle()
  await setBlock(kyiv.parts, ada.id, { user: bob.id, on: true })
  company.sets(lviv, MINUTE / 2)
  await bob.posts(chat, 'refused')
  await company.link(lviv, kyiv)
  await clearHistory(kyiv.parts, ada.id, chat)
  company.advance(SECOND)
  await postMessage(odesa.parts, ada.id, { conversation: chat, body: 'from elsewhere' })
  await company.link(odesa, kyiv)
  assert.deepEqual(await ada.sees(chat), ['from elsewhere'])
})

test('who joins a group is shown the same everywhere, also what came before the record of it, by a clock ahead', async (t) => {
  const { company, kyiv, lviv, odesa, ada, bob } = await three(t)
  const [dan, carol] = [await kyiv.hire('Dan'), await odesa.hire('Carol')]
  await company.settle()
  const members = [dan.id, carol.id]
  const chat = await createGroup(lviv.parts, bob.id, { title: 'Plans', members })
  await company.settle()
  company.sets(kyiv, -3 * MINUTE)
  company.advance(MINUTE)
  await addMember(lviv.parts, bob.id, { conversation: chat, user: ada.id })
  company.advance(SECOND)
  const id = await carol.posts(chat, 'Kyiv takes this for a clock ahead')
  await company.link(odesa, kyiv)
  await company.link(lviv, kyiv)
  await company.settle()
  assert.deepEqual(await ada.sees(chat), ['Kyiv takes this for a clock ahead'])
  const row = await getChat(kyiv.store.read, ada.viewer, chat)
  assert.equal(row.last?.id, id)
})

/** Bob of Lviv, who is at Odesa too, and Ada of Kyiv, in each other's lists. */
async function between(t: TestContext) {
  const { company, kyiv, lviv, odesa, ada, bob } = await three(t)
  await signsIn(company, bob, odesa)
  await bob.adds(ada)
  const chat = await ada.adds(bob)
  await company.settle()
  const blocks = async (at: typeof odesa, on: boolean) => {
    company.advance(MINUTE)
    await setBlock(at.parts, bob.id, { user: ada.id, on })
  }
  const sees = async (at: typeof odesa) =>
    (await linesBefore(at.store.read, bob.at(at), { conversation: chat, limit: 50 })).lines.map(
      ({ body }) => body,
    )
  const both = async <Seen>(look: (at: typeof odesa) => Promise<Seen>) =>
    await Promise.all([lviv, odesa].map(look))
  return { company, kyiv, lviv, odesa, ada, bob, chat, blocks, sees, both }
}

test('who was let write again is heard at once, also where a clock ahead said so', async (t) => {
  const { company, lviv, odesa, ada, chat, blocks, sees, both } = await between(t)
  await blocks(lviv, true)
  await company.settle()
  company.sets(odesa, 3 * HOUR)
  await blocks(odesa, false)
  await company.settle()
  company.advance(HOUR)
  await ada.posts(chat, 'you hear me again')
  await company.settle()
  assert.deepEqual(await both(sees), [['you hear me again'], ['you hear me again']])
})

test('what was read before a block is not refused by it, also where the clock of the block is behind', async (t) => {
  const { company, lviv, odesa, ada, bob, chat, blocks, sees, both } = await between(t)
  company.sets(odesa, -3 * HOUR)
  await blocks(lviv, true)
  await blocks(lviv, false)
  await company.settle()
  company.advance(HOUR)
  const lines = [await ada.posts(chat, 'read')]
  company.advance(SECOND)
  lines.push(await ada.posts(chat, 'read, too'))
  await company.settle()
  await bob.reads(chat, ...lines)
  await company.settle()
  await blocks(lviv, true)
  await blocks(lviv, false)
  await company.settle()
  await blocks(odesa, true)
  await company.settle()
  assert.deepEqual(await both(sees), [
    ['read', 'read, too'],
    ['read', 'read, too'],
  ])
})

test('what was read before a first block is not refused by it, by a clock behind', async (t) => {
  const { company, odesa, ada, bob, chat, blocks, sees, both } = await between(t)
  company.sets(odesa, -3 * HOUR)
  company.advance(MINUTE)
  const line = await ada.posts(chat, 'read')
  await company.settle()
  await bob.reads(chat, line)
  await company.settle()
  await blocks(odesa, true)
  await company.settle()
  assert.deepEqual(await both(sees), [['read'], ['read']])
})

test('a contact deleted where the clock is behind is in neither list', async (t) => {
  const { company, lviv, odesa, ada, bob, chat, both } = await between(t)
  company.sets(odesa, -3 * HOUR)
  company.advance(MINUTE)
  await ada.posts(chat, 'hello')
  await company.settle()
  company.advance(MINUTE)
  await deleteContact(lviv.parts, bob.id, ada.id)
  await bob.adds(ada)
  await company.settle()
  await deleteContact(odesa.parts, bob.id, ada.id)
  await company.settle()
  const listed = async (at: typeof odesa) => (await chatsOf(at.store.read, bob.at(at))).length
  assert.deepEqual(await both(listed), [0, 0])
})

test('a message that is taken after all is new, also behind marks and a cleared history', async (t) => {
  const { company, kyiv, lviv, odesa, ada, bob, chat, blocks, sees, both } = await between(t)
  const first = await ada.posts(chat, 'first')
  await company.settle()
  await bob.reads(chat, first)
  await blocks(lviv, true)
  await company.link(lviv, odesa)
  company.advance(MINUTE)
  await clearHistory(odesa.parts, bob.id, chat)
  await blocks(odesa, false)
  company.advance(MINUTE)
  await ada.posts(chat, 'after both')
  await company.link(kyiv, lviv)
  await bob.reads(chat, first)
  await company.link(odesa, lviv)
  await company.settle()
  assert.deepEqual(await both(sees), [['after both'], ['after both']])
  const unread = async (at: typeof odesa) => (await getChat(at.store.read, bob.at(at), chat)).unread
  assert.deepEqual(await both(unread), [1, 1])
})

test('a clock two days ahead stops nobody from writing, nor from drafts', async (t) => {
  const { company, kyiv, lviv, odesa, bob, chat, goOn } = await ahead(t)
  for (const { store } of company.offices) {
    const until = company.now() + 9 * DAY
    await store.writer.write((tx) => tx.updateTable('location').set({ until }).execute())
  }
  company.sets(odesa, 2 * DAY)
  await saveDraft(odesa.parts, { user: bob.id, conversation: chat, body: 'half' })
  await goOn()
  await postMessage(kyiv.parts, bob.id, { conversation: chat, body: 'from Kyiv' })
  await postMessage(odesa.parts, bob.id, { conversation: chat, body: 'from Odesa' })
  await goOn()
  const of = { user: bob.id, conversation: chat }
  for (const at of [kyiv, lviv]) {
    await saveDraft(at.parts, { ...of, body: `at ${at.name}` })
    assert.equal(await draftOf(at.store.read, of), `at ${at.name}`)
  }
})

test('a draft that comes after the message it became ends also where its writer came later', async (t) => {
  const { company, kyiv, lviv, odesa, ada, bob } = await three(t)
  await signsIn(company, bob, odesa)
  await ada.adds(bob)
  const chat = await bob.adds(ada)
  await company.settle()
  company.sets(odesa, 10 * MINUTE)
  const begun = odesa.parts.now()
  company.advance(SECOND)
  await postMessage(odesa.parts, bob.id, { conversation: chat, body: 'half and half' })
  await company.link(odesa, kyiv)
  await signsIn(company, bob, kyiv)
  const of = { user: bob.id, conversation: chat }
  const draft = { ...of, body: 'half', at: begun }
  await kyiv.store.writer.write((tx) => keepDraft(tx, draft, lviv.keys.id))
  assert.equal(await draftOf(kyiv.store.read, of), '')
})

test("messages by a clock ahead end drafts, and push nobody's drafts out", async (t) => {
  const { company, lviv, odesa, bob, chat, goOn } = await ahead(t)
  const other = await bob.adds(await lviv.hire('Eve'))
  await saveDraft(lviv.parts, { user: bob.id, conversation: other, body: 'precious' })
  await goOn()
  company.advance(MINUTE)
  for (let n = 0; n < DRAFTS_MAX; n++) {
    const to = await lviv.hire(`Nobody${n}`)
    const conversation = await bob.adds(to)
    await company.link(lviv, odesa)
    await postMessage(odesa.parts, bob.id, { conversation, body: 'hello' })
  }
  await postMessage(odesa.parts, bob.id, { conversation: chat, body: 'hello' })
  await company.settle()
  assert.equal(await draftOf(lviv.store.read, { user: bob.id, conversation: other }), 'precious')
})
