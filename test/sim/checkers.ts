/**
 * What must hold when the storm is over (docs/protocol.md, section 9, by its numbers), as pure functions over what
 * stands in the databases. Each answers with faults in words; an empty list means that it holds.
 */
import type { BranchId, ConversationId, UserId } from '../../src/base/ids.ts'
import type { Acks, Snapshot } from './snapshot.ts'
import type { Posted } from './workload.ts'

export type Checked = {
  snapshots: readonly Snapshot[]
  posted: readonly Posted[]
}

type Check = (checked: Checked) => string[]

/** I1: a branch with head n of a feed holds 1 to n of it, in whole batches. */
const contiguity: Check = ({ snapshots }) =>
  snapshots.flatMap(({ name, feeds }) =>
    feeds.flatMap(({ id, head, batched, seqs, batches }) => {
      const faults: string[] = []
      const isWhole = seqs.length === head && seqs.every((seq, index) => seq === index + 1)
      if (!isWhole) faults.push(`${name} has head ${head} of feed ${id} and ${seqs.length} events`)
      let next = 1
      for (const { firstSeq, count } of batches) {
        if (firstSeq !== next)
          faults.push(`${name} has a batch of ${id} at ${firstSeq}, not ${next}`)
        next = firstSeq + count
      }
      if (next !== head + 1)
        faults.push(`${name} has batches of ${id} up to ${next - 1} of ${head}`)
      if (batched !== head) faults.push(`${name} has unsigned events in feed ${id}`)
      return faults
    }),
  )

/** I1 and I9 for mail of others: whole batches of what was not delivered, which cannot be read, and none at rest. */
const carrying: Check = ({ snapshots }) =>
  snapshots.flatMap(({ name, carried }) =>
    carried.flatMap(({ id, floor, head, bodyKey, carriedBytes, batches, entries }) => {
      const faults: string[] = []
      let next = floor + 1
      for (const { firstSeq, count } of batches) {
        if (firstSeq !== next) faults.push(`${name} carries ${id} from ${firstSeq}, not ${next}`)
        next = firstSeq + count
      }
      if (batches.length > 0 && next !== head + 1) {
        faults.push(`${name} carries ${id} up to ${next - 1} of ${head}`)
      }
      const bytes = batches.reduce((sum, batch) => sum + batch.bytes.length, 0)
      if (bytes !== carriedBytes) faults.push(`${name} counts ${carriedBytes} of ${bytes} bytes`)
      if (bodyKey !== null || entries > 0)
        faults.push(`${name} could read what it carries in ${id}`)
      if (batches.length > 0) faults.push(`${name} still carries ${floor} to ${head} of ${id}`)
      return faults
    }),
  )

/** I2: (feed, seq) has one value everywhere. A feed is named by origin, incarnation and scope. */
const oneValue: Check = ({ snapshots }) => {
  const faults: string[] = []
  const ids = new Map<string, string>()
  const values = new Map<string, string>()
  for (const { name, feeds } of snapshots) {
    for (const { id, origin, incarnation, scope, destination, entries } of feeds) {
      const called = `${origin} ${incarnation} ${scope} ${destination}`
      const known = ids.get(called) ?? id
      ids.set(called, known)
      if (known !== id) faults.push(`two feeds are called ${called}: ${known} and ${id} at ${name}`)
      for (const { seq, value } of entries) {
        const key = `${id} ${seq}`
        const before = values.get(key) ?? value
        values.set(key, before)
        if (before !== value) faults.push(`${name} holds another event at ${key}`)
      }
    }
  }
  return faults
}

/**
 * I3: an event changes what people see once: every text stands at most once in a branch. But for what somebody sent again
 * to a branch that an old copy had taken the place of: it could not know the first one.
 */
const onlyOnce: Check = ({ snapshots, posted }) => {
  const lost = posted.filter(({ office }) => office.machine.wasRestored)
  const mayBeTwice = new Set(lost.map(({ text }) => text))
  return snapshots.flatMap(({ name, messages }) => {
    const seen = new Set<string>()
    return messages.flatMap(({ body }) => {
      const isTwice = seen.has(body) && !mayBeTwice.has(body)
      seen.add(body)
      return isTwice ? [`${name} has twice: ${body}`] : []
    })
  })
}

