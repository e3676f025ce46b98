/** A file taken out of its message goes from every branch, and each says when it has gone. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import type { BlobId, ConversationId, FileId } from '../../src/base/ids.ts'
import { postMessage } from '../../src/chat/actions.ts'
import { fileRemove, removeFile } from '../../src/chat/file-removals.ts'
import { blobPath, makeBlob } from '../../src/files/blobs.ts'
import { createCollecting } from '../../src/files/collecting.ts'
import { fileIdOf } from '../../src/files/file-ids.ts'
import { CHUNK_BYTES_MIN } from '../../src/files/manifest.ts'
import { createFileRemovals } from '../../src/jobs/file-removals.ts'
import { type Company, companyOf, type Office, type Person } from '../chat/cast.ts'
import { silentLog } from '../db/store.ts'
import { memoryBlobDisk } from '../support/blob-disk.ts'

const MINUTE = 60_000
const idOf = (name: string) => createHash('sha256').update(name).digest('hex').slice(0, 32)

type Test = Parameters<typeof companyOf>[0]

/** What a branch does about files, beside its chats. */
function cellar(t: Test, office: Office) {
  const { store, parts } = office
  const { clock } = parts
  const disk = memoryBlobDisk(new Map(), { now: clock.now })
  const { round } = createCollecting({ store, disk, clock })
  const collect = async () => void (await round())
  const chat = { store, append: parts.append, clock }
  const eventLog = { onCommitted: () => () => {} }
  const removals = createFileRemovals({ chat, eventLog, keeping: { collect }, log: silentLog })
  t.after(removals.stop)
  return { office, disk, look: removals.look }
}
type Cellar = ReturnType<typeof cellar>

async function sendFile(at: Cellar, author: Person, conversation: ConversationId, name: string) {
  const { store, parts } = at.office
  const key = createHash('sha256').update(name).digest()
  const making = await makeBlob(
    { store, disk: at.disk, clock: parts.clock },
    { name: `blobs/new/${name}`, key, chunkBytes: CHUNK_BYTES_MIN },
  )
  await making.write(Buffer.from(`the bytes of ${name}`))
  const made = await making.finish()
  const seed = idOf(name)
  const id = fileIdOf(author.id, seed)
  const now = parts.clock.now()
  await store.writer.write((tx) =>
    tx
      .insertInto('file')
      .values({
        ...{
          id,
          seed,
          ownerId: author.id,
          name,
          type: 'text/plain',
          size: made.size,
          sizeMax: made.size,
        },
        ...{ key: made.key, addedAt: now, changedAt: now, blobId: made.blob, sha256: made.sha256 },
        ...{ width: null, height: null, thumbId: null, thumbKey: null },
      })
      .execute(),
  )
  await postMessage(parts, author.id, { conversation, body: '', files: [id] })
  return { id, blob: made.blob }
}

/** As if it had been fetched. */
async function fetchFile(from: Cellar, to: Cellar, blob: BlobId) {
  const source = await from.disk.open(blobPath(blob), 'read')
  const target = await to.disk.open(blobPath(blob), 'make')
  await target.write(0, await source.read(0, 1e6))
  const row = await from.office.store.read
    .selectFrom('blob')
    .where('id', '=', blob)
    .select('manifest')
    .executeTakeFirstOrThrow()
  await to.office.store.writer.write((tx) =>
    tx
      .updateTable('blob')
      .set({ ...row, state: 'here' })
      .where('id', '=', blob)
      .execute(),
  )
}

async function stateAt({ office, disk }: Cellar, { id, blob }: { id: FileId; blob: BlobId }) {
  const { read } = office.store
  const row = await read
    .selectFrom('attachment')
    .where('id', '=', id)
    .select(['key', 'removedAt'])
    .executeTakeFirst()
  const known = await read.selectFrom('blob').where('id', '=', blob).select('id').execute()
  const isShown = row !== undefined && row.removedAt === null && row.key !== null
  const isStored = (await disk.find(blobPath(blob))) !== undefined || known.length > 0
  return [isShown ? 'shown' : 'not shown', isStored ? 'stored' : 'not stored']
}

async function receiptsAt({ office }: Cellar, id: FileId) {
  const rows = await office.store.read
    .selectFrom('file_removed')
    .where('fileId', '=', id)
    .select('branchId')
    .execute()
  return rows.map(({ branchId }) => branchId).sort()
}

async function settled(company: Company, cellars: readonly Cellar[]) {
  await company.settle()
  company.advance(2 * MINUTE)
  for (const each of cellars) await each.look()
  await company.settle()
}

async function company3(t: Test) {
  const company = await companyOf(t, 'Kyiv', 'Lviv', 'Odesa')
  const cellars = company.offices.map((office) => cellar(t, office))
  const [kyiv, lviv, odesa] = cellars
  assert.ok(kyiv && lviv && odesa)
  const ada = await kyiv.office.hire('Ada')
  const lida = await lviv.office.hire('Lida')
  await company.settle()
  const chat = await ada.adds(lida)
  return { company, cellars, kyiv, lviv, odesa, ada, lida, chat }
}

