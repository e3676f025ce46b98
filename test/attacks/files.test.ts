/** What lies in the data folder is its owner's alone, however careless the system it runs on. */
import assert from 'node:assert/strict'
import { chmodSync, lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { end, newServer, remove, run, start, WAIT_MS_MAX } from '../scenarios/servers.ts'

/** Paths below a folder that others than the owner may open in any way. */
function openOnes(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return names.flatMap((name) => {
    const { mode } = lstatSync(join(folder, name))
    const rights = (mode & 0o777).toString(8)
    return (mode & 0o077) === 0 ? [] : [`${name} ${rights}`]
  })
}

test('no file, folder or socket of a server is open to others', {
  timeout: 2 * WAIT_MS_MAX,
}, async () => {
  const server = await newServer('Kyiv')
  chmodSync(server.data, 0o755)
  const before = process.umask(0)
  try {
    const password = ['--admin-login', 'ada', '--admin-password', 'corvid lantern 7']
    await start(server, '--org', 'Dovira', '--branch', 'Kyiv', ...password)
    const names = readdirSync(server.data)
    for (const name of ['branchline.db', 'branchline.db-wal', 'keys', 'control.sock', 'lock']) {
      assert.ok(names.includes(name), `${name} is there`)
    }
    assert.deepEqual(openOnes(server.data), [])
    await end(server)
    const { status } = await run('user', 'list', '--data', server.data)
    assert.equal(status, 0)
    assert.deepEqual(openOnes(server.data), [], 'after a command without a server')
    assert.ok(!server.output.includes('corvid lantern 7'))
  } finally {
    process.umask(before)
    await end(server, 'SIGKILL')
    remove(server)
  }
})
