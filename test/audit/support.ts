/** A branch with an audit log for these tests, another one on paper, and the file as somebody else's hand changes it. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { entryHash, NO_HASH } from '../../src/audit/chain.ts'
import { admit, keysShown } from '../../src/certificates/founding.ts'
import { generateBranchKeys, keyFiles } from '../../src/certificates/keys.ts'
import { DATABASE_FILE } from '../../src/db/open.ts'
import { findIssuer } from '../../src/relay/credentials.ts'
import { type Castle, castle } from '../attacks/castle.ts'
import { memoryNetwork } from '../support/transport.ts'

type Test = Parameters<typeof castle>[0]

/** Kyiv with a relay on a network in memory. */
export function networkedCastle(t: Test): Promise<Castle> {
  const relay = { kind: 'address', address: { host: '10.0.0.1', port: 7900 } } as const
  return castle(t, { relay }, { network: memoryNetwork().door('10.0.0.1') })
}

/** A branch that is a member on paper: no server of it runs. */
export async function branchOnPaper({ core, world }: Castle, name: string) {
  const files = keyFiles(world.disk)
  const now = world.clock.now()
  const self = core.membership.self
  const issuer = await findIssuer(core.store.read, { self, keys: files, now })
  assert.ok(issuer)
  const keys = generateBranchKeys((length) => world.random.bytes(length))
  const chain = admit(issuer, keysShown(keys), { name, now, serial: world.random.bytes(16) })
  const body = {
    identity: chain.identity.bytes.toBase64(),
    issuer: chain.issuer.bytes.toBase64(),
  }
  const kind = core.branches.branchIdentity
  await core.store.writer.write((tx) => core.eventLog.append(tx, { kind, body, to: 'all' }))
  return keys.branch
}

/** All entries, the oldest first. */
export function entriesOf({ core }: Pick<Castle, 'core'>) {
  return core.store.read.selectFrom('audit').selectAll().orderBy('n').execute()
}

/** What `run` brings to the log. */
export async function added(at: Castle, run: () => Promise<unknown>) {
  const before = (await entriesOf(at)).length
  await run()
  return (await entriesOf(at)).slice(before)
}

type Row = Awaited<ReturnType<typeof entriesOf>>[number]

/** The file in the hand of somebody who knows SQLite: triggers are gone while `change` runs. */
export function forged(folder: string, change: (file: Sqlite.Database) => void): void {
  const file = new Sqlite(join(folder, DATABASE_FILE))
  const triggers = file
    .prepare("select name, sql from sqlite_schema where type = 'trigger' and tbl_name = 'audit'")
    .all() as { name: string; sql: string }[]
  for (const { name } of triggers) file.exec(`drop trigger ${name}`)
  change(file)
  for (const { sql } of triggers) file.exec(sql)
  file.close()
}

/** Every hash from an entry on, computed anew: what a forger who knows the form would do. */
export function rechained(file: Sqlite.Database): void {
  const rows = file.prepare('select * from audit order by n').all() as Row[]
  let previous: Uint8Array = NO_HASH
  for (const { hash: _, ...fields } of rows) {
    previous = entryHash(previous, fields)
    file.prepare('update audit set hash = ? where n = ?').run(previous, fields.n)
  }
}
