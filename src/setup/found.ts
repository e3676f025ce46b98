/**
 * First start: a branch becomes the first of a new organisation, or joins one by an invitation. Keys are stored before
 * anything else; the branch counts as set up from the commit that writes its membership. A crash before that begins
 * anew with the same keys.
 */
import type { Hasher } from '../accounts/hasher.ts'
import { asLogin } from '../accounts/logins.ts'
import { preparePerson } from '../accounts/new-person.ts'
import { checkNewPassword } from '../accounts/passwords.ts'
import { addAudit } from '../audit/entries.ts'
import { AppError, invalidInput } from '../base/errors.ts'
import { isBranchName } from '../certificates/certificate.ts'
import { foundOrganisation } from '../certificates/founding.ts'
import { generateBranchKeys, type KeyFiles } from '../certificates/keys.ts'
import { buildCore, type Core } from '../core.ts'
import type { Db, Store } from '../db/open.ts'
import { ORGANISATION_NAME_CHARACTERS_MAX } from '../organisation/events.ts'
import { findMembership, keepMembership, type Membership } from '../organisation/membership.ts'
import { newStoreEpoch } from '../organisation/store-epoch.ts'
import { saveChain } from '../relay/credentials.ts'
import { admitBranch, identityEventBody } from '../relay/events.ts'
import { acceptJoin, joinOrganisation } from '../relay/joiner.ts'
import type { SpokenSuites } from '../relay/peer-suites.ts'
import type { World } from '../world/world.ts'

export type FirstAdmin = { login: string; firstName: string; lastName: string; password: string }

export type SetupParts = {
  world: World
  store: Store
  files: KeyFiles
  hasher: Hasher
  suites: SpokenSuites
  carryMib: number
}

/** Founds an organisation whose first branch this is; throws invalid-input with the field's name. */
export async function foundBranch(
  parts: SetupParts,
  wish: { organisation: string; branch: string; admin: FirstAdmin },
): Promise<Core> {
  const organisation = wish.organisation.trim()
  const name = wish.branch.trim()
  if (organisation === '' || organisation.length > ORGANISATION_NAME_CHARACTERS_MAX) {
    throw invalidInput('organisation', 'An organisation needs a name', 'required')
  }
  if (!isBranchName(name)) {
    throw invalidInput('branch', 'The name of a branch is one line of 1 to 64 bytes', 'required')
  }
  checkAdmin(wish.admin)
  await checkNotSetUp(parts)
  const { world, store, files, hasher, carryMib } = parts
  const { clock, random } = world
  const keys = files.findBranchKeys() ?? generateBranchKeys(random.bytes)
  files.saveBranchKeys(keys)
  const founding = foundOrganisation(keys, { name, now: clock.now() }, random.bytes)
  files.saveRootKey(founding.root)
  files.saveIssuerKey(founding.issuerKey)
  files.saveLinkKey({ ...founding.linkKey, since: clock.now() })
  const { chain } = founding
  await store.writer.write(async (tx) => {
    await tx.deleteFrom('issuer').execute() // of a first start that did not get to its end
    await admitBranch(tx, chain)
    await saveChain(tx, chain)
  })
  const membership = {
    self: keys.branch,
    organisation: chain.identity.organisation,
    storeEpoch: newStoreEpoch(world.random),
  }
  const core = await buildCore({ world, store, keys, membership, hasher, carryMib })
  await finish(core, { admin: wish.admin, role: 'organisation-admin' }, async (tx) => {
    const { append } = core.eventLog
    const body = identityEventBody(chain)
    await append(tx, { kind: core.branches.branchIdentity, to: 'all', body })
    await append(tx, {
      kind: core.organisationPut,
      to: 'all',
      body: { name: organisation, rev: 1 },
    })
    await keepMembership(tx, membership)
    const subject = { kind: 'branch' as const, id: keys.branch, name }
    await addAudit(world, tx, { action: 'branch.set-up', subject, after: { organisation } })
  })
  return core
}

/** Joins the organisation of an invitation; `addresses` are where this branch's relay will listen. */
export async function joinBranch(
  parts: SetupParts,
  wish: { invitation: string; admin: FirstAdmin | undefined; addresses: readonly string[] },
): Promise<Core> {
  if (wish.admin) checkAdmin(wish.admin)
  await checkNotSetUp(parts)
  const { world, store, files, hasher, carryMib } = parts
  const { clock, random, network, log } = world
  const joined = await joinOrganisation(
    { clock, random, network, log, keys: files, suites: parts.suites },
    { line: wish.invitation, addresses: wish.addresses },
  )
  files.saveLinkKey({ ...joined.joined.linkKey, since: clock.now() })
  const membership: Membership = {
    self: joined.keys.branch,
    organisation: joined.joined.identity.organisation,
    storeEpoch: newStoreEpoch(world.random),
  }
  await store.writer.write(async (tx) => {
    await acceptJoin(tx, joined)
    await keepMembership(tx, membership)
    const { branch: id, name } = joined.joined.identity
    await addAudit(world, tx, { action: 'branch.set-up', subject: { kind: 'branch', id, name } })
  })
  const shared = { world, store, membership, hasher, carryMib }
  const core = await buildCore({ ...shared, keys: joined.keys })
  if (wish.admin) await finish(core, { admin: wish.admin, role: 'branch-admin' }, async () => {})
  return core
}

/** Before anything is written: what can be wrong with the first administrator is said at its field. */
function checkAdmin({ login, firstName, password }: FirstAdmin): void {
  const name = asLogin(login)
  if (firstName.trim() === '') throw invalidInput('firstName', 'A person needs a name', 'required')
  checkNewPassword(password, name)
}

/** A form that arrives late must not found a second organisation over the keys of the first. */
async function checkNotSetUp({ store }: SetupParts): Promise<void> {
  if ((await findMembership(store.read)) === undefined) return
  throw new AppError('conflict', 'This branch is set up already')
}

async function finish(
  core: Core,
  { admin, role }: { admin: FirstAdmin; role: 'organisation-admin' | 'branch-admin' },
  more: (tx: Db) => Promise<void>,
): Promise<void> {
  const prepared = await preparePerson(core.accounts, { ...admin, role, temporary: false })
  await core.store.writer.write(async (tx) => {
    await more(tx)
    await prepared.write(tx)
  })
}

/** What the environment or flags ask for at a first start; undefined when the page is to be used. */
export async function setUpBySettings(
  parts: SetupParts,
  wish: {
    org: string | undefined
    branch: string | undefined
    join: string | undefined
    admin: FirstAdmin | undefined
    addresses: readonly string[]
  },
): Promise<Core | undefined> {
  const { org, branch, join, admin, addresses } = wish
  if (org !== undefined && branch !== undefined) {
    if (!admin) throw new AppError('invalid-input', '--org also needs --admin-login and a password')
    return foundBranch(parts, { organisation: org, branch, admin })
  }
  return join === undefined ? undefined : joinBranch(parts, { invitation: join, admin, addresses })
}
