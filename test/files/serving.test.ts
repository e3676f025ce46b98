/** Downloads: ranges, conditions, names and what a browser may make of them (RFC 9110, 6266, 8187). */
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mock, type TestContext, test } from 'node:test'
import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import { AppError } from '../../src/base/errors.ts'
import type { BlobId } from '../../src/base/ids.ts'
import type { Db } from '../../src/db/open.ts'
import { blobPath, makeBlob } from '../../src/files/blobs.ts'
import { TAG_BYTES } from '../../src/files/manifest.ts'
import { type Served, served } from '../../src/files/serving.ts'
import type { BlobDisk } from '../../src/world/blob-disk.ts'
import type { Log } from '../../src/world/log.ts'
import { temporaryStore } from '../db/store.ts'
import { type BlobMemory, memoryBlobDisk } from '../support/blob-disk.ts'
import { prng } from '../support/prng.ts'

const CHUNK = 256 * 1024
const KEY = new Uint8Array(32).fill(7)
const random = prng(6)
const PLAIN = Uint8Array.from({ length: 3 * CHUNK + 1000 }, () => random() * 256)
const SHA = hash('sha256', PLAIN, 'hex')
const TAG = `"${SHA}"`

type Kept = { files: BlobMemory; disk: BlobDisk; read: Db; blob: BlobId }

/** A disk with one file of `plain`. */
async function kept(t: TestContext, plain: Uint8Array): Promise<Kept> {
  const files: BlobMemory = new Map()
  const disk = memoryBlobDisk(files)
  const store = await temporaryStore(t)
  const parts = { store, disk, clock: { now: () => 1000 } }
  const making = await makeBlob(parts, { name: 'blobs/new/a', key: KEY, chunkBytes: CHUNK })
  await making.write(plain)
  return { files, disk, read: store.read, blob: (await making.finish()).blob }
}

/** The app that serves it, and which chunks it said are damaged. */
function serving({ disk, read, blob }: Kept, of: Partial<Served> = {}) {
  const damage: unknown[] = []
  const log: Log = {
    ...{ debug() {}, info() {}, warn() {} },
    error: (name, fields) => void damage.push([name, fields?.chunk]),
    with: () => log,
  }
  const file = { blob, key: KEY, sha256: SHA, name: 'a.bin', type: 'application/zip', ...of }
  const app = new Hono()
  app.onError((error, c) => {
    assert.ok(error instanceof AppError, String(error))
    return c.text(`${error.detail}`, error.status)
  })
  app.get('/f', (c) =>
    served(
      c,
      { read, disk, log, onDamaged: (id) => damage.push(['again', id]) },
      { ...file, isInline: c.req.query('inline') !== undefined },
    ),
  )
  return { app, damage }
}

async function asking(t: TestContext) {
  const { app } = serving(await kept(t, PLAIN))
  return (headers: Record<string, string> = {}, method = 'GET') => ask(app, headers, method)
}

async function ask(app: Hono, headers: Record<string, string>, method: string) {
  const response = await app.request('/f', { method, headers })
  return { status: response.status, headers: response.headers, bytes: await response.bytes() }
}

test('a file comes whole, with its length, its tag and as something to save', async (t) => {
  const ask = await asking(t)
  const { status, headers, bytes } = await ask()
  assert.equal(status, 200)
  assert.deepEqual(bytes, PLAIN)
  assert.deepEqual(Object.fromEntries(headers), {
    'accept-ranges': 'bytes',
    'cache-control': 'private, no-cache',
    'content-disposition': `attachment; filename="a.bin"; filename*=UTF-8''a.bin`,
    'content-length': String(PLAIN.length),
    'content-security-policy':
      "sandbox; default-src 'none'; frame-ancestors 'self'; img-src 'self'; style-src 'unsafe-inline'",
    'content-type': 'application/zip',
    'cross-origin-resource-policy': 'same-origin',
    etag: TAG,
    'x-content-type-options': 'nosniff',
  })
})

const size = PLAIN.length
const RANGES: [range: string, from: number, to: number][] = [
  ['bytes=0-0', 0, 1],
  ['bytes=0-', 0, size],
  ['bytes=10-19', 10, 20],
  [`bytes=${CHUNK - 1}-${CHUNK}`, CHUNK - 1, CHUNK + 1],
  [`bytes=${CHUNK}-${3 * CHUNK}`, CHUNK, 3 * CHUNK + 1],
  ['bytes=-5', size - 5, size],
  ['bytes=-999999999', 0, size],
  [`bytes=${size - 1}-999999999`, size - 1, size],
]

