/**
 * Taking a file out of its message: 0502 file.remove says so to every branch, 0503 file.removed is each branch's answer
 * when its bytes are gone. Who may: its author, and auditors and organisation admins. Owns tables `file_removal` and
 * `file_removed`. docs/decisions/046-file-policies.md.
 */
import * as v from 'valibot'
import { roleAt } from '../accounts/blocks.ts'
import type { Person } from '../accounts/queries.ts'
import { hasRight } from '../accounts/rights.ts'
import { addAudit } from '../audit/entries.ts'
import { notFound } from '../base/errors.ts'
import { millisOf } from '../base/hlc.ts'
import type { FileId, MessageId, UserId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import { type EventKind, type LoggedEvent, Parked } from '../eventlog/events.ts'
import { isHeldInVain } from '../files/collecting.ts'
import { fileIdOf } from '../files/file-ids.ts'
import { removeHere } from '../files/retention.ts'
import type { ChatParts } from './actions.ts'
import { id } from './fields.ts'
import { demandVoice } from './standing.ts'

/** Answered in one transaction. */
const ANSWERS_PER_TURN = 100

const removeBody = v.object({
  file: id<FileId>(),
  message: id<MessageId>(),
  /** Who takes it away. */
  by: id<UserId>(),
  /** The file's, when its author takes it away: its id follows from him; without it, an auditor or admin does. */
  seed: v.optional(v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/))),
})
type Remove = v.InferOutput<typeof removeBody>

const removedBody = v.object({ file: id<FileId>() })

/** 0502: the branch where the one who takes it away lives or stays. */
export const fileRemove: EventKind<Remove> = {
  code: 0x0502,
  name: 'file.remove',
  scope: 'all',
  parse: (body) => v.parse(removeBody, body),
  async refusal(tx, event) {
    const { by, seed, file } = event.body
    await demandVoice(tx, event, by)
    if (seed === undefined) {
      const role = await roleAt(tx, by, event.hlc)
      // The role comes in another feed, maybe later.
      if (role === undefined || !hasRight(role, 'reports')) throw new Parked('waits-for-admin')
      return undefined
    }
    // The same at every branch, whether the message has come or not: no false removal can stand before a true one.
    return file === fileIdOf(by, seed) ? undefined : 'not-author'
  },
  async apply(tx, { body, origin, hlc, arrivedAt }: LoggedEvent<Remove>) {
    const { file: fileId, message: messageId, by: byId } = body
    await tx
      .insertInto('file_removal')
      .values({ fileId, messageId, branchId: origin, byId, hlc, doneAt: null })
      .onConflict((on) => on.doNothing())
      .execute()
    await removeIfAsked(tx, { file: fileId, now: arrivedAt })
  },
}

/** 0503: the origin holds it no more. */
const fileRemoved: EventKind<v.InferOutput<typeof removedBody>> = {
  code: 0x0503,
  name: 'file.removed',
  scope: 'all',
  parse: (body) => v.parse(removedBody, body),
  async refusal(tx, { body }) {
    const asked = tx.selectFrom('file_removal').where('fileId', '=', body.file).select('fileId')
    if ((await asked.executeTakeFirst()) === undefined) throw new Parked('waits-for-removal')
    return undefined
  },
  async apply(tx, { body, origin, hlc }) {
    const at = millisOf(hlc)
    await tx
      .insertInto('file_removed')
      .values({ fileId: body.file, branchId: origin, at })
      .onConflict((on) => on.doNothing())
      .execute()
  },
}

/** Both kinds, for the event log. */
export const fileRemovalKinds = [fileRemove, fileRemoved] as const

/** Who wrote the message a file stands in. */
async function authorOf(tx: Db, file: FileId): Promise<UserId | undefined> {
  const row = await tx
    .selectFrom('attachment as a')
    .innerJoin('message as m', 'm.id', 'a.messageId')
    .where('a.id', '=', file)
    .select('m.authorId')
    .executeTakeFirst()
  return row?.authorId
}

