/** Servers are lost: a copy made while they ran is put back, or only the keys are left. Real processes, kill -9. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { arrives, bodiesOf, found, hire, joinBy, knows, stopAll } from './company.ts'
import {
  Client,
  end,
  kill,
  newServer,
  run,
  type Server,
  start,
  until,
  WAIT_MS_MAX,
} from './servers.ts'

const OPTIONS = { timeout: 4 * WAIT_MS_MAX }

let kyiv: Server
let lviv: Server
let odesa: Server
let shelf: string

before(async () => {
  shelf = mkdtempSync(join(tmpdir(), 'branchline-shelf-'))
  writeFileSync(join(shelf, 'passphrase'), 'five words on a sheet of paper\n')
  ;[kyiv, lviv, odesa] = [
    await newServer('Kyiv'),
    await newServer('Lviv'),
    await newServer('Odesa'),
  ]
  await found(kyiv, 'ada')
  await joinBy(kyiv, lviv, 'lev')
  await joinBy(kyiv, odesa, 'oda')
}, OPTIONS)

after(async () => {
  await stopAll([kyiv, lviv, odesa])
  rmSync(shelf, { recursive: true, force: true })
})

type Recovery = { kind: string; copyAt?: string; cameBack: number; notHeard: string[] }

const recoveryOf = async (admin: Client) =>
  (await admin.call<{ recovery?: Recovery }>('GET', '/admin/branches')).recovery

/** Runs a command on a branch's folder; throws with its words when it is refused. */
async function command(server: Server, ...words: string[]): Promise<string> {
  const { status, out, err } = await run(...words, '--data', server.data)
  if (status !== 0) throw new Error(err)
  return out
}

const withPassphrase = () => ['--passphrase-file', join(shelf, 'passphrase')]

async function lose(server: Server): Promise<void> {
  await kill(server)
  rmSync(server.data, { recursive: true })
}

async function friends(): Promise<{ ada: Client; lev: Client; oda: Client }> {
  const [ada, lev, oda] = [
    await Client.signIn(kyiv, 'ada'),
    await Client.signIn(lviv, 'lev'),
    await Client.signIn(odesa, 'oda'),
  ]
  await until('all know each other', async () => {
    const known = [knows(ada, 'oda'), knows(ada, 'lev'), knows(lev, 'oda'), knows(oda, 'lev')]
    return (await Promise.all(known)).every(Boolean)
  })
  return { ada, lev, oda }
}

test(
  'a copy made while people write is put back, and what came after it comes from the others',
  OPTIONS,
  async () => {
    const { ada, lev } = await friends()
    const chat = await ada.directWith('lev')
    await ada.post(chat, 'before')
    await arrives(lev, chat, 'before')
    const writing = (async () => {
      for (let n = 0; n < 20; n++) await lev.post(chat, `meanwhile ${n}`)
    })()
    const file = join(shelf, 'lviv.db')
    const said = await command(lviv, 'backup', file, ...withPassphrase())
    assert.match(said, /Keys are in it/)
    const { lastBackup } = await lev.call<{ lastBackup?: string }>('GET', '/admin/branches')
    assert.ok(lastBackup && said.includes(lastBackup), 'the page of branches tells of it')
    await writing
    await lev.post(chat, 'after the copy')
    await hire(lev, 'zoya', 'Zoya')
    await until('Kyiv has all of it', () => knows(ada, 'zoya'))
    await arrives(ada, chat, 'after the copy')
    const whole = await bodiesOf(ada, chat)
    await lose(lviv)

    assert.match(
      await command(lviv, 'restore', file, ...withPassphrase()),
      /Everybody signs in anew/,
    )
    await assert.rejects(command(lviv, 'restore', file, ...withPassphrase()), /is there already/)
    await start(lviv)
    const again = await Client.signIn(lviv, 'lev')
    for (const body of whole) await arrives(again, chat, body)
    assert.deepEqual(await bodiesOf(again, chat), whole, 'in the same order, and nothing twice')
    await until('who was hired after the copy is back', () => knows(again, 'zoya'))
    await until('the page tells', async () => (await recoveryOf(again))?.notHeard.length === 0)
    const told = await recoveryOf(again)
    assert.equal(told?.kind, 'restored')
    assert.ok(told.copyAt !== undefined && told.cameBack >= 2, JSON.stringify(told))
    assert.equal(await command(lviv, 'peers').then((text) => /waiting/.test(text)), false)
    assert.equal(
      (await again.call<{ login: string }>('GET', '/me')).login,
      'lev',
      'nobody is put out twice',
    )
    await again.post(chat, 'and on it goes')
    await arrives(ada, chat, 'and on it goes')
  },
)

