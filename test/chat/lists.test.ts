/** The list of chats beside every page: the recent ones, and never an unread message that is not in it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConversationId } from '../../src/base/ids.ts'
import { SECOND } from '../../src/base/units.ts'
import { chatsOf, recentChats } from '../../src/chat/chats.ts'
import { createGroup } from '../../src/chat/groups.ts'
import { companyOf, type Office, type Person } from './cast.ts'
import { HTMX, siteOf } from './site.ts'

/** As many as a page lists. */
const RECENT = 50

async function cast(t: Parameters<typeof companyOf>[0]) {
  const { offices } = await companyOf(t, 'Kyiv')
  const [kyiv] = offices
  assert(kyiv)
  const [ada, eve] = [await kyiv.hire('Ada'), await kyiv.hire('Eve')]
  const pages = siteOf(kyiv)
  const page = async (path: string) => await (await pages.get(ada, path)).text()
  return { kyiv, ada, eve, pages, page }
}

/** Chats of Ada's, each newer than the one before. */
async function addChats(at: { kyiv: Office; ada: Person }, count: number, name = 'Person') {
  const added: ConversationId[] = []
  for (let n = 0; n < count; n++) added.push(await at.ada.adds(await at.kyiv.hire(`${name}${n}`)))
  return added
}

const rowsOf = (html: string) =>
  [...html.matchAll(/<li id="chat-([0-9a-f]{32})"/g)].map(([, id]) => id)

test('a page lists the newest fifty chats, and leads to all of them', async (t) => {
  const at = await cast(t)
  const { ada, pages, page } = at
  const chats = await addChats(at, RECENT)
  const few = await page('/chats')
  assert.deepEqual(rowsOf(few), chats.toReversed())
  assert.doesNotMatch(few, /list=all/, 'these are all')
  chats.push(...(await addChats(at, 10, 'Later')))
  const html = await page('/chats')
  assert.deepEqual(rowsOf(html), chats.toReversed().slice(0, RECENT))
  assert.match(html, /<a [^>]*href="\/chats\?list=all#chat-list"[^>]*>Show all 60 chats<\/a>/)
  const all = await page('/chats?list=all')
  assert.deepEqual(rowsOf(all), chats.toReversed())
  assert.doesNotMatch(all, /Show all/)
  assert.deepEqual(rowsOf(await page('/chats?find=person0')), [chats[0]], 'all are searched')
  const api = await pages.call(ada, 'GET', '/conversations')
  assert.equal(((await api.json()) as { items: unknown[] }).items.length, 60)
})

test('an old chat stays in the list while something in it is unread, and counts', async (t) => {
  const at = await cast(t)
  const { ada, eve, page } = at
  const old = await eve.adds(ada)
  const message = await eve.posts(old, 'please answer')
  await ada.posts(await ada.adds(await at.kyiv.hire('Fay')), 'nobody answered')
  const newer = await addChats(at, RECENT)
  const html = await page('/chats')
  assert.deepEqual(rowsOf(html), [...newer.toReversed(), old], 'own words are not unread')
  assert.match(html, /<title>\(1\) /)
  assert.match(html, /Show all 52 chats/)
  const other = await page(`/chats/${newer[0]}`)
  assert.match(other, /<title>\(1\) /)
  await ada.reads(old, message)
  const after = await page('/chats')
  assert.deepEqual(rowsOf(after), newer.toReversed())
  assert.doesNotMatch(after, /<title>\(/)
})

test('who filters the list or sees all of it has the same count of what is unread', async (t) => {
  const at = await cast(t)
  const { ada, eve, page } = at
  const old = await eve.adds(ada)
  for (const text of ['one', 'two', 'three']) await eve.posts(old, text)
  await addChats(at, RECENT)
  for (const path of ['/chats', '/chats?list=all', '/chats?find=person1', '/chats?find=']) {
    assert.match(await page(path), /<title>\(3\) /, path)
  }
})

test('the chat that is open is in the list, however old, and its links lead back to it', async (t) => {
  const at = await cast(t)
  const { ada, page } = at
  const [old, ...others] = await addChats(at, RECENT + 3)
  assert(old)
  const html = await page(`/chats/${old}`)
  assert.deepEqual(rowsOf(html), [...others.toReversed().slice(0, RECENT), old])
  assert.match(html, new RegExp(`<a class="row" href="/chats/${old}" aria-current="page"`))
  assert.match(html, new RegExp(`href="/chats/${old}\\?list=all#chat-list"`))
  const all = await page(`/chats/${old}?list=all`)
  assert.equal(rowsOf(all).length, RECENT + 3)
  assert.match(all, /id="log"/, 'the same page')
  for (let n = 0; n < 60; n++) await ada.posts(old, `line ${n}`)
  const cursor = /\/older\?before=([^"]+)"/.exec(await page(`/chats/${old}`))?.[1]
  const older = await page(`/chats/${old}?before=${cursor}`)
  const href = /href="([^"]+)#chat-list"/.exec(older)?.[1]?.replaceAll('&amp;', '&') ?? ''
  assert.match(href, /list=all/)
  assert.match(await page(href), /line 0/, 'the older page of the chat stays')
})

test('htmx gets the rows of all chats, and the link goes', async (t) => {
  const at = await cast(t)
  const chats = await addChats(at, RECENT + 3)
  const [old] = chats
  const asked = /hx-get="([^"]+\?list=all)"/.exec(await at.page(`/chats/${old}`))?.[1]
  const html = await (await at.pages.get(at.ada, asked ?? '', HTMX)).text()
  assert.match(html, /^<hx-upsert hx-target="#chat-list" key="data-seq" sort="desc"><li /)
  assert.match(html, /<hx-partial hx-target="#all-chats" hx-swap="delete"><\/hx-partial>$/)
  assert.deepEqual(rowsOf(html), chats.toReversed())
  assert.match(html, new RegExp(`href="/chats/${old}" aria-current="page"`))
  const welcome = await (await at.pages.get(at.ada, '/chats?list=all', HTMX)).text()
  assert.deepEqual(rowsOf(welcome), chats.toReversed())
})

