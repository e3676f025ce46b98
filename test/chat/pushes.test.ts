/** What people see at once: who gets which push, and how often it is rendered. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MessageId, UserId } from '../../src/base/ids.ts'
import { createGroup, removeMember } from '../../src/chat/groups.ts'
import type { LoggedEvent } from '../../src/eventlog/events.ts'
import type { StoredUpTo } from '../../src/eventlog/log.ts'
import { ChatPushes } from '../../src/push/chat-pushes.ts'
import { replayFor } from '../../src/push/chat-replay.ts'
import type { Push } from '../../src/push/viewers.ts'
import { wordsOf } from '../../views/language/words.ts'
import type { Reader } from '../../views/parts.ts'
import { companyOf, type Office, type Person } from './cast.ts'

const reader = (language: 'en' | 'uk' = 'en'): Reader => ({
  ...{ t: wordsOf(language), timeZone: 'UTC', now: 1_800_000_000_000, icons: '/i', formToken: '' },
})

/** The pushes of an office to people who listen. */
function watch(office: Office, ...listening: Person[]) {
  const events: LoggedEvent[] = []
  const stored: StoredUpTo[] = []
  office.log.onCommitted((committed) => void events.push(...committed))
  office.log.onStored((marks) => void stored.push(...marks))
  const ids = new Set(listening.map((person) => person.id))
  const programs = new Set<UserId>()
  let typists: UserId[] = []
  const parts = {
    ...{ read: office.store.read, self: office.keys.id, linkOf: () => undefined },
    presenceOf: () => ({ isOnline: true }),
    typistsIn: () => typists,
    isListening: (user: UserId) => ids.has(user),
    hasPage: (user: UserId) => ids.has(user) && !programs.has(user),
  }
  const pushes = new ChatPushes(parts)
  return {
    ...{ pushes, parts, programs },
    async all(): Promise<Push[]> {
      const found: Push[] = []
      for (const event of events.splice(0)) found.push(...(await pushes.pushesFor(event)))
      if (stored.length > 0) found.push(...(await pushes.pushesForStored(stored.splice(0))))
      return found
    },
    types(...users: Person[]) {
      typists = users.map((user) => user.id)
    },
  }
}

const dataOf = (push: Push) => push.api?.data as Record<string, unknown>

/** What a page of `person` that shows `chat` gets. */
async function shown(pushes: readonly Push[], person: Person, chat?: string): Promise<string> {
  const parts: string[] = []
  for (const push of pushes) {
    if (!push.to.includes(person.id)) continue
    if (push.chat !== undefined && push.chat !== chat) continue
    parts.push((await push.html?.(reader())) ?? '')
  }
  return parts.join('\n')
}

async function cast(t: Parameters<typeof companyOf>[0]) {
  const company = await companyOf(t, 'Kyiv', 'Lviv')
  const [kyiv, lviv] = company.offices
  assert(kyiv && lviv)
  const [ada, eve] = [await kyiv.hire('Ada'), await kyiv.hire('Eve')]
  const bob = await lviv.hire('Bob')
  await company.settle()
  return { company, kyiv, lviv, ada, eve, bob }
}

test('a line goes to open pages of the chat, its row and count to all pages of its members', async (t) => {
  const { kyiv, ada, eve, company } = await cast(t)
  const fay = await kyiv.hire('Fay')
  const chat = await ada.adds(eve)
  const seen = watch(kyiv, ada, eve, fay)
  const message = await ada.posts(chat, 'hi <b>')
  const pushes = await seen.all()
  const open = await shown(pushes, eve, chat)
  assert.match(
    open,
    new RegExp(`<hx-upsert hx-target="#log" key="data-seq">.*<article id="m-${message}"`, 's'),
  )
  assert.doesNotMatch(open, /delivery|story-/, 'the way of a message is for who wrote it')
  assert.match(await shown(pushes, ada, chat), /\/messages\/[0-9a-f]{32}\/delivery/)
  assert.match(open, /hi &lt;b&gt;/)
  const elsewhere = await shown(pushes, eve)
  assert.doesNotMatch(elsewhere, /<article/)
  assert.match(
    elsewhere,
    /<hx-upsert hx-target="#chat-list" key="data-seq" sort="desc"><li id="chat-/,
  )
  assert.match(elsewhere, /data-count="1"/)
  assert.match(await shown(pushes, ada), /You: hi/)
  assert.equal(await shown(pushes, fay, chat), '')
  const api = pushes.filter((push) => push.api !== undefined)
  assert.deepEqual(
    api.map((push) => [push.api?.event, dataOf(push).id, push.to.length]),
    [
      ['message', message, 1],
      ['message', message, 1],
    ],
    'one for the author, one for the others',
  )
  assert.ok(company)
})

