/**
 * Inviting a branch and letting it in: the inviter's side. An invitation is redeemed in one transaction; the same
 * signing key asking again gets the same answer, so an answer that was lost costs nothing. An unknown invitation is met
 * with silence, a used or expired one with a word. docs/protocol.md, section 5.
 */
import { addAudit, type Doer } from '../audit/entries.ts'
import { equal, hex } from '../base/bytes.ts'
import { AppError, invalidInput } from '../base/errors.ts'
import type { BranchId, UserId } from '../base/ids.ts'
import { DAY, isoTime, type Millis } from '../base/units.ts'
import { branchIdOf, type Issuer, isBranchName } from '../certificates/certificate.ts'
import type { Chain } from '../certificates/chain.ts'
import { admit } from '../certificates/founding.ts'
import {
  ADDRESSES_MAX,
  encodeInvitation,
  INVITATION_LIFE_MS_MAX,
  INVITATION_SECRET_BYTES,
  isAddress,
  joinId,
  joinPsk,
} from '../certificates/invitation.ts'
import {
  isJoinSigned,
  type JoinRefusal,
  type JoinRequest,
  joinResponse,
  parseJoinRequest,
  parseJoinResponse,
} from '../certificates/joining.ts'
import type { KeyFiles, LinkKey } from '../certificates/keys.ts'
import { openBox, sealBox } from '../certificates/sealed-box.ts'
import { X25519_KEY_BYTES } from '../certificates/x25519.ts'
import type { Db, Store } from '../db/open.ts'
import type { Append } from '../eventlog/events.ts'
import type { Clock } from '../world/clock.ts'
import type { Random } from '../world/random.ts'
import { identityEventBody, type RelayKinds } from './events.ts'

/** Used and expired invitations are remembered so long, to be refused in words. */
const REMEMBERED_MS: Millis = 30 * DAY

type NewInvitation = {
  /** Name of the branch it is for: the inviter decides it. */
  branchName: string
  createdBy: UserId | undefined
  /** For the audit log, with the machine; absent: an operator at the server. */
  by?: Doer | undefined
  validMs: Millis
  /** Where the new branch finds this one. */
  addresses: readonly string[]
}

/** Writes an invitation and gives the line to hand over; the secret in it is kept nowhere, its psk is sealed. */
async function writeInvitation(
  tx: Db,
  wish: NewInvitation,
  with_: { chain: Chain; now: Millis; randomBytes(length: number): Uint8Array },
): Promise<{ line: string; expiresAt: Millis }> {
  const { chain, now } = with_
  await checkWish(tx, wish)
  const secret = with_.randomBytes(INVITATION_SECRET_BYTES)
  const expiresAt = now + Math.min(wish.validMs, INVITATION_LIFE_MS_MAX)
  const { organisation, branch: inviter } = chain.identity
  const addresses = wish.addresses.slice(0, ADDRESSES_MAX)
  const line = encodeInvitation({ organisation, inviter, addresses, expiresAt, secret })
  await tx
    .deleteFrom('invitation')
    .where('expiresAt', '<', now - REMEMBERED_MS)
    .execute()
  await tx
    .insertInto('invitation')
    .values({
      joinId: hex(joinId(secret)),
      sealedPsk: sealBox(
        chain.identity.boxPublicKey,
        joinPsk(secret),
        with_.randomBytes(X25519_KEY_BYTES),
      ),
      branchName: wish.branchName,
      createdBy: wish.createdBy ?? null,
      createdAt: now,
      expiresAt,
    })
    .execute()
  await addAudit({ clock: { now: () => now } }, tx, {
    ...{ action: 'invitation.made', by: wish.by },
    subject: { kind: 'branch', name: wish.branchName },
    after: { until: isoTime(expiresAt), addresses: addresses.join(', ') },
  })
  return { line, expiresAt }
}

export type Wish = Omit<NewInvitation, 'addresses'> & { addresses?: readonly string[] }

/** Writes an invitation in a transaction of its own; `addresses` are told where the wish names none. */
export async function invite(
  { store, world, chain, addresses }: InvitingParts,
  wish: Wish,
): Promise<{ line: string; expiresAt: Millis }> {
  const { clock, random } = world
  const with_ = { chain, now: clock.now(), randomBytes: (length: number) => random.bytes(length) }
  const whole = { ...wish, addresses: wish.addresses ?? addresses }
  return await store.writer.write((tx) => writeInvitation(tx, whole, with_))
}

type InvitingParts = {
  store: Pick<Store, 'writer'>
  world: { clock: Pick<Clock, 'now'>; random: Pick<Random, 'bytes'> }
  chain: Chain
  addresses: readonly string[]
}