test('the recent chats are the first ones of the whole list, whatever made them so', async (t) => {
  const { kyiv, ada, eve } = await cast(t)
  const groups: ConversationId[] = []
  for (let n = 0; n < RECENT + 20; n++) {
    const other = await kyiv.hire(`Person${n}`)
    if (n % 3 === 0) {
      const members = [ada.id, other.id]
      groups.push(await createGroup(kyiv.parts, eve.id, { title: `Group ${n}`, members }))
    } else if (n % 3 === 1) {
      const chat = await other.adds(ada)
      // Of some of those who added her she heard, of others not.
      if (n % 2 === 0) await other.posts(chat, 'hello')
    } else {
      const chat = await ada.adds(other)
      if (n % 2 === 0) await removeContact(kyiv, ada, other)
      if (n % 4 === 0) await other.posts(chat, 'I am still here')
    }
  }
  for (const group of groups.slice(0, 4)) await ada.posts(group, 'an old one that is the newest')
  for (let n = 0; n < 20; n++) await ada.adds(await kyiv.hire(`Later${n}`))
  const { read } = kyiv.store
  const whole = await chatsOf(read, ada.viewer)
  const expected = whole.filter(({ unread }, place) => place < RECENT || unread > 0)
  const { chats, total } = await recentChats(read, ada.viewer, undefined)
  assert.deepEqual(chats, expected)
  assert.equal(total, whole.length)
  assert.ok(RECENT < chats.length && chats.length < total && total < 90, 'each kind is there')
})

async function removeContact({ parts }: Office, owner: Person, contact: Person): Promise<void> {
  const body = { owner: owner.id, contact: contact.id, removed: true }
  const kind = parts.kinds.contactPut
  await parts.store.writer.write((tx) => parts.append(tx, { kind, body, to: [] }))
}

test('of two messages of one instant every branch lists the one as the last that its page shows last', async (t) => {
  const company = await companyOf(t, 'Kyiv', 'Lviv')
  const [kyiv, lviv] = company.offices
  assert(kyiv && lviv)
  const [ada, bob] = [await kyiv.hire('Ada'), await lviv.hire('Bob')]
  await company.settle()
  const chat = await ada.adds(bob)
  await bob.adds(ada)
  for (let round = 0; round < 4; round++) {
    company.advance(SECOND)
    await Promise.all([ada.posts(chat, `${round} of Ada`), bob.posts(chat, `${round} of Bob`)])
    await company.settle()
    for (const person of [ada, bob]) {
      const [listed] = await chatsOf(person.office.store.read, person.viewer)
      assert.equal(listed?.last?.text, (await person.sees(chat)).at(-1))
    }
  }
})
