/**
 * A process that writes messages through the functions of a branch, many writers at once, and one that inserts the
 * same rows raw. Arguments: kind (`branch` or `rows`), folder, count.
 */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { openDirect, postMessage } from '../../src/chat/actions.ts'
import { DATABASE_FILE } from '../../src/db/open.ts'
import { withCore } from './company.ts'
import { words } from './flow.ts'
import { addRows, historyWriter } from './history.ts'
import { spread } from './wait.ts'

const WRITERS = 512
const CHATS = 64
const ROWS_PER_COMMIT = 512

const [kind = 'branch', folder = '.', count = '1000'] = process.argv.slice(2)
const site = { name: 'kyiv', data: folder, port: 0, relayPort: 0 }

async function byBranch(): Promise<number> {
  return withCore(site, async ({ store, chat }) => {
    const people = await store.read
      .selectFrom('user')
      .select('id')
      .limit(2 * CHATS)
      .execute()
    const chats: {
      from: (typeof people)[number]['id']
      id: Awaited<ReturnType<typeof openDirect>>
    }[] = []
    for (let i = 0; i < CHATS; i++) {
      const [from, to] = [people[2 * i]?.id, people[2 * i + 1]?.id]
      if (from && to) chats.push({ from, id: await openDirect(chat, from, to) })
    }
    const write = async (i: number) => {
      const to = chats[i % chats.length]
      if (to === undefined) throw new Error('No chats')
      const draft = { conversation: to.id.conversation, body: words(`s${i}-`) }
      await postMessage(chat, to.from, draft)
    }
    await spread(2000, WRITERS, write)
    const began = performance.now()
    await spread(Number(count), WRITERS, write)
    return (Number(count) * 1000) / (performance.now() - began)
  })
}

/** The rows a message leaves in the same tables with the same indexes, without reading, signing or checking. */
function byRows(): number {
  const db = new Sqlite(join(folder, DATABASE_FILE))
  db.pragma('synchronous = full')
  const history = historyWriter(db, { chats: CHATS, viewerChats: 0 })
  const began = performance.now()
  for (let done = 0; done < Number(count); done += ROWS_PER_COMMIT) {
    addRows(history, Math.min(ROWS_PER_COMMIT, Number(count) - done))
  }
  const perSecond = (Number(count) * 1000) / (performance.now() - began)
  db.close()
  return perSecond
}

/** The simplest durable thing: one table, one short row, the same batches. */
function byPlainRows(): number {
  const db = new Sqlite(join(folder, 'plain.db'))
  db.pragma('journal_mode = wal')
  db.pragma('synchronous = full')
  db.exec('create table message (n integer primary key, id blob, body text) strict')
  const insert = db.prepare('insert into message (id, body) values (?, ?)')
  const all = db.transaction((rows: number) => {
    for (let i = 0; i < rows; i++) insert.run(randomBytes(16), words(`s${i}-`))
  })
  const began = performance.now()
  for (let done = 0; done < Number(count); done += ROWS_PER_COMMIT) all(ROWS_PER_COMMIT)
  const perSecond = (Number(count) * 1000) / (performance.now() - began)
  db.close()
  return perSecond
}

const perSecond = kind === 'branch' ? await byBranch() : kind === 'rows' ? byRows() : byPlainRows()
process.send?.({ perSecond })
process.exit(0)
