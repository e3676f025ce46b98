/** Hot queries go through indexes: none of them walks a whole table. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CompiledQuery } from 'kysely'
import { chatsOf, getChat } from '../../src/chat/chats.ts'
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
import type { Db } from '../../src/db/open.ts'
import { companyOf } from './cast.ts'

type Step = { detail: string }

/** Keeps the plan of every query that `db` runs from now on. */
function watch(db: Db): Step[][] {
  const plans: Step[][] = []
  const executor = db.getExecutor()
  const run = executor.executeQuery.bind(executor)
  const rowsOf = db.rowsOf.bind(db)
  const note = (query: string, parameters: readonly unknown[]) => {
    if (/^select/i.test(query)) plans.push(rowsOf<Step>(`explain query plan ${query}`, parameters))
  }
  executor.executeQuery = async <R>(query: CompiledQuery<R>) => {
    note(query.sql, query.parameters)
    return await run(query)
  }
  db.rowsOf = (query, parameters = []) => {
    note(query, parameters)
    return rowsOf(query, parameters)
  }
  return plans
}

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
    }
  }
})
