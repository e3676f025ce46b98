/**
 * A branch at work: everything around its core, built in order and stopped in reverse. Read it as the table of
 * contents of the server.
 */
import type { Hono } from 'hono'
import { clockTime } from '../views/language/times.ts'
import type { Words } from '../views/language/words.ts'
import type { Reader } from '../views/parts.ts'
import { createGuards } from './accounts/guard.ts'
import { loadHomes } from './accounts/homes.ts'
import { createImports, type Imports } from './accounts/imports.ts'
import { createLdapImports, type LdapImports, lastLdapRun } from './accounts/ldap.ts'
import { ldapOutside } from './accounts/ldap-check.ts'
import { tellWhoLeft } from './accounts/leaving.ts'
import { createPhotoMaker } from './accounts/photos.ts'
import { isSignedIn } from './accounts/queries.ts'
import { hasRight } from './accounts/rights.ts'
import { createApp, type ShellDeps } from './app.ts'
import { addAudit, type Doer } from './audit/entries.ts'
import { FAILURES_WINDOW_MS } from './audit/failures.ts'
import { createLooks } from './audit/looks.ts'
import type { BranchId, UserId } from './base/ids.ts'
import type { Millis } from './base/units.ts'
import { HOUR, MINUTE, SECOND } from './base/units.ts'
import {
  branchStates,
  createNames,
  demoChatOf,
  keysState,
  mailOnTheWay,
  renewedNow,
  tracedEvent,
} from './branch-facts.ts'
import type { KeyFiles } from './certificates/keys.ts'
import { blockersOf } from './chat/contacts.ts'
import { forgetGuests } from './chat/forgetting.ts'
import { createHistory } from './chat/older.ts'
import { createPace } from './chat/pace.ts'
import { headPosition } from './chat/queries.ts'
import { createReading } from './chat/reading.ts'
import type { Config } from './config.ts'
import type { Core } from './core.ts'
import type { Db } from './db/open.ts'
import type { DemoLinks } from './demo-links.ts'
import { lastBackup } from './eventlog/backup-marks.ts'
import { isIssuer } from './eventlog/issuers.ts'
import { createErasing } from './jobs/erasing.ts'
import { createPhotoFetching, photoOf } from './jobs/photos.ts'
import type { LanTls } from './lan-tls.ts'
import { hideRecovery, isEmptyAfterRebuild, recoveryState } from './organisation/recovery.ts'
import { createPresence } from './presence/presence.ts'
import { TYPING_SIGNAL } from './presence/signals.ts'
import { createStatuses } from './presence/statuses.ts'
import type { Letter } from './presence/telling.ts'
import { createTyping } from './presence/typing.ts'
import { presenceProps } from './push/presence-pushes.ts'
import { connectPush } from './push/push.ts'
import { Viewers } from './push/viewers.ts'
import { keepCard } from './relay/card.ts'
import type { Relay } from './relay/parts.ts'
import type { SpokenSuites } from './relay/peer-suites.ts'
import { createRelay } from './relay/relay.ts'
import { type Revoked, type Revoking, revokeBranch, revokedBranches } from './relay/revocations.ts'
import type { Visitor } from './web/env.ts'
import type { FrameOf } from './web/frame.ts'
import type { Streams } from './web/sse.ts'
import { every } from './world/clock.ts'
import type { World } from './world/world.ts'
import { createZeroTier } from './zerotier/service.ts'

const VERSION = '0.1.0'

/** Looking through two weeks of mail takes seconds, spread out. */
const PRUNED_EVERY_MS: Millis = 12 * HOUR

/** What is new is told within this time, and then not again for an hour. */
const AUDIT_HEAD_LOOKED_MS: Millis = 10 * MINUTE
/** What stands on a shared terminal stays that much longer at most. */
const LOCKED_EVERY_MS: Millis = 5 * SECOND

/** A signal is of use for a moment; the peer forgets it after that. */
const SIGNAL_TTL_SECONDS = 60

export type Running = {
  app: Hono<Visitor>
  core: Core
  relay: Relay
  imports: Imports
  ldap: LdapImports | undefined
  names(): { organisation: string; branch: string }
  revoke(wish: Revoking): Promise<Revoked>
  stop(): Promise<void>
}

