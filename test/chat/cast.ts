/** Branches with people for tests of chats: real stores and event logs, an invisible wire, a clock moved by hand. */

import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { erasingKinds } from '../../src/accounts/erasing.ts'
import { userPut } from '../../src/accounts/events.ts'
import { hex } from '../../src/base/bytes.ts'
import { HLC_ZERO } from '../../src/base/hlc.ts'
import type { ConversationId, Incarnation, MessageId, UserId } from '../../src/base/ids.ts'
import { DAY, type Millis } from '../../src/base/units.ts'
import type { ChatParts } from '../../src/chat/actions.ts'
import { addContact, postMessage } from '../../src/chat/actions.ts'
import { draftPut } from '../../src/chat/drafts.ts'
import { type ChatKinds, chatKinds } from '../../src/chat/events.ts'
import { fileRemovalKinds } from '../../src/chat/file-removals.ts'
import { sentOnFromHome } from '../../src/chat/following.ts'
import type { followedByChats } from '../../src/chat/guests.ts'
import { historyKinds } from '../../src/chat/history.ts'
import { missedByNewcomers } from '../../src/chat/newcomers.ts'
import type { Viewer } from '../../src/chat/queries.ts'
import { linesBefore } from '../../src/chat/queries.ts'
import { createReading, type Reading } from '../../src/chat/reading.ts'
import type { LogParts } from '../../src/eventlog/parts.ts'
import { realRandom } from '../../src/world/random.ts'
import { temporaryFolder } from '../db/store.ts'
import {
  exchange,
  handClock,
  type Keys,
  keptLog,
  keysOf,
  startBranch,
  type TestBranch,
} from '../eventlog/fixture.ts'

type Test = { after(fn: () => unknown): void }

export type Office = TestBranch & {
  name: string
  kinds: ChatKinds
  parts: ChatParts
  reading: Reading
  /** What chats of guests need of the log. */
  guests: Parameters<typeof followedByChats>[1]
  /** Creates somebody at home here. */
  hire(firstName: string, lastName?: string): Promise<Person>
}

/** Somebody; what he does happens at the home branch unless another is named. */
export type Person = {
  id: UserId
  name: string
  office: Office
  viewer: Viewer
  at(office: Office): Viewer
  adds(other: Person): Promise<ConversationId>
  posts(conversation: ConversationId, body: string): Promise<MessageId>
  /** Bodies of the newest page, oldest first. */
  sees(conversation: ConversationId): Promise<string[]>
  reads(conversation: ConversationId, ...lines: MessageId[]): Promise<void>
  isShown(conversation: ConversationId, ...lines: MessageId[]): Promise<void>
}

export type Company = {
  offices: Office[]
  now(): Millis
  advance(ms: Millis): void
  /** From now on the clock of an office is so far ahead of all others. */
  sets(office: Office, ahead: Millis): void
  /** Carries everything between two offices, both ways. */
  link(a: Office, b: Office): Promise<void>
  /** Everything everywhere, until nothing is left. */
  settle(): Promise<void>
}

/** A company of offices that know each other; nothing travels before `link` or `settle`. */
export async function companyOf(t: Test, ...names: string[]): Promise<Company> {
  const folder = temporaryFolder(t as { after(fn: () => void): void })
  const { clock, advance } = handClock()
  const keys = names.map(keysOf)
  const offices: Office[] = []
  const ahead = new Map<string, Millis>()
  const clockOf = ({ name }: Keys) => ({
    ...clock,
    now: () => clock.now() + (ahead.get(name) ?? 0),
  })
  for (const own of keys) {
    const place = join(folder, own.name)
    mkdirSync(place)
    offices.push(await openOffice({ own, keys, folder: place, clock: clockOf(own) }))
  }
  t.after(async () => {
    for (const office of offices) await office.store.close()
  })
  const link = async (a: Office, b: Office) => {
    await exchange(a, b)
    await exchange(b, a)
    await rested(a, b)
  }
  return {
    offices,
    now: clock.now,
    advance,
    sets: ({ name }, ms) => ahead.set(name, ms),
    link,
    async settle() {
      for (const a of offices) await a.reading.flush()
      for (let round = 0; round < 3; round++) {
        for (const a of offices) for (const b of offices) if (a !== b) await exchange(a, b)
        if (await isWaiting(offices)) advance(RETRY_MS)
        await rested(...offices)
      }
    },
  }
}