/** Of a file that was taken away, maybe before its message came; call it when a message with files is stored. */
export async function removeIfAsked(
  tx: Db,
  { file, now }: { file: FileId; now: Millis },
): Promise<void> {
  if (await isAsked(tx, file)) await removeHere(tx, file, now)
}

/** Whether somebody may take a file out of its message: its author, and who may read reports. */
export async function mayRemove(db: Db, by: Person, file: FileId): Promise<boolean> {
  return hasRight(by.role, 'reports') || (await authorOf(db, file)) === by.id
}

type Receipt = { branch: string; at: Millis | undefined }

/** For files that somebody took away: today's branches, and when each said that it holds the file no more. */
export async function receiptsOf(
  db: Db,
  files: readonly FileId[],
): Promise<Map<FileId, Receipt[]>> {
  if (files.length === 0) return new Map()
  const rows = await db
    .selectFrom('file_removal as f')
    .innerJoin('branch as b', (join) => join.onTrue())
    .leftJoin('revocation as r', 'r.branchId', 'b.id')
    .leftJoin('file_removed as done', (join) =>
      join.onRef('done.fileId', '=', 'f.fileId').onRef('done.branchId', '=', 'b.id'),
    )
    .where('f.fileId', 'in', [...files])
    .where('r.branchId', 'is', null)
    .select(['f.fileId', 'b.name as branch', 'done.at'])
    .orderBy('b.name')
    .execute()
  const found = new Map<FileId, Receipt[]>()
  for (const { fileId, branch, at } of rows) {
    const list = found.get(fileId) ?? []
    list.push({ branch, at: at ?? undefined })
    found.set(fileId, list)
  }
  return found
}

/** Takes a file out of its message; "not there" and "not yours to take away" are the same answer. */
export async function removeFile(parts: ChatParts, by: Person, file: FileId): Promise<void> {
  await parts.store.writer.write(async (tx) => {
    const row = await tx
      .selectFrom('attachment as a')
      .innerJoin('message as m', 'm.id', 'a.messageId')
      .where('a.id', '=', file)
      .select(['a.messageId', 'a.name', 'a.seed', 'm.authorId'])
      .executeTakeFirst()
    const isOwn = row?.authorId === by.id
    if (row === undefined || !(isOwn || hasRight(by.role, 'reports'))) throw notFound('file')
    if (await isAsked(tx, file)) return
    const proof = isOwn ? { seed: row.seed } : {}
    const body = { file, message: row.messageId, by: by.id, ...proof }
    await parts.append(tx, { kind: fileRemove, to: 'all', body })
    await addAudit(parts, tx, {
      ...{ action: 'file.removed', by },
      subject: { kind: 'file', id: file, name: row.name },
    })
  })
}

async function isAsked(tx: Db, file: FileId): Promise<boolean> {
  const row = tx.selectFrom('file_removal').where('fileId', '=', file).select('fileId')
  return (await row.executeTakeFirst()) !== undefined
}

/**
 * Tells all branches of removals that are done here, also where the message has not come: then nothing of the file is
 * here, and when it comes its keys are not kept. Answers how many must wait for the collector.
 */
export async function answerRemovals({
  store,
  append,
  clock,
}: Pick<ChatParts, 'store' | 'append' | 'clock'>): Promise<number> {
  return await store.writer.write(async (tx) => {
    const open = await tx
      .selectFrom('file_removal as r')
      .leftJoin('attachment as a', 'a.id', 'r.fileId')
      .where('r.doneAt', 'is', null)
      .select(['r.fileId', 'a.blobId', 'a.thumbId'])
      .limit(ANSWERS_PER_TURN)
      .execute()
    let waiting = 0
    for (const { fileId, blobId, thumbId } of open) {
      const blobs = [blobId, thumbId].filter((blob) => blob !== null)
      if (blobs.length > 0 && (await isHeldInVain(tx, blobs))) {
        waiting += 1
        continue
      }
      const done = tx.updateTable('file_removal').set({ doneAt: clock.now() })
      await done.where('fileId', '=', fileId).execute()
      await append(tx, { kind: fileRemoved, to: 'all', body: { file: fileId } })
    }
    return waiting
  })
}
