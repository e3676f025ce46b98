/** `doctor --files`: what a disk did to stored files, and that a running server hears of it. */
import assert from 'node:assert/strict'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { BlobId } from '../../src/base/ids.ts'
import { commandOf } from '../../src/commands/commands.ts'
import { controlApp } from '../../src/commands/control.ts'
import type { Control } from '../../src/commands/control-client.ts'
import { fileFindings } from '../../src/commands/doctor/files.ts'
import { lineOf } from '../../src/commands/doctor/finding.ts'
import { blobPath } from '../../src/files/blobs.ts'
import { type Castle, castle } from '../attacks/castle.ts'
import { sender } from './sending.ts'

/** Of a file whose length was not told before. */
const CHUNK = 1024 * 1024

async function doctor(folder: string) {
  let out = ''
  const status = await commandOf(['doctor', '--files', '--data', folder, '--relay', 'off'], {
    ...{ environment: {}, readFile: () => '', err: () => {} },
    out: (text) => {
      out += text
    },
  })
  return { status, out }
}

async function withDamage(at: Castle): Promise<BlobId> {
  const ada = await sender(at, 'ada')
  await at.add('ihor')
  const chat = await ada.chatWith('ihor')
  const good = await ada.upload('good.bin', new Uint8Array(10))
  const bad = await ada.upload('плани\u202e.bin', new Uint8Array(3 * CHUNK))
  await ada.send(chat, [good.id, bad.id])
  const { blobId } = await at.core.store.read
    .selectFrom('attachment')
    .where('id', '=', bad.id as never)
    .select('blobId')
    .executeTakeFirstOrThrow()
  const path = join(at.folder, blobPath(blobId))
  const bytes = readFileSync(path)
  const place = CHUNK + 16 + 50
  bytes[place] = (bytes[place] ?? 0) ^ 1
  writeFileSync(path, bytes)
  return blobId
}

test('without a server it names what is damaged, and changes nothing', async (t) => {
  const at = await castle(t)
  chmodSync(at.folder, 0o700)
  const well = await doctor(at.folder)
  assert.match(well.out, /^ok {3}files {9}0 of 0 whole/m)
  const blob = await withDamage(at)
  const { status, out } = await doctor(at.folder)
  assert.equal(status, 1)
  assert.match(
    out,
    new RegExp(`^bad  files         "плани *.bin", ${blob}: 1 of 3 chunks damaged`, 'm'),
  )
  assert.match(out, /To do: start the server and run this again/)
  assert.match(out, /^warn files {9}1 of 2 whole or arriving/m)
  const row = await at.core.store.read
    .selectFrom('blob')
    .where('id', '=', blob)
    .selectAll()
    .execute()
  assert.equal(row[0]?.state, 'here')
})

test('a running server is told, and no longer calls the chunk here', async (t) => {
  const at = await castle(t)
  const blob = await withDamage(at)
  const app = controlApp(at.branch, { isDemo: false })
  const control = (async (method, path, body) => {
    const answer = await app.request(path, { method, body: JSON.stringify(body) })
    assert.equal(answer.status, 200)
    return await answer.json()
  }) as Control
  const look = async () => {
    let out = ''
    const { blobDisk: disk, clock } = at.world
    const parts = { db: at.core.store.read, disk, control, now: clock.now, progress: () => {} }
    for await (const finding of fileFindings(parts)) out += lineOf(finding)
    return out
  }
  assert.match(await look(), /the server has been told/)
  const [row] = await at.core.store.read
    .selectFrom('blob')
    .where('id', '=', blob)
    .selectAll()
    .execute()
  assert.deepEqual([row?.state, ...(row?.have ?? [])], ['partial', 0b1010_0000])
  assert.doesNotMatch(await look(), /^bad/m)
  assert.match(at.logged(), /files\.rechecked/)
})

test('files on the disk that the database does not know are counted', async (t) => {
  const at = await castle(t)
  const file = await at.world.blobDisk.open('blobs/ab/abcd', 'make')
  await file.close()
  assert.match((await doctor(at.folder)).out, /^warn files {9}1 on the disk that the database/m)
})
