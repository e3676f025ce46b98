/** Blocks and evidence between two real servers, with certificates that a command checks without any server. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Client, run, twoBranches, until, WAIT_MS_MAX } from './servers.ts'

test('what somebody wrote who was blocked then is reported, exported and proved; a changed file is not', {
  timeout: 3 * WAIT_MS_MAX,
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'branchline-evidence-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const { kyiv, lviv, stop } = await twoBranches()
  t.after(stop)
  const ada = await Client.signIn(kyiv, 'ada')
  const lev = await Client.signIn(lviv, 'lev')
  await until('the two know each other', async () => {
    const here = await lev.call<{ items: unknown[] }>('GET', '/people?q=ada')
    const there = await ada.call<{ items: unknown[] }>('GET', '/people?q=lev')
    return here.items.length + there.items.length === 2
  })
  const { conversation } = await ada.call<{ conversation: string }>('PUT', '/contacts/lev')
  await lev.call('PUT', '/contacts/ada')
  const path = `/conversations/${conversation}/messages`
  await lev.call('POST', path, { body: 'You will regret this' })
  let message = ''
  await until('it has arrived', async () => {
    const { items } = await ada.call<{ items: { id: string }[] }>('GET', path)
    message = items[0]?.id ?? ''
    return items.length === 1
  })
  await ada.call('PUT', '/blocks/lev')
  const write = () => lev.call('POST', path, { body: 'and?' }).then(String, String)
  await until('Lviv knows', async () => /does not take messages from you/.test(await write()))

  const wish = { conversation, messages: [message], note: 'He threatens me' }
  const { id } = await ada.call<{ id: string }>('POST', '/reports', wish)
  await ada.call('POST', `/conversations/${conversation}/clear`)
  const report = `/admin/reports/${id}`
  const read = await ada.call<{ evidence: object[] }>('GET', report)
  assert.deepEqual(
    read.evidence.map((each) => ({ ...each, at: undefined })),
    [
      {
        ...{ by: 'Lev Bondar', branch: 'Lviv', body: 'You will regret this', at: undefined },
        ...{ signature: 'verified', signedBy: 'Lviv' },
      },
    ],
  )
  const file = await ada.call<{ messages: { proof: Record<string, string> }[] }>(
    'GET',
    `${report}/export`,
  )
  const kept = join(folder, 'evidence.json')
  const verified = async (content: unknown) => {
    writeFileSync(kept, JSON.stringify(content))
    return await run('report', 'verify', kept)
  }
  const good = await verified(file)
  assert.equal(good.status, 0, good.err)
  assert.match(good.out, /^proved .* Lev Bondar .*signed by Lviv: "You will regret this"$/m)
  const text = Buffer.from(file.messages[0]?.proof.body ?? '', 'base64').toString('latin1')
  const softer = Buffer.from(text.replace('regret', 'forget'), 'latin1').toString('base64')
  const [first] = file.messages
  assert(first)
  const changed = { ...file, messages: [{ ...first, proof: { ...first.proof, body: softer } }] }
  const bad = await verified(changed)
  assert.equal(bad.status, 1)
  assert.match(bad.out, /NOT PROVED {2}Lev Bondar/)
  assert.equal((await verified({ ...file, issuers: [] })).status, 1)
  assert.equal((await verified('nonsense')).status, 1)
  assert.equal((await run('report', 'verify', join(folder, 'none'))).status, 2)
})
