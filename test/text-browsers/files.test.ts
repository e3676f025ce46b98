/** A person at a text terminal sends a file and opens it: w3m has a field for files, lynx has none. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Client, PASSWORD, type Server, twoBranches, until } from '../scenarios/servers.ts'
import { HANDS, missing, SESSION_MS_MAX, Session } from './terminal.ts'

describe('files in w3m', { skip: missing('w3m'), timeout: SESSION_MS_MAX }, () => {
  const hand = HANDS.w3m
  const folder = mkdtempSync(join(tmpdir(), 'branchline-w3m-'))
  let kyiv: Server
  let stop: () => Promise<void>
  let ada: Client

  before(async () => {
    ;({ kyiv, stop } = await twoBranches())
    ada = await Client.signIn(kyiv, 'ada')
    await until('Lev is known', async () => {
      return (await ada.call<{ items: unknown[] }>('GET', '/people?q=lev')).items.length === 1
    })
    await ada.post(await ada.directWith('lev'), 'A file comes')
  })
  after(async () => {
    await stop?.()
    rmSync(folder, { recursive: true, force: true })
  })

  test('a file is sent with a form, and its text opens', async (t) => {
    const from = join(folder, 'plan.txt')
    writeFileSync(from, 'The plan: двері зліва.\n')
    const session = new Session('w3m')
    t.after(() => session.remove())
    session.keys(hand.type('Login', 'ada'), hand.type('Password', PASSWORD), hand.press())
    session.keys(hand.follow('Lev Bondar'), hand.follow('Attach'))
    session.keys(hand.type('A few', 'Here it is'), hand.type('Files', from))
    const filled = session.save()
    session.keys(hand.pressAfter('At most'))
    const sent = session.save()
    session.keys(hand.follow('plan.txt'))
    const opened = session.save()
    session.run(kyiv.origin)
    assert.match(await session.page(filled), /At most 2 GB for one file/)
    assert.match(await session.page(sent), /Ada Kravets: Here it is\s+.*plan\.txt\W+33 bytes/)
    assert.match(await session.page(opened), /The plan: двері зліва\./)
    await session.ended()
  })
})
