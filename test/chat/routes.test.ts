/** The pages of chats: with forms and links alone, and as parts for htmx. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { companyOf } from './cast.ts'
import { HTMX, siteOf } from './site.ts'

async function site(t: Parameters<typeof companyOf>[0]) {
  const company = await companyOf(t, 'Kyiv', 'Lviv')
  const [kyiv, lviv] = company.offices
  assert(kyiv && lviv)
  const [ada, eve] = [await kyiv.hire('Ada', 'Lovelace'), await kyiv.hire('Eve')]
  const bob = await lviv.hire('Bob', 'Bondar')
  await company.settle()
  return { company, kyiv, lviv, ada, eve, bob, pages: siteOf(kyiv) }
}

test('without a script: find, add, write, see; every step is a link or a form', async (t) => {
  const { ada, bob, pages } = await site(t)
  const empty = await (await pages.get(ada, '/chats')).text()
  assert.match(empty, /No chats yet/)
  const found = await (await pages.get(ada, '/people/add?q=bon')).text()
  assert.match(found, /Bob Bondar/)
  const added = await pages.post(ada, '/people/add', { user: bob.id })
  assert.equal(added.status, 303)
  const chat = added.headers.get('location') ?? ''
  assert.match(chat, /^\/chats\/[0-9a-f]{32}$/)
  const sent = await pages.post(ada, `${chat}/messages`, { body: 'Добрий <b>день</b>\r\n!' })
  assert.equal(sent.status, 303)
  const address = sent.headers.get('location') ?? ''
  assert.match(address, new RegExp(`^${chat}\\?e=\\d+#m-[0-9a-f]{32}$`))
  const page = await (await pages.get(ada, address)).text()
  assert.match(page, /Добрий &lt;b&gt;день&lt;\/b&gt;/)
  assert.match(page, /data-state="written"/)
  assert.match(
    page,
    /hx-sse:connect="\/events\/page\?chat=[0-9a-f]{32}&amp;after=epoch-\d+&amp;at=\d+"/,
  )
})

test('htmx gets the line as an upsert, and its stream is left out of the push', async (t) => {
  const { ada, eve, pages } = await site(t)
  const chat = await ada.adds(eve)
  const headers = { ...HTMX, 'X-Stream': 'ab'.repeat(16) }
  const answer = await pages.post(
    ada,
    `/chats/${chat}/messages`,
    { body: 'hi', clientId: 'c' },
    headers,
  )
  const text = await answer.text()
  assert.equal(answer.status, 200)
  assert.match(
    text,
    /^<hx-upsert hx-target="#log" key="data-seq">.*<article id="m-[0-9a-f]{32}".*<\/hx-upsert>$/s,
  )
  assert.match(text, /data-state="stored"/)
  assert.equal(pages.answered.length, 1)
  assert.ok(text.includes(pages.answered[0]?.message ?? 'nothing'))
  const again = await pages.post(
    ada,
    `/chats/${chat}/messages`,
    { body: 'hi', clientId: 'c' },
    headers,
  )
  assert.equal(await again.text(), text, 'the same message')
  assert.deepEqual(await eve.sees(chat), ['hi'])
})

test('what cannot be sent comes back with words, and with what was typed', async (t) => {
  const { ada, eve, pages } = await site(t)
  const chat = await ada.adds(eve)
  const long = 'x'.repeat(4001)
  const part = await pages.post(ada, `/chats/${chat}/messages`, { body: long }, HTMX)
  assert.equal(part.status, 422)
  assert.match(await part.text(), /^<p class="error" role="alert">[^<]*4000/)
  const page = await pages.post(ada, `/chats/${chat}/messages`, { body: long })
  assert.equal(page.status, 422)
  const text = await page.text()
  assert.match(text, /<!doctype html>/)
  assert.ok(text.includes(long))
  const blank = await pages.post(ada, `/chats/${chat}/messages`, { body: ' ' }, HTMX)
  assert.equal(blank.status, 422)
})

test('outsiders are answered as if there were nothing', async (t) => {
  const { ada, bob, eve, pages } = await site(t)
  const chat = await ada.adds(bob)
  const message = await ada.posts(chat, 'between us')
  const paths = [
    `/chats/${chat}`,
    `/chats/${chat}/older?before=${'A'.repeat(32)}`,
    `/chats/${chat}/wait?after=0`,
    `/chats/${chat}/details`,
    `/messages/${message}/delivery`,
  ]
  for (const path of paths) {
    assert.equal((await pages.get(eve, path)).status, 404, path)
    const insider = await pages.get(ada, path)
    assert.ok(insider.status === 200 || insider.status === 303, `${path}: ${insider.status}`)
  }
  const forms: [string, Record<string, string>][] = [
    [`/chats/${chat}/messages`, { body: 'in' }],
    [`/chats/${chat}/typing`, {}],
    [`/chats/${chat}/seen`, { upTo: message, mark: 'read' }],
  ]
  for (const [path, form] of forms) {
    assert.equal((await pages.post(eve, path, form)).status, 404, path)
    assert.ok((await pages.post(ada, path, form)).status < 400, path)
  }
  assert.equal((await pages.get(ada, '/chats/nonsense')).status, 404)
})

test('a text browser reads by loading the page, a page with a script says so itself', async (t) => {
  const { ada, eve, pages } = await site(t)
  const chat = await eve.adds(ada)
  const message = await eve.posts(chat, 'hi')
  const state = async () =>
    /data-state="(\w+)"/.exec(await (await pages.get(eve, `/chats/${chat}`)).text())?.[1]
  await pages.get(ada, `/chats/${chat}`)
  assert.equal(await state(), 'stored')
  const shown: [string, string][] = [
    ['upTo', message],
    ['mark', 'shown'],
  ]
  assert.equal((await pages.post(ada, `/chats/${chat}/seen`, shown, HTMX)).status, 204)
  assert.equal(await state(), 'shown')
  const plain = await (await pages.get(ada, `/chats/${chat}`, { 'user-agent': 'w3m/0.5.3' })).text()
  assert.match(plain, /<input id="body"/)
  assert.equal(await state(), 'read')
})

test('the page shows where the new lines begin, and older ones on demand', async (t) => {
  const { ada, eve, pages } = await site(t)
  const chat = await eve.adds(ada)
  await Promise.all(Array.from({ length: 120 }, (_, n) => eve.posts(chat, `line ${n}.`)))
  const page = await (await pages.get(ada, `/chats/${chat}`)).text()
  assert.equal(page.match(/<article /g)?.length, 120, 'back to the first unread line')
  assert.match(page, /id="new"/)
  const own = await (await pages.get(eve, `/chats/${chat}`)).text()
  assert.equal(own.match(/<article /g)?.length, 50)
  const older = /hx-get="(\/chats\/\w+\/older\?before=[^"]+)"/.exec(own)?.[1] ?? ''
  const part = await (await pages.get(eve, older, HTMX)).text()
  assert.equal(part.match(/<article /g)?.length, 50)
  const order = ['line 20.', 'line 69.'].map((text) => part.indexOf(text))
  assert.ok(order[0] !== -1 && (order[0] ?? 0) < (order[1] ?? 0), 'oldest first')
  assert.doesNotMatch(part, /<!doctype/)
  const whole = await pages.get(eve, older.replace('/older', ''))
  assert.equal((await whole.text()).match(/<article /g)?.length, 50)
})

test('waiting is answered when a message comes, and after fifty seconds without one', async (t) => {
  const { company, kyiv, ada, eve, pages } = await site(t)
  const chat = await eve.adds(ada)
  await eve.posts(chat, 'old')
  const after = (await kyiv.store.read.selectFrom('event').select('position').execute()).length
  const waiting = pages.get(ada, `/chats/${chat}/wait?after=${after}`)
  let done = false
  void waiting.then(() => {
    done = true
  })
  const other = await eve.adds(ada)
  assert.equal(other, chat)
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(done, false)
  const message = await eve.posts(chat, 'new')
  const answer = await waiting
  assert.equal(answer.status, 303)
  assert.match(
    answer.headers.get('location') ?? '',
    new RegExp(`^/chats/${chat}\\?e=\\d+#m-${message}$`),
  )
  const missed = await pages.get(ada, `/chats/${chat}/wait?after=${after}`)
  assert.ok(missed.headers.get('location')?.endsWith(`#m-${message}`), 'it came already')
  const idle = pages.get(ada, `/chats/${chat}/wait?after=${after + 1}`)
  await turns(50)
  company.advance(50_000)
  const nothing = await idle
  assert.equal(nothing.status, 303)
  assert.match(nothing.headers.get('location') ?? '', /\?e=\d+-\d+$/)
})

test('without a script what is shown is read at once, however quickly pages follow each other', async (t) => {
  const { ada, eve, pages } = await site(t)
  const chat = await ada.adds(eve)
  for (const n of [1, 2, 3]) {
    await eve.posts(chat, `message ${n}`)
    assert.match(await (await pages.get(ada, `/chats/${chat}?e=${n}`)).text(), /id="new"/)
    assert.doesNotMatch(await (await pages.get(ada, `/chats/${chat}?e=${n}a`)).text(), /id="new"/)
  }
})

/** Lets a request get to where it waits. */
async function turns(count: number) {
  for (let n = 0; n < count; n++) await new Promise((resolve) => setImmediate(resolve))
}