/** I4: every committed event has reached every branch it is for, and its origin knows. */
const allArrived: Check = ({ snapshots }) =>
  snapshots.flatMap((origin) =>
    origin.feeds
      .filter((feed) => feed.origin === origin.self && feed.scope !== 'self')
      .flatMap((feed) =>
        snapshots
          .filter((other) => other !== origin && isFor(feed, other.self))
          .flatMap((other) => arrival(origin, other, feed)),
      ),
  )

type Feed = Snapshot['feeds'][number]

const isFor = ({ scope, destination }: Feed, branch: BranchId) =>
  scope === 'all' || destination === branch

function arrival(origin: Snapshot, other: Snapshot, feed: Feed): string[] {
  const head = other.feeds.find(({ id }) => id === feed.id)?.head ?? 0
  const acked = origin.acks.find((ack) => ack.feed === feed.id && ack.branch === other.self)
  const what = `of ${feed.head} in ${feed.id} (${feed.scope}) of ${origin.name}`
  if (head !== feed.head) return [`${other.name} has ${head} ${what}`]
  if ((acked?.durable ?? 0) !== feed.head) return [`${other.name} acked ${acked?.durable} ${what}`]
  return []
}

/**
 * I5: nobody was told of more than what a branch holds. Holds at any time, also just after a crash; where an old copy
 * was put back it holds again when all is over.
 */
export const acksHold = ({ snapshots }: { snapshots: readonly Acks[] }): string[] =>
  snapshots.flatMap((origin) =>
    origin.acks.flatMap(({ feed, branch, durable }) => {
      const peer = snapshots.find(({ self }) => self === branch)
      if (!peer || peer.isFilling) return []
      const head = peer.feeds.find(({ id }) => id === feed)?.head ?? 0
      if (durable <= head) return []
      return [`${origin.name} was told of ${durable} in ${feed} by ${peer.name}, which has ${head}`]
    }),
  )

/** I8: what the cursor says was applied has its effects, and there are no effects without it. */
const effects: Check = ({ snapshots }) =>
  snapshots.flatMap(({ name, events, messages, users, conversations }) => {
    const texts = new Map(messages.map((each) => [each.position, each.body]))
    const applied = events.filter(({ state }) => state === 'applied')
    const faults: string[] = []
    for (const { position, kind, body } of applied) {
      if (kind === 0x0402 && texts.get(position) !== body.body) {
        faults.push(`${name} applied ${position} and lacks: ${body.body}`)
      }
      const user = kind === 0x0301 && users.find(({ id }) => id === body.user)
      if (kind === 0x0301 && (!user || user.rev < Number(body.rev))) {
        faults.push(
          `${name} applied rev ${body.rev} of ${body.user} and has ${user ? user.rev : 0}`,
        )
      }
      const chat = kind === 0x0401 && conversations.find(({ id }) => id === body.id)
      if (kind === 0x0401 && (!chat || chat.rev < Number(body.rev))) {
        faults.push(`${name} applied rev ${body.rev} of ${body.id} and has ${chat ? chat.rev : 0}`)
      }
    }
    const positions = new Set(applied.map(({ position }) => position))
    for (const { position, body } of messages) {
      if (!positions.has(position)) faults.push(`${name} shows what it did not apply: ${body}`)
    }
    return faults
  })

/**
 * Mail for a guest whose password was replaced before the branch that keeps the group heard of the stay: it waits for a
 * record that does not come (src/chat/guests.ts), and nobody of that branch is in the group.
 */
function isForNobody(all: readonly Snapshot[], at: Snapshot, event: Snapshot['events'][number]) {
  const { reason, body } = event
  const { conversation } = body as { conversation: ConversationId }
  return reason === 'waits-for-conversation' && !hasMember(all, at, conversation)
}

/**
 * A wish of a guest from a clock that was set ahead: his home branch refuses it, and he is told so
 * (docs/protocol.md, section 8).
 */
const isWishOfTomorrow = ({ kind, reason }: Snapshot['events'][number]) =>
  kind === 0x030a && reason === 'wrong-time'

