/**
 * Branches that are none any more. Owns table `revocation`. An issuing branch says it as an event, which reaches every
 * branch by every way there is and lies in the log for ever; from the commit on no link to the branch opens or lives,
 * and nothing it writes is taken. docs/protocol.md, section 6.
 */
import * as v from 'valibot'
import { addAudit, type Doer } from '../audit/entries.ts'
import { utf8 } from '../base/bytes.ts'
import { AppError, invalidInput } from '../base/errors.ts'
import type { BranchId } from '../base/ids.ts'
import { tidied } from '../base/text.ts'
import type { Millis } from '../base/units.ts'
import { type OrganisationId, parseIssuerCertificate } from '../certificates/certificate.ts'
import {
  CUTS_MAX,
  type Cut,
  issueRevocation,
  NOTE_BYTES_MAX,
  parseRevocation,
  type RevocationReason,
  refusalOfRevocation,
} from '../certificates/revocation.ts'
import type { Db, Store } from '../db/open.ts'
import { cutFeeds } from '../eventlog/cuts.ts'
import type { Append, EventKind, LoggedEvent } from '../eventlog/events.ts'
import type { Clock } from '../world/clock.ts'
import { findIssuer, type IssuerKeys, saveIssuer } from './credentials.ts'
import { findNamed } from './peers.ts'
import { besideIssuer, statement } from './statements.ts'

/** CUTS_MAX cuts and the rest, in base64. */
const REVOCATION_CHARS_MAX = 52 * 1024

const revokeBody = v.object({
  /** Revocation as signed. */
  revocation: statement(REVOCATION_CHARS_MAX),
  ...besideIssuer,
})

export type RevokeBody = v.InferOutput<typeof revokeBody>

/** Which branches are revoked, in memory: every handshake asks. */
type Revocations = {
  isRevoked(branch: BranchId): boolean
  load(db: Db): Promise<void>
  /** After a commit. */
  committed(events: readonly LoggedEvent[]): void
}

/** Nobody is revoked before `load`. */
export function createRevocations(): Revocations {
  const revoked = new Set<BranchId>()
  return {
    isRevoked: (branch) => revoked.has(branch),
    async load(db) {
      for (const { branchId } of await db.selectFrom('revocation').select('branchId').execute()) {
        revoked.add(branchId)
      }
    },
    committed(events) {
      for (const event of events.filter(isRevocationEvent)) {
        const { revocation } = statementsOf(event.body as RevokeBody)
        if (revocation) revoked.add(revocation.branch)
      }
    },
  }
}

/** Whether an event revokes a branch. */
export function isRevocationEvent(event: { kind: string }): boolean {
  return event.kind === 'branch.revoke'
}

/** The kind `branch.revoke`. */
export function revocationKind(parts: {
  organisation: OrganisationId
  now(): Millis
  isRevoked(branch: BranchId): boolean
}): EventKind<RevokeBody> {
  return {
    code: 0x0203,
    name: 'branch.revoke',
    scope: 'all',
    parse: (body) => v.parse(revokeBody, body),
    isUrgent: () => true,
    refusal: async (_tx, { body, origin }) => {
      const { revocation, issuer } = statementsOf(body)
      if (!revocation || !issuer) return 'malformed'
      if (issuer.branch !== origin) return 'not-an-issuing-branch'
      return refusalOfRevocation(revocation, issuer, { ...parts, now: parts.now() })
    },
    apply: applyRevocation,
  }
}

function statementsOf({ revocation, issuer }: RevokeBody) {
  return {
    revocation: parseRevocation(Uint8Array.fromBase64(revocation)),
    issuer: parseIssuerCertificate(Uint8Array.fromBase64(issuer)),
  }
}

async function applyRevocation(tx: Db, { body }: LoggedEvent<RevokeBody>): Promise<void> {
  const { revocation, issuer } = statementsOf(body)
  if (!revocation || !issuer) return
  const { branch: branchId, reason, note, revokedAt, bytes: statement } = revocation
  await saveIssuer(tx, issuer)
  const word = { reason, note, revokedAt, statement, issuerSerial: issuer.serial }
  await tx
    .insertInto('revocation')
    .values({ branchId, ...word })
    // Two issuers may say it at once: all branches show the earlier word, whichever came first.
    .onConflict((on) =>
      on
        .column('branchId')
        .doUpdateSet(word)
        .where((eb) =>
          eb(
            eb.refTuple('revocation.revokedAt', 'revocation.statement'),
            '>',
            eb.tuple(revokedAt, statement),
          ),
        ),
    )
    .execute()
  await cutFeeds(tx, branchId, revocation.cuts)
}

