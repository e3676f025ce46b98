/** Messages of people who were deleted with them: what lies here, what was refused or waits, and what comes late. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { userErase } from '../../src/accounts/erasing.ts'
import { ERASED_NAME } from '../../src/base/erased.ts'
import type { ConversationId } from '../../src/base/ids.ts'
import type { PostBody } from '../../src/chat/posts.ts'
import { createErasing } from '../../src/jobs/erasing.ts'
import { keptLog } from '../eventlog/fixture.ts'
import { companyOf, type Office, type Person } from './cast.ts'
import { siteOf } from './site.ts'

type Test = Parameters<typeof companyOf>[0]

const SECRET = 'the lantern is under the stairs'
/** Longer than a page of the database: its rest lies in pages of its own. */
const LONG = `${'so it goes on and on. '.repeat(170)}`

async function cast(t: Test) {
  const company = await companyOf(t, 'North', 'South')
  const [north, south] = company.offices
  assert.ok(north && south)
  const bob = await north.hire('Bob')
  const zina = await south.hire('Zina')
  for (const { store } of company.offices) {
    const values = { serial: 'first', branchId: north.keys.id, certificate: new Uint8Array(1) }
    await store.writer.write((tx) => tx.insertInto('issuer').values(values).execute())
  }
  await company.settle()
  const chat = await zina.adds(bob)
  await zina.posts(chat, 'Good morning')
  await company.settle()
  return { ...company, north, south, bob, zina, chat }
}

/** North deletes somebody of South, as an issuing branch may while South is cut off. */
async function deletes(north: Office, person: Person, messages: 'keep' | 'erase') {
  const facts = { user: person.id, home: person.office.keys.id, createdAt: 0 }
  const body = { ...facts, login: person.name.toLowerCase(), messages }
  await north.store.writer.write((tx) => north.log.append(tx, { kind: userErase, body, to: 'all' }))
}

async function erases(office: Office) {
  const { store, log: eventLog, parts } = office
  const job = createErasing({
    store,
    eventLog,
    self: parts.self,
    clock: parts.clock,
    log: keptLog(),
  })
  job.look()
  await job.idle()
  await job.stop()
}

/** South writes in her name what North must refuse, and what must wait there. */
async function writesBadly({ keys, kinds, store, log }: Office, author: Person, to: Office) {
  const lawless = { ...kinds.msgPost, refusal: async () => undefined, apply: async () => {} }
  const post = (body: PostBody) =>
    store.writer.write((tx) => log.append(tx, { kind: lawless, body, to: [keys.id, to.keys.id] }))
  const conversation = 'ab'.repeat(16) as ConversationId
  const said = { conversation, author: author.id, body: `${SECRET}${LONG}` }
  await post(said)
  await post({ ...said, direct: [author.id, author.id] })
}

const unapplied = async ({ store }: Office) =>
  await store.read
    .selectFrom('event')
    .where('kind', '=', 0x0402)
    .where('reason', 'is not', null)
    .select(['state', 'reason', 'body'])
    .orderBy('position')
    .execute()

function isInFiles(office: Office): boolean {
  office.store.forgetOldPages()
  const texts = ['', '-wal'].map((end) => readFileSync(office.path + end).toString('latin1'))
  return texts.some((text) => text.includes(SECRET))
}

const doneAt = async ({ store }: Office, { id }: Person) => {
  const row = store.read.selectFrom('erasure').where('userId', '=', id).select('doneAt')
  return (await row.executeTakeFirstOrThrow()).doneAt
}

test('what comes late of somebody deleted with the messages is never shown, and destroyed as it comes', async (t) => {
  const { north, south, bob, zina, chat, link } = await cast(t)
  await deletes(north, zina, 'erase')
  await erases(north)
  assert.notEqual(await doneAt(north, zina), null)
  await zina.posts(chat, `${SECRET}${LONG}`)
  await writesBadly(south, zina, north)
  await link(north, south)
  // No round has run since.
  assert.deepEqual(await bob.sees(chat), ['', ''])
  assert.deepEqual(await unapplied(north), [])
  const bodies = await north.store.read
    .selectFrom('event')
    .where('kind', '=', 0x0402)
    .where('body', 'is not', null)
    .select('position')
    .execute()
  assert.deepEqual(bodies, [])
  assert.equal(isInFiles(north), false)
  assert.notEqual(await doneAt(north, zina), null, 'nobody has to look again')
})

