/** The session by itself: inputs in, effects out, and every rule whose breach ends the link. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HLC_ZERO } from '../../src/base/hlc.ts'
import type { BranchId, FeedId, Incarnation } from '../../src/base/ids.ts'
import {
  FRAME,
  type Frame,
  type FrameType,
  fragments,
  frame,
  ProtocolClose,
} from '../../src/relay/frames.ts'
import { Messages } from '../../src/relay/messages.ts'
import {
  decodeAcks,
  decodeCredit,
  decodeHaves,
  decodeWant,
  encodeCredit,
  encodeHaves,
  encodeSettings,
  encodeWant,
} from '../../src/relay/payloads.ts'
import { DEAD_MS, type Effect, type Input, Session } from '../../src/relay/session.ts'
import { transportPair } from '../support/transport.ts'

const KIB = 1024
const id = (n: number) => n.toString(16).padStart(32, '0') as FeedId
const chain = new Uint8Array(32)

function sessionFor({ windows = [0, 0, 1024 * KIB, 256 * KIB], isSettled = true } = {}) {
  let now = 1000
  let waiting = 0
  const session = new Session({
    incarnation: '0123456789abcdef' as Incarnation,
    release: 'test',
    suite: 2,
    now: () => now,
    nonce: () => new Uint8Array(8),
    waiting: () => waiting,
  })
  const step = (input: Input) => session.step(input)
  const receive = (each: Frame) => step({ kind: 'received', frame: each, hlc: HLC_ZERO })
  const settings = (protocolMin = 1) =>
    frame(
      FRAME.SETTINGS,
      encodeSettings({
        protocolMin,
        protocolMax: protocolMin,
        release: 'test',
        frameMax: 16_384,
        suite: 2,
        hasFiles: true,
        windows: windows as [number, number, number, number],
        incarnation: 'fedcba9876543210' as Incarnation,
        hlc: HLC_ZERO,
      }),
    )
  const begun = step({ kind: 'opened', hlc: HLC_ZERO })
  if (isSettled) receive(settings())
  return {
    session,
    step,
    receive,
    settings,
    begun,
    pass: (ms: number) => {
      now += ms
    },
    setWaiting: (bytes: number) => {
      waiting = bytes
    },
  }
}

const sent = (effects: readonly Effect[], type: FrameType) =>
  effects.flatMap((effect) =>
    effect.kind === 'send' && effect.frame.type === type ? [effect.frame.payload] : [],
  )
const kinds = (effects: readonly Effect[]) => effects.map(({ kind }) => kind)
const closesWith = (reason: string) => (error: unknown) =>
  error instanceof ProtocolClose && error.reason === reason

const offer = (n: number, head: number, isOurs = true) => ({
  n,
  id: id(n),
  floor: 0,
  head,
  chain,
  isOurs,
  isTheirs: false,
  isForThem: false,
  urgentTo: 0,
})
const want = (n: number, after: number) =>
  frame(FRAME.WANT, encodeWant({ id: id(n), after, isLive: true, needsOpening: false }))

test('SETTINGS is the first frame of each side, and comes once', () => {
  const { begun, receive, settings } = sessionFor({ isSettled: false })
  assert.equal(begun[0]?.kind === 'send' && begun[0].frame.type, FRAME.SETTINGS)
  assert.throws(() => receive(want(1, 0)), closesWith('out-of-turn'))
  receive(settings())
  assert.throws(() => receive(settings()), closesWith('out-of-turn'))
})

test('no common version, or a window too small for one batch, ends the session', () => {
  const newer = sessionFor({ isSettled: false })
  assert.throws(() => newer.receive(newer.settings(2)), closesWith('version-unsupported'))
  const tiny = sessionFor({ isSettled: false, windows: [0, 0, 100 * KIB, 256 * KIB] })
  assert.throws(() => tiny.receive(tiny.settings()), closesWith('bad-frame'))
})

test('everything is listed once, later only what grew', () => {
  const { step } = sessionFor()
  const first = step({ kind: 'offers', isCarrier: false, offers: [offer(1, 5), offer(2, 0)] })
  assert.deepEqual(
    sent(first, FRAME.HAVE)
      .flatMap(decodeHaves)
      .map(({ head }) => head),
    [5, 0],
  )
  assert.deepEqual(kinds(step({ kind: 'grown', feeds: [2] })), ['list'])
  const later = step({ kind: 'offers', isCarrier: false, offers: [offer(1, 5), offer(2, 1)] })
  assert.deepEqual(
    sent(later, FRAME.HAVE)
      .flatMap(decodeHaves)
      .map(({ id: at }) => at),
    [id(2)],
  )
})

test('a feed that grows while a list is being made is listed again, not forgotten', () => {
  const { step } = sessionFor()
  step({ kind: 'grown', feeds: [7] }) // opened while the first list is under way
  const first = step({ kind: 'offers', isCarrier: false, offers: [offer(1, 5)] })
  assert.ok(kinds(first).includes('list'))
  const second = step({ kind: 'offers', isCarrier: false, offers: [offer(1, 5), offer(7, 1)] })
  assert.deepEqual(
    sent(second, FRAME.HAVE)
      .flatMap(decodeHaves)
      .map(({ id: at }) => at),
    [id(7)],
  )
})

test('what was not offered to the peer is not read for it', () => {
  const { step, receive } = sessionFor()
  step({ kind: 'offers', isCarrier: false, offers: [offer(1, 5)] })
  assert.deepEqual(receive(want(9, 0)), [])
  assert.deepEqual(kinds(receive(want(1, 2))), ['read'])
})

test('no byte of a batch is sent beyond the credit, and credit sets it going again', () => {
  const { step, receive } = sessionFor({ windows: [0, 0, 200 * KIB, 256 * KIB] })
  step({ kind: 'offers', isCarrier: false, offers: [offer(1, 5)] })
  receive(want(1, 0))
  const batch = (lastSeq: number) => ({ bytes: new Uint8Array(120 * KIB), lastSeq })
  const one = step({ kind: 'batches', id: id(1), after: 0, batches: [batch(1), batch(2)] })
  const bytes = sent(one, FRAME.BATCH).reduce((sum, payload) => sum + payload.length, 0)
  assert.equal(bytes, 120 * KIB)
  assert.ok(!kinds(one).includes('read'), 'it waits for credit')
  const more = receive(frame(FRAME.CREDIT, encodeCredit({ class: 2, bytes: 120 * KIB })))
  assert.deepEqual(
    more.map((effect) => effect.kind === 'read' && effect.after),
    [1],
  )
})

test('nothing is read ahead while much waits to be sent', () => {
  const { step, receive, setWaiting } = sessionFor()
  step({ kind: 'offers', isCarrier: false, offers: [offer(1, 5)] })
  setWaiting(500 * KIB)
  assert.deepEqual(receive(want(1, 0)), [])
  setWaiting(0)
  assert.deepEqual(kinds(step({ kind: 'room' })), ['read'])
})

test('our own feed stays open, another branch’s is served to its head and announced later', () => {
  const { step, receive } = sessionFor()
  step({ kind: 'offers', isCarrier: false, offers: [offer(1, 5), offer(2, 5, false)] })
  for (const n of [1, 2]) {
    receive(want(n, 0))
    const [batches, none] = [[{ bytes: new Uint8Array(100), lastSeq: 5 }], []]
    step({ kind: 'batches', id: id(n), after: 0, batches })
    step({ kind: 'batches', id: id(n), after: 5, batches: none })
  }
  assert.deepEqual(kinds(step({ kind: 'grown', feeds: [1] })), ['read'])
  assert.deepEqual(kinds(step({ kind: 'grown', feeds: [2] })), ['timer'])
})

test('a peer that sends more than it was granted is closed', () => {
  const { receive } = sessionFor()
  const big = fragments(FRAME.BATCH, new Uint8Array(150 * KIB))
  const flood = () => {
    for (let i = 0; i < 8; i++) for (const part of big) receive(part)
  }
  assert.throws(flood, closesWith('out-of-turn'))
})

test('acks and credit follow the commit', () => {
  const { step, receive } = sessionFor()
  const bytes = new Uint8Array(150 * KIB)
  for (let i = 1; i <= 3; i++) {
    for (const part of fragments(FRAME.BATCH, bytes)) receive(part)
  }
  const stored = (durable: number) =>
    step({
      kind: 'stored',
      id: id(0),
      bytes: bytes.length,
      durable,
      stable: 0,
      isFull: false,
      hlc: HLC_ZERO,
    })
  const busy = stored(1)
  assert.deepEqual(kinds(busy), ['timer'], 'others are being stored: the ack waits a little')
  const second = stored(2)
  const [grant] = sent(second, FRAME.CREDIT)
  assert.equal(grant && decodeCredit(grant)?.bytes, 300 * KIB)
  const idle = stored(3)
  assert.deepEqual(
    sent(idle, FRAME.ACK)
      .flatMap(decodeAcks)
      .map(({ durable }) => durable),
    [3],
  )
})

test('a feed that is announced is asked for once, and again only when it grew past that', () => {
  const { step, receive } = sessionFor()
  const have = (head: number) =>
    receive(
      frame(FRAME.HAVE, encodeHaves([{ id: id(4), floor: 0, head, chain8: new Uint8Array(8) }])),
    )
  const [find] = have(5)
  assert.ok(find?.kind === 'find')
  assert.deepEqual(have(6), [], 'the first question is under way')
  const found = step({
    kind: 'found',
    entry: find.entry,
    want: { id: id(4), after: 0, needsOpening: false },
    ack: undefined,
  })
  assert.deepEqual(
    sent(found, FRAME.WANT)
      .map(decodeWant)
      .map((one) => one?.after),
    [0],
  )
  assert.deepEqual(have(7), [], 'it is on its way')
  const stored = (durable: number) =>
    step({ kind: 'stored', id: id(4), bytes: 10, durable, stable: 0, isFull: false, hlc: HLC_ZERO })
  assert.ok(!kinds(stored(5)).includes('find'))
  assert.ok(kinds(stored(6)).includes('find'), 'what was asked for has come, and there is more')
})

test('what came by another branch before is acked to its origin, many feeds in one frame', () => {
  const { step, receive } = sessionFor()
  const entries = [4, 5].map((n) => ({ id: id(n), floor: 0, head: 3, chain8: new Uint8Array(8) }))
  receive(frame(FRAME.HAVE, encodeHaves(entries)))
  const acks = entries.map((entry) => ({
    ...{ id: entry.id, durable: 3, stable: 3, at: HLC_ZERO, via: undefined },
  }))
  const found = entries.flatMap((entry, i) =>
    step({ kind: 'found', entry, want: undefined, ack: acks[i] }),
  )
  assert.deepEqual(kinds(found), ['timer'])
  const told = sent(step({ kind: 'timer', name: 'ack', hlc: HLC_ZERO }), FRAME.ACK)
  assert.deepEqual(told.map(decodeAcks), [acks])
})

test('a full feed is asked for again later, and what comes until then is dropped', () => {
  const { step, receive, session } = sessionFor()
  const entry = { id: id(4), floor: 0, head: 9, chain8: new Uint8Array(8) }
  receive(frame(FRAME.HAVE, encodeHaves([entry])))
  const found = (after: number) =>
    step({
      kind: 'found',
      entry,
      want: { id: id(4), after, needsOpening: false },
      ack: undefined,
    })
  found(0)
  const batchFrom = (firstSeq: number) => {
    const batch = new Uint8Array(40)
    new DataView(batch.buffer).setBigUint64(24, BigInt(firstSeq))
    new DataView(batch.buffer).setUint16(32, 1)
    return batch
  }
  const stored = (durable: number, isFull: boolean) => {
    receive(frame(FRAME.BATCH, batchFrom(durable)))
    return step({ kind: 'stored', id: id(4), bytes: 40, durable, stable: 0, isFull, hlc: HLC_ZERO })
  }
  const full = stored(5, true)
  assert.deepEqual(kinds(full), ['timer'], 'no ack')
  assert.equal(session.isDropped(id(4), batchFrom(7)), true)
  assert.equal(session.isDropped(id(5), batchFrom(7)), false, 'other feeds go on')
  const again = step({ kind: 'timer', name: 'again', hlc: HLC_ZERO })
  assert.deepEqual(kinds(again), ['find'])
  assert.equal(sent(found(6), FRAME.WANT).map(decodeWant)[0]?.after, 6)
  assert.equal(session.isDropped(id(4), batchFrom(9)), true, 'sent before it was asked for')
  assert.equal(session.isDropped(id(4), batchFrom(7)), false)
  assert.ok(sent(stored(7, false), FRAME.ACK).length > 0)
  assert.equal(session.isDropped(id(4), batchFrom(9)), false)
})

test('of a feed whose origin was unknown nothing is taken before it is opened and begins anew', () => {
  const { step, receive, session } = sessionFor()
  const entry = { id: id(4), floor: 0, head: 9, chain8: new Uint8Array(8) }
  receive(frame(FRAME.HAVE, encodeHaves([entry])))
  const found = (after: number, needsOpening: boolean) =>
    step({ kind: 'found', entry, want: { id: id(4), after, needsOpening }, ack: undefined })
  const batchFrom = (firstSeq: number) => {
    const batch = new Uint8Array(40)
    new DataView(batch.buffer).setBigUint64(24, BigInt(firstSeq))
    new DataView(batch.buffer).setUint16(32, 1)
    return batch
  }
  const isDropped = (firstSeq: number) => session.isDropped(id(4), batchFrom(firstSeq))
  found(0, true)
  step({ kind: 'feedOpened', id: id(4), isKnown: false })
  assert.equal(isDropped(1), true)
  assert.deepEqual(kinds(step({ kind: 'identities' })), ['find'])
  assert.equal(isDropped(2), true, 'sent for the first question: nothing is open yet')
  assert.deepEqual(kinds(step({ kind: 'identities' })), [], 'asked once')
  found(0, true)
  step({ kind: 'feedOpened', id: id(4), isKnown: true })
  assert.deepEqual([isDropped(3), isDropped(1)], [true, false], 'its opening goes before batches')
  assert.equal(isDropped(2), false, 'the one behind it passes before it is stored')
  assert.equal(isDropped(4), true)
  receive(frame(FRAME.BATCH, batchFrom(1)))
  step({
    kind: 'stored',
    id: id(4),
    bytes: 40,
    durable: 1,
    stable: 1,
    isFull: false,
    hlc: HLC_ZERO,
  })
  assert.equal(isDropped(4), false)
})

test('a feed that another branch brought meanwhile goes on from there', () => {
  const { step, receive, session } = sessionFor()
  const entry = { id: id(4), floor: 0, head: 9, chain8: new Uint8Array(8) }
  receive(frame(FRAME.HAVE, encodeHaves([entry])))
  const found = (after: number, needsOpening: boolean) =>
    step({ kind: 'found', entry, want: { id: id(4), after, needsOpening }, ack: undefined })
  const isDropped = (firstSeq: number) => {
    const batch = new Uint8Array(40)
    new DataView(batch.buffer).setBigUint64(24, BigInt(firstSeq))
    new DataView(batch.buffer).setUint16(32, 1)
    return session.isDropped(id(4), batch)
  }
  found(0, true)
  step({ kind: 'feedOpened', id: id(4), isKnown: false })
  step({ kind: 'identities' })
  found(3, false)
  assert.deepEqual([isDropped(5), isDropped(4)], [true, false])
})

test('a silent peer is asked after 15 seconds and given up after 45', () => {
  const { step, pass } = sessionFor()
  const tick = () => step({ kind: 'timer', name: 'ping', hlc: HLC_ZERO })
  assert.equal(sent(tick(), FRAME.PING).length, 0)
  pass(15_000)
  assert.equal(sent(tick(), FRAME.PING).length, 1)
  pass(DEAD_MS - 15_000)
  assert.throws(tick, closesWith('timeout'))
})

test('bytes that nobody waits for stay with the sender', async () => {
  const { a, b } = transportPair()
  const messages = new Messages(b)
  for (let i = 0; i < 100; i++) a.send(new Uint8Array(64 * KIB))
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
  assert.ok(messages.received <= 64 * KIB, `${messages.received} bytes were taken`)
  assert.ok(a.waiting >= 99 * 64 * KIB)
  await messages.bytes(100 * KIB)
  assert.ok(messages.received <= 3 * 64 * KIB)
})

test('an offer to carry that is taken back while it is asked for is asked for when it comes again', () => {
  const [origin, carrier] = [sessionFor(), sessionFor()]
  const carry = { destination: id(9) as string as BranchId, after: 4 }
  const lists = (...offers: (ReturnType<typeof offer> & { carry: typeof carry })[]) =>
    frames(origin.step({ kind: 'offers', isCarrier: true, offers }))
  const toCarrier = (list: readonly Frame[]) =>
    list
      .flatMap((each) => carrier.receive(each))
      .flatMap((effect) => {
        if (effect.kind !== 'find') return []
        const asked = { id: effect.entry.id, after: 4, needsOpening: false }
        return frames(
          carrier.step({ kind: 'found', entry: effect.entry, want: asked, ack: undefined }),
        )
      })
  const wants = toCarrier(lists({ ...offer(1, 5), carry }))
  assert.equal(wants.length, 1)
  origin.step({ kind: 'routes' })
  const back = lists()
  assert.deepEqual(
    wants.flatMap((each) => origin.receive(each)),
    [],
    'too late',
  )
  assert.deepEqual(toCarrier(back), [])
  origin.step({ kind: 'routes' })
  const again = toCarrier(lists({ ...offer(1, 6), carry }))
  assert.deepEqual(
    again.map(({ type }) => type),
    [FRAME.WANT],
  )
  assert.deepEqual(kinds(again.flatMap((each) => origin.receive(each))), ['read'])
})

const frames = (effects: readonly Effect[]) =>
  effects.flatMap((effect) => (effect.kind === 'send' ? [effect.frame] : []))
