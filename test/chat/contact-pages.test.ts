/** The menu of a chat as its reader meets it: links and forms alone, and the same by the API. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { verifiedEvidence } from '../../src/admin/evidence.ts'
import type { MessageId } from '../../src/base/ids.ts'
import { setBlock } from '../../src/chat/contacts.ts'
import { createGroup } from '../../src/chat/groups.ts'
import { companyOf } from './cast.ts'
import { HTMX, siteOf } from './site.ts'

async function office(t: Parameters<typeof companyOf>[0]) {
  const company = await companyOf(t, 'Kyiv')
  const [kyiv] = company.offices
  assert(kyiv)
  const [ada, bob] = [await kyiv.hire('Ada'), await kyiv.hire('Bob')]
  const chat = await ada.adds(bob)
  const said: MessageId[] = [await bob.posts(chat, 'first'), await bob.posts(chat, 'second\nline')]
  company.advance(10)
  return { company, kyiv, ada, bob, chat, said, site: siteOf(kyiv) }
}

test('without a script each entry of the menu is a page with one form', async (t) => {
  const { site, ada, bob, chat } = await office(t)
  const details = await (await site.get(ada, `/chats/${chat}/details`)).text()
  for (const [name, word] of [
    ['clear', 'cannot be undone'],
    ['delete', 'Nothing is lost'],
    ['block', 'can no longer write to you'],
  ] as const) {
    assert.ok(details.includes(`href="/chats/${chat}/${name}"`), name)
    const page = await (await site.get(ada, `/chats/${chat}/${name}`)).text()
    assert.ok(page.includes('<html') && page.includes(word), name)
    assert.ok(page.includes(`action="/chats/${chat}/${name}"`), name)
    const overlay = await (await site.get(ada, `/chats/${chat}/${name}`, HTMX)).text()
    assert.match(overlay, /^<dialog/, name)
  }
  const blocked = await site.post(ada, `/chats/${chat}/block`, {})
  assert.equal(blocked.headers.get('location'), `/chats/${chat}?done=blocked`)
  const page = await (await site.get(ada, `/chats/${chat}?done=blocked`)).text()
  assert.match(page, /You have blocked Bob\./)
  assert.doesNotMatch(page, /id="composer"/)
  // The other one sees nothing of it before he writes.
  const his = await (await site.get(bob, `/chats/${chat}`)).text()
  assert.doesNotMatch(his, /block/i)
  const told = await site.post(bob, `/chats/${chat}/messages`, { body: 'are you there?' })
  assert.equal(told.status, 403)
  const answer = await told.text()
  assert.match(answer, /Ada does not take messages from you/)
  assert.match(answer, /are you there\?<\/textarea>/, 'his text is kept')
  const quick = await site.post(bob, `/chats/${chat}/messages`, { body: 'hm' }, HTMX)
  assert.equal(quick.status, 422)
  assert.match(await quick.text(), /does not take messages/)
  assert.match(await (await site.get(ada, `/chats/${chat}`)).text(), /\/unblock"/)
  await site.post(ada, `/chats/${chat}/unblock`, {})
  const again = await site.post(bob, `/chats/${chat}/messages`, { body: 'thanks' })
  assert.equal(again.status, 303)
  assert.equal(
    (await site.post(ada, `/chats/${chat}/delete`, {})).headers.get('location'),
    '/chats?done=removed',
  )
  assert.doesNotMatch(await (await site.get(ada, '/chats')).text(), new RegExp(chat))
  assert.match(await (await site.get(bob, '/chats')).text(), new RegExp(chat))
})

test('in a group nobody is blocked or deleted, and words of somebody blocked are folded there', async (t) => {
  const { site, kyiv, ada, bob } = await office(t)
  const group = await createGroup(kyiv.parts, ada.id, { title: 'Board', members: [bob.id] })
  await bob.posts(group, 'secret sauce')
  assert.equal((await site.get(ada, `/chats/${group}/block`)).status, 404)
  assert.equal((await site.post(ada, `/chats/${group}/delete`, {})).status, 404)
  assert.doesNotMatch(await (await site.get(ada, `/chats/${group}`)).text(), /class="folded"/)
  await setBlock(kyiv.parts, ada.id, { user: bob.id, on: true })
  const page = await (await site.get(ada, `/chats/${group}`)).text()
  assert.match(page, /<details class="folded"><summary>Message of somebody you have blocked/)
  assert.equal(page.split('secret sauce').length, 2, 'folded in the log, not shown in the list')
  assert.doesNotMatch(await (await site.get(bob, `/chats/${group}`)).text(), /class="folded"/)
})

test('a report is made of boxes and a note; what is missing is said, and what was chosen is kept', async (t) => {
  const { site, kyiv, ada, bob, chat, said } = await office(t)
  const form = await (await site.get(ada, `/chats/${chat}/report`)).text()
  assert.equal(form.split('name="messages"').length, 3)
  assert.match(form, /second<br>line/)
  const id = /name="id" value="([0-9a-f]{32})"/.exec(form)?.[1] ?? ''
  const [first = ''] = said
  const empty = await site.post(ada, `/chats/${chat}/report`, { id, note: 'Look' })
  assert.equal(empty.status, 422)
  assert.match(await empty.text(), /Choose at least one message/)
  const silent = await site.post(ada, `/chats/${chat}/report`, { id, messages: first })
  assert.equal(silent.status, 422)
  assert.match(await silent.text(), new RegExp(`value="${first}" checked`))
  const wish = { id, messages: first, note: 'Look' }
  for (let i = 0; i < 2; i++) {
    const sent = await site.post(ada, `/chats/${chat}/report`, wish)
    assert.equal(sent.headers.get('location'), `/chats/${chat}?done=reported`)
  }
  const rows = await kyiv.store.read.selectFrom('report').select('id').execute()
  assert.deepEqual(rows, [{ id }])
  const carol = await kyiv.hire('Carol')
  assert.equal((await site.get(carol, `/chats/${chat}/report`)).status, 404)
  assert.equal((await site.post(carol, `/chats/${chat}/report`, wish)).status, 404)
  assert.equal((await site.get(carol, `/chats/${chat}/export`)).status, 404)
  assert.equal((await site.get(bob, `/chats/${chat}/export`)).status, 200)
})

test('an exported chat holds what its reader is shown, and nothing that was cleared', async (t) => {
  const { site, ada, bob, chat } = await office(t)
  const fileOf = async (person: typeof ada) =>
    (await (await site.get(person, `/chats/${chat}/export`)).json()) as { messages: object[] }
  assert.equal((await fileOf(ada)).messages.length, 2)
  await site.post(ada, `/chats/${chat}/clear`, {})
  assert.equal((await fileOf(ada)).messages.length, 0)
  const file = await fileOf(bob)
  assert.equal(file.messages.length, 2)
  // These offices have no certificates: test/scenarios checks a file of a real organisation.
  assert.throws(() => verifiedEvidence(file), /no certificate/)
  for (const no of [null, 7, 'x', {}, [], { ...file, messages: 7 }, { ...file, branches: [{}] }]) {
    assert.throws(() => verifiedEvidence(no), TypeError)
  }
})

test('the API keeps the same list: contacts, blocks, clears and reports', async (t) => {
  const { site, ada, bob, chat, said } = await office(t)
  const items = async (path: string) =>
    ((await (await site.call(ada, 'GET', path)).json()) as { items: { login: string }[] }).items
  const status = async (method: string, path: string, json?: unknown) =>
    (await site.call(ada, method, path, json)).status
  const logins = async (path: string) => (await items(path)).map(({ login }) => login)
  assert.deepEqual(await logins('/contacts'), ['bob'])
  assert.equal(await status('DELETE', '/contacts/bob'), 204)
  assert.equal(await status('DELETE', '/contacts/bob'), 204)
  assert.deepEqual(await logins('/contacts'), [])
  const added = await site.call(ada, 'PUT', '/contacts/bob')
  assert.deepEqual(await added.json(), { conversation: chat })
  assert.equal(await status('PUT', '/contacts/ada'), 422)
  assert.equal(await status('PUT', '/contacts/nobody'), 422)
  assert.equal(await status('PUT', '/blocks/ada'), 422)
  assert.equal(await status('PUT', '/blocks/bob'), 204)
  assert.deepEqual(await logins('/blocks'), ['bob'])
  const path = `/conversations/${chat}/messages`
  const told = await site.call(bob, 'POST', path, { body: 'hello?' })
  assert.equal(told.status, 403)
  assert.match(JSON.stringify(await told.json()), /does not take messages from you/)
  assert.equal(await status('DELETE', '/blocks/bob'), 204)
  assert.deepEqual(await logins('/blocks'), [])
  const report = { conversation: chat, messages: said, note: 'Look' }
  assert.equal(await status('POST', '/reports', report), 201)
  assert.equal(await status('POST', '/reports', { ...report, messages: [] }), 422)
  assert.equal(await status('POST', '/reports', { ...report, messages: 'all' }), 422)
  assert.equal(await status('POST', `/conversations/${chat}/clear`), 204)
  assert.equal((await items(path)).length, 0)
  assert.equal(await status('POST', '/reports', report), 404, 'she is not shown them any more')
})
