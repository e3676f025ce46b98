/**
 * Request bodies read with a limit: a body that is too long is refused by its head, or, when the head says nothing,
 * while it is read, so that it never fills our memory.
 */
import type { Context } from 'hono'
import { concat } from '../base/bytes.ts'
import { AppError } from '../base/errors.ts'
import { KIB } from '../base/units.ts'
import type { Visitor } from './env.ts'

/** A message may have 64 KiB as an event; percent-encoding makes at most three bytes of one. */
export const FORM_BYTES_MAX = 256 * KIB
/** The same texts in JSON, where escapes (`\uXXXX`) make at most three bytes of one too. */
export const JSON_BYTES_MAX = 256 * KIB

const decoder = new TextDecoder()
const NOTHING: AsyncIterable<Uint8Array> = { async *[Symbol.asyncIterator]() {} }

/** The refusal of a body, with the limit in numbers. */
export function tooLarge(bytesMax: number): AppError {
  return new AppError(
    'too-large',
    `Cannot read the request: the limit is ${Math.floor(bytesMax / KIB)} KiB`,
    { detail: 'body-large', values: { max: Math.floor(bytesMax / KIB) } },
  )
}

/** The length the head of the request states; undefined for a chunked body. */
export function statedLength(c: Context): number | undefined {
  const header = c.req.header('content-length')
  return header !== undefined && /^\d{1,15}$/.test(header) ? Number(header) : undefined
}

/** The media type of the body, in lower case and without parameters. */
export function mediaType(c: Context): string {
  return (c.req.header('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
}

/** The whole body as text; read once, remembered for whoever asks after the cross-site guard. */
export async function bodyText(c: Context, bytesMax: number): Promise<string> {
  const visitor = c as Context<Visitor>
  const known = visitor.get('bodyText')
  if (known !== undefined) return known
  const length = statedLength(c)
  if (length !== undefined && length > bytesMax) throw tooLarge(bytesMax)
  // Node's parser holds a body to its stated length, so the fast path is safe exactly when there is one.
  const overNode = visitor.env?.incoming !== undefined && length !== undefined
  const text = overNode ? await c.req.text() : await countedText(c, bytesMax)
  visitor.set('bodyText', text)
  return text
}

async function countedText(c: Context, bytesMax: number): Promise<string> {
  return decoder.decode(await bodyBytes(c, bytesMax))
}

/** The body as it comes, for what goes straight to the disk: whoever takes it counts. */
export function bodyStream(c: Context): AsyncIterable<Uint8Array> {
  return c.req.raw.body ?? NOTHING
}

/** The whole body as it came; throws too-large as soon as it is. */
export async function bodyBytes(c: Context, bytesMax: number): Promise<Uint8Array> {
  const length = statedLength(c)
  if (length !== undefined && length > bytesMax) throw tooLarge(bytesMax)
  const reader = c.req.raw.body?.getReader()
  if (reader === undefined) return new Uint8Array(0)
  const chunks: Uint8Array[] = []
  let bytes = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return concat(...chunks)
    bytes += value.length
    if (bytes > bytesMax) {
      await reader.cancel().catch(() => {}) // the refusal is what the sender learns, whatever the pipe says
      throw tooLarge(bytesMax)
    }
    chunks.push(value)
  }
}
