/**
 * Writing our own events: into `event` once, into the feed of each branch it goes to, and into the tables by the
 * kind's own `apply`, all in the caller's transaction. Signing waits for the commit (batches.ts).
 */
import { fromHex } from '../base/bytes.ts'
import { AppError } from '../base/errors.ts'
import type { BranchId, EventId } from '../base/ids.ts'
import { timedId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import type { Branches } from './branches.ts'
import type { Changes } from './changes.ts'
import { insertEntry, insertEvent } from './entries.ts'
import type { Append, Audience, Draft, EventKind, Forward, LoggedEvent } from './events.ts'
import { Parked } from './events.ts'
import type { Destination, Feed, Feeds } from './feeds.ts'
import {
  BODY_BYTES_MAX,
  decodeEventHeader,
  encodeEventHeader,
  nextChain,
  plainBodyOf,
  SALT_BYTES,
  sha256,
  TAG_BYTES,
} from './format.ts'
import type { LogClock } from './log-clock.ts'
import type { LogParts } from './parts.ts'

/** n_to is one byte. */
const BRANCHES_NAMED_MAX = 255

type Parts = Pick<LogParts, 'self' | 'clock' | 'random'> & {
  branches: Branches
  changes: Changes
  feeds: Feeds
  logClock: LogClock
}

/** An event as it goes into a feed. */
type Entry = {
  position: number
  header: Uint8Array
  /** Bytes of salt and body. */
  plainBytes: number
}

/** Puts an event at the end of one of our feeds; its batch is signed before the commit. */
export async function appendEntry(
  parts: Pick<Parts, 'feeds' | 'changes'>,
  tx: Db,
  { destination, entry }: { destination: Destination; entry: Entry },
): Promise<Feed> {
  const feed = await parts.feeds.own(tx, destination)
  const seq = feed.head + 1
  await insertEntry(tx, { feedN: feed.n, seq, position: entry.position })
  const sealedBytes = entry.plainBytes + (feed.key === null ? 0 : TAG_BYTES)
  const wireBytes = entry.header.length + 4 + sealedBytes
  feed.unsigned.push({ header: entry.header, wireBytes, prevChain: feed.chain })
  parts.changes.undoWith(() => feed.unsigned.pop())
  parts.feeds.advance(feed, seq, nextChain(feed.chain, entry.header))
  parts.changes.grew(feed.n)
  return feed
}

/** The log's `forward`. */
export function createForward(parts: Pick<Parts, 'feeds' | 'changes'>): Forward {
  return async (tx, position, destination) => {
    const query = tx.selectFrom('event').where('position', '=', position).select('header')
    const { header } = await query.executeTakeFirstOrThrow()
    const plainBytes = decodeEventHeader(header).bodyBytes + SALT_BYTES
    await appendEntry(parts, tx, { destination, entry: { position, header, plainBytes } })
  }
}

/** The log's `append`. */
export function createAppend(parts: Parts): Append {
  return async <Body>(tx: Db, draft: Draft<Body>) => {
    const { kind } = draft
    if ((draft.to === 'all') !== (kind.scope === 'all')) {
      throw new Error(`${kind.name} is for the scope "${kind.scope}"`)
    }
    const to = othersIn(draft.to, parts.self)
    const { event, entry } = await storeOwn(parts, tx, { draft, to })
    const destinations =
      draft.to === 'all' ? ['all' as const] : to.length > 0 ? to : ['self' as const]
    for (const destination of destinations) {
      const feed = await appendEntry(parts, tx, { destination, entry })
      if (kind.isUrgent?.(event.body)) parts.feeds.urge(feed)
    }
    const reason = await refusalOf(kind, tx, event)
    // Every other branch would refuse it for good: then it must not exist.
    if (reason !== undefined) {
      throw new AppError('forbidden', `This branch may not write ${kind.name}: ${reason}`)
    }
    await kind.apply(tx, event)
    parts.changes.applied(event)
    return event
  }
}

/** What would wait at every branch until something allows it must not be written before. */
async function refusalOf<Body>(
  kind: EventKind<Body>,
  tx: Db,
  event: LoggedEvent<Body>,
): Promise<string | undefined> {
  try {
    return await kind.refusal(tx, event)
  } catch (error) {
    if (error instanceof Parked) return error.reason
    throw error
  }
}

function othersIn(audience: Audience, self: BranchId): BranchId[] {
  if (audience === 'all') return []
  const others = [...new Set(audience)].filter((branch) => branch !== self).sort()
  if (others.length > BRANCHES_NAMED_MAX) throw new AppError('too-large', 'Too many branches')
  return others
}

async function storeOwn<Body>(
  { self, clock, random, branches, logClock }: Parts,
  tx: Db,
  { draft, to }: { draft: Draft<Body>; to: BranchId[] },
): Promise<{ event: LoggedEvent<Body>; entry: Entry }> {
  const json = JSON.stringify(draft.body)
  const plain = plainBodyOf(fromHex(random.id()), json)
  const bodyBytes = plain.length - SALT_BYTES
  if (bodyBytes > BODY_BYTES_MAX) throw new AppError('too-large', 'The event is too large')
  const own = await branches.find(tx, self)
  if (own === undefined) throw new Error('This branch has no identity yet')
  const { kind } = draft
  // What is applied here is exactly what the others will read.
  const body = kind.parse(JSON.parse(json))
  const hlc = logClock.next()
  const id = draft.id ?? (timedId(clock.now(), random.id()) as EventId)
  const bodyHash = sha256(plain)
  const header = encodeEventHeader({ id, kind: kind.code, to, hlc, bodyBytes, bodyHash })
  const arrivedAt = clock.now()
  const conversationId = kind.conversationOf?.(body)
  const position = await insertEvent(tx, {
    originN: own.n,
    id: fromHex(id),
    kind: kind.code,
    hlc,
    arrivedAt,
    header,
    body: plain,
    conversationId: conversationId ?? null,
    state: 'applied',
    reason: null,
  })
  if (position === undefined) throw new AppError('conflict', 'An event with this id exists')
  const event = { position, id, origin: self, kind: kind.name, body, hlc, arrivedAt, to }
  return {
    event: { ...event, conversationId },
    entry: { position, header, plainBytes: plain.length },
  }
}