test('bodies of refused and of waiting messages go with the others', async (t) => {
  const { north, south, zina, chat, link } = await cast(t)
  await zina.posts(chat, SECRET)
  await writesBadly(south, zina, north)
  await link(north, south)
  const before = await unapplied(north)
  assert.deepEqual(
    before.map(({ state, reason }) => `${state} ${reason}`),
    ['parked waits-for-conversation', 'refused wrong-conversation'],
  )
  assert.equal(isInFiles(north), true)
  await deletes(north, zina, 'erase')
  await erases(north)
  assert.deepEqual(await unapplied(north), [])
  assert.equal(isInFiles(north), false)
})

test('where the messages are kept, late ones are shown', async (t) => {
  const { north, south, bob, zina, chat, link } = await cast(t)
  await deletes(north, zina, 'keep')
  await erases(north)
  await zina.posts(chat, SECRET)
  await link(north, south)
  assert.deepEqual(await bob.sees(chat), ['Good morning', SECRET])
})

test('mail that has not arrived keeps its body, and its branch answers when it has', async (t) => {
  const { north, south, zina, chat, settle, link } = await cast(t)
  await zina.posts(chat, SECRET)
  const record = north.store.read.selectFrom('user').where('id', '=', zina.id).select('login')
  assert.equal((await record.executeTakeFirstOrThrow()).login, 'zina')
  await deletes(south, zina, 'erase')
  await erases(south)
  assert.equal(await doneAt(south, zina), null)
  await settle()
  await link(north, south)
  await erases(south)
  assert.notEqual(await doneAt(south, zina), null)
  assert.equal(isInFiles(south), false)
})

test('a round looks at those alone of whom something may be left, however many were deleted', async (t) => {
  const { north, zina } = await cast(t)
  await deletes(north, zina, 'erase')
  await erases(north)
  const more = Array.from({ length: 120 }, (_, n) => n.toString(16).padStart(32, '0'))
  await north.store.writer.write(async (tx) => {
    const done = await tx.selectFrom('erasure').selectAll().executeTakeFirstOrThrow()
    const values = more.map((userId) => ({ ...done, userId: userId as Person['id'], doneAt: null }))
    await tx.insertInto('erasure').values(values).execute()
  })
  await erases(north)
  const events = await north.store.read
    .selectFrom('event')
    .where('kind', '=', 0x030e)
    .select((eb) => eb.fn.countAll<number>().as('n'))
    .executeTakeFirstOrThrow()
  assert.equal(events.n, 1 + more.length, 'each was answered for once')
  let reads = 0
  const { store } = north
  const read = new Proxy(store.read, {
    get(db, name, self) {
      if (name === 'selectFrom') reads++
      return Reflect.get(db, name, self)
    },
  })
  await erases({ ...north, store: { ...store, read } })
  assert.equal(reads, 1)
})

test('who was deleted has words for a name wherever he stands, and is nobody to choose', async (t) => {
  const { north, south, bob, zina, chat, settle } = await cast(t)
  await bob.adds(zina)
  const message = await bob.posts(chat, 'Are you there?')
  await settle()
  await zina.reads(chat, message)
  await settle()
  const pages = async () => {
    const site = siteOf(north)
    const details = `/chats/${chat}/details`
    const paths = [
      `/chats/${chat}`,
      details,
      `/messages/${message}/delivery`,
      '/chats/new-group',
      '/chats',
    ]
    const texts: string[] = []
    for (const path of paths) {
      const answer = await site.get(bob, path)
      assert.equal(answer.status, 200, path)
      texts.push(await answer.text())
    }
    return texts
  }
  for (const text of await pages()) assert.match(text, /Zina/)
  await deletes(south, zina, 'keep')
  await settle()
  for (const [n, text] of (await pages()).entries()) {
    assert.doesNotMatch(text, /Zina/)
    const at = text.indexOf(ERASED_NAME)
    assert.equal(at < 0 ? '' : text.slice(0, at + 60), '')
    if (n !== 3) assert.match(text, /Deleted person \d+/)
    else assert.doesNotMatch(text, new RegExp(zina.id))
  }
})