test(
  'from its keys alone a branch is built up again, although who founded the company is down',
  OPTIONS,
  async () => {
    const { ada, lev, oda } = await friends()
    const withOda = await lev.directWith('oda')
    await lev.post(withOda, 'from Lviv')
    await arrives(oda, withOda, 'from Lviv')
    await oda.post(withOda, 'from Odesa')
    await arrives(lev, withOda, 'from Odesa')
    const withAda = await lev.directWith('ada')
    await lev.post(withAda, 'the last one to Kyiv')
    await arrives(ada, withAda, 'the last one to Kyiv')
    const [ofOda, ofAda] = [await bodiesOf(oda, withOda), await bodiesOf(ada, withAda)]
    const keys = join(shelf, 'lviv.keys')
    await command(lviv, 'key', 'export', '--branch', keys, ...withPassphrase())
    await lose(lviv)
    await end(kyiv)

    await command(lviv, 'key', 'import', '--branch', keys, ...withPassphrase())
    const refused = await run('serve', ...lviv.flags)
    assert.match(refused.err, /has the keys of a branch and no database/)
    await command(lviv, 'rebuild')
    await start(lviv)
    await until('lev can sign in with his password', async () =>
      Client.signIn(lviv, 'lev').then(
        () => true,
        () => false,
      ),
    )
    const back = await Client.signIn(lviv, 'lev')
    for (const body of ofOda) await arrives(back, withOda, body)
    assert.deepEqual(await bodiesOf(back, withOda), ofOda)
    await until('it waits for Kyiv', async () => {
      const told = await recoveryOf(back)
      return told?.kind === 'rebuilt' && told.notHeard.join() === 'Kyiv'
    })

    await start(kyiv)
    for (const body of ofAda) await arrives(back, withAda, body)
    assert.deepEqual(await bodiesOf(back, withAda), ofAda)
    await back.post(withAda, 'here again')
    await arrives(await Client.signIn(kyiv, 'ada'), withAda, 'here again')
    await until('all were linked', async () => (await recoveryOf(back))?.notHeard.length === 0)
  },
)

test(
  'wrong passphrases, other files and folders in use are refused in words, and nothing is written',
  OPTIONS,
  async () => {
    const wrong = join(shelf, 'wrong')
    writeFileSync(wrong, 'not the right one at all\n')
    const file = join(shelf, 'odesa.db')
    await command(odesa, 'backup', file)
    await assert.rejects(command(odesa, 'backup', file), /is there already/)
    await assert.rejects(command(odesa, 'restore', file), /in use by another server/)
    const other = await newServer('Other')
    for (const [words, reason] of [
      [['restore', file], /holds no keys/],
      [['restore', join(shelf, 'passphrase')], /damaged, or no copy/],
      [['restore', join(shelf, 'nothing')], /Cannot read/],
      [['rebuild'], /no keys of a branch here/],
      [['restore', join(shelf, 'lviv.db'), '--passphrase-file', wrong], /another passphrase/],
      [
        ['key', 'import', '--branch', join(shelf, 'lviv.keys'), '--passphrase-file', wrong],
        /another one/,
      ],
      [
        ['key', 'import', '--branch', join(shelf, 'passphrase'), ...withPassphrase()],
        /no key file/,
      ],
    ] as const) {
      await assert.rejects(command(other, ...words), reason, words.join(' '))
    }
    await command(other, 'key', 'import', '--branch', join(shelf, 'lviv.keys'), ...withPassphrase())
    await assert.rejects(command(other, 'restore', file), /another branch than the copy/)
    await assert.rejects(
      command(other, 'key', 'import', '--branch', join(shelf, 'lviv.keys'), ...withPassphrase()),
      /has a branch or keys already/,
    )
    const keys = join(other.data, 'keys')
    for (const part of ['sign.json', 'membership.json']) {
      rmSync(join(keys, part)) // as a power cut in the middle of it leaves them
      await command(
        other,
        'key',
        'import',
        '--branch',
        join(shelf, 'lviv.keys'),
        ...withPassphrase(),
      )
    }
    writeFileSync(join(other.data, 'branchline.db-wal'), 'of the database that was lost')
    const copy = join(shelf, 'lviv.db')
    await assert.rejects(command(other, 'restore', copy), /branchline\.db-wal is there already/)
    rmSync(join(other.data, 'branchline.db-wal'))
    writeFileSync(join(other.data, 'branchline.db.part'), 'of one that was interrupted')
    await command(other, 'restore', copy)
    rmSync(join(other.data, 'branchline.db'))
    await start(other).then(
      () => assert.fail('it must not begin anew over keys'),
      (error: Error) => assert.match(error.message, /no database/),
    )
    rmSync(other.data, { recursive: true })
  },
)
