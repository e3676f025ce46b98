/** Small facts about a branch that pages and commands ask for: names, states of links, where the demo begins. */
import type { BranchState, MailOnTheWay } from './admin/branches.ts'
import type { KeysState, NamedOutcome } from './admin/keys.ts'
import type { NamedTrace } from './admin/trace.ts'
import { addAudit, type Doer } from './audit/entries.ts'
import { millisOf } from './base/hlc.ts'
import type { BranchId, EventId, UserId } from './base/ids.ts'
import { isoTime, type Millis } from './base/units.ts'
import { directIdOf } from './chat/ids.ts'
import type { Core } from './core.ts'
import type { Db } from './db/open.ts'
import { carriedFor } from './eventlog/carrying.ts'
import type { EventLog } from './eventlog/log.ts'
import { missing } from './eventlog/reports.ts'
import { traceOf } from './eventlog/trace.ts'
import { namesOf } from './organisation/membership.ts'
import { hideRecovery } from './organisation/recovery.ts'
import { findChain } from './relay/credentials.ts'
import { issuingBranches } from './relay/issuers.ts'
import type { Relay } from './relay/parts.ts'
import type { FrameOf } from './web/frame.ts'

type Names = { organisation: string; branch: string }

/** Names for pages, kept in memory and read again when their records change. */
export async function createNames(
  db: Db,
  { self, eventLog }: { self: BranchId; eventLog: Pick<EventLog, 'onCommitted'> },
): Promise<() => Names> {
  let names = await namesOf(db, self)
  eventLog.onCommitted((events) => {
    const isNews = events.some(
      ({ kind }) => kind === 'organisation.put' || kind === 'branch.identity',
    )
    if (!isNews) return
    void namesOf(db, self).then((fresh) => {
      names = fresh
    })
  })
  return () => names
}

/** All branches with the state of their links, our own first. */
export async function branchStates(core: Core, relay: Relay): Promise<BranchState[]> {
  const { self } = core.membership
  const { branch } = await namesOf(core.store.read, self)
  const listening = relay.listening()
  const own: BranchState = {
    ...{ id: self, name: branch, isSelf: true, up: true, since: undefined, outbox: 0 },
    address: listening.address,
    lastError: listening.lastError,
    clockProblem: relay.clockProblem(),
    ...{ bytesIn: 0, bytesOut: 0, clockOffsetMs: undefined, certificateNotAfter: undefined },
    over: [],
    suite: undefined,
    announced: undefined,
  }
  const links = relay.links()
  const others = links.map(async (link): Promise<BranchState> => {
    return {
      ...{ id: link.branch, name: link.name, isSelf: false, up: link.up },
      since: link.since === 0 ? undefined : link.since,
      ...{ address: link.address, lastError: link.lastError, clockProblem: link.clockProblem },
      outbox: await core.eventLog.outboxOf(link.branch),
      ...{ bytesIn: link.bytesIn, bytesOut: link.bytesOut, clockOffsetMs: link.clockOffsetMs },
      ...{ certificateNotAfter: link.certificateNotAfter, announced: link.announced },
      over: links.filter((each) => link.over.includes(each.branch)).map(({ name }) => name),
      suite: link.suite,
    }
  })
  return [own, ...(await Promise.all(others))]
}

/** What is known here of certificates and keys. */
export async function keysState({ store }: Core, relay: Relay): Promise<KeysState> {
  const authority = relay.authority()
  const own = await findChain(store.read)
  return {
    certificateUntil: own?.link.notAfter,
    isLate: authority.isRenewalLate,
    issuing: await issuingBranches(store.read),
    hasRoot: authority.hasRoot,
    linkKey: authority.linkKey,
  }
}

/** Asks for a new certificate now, and says what came of it; branches by name. */
export async function renewedNow(
  { store, accounts }: Core,
  relay: Relay,
  { by, ...how }: { newKey: boolean; by?: Doer | undefined },
): Promise<NamedOutcome> {
  const before = (await findChain(store.read))?.link.notAfter
  const outcome = await relay.authority().renewCertificate(how)
  // Another branch is asked meanwhile: no transaction holds both.
  await store.writer.write((tx) =>
    addAudit(accounts, tx, {
      ...{ action: 'certificate.renewed', by },
      before: before === undefined ? {} : { until: isoTime(before) },
      after: {
        ...(outcome.kind === 'renewed' ? { until: isoTime(outcome.notAfter) } : {}),
        ...{ outcome: outcome.kind, newKey: how.newKey },
      },
    }),
  )
  if (outcome.kind === 'nobody') return outcome
  const nameOf = await branchNames(store.read)
  return { ...outcome, by: nameOf(outcome.by) }
}

