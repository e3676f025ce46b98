/**
 * Uploads as a script makes them that does not give up: told first, then sent from wherever the branch says it has
 * come. Whatever breaks, it asks again.
 */
import { pause } from '../bench/wait.ts'
import type { Client } from '../scenarios/servers.ts'
import { type Drawing, PIECE_BYTES, summed } from './drawing.ts'

const AGAIN_MS = 200
/** Whoever hears nothing for so long while he sends and after it asks again, and it is told. */
const ANSWER_MS_MAX = 90_000

type Upload = { id: string; offset: number; sha256?: string }

export type Sending = {
  /** Bytes a second that its line allows. */
  bytesPerSecond?: number
  /** Nobody waits for it any more. */
  isLate?(): boolean
  /** Tries that came to nothing, and where it went on. */
  onVain?(error: unknown): void
  onOffset?(offset: number): void
}

/** Uploads a file to its last byte; undefined when it was late, or the server said no for good (then it throws). */
export async function uploaded(
  person: Pick<Client, 'origin' | 'token' | 'call'>,
  drawing: Drawing,
  sending: Sending = {},
): Promise<Upload | undefined> {
  const { name, size } = drawing
  let id: string | undefined
  for (;;) {
    try {
      id ??= (await inTime('begin', person.call<Upload>('POST', '/uploads', { name, size }))).id
      const known = await inTime('look', person.call<Upload>('GET', `/uploads/${id}`))
      sending.onOffset?.(known.offset)
      if (known.sha256 !== undefined) return known
      const sent = await inTime(
        `send ${id}`,
        patched(person, { id, drawing, offset: known.offset, sending }),
      )
      if (sent.sha256 !== undefined) return sent
    } catch (error) {
      if (!isForLater(error)) throw error
      sending.onVain?.(error)
      if (sending.isLate?.() === true) return undefined
    }
    await pause(AGAIN_MS)
  }
}

async function inTime<T>(what: string, asked: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`No answer: ${what}`)), ANSWER_MS_MAX)
  })
  return await Promise.race([asked, late]).finally(() => clearTimeout(timer))
}

async function patched(
  { origin, token }: Pick<Client, 'origin' | 'token'>,
  {
    id,
    drawing,
    offset,
    sending,
  }: { id: string; drawing: Drawing; offset: number; sending: Sending },
): Promise<Upload> {
  const answer = await fetch(`${origin}/api/v1/uploads/${id}`, {
    ...{ method: 'PATCH', body: ReadableStream.from(paced(drawing.from(offset), sending)) },
    duplex: 'half',
    headers: { authorization: `Bearer ${token}`, 'upload-offset': String(offset) },
  } as RequestInit)
  const text = await answer.text()
  if (answer.ok) return JSON.parse(text) as Upload
  throw Object.assign(new Error(`PATCH: ${answer.status} ${text}`), { status: answer.status })
}

async function* paced(pieces: Iterable<Uint8Array>, { bytesPerSecond }: Sending) {
  for (const piece of pieces) {
    yield piece
    if (bytesPerSecond !== undefined) await pause((PIECE_BYTES * 1000) / bytesPerSecond)
  }
}

/** Nobody answered, the server said "later", or the bytes sent before are still being put away. */
function isForLater(error: unknown): boolean {
  const status = error instanceof Error && 'status' in error ? Number(error.status) : undefined
  return status === undefined || status === 409 || status === 429 || status >= 500
}

export type Taken = { status: number; sha256?: string; size?: number }

/** Opens a file: what the branch answers, and the hash of what it gave. */
export async function taken(
  { origin, token }: Pick<Client, 'origin' | 'token'>,
  file: string,
): Promise<Taken> {
  const answer = await fetch(`${origin}/api/v1/files/${file}`, {
    headers: { authorization: `Bearer ${token}` },
  })
  const { status } = answer
  if (status === 200 && answer.body) return { status, ...(await summed(answer.body)) }
  await answer.body?.cancel()
  return { status }
}
