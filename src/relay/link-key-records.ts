/**
 * The event kind `link.key`: an issuing branch says that there is a new link key, and seals it to each branch that is
 * to have it. Owns the value `linkKeys` of table `meta`: the statements of the last epochs with their sealed boxes, so
 * that no crash between the database and the key file loses one. An open key never enters the database.
 * docs/protocol.md, section 6; docs/decisions/031-link-key.md.
 */
import * as v from 'valibot'
import { hex } from '../base/bytes.ts'
import { type BranchId, isId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import {
  type IssuerCertificate,
  type OrganisationId,
  parseIssuerCertificate,
} from '../certificates/certificate.ts'
import {
  byRank,
  type LinkKeyStatement,
  parseLinkKeyStatement,
  REVOKED_NAMED_MAX,
  rankedBelow,
  refusalOfLinkKey,
} from '../certificates/link-key.ts'
import { SEALED_BOX_BYTES } from '../certificates/sealed-box.ts'
import { metaOf, putMeta } from '../db/meta.ts'
import type { Db } from '../db/open.ts'
import { type EventKind, type LoggedEvent, Parked } from '../eventlog/events.ts'
import { demandIssuer } from '../eventlog/issuers.ts'
import { besideIssuer, statement } from './statements.ts'

/** REVOKED_NAMED_MAX branches and the rest, in base64. */
const STATEMENT_CHARS_MAX = 6 * 1024
/** 150 characters each: the event stays below 64 KiB. More branches get more events. */
export const BOXES_MAX = 300
const BOX_CHARS = Math.ceil(SEALED_BOX_BYTES / 3) * 4
/** Who comes with an older epoch gets the newest one; the others are in the key file. */
const RECORDS_MAX = 16

const linkKeyBody = v.object({
  /** LinkKeyStatement as signed. */
  statement: statement(STATEMENT_CHARS_MAX),
  ...besideIssuer,
  /** The link key, sealed to the box key of each branch. */
  boxes: v.pipe(
    v.array(
      v.object({
        branch: v.pipe(v.string(), v.check(isId)),
        box: v.pipe(v.string(), v.base64(), v.length(BOX_CHARS)),
      }),
    ),
    v.maxLength(BOXES_MAX),
  ),
})

export type LinkKeyBody = v.InferOutput<typeof linkKeyBody>

/** A link key as it was announced. `boxes` by branch, in base64. */
export type LinkKeyRecord = {
  statement: LinkKeyStatement
  issuer: IssuerCertificate
  boxes: ReadonlyMap<BranchId, string>
}

/** Whether an event brings a link key. */
export function isLinkKeyEvent(event: { kind: string }): boolean {
  return event.kind === 'link.key'
}

/** The kind `link.key`. */
export function linkKeyKind(parts: {
  organisation: OrganisationId
  now(): Millis
  isRevoked(branch: BranchId): boolean
}): EventKind<LinkKeyBody> {
  return {
    code: 0x0208,
    name: 'link.key',
    scope: 'all',
    parse: (body) => v.parse(linkKeyBody, body),
    isUrgent: () => true,
    async refusal(tx, event) {
      const said = saidIn(event.body)
      if (!said) return 'malformed'
      const refusal = refusalOfLinkKey(said.statement, said.issuer, { ...parts, now: parts.now() })
      if (refusal) return refusal
      await demandIssuer(tx, event)
      await demandRevoked(tx, said.statement)
      return undefined
    },
    apply: (tx, { body }: LoggedEvent<LinkKeyBody>) => keepRecord(tx, body),
  }
}

/** What was said, or undefined: not in the form of such statements. */
function saidIn({
  statement: text,
  issuer: certificate,
}: Pick<LinkKeyBody, 'statement' | 'issuer'>):
  | { statement: LinkKeyStatement; issuer: IssuerCertificate }
  | undefined {
  const said = parseLinkKeyStatement(Uint8Array.fromBase64(text))
  const issuer = parseIssuerCertificate(Uint8Array.fromBase64(certificate))
  return said && issuer && { statement: said, issuer }
}

/** DANGER: who has the key before it knows who must not have it could hand it over to just that branch. */
async function demandRevoked(tx: Db, { revoked }: LinkKeyStatement): Promise<void> {
  if (revoked.length === 0) return
  const known = await tx
    .selectFrom('revocation')
    .select('branchId')
    .where('branchId', 'in', [...revoked])
    .execute()
  if (known.length < new Set(revoked).size) throw new Parked('waits-for-revocation')
}

/** The branches that were revoked last: as many as a statement names. */
export async function lastRevoked(db: Db): Promise<BranchId[]> {
  const rows = await db
    .selectFrom('revocation')
    .select('branchId')
    .orderBy('revokedAt', 'desc')
    .orderBy('branchId')
    .limit(REVOKED_NAMED_MAX)
    .execute()
  return rows.map(({ branchId }) => branchId)
}

const RECORDS = 'linkKeys'

type Stored = LinkKeyBody[]

/** The records of the last epochs, the newest first. */
export async function linkKeyRecords(db: Db): Promise<LinkKeyRecord[]> {
  const records = (await stored(db)).flatMap((body): LinkKeyRecord[] => {
    const said = saidIn(body)
    const boxes = new Map(body.boxes.map(({ branch, box }) => [branch as BranchId, box]))
    return said ? [{ ...said, boxes }] : []
  })
  return inOrder(records)
}

/** The newest first. */
function inOrder<T extends { statement: LinkKeyStatement; issuer: IssuerCertificate }>(
  rows: readonly T[],
): T[] {
  const statements = rows.map(({ statement }) => statement)
  const ranked = rows.map((row) => {
    const below = rankedBelow(row.issuer.branch, statements)
    return { row, epoch: row.statement.epoch, ...(below !== undefined && { below }) }
  })
  return ranked.sort(byRank).map(({ row }) => row)
}

async function stored(db: Db): Promise<Stored> {
  const text = await metaOf(db, RECORDS)
  return text === undefined ? [] : (JSON.parse(text) as Stored)
}

/** Keeps a record; boxes of one statement that came in several events are put together. */
export async function keepRecord(tx: Db, body: LinkKeyBody): Promise<void> {
  const said = saidIn(body)
  if (!said) return
  const rows = (await stored(tx)).flatMap((row) => {
    const of = saidIn(row)
    return of ? [{ row, ...of }] : []
  })
  const before = rows.find(({ statement }) => statement.epoch === said.statement.epoch)
  const isSame = before?.row.statement === body.statement
  // Two issuers drew the same epoch at the same time: all branches keep the same one of the two keys.
  if (before && !isSame && hex(before.statement.keyHash) >= hex(said.statement.keyHash)) return
  const boxes = new Map(
    [...(isSame ? before.row.boxes : []), ...body.boxes].map((each) => [each.branch, each]),
  )
  const all = [
    { row: { ...body, boxes: [...boxes.values()] }, ...said },
    ...rows.filter((each) => each !== before),
  ]
  const kept = inOrder(all)
    .slice(0, RECORDS_MAX)
    .map(({ row }) => row)
  await putMeta(tx, { [RECORDS]: JSON.stringify(kept) })
}
