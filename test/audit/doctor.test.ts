/** `doctor` on the folder of a running branch: well, and after somebody changed the file by hand. */
import assert from 'node:assert/strict'
import { chmodSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type Sqlite from 'better-sqlite3'
import { hex } from '../../src/base/bytes.ts'
import type { BranchId } from '../../src/base/ids.ts'
import { HOUR } from '../../src/base/units.ts'
import { commandOf } from '../../src/commands/commands.ts'
import { DATABASE_FILE } from '../../src/db/open.ts'
import type { LoggedEvent } from '../../src/eventlog/events.ts'
import { type Castle, castle } from '../attacks/castle.ts'
import { temporaryFolder } from '../db/store.ts'
import { branchOnPaper, entriesOf, forged, rechained } from './support.ts'

async function doctor(folder: string): Promise<{ status: number; out: string }> {
  let out = ''
  const status = await commandOf(['doctor', '--data', folder, '--relay', 'off'], {
    environment: {},
    readFile: () => '',
    out: (text) => {
      out += text
    },
    err: () => {},
  })
  return { status, out }
}

/** Lviv says that it holds what the log is now. */
async function confirmed(at: Castle, lviv: BranchId): Promise<number> {
  const head = (await entriesOf(at)).at(-1)
  assert.ok(head)
  const { self } = at.core.membership
  const others = [{ branch: self, number: head.n, hash: hex(head.hash), at: head.at }]
  const event = { origin: lviv, body: { others }, hlc: at.core.eventLog.now() }
  await at.core.store.writer.write((tx) =>
    at.core.auditHeads.kind.apply(tx, event as unknown as LoggedEvent<never>),
  )
  return head.n
}

async function confirmedCastle(t: Parameters<typeof castle>[0]) {
  const at = await castle(t)
  chmodSync(at.folder, 0o700)
  for (const login of ['vic', 'olga', 'emil']) await at.add(login)
  const n = await confirmed(at, await branchOnPaper(at, 'Lviv'))
  return { at, n }
}

test('of a branch that is well nothing is bad, and the others confirm its log', async (t) => {
  const { at, n } = await confirmedCastle(t)
  const { status, out } = await doctor(at.folder)
  assert.equal(status, 0, out)
  assert.match(out, /^ok {3}database {6}whole/m)
  assert.match(out, /^ok {3}keys {10}they fit/m)
  assert.match(out, new RegExp(`^ok   audit log     Checked: each of ${n} entries follows`, 'm'))
  assert.match(out, new RegExp(`Lviv confirms that the log is unchanged up to entry ${n}`))
  assert.doesNotMatch(out, /^bad/m)
})

const FORGERIES: [what: string, change: (file: Sqlite.Database) => void, says: RegExp][] = [
  [
    'a changed entry',
    (file) => void file.exec(`update audit set after = '{"role":"employee"}' where n = 2`),
    /^bad {2}audit log {5}Entry 2 does not follow/m,
  ],
  [
    'an entry taken out of the middle',
    (file) => void file.exec('delete from audit where n = 3'),
    /^bad {2}audit log {5}Entry 3 does not follow/m,
  ],
  [
    'the last entries taken away',
    (file) => void file.exec('delete from audit where n > 3'),
    /^bad {2}audit log {5}The log is shorter than what Lviv heard of: entry \d+ of/m,
  ],
  [
    'a chain that was written anew as a whole',
    (file) => {
      file.exec(`update audit set subjectName = 'nobody' where n = 2`)
      rechained(file)
    },
    /^bad {2}audit log {5}Entry \d+ is not the one Lviv heard of/m,
  ],
]

for (const [what, change, says] of FORGERIES) {
  test(`doctor finds ${what}`, async (t) => {
    const { at } = await confirmedCastle(t)
    forged(at.folder, change)
    const { status, out } = await doctor(at.folder)
    assert.equal(status, 1)
    assert.match(out, says)
  })
}

test('a log that is shorter because the database was put back is told as that', async (t) => {
  const { at, n } = await confirmedCastle(t)
  const later = at.world.clock.now() + HOUR
  at.world.clock.now = () => later
  forged(at.folder, (file) => void file.exec('delete from audit where n > 3'))
  const { addAudit } = await import('../../src/audit/entries.ts')
  await at.core.store.writer.write((tx) =>
    addAudit(at.world, tx, { action: 'branch.restored', after: { copyAt: 'then' } }),
  )
  const { status, out } = await doctor(at.folder)
  assert.equal(status, 0, out)
  assert.match(
    out,
    new RegExp(`^warn audit log     The database was put back: entries up to ${n}`, 'm'),
  )
  const ada = await at.browser('ada')
  const page = await (await ada.get('/admin/audit')).text()
  assert.match(page, /The database was put back: entries up to/)
  assert.doesNotMatch(page, /written anew/)
})

test('doctor says when the keys are gone, and when there is no database', async (t) => {
  const { at } = await confirmedCastle(t)
  rmSync(join(at.folder, 'keys'), { recursive: true })
  const without = await doctor(at.folder)
  assert.equal(without.status, 1)
  assert.match(without.out, /^bad {2}keys {10}missing\n.*To do: put the folder keys\/ back/m)
  const empty = temporaryFolder(t)
  const nothing = await doctor(empty)
  assert.equal(nothing.status, 1)
  assert.match(nothing.out, /^bad {2}database {6}there is none/m)
  writeFileSync(join(empty, DATABASE_FILE), 'this is no database at all, whatever its name says')
  assert.match((await doctor(empty)).out, /^bad {2}database {6}/m)
})
