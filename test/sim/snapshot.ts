/** What stands in one branch's database, read for the checkers. */
import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import type { BranchId, ConversationId, FeedId, UserId } from '../../src/base/ids.ts'
import type { Millis } from '../../src/base/units.ts'
import { isShownTo } from '../../src/chat/visible.ts'
import type { Db } from '../../src/db/open.ts'
import type { Office } from './office.ts'

export type Snapshot = Awaited<ReturnType<typeof snapshotOf>>

/** A body lies behind 16 bytes of salt. */
const SALT_BYTES = 16

/** Reads a running branch. */
export async function snapshotOf(office: Office) {
  const { core, store } = office.at
  const db = store.read
  return {
    name: office.name,
    self: core.membership.self,
    wasRestored: office.machine.wasRestored,
    feeds: await feedsOf(db, core.membership.self),
    carried: await carriedOf(db, core.membership.self),
    acks: await acksOf(db),
    events: await eventsOf(db),
    refusals: await db
      .selectFrom('refusal as r')
      .innerJoin('event as e', 'e.position', 'r.position')
      .select(['r.position', 'r.branchId', 'r.reason', 'e.kind'])
      .execute(),
    messages: await messagesOf(db),
    users: await db.selectFrom('user').select(['id', 'home', 'rev']).orderBy('id').execute(),
    conversations: await conversationsOf(db),
    directory: await directoryOf(db),
    own: await ownRecordsOf(db, office.at.life.world.clock.now()),
    isFilling: false,
  }
}

export type Acks = Pick<Snapshot, 'name' | 'self' | 'acks'> & {
  feeds: readonly { id: FeedId; head: number }[]
  /** An old copy was put back, and what it lacks is still coming. */
  isFilling: boolean
}

/** What I5 needs: looked at again and again while a run goes on. */
export async function acksAndHeads(office: Office): Promise<Acks> {
  const { core, store } = office.at
  const feeds = await store.read.selectFrom('feed').select(['id', 'head']).orderBy('n').execute()
  const acks = await acksOf(store.read)
  const isFilling = office.machine.wasRestored
  return { name: office.name, self: core.membership.self, feeds, acks, isFilling }
}

/** Mail between two others. */
async function carriedOf(db: Db, self: BranchId) {
  const feeds = await db
    .selectFrom('feed')
    .where('scope', '=', 'to')
    .where('origin', '!=', self)
    .where('destination', '!=', self)
    .select(['n', 'id', 'origin', 'destination', 'floor', 'head', 'bodyKey', 'carriedBytes'])
    .orderBy('n')
    .execute()
  const found = []
  for (const feed of feeds) {
    const batches = await db
      .selectFrom('carried_batch')
      .where('feedN', '=', feed.n)
      .select(['firstSeq', 'count', 'bytes'])
      .orderBy('firstSeq')
      .execute()
    const entries = await db
      .selectFrom('feed_entry')
      .where('feedN', '=', feed.n)
      .select('seq')
      .execute()
    found.push({ ...feed, batches, entries: entries.length })
  }
  return found
}

async function feedsOf(db: Db, self: BranchId) {
  const feeds = await db
    .selectFrom('feed')
    .where((eb) =>
      eb.or([eb('scope', '!=', 'to'), eb('origin', '=', self), eb('destination', '=', self)]),
    )
    .select(['n', 'id', 'origin', 'incarnation', 'scope', 'destination', 'head', 'batched', 'via'])
    .orderBy('n')
    .execute()
  const entries = await db
    .selectFrom('feed_entry as fe')
    .innerJoin('event as e', 'e.position', 'fe.position')
    .select(['fe.feedN', 'fe.seq', 'e.header'])
    .orderBy('fe.feedN')
    .orderBy('fe.seq')
    .execute()
  const batches = await db
    .selectFrom('batch')
    .select(['feedN', 'firstSeq', 'count'])
    .orderBy('feedN')
    .orderBy('firstSeq')
    .execute()
  const entriesBy = Map.groupBy(entries, ({ feedN }) => feedN)
  const batchesBy = Map.groupBy(batches, ({ feedN }) => feedN)
  return feeds.map((feed) => {
    const own = entriesBy.get(feed.n) ?? []
    return {
      ...feed,
      seqs: own.map(({ seq }) => seq),
      entries: own.map(({ seq, header }) => ({ seq, value: hashOf(header) })),
      batches: batchesBy.get(feed.n) ?? [],
    }
  })
}

