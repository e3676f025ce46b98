/**
 * Files among three real branches: one lies, the one they came from is gone for good with its folder, and what another
 * one damaged on its disk comes again from the third.
 */
import assert from 'node:assert/strict'
import { hash, randomBytes } from 'node:crypto'
import { closeSync, openSync, readdirSync, readSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { found, joinBy, knows, linkTo, stopAll } from './company.ts'
import { opened, type Sent, upload } from './file-parts.ts'
import {
  Client,
  kill,
  newServer,
  remove,
  run,
  type Server,
  start,
  until,
  WAIT_MS_MAX,
} from './servers.ts'

const OPTIONS = { timeout: 3 * WAIT_MS_MAX }
const BYTES = randomBytes(3 * 1024 * 1024)
const SHA256 = hash('sha256', BYTES)
/** Another one, so large that a branch alone cannot have given all of it before a second one was asked. */
const LIED_ABOUT = randomBytes(4 * 1024 * 1024)
const LIAR = new URL('./liar.ts', import.meta.url).href

let kyiv: Server
let lviv: Server
let odesa: Server
let lev: Client
let olha: Client
let file: string
let liedAbout: string

before(async () => {
  kyiv = await newServer('Kyiv')
  lviv = await newServer('Lviv')
  odesa = await newServer('Odesa')
  await found(kyiv, 'ada')
  await joinBy(kyiv, lviv, 'lev')
  await joinBy(kyiv, odesa, 'olha')
}, OPTIONS)

after(() => stopAll([kyiv, lviv, odesa]))

/** Opens the file until it is here; answers its hash. */
async function fetched(client: Client, which = file): Promise<string> {
  let sha256 = ''
  await until('the file is here', async () => {
    const { status, bytes } = await opened(client, which)
    if (status === 200) sha256 = hash('sha256', bytes)
    return status === 200
  })
  return sha256
}

/** Where the whole file lies in a branch's folder: the largest of its blobs. */
function stored({ data }: Server): string {
  const names = readdirSync(join(data, 'blobs'), { recursive: true, withFileTypes: true })
  const found = names.find((entry) => entry.isFile() && !/partial|new/.test(entry.parentPath))
  assert.ok(found)
  return join(found.parentPath, found.name)
}

test(
  'a branch that lies about what it holds is named, and the file is whole all the same',
  OPTIONS,
  async () => {
    const ada = await Client.signIn(kyiv, 'ada')
    lev = await Client.signIn(lviv, 'lev')
    olha = await Client.signIn(odesa, 'olha')
    await until(
      'everybody is known',
      async () => (await knows(ada, 'lev')) && (await knows(ada, 'olha')),
    )
    await until(
      'Lviv and Odesa are linked',
      async () => (await linkTo(lev, 'Odesa'))?.linked === true,
    )
    const wish = { kind: 'group', title: 'The building', members: ['lev', 'olha'] }
    const { id: chat } = await ada.call<{ id: string }>('POST', '/conversations', wish)
    const path = `/conversations/${chat}/messages`
    const draft = {
      body: 'the plan',
      files: [await upload(ada, BYTES), await upload(ada, LIED_ABOUT)],
    }
    const sent = await ada.call<Sent>('POST', path, draft)
    file = sent.files[0]?.id ?? ''
    liedAbout = sent.files[1]?.id ?? ''
    const isThere = async (client: Client) =>
      (await client.call<{ items: unknown[] }>('GET', path).catch(() => ({ items: [] }))).items
        .length === 1
    await until('it is told to both', async () => (await isThere(lev)) && (await isThere(olha)))
    assert.equal(await fetched(lev), SHA256)
    assert.equal(await fetched(lev, liedAbout), hash('sha256', LIED_ABOUT))

    await kill(lviv)
    lviv.nodeFlags = ['--import', LIAR]
    await start(lviv)
    const isLinked = async () => (await linkTo(lev, 'Odesa'))?.linked === true
    await until('the liar is linked', isLinked)
    assert.equal(await fetched(olha, liedAbout), hash('sha256', LIED_ABOUT))
    assert.equal((await linkTo(olha, 'Lviv'))?.lastError, 'wrong-chunk')
    assert.equal((await linkTo(olha, 'Kyiv'))?.lastError, undefined)
  },
)

test(
  'the branch a file came from is gone with its folder, and another one that opened it gives it',
  OPTIONS,
  async () => {
    await Promise.all([kill(kyiv), kill(lviv)])
    remove(kyiv)
    lviv.nodeFlags = []
    await start(lviv)
    assert.equal(await fetched(olha), SHA256)
  },
)

test(
  'a chunk that was damaged on the disk is found by doctor and comes again',
  OPTIONS,
  async () => {
    const place = openSync(stored(lviv), 'r+')
    const byte = Buffer.alloc(1)
    readSync(place, byte, 0, 1, 1_000_000)
    writeSync(place, Buffer.from([(byte[0] ?? 0) ^ 1]), 0, 1, 1_000_000)
    closeSync(place)
    const { out, err } = await run('doctor', '--files', '--data', lviv.data)
    assert.match(out + err, /1 .*damaged|damaged.* 1/i)
    assert.equal(await fetched(lev), SHA256)
    await until('doctor finds nothing more', async () => {
      const again = await run('doctor', '--files', '--data', lviv.data)
      return !/damaged/i.test(again.out + again.err)
    })
  },
)

test(
  'a file that is gone from the disk comes again by itself when somebody opens it',
  OPTIONS,
  async () => {
    rmSync(stored(lviv))
    assert.equal(await fetched(lev), SHA256)
  },
)
