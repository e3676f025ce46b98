/** Offices that hold and fetch files: real relays, links and tables; disks, time and network in memory. */
import type { TestContext } from 'node:test'
import type { Hlc } from '../../src/base/hlc.ts'
import type {
  BlobId,
  BranchId,
  ConversationId,
  FileId,
  MessageId,
  UserId,
} from '../../src/base/ids.ts'
import { findBlob, givenPart, makeBlob } from '../../src/files/blobs.ts'
import { createFetching, type Fetching } from '../../src/files/fetching.ts'
import { chunkBytesFor } from '../../src/files/manifest.ts'
import type { Way } from '../../src/files/transfer.ts'
import type { FileRate } from '../../src/relay/ceiling.ts'
import { realRandom } from '../../src/world/random.ts'
import { keptLog } from '../eventlog/fixture.ts'
import { type Office, type OfficeOptions, type Organisation, openOffice } from '../relay/company.ts'
import { type BlobMemory, memoryBlobDisk } from '../support/blob-disk.ts'

const random = realRandom()
const CHAT = 'c'.repeat(32) as ConversationId

/** What an office did with its peers' files, and how many bytes it asked for. */
export type FileOffice = Office & {
  memory: BlobMemory
  disk: ReturnType<typeof memoryBlobDisk>
  fetching: Fetching
  /** Every chunk that came whole, as `blob index`. */
  came: string[]
  lied: Way[]
  told: BlobId[]
  /** Ends it as a power loss does: what was not synced and noted is unknown. */
  kill(): Promise<void>
}

export type FileOfficeOptions = OfficeOptions & {
  memory?: BlobMemory
  room?: { bytes: number }
  sizeMax?: number
  isAhead?: () => boolean
  fileRate?: FileRate
  /** What it gives instead of what it holds. */
  altered?: (file: string, index: number, held: Uint8Array | undefined) => Uint8Array | undefined
}

/** Opens an office; its relay and its fetching are started. */
export async function openFileOffice(
  t: TestContext,
  options: FileOfficeOptions,
): Promise<FileOffice> {
  const { memory = new Map(), room, altered = (_f, _i, held) => held } = options
  const disk = memoryBlobDisk(memory)
  if (room) disk.free = async () => room.bytes
  const state: { office?: Office } = {}
  const blobOf = async (file: string, index: number) => {
    if (!state.office) return undefined
    const held = await givenPart(
      { read: state.office.store.read, disk },
      { blob: file as BlobId, index },
    )
    return altered(file, index, held)
  }
  const office = await openOffice({ ...options, blobOf })
  state.office = office
  const { relay, store } = office
  const came: string[] = []
  const lied: Way[] = []
  const told: BlobId[] = []
  const log = keptLog()
  const noted = (name: string, fields = {}) => void office.lines.push({ name, fields })
  const fetching = createFetching({
    ...{ store, disk, clock: options.org.clock, self: office.keys.branch },
    log: { ...log, warn: noted, error: noted },
    links: {
      waysTo: (holder) => relay.files.waysTo(holder),
      async fetch(way, part, onPiece) {
        const bytes = await relay.files.fetch(way, part, onPiece)
        if (bytes) came.push(`${part.file} ${part.index}`)
        return bytes
      },
      lied(way, blob) {
        lied.push(way)
        relay.files.lied(way, blob)
      },
    },
    onLinks: (fn) => relay.onLinks(fn),
    sizeMax: () => options.sizeMax ?? Number.MAX_SAFE_INTEGER,
    isAhead: options.isAhead ?? (() => false),
  })
  fetching.onProgress((blob) => told.push(blob))
  await relay.start()
  fetching.start()
  let isOver = false
  const end = async (how: () => Promise<unknown>) => {
    if (isOver) return
    isOver = true
    await how()
    await office.stop()
  }
  const stop = () => end(() => fetching.stop())
  t.after(stop)
  const kill = () => end(async () => relay.setCut(true))
  return { ...office, memory, disk, fetching, came, lied, told, stop, kill }
}

