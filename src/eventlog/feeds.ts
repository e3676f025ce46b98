/**
 * Feeds in memory: where each stands (head, chain) and the key of its bodies. Owns table `feed`. Our own feeds are
 * opened when the first event needs them; others are read when a batch of theirs comes.
 */
import { concat, fromHex } from '../base/bytes.ts'
import type { BranchId, FeedId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import { prepared } from '../db/prepared.ts'
import type { Branches } from './branches.ts'
import type { Changes } from './changes.ts'
import type { FeedN } from './log.ts'
import type { LogClock } from './log-clock.ts'
import type { Opening, Scope } from './opening.ts'
import { encodeOpening, FEED_KEY_BYTES, feedIdOf, firstChainOf, OPENING_DOMAIN } from './opening.ts'
import type { LogParts } from './parts.ts'

/** Whom a feed of ours is for; `self`: events that concern nobody else. */
export type Destination = 'all' | 'self' | BranchId

/** An event appended in this transaction and not yet in a signed batch. */
export type Unsigned = { header: Uint8Array; wireBytes: number; prevChain: Uint8Array }

export type Feed = {
  n: FeedN
  id: FeedId
  idBytes: Uint8Array
  origin: BranchId
  scope: Scope
  destination: BranchId | null
  /** What its bodies are sealed with; null when they are not. */
  key: Uint8Array | null
  head: number
  chain: Uint8Array
  /** Who brought the newest of it, where that was not its origin. */
  via: BranchId | null
  unsigned: Unsigned[]
  /** Of records: the last seq that nobody must wait for behind mail. */
  urgentTo: number
}

export type Feeds = {
  /** Our feed of this boot for `destination`; opened when there is none. */
  own(tx: Db, destination: Destination): Promise<Feed>
  /** Our feeds of this boot. */
  owned(): Iterable<Feed>
  find(tx: Db, id: FeedId): Promise<Feed | undefined>
  insert(tx: Db, opened: Opened): Promise<Feed>
  /** Moves a feed on, taken back with the transaction. */
  advance(feed: Feed, head: number, chain: Uint8Array, via?: BranchId | null): void
  /** Notes that what stands at its head is urgent. */
  urge(feed: Feed): void
  /** Writes head, chain and way as they are now. */
  keep(tx: Db, feed: Feed): Promise<void>
}

type Opened = { opening: Opening; bytes: Uint8Array; key: Uint8Array | null }

/** Feeds of others kept in memory: two per branch and boot are in use at a time. */
const FEEDS_KEPT_MAX = 1000

const COLUMNS = [
  'n',
  'id',
  'origin',
  'scope',
  'destination',
  'bodyKey',
  'head',
  'chain',
  'via',
  'urgentTo',
] as const

type KeptColumn = 'n' | 'head' | 'chain' | 'via' | 'urgentTo'
const keepHead = prepared<Pick<Feed, KeptColumn>, unknown>((db, value) =>
  db
    .updateTable('feed')
    .set({ head: value('head'), chain: value('chain'), batched: value('head'), via: value('via') })
    .set({ urgentTo: value('urgentTo') })
    .where('n', '=', value('n')),
)

type Parts = Pick<LogParts, 'self' | 'incarnation' | 'sign' | 'sealKey' | 'random'> & {
  branches: Branches
  changes: Changes
  logClock: LogClock
}

/** An empty memory of feeds over table `feed`. */
export function createFeeds(parts: Parts): Feeds {
  const { changes } = parts
  const own = new Map<Destination, Feed>()
  const kept = new Map<FeedId, Feed>()

  const keepInMemory = (feed: Feed) => {
    if (kept.size >= FEEDS_KEPT_MAX) kept.clear()
    kept.set(feed.id, feed)
    changes.undoWith(() => kept.delete(feed.id))
    return feed
  }
  const insert = async (tx: Db, { opening, bytes, key }: Opened) => {
    const row = {
      id: feedIdOf(bytes),
      origin: opening.origin,
      scope: opening.scope,
      destination: opening.destination ?? null,
      bodyKey: key,
      head: 0,
      chain: firstChainOf(bytes),
      via: null,
      urgentTo: 0,
    }
    const rest = { opening: bytes, openedAt: opening.openedAt, floor: 0, batched: 0 }
    const { n } = await tx
      .insertInto('feed')
      .values({ ...row, ...rest, incarnation: opening.incarnation })
      .returning('n')
      .executeTakeFirstOrThrow()
    return keepInMemory(feedOf({ ...row, n }))
  }
  return {
    insert,
    owned: () => own.values(),
    async own(tx, destination) {
      const found = own.get(destination)
      if (found) return found
      const feed = await insert(tx, await openOwn(parts, tx, destination))
      own.set(destination, feed)
      changes.undoWith(() => own.delete(destination))
      return feed
    },
    async find(tx, id) {
      const found = kept.get(id)
      if (found) return found
      const row = await tx
        .selectFrom('feed')
        .select(COLUMNS)
        .where('id', '=', id)
        .executeTakeFirst()
      return row === undefined ? undefined : keepInMemory(feedOf(row))
    },
    advance(feed, head, chain, via = null) {
      const before = { head: feed.head, chain: feed.chain, via: feed.via }
      Object.assign(feed, { head, chain, via })
      changes.undoWith(() => Object.assign(feed, before))
    },
    urge(feed) {
      const { n: feedN, urgentTo: before, head } = feed
      if (feed.scope !== 'all') return
      feed.urgentTo = head
      changes.urgent({ feedN, upTo: head })
      changes.undoWith(() => {
        feed.urgentTo = before
      })
    },
    async keep(tx, { n, head, chain, via, urgentTo }) {
      await keepHead(tx, { n, head, chain, via, urgentTo })
    },
  }
}

type Row = Omit<Feed, 'idBytes' | 'key' | 'unsigned'> & { bodyKey: Uint8Array | null }

function feedOf({ bodyKey, ...row }: Row): Feed {
  return { ...row, idBytes: fromHex(row.id), key: bodyKey, unsigned: [] }
}

async function openOwn(parts: Parts, tx: Db, destination: Destination): Promise<Opened> {
  const { self, incarnation, branches, sealKey, random, sign, logClock } = parts
  const openedAt = logClock.next()
  const finish = (opening: Opening, key: Uint8Array | null): Opened => {
    const unsigned = encodeOpening(opening)
    return { opening, bytes: concat(unsigned, sign(OPENING_DOMAIN, unsigned)), key }
  }
  const common = { origin: self, incarnation, openedAt }
  if (destination === 'all' || destination === 'self') {
    const scope: Scope = destination === 'all' ? 'all' : 'self'
    return finish({ ...common, scope, destination: undefined, sealed: undefined }, null)
  }
  const key = random.bytes(FEED_KEY_BYTES)
  const sealed = {
    destination: sealKey(await branches.boxKeyOf(tx, destination), key),
    origin: sealKey(await branches.boxKeyOf(tx, self), key),
  }
  return finish({ ...common, scope: 'to', destination, sealed }, key)
}
