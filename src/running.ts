/**
 * A branch at work: everything around its core, built in order and stopped in reverse. Read it as the table of
 * contents of the server.
 */
import type { Hono } from 'hono'
import { clockTime } from '../views/language/times.ts'
import type { Words } from '../views/language/words.ts'
import type { Reader } from '../views/parts.ts'
import { createGuards } from './accounts/guard.ts'
import { connectHomeAsking } from './accounts/home-asking.ts'
import { loadHomes } from './accounts/homes.ts'
import { createImports, type Imports } from './accounts/imports.ts'
import { createLdapImports, type LdapImports, lastLdapRun } from './accounts/ldap.ts'
import { ldapOutside } from './accounts/ldap-check.ts'
import { createLdapFactors } from './accounts/ldap-factor.ts'
import { createLeaving } from './accounts/leaving.ts'
import { createPhotoMaker } from './accounts/photos.ts'
import { isSignedIn } from './accounts/queries.ts'
import { hasRight } from './accounts/rights.ts'
import { createApp, type ShellDeps } from './app.ts'
import { FAILURES_WINDOW_MS } from './audit/failures.ts'
import { createLooks } from './audit/looks.ts'
import type { BlobId, BranchId, UserId } from './base/ids.ts'
import type { Millis } from './base/units.ts'
import { HOUR, MIB, MINUTE, SECOND } from './base/units.ts'
import {
  branchStates,
  createNames,
  demoChatOf,
  keysState,
  mailOnTheWay,
  recoveryRead,
  renewedNow,
  tellAuditHead,
  tracedEvent,
  withHomeNotice,
} from './branch-facts.ts'
import type { KeyFiles } from './certificates/keys.ts'
import { blockersOf } from './chat/contacts.ts'
import { forgetGuests } from './chat/forgetting.ts'
import { createHistory } from './chat/older.ts'
import { createPace } from './chat/pace.ts'
import type { PostBody } from './chat/posts.ts'
import { headPosition } from './chat/queries.ts'
import { createReading } from './chat/reading.ts'
import type { Config } from './config.ts'
import type { FilePolicySettings } from './config-file-policies.ts'
import type { Core } from './core.ts'
import type { DemoLinks } from './demo-links.ts'
import { lastBackup } from './eventlog/backup-marks.ts'
import type { LoggedEvent } from './eventlog/events.ts'
import { isIssuer } from './eventlog/issuers.ts'
import { startFileKeeping } from './file-keeping.ts'
import { givenPart } from './files/blobs.ts'
import { createFetching } from './files/fetching.ts'
import { createFiles } from './files/files.ts'
import { createGiving } from './files/giving.ts'
import { fileRateBy, isWithin } from './files/hours.ts'
import type { Keeping } from './files/keeping.ts'
import { fileMoves } from './files/moves.ts'
import { createPictures, describing } from './files/pictures.ts'
import { createErasing } from './jobs/erasing.ts'
import { createPhotoFetching, photoOf } from './jobs/photos.ts'
import type { LanTls } from './lan-tls.ts'
import { isEmptyAfterRebuild, recoveryState } from './organisation/recovery.ts'
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

/** Who came and went often is said to have left by then. */
const LEFT_TOLD_EVERY_MS: Millis = 10 * MINUTE

/** A signal is of use for a moment; the peer forgets it after that. */
const SIGNAL_TTL_SECONDS = 60