/** A question for the past of a stay that its branch lost with its database: nobody will ever prove it. */
const isOfLostStay = (all: readonly Snapshot[], event: Snapshot['events'][number]) =>
  event.kind === 0x0410 && all.some((at) => at.self === event.origin && at.wasRestored)

const isDone = ({ state }: { state: string }) => state === 'applied' || state === 'erased'

/** Nothing was refused between honest branches, and nothing waits for ever. */
const allUnderstood: Check = ({ snapshots }) =>
  snapshots.flatMap((at) => [
    ...at.events
      .filter((event) => !isDone(event) && !isForNobody(snapshots, at, event))
      .filter((event) => !isWishOfTomorrow(event) && !isOfLostStay(snapshots, event))
      .map((each) => `${at.name} has ${each.state} (${each.reason}) ${JSON.stringify(each.body)}`),
    ...at.refusals
      .filter(({ kind, reason }) => kind !== 0x030a || reason !== 'wrong-time')
      .map(({ reason }) => `an event of ${at.name} was refused: ${reason}`),
  ])

/** I11: the same directory everywhere. */
const sameDirectory: Check = ({ snapshots: [first, ...others] }) =>
  others.flatMap((other) =>
    Object.entries(other.directory).flatMap(([table, rows]) => {
      const expected = first?.directory[table] ?? ''
      return rows === expected
        ? []
        : [`${table} of ${first?.name} and ${other.name} differ:\n${expected}\n${rows}`]
    }),
  )

/** I11: the same conversations at all branches that have somebody in them. */
const sameConversations: Check = ({ snapshots }) => {
  const ids = new Set(snapshots.flatMap(({ conversations }) => conversations.map(({ id }) => id)))
  return [...ids].flatMap((id) => {
    const versions = new Map<string, string>()
    for (const snapshot of snapshots.filter((each) => hasMember(snapshots, each, id))) {
      const chat = snapshot.conversations.find((each) => each.id === id)
      // Whoever opened a direct chat and wrote nothing has told nobody.
      if (chat || isWrittenIn(snapshots, id)) versions.set(chat?.text ?? 'none', snapshot.name)
    }
    if (versions.size < 2) return []
    const told = [...versions].map(([text, name]) => `  ${name}: ${text}`).join('\n')
    return [`conversation ${id} differs:\n${told}`]
  })
}

/** A group stands by its record, a direct chat by its first message. */
function isWrittenIn(all: readonly Snapshot[], id: ConversationId): boolean {
  return all.some(
    ({ conversations, messages }) =>
      conversations.some((chat) => chat.id === id && chat.rev > 0) ||
      messages.some(({ conversation }) => conversation === id),
  )
}

/** Whether anybody of that branch is in a conversation, as the branch that keeps it says, or as anybody says. */
function hasMember(all: readonly Snapshot[], at: Snapshot, id: ConversationId): boolean {
  return presentIn(all, id).some((member) => homeOf(at, member.user) === at.self)
}

type Present = { user: UserId; joinedAt: string }

function presentIn(all: readonly Snapshot[], id: ConversationId): Present[] {
  const known = all.flatMap(({ conversations }) => conversations.filter((each) => each.id === id))
  const newest = known.toSorted((a, b) => b.rev - a.rev)[0]
  return newest?.members.filter(({ leftAt }) => leftAt === null) ?? []
}

const homeOf = ({ users }: Snapshot, user: UserId) => users.find(({ id }) => id === user)?.home

/** Everybody who is in a conversation has, at home, all that was written in it since he joined, wherever it was. */
const sameMessages: Check = ({ snapshots }) => {
  const written = new Map<ConversationId, { id: string; hlc: string; body: string; at: string }[]>()
  for (const { name, self, messages } of snapshots) {
    for (const { conversation, origin, id, hlc, body } of messages) {
      if (origin !== self) continue
      written.set(conversation, [...(written.get(conversation) ?? []), { id, hlc, body, at: name }])
    }
  }
  const faults: string[] = []
  for (const [conversation, all] of written) {
    for (const { user, joinedAt } of presentIn(snapshots, conversation)) {
      const home = snapshots.find((each) => homeOf(each, user) === each.self)
      if (!home) continue
      const here = new Set<string>(home.messages.map(({ id }) => id))
      for (const { id, hlc, body, at } of all) {
        if (hlc < joinedAt || here.has(id)) continue
        faults.push(`${user} at ${home.name} lacks in ${conversation}, written at ${at}: ${body}`)
      }
    }
  }
  return faults
}

