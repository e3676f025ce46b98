/**
 * Mistakes that programs like ours have been made with, planted from outside: each wraps what a branch hands to its
 * parts. The simulator must find every one of them; one that it does not find is a hole in the simulator.
 */
import { Reader } from '../../src/base/bytes.ts'
import { AppError } from '../../src/base/errors.ts'
import type { BranchId, FeedId } from '../../src/base/ids.ts'
import type { BranchKeys } from '../../src/certificates/keys.ts'
import { signerOf } from '../../src/certificates/signing.ts'
import type { Core } from '../../src/core.ts'
import type { Db } from '../../src/db/open.ts'
import type { LoggedEvent } from '../../src/eventlog/events.ts'
import { BATCH_DOMAIN, decodeBatch, encodeBatch, signedPartOf } from '../../src/eventlog/format.ts'
import type { EventLog } from '../../src/eventlog/log.ts'
import type { World } from '../../src/world/world.ts'
import { draftsStay, marksStay } from './guest-bugs.ts'
import type { Bug } from './office.ts'

type Wrap = (log: EventLog, core: Core, isOn: () => boolean) => Partial<EventLog>

/** A mistake in what the relay is given of the event log. */
function inTheLog(wrap: Wrap): Bug {
  const bug: Bug = {
    isOn: false,
    core(core) {
      const wrapped = wrap(core.eventLog, core, () => bug.isOn)
      return { ...core, eventLog: { ...core.eventLog, ...wrapped } }
    },
  }
  return bug
}

/** "Stored" is said when the batch has come, not when it is committed. */
const ackBeforeCommit = () =>
  inTheLog((log, _core, isOn) => ({
    async receiveBatch(peer, bytes) {
      const stored = log.receiveBatch(peer, bytes)
      if (!isOn()) return stored
      stored.catch(() => {})
      const { feed, firstSeq, count } = decodeBatch(bytes)
      return { feed, feedN: 0, durable: firstSeq + count - 1, stable: 0, isFull: false }
    },
  }))

/** magic, version, algorithm, flags, feed, first seq, count, reserved, previous chain: then the last clock value. */
const LAST_HLC_OFFSET = 68

/** What is older than the newest seen of a branch is taken for known. */
const cursorByTime = () =>
  inTheLog((log, _core, isOn) => {
    const newest = new Map<string, string>()
    return {
      async receiveBatch(peer, bytes) {
        const reader = new Reader(bytes)
        reader.bytes(LAST_HLC_OFFSET)
        const hlc = reader.hex(8)
        const seen = newest.get(peer) ?? ''
        if (hlc > seen) newest.set(peer, hlc)
        if (!isOn() || hlc > seen) return log.receiveBatch(peer, bytes)
        const { feed, firstSeq, count } = decodeBatch(bytes)
        return { feed, feedN: 0, durable: firstSeq + count - 1, stable: 0, isFull: false }
      },
    }
  })

/** What a carrier says to hold is taken for delivered. */
const carriedIsDelivered = () =>
  inTheLog((log, { store, membership }, isOn) => ({
    async acknowledged(peer, entries) {
      await log.acknowledged(peer, entries)
      if (!isOn()) return
      for (const entry of entries) {
        const feed = await placeOf(store.read, entry.feed)
        const { origin, destination } = feed ?? {}
        if (origin !== membership.self || !destination || destination === peer) continue
        await log.acknowledged(destination, [entry])
      }
    },
  }))

/** A carrier drops mail when it has sent it, not when it has arrived. */
const droppedWhenSent = () =>
  inTheLog((log, { store, membership: { self } }, isOn) => ({
    async batchesAfter(feedN, after, bytesMax) {
      const batches = await log.batchesAfter(feedN, after, bytesMax)
      const query = store.read.selectFrom('feed').where('n', '=', feedN)
      const feed = await query.select(['id', 'origin', 'destination']).executeTakeFirst()
      const durable = batches.at(-1)?.lastSeq
      if (!isOn() || !feed?.destination || durable === undefined) return batches
      if (feed.origin === self || feed.destination === self) return batches
      const ack = { feed: feed.id, durable, stable: durable, at: log.now(), via: undefined }
      await log.acknowledged(feed.destination, [ack])
      return batches
    },
  }))

/** "Stored" is said although the disk was full. */
const ackOfTheFull = () =>
  inTheLog((log, _core, isOn) => ({
    async receiveBatch(peer, bytes) {
      try {
        return await log.receiveBatch(peer, bytes)
      } catch (error) {
        const isFull = error instanceof AppError && error.detail === 'disk-full'
        if (!isOn() || !isFull) throw error
        const { feed, firstSeq, count } = decodeBatch(bytes)
        return { feed, feedN: 0, durable: firstSeq + count - 1, stable: 0, isFull: false }
      }
    },
  }))

/**
 * Signatures of batches are not looked at. From outside that is: each gets the right one for what it says, and what
 * came with it is stored in its place.
 */
