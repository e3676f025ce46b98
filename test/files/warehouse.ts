/** A store with blobs on a disk in memory, and rows of people who sent them: for tests of what is done with blobs. */
import { createHash } from 'node:crypto'
import type { Hlc } from '../../src/base/hlc.ts'
import type { BlobId, ConversationId, FileId, MessageId, UserId } from '../../src/base/ids.ts'
import type { Millis } from '../../src/base/units.ts'
import type { Store } from '../../src/db/open.ts'
import { type BlobParts, type MadeBlob, makeBlob } from '../../src/files/blobs.ts'
import { CHUNK_BYTES_MIN } from '../../src/files/manifest.ts'
import type { Cancel, Clock } from '../../src/world/clock.ts'
import { temporaryStore } from '../db/store.ts'
import { type BlobMemory, memoryBlobDisk } from '../support/blob-disk.ts'

export const idOf = (name: string) => createHash('sha256').update(name).digest('hex').slice(0, 32)

/** A clock that goes when it is told. */
export function handClock(start: Millis = 1_700_000_000_000) {
  const timers = new Set<{ at: Millis; fn: () => void }>()
  let now = start
  const clock: Clock & { pass(ms: Millis): void } = {
    now: () => now,
    after(ms, fn): Cancel {
      const timer = { at: now + ms, fn }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    soon: (fn) => void setImmediate(fn),
    pass(ms) {
      now += ms
      for (const timer of [...timers]) {
        if (timer.at <= now && timers.delete(timer)) timer.fn()
      }
    },
  }
  return clock
}

export type Warehouse = BlobParts & {
  store: Store & { path: string }
  clock: ReturnType<typeof handClock>
  files: BlobMemory
  /** Uploads bytes. */
  keep(bytes: Uint8Array, chunkBytes?: number): Promise<MadeBlob>
  /** A row of a message's file. */
  attach(name: string, of: MadeBlob, more?: { thumb?: MadeBlob; owner?: string }): Promise<FileId>
  upload(name: string, of?: MadeBlob): Promise<FileId>
  blob(id: BlobId): Promise<Record<string, unknown> | undefined>
}

export async function warehouse(t: Parameters<typeof temporaryStore>[0]): Promise<Warehouse> {
  const store = await temporaryStore(t)
  const clock = handClock()
  const files: BlobMemory = new Map()
  const disk = memoryBlobDisk(files, { now: clock.now })
  const parts = { store, disk, clock }
  let made = 0
  return {
    ...parts,
    files,
    async keep(bytes, chunkBytes = CHUNK_BYTES_MIN) {
      made += 1
      const key = createHash('sha256').update(`key ${made}`).digest()
      const making = await makeBlob(parts, { name: `blobs/new/${made}`, key, chunkBytes })
      await making.write(bytes)
      return await making.finish()
    },
    async attach(name, of, { thumb, owner = 'ada' } = {}) {
      const id = idOf(`attachment ${name}`) as FileId
      const messageId = idOf(`message ${name}`) as MessageId
      const conversationId = idOf('chat') as ConversationId
      const timeKey = String(clock.now()).padStart(16, '0') as Hlc
      await store.writer.write(async (tx) => {
        await tx
          .insertInto('attachment')
          .values({
            ...{ id, messageId, conversationId, n: 0, blobId: of.blob, key: of.key, name },
            ...{ sha256: of.sha256, size: of.size, type: 'text/plain', width: null, height: null },
            ...{
              thumbId: thumb?.blob ?? null,
              thumbKey: thumb?.key ?? null,
              removedAt: null,
              timeKey,
            },
          })
          .execute()
        await tx
          .insertInto('message')
          .values({
            ...{ id: messageId, conversationId, authorId: idOf(owner) as UserId, body: name },
            ...{ timeKey, position: clock.now() % 1e9, clientId: null, arrivedAt: clock.now() },
            ...{ late: 0 as const, files: 1 },
          } as never)
          .execute()
          .catch(() => {}) // where its chat is not needed
      })
      return id
    },
    async upload(name, of) {
      const id = idOf(`file ${name}`) as FileId
      await store.writer.write((tx) =>
        tx
          .insertInto('file')
          .values({
            ...{ id, ownerId: idOf('ada') as UserId, name, type: 'text/plain', sizeMax: 1e9 },
            ...{ size: of?.size ?? null, key: of?.key ?? new Uint8Array(32) },
            ...{ addedAt: clock.now(), changedAt: clock.now(), blobId: of?.blob ?? null },
            ...{ sha256: of?.sha256 ?? null, width: null, height: null },
            ...{ thumbId: null, thumbKey: null },
          })
          .execute(),
      )
      return id
    },
    blob: (id) => store.read.selectFrom('blob').where('id', '=', id).selectAll().executeTakeFirst(),
  }
}