type RunningParts = {
  core: Core
  world: World
  files: KeyFiles
  suites: SpokenSuites
  config: Pick<
    Config,
    | 'guestDays'
    | 'relay'
    | 'peers'
    | 'announce'
    | 'zerotierToken'
    | 'timezone'
    | 'postsPerSecond'
    | 'isSharedTerminal'
    | 'ldap'
  >
  streams: Streams
  shell: Omit<ShellDeps, 'scope' | 'frameOf'>
  /** Absent in tests without a listener. */
  tls?: Pick<LanTls, 'connect'>
  /** Made here, because cookies carry the branch's id. */
  framesFor(scope: ShellDeps['scope'], names: Running['names']): FrameOf
  icons: string
  /** Of the demo only. */
  demo: DemoLinks | undefined
}

/** Builds and starts everything around the core; `stop` takes it down in reverse. */
export async function startRunning(parts: RunningParts): Promise<Running> {
  const { core, world, streams } = parts
  const { store, eventLog, membership } = core
  const { self } = membership
  const storeEpoch = core.epoch.current
  const { clock, log } = world
  const token = parts.config.zerotierToken
  const stack = new AsyncDisposableStack()

  const names = await createNames(store.read, { self, eventLog })
  const homes = await loadHomes(store.read)
  const relay = createRelay({
    world,
    store,
    eventLog,
    kinds: core.branches,
    keys: parts.files,
    isRevoked: core.isRevoked,
    self,
    incarnation: core.incarnation,
    release: VERSION,
    setting: parts.config.relay,
    peers: parts.config.peers,
    suites: parts.suites,
    announce: parts.config.announce,
    blobOf: (file) => photoOf(store.read, file),
  })
  const revoke = (wish: Revoking) => {
    const { append } = eventLog
    const kind = core.branches.branchRevoke
    return revokeBranch({ ...{ store, append, kind, keys: parts.files, self, clock } }, wish)
  }
  const links = () => relay.links()
  const linkOf = (branch: BranchId) => {
    if (branch === self) return undefined
    const link = links().find((one) => one.branch === branch)
    if (!link) return { up: false, since: 0, over: [] }
    const names = links().filter(({ branch: id }) => link.over.includes(id))
    return { up: link.up, since: link.since, over: names.map(({ name }) => name) }
  }
  const linkedBranches = () => links().flatMap((link) => (link.up ? [link.branch] : []))
  const lostSince = (branch: BranchId): Millis | undefined => {
    const link = linkOf(branch)
    return link === undefined || link.up ? undefined : link.since
  }
  const send = (branch: BranchId, { kind, user, body }: Letter) => {
    const key = user ?? world.random.id()
    relay.sendSignal(branch, { kind, key, ttl: SIGNAL_TTL_SECONDS, body })
  }
  const statuses = createStatuses({ store, append: eventLog.append, clock, log })
  const presence = createPresence({
    store,
    self,
    clock,
    log,
    lostSince,
    homeOf: homes.homeOf,
    peopleOf: homes.peopleOf,
    statusOf: statuses.of,
    send,
  })
  const typing = createTyping({
    clock,
    send: (branch, user, body) => send(branch, { kind: TYPING_SIGNAL, user, body }),
  })
  const readerOf = (t: Words): Reader => ({
    ...{ t, timeZone: parts.config.timezone, now: clock.now() },
    ...{ icons: parts.icons, formToken: '' },
  })
  const viewers = new Viewers(storeEpoch, readerOf)
  const reading = createReading({ ...core.chat, log })
  const presenceOf = (user: UserId) => presenceProps(presence.stateOf(user))
  const push = connectPush({
    ...{ self, eventLog, relay, viewers, presence, presenceOf, typing, homes, streams, linkOf },
    ...{ read: store.read, chat: core.chat, head: () => headPosition(store.read), log },
  })
  const photos = createPhotoFetching({
    ...{ store, self, log },
    linkedBranches,
    fetchBlob: (branch, sha256) => relay.fetchBlob(branch, sha256),
    onArrived: push.peopleChanged,
  })

  const imports = createImports({ ...core.accounts, clock, log })
  stack.defer(imports.stop)
  const ldap = createLdap(core, world, parts.config)
  const makePhoto = createPhotoMaker()
  const noteLook = createLooks({ store, clock })
  const { terminals } = core.signIns
  const scope = { branchId: self }
  const frameOf = withHomeNotice(parts.framesFor(scope, names), { self, lostSince })
  const guards = createGuards({ signIns: core.signIns, scope, self })
  const accounts = { ...core.accounts, signIns: core.signIns, guards, frameOf, scope, names }
  const chat = {
    ...{ ...core.chat, guards, frameOf, reading, presenceOf, linkOf },
    read: store.read,
    typing: { ...typing, typistsIn: typing.typistsIn },
    typistsIn: typing.typistsIn,
    idOf: (position: number) => viewers.idOf(position),
    onCommitted: eventLog.onCommitted,
    pace: createPace(world, parts.config.postsPerSecond),
    history: createHistory({ ...core.chat, onCommitted: eventLog.onCommitted }),
    answered: push.answered,
    demoChatOf: parts.demo && demoChatOf(store.read, self),
  }
  const app = createApp({
    ...parts.shell,
    ...{ scope, frameOf, guards, version: VERSION, chat },
    accounts: {
      ...accounts,
      makePhoto,
      isSharedTerminal: parts.config.isSharedTerminal,
      statusOf: statuses.of,
      isRebuilding: () => isEmptyAfterRebuild(store.read, self),
      presenceOf: (user) => presence.stateOf(user),
      hiddenFrom: (viewer) => blockersOf(store.read, viewer),
    },
    status: { guards, frameOf, statuses, clock },
    streams: {
      ...{ guards, streams, viewers, storeEpoch },
      head: () => headPosition(store.read),
      missed: push.missed,
      present: (user) => presence.streamOpened(user),
      isSignedIn: async ({ id, isShared }) =>
        (await isSignedIn(store.read, id)) && (!isShared || terminals.isOpen(id, false)),
    },
    users: {
      ...core.accounts,
      guards,
      frameOf,
      makePhoto,
      lineTo: linkOf,
      imports,
      lastLdapRun: () => ldap && lastLdapRun(store.read),
    },
    branches: {
      ...{ guards, frameOf, clock },
      branchStates: () => branchStates(core, relay),
      mailOnTheWay: () => mailOnTheWay(core),
      trace: (event) => tracedEvent(core, relay, event),
      lastBackup: () => lastBackup(store.read),
      recovery: () => recoveryState(store.read, self),
      hideRecovery: (by) => store.writer.write((tx) => recoveryRead(core, tx, by)),
      noteLook,
      zeroTier: token === undefined ? undefined : createZeroTier(world, token),
      revoked: () => revokedBranches(store.read),
      invite: (wish) => relay.createInvitation(wish),
      revoke,
      keysState: () => keysState(core, relay),
      renewCertificate: (how) => renewedNow(core, relay, how),
      rotateLinkKey: (by) => relay.authority().rotateLinkKey(by),
      nameIssuer: (name, by) => relay.authority().nameIssuer(name, by),
      mayIssue: async (person) =>
        hasRight(person.role, 'organisation') && (await isIssuer(store.read, self)),
    },
    audit: { guards, frameOf, store, self, clock, noteLook },
    reports: {
      ...{ guards, frameOf, read: store.read, chat: core.chat },
      organisation: membership.organisation,
      noteLook,
    },
    isReady: () => true,
    touched: (user) => presence.touched(user),
    demoRoutes: parts.demo?.routes(core),
  })

  const organisation = () => names().organisation
  const tls = await parts.tls?.connect(core, { files: parts.files, organisation })
  if (tls) stack.defer(tls)
  const report = (error: unknown) => log.error('jobs.failed', { error })
  statuses.onChanged((users) => presence.restated(users))
  eventLog.onCommitted(statuses.committed)
  await statuses.start()
  stack.defer(statuses.stop)
  await presence.start()
  stack.defer(() => presence.stop())
  stack.defer(() => reading.flush())
  stack.defer(push.stop)
  stack.defer(() => photos.stop())
  push.onPhotosWanted(photos.look)
  stack.defer(core.epoch.onRenewed(() => streams.closeAll()))
  core.signIns.onEnded(push.signedOut)
  const tellLeft = () => tellWhoLeft(core.accounts)
  core.signIns.onEnded(() => void tellLeft().catch(report))
  terminals.onLocked(({ user, signIn }) =>
    streams.closeOf(user, (stream) => stream.signIn === signIn),
  )
  await relay.start()
  stack.defer(() => relay.stop())
  // A full disk must not keep a branch from stopping.
  stack.defer(() => tellAuditHead(core, { isLast: true }).catch(report))
  photos.look()
  const erasing = createErasing({ store, eventLog, self, clock, log })
  erasing.look()
  stack.defer(erasing.stop)
  stack.defer(
    every(
      clock,
      HOUR,
      async () => erasing.look(),
      (error) => log.error('jobs.failed', { error }),
    ),
  )
  const card = () => keepCard(store.read, { self, keys: parts.files })
  await card()
  stack.defer(every(clock, HOUR, () => core.signIns.removeExpired().then(() => {}), report))
  stack.defer(every(clock, HOUR, tellLeft, report))
  const days = parts.config.guestDays
  const forget = () => forgetGuests({ store, self, clock, days }).then(() => {})
  stack.defer(every(clock, HOUR, forget, report))
  stack.defer(every(clock, HOUR, card, report))
  stack.defer(every(clock, AUDIT_HEAD_LOOKED_MS, () => tellAuditHead(core), report))
  stack.defer(() => core.signIns.flushFailures({ isLast: true }).catch(report))
  stack.defer(every(clock, FAILURES_WINDOW_MS, () => core.signIns.flushFailures(), report))
  stack.defer(every(clock, LOCKED_EVERY_MS, async () => terminals.lockIdle(), report))
  if (ldap) stack.defer(every(clock, HOUR, ldap.nightly, report))
  stack.defer(every(clock, PRUNED_EVERY_MS, () => eventLog.prune().then(() => {}), report))
  log.info('branch.started', { branch: self })
  return { app, core, relay, imports, ldap, names, revoke, stop: () => stack.disposeAsync() }
}

