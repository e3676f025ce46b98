/**
 * A branch that lies about what it passes on: it alters, withholds, replays, reorders, cuts and forges what others
 * wrote, says that it stored what it threw away, and offers what it does not have. Its own events it writes as it
 * should. Planted from outside, like the mistakes of bugs.ts; the honest ones must stay whole.
 */
import { concat, utf8 } from '../../src/base/bytes.ts'
import { signerOf } from '../../src/certificates/signing.ts'
import type { Core } from '../../src/core.ts'
import {
  BATCH_DOMAIN,
  type DecodedBatch,
  decodeBatch,
  encodeBatch,
  SALT_BYTES,
  sha256,
  signedPartOf,
} from '../../src/eventlog/format.ts'
import type { EventLog, Offer, WireBatch } from '../../src/eventlog/log.ts'
import { type Chance, chanceOf } from './chance.ts'
import type { Bug } from './office.ts'

/** Of what it passes on, so much is honest: a liar with whom nobody has a link harms nobody. */
const HONEST = 0.35
/** Who boasts of a feed is not asked for it again on that link: often, and it would have no chance to lie of more. */
const BOASTS = 0.05
/** Where the SHA-256 of the body stands in an EventHeader. */
const BODY_HASH_AT = 36

type Lie = (chance: Chance, batches: WireBatch[], core: Core) => WireBatch[]

const LIES: readonly Lie[] = [
  () => [],
  (chance, batches) => batches.map((batch) => ({ ...batch, bytes: altered(chance, batch.bytes) })),
  (_chance, batches) => labelled(batches, batches.toReversed()),
  (_chance, batches) => labelled(batches, batches.slice(1)),
  (_chance, [first, ...rest]) => (first ? labelled([first, ...rest], [first, first, ...rest]) : []),
  (chance, batches) =>
    batches.map(({ bytes, lastSeq }) => {
      return { lastSeq, bytes: bytes.subarray(0, chance.below(bytes.length)) }
    }),
  forgeries,
  forgeries,
  forgeries,
]

/** The lie that only a signature shows: told as often as several others together. */
function forgeries(_chance: Chance, batches: WireBatch[], core: Core): WireBatch[] {
  return batches.map((batch) => ({ ...batch, bytes: forged(batch.bytes, core) }))
}

/** The seqs go on as they were: only the bytes are others. */
function labelled(true_: readonly WireBatch[], false_: readonly WireBatch[]): WireBatch[] {
  return true_.flatMap(({ lastSeq }, index) => {
    const bytes = false_[index]?.bytes
    return bytes ? [{ bytes, lastSeq }] : []
  })
}

function altered(chance: Chance, bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice()
  const at = chance.below(copy.length)
  copy[at] = (copy[at] ?? 0) ^ (1 << chance.below(8))
  return copy
}

/** A batch whose plain bodies say something else, right in everything but who signed it. */
function forged(bytes: Uint8Array, core: Core): Uint8Array {
  const batch = decodeBatch(bytes)
  const events = batch.events.map((event) => (batch.isSealed ? event : rewritten(event)))
  const headers = events.map(({ header }) => header)
  const sign = signerOf(core.keys.sign.secretKey)
  const signature = sign(BATCH_DOMAIN, signedPartOf(batch.headerBytes, headers))
  return encodeBatch(batch.headerBytes, events, signature)
}

function rewritten({ header, body }: DecodedBatch['events'][number]) {
  if (body === undefined) return { header, body }
  const text = Buffer.from(body.subarray(SALT_BYTES)).toString()
  const said = text.replace(/("firstName":")[^"]/, '$1Z')
  const other = concat(body.subarray(0, SALT_BYTES), utf8(said))
  if (other.length !== body.length) return { header, body }
  const copy = header.slice()
  copy.set(sha256(other), BODY_HASH_AT)
  return { header: copy, body: other }
}

/** The program of a liar, which is honest until it `isOn`. */
export function liar(seed: number): Bug {
  const chance = chanceOf(seed, 'liar')
  const bug: Bug = {
    isOn: false,
    core(core, { log }) {
      const isLying = (what: string) => {
        const isLie = bug.isOn && !chance.isLucky(HONEST)
        if (isLie) log.info('sim.lie', { what })
        return isLie
      }
      return { ...core, eventLog: { ...core.eventLog, ...lies(core, chance, isLying) } }
    },
  }
  return bug
}

function lies(core: Core, chance: Chance, isLying: (what: string) => boolean): Partial<EventLog> {
  const { eventLog: log, store, membership } = core
  const { self } = membership
  const feedBy = (by: 'n' | 'id', value: string | number) =>
    store.read
      .selectFrom('feed')
      .select(['n', 'id', 'origin', 'destination', 'head'])
      .where(by, '=', value as never)
      .executeTakeFirst()
  const boast = <Each extends Offer>(offers: Each[]): Each[] =>
    offers.map((offer) => {
      if (offer.origin === self || !chance.isLucky(BOASTS) || !isLying('boasts')) return offer
      return { ...offer, head: offer.head + chance.between(1, 9) }
    })
  return {
    async batchesAfter(feedN, after, bytesMax) {
      const batches = await log.batchesAfter(feedN, after, bytesMax)
      const feed = await feedBy('n', feedN)
      if (!feed || feed.origin === self || batches.length === 0) return batches
      if (!isLying('changes what it passes on')) return batches
      return chance.pick(LIES)(chance, batches, core)
    },
    async openingOf(id) {
      const bytes = await log.openingOf(id)
      const feed = await feedBy('id', id)
      const isOthers = feed && feed.origin !== self
      return bytes && isOthers && isLying('alters an opening') ? altered(chance, bytes) : bytes
    },
    offersTo: async (peer) => boast(await log.offersTo(peer)),
    carryOffers: async (routes) => boast(await log.carryOffers(routes)),
    async receiveBatch(peer, bytes) {
      const { feed: id, firstSeq, count } = decodeBatch(bytes)
      const feed = await feedBy('id', id)
      const isCarried = feed?.destination && feed.destination !== self && feed.origin !== self
      if (!isCarried || !isLying('throws away')) return log.receiveBatch(peer, bytes)
      return { feed: id, feedN: feed.n, durable: firstSeq + count - 1, stable: 0, isFull: false }
    },
    receiveVector: async (bytes) =>
      isLying('keeps acks back') ? undefined : log.receiveVector(bytes),
    receiveHead: async (bytes) =>
      isLying('keeps a head back') ? undefined : log.receiveHead(bytes),
    async reportsFor(peer) {
      const { vectors, heads } = await log.reportsFor(peer)
      const told = (all: Uint8Array[]) =>
        all.map((bytes) => (isLying('alters a report') ? altered(chance, bytes) : bytes))
      return { vectors: told(vectors), heads: told(heads) }
    },
  }
}
