/** What we can give a peer and what we want of it: the entries of HAVE, compared with our own cursors. */
import { equal } from '../base/bytes.ts'
import type { BranchId, FeedId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import type { Log } from '../world/log.ts'
import { cutOf } from './cuts.ts'
import type { Offer, PeerOffer, Want } from './log.ts'

const CHAIN_SHOWN_BYTES = 8

/**
 * `all` feeds we hold, mail for the peer, and what it wrote itself and may have lost. Records come first: mail names
 * people.
 */
export async function offersTo(db: Db, peer: BranchId): Promise<Offer[]> {
  const rows = await db
    .selectFrom('feed')
    .select(['n', 'id', 'origin', 'floor', 'head', 'chain', 'scope', 'urgentTo'])
    .where('head', '>', 0)
    .where('scope', 'in', ['all', 'to'])
    .where((row) =>
      row.or([row('scope', '=', 'all'), row('destination', '=', peer), row('origin', '=', peer)]),
    )
    .orderBy('n')
    .execute()
  return [...rows]
    .sort((a, b) => Number(b.scope === 'all') - Number(a.scope === 'all') || a.n - b.n)
    .map(({ scope, ...offer }) => ({ ...offer, isMail: scope === 'to' }))
}

type Ours = { origin: BranchId; destination: BranchId | null; head: number; chain: Uint8Array }

/** What to ask for after a peer's entry; undefined when there is nothing new, or it is none of ours. */
export async function wanted(
  { db, self, log }: { db: Db; self: BranchId; log: Log },
  peer: BranchId,
  entry: PeerOffer,
): Promise<Want | undefined> {
  const { id, head, floor, chain8 } = entry
  const ours = await heldOf(db, id)
  // Whether it is for us shows in its opening, which comes first. A carrier that holds only the end of it is no help:
  // what lies before can be had from others, and would not be asked for again.
  if (ours === undefined) return head > 0 && floor === 0 ? fromStart(id) : undefined
  if (head === ours.head && !equal(ours.chain.subarray(0, CHAIN_SHOWN_BYTES), chain8)) {
    log.error('eventlog.fork', { feed: id, origin: ours.origin, peer, head })
    return undefined
  }
  const cut = await cutOf(db, { origin: ours.origin, id })
  if (Math.min(head, cut ?? head) <= ours.head) return undefined
  const isMine = ours.origin === self || ours.destination === self || ours.destination === null
  if (!isMine) return undefined
  if (floor > ours.head) {
    if (peer === ours.origin) {
      log.error('eventlog.below-floor', { feed: id, peer, floor, head: ours.head })
    }
    return undefined
  }
  return { id, after: ours.head, needsOpening: false }
}

const fromStart = (id: FeedId): Want => ({ id, after: 0, needsOpening: true })

function heldOf(db: Db, id: FeedId): Promise<Ours | undefined> {
  return db
    .selectFrom('feed')
    .select(['origin', 'destination', 'head', 'chain'])
    .where('id', '=', id)
    .executeTakeFirst()
}
