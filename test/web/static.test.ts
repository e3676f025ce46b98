import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { encodingFor, type ProgramFiles, scriptNames, staticFiles } from '../../src/web/static.ts'
import { smallApp } from './support.ts'

function program(changes: Record<string, string> = {}): ProgramFiles {
  const texts: Record<string, string> = {
    'node_modules/htmx.org/dist/htmx.min.js': 'htmx()\n//# sourceMappingURL=htmx.min.js.map\n',
    'node_modules/htmx.org/dist/ext/hx-sse.min.js': 'sse()',
    'node_modules/htmx.org/dist/ext/hx-upsert.min.js': 'upsert()',
    'public/trusted.js': 'trusted()',
    'public/composer.js': '(() => composer())()',
    'public/app.css': 'body{}',
    'public/icons.svg': '<svg/>',
    'public/icons.LICENSE': 'ISC',
    ...changes,
  }
  return {
    read: (name) => (texts[name] === undefined ? undefined : new TextEncoder().encode(texts[name])),
    list: (folder) =>
      Object.keys(texts)
        .filter((n) => n.startsWith(`${folder}/`))
        .map((n) => n.slice(folder.length + 1)),
  }
}

function served(files = program()) {
  const made = staticFiles(files)
  return { ...made, ...smallApp({ routes: (app) => void app.route('/', made.routes) }) }
}

test('the bundle is htmx, the policy, the extensions, then our scripts, each parseable alone', async () => {
  const { app, assets } = served()
  const text = await (await app.request(assets.js)).text()
  const order = ['htmx()', 'trusted()', 'sse()', 'upsert()', 'composer()'].map((part) =>
    text.indexOf(part),
  )
  assert.deepEqual(
    order,
    [...order].sort((a, b) => a - b),
  )
  assert.ok(!order.includes(-1))
  assert.doesNotMatch(text, /sourceMappingURL/)
})

test('the address changes with the content, and may be kept for ever only with its own hash', async () => {
  const { app, assets } = served()
  assert.notEqual(served(program({ 'public/app.css': 'p{}' })).assets.css, assets.css)
  const immutable = 'public, max-age=31536000, immutable'
  assert.equal((await app.request(assets.css)).headers.get('cache-control'), immutable)
  for (const other of ['/static/app.css', '/static/app.css?v=0123456789abcdef']) {
    assert.equal((await app.request(other)).headers.get('cache-control'), 'no-cache')
  }
})

test('a known tag is answered 304, another encoding has another tag', async () => {
  const { app, assets } = served()
  const plain = await app.request(assets.js)
  const etag = plain.headers.get('etag') ?? ''
  const again = await app.request(assets.js, { headers: { 'if-none-match': `"x", W/${etag}` } })
  assert.equal(again.status, 304)
  assert.equal(await again.text(), '')
  const packed = await app.request(assets.js, {
    headers: { 'if-none-match': etag, 'accept-encoding': 'gzip' },
  })
  assert.equal(packed.status, 200)
})

test('brotli and gzip hold the same bytes, and say that the answer varies', async () => {
  const { app, assets } = served()
  const plain = await (await app.request(assets.js)).text()
  const unpack = { br: brotliDecompressSync, gzip: gunzipSync }
  for (const encoding of ['br', 'gzip'] as const) {
    const response = await app.request(assets.js, { headers: { 'accept-encoding': encoding } })
    assert.equal(response.headers.get('content-encoding'), encoding)
    assert.equal(response.headers.get('vary'), 'Accept-Encoding')
    assert.equal(unpack[encoding](await response.arrayBuffer()).toString(), plain)
  }
  assert.equal(encodingFor('gzip;q=0, br;q=0'), undefined)
  assert.equal(encodingFor('deflate, gzip;q=0.5'), 'gzip')
})

test('only files of public/ with a known type are served', async () => {
  const { app } = served()
  for (const name of [
    'icons.LICENSE',
    'composer.js',
    '..%2fpackage.json',
    'app.css%00',
    '__proto__',
  ]) {
    assert.equal((await app.request(`/static/${name}`)).status, 404, name)
  }
  const icons = await app.request('/static/icons.svg')
  assert.equal(icons.headers.get('content-type'), 'image/svg+xml')
  assert.equal(icons.headers.get('x-content-type-options'), 'nosniff')
})

test('a missing file of the program stops the start', () => {
  const files = program()
  const broken = {
    ...files,
    read: (name: string) => (name.includes('hx-sse') ? undefined : files.read(name)),
  }
  assert.throws(() => staticFiles(broken), /hx-sse.*not whole/)
})

test('the real scripts join, and each parses by itself', () => {
  const root = new URL('../../', import.meta.url)
  const files: ProgramFiles = {
    read: (name) => readFileSync(new URL(name, root)),
    list: (folder) => readdirSync(new URL(folder, root)),
  }
  const names = scriptNames(files)
  assert.ok(names.includes('public/stream.js'))
  for (const name of names) {
    const text = new TextDecoder().decode(files.read(name))
    assert.doesNotThrow(() => new Function(text), name)
    if (name.startsWith('public/'))
      assert.ok(text.split('\n').length <= 151, `${name} is an island`)
  }
})