test('groups are founded by a form, and their details name the members', async (t) => {
  const { ada, bob, pages } = await site(t)
  const nobody = await (await pages.get(ada, '/chats/new-group')).text()
  assert.match(nobody, /Add a person first/)
  await ada.adds(bob)
  const untitled = await pages.post(ada, '/chats/new-group', { title: ' ', members: bob.id })
  assert.equal(untitled.status, 422)
  assert.match(await untitled.text(), /checked/)
  const alone = await pages.post(ada, '/chats/new-group', { title: 'G' })
  assert.equal(alone.status, 422)
  const made = await pages.post(ada, '/chats/new-group', { title: 'Group', members: bob.id })
  assert.equal(made.status, 303)
  const chat = made.headers.get('location') ?? ''
  const details = await (await pages.get(ada, `${chat}/details`, HTMX)).text()
  assert.match(details, /Ada Lovelace/)
  assert.match(details, /Bob Bondar/)
  assert.match(details, /owner/)
  assert.doesNotMatch(details, /<!doctype/)
})

test('the banner says which line is down, and the story where a message waits', async (t) => {
  const { company, ada, bob, pages } = await site(t)
  const chat = await ada.adds(bob)
  const message = await ada.posts(chat, 'hi')
  pages.setLink(() => ({ up: false, since: company.now() - 60_000, over: [] }))
  const page = await (await pages.get(ada, `/chats/${chat}`)).text()
  assert.match(page, /The line to Lviv is down since/)
  const story = await (await pages.get(ada, `/messages/${message}/delivery`, HTMX)).text()
  assert.match(story, /Written in Kyiv/)
  assert.match(story, /Waiting for Lviv, line down since/)
  pages.setLink(() => ({ up: false, since: company.now() - 60_000, over: ['Odesa'] }))
  const carried = await (await pages.get(ada, `/chats/${chat}`)).text()
  const words = carried.replace(/<[^>]*>/g, '')
  assert.match(words, /The line to Lviv is down since [^.]+\. [^.]+ go by way of Odesa meanwhile/)
})

test('the list is filtered by a name or a login', async (t) => {
  const { ada, bob, eve, pages } = await site(t)
  await ada.adds(bob)
  await ada.adds(eve)
  const list = await (await pages.get(ada, '/chats?find=bond')).text()
  assert.match(list, /Bob Bondar/)
  assert.doesNotMatch(list, />Eve</)
})
