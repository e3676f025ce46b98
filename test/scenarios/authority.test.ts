/** The root key goes off a running server and comes back, by the commands an operator uses. */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { end, newServer, PASSWORD, remove, run, start, WAIT_MS_MAX } from './servers.ts'

const folder = mkdtempSync(join(tmpdir(), 'branchline-authority-'))
after(() => rmSync(folder, { recursive: true, force: true }))

test('the root key is exported, removed and brought back for a while', {
  timeout: 3 * WAIT_MS_MAX,
}, async (t) => {
  const kyiv = await newServer('Kyiv')
  t.after(() => remove(kyiv))
  const file = (name: string, text?: string) => {
    const path = join(folder, name)
    if (text !== undefined) writeFileSync(path, text)
    return path
  }
  const password = file('password', PASSWORD)
  const passphrase = file('passphrase', 'five words on a paper\n')
  const wrong = file('wrong', 'five other words entirely\n')
  const first = ['--org', 'Acme', '--branch', 'Kyiv', '--admin-login', 'ada']
  await start(kyiv, ...first, '--admin-name', 'Ada Kravets', '--admin-password-file', password)
  t.after(() => end(kyiv))
  const rootFile = join(kyiv.data, 'keys/root.json')
  const kept = file('authority.key')
  const key = (verb: string, by: string, ...more: string[]) =>
    run('key', verb, '--data', kyiv.data, '--authority', kept, '--passphrase-file', by, ...more)
  const secret = JSON.parse(readFileSync(rootFile, 'utf8')).root[0]

  const short = await key('export', file('short', 'eleven char'))
  assert.deepEqual([short.status, existsSync(kept)], [2, false])
  const early = await key('remove', passphrase)
  assert.deepEqual([early.status, existsSync(rootFile)], [2, true], 'nothing was exported yet')

  const exported = await key('export', passphrase)
  assert.equal(exported.status, 0, exported.err)
  assert.equal(statSync(kept).mode & 0o777, 0o600)
  assert.equal((await key('export', passphrase)).status, 2, 'never over a file that is there')

  const mistyped = await key('remove', wrong)
  assert.equal(mistyped.status, 1)
  assert.match(mistyped.err, /passphrase is another one/)
  assert.ok(existsSync(rootFile))
  const removed = await key('remove', passphrase)
  assert.equal(removed.status, 0, removed.err)
  assert.match(removed.out, /renewing the right of this branch to issue/)
  assert.equal(existsSync(rootFile), false)
  assert.match((await key('remove', passphrase)).err, /not on this server/)
  const renewed = await run('cert', 'renew', '--data', kyiv.data)
  assert.match(renewed.out, /^Certificate until .*, signed by Kyiv\n$/, 'links go on without it')

  assert.equal((await key('import', passphrase, '--for', '2d')).status, 2)
  const back = await key('import', passphrase, '--for', '1m')
  assert.equal(back.status, 0, back.err)
  assert.match(
    back.out,
    /until .*, then it is deleted here\nThis branch may issue certificates until/,
  )
  assert.ok(existsSync(rootFile))
  assert.match(kyiv.output, /relay\.issuer\.renewed/)
  const named = await run('cert', 'issuer', '--data', kyiv.data, '--branch', 'Rivne')
  assert.match(named.err, /There is no branch called Rivne/)
  const again = await run('cert', 'issuer', '--data', kyiv.data, '--branch', 'Kyiv')
  assert.match(again.err, /Kyiv may issue already/)
  const rotated = await run('key', 'rotate', '--link', '--data', kyiv.data)
  assert.match(rotated.out, /^Link key 2 is in use/)
  const listed = await run('cert', 'list', '--data', kyiv.data)
  assert.match(listed.out, /^Kyiv +this branch, .* may issue until /)
  for (const { out, err } of [exported, removed, back]) {
    assert.ok(!`${out}${err}`.includes(secret) && !`${out}${err}`.includes('five words'))
  }
  assert.ok(!kyiv.output.includes(secret) && !kyiv.output.includes('five words'))
  assert.ok(!readFileSync(kept, 'utf8').includes(secret))
})
