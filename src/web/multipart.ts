/**
 * Multipart forms (RFC 7578) through busboy: parsed as they arrive, never held whole by the platform's `formData()`
 * (measured: 2.5 GB of memory for a 400 MB file). Small files, such as a photo, are handed on as bytes; each has a
 * limit.
 */
import type { Readable } from 'node:stream'
import type { Busboy } from '@fastify/busboy'
import type { Context } from 'hono'
import { concat } from '../base/bytes.ts'
import { AppError } from '../base/errors.ts'
import { KIB, MIB } from '../base/units.ts'
import { mediaType, statedLength, tooLarge } from './body.ts'
import { sameSecret } from './cookies.ts'
import { fieldsOf, formFields, type Typed } from './form.ts'

/** A photo straight from a phone fits; what we keep of it is 24 KiB. */
const FILE_BYTES_MAX = 12 * MIB
/** Fields and files of one form together: no form of ours has more. */
const PARTS_MAX = 50
const FIELD_BYTES_MAX = 64 * KIB
/** Boundaries and part heads around the file itself. */
const FRAME_BYTES_MAX = 256 * KIB

export type UploadedFile = { field: string; name: string; type: string; bytes: Uint8Array }
export type Parts = { fields: Typed; files: readonly UploadedFile[] }
type PartLimits = { fileBytesMax?: number; filesMax?: number }

/** A file above its limit: keeps what was typed into the fields before it, so that the form can come again. */
export class FileTooLarge extends AppError {
  override name = 'FileTooLarge'
  readonly typed: Typed

  constructor(bytesMax: number, typed: Typed) {
    const max = Math.floor(bytesMax / KIB)
    const message = `Cannot read the form: the limit of its file is ${max} KiB`
    super('too-large', message, { detail: 'body-large', values: { max } })
    this.typed = typed
  }
}

/** Whether the body is a multipart form. */
export function isMultipart(c: Context): boolean {
  return mediaType(c) === 'multipart/form-data'
}

/**
 * The fields and files of a form of either kind: a text browser that uploads no files may send it urlencoded. An empty
 * file field gives no file.
 */
export async function formParts(c: Context, limits: PartLimits = {}): Promise<Parts> {
  return isMultipart(c) ? multipartParts(c, limits) : { fields: await formFields(c), files: [] }
}

/** The parts of a multipart form as they came. Throws too-large while reading, invalid-input for broken framing. */
export async function multipartParts(c: Context, limits: PartLimits = {}): Promise<Parts> {
  const fileBytesMax = limits.fileBytesMax ?? FILE_BYTES_MAX
  const known: Parts | undefined = c.get('parts')
  if (known !== undefined) {
    // The cross-site guard read it, with the widest limit: the route's own still holds.
    if (known.files.some((file) => file.bytes.length > fileBytesMax)) {
      throw new FileTooLarge(fileBytesMax, known.fields)
    }
    return known
  }
  const length = statedLength(c)
  const filesMax = limits.filesMax ?? 1
  const bytesMax = fileBytesMax * filesMax + FRAME_BYTES_MAX
  // Nothing of a file that is too large anyway is kept, only the fields before it.
  const isTooLong = length !== undefined && length > bytesMax
  const heldMax = isTooLong ? 1 : fileBytesMax
  const parts = await parse(c, { fileBytesMax, heldMax, filesMax, bytesMax })
  if (isTooLong) throw new FileTooLarge(fileBytesMax, parts.fields)
  c.set('parts', parts)
  return parts
}

/** The refusal of what another site made. */
export function crossSite(): AppError {
  const message = 'Cannot accept the form: it does not come from our own page'
  return new AppError('forbidden', message, { detail: 'cross-site' })
}

/**
 * The fields of a form whose files are taken as they come: `onFile` reads one after the other, and the sender waits
 * meanwhile. The fields stand before the files; the token among them is checked before the first byte is taken.
 */