/** The others hear how far the audit log is. */
async function tellAuditHead(
  { store, eventLog, auditHeads }: Core,
  how?: { isLast: boolean },
): Promise<void> {
  await store.writer.write((tx) => auditHeads.tell(tx, eventLog.append, how))
}

async function recoveryRead({ accounts }: Core, tx: Db, by: Doer): Promise<void> {
  await hideRecovery(tx)
  await addAudit(accounts, tx, { action: 'recovery.read', by })
}

/** A guest is told, on every page, when the home branch does not answer. */
function withHomeNotice(
  frameOf: FrameOf,
  of: { self: BranchId; lostSince(branch: BranchId): Millis | undefined },
): FrameOf {
  return (c, more = {}) => {
    const user = c.var.user as { branch?: { id: BranchId; name: string } } | undefined
    const home = user?.branch
    const since = home === undefined || home.id === of.self ? undefined : of.lostSince(home.id)
    if (home === undefined || since === undefined) return frameOf(c, more)
    const notice = { branch: home.name, unreachableSince: since, asOf: since }
    return frameOf(c, { ...more, home: notice })
  }
}

/** Where the setting is: sign-ins ask LDAP first, and people are imported from it every night. */
function createLdap(
  core: Core,
  world: World,
  { ldap: setting, timezone }: Pick<Config, 'ldap' | 'timezone'>,
): LdapImports | undefined {
  if (setting === undefined || world.ldap === undefined) return undefined
  const { clock, log } = world
  const deps = { ...core.accounts, clock, log, setting, ldap: world.ldap(setting) }
  core.signIns.askOutside(ldapOutside(deps))
  const hourOf = (at: Millis) => Number(clockTime(at, timezone).slice(0, 2))
  return createLdapImports({ ...deps, hourOf })
}