async function checkWish(tx: Db, { branchName, addresses }: NewInvitation): Promise<void> {
  if (!isBranchName(branchName)) {
    throw invalidInput('branch', 'The name of a branch is one line of 1 to 64 bytes')
  }
  if (await isNameTaken(tx, branchName)) {
    throw new AppError('conflict', 'Cannot invite a branch: its name is taken', { field: 'branch' })
  }
  if (addresses.length === 0 || !addresses.every(isAddress)) {
    throw invalidInput('address', 'An invitation needs addresses of this branch as host:port')
  }
}

async function isNameTaken(db: Db, name: string): Promise<boolean> {
  const row = await db.selectFrom('branch').select('id').where('name', '=', name).executeTakeFirst()
  return row !== undefined
}

/** The psk of the one handshake an invitation opens; also of used and expired ones, to refuse in words. */
export async function findJoinPsk(
  db: Db,
  id: string,
  keys: Pick<KeyFiles, 'findBranchKeys'>,
): Promise<Uint8Array | undefined> {
  const row = await db
    .selectFrom('invitation')
    .select('sealedPsk')
    .where('joinId', '=', id)
    .executeTakeFirst()
  const box = row && keys.findBranchKeys()?.box
  return box && openBox(box, row.sealedPsk)
}

type Redeeming = {
  joinId: string
  request: JoinRequest
  issuer: Issuer | undefined
  inviter: Chain
  linkKey: LinkKey
  now: Millis
  serial: Uint8Array
  append: Append
  kinds: RelayKinds
  isRevoked(branch: BranchId): boolean
}

/** Redeems an invitation: the bytes of JOIN_RES. All or nothing, in the transaction it is called in. */
export async function redeem(tx: Db, redeeming: Redeeming): Promise<Uint8Array> {
  const { request, issuer, inviter, linkKey, now, serial, append, kinds } = redeeming
  const row = await tx
    .selectFrom('invitation')
    .selectAll()
    .where('joinId', '=', redeeming.joinId)
    .executeTakeFirst()
  if (!row) return refusal('withdrawn')
  // Neither anew nor to hear the answer again: it holds the link key of today.
  if (redeeming.isRevoked(branchIdOf(request.signPublicKey))) return refusal('withdrawn')
  if (row.redeemedBy && row.answer) {
    if (!equal(row.redeemedBy, request.signPublicKey)) return refusal('used')
    return withLinkKey(row.answer, linkKey)
  }
  if (now > row.expiresAt) return refusal('expired')
  if (!issuer) return refusal('not-an-issuer')
  if (await isNameTaken(tx, row.branchName)) return refusal('name-taken')
  const admitted = admit(issuer, request, { name: row.branchName, now, serial })
  await append(tx, {
    kind: kinds.branchIdentity,
    body: identityEventBody(admitted),
    to: 'all',
  })
  await noteAddresses(tx, admitted.identity.branch, request.addresses)
  const answer = joinResponse({
    ok: true,
    ...admitted,
    inviter: inviter.identity,
    linkKey: { epoch: linkKey.epoch, key: new Uint8Array(linkKey.key.length) },
    crl: new Uint8Array(0), // no list is kept yet
  })
  await tx
    .updateTable('invitation')
    .set({ redeemedAt: now, redeemedBy: request.signPublicKey, answer })
    .where('joinId', '=', redeeming.joinId)
    .execute()
  const { branch, name } = admitted.identity
  await addAudit({ clock: { now: () => now } }, tx, {
    action: 'invitation.used',
    subject: { kind: 'branch', id: branch, name },
  })
  return withLinkKey(answer, linkKey)
}

/** An answer as it is stored has no link key: keys live in key files alone. */
function withLinkKey(stored: Uint8Array, linkKey: LinkKey): Uint8Array {
  const answer = parseJoinResponse(stored)
  if (!answer?.ok) throw new Error('The stored answer to a joining request cannot be read')
  return joinResponse({ ...answer, linkKey })
}

/** Until the new branch says itself where it listens. */
async function noteAddresses(tx: Db, branch: BranchId, addresses: readonly string[]) {
  await tx
    .updateTable('branch')
    .set({ addresses: JSON.stringify(addresses) })
    .where('id', '=', branch)
    .where('addressesHlc', 'is', null)
    .execute()
}

/** The bytes of JOIN_RES that refuse in one word. */
function refusal(reason: JoinRefusal): Uint8Array {
  return joinResponse({ ok: false, reason })
}

/** A joining request that was signed for this link, or undefined: then the link is closed without an answer. */
export function signedRequest(
  payload: Uint8Array,
  link: { handshakeHash: Uint8Array; remoteStatic: Uint8Array },
): JoinRequest | undefined {
  const request = parseJoinRequest(payload)
  return request && isJoinSigned(request, link) ? request : undefined
}