/**
 * What a person keeps for himself is the same at home and where he stays: contacts, blocks, what he cleared, and so which
 * messages he is shown. A block is known to the branch of who is blocked, and both judge alike.
 */
const sameOwnRecords: Check = ({ snapshots }) => {
  const faults: string[] = []
  for (const home of snapshots) {
    for (const owner of home.users.filter((each) => each.home === home.self)) {
      const places = home.own.stays.filter(({ userId }) => userId === owner.id)
      for (const place of snapshots) {
        if (!places.some(({ branchId }) => branchId === place.self)) continue
        const [here, there] = [ownOf(home, owner.id), ownOf(place, owner.id)]
        if (here !== there) {
          faults.push(`${owner.id}: ${home.name} and ${place.name} differ:\n${here}\n${there}`)
        }
        faults.push(...shownAlike(home, place, owner.id))
      }
      for (const block of home.own.blocks.filter(({ ownerId }) => ownerId === owner.id)) {
        const other = snapshots.find((each) => homeOf(each, block.blockedId) === each.self)
        if (
          other?.own.blocks.some((row) => JSON.stringify(row) === JSON.stringify(block)) === false
        ) {
          faults.push(`${other.name} does not know ${JSON.stringify(block)} of ${home.name}`)
        }
      }
    }
  }
  return faults
}

function ownOf({ own }: Snapshot, owner: UserId): string {
  const rows = [...own.contacts, ...own.blocks, ...own.cleared]
  const texts = rows.filter(({ ownerId }) => ownerId === owner).map((row) => JSON.stringify(row))
  return texts.sort().join('\n')
}

/** Of messages that both branches hold. */
function shownAlike(home: Snapshot, place: Snapshot, user: UserId): string[] {
  const there = new Map(
    place.own.messages.filter((each) => each.userId === user).map((m) => [m.id, m.isShown]),
  )
  return home.own.messages.flatMap(({ userId, id, isShown }) => {
    const other = userId === user ? (there.get(id) ?? isShown) : isShown
    return other === isShown ? [] : [`${user} sees ${id} at one of ${home.name}, ${place.name}`]
  })
}

/** What people were told is stored stands, once, where it was written; what was refused stands nowhere. */
const promises: Check = ({ snapshots, posted }) =>
  posted.flatMap(({ text, message, isRefused, office }) => {
    const found = snapshots.flatMap(({ name, messages }) =>
      messages.filter(({ body }) => body === text).map(({ id }) => ({ name, id })),
    )
    if (isRefused && found.length > 0) return [`refused and written all the same: ${text}`]
    if (message === undefined) return []
    // It was written after the copy that was put back, and had reached nobody.
    if (office.machine.wasRestored && found.length === 0) return []
    if (!found.some(({ name }) => name === office.name)) return [`${office.name} lost: ${text}`]
    const other = office.machine.wasRestored ? undefined : found.find(({ id }) => id !== message)
    return other ? [`${other.name} has it under another id: ${text}`] : []
  })

type Named = readonly (readonly [string, Check])[]

/** Of all branches, by the words a failing run prints. */
export const CHECKS: Named = [
  ['I1: no gaps', contiguity],
  ['I2: (feed, seq) has one value', oneValue],
  ['I3: once', onlyOnce],
  ['I5: an ack never says more than what survives', acksHold],
  ['I8: cursor and effects commit together', effects],
  ['what people were told is stored is there, once', promises],
]

/** Of branches that believe each other: what hangs on a revoked one is left out. */
export const CHECKS_AMONG_HONEST: Named = [
  ['I9: what is carried is whole, unread, and delivered in the end', carrying],
  ['I4: everything arrives', allArrived],
  ['nothing is refused and nothing waits for ever', allUnderstood],
  ['I11: the same directory', sameDirectory],
  ['I11: the same conversations', sameConversations],
  ['whoever is in a conversation has its messages', sameMessages],
  ['I11: own records are the same where their owner is', sameOwnRecords],
]