test('a range is answered with its bytes and no others', async (t) => {
  const ask = await asking(t)
  for (const [range, from, to] of RANGES) {
    const { status, headers, bytes } = await ask({ range })
    assert.equal(status, 206, range)
    assert.equal(headers.get('content-range'), `bytes ${from}-${to - 1}/${size}`)
    assert.equal(headers.get('content-length'), String(to - from))
    assert.deepEqual(bytes, PLAIN.slice(from, to), range)
  }
})

test('what is no range, or more than one, is answered whole', async (t) => {
  const ask = await asking(t)
  for (const range of [
    'bytes=9-3',
    'bytes=-',
    'bytes=a-b',
    'lines=1-2',
    'bytes=0-1,5-6',
    'bytes=1',
  ]) {
    const { status, bytes } = await ask({ range })
    assert.deepEqual([status, bytes.length], [200, size], range)
  }
})

test('a range outside of the file is refused with the length there is', async (t) => {
  const ask = await asking(t)
  for (const range of [`bytes=${size}-`, 'bytes=-0', 'bytes=999999999-9999999999']) {
    const { status, headers, bytes } = await ask({ range })
    assert.deepEqual([status, bytes.length], [416, 0])
    assert.equal(headers.get('content-range'), `bytes */${size}`)
  }
})

test('a range of another version is answered whole, one of this version with the range', async (t) => {
  const ask = await asking(t)
  const range = 'bytes=0-9'
  assert.equal((await ask({ range, 'if-range': TAG })).status, 206)
  for (const other of ['"other"', `W/${TAG}`, 'Sat, 21 Nov 2026 08:00:00 GMT']) {
    assert.equal((await ask({ range, 'if-range': other })).status, 200, other)
  }
})

test('what a browser has already is not sent again, and another version is not what it wanted', async (t) => {
  const ask = await asking(t)
  for (const tags of [TAG, `W/${TAG}`, `"x", ${TAG}`, '*']) {
    const { status, headers, bytes } = await ask({ 'if-none-match': tags, range: 'bytes=0-1' })
    assert.deepEqual([status, bytes.length, headers.get('etag')], [304, 0, TAG], tags)
  }
  assert.equal((await ask({ 'if-none-match': '"x"' })).status, 200)
  assert.equal((await ask({ 'if-match': '"x"' })).status, 412)
  assert.equal((await ask({ 'if-match': TAG })).status, 200)
})

test('HEAD says the same without the bytes, and knows no ranges', async (t) => {
  const ask = await asking(t)
  const { status, headers, bytes } = await ask({ range: 'bytes=0-1' }, 'HEAD')
  assert.deepEqual([status, bytes.length], [200, 0])
  assert.equal(headers.get('content-length'), String(size))
})

test('an empty file is empty', async (t) => {
  const { app } = serving(await kept(t, new Uint8Array(0)))
  const response = await app.request('/f')
  assert.deepEqual([response.status, (await response.bytes()).length], [200, 0])
  assert.equal((await app.request('/f', { headers: { range: 'bytes=0-' } })).status, 416)
})

const NAMES: [name: string, ascii: string, full: string][] = [
  [
    'Звіт за листопад.pdf',
    '____ __ ________.pdf',
    '%D0%97%D0%B2%D1%96%D1%82%20%D0%B7%D0%B0%20%D0%BB%D0%B8%D1%81%D1%82%D0%BE%D0%BF%D0%B0%D0%B4.pdf',
  ],
  ["it's (1)*.txt", "it's (1)_.txt", 'it%27s%20%281%29_.txt'],
  ['a"b\\c%41.txt', 'c_41.txt', 'c%2541.txt'],
  ['../../etc/passwd', 'passwd', 'passwd'],
  ['C:\\x.exe', 'x.exe', 'x.exe'],
  ['\u202egpj.exe', 'gpj.exe', 'gpj.exe'],
  ['a\r\nset-cookie: x=1.txt', 'a set-cookie_ x=1.txt', 'a%20set-cookie_%20x%3D1.txt'],
  ['.bashrc', '.bashrc', '.bashrc'],
  ['\ud800.txt', '_.txt', '%EF%BF%BD.txt'],
  ['  .  ', 'file', 'file'],
  ['📎.png', '__.png', '%F0%9F%93%8E.png'],
]

test('a name is saved in every language, without folders and characters that deceive', async (t) => {
  const file = await kept(t, new Uint8Array(1))
  for (const [name, ascii, full] of NAMES) {
    const { app } = serving(file, { name })
    assert.equal(
      (await app.request('/f')).headers.get('content-disposition'),
      `attachment; filename="${ascii}"; filename*=UTF-8''${full}`,
    )
  }
})

