/**
 * The bytes of a file for whoever may have them: whole or a range of them (RFC 9110, 13 and 14), under a name that
 * cannot deceive (RFC 6266), and as nothing a browser would run. Bytes go out as fast as they are taken, a chunk at a
 * time. Who may have them is decided before.
 */
import type { Context } from 'hono'
import { AppError } from '../base/errors.ts'
import type { BlobId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import type { BlobDisk } from '../world/blob-disk.ts'
import type { Log } from '../world/log.ts'
import { DamagedBlob, findBlob, type KnownBlob, plainBytes, plainPart, WrongKey } from './blobs.ts'
import { fileName } from './names.ts'
import { demandOriginal, demandScanned } from './scanning.ts'

export type Serving = {
  read: Db
  disk: BlobDisk
  log: Log
  /** A chunk is missing or was changed: it has to come again. */
  onDamaged(blob: BlobId): void
}

export type Served = {
  name: string
  type: string
  /** Hexadecimal, of the file itself. */
  sha256: string
  blob: BlobId
  key: Uint8Array
  /** Of a small copy: the blob it shows. */
  original?: BlobId | undefined
  /** The page that asks wants to show it; what browsers do not show is saved all the same. */
  isInline: boolean
}

/** What browsers show without running any of it; everything else is only ever saved. */
const INLINE =
  /^(image\/(jpeg|png|gif|webp|avif)|(audio|video)\/(mpeg|mp4|ogg|webm|wav|flac|quicktime)|application\/pdf)$/
/** Types a saved file may have: none that any program takes for a page. The type is a word of another branch. */
const SAVED =
  /^(application\/(zip|gzip|rtf|x-7z-compressed|vnd\.[a-z0-9.-]{1,90})|image\/(heic|heif|tiff)|video\/x-matroska)$/
/** Of RFC 9110, 14.1.2: one range; the first number, the last, or how many from the end. */
const RANGE = /^bytes=\s*(?:(\d{1,15})-(\d{1,15})?|-(\d{1,15}))\s*$/
/**
 * The answer to GET or HEAD for a file. Throws an AppError when it is not here, or its first bytes are damaged; damage
 * further on breaks the connection, so that nobody takes a part for the whole.
 */
export async function served(c: Context, serving: Serving, of: Served): Promise<Response> {
  const blob = await findBlob(serving.read, of.blob)
  if (!blob?.isHere) throw notHere()
  await demandScanned(serving.read, of.blob, of.key)
  if (of.original) await demandOriginal(serving.read, of.original)
  const { size } = blob
  const headers = headersOf(of)
  const etag = headers.etag
  const ifMatch = c.req.header('if-match')
  if (ifMatch !== undefined && !isNamed(ifMatch, etag)) return c.body(null, 412, headers)
  const ifNoneMatch = c.req.header('if-none-match')
  if (ifNoneMatch !== undefined && isNamed(ifNoneMatch, etag, 'weak')) {
    return c.body(null, 304, headers)
  }
  const range = c.req.method === 'GET' ? rangeOf(c, { etag, size }) : undefined
  if (range === 'outside') {
    return c.body(null, 416, { ...headers, 'content-range': `bytes */${size}` })
  }
  const { from, to } = range ?? { from: 0, to: size }
  const partHeaders = { ...headers, 'content-length': String(to - from) }
  if (c.req.method === 'HEAD') return c.body(null, 200, partHeaders)
  const body = await streamOf(serving, { blob, key: of.key, from, to })
  if (range === undefined) return c.body(body, 200, partHeaders)
  const contentRange = `bytes ${from}-${to - 1}/${size}`
  return c.body(body, 206, { ...partHeaders, 'content-range': contentRange })
}

/** The first bytes of a file that is here: for a look at a text. Throws an AppError where it cannot be opened. */
export async function beginningOf(
  { read, disk }: Serving,
  of: { blob: BlobId; key: Uint8Array; bytes: number },
): Promise<Uint8Array> {
  const blob = await findBlob(read, of.blob)
  if (!blob?.isHere) throw notHere()
  await demandScanned(read, of.blob, of.key)
  const part = { key: of.key, from: 0, to: Math.min(of.bytes, blob.size) }
  try {
    return await plainPart(disk, blob, part)
  } catch (error) {
    throw inWords(error)
  }
}

function notHere(): AppError {
  return new AppError('conflict', 'The file is not here yet', { detail: 'not-here-yet' })
}

function headersOf({ sha256, name, type, isInline }: Served) {
  const isShown = isInline && INLINE.test(type)
  return {
    'content-type': typeOf(type),
    'content-disposition': dispositionOf(isShown ? 'inline' : 'attachment', name),
    'content-security-policy': policyOf(isShown ? type : ''),
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
    // Kept by this browser alone, and shown again only after asking: who may see it can change.
    'cache-control': 'private, no-cache',
    'accept-ranges': 'bytes',
    etag: `"${sha256}"`,
  }
}

function typeOf(type: string): string {
  if (INLINE.test(type) || SAVED.test(type)) return type
  return type.startsWith('text/') ? 'text/plain' : 'application/octet-stream'
}

/**
 * Should a browser make a page of the answer, it is one without an origin and without any content. Not all viewers of
 * PDF and players work in a sandbox; what they show cannot be a page: nosniff holds them to it.
 */
function policyOf(type: string): string {
  const allowed = "default-src 'none'; frame-ancestors 'self'"
  if (type === 'application/pdf') return `${allowed}; object-src 'self'; style-src 'unsafe-inline'`
  if (/^(audio|video)\//.test(type))
    return `${allowed}; media-src 'self'; style-src 'unsafe-inline'`
  return `sandbox; ${allowed}; img-src 'self'; style-src 'unsafe-inline'`
}

/** A name for saving: in ASCII for the old, in full for all others (RFC 6266, 4.3 and D; RFC 8187, 3.2). */
function dispositionOf(how: 'inline' | 'attachment', name: string): string {
  const shown = fileName(name)
  const ascii = shown.replace(/[^\x20-\x7e]|["\\%]/g, '_')
  const full = encodeURIComponent(shown).replace(
    /['()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `${how}; filename="${ascii}"; filename*=UTF-8''${full}`
}

/** Whether a list of entity tags names ours: RFC 9110, 8.8.3.2. */
function isNamed(list: string, etag: string, comparison?: 'weak'): boolean {
  if (list.trim() === '*') return true
  const tags = list.split(',').map((tag) => tag.trim())
  return tags.some((tag) => (comparison === 'weak' ? tag.replace(/^W\//, '') : tag) === etag)
}

type Range = { from: number; to: number }

/**
 * The bytes that are asked for; undefined means all. What we do not understand, several ranges, and ranges of another
 * version are answered whole (RFC 9110, 13.1.5 and 14.2).
 */
function rangeOf(
  c: Context,
  { etag, size }: { etag: string; size: number },
): Range | 'outside' | undefined {
  const found = RANGE.exec(c.req.header('range') ?? '')
  const ifRange = c.req.header('if-range')
  if (found === null || (ifRange !== undefined && ifRange.trim() !== etag)) return undefined
  const [, first, last, suffix] = found
  if (suffix !== undefined) {
    return Number(suffix) === 0 || size === 0
      ? 'outside'
      : { from: Math.max(0, size - Number(suffix)), to: size }
  }
  const from = Number(first)
  const to = last === undefined ? size : Math.min(size, Number(last) + 1)
  if (last !== undefined && Number(last) < from) return undefined
  return from < size ? { from, to } : 'outside'
}

type Piece = Range & { blob: KnownBlob; key: Uint8Array }

async function streamOf(
  { disk, log, onDamaged }: Serving,
  piece: Piece,
): Promise<ReadableStream<Uint8Array>> {
  const pieces = plainBytes(disk, piece.blob, piece)
  const told = (error: unknown) => {
    if (error instanceof DamagedBlob) {
      log.error('files.damaged', { blob: error.blob, chunk: error.index })
      onDamaged(error.blob)
    }
    return error
  }
  // Before the head is written, so that a missing file is an answer in words.
  let next: IteratorResult<Uint8Array, void> | undefined = await pieces.next().catch((error) => {
    throw inWords(told(error))
  })
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
    try {
      const { done, value } = next ?? (await pieces.next())
      next = undefined
      if (done) controller.close()
      else controller.enqueue(value)
    } catch (error) {
      controller.error(told(error))
    }
  }
  const cancel = async () => void (await pieces.return(undefined))
  // 0: nothing is read ahead of what the connection takes.
  return new ReadableStream({ pull, cancel }, { highWaterMark: 0 })
}

function inWords(error: unknown): unknown {
  if (error instanceof WrongKey) {
    return new AppError('conflict', 'Cannot open the file: the key in its message is not its key', {
      detail: 'file-wrong-key',
      cause: error,
    })
  }
  if (!(error instanceof DamagedBlob)) return error
  return new AppError('unavailable', 'Cannot send the file: it is damaged at this branch', {
    detail: 'file-damaged',
    cause: error,
  })
}
