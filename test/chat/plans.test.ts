/** Hot queries go through indexes: none of them walks a whole table. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chatsOf, getChat, recentChats } from '../../src/chat/chats.ts'
import { directIdOf } from '../../src/chat/ids.ts'
import { marksOf } from '../../src/chat/marks.ts'
import { membersOf } from '../../src/chat/members.ts'
import {
  arrivalsAfter,
  firstUnread,
  lineById,
  linesAfter,
  linesBefore,
  missedAfter,
  unreadOfMembers,
} from '../../src/chat/queries.ts'
import { messagesStoredBy, ownNewest } from '../../src/chat/risen.ts'
import { watch } from '../support/plans.ts'
import { companyOf } from './cast.ts'

test('no hot query scans a table', async (t) => {
  const { offices, settle } = await companyOf(t, 'Kyiv', 'Lviv')
  const [kyiv, lviv] = offices
  assert(kyiv && lviv)
  const [ada, bob] = [await kyiv.hire('Ada'), await lviv.hire('Bob')]
  await settle()
  const conversation = await ada.adds(bob)
  const message = await ada.posts(conversation, 'hi')
  const db = kyiv.store.read
  const plans = watch(db)
  const place = await lineById(db, ada.viewer, message)
  plans.length = 0
  const asked = { conversation, limit: 50 }
  const queries: [string, () => Promise<unknown>][] = [
    ['linesBefore', () => linesBefore(db, ada.viewer, { ...asked, before: place })],
    ['linesAfter', () => linesAfter(db, ada.viewer, { ...asked, after: place })],
    ['arrivalsAfter', () => arrivalsAfter(db, ada.viewer, { ...asked, after: 0 })],
    ['lineById', () => lineById(db, ada.viewer, message)],
    ['firstUnread', () => firstUnread(db, ada.viewer, conversation)],
    ['unreadOfMembers', () => unreadOfMembers(db, kyiv.keys.id, { conversation, users: [ada.id] })],
    ['missedAfter', () => missedAfter(db, ada.viewer, 0)],
    ['chatsOf', () => chatsOf(db, ada.viewer)],
    ['recentChats', () => recentChats(db, ada.viewer, undefined)],
    ['recentChats, one open', () => recentChats(db, ada.viewer, conversation)],
    ['getChat', () => getChat(db, ada.viewer, directIdOf(ada.id, bob.id))],
    ['membersOf', () => membersOf(db, ada.viewer, conversation)],
    ['marksOf', () => marksOf(db, kyiv.keys.id, [place])],
    ['ownNewest', () => ownNewest(db, { author: ada.id, conversation })],
    ['messagesStoredBy', () => messagesStoredBy(db, { branch: lviv.keys.id, feedN: 1, upTo: 9 })],
  ]
  await db.selectFrom('message').where('body', '=', 'hi').select('id').execute()
  assert.match(plans.flat()[0]?.detail ?? '', /^SCAN message/, 'a walk would be seen')
  for (const [name, run] of queries) {
    plans.length = 0
    await run()
    assert.ok(plans.length > 0, `${name} was watched`)
    for (const { detail } of plans.flat()) {
      const isWalk = /^SCAN (?!few|json_each|feed VIRTUAL|CONSTANT|\(subquery|mb\b.*VIRTUAL)/.test(
        detail,
      )
      assert.ok(!isWalk, `${name}: ${detail}`)
      // From joining on alone it would be the whole history.
      if (name === 'linesAfter') assert.doesNotMatch(detail, /AND timeKey>\?\)/)
    }
  }
})

test('to mark what was read, SQLite goes to the lines and not through the chat', async (t) => {
  const { offices, settle } = await companyOf(t, 'Kyiv')
  const [kyiv] = offices
  assert(kyiv)
  const [ada, bob] = [await kyiv.hire('Ada'), await kyiv.hire('Bob')]
  await settle()
  const conversation = await ada.adds(bob)
  const lines = [await ada.posts(conversation, '1'), await ada.posts(conversation, '2')]
  const plans = await kyiv.store.writer.write(async (tx) => watch(tx))
  await bob.reads(conversation, ...lines)
  const details = plans.flat().map(({ detail }) => detail)
  assert.ok(
    details.some((detail) => /^SEARCH m USING INDEX sqlite_autoindex_message_1/.test(detail)),
  )
  for (const detail of details) assert.doesNotMatch(detail, /timeKey>/)
})