test('nobody listens, nothing is made', async (t) => {
  const { kyiv, ada, eve } = await cast(t)
  const chat = await ada.adds(eve)
  const seen = watch(kyiv)
  await ada.posts(chat, 'hi')
  await eve.reads(chat, await ada.posts(chat, 'again'))
  assert.deepEqual(await seen.all(), [])
})

test('rows of the list are made for pages, not for programs', async (t) => {
  const { kyiv, ada, eve } = await cast(t)
  const chat = await ada.adds(eve)
  const seen = watch(kyiv, ada, eve)
  seen.programs.add(eve.id)
  await ada.posts(chat, 'hi')
  const forEve = (await seen.all()).filter((push) => push.to.includes(eve.id))
  assert.deepEqual(
    forEve.map((push) => push.api?.event),
    ['message'],
  )
})

test('the tab that posted gets its line as an answer only', async (t) => {
  const { kyiv, ada, eve } = await cast(t)
  const chat = await ada.adds(eve)
  const seen = watch(kyiv, ada)
  const message = await ada.posts(chat, 'hi')
  seen.pushes.answered(message, 'tab-1')
  const [line, ...rest] = await seen.all()
  assert.equal(line?.exceptTab, 'tab-1')
  assert.ok(rest.every((push) => push.exceptTab === undefined))
})

test('a group of many costs two lines, and one row for each unread count', async (t) => {
  const { kyiv, ada, eve } = await cast(t)
  const others: Person[] = []
  for (let n = 0; n < 12; n++) others.push(await kyiv.hire(`P${n}`))
  const members = [eve, ...others].map((person) => person.id)
  const chat = await createGroup(kyiv.parts, ada.id, { title: 'All', members })
  const first = await ada.posts(chat, '1')
  await eve.reads(chat, first)
  const seen = watch(kyiv, ada, eve, ...others)
  await ada.posts(chat, '2')
  const pushes = await seen.all()
  const parts =
    'the line for the author and for the others; rows of the author, of one and of two unread'
  assert.equal(pushes.length, 5, parts)
  assert.match(await shown(pushes, eve), /data-count="1"/)
  const other = others[0]
  assert(other)
  assert.match(await shown(pushes, other), /data-count="2"/)
  assert.match(await shown(pushes, other), /Ada: 2/)
})

test('ticks go to the author: stored, shown, read, each message once', async (t) => {
  const { company, kyiv, ada, bob } = await cast(t)
  const chat = await ada.adds(bob)
  const old = await ada.posts(chat, 'old')
  await company.settle()
  const seen = watch(kyiv, ada)
  const message = await ada.posts(chat, 'hi')
  await seen.all()
  const tick = (id: MessageId, state: string) =>
    new RegExp(
      `<hx-partial hx-target="#mark-${id}" hx-swap="outerHTML"><span id="mark-${id}" class="mark" data-state="${state}"`,
    )
  await company.settle()
  const stored = await shown(await seen.all(), ada, chat)
  assert.match(stored, tick(message, 'stored'))
  assert.doesNotMatch(stored, tick(old, 'stored'), 'it was before')
  await bob.reads(chat, message)
  await company.settle()
  const pushes = await seen.all()
  const read = await shown(pushes, ada, chat)
  assert.match(read, tick(message, 'read'))
  assert.match(read, tick(old, 'read'))
  assert.equal(await shown(pushes, bob, chat), '')
  const receipt = pushes.find((push) => push.api?.event === 'receipt')
  assert.equal(receipt && dataOf(receipt).user, bob.id)
})