export async function streamedForm(
  c: Context,
  of: { filesMax: number; onFile(name: string, body: AsyncIterable<Uint8Array>): Promise<void> },
): Promise<Typed> {
  const due: string | undefined = c.get('formTokenDue')
  const pairs: [string, string][] = []
  const limits = { heldMax: Number.POSITIVE_INFINITY, filesMax: of.filesMax }
  const parser = await parserOf(c, limits)
  const { failed, finished } = watched(parser, pairs)
  let files = Promise.resolve()
  let reading: Readable | undefined
  const checkToken = () => {
    const given = fieldsOf(pairs).formToken
    if (due !== undefined && !sameSecret(typeof given === 'string' ? given : undefined, due)) {
      throw crossSite()
    }
  }
  parser.on('file', (_field, stream, name) => {
    files = files.then(async () => {
      checkToken()
      reading = stream
      // A field where no file was chosen.
      if (name === undefined || name === '') stream.resume()
      else await of.onFile(name, stream as AsyncIterable<Uint8Array>)
    })
    files.catch(failed.reject)
  })
  const reader = c.req.raw.body?.getReader()
  try {
    const refuse = () => tooLarge(0)
    const whole = feed(reader, parser, { bytesMax: Number.POSITIVE_INFINITY, refuse })
    await Promise.race([whole, failed.promise])
    await Promise.race([finished.then(() => files), failed.promise])
    checkToken()
  } finally {
    parser.destroy()
    // The parser ends without a word to who reads a file of a form that broke off.
    if (reading?.readableEnded === false) reading.destroy(new Error('The form broke off'))
    await reader?.cancel().catch(() => {}) // after a refusal nobody reads the rest
  }
  return fieldsOf(pairs)
}

type Parser = ReturnType<typeof Busboy>
type Limits = { fileBytesMax: number; heldMax: number; filesMax: number; bytesMax: number }

async function parse(c: Context, limits: Limits): Promise<Parts> {
  const pairs: [string, string][] = []
  const files: UploadedFile[] = []
  const parser = await parserOf(c, limits)
  const { failed, finished } = watched(parser, pairs)
  parser.on('file', (field, stream, name, _encoding, type) => {
    const chunks: Uint8Array[] = []
    stream.on('data', (chunk: Uint8Array) => void chunks.push(chunk))
    stream.once('limit', () => {
      failed.reject(new FileTooLarge(limits.fileBytesMax, fieldsOf(pairs)))
    })
    stream.once('error', failed.reject)
    stream.once('end', () => {
      const bytes = concat(...chunks)
      if (bytes.length > 0) files.push({ field, name: name ?? '', type, bytes })
    })
  })
  const reader = c.req.raw.body?.getReader()
  try {
    const refuse = () => new FileTooLarge(limits.fileBytesMax, fieldsOf(pairs))
    await Promise.race([
      feed(reader, parser, { bytesMax: limits.bytesMax, refuse }),
      failed.promise,
    ])
    await Promise.race([finished, failed.promise])
  } finally {
    parser.destroy()
    await reader?.cancel().catch(() => {}) // after a refusal nobody reads the rest
  }
  return { fields: fieldsOf(pairs), files }
}

/** What a parser finds besides files: fields, the end, and what is wrong. */
function watched(parser: Parser, pairs: [string, string][]) {
  const failed = Promise.withResolvers<never>()
  failed.promise.catch(() => {}) // it may lose the race; then nobody else waits for it
  const finished = new Promise<void>((resolve) => parser.once('finish', () => resolve()))
  parser.on('error', (cause) => {
    failed.reject(new AppError('invalid-input', 'Cannot read the form: it ends early', { cause }))
  })
  for (const limit of ['partsLimit', 'filesLimit', 'fieldsLimit'] as const) {
    parser.once(limit, () => {
      failed.reject(
        new AppError('too-large', `Cannot read the form: the limit is ${PARTS_MAX} parts`),
      )
    })
  }
  parser.on('field', (name, value, _nameTruncated, valueTruncated) => {
    if (valueTruncated) failed.reject(tooLarge(FIELD_BYTES_MAX))
    if (name !== undefined) pairs.push([name, value])
  })
  return { failed, finished }
}

async function parserOf(c: Context, limits: Pick<Limits, 'heldMax' | 'filesMax'>): Promise<Parser> {
  const { Busboy } = await import('@fastify/busboy')
  try {
    return new Busboy({
      headers: { 'content-type': c.req.header('content-type') ?? '' },
      limits: {
        fileSize: limits.heldMax,
        files: limits.filesMax,
        fieldSize: FIELD_BYTES_MAX,
        parts: PARTS_MAX,
        headerPairs: 20,
        headerSize: 8 * KIB,
      },
    })
  } catch (cause) {
    throw new AppError('invalid-input', 'Cannot read the form: it names no boundary', { cause })
  }
}

async function feed(
  reader: ReadableStreamDefaultReader<Uint8Array> | undefined,
  parser: Parser,
  { bytesMax, refuse }: { bytesMax: number; refuse(): AppError },
): Promise<void> {
  let bytes = 0
  while (reader !== undefined) {
    const { done, value } = await reader.read()
    if (done) break
    bytes += value.length
    const isReady = parser.write(value)
    if (bytes > bytesMax) throw refuse()
    if (!isReady) await new Promise<void>((resolve) => parser.once('drain', resolve))
  }
  parser.end()
}