test('a long name keeps its ending', async (t) => {
  const { app } = serving(await kept(t, new Uint8Array(1)), { name: `${'a'.repeat(900)}.docx` })
  const header = (await app.request('/f')).headers.get('content-disposition') ?? ''
  assert.match(header, /filename="a{250}\.docx"/)
})

test('only what browsers show without running it is shown, and only where a page asks for that', async (t) => {
  const file = await kept(t, new Uint8Array(1))
  const shown = async (type: string, path: string) => {
    const { app } = serving(file, { type })
    const { headers } = await app.request(path)
    const how = headers.get('content-disposition')?.split(';')[0]
    return `${how} ${headers.get('content-type')}`
  }
  for (const type of ['image/png', 'audio/mpeg', 'video/mp4', 'application/pdf']) {
    assert.equal(await shown(type, '/f?inline'), `inline ${type}`)
    assert.equal(await shown(type, '/f'), `attachment ${type}`)
  }
  for (const type of ['text/html', 'text/javascript', 'text/xml; charset=utf-8']) {
    assert.equal(await shown(type, '/f?inline'), 'attachment text/plain', type)
  }
  for (const type of ['image/svg+xml', 'application/xhtml+xml', 'image/png; x', 'ｘ\r\n', '']) {
    assert.equal(await shown(type, '/f?inline'), 'attachment application/octet-stream', type)
  }
  const docx = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'
  assert.equal(await shown(docx, '/f?inline'), `attachment ${docx}`)
})

test('a reader that takes nothing is not read for: one chunk is fetched ahead', async (t) => {
  const file = await kept(t, PLAIN)
  let reads = 0
  let closes = 0
  const disk: BlobDisk = {
    ...file.disk,
    async open(name, how) {
      const opened = await file.disk.open(name, how)
      return {
        ...opened,
        read(at, length) {
          reads += 1
          return opened.read(at, length)
        },
        async close() {
          closes += 1
        },
      }
    },
  }
  const { app } = serving({ ...file, disk })
  const response = await app.request('/f')
  const reader = response.body?.getReader()
  await reader?.read()
  assert.equal(reads, 1)
  await reader?.read()
  assert.equal(reads, 2)
  await reader?.cancel()
  assert.deepEqual([reads, closes], [2, 1], 'and who goes away is let go of')
})

/** Changes one byte of a chunk. */
function damaged({ files, blob }: Kept, index: number): void {
  const bytes = files.get(blobPath(blob))?.bytes
  const at = index * (CHUNK + TAG_BYTES)
  if (bytes !== undefined) bytes[at] = (bytes[at] ?? 0) ^ 1
}

test('a file whose beginning is damaged or gone is refused in words', async (t) => {
  const file = await kept(t, PLAIN)
  damaged(file, 1)
  const { app, damage } = serving(file)
  const headers = { range: `bytes=${CHUNK}-` }
  const response = await app.request('/f', { headers })
  assert.deepEqual([response.status, await response.text()], [503, 'file-damaged'])
  assert.equal((await app.request('/f', { headers: { range: 'bytes=0-9' } })).status, 206)
  file.files.clear()
  assert.equal((await app.request('/f')).status, 503)
  assert.deepEqual(damage, [
    ['files.damaged', 1],
    ['again', file.blob],
    ['files.damaged', 0],
    ['again', file.blob],
  ])
})

test('a wrong key is called that, and not damage', async (t) => {
  const file = await kept(t, PLAIN)
  const { app, damage } = serving(file, { key: new Uint8Array(32) })
  const response = await app.request('/f')
  assert.deepEqual([response.status, await response.text()], [409, 'file-wrong-key'])
  assert.deepEqual(damage, [])
})

test('damage further on breaks the connection: nobody takes a part for the whole', async (t) => {
  const file = await kept(t, PLAIN)
  damaged(file, 2)
  const { app, damage } = serving(file)
  const quiet = mock.method(console, 'error', () => {})
  const server = createServer(getRequestListener(app.fetch)).listen(0, '127.0.0.1')
  try {
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const response = await fetch(`http://127.0.0.1:${port}/f`)
    assert.equal(response.headers.get('content-length'), String(size))
    await assert.rejects(response.bytes(), /terminated/)
    assert.deepEqual(damage, [
      ['files.damaged', 2],
      ['again', file.blob],
    ])
  } finally {
    quiet.mock.restore()
    server.close()
  }
})
