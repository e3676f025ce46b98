/** Where an event is, for administrators: every state in words, and never what it says. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventIdIn } from '../../src/admin/trace.ts'
import { traceOf } from '../../src/eventlog/trace.ts'
import { castle } from '../attacks/castle.ts'
import { threeOffices } from '../relay/company.ts'

test('an id is taken alone or from an address, and nothing else is one', () => {
  const id = 'ab'.repeat(16)
  for (const text of [id, ` ${id.toUpperCase()}\n`, `https://kyiv.lan/chats/x#m-${id}`]) {
    assert.equal(eventIdIn(text), id, text)
  }
  assert.equal(eventIdIn(`/messages/${id}/delivery`), id)
  for (const text of ['', 'ab', `${id}0`, `0${id}`, `${id}/x`])
    assert.equal(eventIdIn(text), undefined)
})

test('an admin sees the way of a message on the page and in the API, and not its text', async (t) => {
  const at = await castle(t)
  const ada = await at.script('ada')
  await at.add('emil')
  const emil = await at.browser('emil')
  const wish = { kind: 'group', title: 'Trace', members: ['emil'] }
  const chat = (await ada.json<{ id: string }>('POST', '/conversations', wish)).id
  const body = { body: 'a secret text', clientId: 'c' }
  const { id } = await ada.json<{ id: string }>('POST', `/conversations/${chat}/messages`, body)
  const found = await ada.json<{ kind: string; ways: unknown[] }>('GET', `/admin/trace/${id}`)
  assert.equal(found.kind, 'msg.post')
  assert.deepEqual(found.ways, [], 'nobody of another branch is in it')
  const browser = await at.browser('ada')
  const page = await (await browser.get(`/admin/trace?id=${id}`)).text()
  assert.match(page, /msg\.post of/)
  assert.match(page, /It is for nobody at another branch/)
  assert.doesNotMatch(page + JSON.stringify(found), /a secret text/)
  assert.equal((await browser.get('/admin/trace?id=x')).status, 422)
  assert.equal((await browser.get(`/admin/trace?id=${'ab'.repeat(16)}`)).status, 404)
  assert.equal((await emil.get(`/admin/trace?id=${id}`)).status, 403)
})

test('a record and mail are followed to each branch: stored, waiting, handed to a carrier, brought by one', async (t) => {
  const { org, kyiv, lviv, odesa, setCut } = await threeOffices(t)
  const [self, atLviv] = [kyiv.keys.branch, lviv.keys.branch]
  const record = (await kyiv.publish('for all')) as { id: never }
  await org.until(() => lviv.record.seen.length + odesa.record.seen.length === 2, 'both have it')
  const ways = async (id: never) =>
    (await traceOf(kyiv.store.read, { self, event: id }))?.ways ?? []
  const isStored = async () => (await ways(record.id)).every(({ way }) => way.state === 'stored')
  await org.until(isStored, 'Kyiv knows')
  assert.equal((await ways(record.id)).length, 2)
  odesa.eventLog.batchesAfter = async () => []
  setCut(kyiv, lviv, true)
  await kyiv.post('first', lviv)
  const mail = (await kyiv.post('second', lviv)) as { id: never }
  const handed = async () => {
    const [only] = await ways(mail.id)
    return only?.way.state === 'waiting' && only.way.carriers.length === 1 ? only : undefined
  }
  await org.until(async () => (await handed()) !== undefined, 'Odesa holds it')
  const carriers = [odesa.keys.branch]
  assert.deepEqual(await handed(), { to: atLviv, way: { state: 'waiting', ahead: 1, carriers } })
  assert.equal(
    await traceOf(odesa.store.read, { self: odesa.keys.branch, event: mail.id }),
    undefined,
  )
  for (const office of [kyiv, lviv, odesa]) await office.stop()
})