export type Running = {
  app: Hono<Visitor>
  core: Core
  relay: Relay
  imports: Imports
  keeping: Keeping
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
    | 'carry'
    | 'files'
  > &
    FilePolicySettings
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
  const { rate, hours, ahead } = parts.config.files
  const minuteOf = (at: Millis) => {
    const [hours = 0, minutes = 0] = clockTime(at, parts.config.timezone).split(':').map(Number)
    return hours * 60 + minutes
  }
  const nameOf = (id: BranchId) => links().find(({ branch }) => branch === id)?.name ?? ''
  const giving = createGiving({ clock, nameOf })
  stack.defer(giving.stop)
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
    blobOf: async (file, index, to) =>
      (index === 0 ? await photoOf(store.read, file) : undefined) ??
      (await givenPart(
        { ...{ read: store.read, disk: world.blobDisk }, onChunk: (of) => giving.given(to, of) },
        { blob: file as BlobId, index },
      )),
    fileRate: fileRateBy({ rate, hours }, minuteOf),
    passesOn: parts.config.carry > 0,
  })
  const fetching = createFetching({
    ...{ store, disk: world.blobDisk, clock, self, log, links: relay.files },
    onLinks: (fn) => relay.onLinks(fn),
    sizeMax: () => parts.config.fileSize * MIB,
    isAhead: (now) => ahead !== undefined && isWithin(ahead, minuteOf(now)),
  })
  const moves = fileMoves(fetching, giving)
  eventLog.onCommitted((events) => {
    const { msgPost } = core.chat.kinds
    const hasFiles = ({ kind, body }: LoggedEvent) =>
      kind === msgPost.name && (body as PostBody).files !== undefined
    if (events.some(hasFiles)) fetching.look()
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
    moves,
    ...{ read: store.read, chat: core.chat, head: () => headPosition(store.read), log },
  })
  const photos = createPhotoFetching({
    ...{ store, self, log },
    linkedBranches,
    fetchBlob: (branch, sha256) => relay.fetchBlob(branch, sha256),
    onArrived: push.peopleChanged,
  })

  const report = (error: unknown) => log.error('jobs.failed', { error })
  const {
    policy,
    keeping,
    stop: stopKeeping,
  } = await startFileKeeping({
    ...{ core, world, settings: parts.config },
    onVerdict: moves.told,
    onMissing: (blob) => void fetching.want(blob).catch(report),
  })
  stack.defer(
    fetching.onProgress((blob) => {
      if (fetching.stateOf(blob) === undefined) keeping.arrived()
    }),
  )
  stack.defer(stopKeeping)
  const imports = createImports({ ...core.accounts, clock, log })
  stack.defer(imports.stop)
  const ldap = createLdap(core, world, parts)
  const makePhoto = createPhotoMaker()
  const noteLook = createLooks({ store, clock })
  const { terminals } = core.signIns
  const scope = { branchId: self }
  const frameOf = withHomeNotice(parts.framesFor(scope, names), { self, lostSince })
  const guards = createGuards({ signIns: core.signIns, scope, self })
  const accounts = { ...core.accounts, signIns: core.signIns, guards, frameOf, scope, names }
  const chat = {
    ...{ ...core.chat, guards, frameOf, reading, presenceOf, linkOf },
    moveOf: moves.moveOf,
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
  const pictures = createPictures({ clock, log })
  stack.defer(pictures.close)
  const files = createFiles({
    ...{ store, disk: world.blobDisk, clock, random: world.random, log },
    describe: describing(pictures),
    demandAllowed: policy.demandAllowed,
    onWhole: keeping.arrived,
    sizeMax: async () => policy.sizeMax,
  })
  stack.defer(files.close)
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
    files: {
      ...{ ...chat, files, sizeMax: async () => policy.sizeMax, want: fetching.want },
      limits: policy.limits,
      serving: { read: store.read, disk: world.blobDisk, log, onDamaged: keeping.damaged },
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
    fileAdmin: {
      ...{ ...core.accounts, guards, frameOf, chat: core.chat },
      scannerAwaySince: keeping.scannerAwaySince,
      rescan: keeping.arrived,
      free: () => world.blobDisk.free(),
      waitingForRoom: fetching.waitingForRoom,
    },
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
  stack.defer(connectHomeAsking({ ...core, relay, self, clock, random: world.random, log }))
  const tellLeft = createLeaving(core.accounts)
  core.signIns.onEnded(() => void tellLeft().catch(report))
  terminals.onLocked(({ user, signIn }) =>
    streams.closeOf(user, (stream) => stream.signIn === signIn),
  )
  await relay.start()
  stack.defer(() => relay.stop())
  fetching.start()
  stack.defer(fetching.stop)
  // A full disk must not keep a branch from stopping.
  stack.defer(() => tellAuditHead(core, { isLast: true }).catch(report))
  photos.look()
  const erasing = createErasing({ store, eventLog, self, clock, log })
  erasing.look()
  stack.defer(erasing.stop)
  const card = () => keepCard(store.read, { self, keys: parts.files })
  await card()
  const days = parts.config.guestDays
  const periodic: [ms: Millis, run: () => unknown][] = [
    [HOUR, erasing.look],
    [HOUR, () => core.signIns.removeExpired()],
    [HOUR, () => forgetGuests({ store, self, clock, days })],
    [HOUR, card],
    [MINUTE, () => eventLog.askForBodies()],
    [LEFT_TOLD_EVERY_MS, tellLeft],
    [AUDIT_HEAD_LOOKED_MS, () => tellAuditHead(core)],
    [FAILURES_WINDOW_MS, () => core.signIns.flushFailures()],
    [LOCKED_EVERY_MS, () => terminals.lockIdle()],
    [PRUNED_EVERY_MS, () => eventLog.prune()],
    ...(ldap ? [[HOUR, ldap.nightly] satisfies [Millis, () => unknown]] : []),
  ]
  stack.defer(() => core.signIns.flushFailures({ isLast: true }).catch(report))
  for (const [ms, run] of periodic)
    stack.defer(every(clock, ms, async () => void (await run()), report))
  log.info('branch.started', { branch: self })
  const stop = () => stack.disposeAsync()
  return { app, core, relay, imports, keeping, ldap, names, revoke, stop }
}

/** Where the setting is: sign-ins ask LDAP first, and people are imported from it every night. */
function createLdap(
  core: Core,
  world: World,
  { config: { ldap: setting, timezone }, files }: Pick<RunningParts, 'config' | 'files'>,
): LdapImports | undefined {
  if (setting === undefined || world.ldap === undefined) return undefined
  const { clock, log } = world
  const secret = files.findBranchKeys()?.sign.secretKey
  if (secret === undefined) return undefined
  const factors = createLdapFactors(core.accounts, secret)
  const deps = { ...core.accounts, clock, log, setting, ldap: world.ldap(setting), factors }
  core.signIns.askOutside(ldapOutside(deps))
  const hourOf = (at: Millis) => Number(clockTime(at, timezone).slice(0, 2))
  return createLdapImports({ ...deps, hourOf })
}
