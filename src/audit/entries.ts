/**
 * Writing the audit log: the one door for every feature. Call it in the transaction of what was done, so that neither
 * is there without the other. Owns table `audit`. Never give it a password, a token or a key.
 */
import type { BranchId, UserId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import { prepared } from '../db/prepared.ts'
import type { AuditAction } from './actions.ts'
import { type Entry, entryHash, NO_HASH } from './chain.ts'
import { type Changed, type Personal, TOLD, TOLD_SALT_BYTES, toldHash } from './told.ts'

/** A name or note longer than this is cut: the log is to be read, and nobody may fill it with one field. */
const TEXT_CHARACTERS_MAX = 200
/** More fields than any action of ours changes at once. */
const CHANGED_MAX = 40
/** The longest address of a machine in text (RFC 4291 with a zone). */
const ADDRESS_CHARACTERS_MAX = 64

/** Who does something, and from which machine; without an id an operator at the server, or nobody known. */
export type Doer = { id?: UserId | undefined; address?: string | undefined }

type Subject = {
  kind: 'person' | 'branch' | 'organisation' | 'file' | 'message' | 'report'
  id?: string | undefined
  name: string
}

export type NewEntry = {
  action: AuditAction
  /** Undefined: an operator at the server, the server itself, or nobody known. */
  by?: Doer | undefined
  /** As typed; of sign-ins that failed. */
  login?: string | undefined
  /** It was done at that branch, and is heard of here. */
  branch?: BranchId | undefined
  subject?: Subject | undefined
  before?: Changed | undefined
  after?: Changed | undefined
  /** What is forgotten when the subject, a person, is deleted. */
  personal?: Personal | undefined
}

export type AuditParts = { clock: { now(): Millis } }

/** Adds an entry, in the transaction of what it says; answers its number. */
export async function addAudit({ clock }: AuditParts, tx: Db, entry: NewEntry): Promise<number> {
  const [last] = await lastEntry(tx, {})
  const { subject } = entry
  const n = (last?.n ?? 0) + 1
  const told = entry.personal && toldBeside({ ...entry.personal, n, subject })
  const fields = {
    n,
    at: clock.now(),
    action: entry.action,
    userId: entry.by?.id ?? null,
    login: entry.login === undefined ? null : cut(entry.login),
    address: (entry.by?.address ?? '').slice(0, ADDRESS_CHARACTERS_MAX),
    branch: entry.branch ?? null,
    subjectKind: subject?.kind ?? null,
    subjectId: subject?.id ?? null,
    subjectName: subject === undefined ? null : cut(subject.name),
    before: jsonOf(entry.before),
    after: jsonOf(told === undefined ? entry.after : { ...entry.after, [TOLD]: told.hash }),
  }
  await insert(tx, { ...fields, hash: entryHash(last?.hash ?? NO_HASH, fields) })
  if (told) {
    // A log whose end was taken away left what stood beside it.
    const row = tx.insertInto('audit_told').values(told.row)
    await row.onConflict((conflict) => conflict.column('n').doUpdateSet(told.row)).execute()
  }
  return fields.n
}

/** What is told of a person beside the entry, and its hash; undefined when there is nothing. */
function toldBeside(of: Personal & { n: number; subject: Subject | undefined }) {
  const { n, subject, random } = of
  const before = jsonOf(of.before)
  const after = jsonOf(of.after)
  if (before === null && after === null) return undefined
  if (subject?.kind !== 'person' || subject.id === undefined) throw new Error('Told of nobody')
  const text = `{"before":${before},"after":${after}}`
  const salt = random.bytes(TOLD_SALT_BYTES)
  return { row: { n, userId: subject.id as UserId, salt, text }, hash: toldHash(salt, text) }
}

/** Of two states of the same fields what differs, for `before` and `after`; undefined when nothing does. */
export function changedOf(
  before: Changed,
  after: Changed,
): { before: Changed; after: Changed } | undefined {
  const names = Object.keys(after).filter(
    (name) => after[name] !== undefined && (before[name] ?? null) !== after[name],
  )
  if (names.length === 0) return undefined
  const only = (all: Changed) =>
    Object.fromEntries(names.map((name) => [name, all[name] ?? null] as const))
  return { before: only(before), after: only(after) }
}

/** The newest entry; undefined while there is none. */
export async function auditHead(db: Db): Promise<{ n: number; hash: Uint8Array } | undefined> {
  return (await lastEntry(db, {}))[0]
}

const lastEntry = prepared<Record<string, never>, { n: number; hash: Uint8Array }>((db) =>
  db.selectFrom('audit').select(['n', 'hash']).orderBy('n', 'desc').limit(1),
)

const insert = prepared<Entry, unknown>((db, value) =>
  db.insertInto('audit').values({
    n: value('n'),
    at: value('at'),
    action: value('action'),
    userId: value('userId'),
    login: value('login'),
    address: value('address'),
    branch: value('branch'),
    subjectKind: value('subjectKind'),
    subjectId: value('subjectId'),
    subjectName: value('subjectName'),
    before: value('before'),
    after: value('after'),
    hash: value('hash'),
  }),
)

/** Well-formed: a lone surrogate has no UTF-8, and the hash is over UTF-8. */
const cut = (text: string) => text.slice(0, TEXT_CHARACTERS_MAX).toWellFormed()

function jsonOf(changed: Changed | undefined): string | null {
  if (changed === undefined) return null
  const values = Object.entries(changed)
    .filter(([, value]) => value !== undefined)
    .slice(0, CHANGED_MAX)
    .map(([name, value]) => [name, typeof value === 'string' ? cut(value) : value] as const)
  return values.length === 0 ? null : JSON.stringify(Object.fromEntries(values))
}
