/**
 * What may be uploaded at this branch: how large, how much of one person and of all together, and which types. Asked
 * before an upload starts and again where it is decided.
 */
import { sql } from 'kysely'
import { AppError } from '../base/errors.ts'
import type { BranchId, ConversationId, UserId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import { refusedBy } from './endings.ts'
import { fileRulesOf } from './rules.ts'

/** Of the settings; bytes. */
type BranchLimits = {
  /** Of one file. */
  sizeMax: number
  /** Of all a person has here; 0: no limit. */
  personMax: number
  /** Of all files of this branch; 0: as much as the disk holds. */
  branchMax: number
}

type FileLimits = {
  /** Bytes of one file at this branch. */
  sizeMax: number
  /** Branches of the chat that take less: there the file will not arrive. */
  sizeMaxOf: { branch: string; sizeMax: number }[]
  /** Bytes this person may still upload; undefined: no limit but the disk. */
  left: number | undefined
  /** Endings, and kinds as `kind:video`. */
  refused: string[]
}

type NewFile = { owner: UserId; name: string; type?: string | undefined; size: number }

export type FilePolicy = {
  /** Bytes of one file. */
  readonly sizeMax: number
  /** What holds for somebody, in a chat; of one he is not in, no branch is told. */
  limits(db: Db, of: { viewer: UserId; conversation?: ConversationId }): Promise<FileLimits>
  /** Throws file-large, quota-full or type-refused. Asked first with what is known, and when it is whole. */
  demandAllowed(tx: Db, file: NewFile): Promise<void>
}

/** The policy of a branch. */
export function createFilePolicy({ self }: { self: BranchId }, settings: BranchLimits): FilePolicy {
  return {
    sizeMax: settings.sizeMax,
    async limits(db, { viewer, conversation }) {
      const { refused } = await fileRulesOf(db)
      const chat = conversation && { viewer, conversation }
      return {
        sizeMax: settings.sizeMax,
        sizeMaxOf: chat ? await smallerBranches(db, { ...chat, self, ...settings }) : [],
        left: await leftOf(db, settings, viewer),
        refused: [...refused],
      }
    },
    async demandAllowed(tx, { owner, name, type, size }) {
      if (size > settings.sizeMax) {
        throw new AppError('too-large', 'The file is larger than this branch takes', {
          detail: 'file-large',
          values: { max: settings.sizeMax },
        })
      }
      const { refused } = await fileRulesOf(tx)
      const rule = refusedBy(refused, { name, type: type ?? '' })
      if (rule !== undefined) {
        throw new AppError('invalid-input', `Files of this type are not taken: ${rule}`, {
          ...{ field: 'file', detail: 'type-refused', values: { type: rule } },
        })
      }
      const left = await leftOf(tx, settings, owner)
      if (left === undefined || size <= left) return
      throw new AppError('too-large', 'There is no room left for files', {
        detail: 'quota-full',
        values: { left },
      })
    },
  }
}

async function leftOf(
  db: Db,
  { personMax, branchMax }: BranchLimits,
  person: UserId,
): Promise<number | undefined> {
  const left: number[] = []
  if (personMax > 0) left.push(personMax - (await usedBy(db, person)))
  if (branchMax > 0) left.push(branchMax - (await usedHere(db)))
  return left.length === 0 ? undefined : Math.max(0, Math.min(...left))
}

/** Room is counted from the beginning of an upload: many at once must not pass together. */
const RESERVED = sql<number | null>`sum(coalesce(size, sizeMax))`

/** What somebody has sent and not sent yet, each time it was sent. */
async function usedBy(db: Db, person: UserId): Promise<number> {
  const sent = await db
    .selectFrom('message as m')
    .innerJoin('attachment as a', 'a.messageId', 'm.id')
    .where('m.authorId', '=', person)
    .where('m.files', '>', 0) // the words of the index
    .where('a.removedAt', 'is', null)
    .select((eb) => eb.fn.sum<number | null>('a.size').as('bytes'))
    .executeTakeFirst()
  const kept = await db
    .selectFrom('file')
    .where('ownerId', '=', person)
    .select(RESERVED.as('bytes'))
    .executeTakeFirst()
  return (sent?.bytes ?? 0) + (kept?.bytes ?? 0)
}

/** What lies on the disk of this branch, each once. */
async function usedHere(db: Db): Promise<number> {
  const row = await db
    .selectFrom('blob')
    .where('state', 'in', ['here', 'partial'])
    .select((eb) => eb.fn.sum<number | null>('size').as('bytes'))
    .executeTakeFirst()
  const arriving = await db
    .selectFrom('file')
    .where('blobId', 'is', null)
    .select(RESERVED.as('bytes'))
    .executeTakeFirst()
  return (row?.bytes ?? 0) + (arriving?.bytes ?? 0)
}

async function smallerBranches(
  db: Db,
  of: { viewer: UserId; conversation: ConversationId; self: BranchId; sizeMax: number },
): Promise<FileLimits['sizeMaxOf']> {
  return await db
    .selectFrom('membership as mine')
    .innerJoin('membership as m', 'm.conversationId', 'mine.conversationId')
    .innerJoin('user as u', 'u.id', 'm.userId')
    .innerJoin('file_limit as l', 'l.branchId', 'u.home')
    .innerJoin('branch as b', 'b.id', 'l.branchId')
    .where('mine.conversationId', '=', of.conversation)
    .where('mine.userId', '=', of.viewer)
    .where('mine.leftAt', 'is', null)
    .where('m.leftAt', 'is', null)
    .where('l.branchId', '<>', of.self)
    .where('l.sizeMax', '<', of.sizeMax)
    .select(['b.name as branch', 'l.sizeMax'])
    .distinct()
    .orderBy('b.name')
    .execute()
}