const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex').slice(0, 16)

/** What branches said of what is for them; a carrier's word is no promise. */
function acksOf(db: Db): Promise<{ feed: FeedId; branch: BranchId; durable: number }[]> {
  return db
    .selectFrom('peer_ack as a')
    .innerJoin('feed as f', 'f.n', 'a.feedN')
    .where((eb) =>
      eb.or([eb('f.scope', '!=', 'to'), eb('f.destination', '=', eb.ref('a.branchId'))]),
    )
    .select(['f.id as feed', 'a.branchId as branch', 'a.durable'])
    .orderBy('f.n')
    .orderBy('a.branchId')
    .execute()
}

async function eventsOf(db: Db) {
  const rows = await db
    .selectFrom('event as e')
    .innerJoin('branch as b', 'b.n', 'e.originN')
    .select(['e.position', 'b.id as origin', 'e.kind', 'e.state', 'e.reason', 'e.body'])
    .orderBy('e.position')
    .execute()
  return rows.map(({ body, ...rest }) => ({ ...rest, body: jsonOf(body) }))
}

function jsonOf(body: Uint8Array | null): Record<string, unknown> {
  return body ? JSON.parse(Buffer.from(body.subarray(SALT_BYTES)).toString()) : {}
}

function messagesOf(db: Db) {
  return db
    .selectFrom('message as m')
    .innerJoin('event as e', 'e.position', 'm.position')
    .select(['m.position', 'm.id', 'm.conversationId as conversation', 'm.origin', 'm.body'])
    .select('e.hlc')
    .orderBy('m.position')
    .execute()
}

async function conversationsOf(db: Db) {
  const chats = await db
    .selectFrom('conversation')
    .select(['id', 'kind', 'title', 'home', 'term', 'rev', 'hlc', 'createdAt'])
    .orderBy('id')
    .execute()
  const rows = await db
    .selectFrom('membership')
    .select(['conversationId', 'userId as user', 'role', 'joinedAt', 'leftAt'])
    .orderBy('userId')
    .execute()
  const members = Map.groupBy(rows, ({ conversationId }) => conversationId as ConversationId)
  return chats.map((chat) => {
    const own = members.get(chat.id) ?? []
    return {
      id: chat.id,
      home: chat.home,
      rev: chat.rev,
      members: own,
      text: JSON.stringify([chat, own]),
    }
  })
}

/** What people keep for themselves, where they stay, and which messages each of them is shown. */
async function ownRecordsOf(db: Db, now: Millis) {
  const contacts = await db.selectFrom('contact').selectAll().execute()
  const blocks = await db.selectFrom('contact_block').selectAll().execute()
  const cleared = await db.selectFrom('cleared').selectAll().execute()
  const stays = await db
    .selectFrom('location as l')
    .innerJoin('credential as k', (on) =>
      on.onRef('k.userId', '=', 'l.userId').onRef('k.epoch', '=', 'l.epoch'),
    )
    .where('l.until', '>', now)
    .select(['l.userId', 'l.branchId', 'l.until'])
    .execute()
  const messages = await db
    .selectFrom('message as m')
    .innerJoin('membership as mb', 'mb.conversationId', 'm.conversationId')
    .select([
      'mb.userId',
      'm.conversationId',
      'm.id',
      isShownTo(sql.ref<UserId>('mb.userId')).as('isShown'),
    ])
    .execute()
  return { contacts, blocks, cleared, stays, messages }
}

/** Tables that follow from `all` events alone, as text. */
async function directoryOf(db: Db): Promise<Record<string, string>> {
  const users = await db.selectFrom('user').selectAll().orderBy('id').execute()
  const credentials = await db.selectFrom('credential').selectAll().orderBy('userId').execute()
  const locations = await db
    .selectFrom('location')
    .selectAll()
    .orderBy('userId')
    .orderBy('branchId')
    .execute()
  const branches = await db
    .selectFrom('branch')
    .select(['id', 'name', 'status', 'addresses', 'addressesHlc'])
    .orderBy('id')
    .execute()
  return {
    user: textOf(users),
    credential: textOf(credentials),
    location: textOf(locations.map(({ until: _until, ...rest }) => rest)),
    branch: textOf(branches),
  }
}

function textOf(rows: readonly object[]): string {
  const text = (_name: string, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value
  return rows.map((row) => JSON.stringify(row, text)).join('\n')
}