function uncheckedSignatures(): Bug {
  const keys = new Map<BranchId, BranchKeys>()
  const bug = inTheLog((log, { store }, isOn) => ({
    async receiveBatch(peer, bytes) {
      const { feed, firstSeq, headerBytes, events, signature } = decodeBatch(bytes)
      const origin = (await placeOf(store.read, feed))?.origin
      const own = origin && keys.get(origin)
      if (!isOn() || !own) return log.receiveBatch(peer, bytes)
      const headers = events.map(({ header }) => header)
      const right = signerOf(own.sign.secretKey)(BATCH_DOMAIN, signedPartOf(headerBytes, headers))
      const received = await log.receiveBatch(peer, encodeBatch(headerBytes, events, right))
      await store.writer.write((tx) =>
        tx
          .updateTable('batch')
          .set({ signature })
          .where('feedN', '=', received.feedN)
          .where('firstSeq', '=', firstSeq)
          .execute(),
      )
      return received
    },
  }))
  bug.needsLiar = true
  const { core: wrapped } = bug
  bug.core = (core, world) => {
    keys.set(core.membership.self, core.keys)
    return wrapped?.(core, world) ?? core
  }
  return bug
}

function placeOf(db: Db, feed: FeedId) {
  const query = db.selectFrom('feed').where('id', '=', feed)
  return query.select(['origin', 'destination']).executeTakeFirst()
}

/** Whoever asks again, because no answer came, is not recognised. */
const noDedup = (): Bug => ({ isOn: false, clientId: () => undefined })

const INCARNATION_BYTES = 8

/** Every start writes under the same incarnation. */
const incarnationReused = (): Bug => ({
  isOn: false,
  random(random) {
    let isFirst = true
    return {
      ...random,
      bytes(length) {
        if (length !== INCARNATION_BYTES || !isFirst) return random.bytes(length)
        isFirst = false
        return new Uint8Array(length).fill(7)
      },
    }
  },
})

/** What others still lack is kept in memory: after a restart nobody thinks of it. */
const queueInMemory = () =>
  inTheLog((log, { store, membership, incarnation }, isOn) => ({
    async offersTo(peer) {
      const offers = await log.offersTo(peer)
      if (!isOn()) return offers
      const forgotten = await store.read
        .selectFrom('feed')
        .select('n')
        .where('origin', '=', membership.self)
        .where('incarnation', '!=', incarnation)
        .execute()
      return offers.filter((offer) => !forgotten.some(({ n }) => n === offer.n))
    },
  }))

/** What went out is taken for stored. */
const sentIsStored = () =>
  inTheLog((log, { store }, isOn) => {
    const sent = new Map<number, number>()
    return {
      async batchesAfter(feedN, after, bytesMax) {
        const feed = await store.read
          .selectFrom('feed')
          .select('scope')
          .where('n', '=', feedN)
          .executeTakeFirst()
        const from = isOn() && feed?.scope === 'to' ? Math.max(after, sent.get(feedN) ?? 0) : after
        const batches = await log.batchesAfter(feedN, from, bytesMax)
        sent.set(feedN, batches.at(-1)?.lastSeq ?? from)
        return batches
      },
    }
  })

const LATER_MS = 400

/** Messages enter the tables in a transaction of their own, a moment after the cursor moved. */
function effectsLater(): Bug {
  const bug: Bug = {
    isOn: false,
    core(core, { clock }: World) {
      const { msgPost } = core.chat.kinds
      const { apply } = msgPost
      msgPost.apply = async (tx, event) => {
        if (!bug.isOn) return apply(tx, event)
        clock.after(LATER_MS, () => {
          core.store.writer.write((later) => apply(later, event)).catch(() => {})
        })
      }
      return core
    },
  }
  return bug
}

/** A record of a group makes a member of everybody whom the branch knows. */
function openGroups(): Bug {
  const bug: Bug = {
    isOn: false,
    core(core) {
      const { convPut } = core.chat.kinds
      const { apply } = convPut
      convPut.apply = async (tx, event: LoggedEvent<Parameters<typeof apply>[1]['body']>) => {
        if (!bug.isOn) return apply(tx, event)
        const people = await tx.selectFrom('user').select('id').orderBy('id').execute()
        const joinedAt = event.hlc
        const others = people.map(({ id: user }) => ({ user, role: 'member' as const, joinedAt }))
        const strangers = others.filter(
          ({ user }) => !event.body.members.some((member) => member.user === user),
        )
        const members = [...event.body.members, ...strangers]
        await apply(tx, { ...event, body: { ...event.body, members } })
      }
      return core
    },
  }
  return bug
}

/** A block is kept by the branch where it was decided, and by no other. */
function blocksStay(): Bug {
  const bug: Bug = {
    isOn: false,
    core(core) {
      const { contactBlock } = core.chat.kinds
      const { apply } = contactBlock
      contactBlock.apply = async (tx, event) => {
        if (!bug.isOn || event.origin === core.membership.self) await apply(tx, event)
      }
      return core
    },
  }
  return bug
}

