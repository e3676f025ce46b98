/** What an operator meets at the terminal: exit statuses, and sentences that say what to do. */
import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Client, end, newServer, PASSWORD, remove, run, start, WAIT_MS_MAX } from './servers.ts'

const OPTIONS = { timeout: 3 * WAIT_MS_MAX }
const folder = mkdtempSync(join(tmpdir(), 'branchline-commands-'))
after(() => rmSync(folder, { recursive: true, force: true }))

test('--help lists commands and settings', OPTIONS, async () => {
  const { status, out } = await run('--help')
  assert.equal(status, 0)
  for (const word of ['invite --branch', '--listen HOST:PORT', 'user add'])
    assert.ok(out.includes(word))
})

for (const [what, args, sentence] of [
  ['an unknown flag', ['serve', '--colour', 'red'], /no flag --colour/],
  ['an unknown command', ['dance'], /no command "dance"/],
  ['a wrong address', ['serve', '--listen', 'here'], /--listen is "here"; allowed: HOST:PORT/],
  [
    'plain HTTP for the LAN',
    ['serve', '--listen', '0.0.0.0:8080', '--tls', 'off'],
    /add --insecure-lan/,
  ],
  [
    'plain HTTP for the LAN beside HTTPS',
    ['serve', '--listen', '0.0.0.0:8080', '--listen-plain', '0.0.0.0:8081'],
    /--listen-plain 0\.0\.0\.0:8081 would serve plain HTTP .* add --insecure-lan/,
  ],
  ['a suite that is none', ['serve', '--min-suite', '3'], /--min-suite is "3"; allowed: 1, 2/],
  ['half a certificate', ['serve', '--tls', 'chain.pem'], /--tls is "chain.pem"; allowed: auto/],
  [
    'a plain listener beside plain HTTP',
    ['serve', '--listen-plain', '127.0.0.1:0'],
    /--listen is plain already/,
  ],
  ['half of a first start', ['serve', '--org', 'Acme'], /--org also needs --branch/],
  ['a flag without its value', ['serve', '--data'], /--data needs a value/],
] as const) {
  test(`${what} is one sentence and status 2`, OPTIONS, async () => {
    const { status, err } = await run(...args)
    assert.equal(status, 2)
    assert.match(err, sentence)
    assert.ok(!err.includes(' at '), 'no stack')
  })
}

test('a command for a folder without a branch makes none there', OPTIONS, async () => {
  const data = join(folder, 'mistyped')
  const { status, err } = await run('peers', '--data', data)
  assert.equal(status, 2)
  assert.match(err, /no branch has its data there/)
  assert.equal(existsSync(data), false)
})

test('a port in use is one sentence and status 2', OPTIONS, async () => {
  const taken = createServer()
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  const address = taken.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const data = join(folder, 'taken')
  mkdirSync(data)
  const args = ['serve', '--data', data, '--listen', `127.0.0.1:${port}`, '--relay', 'off']
  const { status, err } = await run(...args)
  taken.close()
  assert.equal(status, 2)
  assert.match(err, /another program uses this port/)
})

test('a folder that is a file is one sentence and status 2', OPTIONS, async () => {
  const file = join(folder, 'file')
  writeFileSync(file, '')
  const { status, err } = await run('serve', '--data', file, '--listen', '127.0.0.1:0')
  assert.equal(status, 2)
  assert.match(err, /--data/)
})

test('a folder that cannot be written is one sentence and status 2', OPTIONS, async (t) => {
  if (process.getuid?.() === 0) return t.skip('root may write everywhere')
  const data = join(folder, 'read-only')
  mkdirSync(data)
  chmodSync(data, 0o500)
  const { status, err } = await run('serve', '--data', data, '--listen', '127.0.0.1:0')
  assert.equal(status, 2)
  assert.match(err, /Cannot write/)
})

test(
  'an invitation of no length, or of more than a month, is refused in words',
  OPTIONS,
  async () => {
    for (const valid of ['0m', '31d', '9999h', '1w', '-1h']) {
      const { status, err } = await run('invite', '--branch', 'Lviv', `--valid=${valid}`)
      assert.equal(status, 2, valid)
      assert.match(err, /allowed: a number above 0 and m, h or d, as 24h, up to 30d/)
    }
  },
)

test(
  'a second server on the same folder is refused, a clean stop ends with 0',
  OPTIONS,
  async () => {
    const server = await newServer('Kyiv')
    try {
      await start(server, '--setup-code', 'abcd-efgh')
      const second = await run('serve', '--data', server.data, '--listen', '127.0.0.1:0')
      assert.equal(second.status, 2)
      assert.match(second.err, /in use by another server/)
      assert.equal(await end(server), 0)
    } finally {
      await end(server, 'SIGKILL')
      remove(server)
    }
  },
)

test(
  'users are made, listed, given passwords and disabled, with and without a server',
  OPTIONS,
  async () => {
    const server = await newServer('Kyiv')
    const password = join(folder, 'password')
    writeFileSync(password, PASSWORD)
    const data = ['--data', server.data]
    try {
      const admin = ['--admin-login', 'ada', '--admin-password-file', password]
      await start(server, '--org', 'Acme', '--branch', 'Kyiv', ...admin)
      const names = ['--first-name', 'Bob', '--last-name', 'Stone']
      const added = await run('user', 'add', 'bob', ...names, ...data)
      assert.match(added.out, /bob can sign in. Temporary password: \S+/)
      const again = await run('user', 'add', 'bob', ...names, ...data)
      assert.equal(again.status, 1)
      assert.match(again.err, /taken/)
      await end(server)

      const { out } = await run('user', 'list', ...data)
      assert.match(out, /bob@Kyiv\s+Bob Stone\s+employee/)
      await run('user', 'password', 'bob', '--password-file', password, ...data)
      await run('user', 'disable', 'bob', ...data)
      await start(server)
      await assert.rejects(Client.signIn(server, 'bob'), /403/)
    } finally {
      await end(server, 'SIGKILL')
      remove(server)
    }
  },
)
