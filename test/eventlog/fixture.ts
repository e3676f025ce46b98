/** Branches for tests of the log: a database file in a temporary folder, real keys, a clock that stands still. */
import { createHash, randomBytes } from 'node:crypto'
import { copyFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { hex } from '../../src/base/bytes.ts'
import type { BranchId, ConversationId, EventId, Incarnation } from '../../src/base/ids.ts'
import type { Millis } from '../../src/base/units.ts'
import { openBox, sealBox } from '../../src/certificates/sealed-box.ts'
import { signerOf, signingPublicKeyOf, verifierOf } from '../../src/certificates/signing.ts'
import { nodeX25519 } from '../../src/certificates/x25519.ts'
import { metaOf, putMeta } from '../../src/db/meta.ts'
import type { Db, Store } from '../../src/db/open.ts'
import { openStore } from '../../src/db/open.ts'
import type { EventKind, LoggedEvent } from '../../src/eventlog/events.ts'
import type { EventLog } from '../../src/eventlog/log.ts'
import { createEventLog } from '../../src/eventlog/log.ts'
import type { LogParts } from '../../src/eventlog/parts.ts'
import type { Clock } from '../../src/world/clock.ts'
import type { Log } from '../../src/world/log.ts'
import { realRandom } from '../../src/world/random.ts'
import { putEmptyDatabase } from '../db/store.ts'

export type Keys = {
  id: BranchId
  name: string
  signKey: Uint8Array
  signPublicKey: Uint8Array
  boxKey: Uint8Array
  boxPublicKey: Uint8Array
}

export function keysOf(name: string): Keys {
  const signKey = new Uint8Array(randomBytes(32))
  const boxKey = new Uint8Array(randomBytes(32))
  const signPublicKey = signingPublicKeyOf(signKey)
  const digest = createHash('sha256').update(signPublicKey).digest()
  return {
    id: hex(digest.subarray(0, 16)) as BranchId,
    name,
    signKey,
    signPublicKey,
    boxKey,
    boxPublicKey: nodeX25519.publicKeyOf(boxKey),
  }
}

/** A clock moved by hand; `soon` is real, because SQLite's commits are. */
export function handClock(start: Millis = 1_800_000_000_000) {
  let now = start
  const timers: { at: Millis; fn: () => void }[] = []
  const clock: Clock = {
    now: () => now,
    after(ms, fn) {
      const timer = { at: now + ms, fn }
      timers.push(timer)
      return () => {
        const index = timers.indexOf(timer)
        if (index >= 0) timers.splice(index, 1)
      }
    },
    soon: (fn) => void setImmediate(fn),
  }
  const advance = (ms: Millis) => {
    now += ms
    for (const timer of timers.filter((each) => each.at <= now)) {
      timers.splice(timers.indexOf(timer), 1)
      timer.fn()
    }
  }
  return { clock, advance }
}

/** A log that keeps its lines. */
export function keptLog(): Log & { lines: { name: string; fields: Record<string, unknown> }[] } {
  const lines: { name: string; fields: Record<string, unknown> }[] = []
  const keep = (name: string, fields: Record<string, unknown> = {}) => {
    lines.push({ name, fields })
  }
  const log = { lines, debug: keep, info: keep, warn: keep, error: keep, with: () => log }
  return log
}

export type Note = { text: string }

type NoteKind = EventKind<Note> & { seen: LoggedEvent<Note>[] }

/** A kind of event that keeps what was applied; its behaviour can be changed by replacing functions. */
export function noteKind(scope: 'all' | 'to', code: number, rules: Partial<EventKind<Note>> = {}) {
  const kind: NoteKind = {
    seen: [],
    code,
    name: `note.${code.toString(16)}`,
    scope,
    parse(value) {
      const { text } = value as Note
      if (typeof text !== 'string') throw new TypeError('Not a note')
      return { text }
    },
    refusal: async () => undefined,
    apply: async (tx, event) => {
      const value = `${await noteOf(tx, event.id)}${event.body.text}`
      await putMeta(tx, { [`note ${event.id}`]: value })
      kind.seen.push(event)
    },
    conversationOf: () => 'c0'.repeat(16) as ConversationId,
    ...rules,
  }
  return kind
}

/** What applying left behind: each application adds the text once more. */
export async function noteOf(db: Db, id: EventId): Promise<string> {
  return (await metaOf(db, `note ${id}`)) ?? ''
}

export type TestBranch = {
  keys: Keys
  store: Store
  log: EventLog
  lines: ReturnType<typeof keptLog>['lines']
  mail: ReturnType<typeof noteKind>
  record: ReturnType<typeof noteKind>
  path: string
  post(text: string, to: readonly BranchId[]): Promise<LoggedEvent<Note>>
  publish(text: string): Promise<LoggedEvent<Note>>
}

export type BranchOptions = {
  keys: Keys
  /** Branches it knows, itself left out. */
  knows: readonly Keys[]
  folder: string
  clock?: Clock
  mail?: ReturnType<typeof noteKind> | undefined
  record?: ReturnType<typeof noteKind>
  carryBytesMax?: number
  /** Drawn when absent. */
  incarnation?: Incarnation
  kinds?: readonly EventKind<unknown>[] | LogParts['kinds']
}

/** Starts a branch on a folder, new or left behind by an earlier start. */
export async function startBranch(options: BranchOptions): Promise<TestBranch> {
  const { keys, folder } = options
  const clock = options.clock ?? handClock().clock
  const lines = keptLog()
  const path = join(folder, 'branchline.db')
  await putEmptyDatabase(path)
  const store = await openStore({ path, clock, log: lines })
  await store.writer.write(async (tx) => {
    for (const each of [keys, ...options.knows]) await putBranch(tx, each)
  })
  const mail = options.mail ?? noteKind('to', 0x0402)
  const record = options.record ?? noteKind('all', 0x0301)
  const kinds = typeof options.kinds === 'object' ? options.kinds : [mail, record]
  const log = await createEventLog({
    store,
    self: keys.id,
    incarnation: options.incarnation ?? (hex(randomBytes(8)) as Incarnation),
    sign: signerOf(keys.signKey),
    verifierOf,
    sealKey: (publicKey, key) => sealBox(publicKey, key, new Uint8Array(randomBytes(32))),
    openKey: (sealed) => openBox({ secretKey: keys.boxKey, publicKey: keys.boxPublicKey }, sealed),
    clock,
    random: realRandom(),
    log: lines,
    carryBytesMax: options.carryBytesMax ?? 10_000_000,
    rolledBack: async () => lines.error('eventlog.rolled-back'),
    kinds: typeof options.kinds === 'function' ? options.kinds : () => kinds,
  })
  const write = (kind: EventKind<Note>, text: string, to: 'all' | readonly BranchId[]) =>
    store.writer.write((tx) => log.append(tx, { kind, body: { text }, to }))
  return {
    keys,
    store,
    log,
    lines: lines.lines,
    mail,
    record,
    path,
    post: (text, to) => write(mail, text, to),
    publish: (text) => write(record, text, 'all'),
  }
}

export async function putBranch(tx: Db, keys: Keys): Promise<void> {
  const row = {
    id: keys.id,
    name: keys.name,
    status: 'active' as const,
    identity: new Uint8Array(1),
    signPublicKey: keys.signPublicKey,
    boxPublicKey: keys.boxPublicKey,
    addresses: '[]',
    heardAt: null,
    lostAt: null,
  }
  await tx
    .insertInto('branch')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/** Everything `from` has for `to`, over an invisible wire; `alter` may change the bytes of batches on the way. */
export async function exchange(
  from: TestBranch,
  to: TestBranch,
  alter: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes,
): Promise<void> {
  for (const offer of await from.log.offersTo(to.keys.id)) {
    const entry = { ...offer, chain8: offer.chain.subarray(0, 8) }
    const want = await to.log.wanted(from.keys.id, entry)
    if (want === undefined) continue
    if (want.needsOpening) await open(from, to, offer)
    for (let after = want.after; ; ) {
      const batches = await from.log.batchesAfter(offer.n, after, 100_000)
      for (const { bytes, lastSeq } of batches) {
        const { feed, durable, stable } = await to.log.receiveBatch(from.keys.id, alter(bytes))
        const ack = { feed, durable, stable, at: from.log.now(), via: undefined }
        await from.log.acknowledged(to.keys.id, [ack])
        after = lastSeq
      }
      if (batches.length === 0) break
    }
  }
}

/** Gives `to` the opening of a feed. */
export async function open(
  from: TestBranch,
  to: TestBranch,
  { id }: Pick<Awaited<ReturnType<EventLog['offersTo']>>[number], 'id'>,
) {
  const bytes = await from.log.openingOf(id)
  if (bytes === undefined) throw new Error('No such feed')
  return to.log.receiveOpening(from.keys.id, bytes)
}

/** What a power loss leaves: the files as they are now, under another folder. */
export function crashImage(branch: TestBranch, folder: string): string {
  for (const ending of ['', '-wal']) {
    const from = branch.path + ending
    if (existsSync(from)) copyFileSync(from, join(folder, `branchline.db${ending}`))
  }
  return folder
}

/** The bytes of all batches of a branch's only feed for `to`, and its number. */
export async function mailFeed(from: TestBranch, to: TestBranch) {
  const offers = await from.log.offersTo(to.keys.id)
  for (const offer of offers) {
    const feed = await from.store.read
      .selectFrom('feed')
      .select(['scope', 'origin'])
      .where('n', '=', offer.n)
      .executeTakeFirstOrThrow()
    if (feed.scope === 'to' && feed.origin === from.keys.id) return offer
  }
  throw new Error('No mail')
}