/** Nobody asks whether a branch is revoked: its links stay. */
const revokedStays = (): Bug => ({
  isOn: false,
  needsRevocation: true,
  core: (core) => ({ ...core, isRevoked: () => false }),
})

/** How far a revoked branch is believed is forgotten. */
function cutsForgotten(): Bug {
  const bug = inTheLog((log, { store }, isOn) => ({
    async receiveBatch(peer, bytes) {
      if (isOn()) await store.writer.write((tx) => tx.deleteFrom('feed_cut').execute())
      return log.receiveBatch(peer, bytes)
    },
  }))
  const { core: wrapped } = bug
  bug.needsRevocation = true
  bug.core = (core, world) => ({ ...(wrapped?.(core, world) ?? core), isRevoked: () => false })
  return bug
}

const SECRET_BYTES = 32

/** Every secret that is drawn is the same one. */
function sameSecret(): Bug {
  const bug: Bug = {
    isOn: false,
    random: (random) => ({
      ...random,
      bytes: (length) =>
        bug.isOn && length === SECRET_BYTES ? new Uint8Array(length).fill(7) : random.bytes(length),
    }),
  }
  return bug
}

/** What this release does not know is not kept for the next one. */
function unknownDropped(): Bug {
  const bug = inTheLog((log, { store }, isOn) => ({
    async receiveBatch(peer, bytes) {
      const received = await log.receiveBatch(peer, bytes)
      if (!isOn()) return received
      await store.writer.write((tx) =>
        tx
          .updateTable('event')
          .set({ state: 'refused', reason: 'unknown' })
          .where('reason', '=', 'unknown-kind')
          .execute(),
      )
      return received
    },
  }))
  bug.needsMix = true
  return bug
}

/** The branch that may issue does not find its key: nobody's certificate is renewed. */
function neverRenewed(): Bug {
  const bug: Bug = {
    isOn: false,
    needsLeap: true,
    files: (files) => ({
      ...files,
      findIssuerKey: () => (bug.isOn ? undefined : files.findIssuerKey()),
    }),
  }
  return bug
}

function whereFull(bug: Bug): Bug {
  bug.needsFullDisk = true
  return bug
}

export type Planted = {
  name: string
  plant(): Bug
  /** The words by which it is found. */
  found: RegExp
  /** One that finds it; when what is drawn has changed, another one will. */
  seed: number
}

/** All of them. */
export const BUGS: readonly Planted[] = [
  { name: 'an ack before the commit', plant: ackBeforeCommit, found: /^I5/, seed: 1 },
  { name: 'a cursor by time', plant: cursorByTime, found: /^I[45]|A gap before/, seed: 1 },
  { name: 'no recognition of what was asked before', plant: noDedup, found: /^I3/, seed: 1 },
  {
    ...{ name: 'an incarnation used again', plant: incarnationReused, seed: 1 },
    found: /^I2|A second feed of one boot/,
  },
  { name: 'a queue in memory alone', plant: queueInMemory, found: /^I4/, seed: 2 },
  { name: 'sent taken for stored', plant: sentIsStored, found: /^I4|A gap before/, seed: 1 },
  { name: 'effects after the cursor', plant: effectsLater, found: /^I8/, seed: 5 },
  { name: 'groups that everybody is in', plant: openGroups, found: /never in it/, seed: 1 },
  { name: 'blocks that stay where they are', plant: blocksStay, found: /own records/, seed: 3 },
  { name: 'carried taken for delivered', plant: carriedIsDelivered, found: /^I5/, seed: 2 },
  { name: 'carried mail dropped when sent', plant: droppedWhenSent, found: /^I5/, seed: 2 },
  {
    name: 'an ack although the disk is full',
    plant: () => whereFull(ackOfTheFull()),
    // What was acknowledged and thrown away may be what a person asked at another branch.
    found: /^I[145]|^shown at two branches/,
    seed: 3,
  },
  { name: 'a revoked branch that stays', plant: revokedStays, found: /^I14/, seed: 1 },
  { name: 'cuts forgotten', plant: cutsForgotten, found: /^I14: .* took/, seed: 1 },
  { name: 'the same secret again', plant: sameSecret, found: /^I16/, seed: 1 },
  {
    ...{ name: 'unknown kinds not kept', plant: unknownDropped, seed: 1 },
    found: /later release wrote differs|has refused/,
  },
  { name: 'certificates never renewed', plant: neverRenewed, found: /^I4: .* rest/, seed: 2 },
  {
    ...{ name: 'marks that stay where they were set', plant: marksStay, seed: 3 },
    found: /^shown at two branches: .* unread/,
  },
  {
    ...{ name: 'drafts that stay where they were typed', plant: draftsStay, seed: 3 },
    found: /^shown at two branches: .* draft/,
  },
  { name: 'no signature checked', plant: uncheckedSignatures, found: /^I(?:2|7|11)/, seed: 4 },
]
