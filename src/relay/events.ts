/**
 * The event kinds of branches (docs/protocol.md, kinds 02xx): who a branch is, said by an issuing branch, and where its
 * relay listens, said by itself. Events are verified for ever against the identity, never against a link certificate.
 */
import * as v from 'valibot'
import { utf8 } from '../base/bytes.ts'
import type { BranchId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import {
  BRANCH_NAME_BYTES_MAX,
  type BranchIdentity,
  type IssuerCertificate,
  type OrganisationId,
  parseBranchIdentity,
  parseIssuerCertificate,
} from '../certificates/certificate.ts'
import { refusalOfIdentity, refusalOfIssuer } from '../certificates/chain.ts'
import { ADDRESSES_MAX, isAddress } from '../certificates/invitation.ts'
import type { Db, Store } from '../db/open.ts'
import type { Append, EventKind, LoggedEvent } from '../eventlog/events.ts'
import { saveIssuer } from './credentials.ts'
import { type LinkKeyBody, linkKeyKind } from './link-key-records.ts'
import { type RenewalKinds, renewalKinds } from './mailed-renewals.ts'
import { findAddresses } from './peers.ts'
import { type RevokeBody, revocationKind } from './revocations.ts'
import { besideIssuer, statement } from './statements.ts'

const identityBody = v.object({
  /** BranchIdentity as signed. */
  identity: statement(),
  ...besideIssuer,
})

const issuerBody = v.object({
  /** The certificate that the root signed for the branch. */
  ...besideIssuer,
  /** Who that branch is, for those who have not heard it. */
  identity: statement(),
  identityIssuer: statement(),
})

const addressBody = v.object({
  addresses: v.pipe(v.array(v.pipe(v.string(), v.check(isAddress))), v.maxLength(ADDRESSES_MAX)),
})

type IdentityBody = v.InferOutput<typeof identityBody>
type IssuerBody = v.InferOutput<typeof issuerBody>
type AddressBody = v.InferOutput<typeof addressBody>

export type RelayKinds = RenewalKinds & {
  branchIdentity: EventKind<IdentityBody>
  branchAddress: EventKind<AddressBody>
  branchRevoke: EventKind<RevokeBody>
  linkKey: EventKind<LinkKeyBody>
  branchIssuer: EventKind<IssuerBody>
}

type RelayKindsParts = {
  organisation: OrganisationId
  now(): Millis
  isRevoked(branch: BranchId): boolean
}

/** The kinds of this feature. */
export function relayKinds(parts: RelayKindsParts): RelayKinds {
  return {
    branchIdentity: {
      code: 0x0201,
      name: 'branch.identity',
      scope: 'all',
      parse: (body) => v.parse(identityBody, body),
      refusal: async (_tx, event) => identityRefusal(event, parts),
      apply: async (tx, { body }) => {
        const { identity, issuer } = statementsOf(body)
        if (identity && issuer) await admitBranch(tx, { identity, issuer })
      },
    },
    branchAddress: {
      code: 0x0202,
      name: 'branch.address',
      scope: 'all',
      parse: (body) => v.parse(addressBody, body),
      refusal: async () => undefined, // a branch speaks for itself, whatever it says
      apply: applyAddress,
    },
    branchRevoke: revocationKind(parts),
    linkKey: linkKeyKind(parts),
    branchIssuer: issuerKind(parts),
    ...renewalKinds(),
  }
}

/** The body of a branch.identity event. */
export function identityEventBody(statements: {
  identity: BranchIdentity
  issuer: IssuerCertificate
}): IdentityBody {
  return {
    identity: statements.identity.bytes.toBase64(),
    issuer: statements.issuer.bytes.toBase64(),
  }
}

/** The kind `branch.issuer`: what it holds proves itself, so every branch may bring it. */
function issuerKind(parts: RelayKindsParts): EventKind<IssuerBody> {
  return {
    code: 0x0209,
    name: 'branch.issuer',
    scope: 'all',
    parse: (body) => v.parse(issuerBody, body),
    refusal: async (_tx, { body }) => {
      const { issuer, identity, identityIssuer } = namedIn(body)
      if (!issuer || !identity || !identityIssuer) return 'malformed'
      const trust = { ...parts, now: parts.now(), isRevoked: () => false }
      if (issuer.branch !== identity.branch) return 'wrong-branch-id'
      return refusalOfIssuer(issuer, trust) ?? refusalOfIdentity(identity, identityIssuer, trust)
    },
    apply: async (tx, { body }) => {
      const { issuer, identity, identityIssuer } = namedIn(body)
      if (!issuer || !identity || !identityIssuer) return
      await admitBranch(tx, { identity, issuer: identityIssuer })
      await saveIssuer(tx, issuer)
    },
  }
}

/** The body of a branch.issuer event. */
export function issuerEventBody(of: {
  issuer: IssuerCertificate
  identity: BranchIdentity
  identityIssuer: IssuerCertificate
}): IssuerBody {
  const { identityIssuer, ...statements } = of
  return {
    ...identityEventBody(statements),
    identityIssuer: identityIssuer.bytes.toBase64(),
  }
}

function namedIn({ identityIssuer, ...statements }: IssuerBody) {
  return {
    ...statementsOf(statements),
    identityIssuer: parseIssuerCertificate(Uint8Array.fromBase64(identityIssuer)),
  }
}

function statementsOf({ identity, issuer }: IdentityBody) {
  return {
    identity: parseBranchIdentity(Uint8Array.fromBase64(identity)),
    issuer: parseIssuerCertificate(Uint8Array.fromBase64(issuer)),
  }
}

function identityRefusal(
  event: LoggedEvent<IdentityBody>,
  { organisation, now }: RelayKindsParts,
): string | undefined {
  const { identity, issuer } = statementsOf(event.body)
  if (!identity || !issuer) return 'malformed'
  if (issuer.branch !== event.origin) return 'not-an-issuing-branch'
  // Who a branch is stays known when it is one no more: all must decide alike, whichever event came first.
  return refusalOfIdentity(identity, issuer, { organisation, now: now(), isRevoked: () => false })
}

/** Takes a branch into the tables: by its event, or by the answer to a joining request. */
export async function admitBranch(
  tx: Db,
  { identity, issuer }: { identity: BranchIdentity; issuer: IssuerCertificate },
): Promise<void> {
  await saveIssuer(tx, issuer)
  const statements = {
    name: await freeName(tx, identity),
    identity: identity.bytes,
    signPublicKey: identity.signPublicKey,
    boxPublicKey: identity.boxPublicKey,
  }
  await tx
    .insertInto('branch')
    .values({ id: identity.branch, ...statements, status: 'active', addresses: '[]' })
    .onConflict((on) => on.column('id').doUpdateSet(statements))
    .execute()
}

/** Two issuers may give one name at the same time: the second to arrive shows a part of its id. */
async function freeName(tx: Db, { name, branch }: BranchIdentity): Promise<string> {
  const taken = await tx
    .selectFrom('branch')
    .select('id')
    .where('name', '=', name)
    .where('id', '!=', branch)
    .executeTakeFirst()
  if (!taken) return name
  const mark = ` ${branch.slice(0, 4)}`
  let start = name
  while (utf8(start + mark).length > BRANCH_NAME_BYTES_MAX) start = [...start].slice(0, -1).join('')
  return start + mark
}

async function applyAddress(tx: Db, event: LoggedEvent<AddressBody>): Promise<void> {
  // Feeds of two boots may arrive in any order: the newer word wins.
  await tx
    .updateTable('branch')
    .set({ addresses: JSON.stringify(event.body.addresses), addressesHlc: event.hlc })
    .where('id', '=', event.origin)
    .where((eb) => eb.or([eb('addressesHlc', 'is', null), eb('addressesHlc', '<', event.hlc)]))
    .execute()
}

/** Whether an event tells who a branch is: feeds of branches unknown until now may be known then. */
export function isIdentityEvent(event: { kind: string }): boolean {
  return event.kind === 'branch.identity' || event.kind === 'branch.issuer'
}

/** Tells the other branches where this one listens, when that changed. */
export async function tellAddresses(
  { store, self, eventLog, kinds }: TellParts,
  addresses: readonly string[],
): Promise<void> {
  await store.writer.write(async (tx) => {
    const known = await findAddresses(tx, self)
    if (known?.join() === addresses.join()) return
    const body = { addresses: [...addresses] }
    await eventLog.append(tx, { kind: kinds.branchAddress, body, to: 'all' })
  })
}

type TellParts = {
  store: Pick<Store, 'writer'>
  self: BranchId
  eventLog: { append: Append }
  kinds: RelayKinds
}
