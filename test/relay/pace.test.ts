/** The pace of a link on pretended lines: full lines, short queues, and ways that change. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Pace } from '../../src/relay/pace.ts'
import { prng } from '../support/prng.ts'

type Line = {
  bytesPerMs: number
  /** One way. */
  delayMs: (now: number) => number
  /** Packets are lost: all behind one waits so long for it. */
  loss?: { share: number; ms: number }
}

/** A sender that always has more, on a line with a queue without end. */
function drive(line: Line, seconds: number) {
  const chance = prng(1)
  const pace = new Pace()
  const events: { at: number; run: () => void }[] = []
  let now = 0
  let count = 0
  let freeAt = 0
  let arrivedAt = 0
  let backAt = 0
  let sent = 0
  const windows: number[] = []
  const queued: number[] = []
  const at = (time: number, run: () => void) => {
    const i = events.findIndex((event) => event.at > time)
    events.splice(i < 0 ? events.length : i, 0, { at: time, run })
  }
  const put = (bytes: number, arrive: () => void) => {
    freeAt = Math.max(now, freeAt) + bytes / line.bytesPerMs
    const isLost = line.loss !== undefined && chance() < line.loss.share
    const late = isLost ? (line.loss?.ms ?? 0) : 0
    arrivedAt = Math.max(arrivedAt, freeAt + line.delayMs(now) + late)
    at(arrivedAt, arrive)
  }
  const ping = () => {
    const nonce = String(count++)
    pace.probe(nonce, now)
    pace.wrote(40)
    put(40, () => {
      backAt = Math.max(backAt, now + line.delayMs(now)) // TCP keeps their order
      at(backAt, () => {
        pace.answered(nonce, now)
        if (pace.isProbeDue) ping()
        go()
      })
    })
  }
  const go = () => {
    for (let bytes = pace.pieceBytes; bytes > 0; bytes = pace.pieceBytes) {
      queued.push(Math.max(0, freeAt - now))
      pace.wrote(bytes)
      put(bytes, () => {})
      sent += bytes
      if (pace.isProbeDue) ping()
    }
    pace.full(now)
    windows.push(pace.windowBytes)
    if (pace.isProbeDue) ping()
  }
  at(0, () => {
    ping()
    go()
  })
  const half = { sent: 0 }
  for (let next = events.shift(); next && next.at < seconds * 1000; next = events.shift()) {
    now = next.at
    next.run()
    if (now < seconds * 500) half.sent = sent
  }
  const late = queued.slice(Math.floor(queued.length / 4)).sort((a, b) => a - b)
  return {
    /** Of what the line can carry, in the second half. */
    used: (sent - half.sent) / (seconds * 500 * line.bytesPerMs),
    queuedMs: late[Math.floor(late.length * 0.95)] ?? 0,
    window: windows.at(-1) ?? 0,
  }
}

const KBIT_64 = 8

test('64 kbit/s are used, and little stands before what comes next', () => {
  const { used, queuedMs } = drive({ bytesPerMs: KBIT_64, delayMs: () => 20 }, 120)
  assert.ok(used > 0.85, `used ${used}`)
  assert.ok(queuedMs < 300, `queued ${queuedMs} ms`)
})

test('64 kbit/s by satellite are used too', () => {
  const { used, queuedMs } = drive({ bytesPerMs: KBIT_64, delayMs: () => 300 }, 120)
  assert.ok(used > 0.8, `used ${used}`)
  assert.ok(queuedMs < 400, `queued ${queuedMs} ms`)
})

test('1 Mbit/s keeps what is queued at 50 ms', () => {
  const { used, queuedMs } = drive({ bytesPerMs: 125, delayMs: () => 15 }, 60)
  assert.ok(used > 0.9, `used ${used}`)
  assert.ok(queuedMs < 65, `queued ${queuedMs} ms`)
})

test('a line whose packets take 30 to 130 ms is filled too: that is no queue', () => {
  const chance = prng(3)
  const { used } = drive({ bytesPerMs: 2500, delayMs: () => 30 + chance() * 100 }, 60)
  assert.ok(used > 0.85, `used ${used}`)
})

test('a fast line is filled', () => {
  const { used } = drive({ bytesPerMs: 12_500, delayMs: () => 20 }, 10)
  assert.ok(used > 0.85, `used ${used}`)
})

test('a line that loses one packet in twenty still carries half of what it could', () => {
  const loss = { share: 0.05, ms: 400 }
  const { used } = drive({ bytesPerMs: KBIT_64, delayMs: () => 150, loss }, 240)
  assert.ok(used > 0.5, `used ${used}`)
})

test('a way that becomes long is used again after two looks at the empty line', () => {
  const delayMs = (now: number) => (now < 20_000 ? 2 : 250)
  const { used } = drive({ bytesPerMs: 1000, delayMs }, 120)
  assert.ok(used > 0.7, `used ${used}`)
})

test('a peer that answers no PING gets no more than one window and sixteen PINGs', () => {
  const pace = new Pace()
  let pieces = 0
  let pings = 0
  for (let i = 0; i < 1000; i++) {
    if (pace.pieceBytes > 0) {
      pace.wrote(pace.pieceBytes)
      pieces += 1
    } else pace.full(i * 1000)
    if (pace.isProbeDue) pace.probe(String(pings++), i * 1000)
  }
  assert.ok(pieces <= 4, `${pieces} pieces`)
  assert.ok(pings <= 16, `${pings} PINGs`)
})

test('of PINGs that nobody answers only the newest sixteen are remembered', () => {
  const pace = new Pace()
  for (let i = 0; i < 100; i++) pace.probe(String(i), i)
  assert.equal(pace.answered('83', 200), undefined)
  assert.equal(pace.answered('84', 200), 116)
})

test('control without end does not hold up the rest while the empty line is looked for', () => {
  const pace = new Pace()
  let now = 0
  let pings = 0
  const ping = () => {
    pace.probe(String(pings++), now)
    now += 600
    pace.wrote(700) // control, meanwhile
    pace.answered(String(pings - 1), now)
  }
  ping()
  now = 20_000
  for (let i = 0; i < 100; i++) {
    while (pace.pieceBytes > 0) pace.wrote(pace.pieceBytes)
    pace.full(now)
    for (let answers = 0; pace.pieceBytes === 0; answers++) {
      assert.ok(answers < 10, 'nothing goes any more')
      ping()
    }
  }
})
