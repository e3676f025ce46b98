import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppError } from '../../src/base/errors.ts'
import type { Visitor } from '../../src/web/env.ts'
import { formFields } from '../../src/web/form.ts'
import { type Listener, listen } from '../../src/web/listen.ts'
import { createStreams, type Streams } from '../../src/web/sse.ts'
import { realClock } from '../../src/world/clock.ts'
import { keptLog, smallApp } from '../web/support.ts'

const DEADLINE_MS = 10_000
const limits = { queueBytesMax: 64 * 1024 }

async function served(
  fn: (at: { listener: Listener; streams: Streams; url: string }) => Promise<void>,
) {
  const streams = createStreams({ clock: realClock, limits })
  const { app } = smallApp({
    routes: (routes) => {
      routes.get('/events/page', (c) => streams.open(c, { owner: 'ada', kind: 'page' }).response)
      routes.post('/form', async (c) => c.json(await formFields(c)))
    },
  })
  const fetch = (request: Request, env: Partial<Visitor['Bindings']>) => app.fetch(request, env)
  const options = { fetch, host: '127.0.0.1', port: 0, streams, clock: realClock, log: keptLog([]) }
  const listener = await listen(options)
  try {
    await fn({ listener, streams, url: listener.url })
  } finally {
    await listener.close()
  }
}

test('a taken port is told in a sentence', { timeout: DEADLINE_MS }, async () => {
  await served(async ({ listener, streams }) => {
    const fetch = () => new Response('')
    const log = keptLog([])
    await assert.rejects(
      listen({ fetch, host: '127.0.0.1', port: listener.port, streams, clock: realClock, log }),
      (error) =>
        error instanceof AppError &&
        error.message ===
          `Cannot listen on 127.0.0.1:${listener.port}: another program uses this port`,
    )
  })
})

test('a stream passes the guards, and stopping ends it without waiting', {
  timeout: DEADLINE_MS,
}, async () => {
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  await served(async ({ streams, url }) => {
    const response = await fetch(`${url}/events/page`)
    assert.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8')
    assert.equal(response.headers.get('cache-control'), 'no-store, no-transform')
    reader = response.body?.getReader()
    const first = await reader?.read()
    assert.match(new TextDecoder().decode(first?.value), /event: hello/)
    assert.equal(streams.count, 1)
  })
  assert.equal((await reader?.read())?.done, true)
})

test('a reader that never reads is cut off, its memory with it', {
  timeout: DEADLINE_MS,
}, async () => {
  await served(async ({ streams, url }) => {
    const stuck = await fetch(`${url}/events/page`) // its body is never read
    assert.equal(stuck.status, 200)
    const one = new Uint8Array(64 * 1024).fill(97)
    const before = streams.count
    const closed = new Promise<string>((resolve) => {
      streams.closeOf('ada', (stream) => {
        stream.onClose(resolve)
        const fill = () => {
          if (!stream.isOpen) return
          stream.write(one)
          setImmediate(fill)
        }
        fill()
        return false
      })
    })
    assert.equal(before, 1)
    assert.equal(await closed, 'too-slow')
    assert.equal(streams.count, 0)
  })
})

test('a form comes through Node in chunks, and one without end is refused', {
  timeout: DEADLINE_MS,
}, async () => {
  await served(async ({ url }) => {
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      'sec-fetch-site': 'same-origin',
    }
    const init = { method: 'POST', headers, duplex: 'half' as const }
    const whole = await fetch(`${url}/form`, {
      ...init,
      body: new Blob(['name=Zo%C3%AB']).stream(),
    })
    assert.deepEqual(await whole.json(), { name: 'Zoë' })
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(16 * 1024).fill(97)),
    })
    // Node answers 413 and ends the connection; undici may see either first.
    const refused = await fetch(`${url}/form`, { ...init, body: endless }).catch(() => undefined)
    assert.equal(refused?.status ?? 413, 413)
  })
})