/** Makes a blob of so many bytes at an office. */
export async function makeFile(
  { store, disk }: FileOffice,
  { clock }: Organisation,
  size: number,
): Promise<{ id: BlobId; bytes: Uint8Array; key: Uint8Array }> {
  const bytes = new Uint8Array(size)
  for (let i = 0; i < size; i += 4096) bytes[i] = (i / 4096) % 251
  const parts = { store, disk, clock }
  const name = `blobs/new/${random.id()}`
  const making = await makeBlob(parts, {
    ...{ name, key: random.bytes(32), chunkBytes: chunkBytesFor(size) },
  })
  await making.write(bytes)
  const { blob, key } = await making.finish()
  return { id: blob, bytes, key }
}

let n = 0

/** Notes at an office that a message of `from` has a file, and that people of `readers` are in its chat. */
export async function offerFile(
  to: FileOffice,
  { id, size }: { id: BlobId; size: number },
  { from, readers = [] }: { from: Office; readers?: readonly Office[] },
): Promise<void> {
  await to.post('a letter', from) // an event for the message to stand on
  const branches = [from, ...readers]
  const at = 1_000 + n++
  await to.store.writer.write(async (tx) => {
    await tx
      .insertInto('conversation')
      .values({
        ...{ id: CHAT, kind: 'direct', title: '', home: null, term: 0, rev: 0 },
        ...{ hlc: '0'.repeat(16) as Hlc, createdAt: 0, lastPosition: null, lastTimeKey: null },
      })
      .onConflict((on) => on.doNothing())
      .execute()
    for (const { keys } of branches) await addReader(tx, keys.branch)
    const { position } = await tx
      .selectFrom('event')
      .select((eb) => eb.fn.max('position').as('position'))
      .executeTakeFirstOrThrow()
    const message = at.toString(16).padStart(32, '0') as MessageId
    const timeKey = at.toString(16).padStart(16, '0') as Hlc
    await tx
      .insertInto('message')
      .values({
        ...{ position, id: message, conversationId: CHAT, authorId: from.keys.branch as never },
        ...{ origin: from.keys.branch, body: '', sentAt: 0, arrivedAt: 0, timeKey },
        ...{ clientId: null, late: 0, files: 1 },
      })
      .onConflict((on) => on.doNothing())
      .execute()
    await tx
      .insertInto('attachment')
      .values({
        ...{ id: message as string as FileId, messageId: message, conversationId: CHAT, n: 0 },
        ...{ blobId: id, key: null, sha256: 'a'.repeat(64), size, name: 'f', type: 't' },
        ...{ width: null, height: null, thumbId: null, thumbKey: null, timeKey, removedAt: null },
      })
      .execute()
    await tx
      .insertInto('blob')
      .values({
        ...{ id, size, manifest: null, have: null, state: 'elsewhere', sha256: null, key: null },
        ...{ addedAt: at, openedAt: at },
      })
      .onConflict((on) => on.doNothing())
      .execute()
  })
}

/** A person of a branch, who has its id. */
async function addReader(tx: Office['store']['read'], branch: BranchId): Promise<void> {
  const id = branch as string as UserId
  await tx
    .insertInto('user')
    .values({
      ...{ id, home: branch, login: branch, firstName: '', lastName: '', searchName: '' },
      ...{ post: '', department: '', phone: '', room: '', theme: 'auto', role: 'employee' },
      ...{ roleRev: 0, roleHlc: '', roleBranch: branch, rev: 0, hlc: '', blockGeneration: 0 },
      ...{ disabled: 0, createdAt: 0 },
    } as never)
    .onConflict((on) => on.doNothing())
    .execute()
  await tx
    .insertInto('membership')
    .values({
      ...{ conversationId: CHAT, userId: id, role: 'member', joinedAt: '0'.repeat(16) as Hlc },
      ...{ leftAt: null, readPosition: 0, shownPosition: 0 },
    })
    .onConflict((on) => on.doNothing())
    .execute()
}

/** Whether all of a blob is here and right. */
export async function isHere({ store }: FileOffice, id: BlobId): Promise<boolean> {
  return (await findBlob(store.read, id))?.isHere ?? false
}

/** Numbers of the chunks that are noted as here, of a blob that has begun. */
export async function held({ store }: FileOffice, id: BlobId): Promise<number> {
  const have = (await findBlob(store.read, id))?.have ?? new Uint8Array(0)
  return have.reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0)
}
