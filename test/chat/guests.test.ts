/** Somebody who sits at another branch: reads and writes there, and finds it done at home. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { userAt } from '../../src/accounts/events.ts'
import type { UserAt } from '../../src/accounts/records.ts'
import { hlcOf } from '../../src/base/hlc.ts'
import type { BranchId, ConversationId, MessageId } from '../../src/base/ids.ts'
import { postMessage } from '../../src/chat/actions.ts'
import { getChat } from '../../src/chat/chats.ts'
import { createGroup, removeMember } from '../../src/chat/groups.ts'
import { followedByChats } from '../../src/chat/guests.ts'
import { linesBefore } from '../../src/chat/queries.ts'
import { MARKS_AHEAD_MAX, MARKS_MAX } from '../../src/chat/seen.ts'
import type { Forward, LoggedEvent } from '../../src/eventlog/events.ts'
import { companyOf, seat } from './cast.ts'
import { signsIn, three } from './guest-cast.ts'

test('what a guest reads is read at home too, and the author hears of it once', async (t) => {
  const company = await companyOf(t, 'Kyiv', 'Lviv', 'Odesa')
  const [kyiv, lviv, odesa] = company.offices
  assert(kyiv && lviv && odesa)
  const [ada, bob] = [await kyiv.hire('Ada'), await lviv.hire('Bob')]
  await company.settle()
  for (const office of company.offices) await seat(office, bob, odesa)
  const chat = await ada.adds(bob)
  const first = await ada.posts(chat, 'one')
  await ada.posts(chat, 'two')
  await company.settle()
  const there = await linesBefore(odesa.store.read, bob.at(odesa), { conversation: chat, limit: 9 })
  assert.deepEqual(
    there.lines.map((line) => line.body),
    ['one', 'two'],
  )
  await odesa.reading.markSeen(bob.id, { conversation: chat, lines: [first], mark: 'read' })
  await company.settle()
  assert.equal((await getChat(odesa.store.read, bob.at(odesa), chat)).unread, 1)
  assert.equal((await getChat(lviv.store.read, bob.viewer, chat)).unread, 1, 'at home the same')
  const draft = { conversation: chat, body: 'from Odesa' }
  const answer = await postMessage(odesa.parts, bob.id, draft)
  await company.settle()
  assert.deepEqual(await ada.sees(chat), ['one', 'two', 'from Odesa'])
  assert.deepEqual(await bob.sees(chat), ['one', 'two', 'from Odesa'])
  await ada.reads(chat, answer.message)
  assert.equal((await getChat(kyiv.store.read, ada.viewer, chat)).unread, 0)
})

test('a branch where somebody never signed in cannot write for him', async (t) => {
  const company = await companyOf(t, 'Kyiv', 'Lviv')
  const [kyiv, lviv] = company.offices
  assert(kyiv && lviv)
  const [ada, bob] = [await kyiv.hire('Ada'), await kyiv.hire('Bob')]
  await company.settle()
  const chat = await ada.adds(bob)
  await ada.posts(chat, 'hi')
  await company.settle()
  // Lviv believes in the guest by itself; Kyiv has no proof of it.
  await seat(lviv, bob, lviv)
  const direct = [ada.id, bob.id].sort() as [typeof ada.id, typeof bob.id]
  const body = { conversation: chat, author: bob.id, body: 'not me', direct }
  await lviv.store.writer.write((tx) =>
    lviv.log.append(tx, { kind: lviv.kinds.msgPost, body, to: [kyiv.keys.id] }),
  )
  await company.settle()
  assert.deepEqual(await ada.sees(chat), ['hi'])
})

test('where somebody signs in who left a group, messages of it that still come do not wait for ever', async (t) => {
  const company = await companyOf(t, 'Kyiv', 'Lviv', 'Odesa')
  const [kyiv, lviv, odesa] = company.offices
  assert(kyiv && lviv && odesa)
  const [ada, eve, bob] = [await kyiv.hire('Ada'), await lviv.hire('Eve'), await kyiv.hire('Bob')]
  await company.settle()
  const group = { title: 'Board', members: [eve.id, bob.id] }
  const chat = await createGroup(kyiv.parts, ada.id, group)
  await company.settle()
  company.advance(1000)
  await removeMember(kyiv.parts, ada.id, { conversation: chat, user: bob.id })
  for (const office of company.offices) await seat(office, bob, odesa)
  await kyiv.store.writer.write((tx) => {
    const kind = followedByChats({ ...userAt, apply: async () => {} }, kyiv.guests)
    const body = { user: bob.id, branch: odesa.keys.id }
    return kind.apply(tx, { body, arrivedAt: company.now() } as LoggedEvent<UserAt>)
  })
  // Lviv has not heard that Bob left.
  await eve.posts(chat, 'Bob?')
  await company.settle()
  const waiting = odesa.store.read
    .selectFrom('event')
    .where('state', '!=', 'applied')
    .select('reason')
  assert.deepEqual(await waiting.execute(), [])
  assert.deepEqual(await ada.sees(chat), ['Bob?'])
  assert.deepEqual(await bob.sees(chat), [])
})

test('a branch that knows only a password of before gets no groups', async (t) => {
  const company = await companyOf(t, 'Kyiv', 'Odesa')
  const [kyiv, odesa] = company.offices
  assert(kyiv && odesa)
  const [ada, bob] = [await kyiv.hire('Ada'), await kyiv.hire('Bob')]
  await seat(kyiv, bob, odesa)
  await createGroup(kyiv.parts, ada.id, { title: 'Board', members: [bob.id] })
  const sent: string[] = []
  const { kinds } = kyiv
  const forward: Forward = async (tx, position, to) => {
    const event = tx.selectFrom('event').where('position', '=', position).select('kind')
    const { kind } = await event.executeTakeFirstOrThrow()
    sent.push(kind === kinds.convPut.code ? 'conv.put' : String(kind))
    await kyiv.guests.forward(tx, position, to)
  }
  const quiet = { ...userAt, apply: async () => {} }
  const kind = followedByChats(quiet, { ...kyiv.guests, forward })
  const comes = () =>
    kyiv.store.writer.write((tx) => {
      const body = { user: bob.id, branch: odesa.keys.id }
      return kind.apply(tx, { body, arrivedAt: company.now() } as LoggedEvent<UserAt>)
    })
  await comes()
  assert.deepEqual(sent.splice(0), ['conv.put'], 'a stay by the present password')
  await kyiv.store.writer.write(async (tx) => {
    await tx.updateTable('credential').set({ epoch: 2 }).execute()
  })
  await comes()
  assert.deepEqual(sent, [])
})

test('a mark that comes to a guest before its messages counts when they come', async (t) => {
  const company = await companyOf(t, 'Kyiv', 'Lviv', 'Odesa')
  const [kyiv, lviv, odesa] = company.offices
  assert(kyiv && lviv && odesa)
  const [ada, bob] = [await kyiv.hire('Ada'), await lviv.hire('Bob')]
  await company.settle()
  const chat = await ada.adds(bob)
  const old = await ada.posts(chat, 'before he came to Odesa')
  await company.settle()
  for (const office of company.offices) await seat(office, bob, odesa)
  await bob.reads(chat, old)
  await company.settle()
  const marks = odesa.store.read
    .selectFrom('event')
    .where('kind', '=', odesa.kinds.msgSeen.code)
    .select(['state', 'reason'])
  assert.deepEqual(await marks.execute(), [{ state: 'applied', reason: null }])
  await ada.posts(chat, 'now')
  await signsIn(company, bob, odesa)
  await company.settle()
  const { unread } = await getChat(odesa.store.read, bob.at(odesa), chat)
  assert.equal(unread, 1, 'the new one alone')
})

test('marks of chats and branches that nobody has heard of take bounded room', async (t) => {
  const { company, kyiv, lviv, odesa, ada, bob } = await three(t)
  const dan = await kyiv.hire('Dan')
  await signsIn(company, bob, odesa)
  const foreign = await dan.adds(ada)
  const hlc = hlcOf(company.now(), 0)
  const idOf = (n: number) => n.toString(16).padStart(32, '0')
  const origins = [odesa.keys.id, idOf(1), idOf(2)] as (typeof odesa.keys.id)[]
  const marks = origins.map((origin) => ({ origin, hlc }))
  await odesa.store.writer.write(async (tx) => {
    for (let n = 0; n < MARKS_AHEAD_MAX / origins.length + 5; n++) {
      const conversation = n === 0 ? foreign : (idOf(n) as ConversationId)
      const seen = { conversation, user: bob.id, mark: 'read' as const, marks }
      const body = { ...seen, lastMessage: 'f'.repeat(32) as MessageId }
      await odesa.log.append(tx, { kind: odesa.kinds.msgSeen, body, to: [lviv.keys.id] })
    }
  })
  await company.settle()
  const kept = await lviv.store.read.selectFrom('seen_before').select(['origin']).execute()
  assert.equal(kept.length, MARKS_AHEAD_MAX)
})

test('marks of invented branches take bounded room in one chat, too', async (t) => {
  const { company, lviv, odesa, ada, bob } = await three(t)
  await signsIn(company, bob, odesa)
  const conversation = await ada.adds(bob)
  await company.settle()
  const hlc = hlcOf(company.now(), 0)
  await odesa.store.writer.write(async (tx) => {
    for (let n = 0; n * MARKS_MAX <= MARKS_AHEAD_MAX; n++) {
      const marks = Array.from({ length: MARKS_MAX }, (_, k) => ({
        origin: (n * MARKS_MAX + k).toString(16).padStart(32, '0') as BranchId,
        hlc,
      }))
      const seen = { conversation, user: bob.id, mark: 'read' as const, marks }
      const body = { ...seen, lastMessage: 'f'.repeat(32) as MessageId }
      await odesa.log.append(tx, { kind: odesa.kinds.msgSeen, body, to: [lviv.keys.id] })
    }
  })
  await company.settle()
  const kept = await lviv.store.read.selectFrom('seen_before').select(['origin']).execute()
  assert.equal(kept.length, MARKS_AHEAD_MAX)
})
