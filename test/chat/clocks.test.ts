/** Whose clock is wrong: what a person decides comes after what he sees, and it reaches all of his branches. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { HOUR, MINUTE, SECOND } from '../../src/base/units.ts'
import { addContact, postMessage, saveDraft } from '../../src/chat/actions.ts'
import { chatsOf, getChat } from '../../src/chat/chats.ts'
import {
  blocksBetween,
  clearHistory,
  contactRow,
  deleteContact,
  setBlock,
} from '../../src/chat/contacts.ts'
import { draftOf } from '../../src/chat/drafts.ts'
import { addMember, createGroup } from '../../src/chat/groups.ts'
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