test('reading takes the count away from the own pages', async (t) => {
  const { kyiv, ada, eve } = await cast(t)
  const chat = await ada.adds(eve)
  const message = await ada.posts(chat, 'hi')
  const seen = watch(kyiv, eve)
  await eve.reads(chat, message)
  const row = await shown(await seen.all(), eve)
  assert.match(row, /class="row"/)
  assert.doesNotMatch(row, /badge/)
})

test('who is taken out of a group loses its row, the others see who is left', async (t) => {
  const { kyiv, ada, eve, bob } = await cast(t)
  const members = [eve.id, bob.id]
  const chat = await createGroup(kyiv.parts, ada.id, { title: 'G', members })
  const seen = watch(kyiv, ada, eve)
  await removeMember(kyiv.parts, ada.id, { conversation: chat, user: eve.id })
  const pushes = await seen.all()
  assert.equal(
    await shown(pushes, eve, chat),
    `<hx-partial hx-target="#chat-${chat}" hx-swap="delete"></hx-partial>`,
  )
  assert.match(await shown(pushes, ada, chat), /2 members/)
})

test('typing is shown to the others, never to the typist', async (t) => {
  const { kyiv, ada, eve } = await cast(t)
  const chat = await ada.adds(eve)
  const seen = watch(kyiv, ada, eve)
  seen.types(ada)
  for (const occasion of ['before a first message', 'in a chat']) {
    const pushes = await seen.pushes.pushesForTyping(chat)
    assert.match(await shown(pushes, eve, chat), /Ada is typing/, occasion)
    assert.doesNotMatch(await shown(pushes, ada, chat), /is typing/, occasion)
    const told = pushes.filter((push) => push.api?.event === 'typing' && push.to.includes(eve.id))
    assert.deepEqual(told.map(dataOf), [{ conversation: chat, users: [ada.id] }])
    assert.ok(pushes.every((push) => push.position === undefined))
    await eve.posts(chat, 'hi')
  }
})

test('an event that had waited carries no position to resume from', async (t) => {
  const { company, lviv, kyiv, ada, bob } = await cast(t)
  const chat = await createGroup(kyiv.parts, ada.id, { title: 'G', members: [bob.id] })
  await company.settle()
  const seen = watch(lviv, bob)
  const late = await ada.posts(chat, 'late')
  await company.settle()
  const young = await ada.posts(chat, 'young')
  await company.settle()
  const rows = await lviv.store.read.selectFrom('message').selectAll().orderBy('position').execute()
  const event = (id: MessageId) => {
    const row = rows.find((each) => each.id === id)
    assert(row)
    const body = { conversation: chat, author: ada.id, body: row.body }
    return { position: row.position, id, kind: 'msg.post', body } as unknown as LoggedEvent
  }
  const after = await seen.pushes.pushesFor(event(young))
  const before = await seen.pushes.pushesFor(event(late))
  assert.equal(typeof after[0]?.position, 'number')
  assert.equal(before[0]?.position, undefined)
})

test('a stream that was away gets its lines, rows and ticks, or begins anew', async (t) => {
  const { company, kyiv, ada, bob } = await cast(t)
  const chat = await ada.adds(bob)
  const own = await ada.posts(chat, 'own')
  const { position } = await kyiv.store.read
    .selectFrom('event')
    .select('position')
    .orderBy('position', 'desc')
    .executeTakeFirstOrThrow()
  await company.settle()
  await bob.posts(chat, 'missed 1')
  await bob.posts(chat, 'missed 2')
  await company.settle()
  const { parts, pushes } = watch(kyiv, ada)
  const resuming = { user: ada.id, kind: 'page' as const, chat, after: position }
  const found = (await replayFor(parts, pushes, resuming)) ?? []
  const text = await shown(found, ada, chat)
  assert.ok(text.indexOf('missed 1') < text.indexOf('missed 2'))
  assert.match(text, new RegExp(`id="mark-${own}" class="mark" data-state="stored"`))
  assert.match(text, /data-count="2"/)
  const program =
    (await replayFor(parts, pushes, { ...resuming, kind: 'api', chat: undefined })) ?? []
  assert.deepEqual(
    program.map((push) => push.api?.event),
    ['message', 'message'],
  )
  await Promise.all(Array.from({ length: 501 }, (_, n) => ada.posts(chat, String(n))))
  assert.equal(await replayFor(parts, pushes, resuming), undefined)
})
