/** Opening and migrating a database file, and the lock of its folder. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import Sqlite from 'better-sqlite3'
import { sql } from 'kysely'
import { takeLock } from '../../src/db/lock.ts'
import type { Migration } from '../../src/db/migrations/index.ts'
import { MIGRATIONS } from '../../src/db/migrations/index.ts'
import { openStore } from '../../src/db/open.ts'
import { realClock } from '../../src/world/clock.ts'
import { realDisk } from '../../src/world/disk.ts'
import { silentLog, temporaryFolder, temporaryStore } from './store.ts'

const common = { clock: realClock, log: silentLog }

test('a commit survives a power loss: WAL with synchronous=FULL, foreign keys on', async (t) => {
  const { writer } = await temporaryStore(t)
  const pragmas = await writer.write(async (tx) => {
    const values: unknown[] = []
    for (const name of ['journal_mode', 'synchronous', 'foreign_keys']) {
      const { rows } = await sql<Record<string, unknown>>`pragma ${sql.raw(name)}`.execute(tx)
      values.push(rows[0]?.[name])
    }
    return values
  })
  assert.deepEqual(pragmas, ['wal', 2, 1])
})

test('the reading connection cannot write', async (t) => {
  const { read } = await temporaryStore(t)
  await assert.rejects(read.insertInto('meta').values({ name: 'a', value: 'b' }).execute(), {
    code: 'SQLITE_READONLY',
  })
})

test('reads see what is committed, also while a transaction is open on the other connection', async (t) => {
  const { read, writer } = await temporaryStore(t)
  const names = async () => (await read.selectFrom('meta').select('name').execute()).length
  const before = await names()
  const during = await writer.write(async (tx) => {
    await tx.insertInto('meta').values({ name: 'a', value: 'b' }).execute()
    return await names()
  })
  assert.deepEqual([during, await names()], [before, before + 1])
})

test('what opens a transaction on the reading side does not stop those who write', async (t) => {
  const { read, writer } = await temporaryStore(t)
  read.rowsOf('begin')
  const meta = { name: 'a', value: 'b' }
  await writer.write((tx) => tx.insertInto('meta').values(meta).execute())
})

test('a value does not change the plan of its statement: SQLite cannot look into it', async (t) => {
  const { read } = await temporaryStore(t)
  const { sql: text } = read.selectFrom('meta').where('name', '=', 'a').select('value').compile()
  assert.match(text, / = \+\?$/)
})

test('a database of a newer program is refused with a sentence', async (t) => {
  const path = join(temporaryFolder(t), 'branchline.db')
  const newer: Migration[] = [...MIGRATIONS, { name: '999-later', up: async () => {} }]
  const store = await openStore({ path, ...common, migrations: newer })
  await store.close()
  await assert.rejects(openStore({ path, ...common }), {
    code: 'conflict',
    message: new RegExp(
      `written by a newer Branchline \\(schema ${newer.length}; this one knows ${MIGRATIONS.length}\\)`,
    ),
  })
})

test('the database of another program is left alone', async (t) => {
  const path = join(temporaryFolder(t), 'branchline.db')
  const other = new Sqlite(path)
  other.exec('create table theirs (a)')
  other.close()
  await assert.rejects(openStore({ path, ...common }), { message: /not a database of Branchline/ })
})

test('a migration that fails leaves the file as it was, and the next start goes on from there', async (t) => {
  const path = join(temporaryFolder(t), 'branchline.db')
  const first = await openStore({ path, ...common })
  await first.writer.write((tx) =>
    tx.insertInto('meta').values({ name: 'a', value: 'b' }).execute(),
  )
  await first.close()
  const half: Migration = {
    name: '002-half',
    async up(db) {
      await sql`create table extra (a text) strict`.execute(db)
      throw new Error('power lost')
    },
  }
  await assert.rejects(openStore({ path, ...common, migrations: [...MIGRATIONS, half] }), {
    message: 'power lost',
  })
  const whole: Migration = {
    name: '002-half',
    up: async (db) => void (await sql`create table extra (a text) strict`.execute(db)),
  }
  const again = await openStore({ path, ...common, migrations: [...MIGRATIONS, whole] })
  const rows = await again.read.selectFrom('meta').select('value').where('name', '=', 'a').execute()
  assert.deepEqual(rows, [{ value: 'b' }])
  await again.close()
})

test('a second server on the same folder is refused, and told who has it', (t) => {
  const disk = realDisk(join(temporaryFolder(t), 'data'))
  const release = takeLock(disk, 'process 4711')
  assert.throws(() => takeLock(disk, 'process 4712'), {
    code: 'conflict',
    message: /in use by another server \(process 4711\)/,
  })
  release()
  takeLock(disk, 'process 4712')()
})

test('the lock of a killed server is free at once', async (t) => {
  const folder = temporaryFolder(t)
  const source = (name: string) => JSON.stringify(join(import.meta.dirname, '../../src', name))
  const program = `
    const { takeLock } = await import(${source('db/lock.ts')})
    const { realDisk } = await import(${source('world/disk.ts')})
    takeLock(realDisk(${JSON.stringify(folder)}), 'process of the test')
    setInterval(() => {}, 1000)
    process.stdout.write('locked')`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program])
  t.after(() => child.kill('SIGKILL'))
  const [text] = await once(child.stdout, 'data')
  assert.equal(String(text), 'locked')
  const disk = realDisk(folder)
  assert.throws(() => takeLock(disk, 'us'), { message: /process of the test/ })
  child.kill('SIGKILL')
  await once(child, 'exit')
  takeLock(disk, 'us')()
})