/** What goes by way of others: carried here, and kept back from us. */
export async function mailOnTheWay({ store, membership }: Core): Promise<MailOnTheWay> {
  const nameOf = await branchNames(store.read)
  const carried = await carriedFor(store.read, membership.self)
  const kept = await missing(store.read, membership.self)
  return {
    carried: carried.map(({ origin, destination, ...rest }) => {
      return { from: nameOf(origin), to: nameOf(destination), ...rest }
    }),
    missing: kept.map(({ origin, events, since }) => {
      return { from: nameOf(origin), events, since: millisOf(since) }
    }),
  }
}

/** What is known here of an event, with branches by name; undefined: it never came here. */
export async function tracedEvent(
  { store, membership, eventLog }: Core,
  relay: Relay,
  id: string,
): Promise<NamedTrace | undefined> {
  const { self } = membership
  const found = await traceOf(store.read, { self, event: id as EventId })
  if (found === undefined) return undefined
  const { kind, origin, hlc, reason, broughtBy, ways, refusals, ...facts } = found
  const nameOf = await branchNames(store.read)
  const links = new Map(relay.links().map((link) => [link.branch, link]))
  return {
    ...facts,
    kind: eventLog.kindName(kind) ?? `0x${kind.toString(16).padStart(4, '0')}`,
    origin: nameOf(origin),
    writtenAt: millisOf(hlc),
    isOwn: origin === self,
    reason: reason ?? undefined,
    broughtBy: broughtBy === null ? undefined : nameOf(broughtBy),
    ways: ways.map(({ to, way }) => {
      const refusal = refusals.find(({ by }) => by === to)
      if (refusal) {
        const { at, reason: why } = refusal
        return { to: nameOf(to), state: 'refused' as const, at, reason: why }
      }
      if (way.state === 'stored') {
        return { ...way, to: nameOf(to), via: way.via === null ? undefined : nameOf(way.via) }
      }
      const link = links.get(to)
      const downSince = link?.up === false && link.since > 0 ? link.since : undefined
      return { ...way, to: nameOf(to), carriers: way.carriers.map(nameOf), downSince }
    }),
  }
}

async function branchNames(db: Db): Promise<(branch: BranchId) => string> {
  const rows = await db.selectFrom('branch').select(['id', 'name']).execute()
  const names = new Map<string, string>(rows.map(({ id, name }) => [id, name]))
  return (branch) => names.get(branch) ?? branch
}

/** The address of the chat with Olena: the first of the demo's five steps. */
export function demoChatOf(db: Db, self: BranchId) {
  return async (viewer: UserId): Promise<string | undefined> => {
    const olena = await db
      .selectFrom('user')
      .select('id')
      .where('login', '=', 'olena')
      .where('home', '!=', self)
      .executeTakeFirst()
    if (!olena || olena.id === viewer) return undefined
    const chat = directIdOf(viewer, olena.id)
    const known = await db
      .selectFrom('membership')
      .select('userId')
      .where('conversationId', '=', chat)
      .where('userId', '=', viewer)
      .executeTakeFirst()
    return known ? `/chats/${chat}` : '/people/add?q=olena'
  }
}

/** The others hear how far the audit log is. */
export async function tellAuditHead(
  { store, eventLog, auditHeads }: Core,
  how?: { isLast: boolean },
): Promise<void> {
  await store.writer.write((tx) => auditHeads.tell(tx, eventLog.append, how))
}

/** A person has read that the branch was put back or rebuilt. */
export async function recoveryRead({ accounts }: Core, tx: Db, by: Doer): Promise<void> {
  await hideRecovery(tx)
  await addAudit(accounts, tx, { action: 'recovery.read', by })
}

/** A guest is told, on every page, when the home branch does not answer. */
export function withHomeNotice(
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