const asPerson = ({ id }: Person, role = 'employee') => ({ id, role }) as never

test('a file its author takes away goes from every branch, with a receipt of each', async (t) => {
  const { company, cellars, kyiv, lviv, odesa, ada, chat } = await company3(t)
  const file = await sendFile(kyiv, ada, chat, 'plan')
  const other = await sendFile(kyiv, ada, chat, 'other')
  await company.settle()
  for (const { blob } of [file, other]) await fetchFile(kyiv, lviv, blob)
  assert.deepEqual(await stateAt(lviv, file), ['shown', 'stored'])
  await removeFile(kyiv.office.parts, asPerson(ada), file.id)
  await removeFile(kyiv.office.parts, asPerson(ada), file.id) // twice is once
  assert.deepEqual(await stateAt(kyiv, file), ['not shown', 'stored'])
  assert.deepEqual(await receiptsAt(kyiv, file.id), [])
  await settled(company, cellars)
  for (const each of [kyiv, lviv]) {
    assert.deepEqual(await stateAt(each, file), ['not shown', 'not stored'])
    assert.deepEqual(await stateAt(each, other), ['shown', 'stored'])
  }
  const all = [kyiv, lviv, odesa].map(({ office }) => office.keys.id).sort()
  assert.deepEqual(await receiptsAt(kyiv, file.id), all, 'Odesa never had it, and says so')
  assert.deepEqual(await receiptsAt(lviv, file.id), all)
})

test('the receipt waits until the bytes are gone', async (t) => {
  const { kyiv, ada, chat } = await company3(t)
  const file = await sendFile(kyiv, ada, chat, 'plan')
  await removeFile(kyiv.office.parts, asPerson(ada), file.id)
  await kyiv.look()
  assert.deepEqual(await receiptsAt(kyiv, file.id), [])
})

test('a removal that comes before the message is done when the message comes', async (t) => {
  const { company, cellars, kyiv, lviv, ada, chat } = await company3(t)
  const id = fileIdOf(ada.id, idOf('plan'))
  await lviv.office.store.writer.write((tx) =>
    tx
      .insertInto('file_removal')
      .values({
        ...{ fileId: id, messageId: idOf('m') as never, branchId: kyiv.office.keys.id },
        ...{ byId: ada.id, hlc: '0'.repeat(16) as never, doneAt: null },
      })
      .execute(),
  )
  const file = await sendFile(kyiv, ada, chat, 'plan')
  await company.settle()
  assert.deepEqual(await stateAt(lviv, file), ['not shown', 'stored'])
  assert.deepEqual(await stateAt(kyiv, file), ['shown', 'stored'])
  void cellars
})

test('nobody takes away the file of another, neither here nor by an event of his branch', async (t) => {
  const { company, cellars, kyiv, lviv, ada, lida, chat } = await company3(t)
  const file = await sendFile(kyiv, ada, chat, 'plan')
  await company.settle()
  await fetchFile(kyiv, lviv, file.blob)
  await assert.rejects(removeFile(lviv.office.parts, asPerson(lida), file.id), {
    code: 'not-found',
  })
  const forged = { file: file.id, message: idOf('m') as never, by: lida.id, seed: idOf('plan') }
  const { store, parts } = lviv.office
  await store.writer.write((tx) =>
    parts.append(tx, {
      kind: { ...fileRemove, refusal: async () => undefined, apply: async () => {} },
      to: 'all',
      body: forged,
    }),
  )
  await settled(company, cellars)
  assert.deepEqual(await stateAt(kyiv, file), ['shown', 'stored'])
  assert.deepEqual(await stateAt(lviv, file), ['shown', 'stored'])
})

test('a false removal that comes before the message hinders neither the file nor its true removal', async (t) => {
  const { company, cellars, kyiv, lviv, odesa, ada, chat } = await company3(t)
  const odeta = await odesa.office.hire('Odeta')
  await company.settle()
  const id = fileIdOf(ada.id, idOf('plan'))
  const forged = { file: id, message: idOf('m') as never, by: odeta.id, seed: idOf('plan') }
  const { store, parts } = odesa.office
  const lying = { ...fileRemove, refusal: async () => undefined, apply: async () => {} }
  await store.writer.write((tx) => parts.append(tx, { kind: lying, to: 'all', body: forged }))
  await settled(company, cellars)
  assert.deepEqual(await receiptsAt(kyiv, id), [], 'nobody answers it')
  const file = await sendFile(kyiv, ada, chat, 'plan')
  assert.equal(file.id, id)
  await company.settle()
  await fetchFile(kyiv, lviv, file.blob)
  assert.deepEqual(await stateAt(lviv, file), ['shown', 'stored'])
  await removeFile(kyiv.office.parts, asPerson(ada), id)
  await company.settle()
  assert.ok(
    !(await receiptsAt(kyiv, id)).includes(lviv.office.keys.id),
    'its bytes are still there',
  )
  await settled(company, cellars)
  assert.deepEqual(await stateAt(lviv, file), ['not shown', 'not stored'])
  assert.ok((await receiptsAt(kyiv, id)).includes(lviv.office.keys.id))
})
