/**
 * The heart of a branch that knows who it is: its event log with all kinds of events, and what features' actions need.
 * Built the same way by a running branch and by the set-up that founds one.
 */
import { auditedUserKinds } from './accounts/audited.ts'
import type { AccountDeps } from './accounts/authority.ts'
import { roleGrant, userAt, userPut } from './accounts/events.ts'
import type { Hasher } from './accounts/hasher.ts'
import { userLeft } from './accounts/leaving.ts'
import type { UserAt } from './accounts/records.ts'
import { createSignIns, endAllSignIns, type SignIns } from './accounts/sign-ins.ts'
import { userWish } from './accounts/wishes.ts'
import { addAudit } from './audit/entries.ts'
import { type AuditHeads, createAuditHeads } from './audit/heads.ts'
import { hex } from './base/bytes.ts'
import { asIncarnation, type BranchId, type Incarnation } from './base/ids.ts'
import { MIB } from './base/units.ts'
import type { BranchKeys } from './certificates/keys.ts'
import { openBox, sealBox } from './certificates/sealed-box.ts'
import { signerOf, verifierOf } from './certificates/signing.ts'
import type { ChatParts } from './chat/actions.ts'
import { chatKinds } from './chat/events.ts'
import { fileRemovalKinds } from './chat/file-removals.ts'
import { chatKindsAround } from './chat/kinds-around.ts'
import type { Store } from './db/open.ts'
import type { Append, EventKind } from './eventlog/events.ts'
import { demandIssuer } from './eventlog/issuers.ts'
import { createEventLog, type EventLog } from './eventlog/log.ts'
import { limitsKind, rulesKind } from './files/rules.ts'
import { type OrganisationPut, organisationKind } from './organisation/events.ts'
import type { Membership } from './organisation/membership.ts'
import { findRecovery, keepRecovery } from './organisation/recovery.ts'
import { createStoreEpoch, type StoreEpoch } from './organisation/store-epoch.ts'
import { userStatus } from './presence/status-events.ts'
import { type RelayKinds, relayKinds } from './relay/events.ts'
import { createRevocations } from './relay/revocations.ts'
import { type TlsKinds, tlsKinds } from './tls/events.ts'
import type { World } from './world/world.ts'

const INCARNATION_BYTES = 8
const KEY_BYTES = 32

export type Core = {
  membership: Membership
  epoch: StoreEpoch
  incarnation: Incarnation
  store: Store
  keys: BranchKeys
  eventLog: EventLog
  accounts: AccountDeps
  signIns: SignIns
  chat: ChatParts
  branches: RelayKinds
  isRevoked(branch: BranchId): boolean
  organisationPut: EventKind<OrganisationPut>
  tls: TlsKinds
  auditHeads: AuditHeads
}

type CoreParts = {
  world: World
  store: Store
  keys: BranchKeys
  membership: Membership
  hasher: Hasher
  /** Room for mail that is carried for others, in MiB; 0: none. */
  carryMib: number
  /** Kinds of a release to come are for tests of upgrades. */
  laterKinds?: readonly EventKind<unknown>[]
}

/** The row of this branch must stand in table `branch` before the first event is written. */
export async function buildCore(parts: CoreParts): Promise<Core> {
  const { world, store, keys, membership, hasher } = parts
  const { clock, random, log } = world
  const { self, organisation } = membership
  // New at every start: no seq of a feed is ever written twice, whatever was restored.
  const incarnation = asIncarnation(hex(random.bytes(INCARNATION_BYTES)))
  const chats = chatKinds({ self })
  const revocations = createRevocations()
  const { isRevoked } = revocations
  const branches = relayKinds({ organisation, now: clock.now, isRevoked })
  const organisationPut = organisationKind(demandIssuer)
  const tls = tlsKinds(demandIssuer)
  const auditHeads = createAuditHeads({ self, clock })
  const userKinds = auditedUserKinds({ self, clock })
  const epoch = createStoreEpoch(membership.storeEpoch, { store, random })
  let followed: EventKind<UserAt> = userAt
  const eventLog = await createEventLog({
    store,
    self,
    incarnation,
    sign: signerOf(keys.sign.secretKey),
    verifierOf,
    sealKey: (to, key) => sealBox(to, key, random.bytes(KEY_BYTES)),
    openKey: (sealed) => openBox(keys.box, sealed),
    clock,
    random,
    log,
    carryBytesMax: parts.carryMib * MIB,
    async rolledBack(tx, writtenAt) {
      // Put back on purpose, or noticed before: that was done then, and people have signed in since.
      if (writtenAt <= ((await findRecovery(tx))?.at ?? 0)) return
      log.error('eventlog.rolled-back', {})
      await keepRecovery(tx, { kind: 'rolled-back', at: clock.now() })
      await addAudit({ clock }, tx, { action: 'branch.rolled-back' })
      await epoch.renew(tx)
      // A sign-in that has ended since is in an old database too.
      await endAllSignIns(tx)
    },
    kinds: (append, forward) => {
      const around = { append, forward, kinds: chats, self, incarnation }
      const audited = userKinds.find(({ name }) => name === roleGrant.name) as typeof roleGrant
      const made = chatKindsAround({ userAt, userPut, roleGrant: audited, chats }, around)
      followed = made.userAt
      const isMade = ({ code }: { code: number }) => made.kinds.some((kind) => kind.code === code)
      return [
        ...userKinds.filter((kind) => !isMade(kind)),
        auditHeads.kind,
        userLeft,
        userWish({ self, append, clock }),
        userStatus,
        ...made.kinds,
        ...Object.values(branches),
        organisationPut,
        ...Object.values(tls),
        ...[limitsKind, rulesKind, ...fileRemovalKinds],
        ...(parts.laterKinds ?? []),
      ] as EventKind<unknown>[]
    },
  })
  await revocations.load(store.read)
  eventLog.onCommitted(revocations.committed)
  const { append, now } = eventLog
  // Who signs in here as a guest is followed here too.
  const accountAppend: Append = (tx, draft) => {
    const isStay = draft.kind.code === userAt.code
    return append(tx, isStay ? { ...draft, kind: followed as EventKind<never> } : draft)
  }
  const accounts = { store, append: accountAppend, hasher, clock, random, self }
  const signIns = createSignIns({ ...accounts, log })
  await signIns.recall()
  return {
    membership,
    epoch,
    incarnation,
    store,
    keys,
    eventLog,
    accounts,
    signIns,
    chat: { store, append, kinds: chats, self, clock, random, now },
    branches,
    isRevoked,
    organisationPut,
    tls,
    auditHeads,
  }
}
