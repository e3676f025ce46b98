import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppError } from '../../src/base/errors.ts'
import {
  createStreams,
  eventBytes,
  PAGE_PING_MS,
  parseResume,
  resumeFrom,
  type Sink,
} from '../../src/web/sse.ts'
import { handClock, smallApp } from './support.ts'

/** A reader that takes everything at once, or nothing from now on. */
function listSink() {
  const written: Uint8Array[] = []
  const onClose: (() => void)[] = []
  const state = { isStuck: false, ended: false, destroyed: false, waitingBytes: 0 }
  const sink: Sink = {
    get waitingBytes() {
      return state.waitingBytes
    },
    write(bytes) {
      written.push(bytes)
      if (state.isStuck) state.waitingBytes += bytes.length
    },
    end() {
      state.ended = true
    },
    destroy() {
      state.destroyed = true
    },
    onClose: (fn) => void onClose.push(fn),
  }
  const text = () => written.map((bytes) => new TextDecoder().decode(bytes)).join('')
  const hangUp = () => {
    for (const fn of onClose) fn()
  }
  return { sink, state, written, text, hangUp }
}

const PAGE = { owner: 'ada', kind: 'page' } as const

test('an event is its lines, and a line end in its head is a bug, not another event', () => {
  const text = (event: Parameters<typeof eventBytes>[0]) =>
    new TextDecoder().decode(eventBytes(event))
  assert.equal(
    text({ id: 'e-1', data: 'one\ntwo\r\nthree\rfour' }),
    'id: e-1\ndata: one\ndata: two\ndata: three\ndata: four\n\n',
  )
  assert.equal(text({ event: 'x', data: '' }), 'event: x\ndata: \n\n')
  assert.throws(() => eventBytes({ id: '1\nevent: bye', data: '' }), RangeError)
  assert.throws(() => eventBytes({ event: 'a\rb', data: '' }), RangeError)
})

test('a page is greeted with a retry on a block with data, an API client with a comment', () => {
  const streams = createStreams({ clock: handClock() })
  const page = listSink()
  streams.openOver(page.sink, PAGE)
  assert.equal(page.text(), `retry: 1000\nevent: hello\ndata: ${PAGE_PING_MS}\n\n`)
  const api = listSink()
  streams.openOver(api.sink, { owner: 'ada', kind: 'api' })
  assert.equal(api.text(), 'retry: 1000\n: \n\n')
})

test('pages are pinged every 20 s and API clients every 15 s, and nothing ticks without streams', () => {
  const clock = handClock()
  const streams = createStreams({ clock })
  const page = listSink()
  const api = listSink()
  const open = streams.openOver(page.sink, PAGE)
  streams.openOver(api.sink, { owner: 'ada', kind: 'api' })
  clock.pass(60_000)
  assert.equal(page.text().match(/event: ping/g)?.length, 3)
  assert.equal(api.text().match(/^: $/gm)?.length, 5)
  open.close('gone')
  clock.pass(60_000)
  const again = listSink()
  streams.openOver(again.sink, PAGE)
  clock.pass(20_000)
  assert.equal(again.text().match(/event: ping/g)?.length, 1)
})

test('the same bytes go to every stream, and a stuck one is destroyed at its limit, alone', () => {
  const streams = createStreams({ clock: handClock(), limits: { queueBytesMax: 1000 } })
  const [slow, quick] = [listSink(), listSink()]
  const open = [slow, quick].map((list) => streams.openOver(list.sink, PAGE))
  const reasons: string[] = []
  open[0]?.onClose((reason) => reasons.push(reason))
  slow.state.isStuck = true
  const bytes = new Uint8Array(250)
  for (let i = 0; i < 4; i++) for (const stream of open) stream.write(bytes)
  assert.equal(slow.state.destroyed, false, 'at the limit it may still catch up')
  for (const stream of open) stream.write(bytes)
  assert.equal(slow.state.destroyed, true)
  assert.deepEqual(reasons, ['too-slow'])
  const before = slow.written.length
  for (const stream of open) stream.write(bytes)
  assert.equal(slow.written.length, before, 'nothing is written to it any more')
  assert.equal(quick.written.at(-1), bytes, 'not a copy')
  assert.equal(streams.count, 1)
})

test('a signed-out page is told bye; at stop pages are only ended, so that they come back', () => {
  const streams = createStreams({ clock: handClock() })
  const [out, stays] = [listSink(), listSink()]
  streams.openOver(out.sink, PAGE)
  streams.openOver(stays.sink, { owner: 'bob', kind: 'page' })
  streams.closeOf('ada')
  assert.match(out.text(), /event: bye\ndata: sign-in\n\n$/)
  assert.equal(out.state.ended, true)
  streams.closeAll()
  assert.doesNotMatch(stays.text(), /bye/)
  assert.equal(stays.state.ended, true)
  assert.equal(streams.count, 0)
})

test('a reader that hangs up leaves at once, and a late listener still hears it', () => {
  const streams = createStreams({ clock: handClock() })
  const list = listSink()
  const stream = streams.openOver(list.sink, PAGE)
  list.hangUp()
  assert.equal(streams.count, 0)
  assert.equal(stream.isOpen, false)
  let heard = ''
  stream.onClose((reason) => {
    heard = reason
  })
  assert.equal(heard, 'gone')
})

test('one person and all together have a limit; the refusals differ and a closed stream makes room', () => {
  const streams = createStreams({ clock: handClock(), limits: { perPersonMax: 2, totalMax: 3 } })
  const open = (owner: string) => streams.openOver(listSink().sink, { owner, kind: 'page' })
  const first = open('ada')
  open('ada')
  assert.throws(
    () => open('ada'),
    (e) => e instanceof AppError && e.code === 'too-many',
  )
  open('bob')
  assert.throws(
    () => open('cy'),
    (e) => e instanceof AppError && e.code === 'unavailable',
  )
  first.close('gone')
  assert.doesNotThrow(() => open('ada'))
})

test('a stream that ends while others are written to disturbs nobody', () => {
  const streams = createStreams({ clock: handClock() })
  const lists = [listSink(), listSink(), listSink()]
  const open = lists.map((list) => streams.openOver(list.sink, PAGE))
  open[0]?.onClose(() => open[1]?.close('gone'))
  open[0]?.close('gone')
  for (const stream of open) stream.write(new Uint8Array(1))
  assert.equal(lists[2]?.written.length, 2)
  assert.equal(streams.count, 1)
})

test('where to go on is the Last-Event-ID, else the address; nonsense is an epoch nobody has', async () => {
  assert.deepEqual(parseResume('0af3-17'), { epoch: '0af3', position: 17 })
  assert.deepEqual(parseResume('17'), { epoch: undefined, position: 17 })
  for (const bad of ['x', '-1', '1.5', 'g-1', '1-2-3', '99999999999999999999', ' 1']) {
    assert.deepEqual(parseResume(bad), { epoch: '', position: 0 }, bad)
  }
  const { app } = smallApp({
    routes: (a) => void a.get('/events/page', (c) => c.json(resumeFrom(c) ?? null)),
  })
  const ask = async (query: string, headers: Record<string, string> = {}) =>
    (await app.request(`/events/page${query}`, { headers })).json()
  assert.equal(await ask(''), null)
  assert.deepEqual(await ask('?after=ab-5'), { epoch: 'ab', position: 5 })
  assert.deepEqual(await ask('?after=ab-5', { 'last-event-id': 'ab-9' }), {
    epoch: 'ab',
    position: 9,
  })
  assert.deepEqual(await ask('?after=ab-5', { 'last-event-id': '' }), { epoch: 'ab', position: 5 })
})
