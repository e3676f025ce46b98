/** Offices that tell each other who is there over a wire that can be cut, that loses signals, and whose bytes count. */
import type { BranchId, UserId } from '../../src/base/ids.ts'
import type { Millis } from '../../src/base/units.ts'
import { SECOND } from '../../src/base/units.ts'
import type { Store } from '../../src/db/open.ts'
import { createPresence, type Presence } from '../../src/presence/presence.ts'
import type { Letter } from '../../src/presence/telling.ts'
import { createPresenceHeard } from '../../src/push/presence-heard.ts'
import { TAG_BYTES } from '../../src/relay/cipher.ts'
import { FRAME, frame, frameBytes } from '../../src/relay/frames.ts'
import { encodeSignal } from '../../src/relay/payloads.ts'
import { handClock, keptLog } from '../web/support.ts'

/** The length before each Noise message (docs/protocol.md, section 2). */
const LENGTH_BYTES = 2
/** Only DIGEST_SIGNAL and what comes after it: unknown to a release without digests. */
const NEW_FROM = 3

export type Office = { id: BranchId; people: UserId[]; presence: Presence }

/** The id of a branch, and of a person: spread like those that are drawn. */
export const branchId = (n: number) => n.toString(16).padStart(4, '0').repeat(8) as BranchId
export function personId(n: number): UserId {
  const part = (seed: number) => (Math.imul(n + 1, seed) >>> 0).toString(16).padStart(8, '0')
  return [0x9e3779b1, 0x85ebca6b, 0xc2b2ae35, 0x27d4eb2f].map(part).join('') as UserId
}

export type Wire = {
  /** Bytes on the line with all headers, each signal in a Noise message of its own, which is the worst case. */
  bytes: number
  signals: number[]
  isUp: boolean
  /** Whether a signal gets lost. */
  loses(letter: Letter): boolean
}

/** Two offices with so many people each, and the line between them. */
export async function twoOffices(of: {
  people: number
  storeOf(): Promise<Store>
  older?: boolean
}) {
  const clock = handClock()
  const ids = [branchId(1), branchId(2)] as const
  const all = ids.map((_, b) => Array.from({ length: of.people }, (_, i) => personId(i * 2 + b)))
  const homes = new Map(all.flatMap((people, b) => people.map((user) => [user, ids[b]] as const)))
  const homeOf = (user: UserId) => homes.get(user)
  const wire: Wire = { bytes: 0, signals: [], isUp: false, loses: () => false }
  const heard: ReturnType<typeof createPresenceHeard>[] = []
  let queue = Promise.resolve()
  const offices: Office[] = []
  const open = async (b: number) => {
    const self = ids[b] ?? branchId(1)
    const store = await of.storeOf()
    const send = (_to: BranchId, letter: Letter) => {
      if (!wire.isUp) return
      // The office of an older release (the second) neither says nor understands what is new.
      if (of.older && b === 1 && letter.kind >= NEW_FROM) return
      wire.bytes += bytesOf(letter)
      wire.signals.push(letter.kind)
      if (wire.loses(letter) || (of.older && letter.kind >= NEW_FROM)) return
      queue = queue.then(() => heard[1 - b]?.heard(self, letter))
    }
    const presence = createPresence({
      ...{ store, self, clock, log: keptLog([]), homeOf, send },
      lostSince: (branch) => (branch === self || wire.isUp ? undefined : 1),
      statusOf: () => undefined,
      peopleOf: (branch) => all[ids.indexOf(branch)] ?? [],
    })
    await presence.start()
    heard[b] = createPresenceHeard({ read: store.read, clock, homes: { homeOf }, presence })
    offices[b] = { id: self, people: all[b] ?? [], presence }
    return offices[b]
  }
  const [here, there] = [await open(0), await open(1)]
  const settle = async () => {
    for (let turn = 0; turn < 6; turn++) {
      await queue
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  return {
    ...{ clock, wire, here, there, settle },
    /** Starts an office anew; what it knew in memory is gone. */
    restart: async (b: number) => {
      await offices[b]?.presence.stop()
      return open(b)
    },
    async link() {
      wire.isUp = true
      offices[0]?.presence.linked(ids[1])
      offices[1]?.presence.linked(ids[0])
      await settle()
    },
    async cut() {
      wire.isUp = false
      offices[0]?.presence.unlinked(ids[1])
      offices[1]?.presence.unlinked(ids[0])
      await settle()
    },
    async pass(seconds: number, each: (second: number) => void = () => {}) {
      for (let n = 0; n < seconds; n++) {
        each(n)
        clock.pass(SECOND)
        await settle()
      }
    },
    online: (office: Office, people: readonly UserId[]) =>
      people.filter((user) => office.presence.stateOf(user).state === 'online'),
  }
}

/** What a signal costs on the line at most. */
export function bytesOf({ kind, body }: Letter): number {
  const payload = encodeSignal({ kind, key: '0'.repeat(32), ttl: 60, body })
  return frameBytes(frame(FRAME.EPH, payload)) + TAG_BYTES + LENGTH_BYTES
}

/** Both ways together. */
export function kbitPerSecond(bytes: number, ms: Millis): number {
  return (bytes * 8) / ms
}
