/** Unread, marks and the way of a message: per feed, lowest over all, never optimistic. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppError } from '../../src/base/errors.ts'
import type { ConversationId, MessageId } from '../../src/base/ids.ts'
import { getChat } from '../../src/chat/chats.ts'
import { createGroup } from '../../src/chat/groups.ts'
import { marksOf } from '../../src/chat/marks.ts'
import { firstUnread, lineById } from '../../src/chat/queries.ts'
import { SEEN_LINES_MAX } from '../../src/chat/reading.ts'
import { deliveryStory, type LinkOf } from '../../src/chat/story.ts'
import { companyOf, type Office, type Person } from './cast.ts'

const up: LinkOf = () => ({ up: true, since: 0, over: [] })

async function markOf(person: Person, message: MessageId): Promise<string | undefined> {
  const { read } = person.office.store
  const line = await lineById(read, person.viewer, message)
  return (await marksOf(read, person.viewer.at, [line])).get(line.position)
}

const unread = async (person: Person, chat: ConversationId) =>
  (await getChat(person.office.store.read, person.viewer, chat)).unread

async function events(office: Office, kind: number): Promise<number> {
  const rows = await office.store.read
    .selectFrom('event')
    .where('kind', '=', kind)
    .select('id')
    .execute()
  return rows.length
}

const SEEN = 0x0403

async function pair(t: Parameters<typeof companyOf>[0]) {
  const company = await companyOf(t, 'Kyiv', 'Lviv')
  const [kyiv, lviv] = company.offices
  assert(kyiv && lviv)
  const ada = await kyiv.hire('Ada')
  const bob = await lviv.hire('Bob')
  await company.settle()
  return { company, kyiv, lviv, ada, bob, chat: await ada.adds(bob) }
}

test('a message climbs its ladder one step at a time, and only when it happened', async (t) => {
  const { company, ada, bob, chat } = await pair(t)
  const message = await ada.posts(chat, 'hi')
  assert.equal(await markOf(ada, message), 'written')
  await company.settle()
  assert.equal(await markOf(ada, message), 'stored')
  await bob.isShown(chat, message)
  assert.equal(await markOf(ada, message), 'stored', 'Lviv has not told yet')
  await company.settle()
  assert.equal(await markOf(ada, message), 'shown')
  await bob.reads(chat, message)
  await company.settle()
  assert.equal(await markOf(ada, message), 'read')
  assert.equal(await unread(bob, chat), 0)
})

test('between people of one branch a message is stored at once', async (t) => {
  const { kyiv, ada } = await pair(t)
  const eve = await kyiv.hire('Eve')
  const chat = await ada.adds(eve)
  const message = await ada.posts(chat, 'here')
  assert.equal(await markOf(ada, message), 'stored')
  await eve.reads(chat, message)
  assert.equal(await markOf(ada, message), 'read')
})

test('a late message stays unread although a younger one was read', async (t) => {
  const company = await companyOf(t, 'Kyiv', 'Lviv', 'Odesa')
  const [kyiv, lviv, odesa] = company.offices
  assert(kyiv && lviv && odesa)
  const [ada, bob, cid] = [await kyiv.hire('Ada'), await lviv.hire('Bob'), await odesa.hire('Cid')]
  await company.settle()
  const chat = await createGroup(kyiv.parts, ada.id, { title: 'All', members: [bob.id, cid.id] })
  await company.settle()
  // Odesa is cut off; Cid writes first, Bob later; only Bob's message comes.
  company.advance(1000)
  const late = await cid.posts(chat, 'from Odesa')
  company.advance(1000)
  const young = await bob.posts(chat, 'from Lviv')
  await company.link(lviv, kyiv)
  await ada.reads(chat, young)
  assert.equal(await unread(ada, chat), 0)
  await company.link(odesa, kyiv)
  assert.deepEqual(await ada.sees(chat), ['from Odesa', 'from Lviv'])
  assert.equal(await unread(ada, chat), 1)
  assert.equal((await firstUnread(kyiv.store.read, ada.viewer, chat))?.id, late)
  // Reading a younger one again, or a new one of Lviv, does not touch it.
  const next = await bob.posts(chat, 'more')
  await company.link(lviv, kyiv)
  company.advance(5000)
  await ada.reads(chat, young, next)
  assert.equal(await unread(ada, chat), 1)
  assert.equal(await markOf(cid, late), 'written')
  company.advance(5000)
  await ada.reads(chat, late)
  assert.equal(await unread(ada, chat), 0)
  assert.equal((await getChat(kyiv.store.read, ada.viewer, chat)).unread, 0)
})

test('what was scrolled past counts as read, what lies below does not', async (t) => {
  const { company, lviv, ada, bob, chat } = await pair(t)
  const ids: MessageId[] = []
  for (let n = 0; n < 60; n++) ids.push(await ada.posts(chat, String(n)))
  await company.settle()
  assert.equal(await unread(bob, chat), 60)
  const line = ids[39]
  assert(line)
  await bob.reads(chat, line)
  assert.equal(await unread(bob, chat), 20)
  assert.equal((await firstUnread(lviv.store.read, bob.viewer, chat))?.id, ids[40])
})

test('many sightings are one event, and none when nothing rises', async (t) => {
  const { company, kyiv, lviv, ada, bob, chat } = await pair(t)
  const first = await ada.posts(chat, '0')
  await company.settle()
  await bob.reads(chat, first)
  assert.equal(await events(lviv, SEEN), 1, 'the first goes at once')
  for (let n = 1; n <= 5; n++) {
    const message = await ada.posts(chat, String(n))
    await company.link(kyiv, lviv)
    await bob.reads(chat, message)
  }
  assert.equal(await events(lviv, SEEN), 1, 'the others wait')
  company.advance(2000)
  await company.link(kyiv, lviv)
  assert.equal(await events(lviv, SEEN), 2)
  assert.equal(await unread(bob, chat), 0)
  await company.settle()
  company.advance(9000)
  await bob.reads(chat, first)
  await bob.isShown(chat, first)
  assert.equal(await events(lviv, SEEN), 2, 'what was read was shown')
  assert.equal(await events(kyiv, SEEN), 2, 'the author is told')
})

test('in chats of more than twenty nobody tells, yet everybody knows what is unread', async (t) => {
  const { company, kyiv, lviv, ada, bob } = await pair(t)
  const members = [bob.id]
  for (let n = 0; n < 20; n++) members.push((await kyiv.hire(`P${n}`)).id)
  await company.settle()
  const chat = await createGroup(kyiv.parts, ada.id, { title: 'Many', members })
  const message = await ada.posts(chat, 'all')
  await company.settle()
  await bob.reads(chat, message)
  await company.settle()
  assert.equal(await unread(bob, chat), 0)
  assert.equal(await events(lviv, SEEN), 1)
  assert.equal(await events(kyiv, SEEN), 0)
  assert.equal(await markOf(ada, message), 'stored')
})

test('a group message has come as far as its slowest reader', async (t) => {
  const { company, kyiv, ada, bob } = await pair(t)
  const eve = await kyiv.hire('Eve')
  await company.settle()
  const chat = await createGroup(kyiv.parts, ada.id, { title: 'Three', members: [bob.id, eve.id] })
  const message = await ada.posts(chat, 'all')
  await eve.reads(chat, message)
  assert.equal(await markOf(ada, message), 'written', 'Lviv does not hold it')
  await company.settle()
  assert.equal(await markOf(ada, message), 'stored')
  await bob.isShown(chat, message)
  await company.settle()
  assert.equal(await markOf(ada, message), 'shown')
  await bob.reads(chat, message)
  await company.settle()
  assert.equal(await markOf(ada, message), 'read')
})

test('the story tells each step with its time, to the author alone', async (t) => {
  const { company, kyiv, lviv, ada, bob, chat } = await pair(t)
  const down = company.now() - 60_000
  const cut: LinkOf = () => ({ up: false, since: down, over: [] })
  const db = kyiv.store.read
  await ada.posts(chat, 'before')
  const message = await ada.posts(chat, 'hi')
  const written = company.now()
  const waiting = await deliveryStory(db, ada.viewer, { message, linkOf: cut })
  assert.deepEqual(waiting.steps, [
    { state: 'written', branch: 'Kyiv', at: written },
    { state: 'waiting', branch: 'Lviv', downSince: down, ahead: 1, carriers: [] },
  ])
  company.advance(10_000)
  await company.settle()
  const stored = company.now()
  company.advance(1000)
  await bob.isShown(chat, message)
  const shown = company.now()
  company.advance(3000)
  await bob.reads(chat, message)
  const read = company.now()
  await company.settle()
  const story = await deliveryStory(db, ada.viewer, { message, linkOf: up })
  const facts = { branch: 'Lviv', person: 'Bob', user: bob.id }
  assert.deepEqual(story.steps, [
    { state: 'written', branch: 'Kyiv', at: written },
    { state: 'stored', branch: 'Lviv', at: stored, waitedFrom: written, via: undefined },
    { state: 'shown', at: shown, ...facts },
    { state: 'read', at: read, ...facts },
  ])
  const asked = deliveryStory(lviv.store.read, bob.viewer, { message, linkOf: up })
  await assert.rejects(asked, (error) => error instanceof AppError && error.code === 'not-found')
})

test('what another branch refuses is told to the author, and never called stored', async (t) => {
  const { company, kyiv, lviv, ada, bob, chat } = await pair(t)
  const kind = lviv.kinds.msgPost
  const { refusal } = kind
  kind.refusal = async () => 'not-a-member'
  const message = await ada.posts(chat, 'hi')
  const told: string[] = []
  kyiv.log.onCommitted((events) => void told.push(...events.map((event) => event.kind)))
  await company.settle()
  kind.refusal = refusal
  assert.deepEqual(told, ['evt.refused'])
  assert.deepEqual(await bob.sees(chat), [])
  assert.equal(await markOf(ada, message), 'refused')
  const story = await deliveryStory(kyiv.store.read, ada.viewer, { message, linkOf: up })
  assert.deepEqual(
    story.steps.map((step) => step.state),
    ['written', 'refused'],
  )
})

test('who comes back to more than a request can name reads all of it, whoever wrote it', async (t) => {
  const company = await companyOf(t, 'Kyiv', 'Lviv', 'Odesa')
  const [kyiv, lviv, odesa] = company.offices
  assert(kyiv && lviv && odesa)
  const [ada, bob] = [await kyiv.hire('Ada'), await lviv.hire('Bob')]
  const [cid, dan] = [await odesa.hire('Cid'), await odesa.hire('Dan')]
  await company.settle()
  const members = [bob.id, cid.id, dan.id]
  const chat = await createGroup(kyiv.parts, ada.id, { title: 'Everybody', members })
  await company.settle()
  await dan.posts(chat, 'first')
  company.advance(1000)
  await bob.posts(chat, 'second')
  await company.settle()
  company.advance(1000)
  for (let i = 0; i < SEEN_LINES_MAX + 10; i++) await ada.posts(chat, `${i}`)
  const last = await ada.posts(chat, 'last')
  await company.settle()
  await cid.reads(chat, last)
  assert.equal(await unread(cid, chat), 0)
})
