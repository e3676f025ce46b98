/**
 * A long history, written as rows by SQL because a million messages through the server would take many minutes: the
 * same tables, columns and indexes that a message of one's own branch leaves (event, feed entry, message, conversation,
 * membership), without signatures, which nothing reads of a feed that is offered to nobody.
 */
import { randomBytes } from 'node:crypto'
import type Sqlite from 'better-sqlite3'
import { HLC_ZERO, hlcOf } from '../../src/base/hlc.ts'
import type { UserId } from '../../src/base/ids.ts'
import { directIdOf } from '../../src/chat/ids.ts'
import { words } from './flow.ts'

const HEADER_BYTES = 68
const SALT_BYTES = 16
const MSG_POST = 0x0402
/** A message every so often, the newest one an hour ago. */
const STEP_MS = 100

type Chat = { id: string; pair: [string, string] }

export type History = {
  chats: readonly Chat[]
  run: Sqlite.Transaction<(count: number) => void>
}

type Place = { origin: string; originN: number; feedN: number }

function placeOf(db: Sqlite.Database): Place {
  const own = db.prepare(`select value from meta where name = 'selfBranchId'`).get()
  const origin = (own as { value: string }).value
  const row = db.prepare('select n from branch where id = ?').get(origin) as { n: number }
  const opened = db
    .prepare(
      `insert into feed (id, origin, incarnation, scope, destination, opening, bodyKey, openedAt,
       floor, head, chain, batched) values (?, ?, ?, 'self', null, ?, null, ?, 0, 0, ?, 0)`,
    )
    .run(
      ...[randomBytes(16).toString('hex'), origin, randomBytes(8).toString('hex')],
      ...[randomBytes(200), HLC_ZERO, randomBytes(32)],
    )
  return { origin, originN: row.n, feedN: Number(opened.lastInsertRowid) }
}

/** Direct chats: `viewerChats` of the first person with others, the rest of pairs. */
function chatsOf(db: Sqlite.Database, chats: number, viewerChats: number): Chat[] {
  const rows = db.prepare(`select id from user where login like 'k%' order by login`).all()
  const people = rows.map((row) => (row as { id: string }).id)
  return Array.from({ length: chats }, (_, i) => {
    const pair =
      i < viewerChats ? [people[0], people[i + 1]] : [people[i], people[people.length - 1 - i]]
    const [a = '', b = ''] = pair
    return { id: directIdOf(a as UserId, b as UserId), pair: [a, b] as [string, string] }
  })
}

/** Prepares writing; call once per database. */
export function historyWriter(
  db: Sqlite.Database,
  { chats: count, viewerChats }: { chats: number; viewerChats: number },
): History {
  const place = placeOf(db)
  const chats = chatsOf(db, count, viewerChats)
  openChats(db, chats)
  const write = messageWriter(db, place)
  let seq = 0
  const keepHead = db.prepare('update feed set head = ?, batched = ? where n = ?')
  const run = db.transaction((messages: number) => {
    for (let i = 0; i < messages; i++) {
      const chat = chats[seq % chats.length]
      if (chat) write(chat, ++seq)
    }
    keepHead.run(seq, seq, place.feedN)
  })
  return { chats, run }
}

/** Adds messages in one transaction. */
export function addRows(history: History, count: number): void {
  history.run(count)
}

function openChats(db: Sqlite.Database, chats: readonly Chat[]): void {
  const conversation = db.prepare(
    `insert or ignore into conversation (id, kind, title, home, term, rev, hlc, createdAt, lastPosition,
     lastTimeKey) values (?, 'direct', '', null, 0, 0, ?, 0, null, null)`,
  )
  const member = db.prepare(
    `insert or ignore into membership (conversationId, userId, role, joinedAt, leftAt, readPosition,
     shownPosition) values (?, ?, 'member', ?, null, 0, 0)`,
  )
  for (const { id, pair } of chats) {
    conversation.run(id, HLC_ZERO)
    for (const user of pair) member.run(id, user, HLC_ZERO)
  }
}

function messageWriter(db: Sqlite.Database, { origin, originN, feedN }: Place) {
  const event = db.prepare(
    `insert into event (originN, id, kind, hlc, arrivedAt, state, reason, header, body, conversationId)
     values (?, ?, ${MSG_POST}, ?, ?, 'applied', null, ?, ?, ?)`,
  )
  const entry = db.prepare('insert into feed_entry (feedN, seq, position) values (?, ?, ?)')
  const message = db.prepare(
    `insert into message (position, id, conversationId, authorId, origin, body, sentAt, arrivedAt,
     timeKey, clientId, late) values (?, ?, ?, ?, ?, ?, ?, ?, ?, null, 0)`,
  )
  const conversation = db.prepare(
    'update conversation set lastPosition = ?, lastTimeKey = ? where id = ?',
  )
  const read = db.prepare(
    'update membership set readPosition = ?, shownPosition = ? where conversationId = ?',
  )
  const began = Date.now() - 365 * 86_400_000
  return ({ id: chat, pair }: Chat, seq: number) => {
    const at = began + seq * STEP_MS
    const hlc = hlcOf(at, 0)
    const random = randomBytes(16 + HEADER_BYTES + SALT_BYTES)
    // Ids begin with the time, as the log's own do.
    const id = Buffer.concat([Buffer.from(hlc.slice(0, 12), 'hex'), random.subarray(0, 10)])
    const author = pair[seq & 1] ?? ''
    const text = words(`h${seq}-`)
    const json = JSON.stringify({ conversation: chat, author, body: text, direct: pair })
    const body = Buffer.concat([random.subarray(16 + HEADER_BYTES), Buffer.from(json)])
    const header = random.subarray(16, 16 + HEADER_BYTES)
    const { lastInsertRowid } = event.run(originN, id, hlc, at, header, body, chat)
    entry.run(feedN, seq, lastInsertRowid)
    message.run(lastInsertRowid, id.toString('hex'), chat, author, origin, text, at, at, hlc)
    conversation.run(lastInsertRowid, hlc, chat)
    read.run(lastInsertRowid, lastInsertRowid, chat)
  }
}
