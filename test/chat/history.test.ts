/** What follows a guest: the newest page of each chat, what was read of it, older pages when they are asked for. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HLC_ZERO } from '../../src/base/hlc.ts'
import { DAY } from '../../src/base/units.ts'
import { addMember, createGroup } from '../../src/chat/groups.ts'
import { wantChats, wantOlder } from '../../src/chat/history.ts'
import { startOf } from '../../src/chat/past.ts'
import { LINES_PER_PAGE } from '../../src/chat/queries.ts'
import type { EventKind } from '../../src/eventlog/events.ts'
import { leaves, signsIn, talk, texts, three } from './guest-cast.ts'

test('the newest page of a chat follows a guest, with what is unread of it, and older pages when asked', async (t) => {
  const { company, odesa, ada, bob, sees, unread } = await three(t)
  const chat = await ada.adds(bob)
  await talk(company, chat, [ada, bob], 120)
  const home = await bob.office.store.read.selectFrom('message').select(['id', 'body']).execute()
  const last = home.find(({ body }) => body === 'line 116')
  await bob.reads(chat, last?.id ?? assert.fail())
  await company.settle()
  assert.equal(await unread(chat, bob.office), 1, 'at home')
  await signsIn(company, bob, odesa)
  await company.settle()
  const page = await sees(chat)
  assert.deepEqual(
    texts(page),
    Array.from({ length: LINES_PER_PAGE }, (_, n) => `line ${n + 70}`),
  )
  assert.ok(
    page.every(({ isLate }) => !isLate),
    'nothing of it came late',
  )
  assert.equal(await unread(chat), 1, 'and the same is unread')
  for (const [count, begins] of [
    // The line at the edge is asked for again.
    [2 * LINES_PER_PAGE - 1, 'line 21'],
    [120, 'line 0'],
  ] as const) {
    assert.ok(await startOf(odesa.store.read, { user: bob.id, conversation: chat }))
    await wantOlder(odesa.parts, { user: bob.id, conversation: chat })
    await company.settle()
    const lines = await sees(chat)
    assert.equal(lines.length, count)
    assert.equal(lines[0]?.body, begins)
    assert.equal(await unread(chat), 1)
  }
  assert.equal(await startOf(odesa.store.read, { user: bob.id, conversation: chat }), undefined)
})

test('while the home branch is cut off the others give their part, and the rest comes later', async (t) => {
  const { company, kyiv, lviv, odesa, ada, bob, sees, unread } = await three(t)
  const chat = await ada.adds(bob)
  await talk(company, chat, [ada, bob], 6)
  await signsIn(company, bob, odesa)
  await company.link(kyiv, odesa)
  await company.link(kyiv, odesa)
  assert.deepEqual(texts(await sees(chat)), ['line 0', 'line 2', 'line 4'])
  assert.equal(await unread(chat), 3, 'nobody has told what he read')
  await company.settle()
  assert.deepEqual(
    texts(await sees(chat)),
    [0, 1, 2, 3, 4, 5].map((n) => `line ${n}`),
  )
  assert.equal(await unread(chat), await unread(chat, lviv))
})

test('who comes again sees no hole between what was here and what is new', async (t) => {
  const { company, odesa, ada, bob, sees } = await three(t)
  const chat = await ada.adds(bob)
  await talk(company, chat, [ada, bob], 10)
  await signsIn(company, bob, odesa)
  await company.settle()
  assert.equal((await sees(chat)).length, 10)
  await leaves(company, bob)
  await talk(company, chat, [ada, bob], 60)
  await signsIn(company, bob, odesa)
  await company.settle()
  const page = await sees(chat)
  assert.deepEqual([page.length, page[0]?.body], [LINES_PER_PAGE, 'line 10'])
  await wantOlder(odesa.parts, { user: bob.id, conversation: chat })
  await company.settle()
  assert.equal((await sees(chat)).length, 70)
})

test('of a group a guest gets what was written since he joined', async (t) => {
  const { company, kyiv, odesa, ada, bob, sees } = await three(t)
  const eve = await kyiv.hire('Eve')
  await company.settle()
  const chat = await createGroup(kyiv.parts, ada.id, { title: 'Board', members: [eve.id] })
  await talk(company, chat, [ada, eve], 3)
  await addMember(kyiv.parts, ada.id, { conversation: chat, user: bob.id })
  await company.settle()
  await talk(company, chat, [ada, bob], 2)
  await signsIn(company, bob, odesa)
  await company.settle()
  assert.deepEqual(texts(await sees(chat)), ['line 0', 'line 1'])
  assert.equal(await startOf(odesa.store.read, { user: bob.id, conversation: chat }), undefined)
})

test('a branch where somebody never signed in is given nothing', async (t) => {
  const { company, odesa, ada, bob } = await three(t)
  const chat = await ada.adds(bob)
  await talk(company, chat, [ada, bob], 4)
  // Odesa believes in the guest by itself; the others have no proof of it.
  await odesa.store.writer.write(async (tx) => {
    const where = { userId: bob.id, branchId: odesa.keys.id, epoch: 1, until: company.now() + DAY }
    await tx
      .insertInto('location')
      .values({ ...where, hlc: HLC_ZERO })
      .execute()
    await wantChats(odesa.parts, tx, { user: bob.id, stay: HLC_ZERO })
  })
  await company.settle()
  const rows = await odesa.store.read.selectFrom('message').select('id').execute()
  assert.deepEqual(rows, [])
})

test('no branch hides what came since the stay began, nor speaks of a stay to come', async (t) => {
  const { company, kyiv, odesa, ada, bob, sees } = await three(t)
  const chat = await ada.adds(bob)
  await talk(company, chat, [ada, bob], 4)
  await signsIn(company, bob, odesa)
  await company.settle()
  await talk(company, chat, [ada], 1)
  const last = 'f'.repeat(16)
  const part: EventKind<object> = {
    ...{ code: 0x0411, name: 'hist.part', scope: 'to', parse: (body) => body as object },
    ...{ refusal: async () => undefined, apply: async () => {} },
  }
  const { hlc: now } = await odesa.store.read
    .selectFrom('location')
    .where('userId', '=', bob.id)
    .select('hlc')
    .executeTakeFirstOrThrow()
  for (const stay of [last, now]) {
    const body = { user: bob.id, stay, chats: [{ conversation: chat, from: last }] }
    await kyiv.store.writer.write((tx) =>
      kyiv.log.append(tx, { kind: part, body, to: [odesa.keys.id] }),
    )
  }
  await company.settle()
  assert.deepEqual(texts(await sees(chat)), ['line 0', 'line 1', 'line 2', 'line 3', 'line 0'])
})
