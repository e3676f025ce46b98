/** Group commit: many actions, one transaction, nobody told before it is durable. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import Sqlite from 'better-sqlite3'
import { sql } from 'kysely'
import { AppError } from '../../src/base/errors.ts'
import type { Db } from '../../src/db/open.ts'
import { temporaryStore } from './store.ts'

const put = (name: string) => async (tx: Db) => {
  await tx.insertInto('meta').values({ name, value: 'x' }).execute()
  return name
}

async function names(db: Db): Promise<string[]> {
  const rows = await db.selectFrom('meta').select('name').orderBy('name').execute()
  return rows.map((row) => row.name)
}

test('actions that wait together share one commit', async (t) => {
  const { writer, read } = await temporaryStore(t)
  let commits = 0
  writer.afterCommit(() => {
    commits += 1
  })
  const results = await Promise.all(['a', 'b', 'c'].map((name) => writer.write(put(name))))
  assert.deepEqual(results, ['a', 'b', 'c'])
  assert.equal(commits, 1)
  assert.deepEqual(await names(read), ['a', 'b', 'c'])
})

test('an action that fails leaves the others and nothing of itself', async (t) => {
  const { writer, read } = await temporaryStore(t)
  const undone: string[] = []
  let current = ''
  writer.undoWith(() => {
    const name = current
    return () => undone.push(name)
  })
  const good = writer.write(put('good'))
  const bad = writer.write(async (tx) => {
    await put('half')(tx)
    throw new AppError('conflict', 'no')
  })
  const late = writer.write(async (tx) => {
    current = 'late'
    return put('late')(tx)
  })
  await assert.rejects(bad, { code: 'conflict' })
  await Promise.all([good, late])
  assert.deepEqual(await names(read), ['good', 'late'])
  assert.equal(undone.length, 1)
})

test('nobody hears "done" before the commit', async (t) => {
  const { writer, read } = await temporaryStore(t)
  const story: string[] = []
  writer.beforeCommit(async () => {
    // Many microtasks: time enough for an early answer to show itself.
    for (let i = 0; i < 50; i++) await Promise.resolve()
    story.push(`committing, ${(await names(read)).length} visible`)
  })
  writer.afterCommit(() => story.push('committed'))
  await writer.write(put('a')).then(() => story.push('answered'))
  assert.deepEqual(story, ['committing, 0 visible', 'committed', 'answered'])
})

test('when the batch fails, all of its actions fail and memory is taken back, last first', async (t) => {
  const { writer, read } = await temporaryStore(t)
  const undone: number[] = []
  let count = 0
  writer.undoWith(() => {
    const mine = ++count
    return () => undone.push(mine)
  })
  let broken = true
  writer.beforeCommit(async () => {
    if (broken) throw new Error('cannot sign')
  })
  const results = await Promise.allSettled([writer.write(put('a')), writer.write(put('b'))])
  assert.deepEqual(
    results.map((each) => each.status === 'rejected' && each.reason.message),
    ['cannot sign', 'cannot sign'],
  )
  assert.deepEqual(undone, [2, 1])
  assert.deepEqual(await names(read), [])
  broken = false
  await writer.write(put('c'))
  assert.deepEqual(await names(read), ['c'])
})

test('a full disk is said to everybody in the batch, and writing goes on when there is room', async (t) => {
  const { writer, read } = await temporaryStore(t)
  await writer.write(async (tx) => {
    const { rows } = await sql<{ page_count: number }>`pragma page_count`.execute(tx)
    await sql.raw(`pragma max_page_count = ${(rows[0]?.page_count ?? 0) + 2}`).execute(tx)
  })
  const large = async (tx: Db) => {
    await tx
      .insertInto('meta')
      .values({ name: 'large', value: 'x'.repeat(100_000) })
      .execute()
  }
  const results = await Promise.allSettled([writer.write(put('a')), writer.write(large)])
  for (const result of results) {
    assert.equal(result.status, 'rejected')
    assert.equal(result.reason.code, 'unavailable')
    assert.equal(result.reason.detail, 'disk-full')
  }
  assert.deepEqual(await names(read), [])
  await writer.write(put('small'))
  assert.deepEqual(await names(read), ['small'])
})

test('while another program holds the file, writing answers "unavailable"', async (t) => {
  const { writer, path } = await temporaryStore(t)
  const other = new Sqlite(path)
  other.exec('begin immediate')
  await assert.rejects(writer.write(put('a')), { code: 'unavailable' })
  other.exec('rollback')
  other.close()
  assert.equal(await writer.write(put('a')), 'a')
})

test('a listener that throws after the commit does not make it look failed', async (t) => {
  const { writer, read } = await temporaryStore(t)
  writer.afterCommit(() => {
    throw new Error('a bug')
  })
  await writer.write(put('a'))
  assert.deepEqual(await names(read), ['a'])
})

test('closing finishes what waits and refuses what comes later', async (t) => {
  const { writer, close } = await temporaryStore(t)
  const waiting = writer.write(put('a'))
  const closing = close()
  await assert.rejects(writer.write(put('b')), { code: 'unavailable' })
  assert.equal(await waiting, 'a')
  await closing
})

test('actions larger than one commit are spread over several', async (t) => {
  const { writer, read } = await temporaryStore(t)
  let commits = 0
  writer.afterCommit(() => {
    commits += 1
  })
  await Promise.all(Array.from({ length: 1200 }, (_, i) => writer.write(put(`n${i}`))))
  assert.ok(commits >= 3)
  assert.equal((await names(read)).length, 1200)
})
