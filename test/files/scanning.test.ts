/** Files are looked at before they can be opened. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hex } from '../../src/base/bytes.ts'
import { AppError } from '../../src/base/errors.ts'
import { HLC_ZERO } from '../../src/base/hlc.ts'
import type { BlobId } from '../../src/base/ids.ts'
import { keepAttachments } from '../../src/chat/attachments.ts'
import { putMeta } from '../../src/db/meta.ts'
import { blobPath } from '../../src/files/blobs.ts'
import { keyMark } from '../../src/files/scanned-keys.ts'
import { type Scanner, ScannerAway } from '../../src/files/scanners.ts'
import { createScanning, demandScanned, SCANNING, scanAgain } from '../../src/files/scanning.ts'
import { silentLog } from '../db/store.ts'
import { EICAR } from './scanner-standins.ts'
import { type Warehouse, warehouse } from './warehouse.ts'

const MINUTE = 60_000
const bytes = (seed: number) => new Uint8Array(100).fill(seed)

async function bytesOf(pieces: AsyncIterable<Uint8Array>) {
  const all: Uint8Array[] = []
  for await (const piece of pieces) all.push(piece)
  return Buffer.concat(all)
}

const byEicar: Scanner = async ({ bytes }) =>
  (await bytesOf(bytes)).includes(EICAR)
    ? { state: 'infected', threat: 'Eicar' }
    : { state: 'clean' }

function scanningOf(at: Warehouse, scanner: Scanner) {
  const told: BlobId[] = []
  const damaged: BlobId[] = []
  const scanning = createScanning({
    ...{ ...at, log: silentLog, scanner, onVerdict: (blob) => void told.push(blob) },
    onDamaged: ({ blob }) => void damaged.push(blob),
  })
  return { ...scanning, told, damaged }
}

async function verdictOf(at: Warehouse, blob: BlobId) {
  const { verdict, threat } = (await at.blob(blob)) ?? {}
  return [verdict, threat]
}

test('what is found is kept from everybody, and stands in the audit log with its name', async (t) => {
  const at = await warehouse(t)
  const [good, bad] = [await at.keep(new Uint8Array(700_000)), await at.keep(EICAR)]
  await at.attach('invoice.exe', bad)
  await at.upload('plan.txt', good)
  const scanning = scanningOf(at, byEicar)
  scanning.look()
  await scanning.idle()
  assert.deepEqual(await verdictOf(at, good.blob), ['clean', null])
  assert.deepEqual(await verdictOf(at, bad.blob), ['infected', 'Eicar'])
  assert.deepEqual(scanning.told.sort(), [good.blob, bad.blob].sort())
  const entries = await at.store.read.selectFrom('audit').selectAll().execute()
  assert.deepEqual(
    entries.map(({ action, subjectName, after }) => [action, subjectName, after]),
    [['file.infected', 'invoice.exe', '{"threat":"Eicar"}']],
  )
})

test('small files do not wait behind a large one', async (t) => {
  const at = await warehouse(t)
  const large = await at.keep(new Uint8Array(9 * 1024 * 1024))
  const small = await at.keep(new Uint8Array(9))
  const held = Promise.withResolvers<void>()
  const scanning = scanningOf(at, async ({ size, bytes }) => {
    if (size > 9) await held.promise
    return await byEicar({ size, bytes })
  })
  scanning.look()
  while (scanning.told.length === 0) await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(scanning.told, [small.blob])
  held.resolve()
  await scanning.idle()
  assert.deepEqual(scanning.told, [small.blob, large.blob])
})

test('while the scanner is away files wait, and are looked at when it is back', async (t) => {
  const at = await warehouse(t)
  const { blob } = await at.keep(EICAR)
  let isThere = false
  const scanning = scanningOf(at, async (of) => {
    if (!isThere) throw new ScannerAway('away')
    return await byEicar(of)
  })
  const begun = at.clock.now()
  for (let i = 0; i < 5; i++) {
    scanning.look()
    await scanning.idle()
    at.clock.pass(10)
  }
  assert.deepEqual(await verdictOf(at, blob), ['waiting', null])
  assert.equal(scanning.awaySince(), begun)
  isThere = true
  at.clock.pass(MINUTE)
  await scanning.idle()
  assert.deepEqual(await verdictOf(at, blob), ['infected', 'Eicar'])
  assert.equal(scanning.awaySince(), undefined)
})

test('a file at which the scanner falls over holds up no other, and is given up at the third try', async (t) => {
  const at = await warehouse(t)
  const bad = await at.keep(EICAR)
  const good = await at.keep(new Uint8Array(5))
  let asked = 0
  const scanning = scanningOf(at, async (of) => {
    if (of.size === 5) return { state: 'clean' }
    asked += 1
    throw new Error('The scanner ended without an answer: ECONNRESET')
  })
  scanning.look()
  await scanning.idle()
  assert.deepEqual(await verdictOf(at, good.blob), ['clean', null])
  assert.deepEqual(await verdictOf(at, bad.blob), ['waiting', null])
  for (let i = 0; i < 5; i++) {
    scanning.look()
    await scanning.idle()
  }
  assert.equal(asked, 3)
  assert.equal((await verdictOf(at, bad.blob))[0], 'failed')
  assert.ok(await at.store.writer.write((tx) => scanAgain(tx, bad.blob)))
  scanning.look()
  await scanning.idle()
  assert.equal(asked, 4)
})

test('a damaged file is not called clean: its chunks come again first', async (t) => {
  const at = await warehouse(t)
  const { blob } = await at.keep(new Uint8Array(700_000))
  const kept = at.files.get(blobPath(blob))
  assert.ok(kept)
  kept.bytes[300_000] = (kept.bytes[300_000] ?? 0) ^ 1
  const scanning = scanningOf(at, byEicar)
  scanning.look()
  await scanning.idle()
  assert.deepEqual(await verdictOf(at, blob), ['waiting', null])
  assert.deepEqual(scanning.damaged, [blob])
})

test('a key that somebody only claims does not stand in the way of the right one', async (t) => {
  const at = await warehouse(t)
  const made = await at.keep(EICAR)
  const forget = at.store.writer.write((tx) =>
    tx.updateTable('blob').set({ key: null, sha256: null }).execute(),
  )
  await forget // as what comes from another branch
  for (const seed of [0, 1, 2, 254, 255]) {
    await at.attach(`claim ${seed}`, { ...made, key: new Uint8Array(32).fill(seed) })
  }
  const scanning = scanningOf(at, byEicar)
  scanning.look()
  await scanning.idle()
  assert.equal((await verdictOf(at, made.blob))[0], 'failed', 'no key opens it')
  const sent = {
    id: 'f'.repeat(32),
    seed: '',
    blob: made.blob,
    key: hex(made.key),
    sha256: made.sha256,
  }
  await at.store.writer.write((tx) =>
    keepAttachments(tx, [{ ...sent, size: made.size, name: 'n', type: 'x/y' }] as never, {
      ...{ message: 'e'.repeat(32) as never, conversation: 'c'.repeat(32) as never },
      ...{ timeKey: HLC_ZERO, arrivedAt: 1, owner: undefined },
    }),
  )
  scanning.look()
  await scanning.idle()
  assert.deepEqual(await verdictOf(at, made.blob), ['infected', 'Eicar'])
  assert.deepEqual(scanning.damaged, [], 'a wrong key is no damage')
})

test('a verdict holds for what the key opens that the scanner was given', async (t) => {
  const at = await warehouse(t)
  const made = await at.keep(bytes(1))
  const empty = await at.keep(new Uint8Array())
  const scanning = scanningOf(at, byEicar)
  scanning.look()
  await scanning.idle()
  await at.store.writer.write((tx) => putMeta(tx, { [SCANNING]: 'yes' }))
  const other = new Uint8Array(32).fill(9)
  await demandScanned(at.store.read, made.blob, made.key)
  await assert.rejects(demandScanned(at.store.read, made.blob, other), {
    detail: 'file-not-checked',
  })
  await demandScanned(at.store.read, empty.blob, other)
})

test('who may open a file', async (t) => {
  const at = await warehouse(t)
  const { blob, key } = await at.keep(bytes(1))
  const scannedKey = keyMark(key)
  const answers = async (scanning: string) => {
    await at.store.writer.write((tx) => putMeta(tx, { [SCANNING]: scanning }))
    const all: string[] = []
    for (const verdict of ['waiting', 'clean', 'infected', 'failed'] as const) {
      await at.store.writer.write((tx) =>
        tx.updateTable('blob').set({ verdict, scannedKey }).execute(),
      )
      const answer = await demandScanned(at.store.read, blob, key).then(
        () => 'open',
        (error) => (error instanceof AppError ? `${error.status} ${error.detail}` : 'other'),
      )
      all.push(answer)
    }
    return all
  }
  const expected = ['409 file-checking', 'open', '409 file-infected', '409 file-not-checked']
  assert.deepEqual(await answers('yes'), expected)
  assert.deepEqual(await answers(''), ['open', 'open', '409 file-infected', 'open'])
})
