/**
 * What browsers load besides pages: htmx, its extensions and our scripts joined in memory into one file, the style
 * sheet, the icons. Addresses carry a hash of the content, so browsers keep them for ever and never meet an old one.
 * One file, because separate deferred scripts race: the stream opened in 6 to 15 of 20 loads (htmx #3693).
 */
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import { Hono } from 'hono'
import type { Assets } from '../../views/layout.ts'
import { notFound } from '../base/errors.ts'
import type { Visitor } from './env.ts'

/** The program's own folder: `public/` and `node_modules/htmx.org/` are below it. */
export type ProgramFiles = {
  read(name: string): Uint8Array | undefined
  list(folder: string): readonly string[]
}

type StaticFiles = {
  /** Addresses of the script, the style sheet and the icon sprite, with their hash. */
  assets: Assets
  /** Serves `/static/:file`. */
  routes: Hono<Visitor>
}

const HTMX = 'node_modules/htmx.org/dist'
/** `trusted.js` comes before the extensions: it must be asked first about upserts. */
const SCRIPTS_BEFORE = [`${HTMX}/htmx.min.js`, 'public/trusted.js'] as const
const EXTENSIONS = [`${HTMX}/ext/hx-sse.min.js`, `${HTMX}/ext/hx-upsert.min.js`] as const
/** Of SHA-256 in hexadecimal: enough to tell versions apart. */
const HASH_CHARACTERS = 16
/** The best there is for a file that is packed once and sent for years. */
const BROTLI_QUALITY = 11

const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  webp: 'image/webp',
  ico: 'image/x-icon',
  woff2: 'font/woff2',
  webmanifest: 'application/manifest+json',
}
const PACKED = /^(?:js|css|svg|webmanifest)$/

type Encoding = 'br' | 'gzip'
type File = {
  bytes: Uint8Array<ArrayBuffer>
  type: string
  hash: string
  packed: ((encoding: Encoding) => Promise<Uint8Array<ArrayBuffer>>) | undefined
}

/** Reads and joins everything once. Throws when a file of the program is missing: better at start than in a browser. */
export function staticFiles(files: ProgramFiles): StaticFiles {
  const served = new Map<string, File>()
  for (const name of files.list('public')) {
    const extension = name.slice(name.lastIndexOf('.') + 1)
    if (extension === 'js' || !Object.hasOwn(TYPES, extension)) continue
    served.set(name, fileOf(needed(files, `public/${name}`), extension))
  }
  served.set('app.js', fileOf(joined(files, scriptNames(files)), 'js'))
  return { assets: assetsOf(served), routes: routesOf(served) }
}

/** The scripts of the bundle, in order. */
export function scriptNames(files: ProgramFiles): readonly string[] {
  const own = files
    .list('public')
    .filter((name) => name.endsWith('.js'))
    .map((name) => `public/${name}`)
    .filter((name) => !SCRIPTS_BEFORE.some((before) => before === name))
    .sort()
  return [...SCRIPTS_BEFORE, ...EXTENSIONS, ...own]
}

function joined(files: ProgramFiles, names: readonly string[]): Uint8Array {
  const decoder = new TextDecoder()
  const texts = names.map((name) =>
    // The maps are not served; a browser with open tools would ask for them.
    decoder.decode(needed(files, name)).replaceAll(/^\/\/# sourceMappingURL=.*$/gm, ''),
  )
  return new TextEncoder().encode(texts.join('\n;\n')) // a file without a last semicolon must not swallow the next
}

function needed(files: ProgramFiles, name: string): Uint8Array {
  const bytes = files.read(name)
  if (bytes === undefined) throw new Error(`Cannot read ${name}: the installation is not whole`)
  return bytes
}

function fileOf(bytes: Uint8Array, extension: string): File {
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, HASH_CHARACTERS)
  const own = new Uint8Array(bytes)
  const type = TYPES[extension] ?? 'application/octet-stream'
  return { bytes: own, type, hash, packed: PACKED.test(extension) ? packer(own) : undefined }
}

// At first use and off the main thread: nobody waits for it at start, and it happens once.
function packer(bytes: Uint8Array): (encoding: Encoding) => Promise<Uint8Array<ArrayBuffer>> {
  const made = new Map<Encoding, Promise<Uint8Array<ArrayBuffer>>>()
  const pack = async (encoding: Encoding) => {
    const params = { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY }
    const packed =
      encoding === 'br'
        ? await promisify(brotliCompress)(bytes, { params })
        : await promisify(gzip)(bytes, { level: 9 })
    return new Uint8Array(packed)
  }
  return (encoding) => {
    const known = made.get(encoding) ?? pack(encoding)
    made.set(encoding, known)
    return known
  }
}

function assetsOf(served: ReadonlyMap<string, File>): Assets {
  const address = (name: string) => {
    const file = served.get(name)
    if (file === undefined) throw new Error(`Cannot serve ${name}: it is not in public/`)
    return `/static/${name}?v=${file.hash}`
  }
  return { css: address('app.css'), js: address('app.js'), icons: address('icons.svg') }
}

function routesOf(served: ReadonlyMap<string, File>): Hono<Visitor> {
  const app = new Hono<Visitor>()
  app.get('/static/:file', async (c) => {
    const file = served.get(c.req.param('file'))
    if (file === undefined) throw notFound('file')
    const encoding = file.packed && encodingFor(c.req.header('accept-encoding'))
    const etag = encoding === undefined ? `"${file.hash}"` : `"${file.hash}-${encoding}"`
    const isForever = c.req.query('v') === file.hash
    c.header('Cache-Control', isForever ? 'public, max-age=31536000, immutable' : 'no-cache')
    c.header('ETag', etag)
    if (file.packed) c.header('Vary', 'Accept-Encoding')
    if (hasTag(c.req.header('if-none-match'), etag)) return c.body(null, 304)
    c.header('Content-Type', file.type)
    if (encoding === undefined || !file.packed) return c.body(file.bytes)
    c.header('Content-Encoding', encoding)
    return c.body(await file.packed(encoding))
  })
  return app
}

/** The best encoding a browser takes (RFC 9110, 12.5.3); browsers offer brotli only over TLS and on loopback. */
export function encodingFor(header: string | undefined): Encoding | undefined {
  const offers = (header ?? '').split(',').map((item) => item.trim().toLowerCase())
  const takes = (name: Encoding) =>
    offers.some((offer) => {
      const [coding, q] = offer.split(';').map((part) => part.trim())
      return coding === name && !/^q=0(?:\.0*)?$/.test(q ?? '')
    })
  return takes('br') ? 'br' : takes('gzip') ? 'gzip' : undefined
}

function hasTag(header: string | undefined, etag: string): boolean {
  const tags = (header ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''))
  return tags.includes(etag)
}