/** A little more than the log waits before it tries parked events again. */
const RETRY_MS = 60

async function isWaiting(offices: readonly Office[]): Promise<boolean> {
  for (const { store } of offices) {
    const parked = store.read.selectFrom('event').where('state', '=', 'parked').select('position')
    if ((await parked.executeTakeFirst()) !== undefined) return true
  }
  return false
}

/** What the log does by itself after a commit is an action of its own: these come after it. */
async function rested(...offices: Office[]) {
  for (const { store } of [...offices, ...offices, ...offices]) {
    await store.writer.write(async () => {})
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** An office on a folder; those of a company know each other. */
export async function openOffice(options: {
  own: Keys
  keys: readonly Keys[]
  folder: string
  clock: ReturnType<typeof handClock>['clock']
}): Promise<Office> {
  const { own, keys, folder, clock } = options
  const kinds = chatKinds({ self: own.id })
  const knows = keys.filter((each) => each !== own)
  const incarnation = hex(randomBytes(8)) as Incarnation
  const doors: Pick<Office, 'guests'>[] = []
  const all: LogParts['kinds'] = (append, forward) => {
    doors.push({ guests: { append, forward, kinds, self: own.id } })
    return [
      ...missedByNewcomers(
        { userPut, chats: sentOnFromHome(kinds, { append, kinds, self: own.id }) },
        { forward, self: own.id, incarnation },
      ),
      draftPut,
      ...erasingKinds,
      ...fileRemovalKinds,
      ...historyKinds({ append, forward, chats: kinds, self: own.id }),
    ]
  }
  const branch = await startBranch({ keys: own, knows, folder, clock, kinds: all, incarnation })
  const { store, log } = branch
  const random = realRandom()
  const parts: ChatParts = {
    ...{ store, append: log.append, kinds, self: own.id, clock, random },
    now: log.now,
  }
  const reading = createReading({ ...parts, log: keptLog() })
  const office: Office = {
    ...{ ...branch, name: own.name, kinds, parts, reading, guests: doors[0]?.guests ?? fail() },
    hire: (firstName, lastName = '') => hire(office, firstName, lastName),
  }
  return office
}

const fail = (): never => {
  throw new Error('The log asks for its kinds')
}

async function hire(office: Office, firstName: string, lastName: string): Promise<Person> {
  const id = hex(randomBytes(16)) as UserId
  const self = office.keys.id
  const body = {
    ...{ user: id, home: self, rev: 1, login: firstName.toLowerCase(), firstName, lastName },
    ...{ photo: null, post: '', department: '', phone: '', room: '', language: null },
    ...{ theme: 'auto' as const, createdAt: office.parts.clock.now() },
  }
  await office.store.writer.write((tx) => office.log.append(tx, { kind: userPut, body, to: 'all' }))
  return personOf(office, id, firstName)
}

function personOf(office: Office, id: UserId, name: string): Person {
  const { parts, reading } = office
  const viewer = { id, at: office.keys.id }
  const see = async (conversation: ConversationId, mark: 'shown' | 'read', lines: MessageId[]) => {
    await reading.markSeen(id, { conversation, mark, lines })
  }
  return {
    ...{ id, name, office, viewer },
    at: (other) => ({ id, at: other.keys.id }),
    adds: (other) => addContact(parts, id, other.id),
    async posts(conversation, body) {
      return (await postMessage(parts, id, { conversation, body })).message
    },
    async sees(conversation) {
      const page = await linesBefore(office.store.read, viewer, { conversation, limit: 200 })
      return page.lines.map((line) => line.body)
    },
    reads: (conversation, ...lines) => see(conversation, 'read', lines),
    isShown: (conversation, ...lines) => see(conversation, 'shown', lines),
  }
}

/** The directory of an office says that somebody is a guest of another. */
export async function seat(office: Office, person: Person, at: Office) {
  const until = office.parts.clock.now() + DAY
  const where = { userId: person.id, branchId: at.keys.id }
  await office.store.writer.write(async (tx) => {
    const proof = { epoch: 1, rev: 1, hlc: HLC_ZERO, salt: '', publicKey: new Uint8Array(32) }
    await tx
      .insertInto('credential')
      .values({ ...where, ...proof, mustChange: 0 })
      .execute()
    await tx
      .insertInto('location')
      .values({ ...where, epoch: 1, until, hlc: HLC_ZERO })
      .execute()
  })
}