/** A branch that was revoked, as lists show it. */
export type Revoked = {
  branch: BranchId
  name: string
  reason: RevocationReason
  note: string
  revokedAt: Millis
}

/** All revoked branches, the last first. */
export async function revokedBranches(db: Db): Promise<Revoked[]> {
  const rows = await db
    .selectFrom('revocation as r')
    .leftJoin('branch as b', 'b.id', 'r.branchId')
    .select(['r.branchId as branch', 'b.name', 'r.reason', 'r.note', 'r.revokedAt'])
    .orderBy('r.revokedAt', 'desc')
    .orderBy('r.branchId')
    .execute()
  return rows.map(({ name, reason, ...row }) => ({
    ...row,
    name: name ?? row.branch,
    reason: reason as RevocationReason,
  }))
}

/** Which branch, and why; the note is for those who ask in a year. */
export type Revoking = {
  name: string
  reason: RevocationReason
  note: string
  /** For the audit log; absent: an operator at the server. */
  by?: Doer | undefined
}

type RevokeParts = {
  store: Pick<Store, 'writer'>
  append: Append
  kind: EventKind<RevokeBody>
  keys: IssuerKeys
  self: BranchId
  clock: Pick<Clock, 'now'>
}

/**
 * Revokes a branch by its name: what it wrote and we hold stays, what it writes from now on nobody takes. Throws
 * forbidden where this branch may not issue, invalid-input (`branch-unknown`, `branch-own`, `branch-revoked`,
 * `too-long`).
 */
export async function revokeBranch(
  { store, append, kind, keys, self, clock }: RevokeParts,
  wish: Revoking,
): Promise<Revoked> {
  const { reason } = wish
  const note = usableNote(wish.note)
  return await store.writer.write(async (tx) => {
    const now = clock.now()
    const issuer = await findIssuer(tx, { self, keys, now })
    if (issuer === undefined) {
      throw new AppError('forbidden', 'Cannot revoke a branch here: only an issuing branch can')
    }
    const { id: branch, name } = await branchToRevoke(tx, { name: wish.name, self })
    const cuts = await recordsHeld(tx, branch)
    const { bytes } = issueRevocation(issuer, { branch, reason, note, cuts, now })
    const body = {
      revocation: bytes.toBase64(),
      issuer: issuer.certificate.bytes.toBase64(),
    }
    await append(tx, { kind, body, to: 'all' })
    const subject = { kind: 'branch' as const, id: branch, name }
    const after = { reason, note }
    await addAudit({ clock }, tx, { action: 'branch.revoked', by: wish.by, subject, after })
    return { branch, name, reason, note, revokedAt: now }
  })
}

function usableNote(text: string): string {
  const note = tidied(text)
  if (utf8(note).length <= NOTE_BYTES_MAX) return note
  const message = `Cannot revoke: the note has more than ${NOTE_BYTES_MAX} bytes`
  throw invalidInput('note', message, 'too-long', { max: NOTE_BYTES_MAX })
}

async function branchToRevoke(
  tx: Db,
  { name, self }: { name: string; self: BranchId },
): Promise<{ id: BranchId; name: string }> {
  const found = await findNamed(tx, name)
  if (found.id === self) {
    throw invalidInput('branch', 'A branch cannot revoke itself: ask another one', 'branch-own')
  }
  const known = await tx
    .selectFrom('revocation')
    .where('branchId', '=', found.id)
    .select('branchId')
    .executeTakeFirst()
  if (known) throw invalidInput('branch', `${found.name} is revoked already`, 'branch-revoked')
  return found
}

/** The branch's feeds of records as far as we hold them, the oldest first: a thief cannot push those out. */
async function recordsHeld(tx: Db, origin: BranchId): Promise<Cut[]> {
  const rows = await tx
    .selectFrom('feed')
    .where('origin', '=', origin)
    .where('scope', '=', 'all')
    .where('head', '>', 0)
    .select(['id', 'head'])
    .orderBy('n')
    .limit(CUTS_MAX)
    .execute()
  return rows.map(({ id: feed, head: upTo }) => ({ feed, upTo }))
}
