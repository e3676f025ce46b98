/** The relay's pure parts: frames, queues, limits for strangers, duplicate links, addresses. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HLC_ZERO } from '../../src/base/hlc.ts'
import type { BranchId, FeedId, Incarnation } from '../../src/base/ids.ts'
import { addressText, isInSubnet, parseAddress } from '../../src/relay/addresses.ts'
import { chunkFrame, decodeChunk } from '../../src/relay/chunks.ts'
import {
  Assembly,
  CONTROL_PAYLOAD_BYTES_MAX,
  decodeFrames,
  encodeFrames,
  FLAG_MORE,
  FLAG_MUST_UNDERSTAND,
  FRAME,
  FRAME_HEADER_BYTES,
  type Frame,
  fragments,
  frame,
  PAYLOAD_BYTES_MAX,
  ProtocolClose,
} from '../../src/relay/frames.ts'
import { survivor } from '../../src/relay/links.ts'
import {
  decodeAcks,
  decodeHaves,
  decodeSettings,
  decodeWant,
  encodeAcks,
  encodeHaves,
  encodeSettings,
  encodeWant,
} from '../../src/relay/payloads.ts'
import { Queues } from '../../src/relay/queues.ts'
import { Doorkeeper, LIMITS } from '../../src/relay/strangers.ts'
import { keptLog } from '../eventlog/fixture.ts'
import { prng } from '../support/prng.ts'

const closesWith = (reason: string) => (error: unknown) =>
  error instanceof ProtocolClose && error.reason === reason

test('a payload at its limit passes, one byte more ends the link', () => {
  const at = (type: number, length: number) => {
    const bytes = new Uint8Array(4 + length)
    bytes[0] = type
    new DataView(bytes.buffer).setUint16(2, length)
    return bytes
  }
  assert.equal(decodeFrames(at(FRAME.BATCH, PAYLOAD_BYTES_MAX)).length, 1)
  assert.equal(decodeFrames(at(FRAME.HAVE, CONTROL_PAYLOAD_BYTES_MAX)).length, 1)
  for (const bytes of [
    at(FRAME.BATCH, PAYLOAD_BYTES_MAX + 1),
    at(FRAME.HAVE, CONTROL_PAYLOAD_BYTES_MAX + 1),
  ]) {
    assert.throws(() => decodeFrames(bytes), closesWith('frame-too-large'))
  }
})

test('unknown frames are ignored unless they must be understood', () => {
  const unknown = (flags: number) => new Uint8Array([0x7f, flags, 0, 1, 9])
  assert.deepEqual(decodeFrames(unknown(0)), [])
  assert.throws(() => decodeFrames(unknown(FLAG_MUST_UNDERSTAND)), closesWith('bad-frame'))
})

test('altered messages never do worse than end the link', () => {
  const chance = prng(7)
  const whole = encodeFrames([
    frame(
      FRAME.WANT,
      encodeWant({ id: 'ab'.repeat(16) as FeedId, after: 7, isLive: true, needsOpening: true }),
    ),
    frame(FRAME.PING, new Uint8Array(16)),
    ...fragments(FRAME.BATCH, new Uint8Array(200)),
  ])
  const decoders = new Map<number, (payload: Uint8Array) => unknown>([
    [FRAME.WANT, decodeWant],
    [FRAME.HAVE, decodeHaves],
    [FRAME.ACK, decodeAcks],
    [FRAME.SETTINGS, decodeSettings],
  ])
  for (let i = 0; i < 30_000; i++) {
    const bytes = whole.slice(0, Math.floor(chance() * (whole.length + 1)))
    for (let n = 0; n < 3; n++) {
      bytes[Math.floor(chance() * bytes.length)] = Math.floor(chance() * 256)
    }
    try {
      for (const { type, payload } of decodeFrames(bytes)) decoders.get(type)?.(payload)
    } catch (error) {
      assert.ok(error instanceof ProtocolClose, String(error))
    }
  }
})

test('fragments come together again, and not beyond the limit', () => {
  const bytes = Uint8Array.from({ length: 40_000 }, (_, i) => i % 251)
  const parts = fragments(FRAME.BATCH, bytes)
  assert.deepEqual(
    parts.map(({ flags }) => flags),
    [FLAG_MORE, FLAG_MORE, 0],
  )
  const assembly = new Assembly(40_000)
  assert.deepEqual(parts.map((part) => assembly.add(part)).at(-1), bytes)
  assert.deepEqual(parts.map((part) => assembly.add(part)).at(-1), bytes, 'and once more')
  const small = new Assembly(39_999)
  assert.throws(() => parts.map((part) => small.add(part)), closesWith('frame-too-large'))
})

test('what is written is read again', () => {
  const id = 'cd'.repeat(16) as FeedId
  const have = { id, floor: 1, head: 2 ** 50, chain8: new Uint8Array(8).fill(3) }
  assert.deepEqual(decodeHaves(encodeHaves([have, have])), [have, have])
  const ack = { id, durable: 9, stable: 8, at: HLC_ZERO, via: undefined }
  const carried = { ...ack, via: 'ef'.repeat(16) as BranchId }
  assert.deepEqual(decodeAcks(encodeAcks([ack, carried])), [ack, carried])
  const settings = {
    protocolMin: 1,
    protocolMax: 2,
    release: '0.1.0',
    frameMax: PAYLOAD_BYTES_MAX,
    suite: 2 as const,
    hasFiles: true,
    windows: [0, 0, 1, 2] as const,
    incarnation: '0123456789abcdef' as Incarnation,
    hlc: HLC_ZERO,
  }
  const payload = encodeSettings(settings)
  assert.equal(payload.length, 86)
  assert.deepEqual(decodeSettings(payload), { ...settings, release: '0.1.0' })
})

const LARGE_FRAME = FRAME_HEADER_BYTES + PAYLOAD_BYTES_MAX
const big = (type: Frame['type'], count: number) =>
  Array.from({ length: count }, () => ({ type, flags: 0, payload: new Uint8Array(4000) }))

test('control goes first, and the others share by weight', () => {
  const queues = new Queues()
  for (const each of big(FRAME.CHUNK, 100)) queues.push(each)
  for (const each of big(FRAME.BATCH, 100)) queues.push(each)
  queues.push(frame(FRAME.PING, new Uint8Array(16)))
  const sent = { [FRAME.CHUNK]: 0, [FRAME.BATCH]: 0, [FRAME.PING]: 0 }
  let first: number | undefined
  for (let i = 0; i < 25; i++) {
    for (const { type } of decodeFrames(queues.next(LARGE_FRAME) ?? new Uint8Array(0))) {
      first ??= type
      sent[type as keyof typeof sent] += 1
    }
  }
  assert.equal(first, FRAME.PING)
  const share = sent[FRAME.BATCH] / sent[FRAME.CHUNK]
  assert.ok(share > 3.5 && share < 4.5, `durable to bulk is 4 to 1, and here ${share}`)
})

test('on a fast line several large frames are one message, never longer than Noise allows', () => {
  const queues = new Queues()
  const file = 'ab'.repeat(16)
  const data = new Uint8Array(16_000)
  for (let i = 0; i < 8; i++) {
    queues.push(chunkFrame({ file, index: 1, offset: i * data.length, data }, true))
  }
  const counts: number[] = []
  for (let message = queues.next(); message; message = queues.next()) {
    assert.ok(message.length <= 65_519, `${message.length} bytes`)
    counts.push(decodeFrames(message).length)
  }
  assert.deepEqual(counts, [4, 4])
})

test('everything that was pushed comes out, in the order of its class', () => {
  const queues = new Queues()
  for (let i = 0; i < 50; i++) queues.push(frame(FRAME.BATCH, new Uint8Array([i])))
  for (let i = 0; i < 50; i++) queues.push(frame(FRAME.CHUNK, new Uint8Array(9000).fill(i)))
  const out: number[] = []
  for (let message = queues.next(); message; message = queues.next()) {
    for (const { type, payload } of decodeFrames(message)) {
      out.push(type === FRAME.BATCH ? (payload[0] ?? 0) : 100 + (payload[0] ?? 0))
    }
  }
  assert.deepEqual(
    out.filter((n) => n < 100),
    Array.from({ length: 50 }, (_, i) => i),
  )
  assert.deepEqual(
    out.filter((n) => n >= 100),
    Array.from({ length: 50 }, (_, i) => 100 + i),
  )
  assert.equal(queues.isEmpty, true)
})

test('what is urgent goes before the rest of its class, and breaks into no batch that has begun', () => {
  const queues = new Queues()
  const batch = (mark: number, isUrgent: boolean) => {
    const bytes = new Uint8Array(40_000).fill(mark)
    for (const each of fragments(FRAME.BATCH, bytes)) queues.push(each, isUrgent)
  }
  batch(1, false)
  batch(2, false)
  const marks: number[] = []
  const take = () => {
    for (const { payload } of decodeFrames(queues.next(LARGE_FRAME) ?? new Uint8Array(0))) {
      marks.push(payload[0] ?? 0)
    }
  }
  take()
  batch(3, true)
  batch(4, true)
  while (!queues.isEmpty) take()
  assert.deepEqual([...new Set(marks)], [1, 3, 4, 2])
  const isTogether = marks.every(
    (mark, i) => i === 0 || marks.lastIndexOf(mark, i - 1) < 0 || marks[i - 1] === mark,
  )
  assert.ok(isTogether, marks.join())
})

test('frames longer than a piece are cut, and are whole again at the other end', () => {
  const queues = new Queues()
  const batch = new Uint8Array(40_000).map((_, i) => i % 251)
  for (const each of fragments(FRAME.BATCH, batch)) queues.push(each)
  const file = 'ab'.repeat(16)
  const data = batch.subarray(0, 10_000)
  queues.push(chunkFrame({ file, index: 9, offset: 0, data }, true))
  queues.push(chunkFrame({ file, index: 9, offset: 10_000, data }, false))
  const assembly = new Assembly(40_000)
  const whole: Uint8Array[] = []
  const chunks: number[] = []
  let last = FLAG_MORE
  for (let message = queues.next(1024); message; message = queues.next(1024)) {
    assert.ok(message.length <= 1024, `${message.length} bytes`)
    for (const each of decodeFrames(message)) {
      if (each.type === FRAME.BATCH) {
        const bytes = assembly.add(each)
        if (bytes) whole.push(bytes)
      } else {
        const chunk = decodeChunk(each.payload)
        assert.deepEqual([chunk.file, chunk.index], [file, 9])
        assert.equal(chunk.offset, chunks.length, 'the next byte')
        chunks.push(...chunk.data)
        assert.equal(last, FLAG_MORE)
        last = each.flags
      }
    }
  }
  assert.deepEqual(whole, [batch])
  assert.deepEqual(new Uint8Array(chunks), new Uint8Array([...data, ...data]))
  assert.equal(last, 0)
  assert.equal(queues.isEmpty, true)
})

test('who begins to wait goes next: nobody saves for what cannot go now', () => {
  const queues = new Queues()
  for (const each of big(FRAME.CHUNK, 100)) queues.push(each)
  for (let i = 0; i < 10; i++) queues.next(1024)
  queues.push(frame(FRAME.BATCH, new Uint8Array(300)))
  const types = decodeFrames(queues.next(1024) ?? new Uint8Array(0)).map(({ type }) => type)
  assert.equal(types[0], FRAME.BATCH)
})

test('without room control goes, and nothing else', () => {
  const queues = new Queues()
  queues.push(frame(FRAME.BATCH, new Uint8Array(300)))
  queues.pushSignal('a', frame(FRAME.EPH, new Uint8Array(30)))
  assert.equal(queues.next(0), undefined)
  queues.push(frame(FRAME.PING, new Uint8Array(16)))
  const types = decodeFrames(queues.next(0) ?? new Uint8Array(0)).map(({ type }) => type)
  assert.deepEqual(types, [FRAME.PING])
})

test('a newer signal replaces the unsent one of its key, and old ones go at 64 KiB', () => {
  const queues = new Queues()
  const signal = (n: number) => frame(FRAME.EPH, new Uint8Array(500).fill(n))
  queues.pushSignal('a', signal(1))
  queues.pushSignal('b', signal(2))
  queues.pushSignal('a', signal(3))
  const frames = decodeFrames(queues.next() ?? new Uint8Array(0))
  assert.deepEqual(
    frames.map(({ payload }) => payload[0]),
    [3, 2],
  )
  for (let i = 0; i < 1000; i++) queues.pushSignal(`${i}`, signal(4))
  assert.ok(queues.waiting(1) <= 65_536)
})

test('an address has ten calls, then five a second', () => {
  const door = new Doorkeeper(keptLog())
  const admitted = (now: number) => {
    const isIn = door.admit('10.0.0.5', now)
    if (isIn) door.done('10.0.0.5')
    return isIn
  }
  const atOnce = Array.from({ length: 30 }, () => admitted(0)).filter(Boolean)
  assert.equal(atOnce.length, LIMITS.burstPerAddress)
  const later = Array.from({ length: 30 }, () => admitted(1000)).filter(Boolean)
  assert.equal(later.length, LIMITS.perSecondPerAddress)
})

test('32 calls are half-open at most, from however many addresses', () => {
  const door = new Doorkeeper(keptLog())
  const isIn = Array.from({ length: 100 }, (_, i) => door.admit(`10.0.1.${i}`, i * 100))
  assert.equal(isIn.filter(Boolean).length, LIMITS.halfOpenMax)
  door.done('10.0.1.0')
  assert.equal(door.admit('10.0.2.1', 100_000), true)
})

test('both sides keep the same of two links', () => {
  const [small, large] = ['00'.repeat(16) as BranchId, 'ff'.repeat(16) as BranchId]
  const boot = 'aa'.repeat(8) as Incarnation
  const facts = (isInitiator: boolean, openedAt: number, incarnation = boot) => ({
    isInitiator,
    openedAt,
    incarnation,
  })
  // They call each other at once: each sees one link of its own and one of the other.
  const atSmall = survivor(
    { old: facts(true, 0), fresh: facts(false, 5) },
    { self: small, peer: large },
  )
  const atLarge = survivor(
    { old: facts(true, 0), fresh: facts(false, 5) },
    { self: large, peer: small },
  )
  assert.deepEqual([atSmall, atLarge], ['old', 'fresh'], 'the one that the smaller id opened stays')
  const who = { self: small, peer: large }
  assert.equal(survivor({ old: facts(true, 0), fresh: facts(true, 5) }, who), 'fresh')
  assert.equal(survivor({ old: facts(true, 0), fresh: facts(false, 60_000) }, who), 'fresh')
  const rebooted = facts(false, 5, 'bb'.repeat(8) as Incarnation)
  assert.equal(survivor({ old: facts(true, 0), fresh: rebooted }, who), 'fresh')
})

test('addresses and subnets', () => {
  assert.deepEqual(parseAddress('kyiv.lan:7900'), { host: 'kyiv.lan', port: 7900 })
  assert.deepEqual(parseAddress('[fd00::1]:7900'), { host: 'fd00::1', port: 7900 })
  assert.equal(addressText({ host: 'fd00::1', port: 1 }), '[fd00::1]:1')
  assert.throws(() => parseAddress('kyiv'), TypeError)
  assert.equal(isInSubnet('10.147.17.200', '10.147.17.5/24'), true)
  assert.equal(isInSubnet('::ffff:10.147.17.200', '10.147.17.5/24'), true)
  assert.equal(isInSubnet('10.147.18.1', '10.147.17.5/24'), false)
  assert.equal(isInSubnet('10.147.19.1', '10.147.17.5/22'), true)
  assert.equal(isInSubnet('fd80::1:2', 'fd80::5/64'), true)
  assert.equal(isInSubnet('fd81::1:2', 'fd80::5/64'), false)
  assert.equal(isInSubnet('10.147.17.1', 'fd80::5/64'), false)
})
