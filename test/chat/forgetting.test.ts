/** What a branch forgets of guests who have left, and that it comes back with them; drafts, which follow too. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DAY } from '../../src/base/units.ts'
import { postMessage, saveDraft } from '../../src/chat/actions.ts'
import { draftOf } from '../../src/chat/drafts.ts'
import { forgetGuests } from '../../src/chat/forgetting.ts'
import { leaves, signsIn, talk, texts, three } from './guest-cast.ts'

test('thirty days after a guest has left his chats are gone there, and all comes back with him', async (t) => {
  const { company, kyiv, odesa, ada, bob, sees } = await three(t)
  const chat = await ada.adds(bob)
  await talk(company, chat, [ada, bob], 4)
  await signsIn(company, bob, odesa)
  await company.settle()
  await postMessage(odesa.parts, bob.id, { conversation: chat, body: 'from Odesa' })
  await company.settle()
  const eve = await odesa.hire('Eve')
  await company.settle()
  const own = await eve.adds(bob)
  await eve.posts(own, 'lunch?')
  await company.settle()
  assert.equal((await sees(chat)).length, 5)
  await leaves(company, bob)
  const forget = () =>
    forgetGuests({ ...odesa.parts, self: odesa.keys.id, days: 30, clock: { now: company.now } })
  company.advance(29 * DAY)
  assert.equal(await forget(), 0)
  company.advance(2 * DAY)
  const marks = odesa.store.read
    .selectFrom('seen_before')
    .where('userId', '=', bob.id)
    .select('upTo')
  assert.notDeepEqual(await marks.execute(), [])
  assert.equal(await forget(), 1)
  assert.deepEqual(await marks.execute(), [], 'nor what he read elsewhere')
  const bodies = await odesa.store.read.selectFrom('message').select('body').execute()
  assert.deepEqual(texts(bodies).sort(), ['from Odesa', 'lunch?'])
  const log = await odesa.store.read.selectFrom('event').select(['body', 'state']).execute()
  assert.ok(log.every(({ body }) => !Buffer.from(body ?? '').includes('line ')))
  assert.equal(await forget(), 0, 'once')
  await kyiv.store.writer.write(async () => {})
  await signsIn(company, bob, odesa)
  await company.settle()
  assert.deepEqual(texts(await sees(chat)), ['line 0', 'line 1', 'line 2', 'line 3', 'from Odesa'])
})

test('a draft is kept, follows the person, and ends with the message', async (t) => {
  const { company, lviv, odesa, ada, bob } = await three(t)
  const chat = await ada.adds(bob)
  await talk(company, chat, [ada, bob], 2)
  const of = { user: bob.id, conversation: chat }
  const events = async () =>
    (await lviv.store.read.selectFrom('event').select('position').execute()).length
  const before = await events()
  await saveDraft(lviv.parts, { ...of, body: 'half a thou' })
  assert.equal(await events(), before, 'who is nowhere else costs no event')
  await signsIn(company, bob, odesa)
  await company.settle()
  assert.equal(await draftOf(odesa.store.read, of), 'half a thou')
  company.advance(1000)
  await saveDraft(odesa.parts, { ...of, body: 'half a thought' })
  await company.settle()
  assert.equal(await draftOf(lviv.store.read, of), 'half a thought')
  company.advance(1000)
  await postMessage(odesa.parts, bob.id, { conversation: chat, body: 'a thought' })
  await company.settle()
  for (const { store } of [lviv, odesa]) assert.equal(await draftOf(store.read, of), '')
  await assert.rejects(saveDraft(odesa.parts, { ...of, user: odesa.keys.id as never, body: 'x' }))
})
