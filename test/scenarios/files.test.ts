/** A file between two real servers, of which each is killed in the middle: it goes on and is whole. */
import assert from 'node:assert/strict'
import { hash, randomBytes } from 'node:crypto'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { opened, type Sent, upload } from './file-parts.ts'
import { Client, kill, type Server, start, twoBranches, until, WAIT_MS_MAX } from './servers.ts'

const OPTIONS = { timeout: 3 * WAIT_MS_MAX }
/** Some seconds of a transfer, so that there is a middle. */
const FILE_BYTES = 24 * 1024 * 1024
const CEILING = ['--file-rate', '32000']

let kyiv: Server
let lviv: Server
let stop: () => Promise<void>

before(async () => {
  const company = await twoBranches()
  kyiv = company.kyiv
  lviv = company.lviv
  stop = company.stop
  await kill(kyiv)
  await start(kyiv, ...CEILING)
}, OPTIONS)

after(async () => {
  await stop?.()
})

/** Bytes of what arrives in Lviv, as far as the file reaches. */
function arrived(): number {
  const folder = join(lviv.data, 'blobs', 'partial')
  try {
    return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)
  } catch {
    return 0
  }
}

test('a file goes on after kill -9 of either end, and is whole', OPTIONS, async () => {
  const ada = await Client.signIn(kyiv, 'ada')
  let lev = await Client.signIn(lviv, 'lev')
  await until('the two people know each other', async () => {
    const there = await ada.call<{ items: unknown[] }>('GET', '/people?q=lev')
    const here = await lev.call<{ items: unknown[] }>('GET', '/people?q=ada')
    return there.items.length === 1 && here.items.length === 1
  })
  const chat = await ada.directWith('lev')
  const bytes = randomBytes(FILE_BYTES)
  const files = [await upload(ada, bytes)]
  const path = `/conversations/${chat}/messages`
  const sent = await ada.call<Sent>('POST', path, { body: 'the plan', files })
  const file = sent.files[0]?.id ?? ''
  await until('the message is in Lviv', async () => (await lev.messages(chat)).length === 1)

  assert.equal((await opened(lev, file)).status, 409, 'it is asked for, and not here yet')
  await until('a third is here', async () => arrived() > FILE_BYTES / 3)
  await kill(lviv)
  await start(lviv)
  await until('two thirds are here', async () => arrived() > (FILE_BYTES * 2) / 3)
  await kill(kyiv)
  await start(kyiv, ...CEILING)

  lev = await Client.signIn(lviv, 'lev')
  await until('all of it is here', async () => {
    const [message] = await lev.call<{ items: Sent[] }>('GET', path).then(({ items }) => items)
    return message?.files[0]?.state === 'here'
  })
  const { status, bytes: got } = await opened(lev, file)
  assert.equal(status, 200)
  assert.equal(hash('sha256', got), hash('sha256', bytes))
  assert.equal(arrived(), 0, 'nothing is left of its way')
})
