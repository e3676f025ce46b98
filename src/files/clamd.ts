/** A file looked at by clamd: INSTREAM of clamd(8). */
import { KIB } from '../base/units.ts'
import type { Transport } from '../world/network.ts'
import { infected, lineIn, type Scanned, sent, type Verdict } from './verdict.ts'

/** The answer is one line. */
const ANSWER_BYTES_MAX = 4 * KIB
/** Before each piece stands its length; clamd holds a whole one in memory. */
const PIECE_BYTES_MAX = 64 * KIB

/** `zINSTREAM\0`, pieces with their length (u32) before each, a length of 0; rejects when clamd is gone. */
export async function instream(transport: Transport, { bytes }: Scanned): Promise<Verdict> {
  const answer = answerOf(transport)
  await answer.unless(sent(transport, new TextEncoder().encode('zINSTREAM\0')))
  for await (const piece of bytes) {
    for (let at = 0; at < piece.length && !answer.isThere(); at += PIECE_BYTES_MAX) {
      const part = piece.subarray(at, at + PIECE_BYTES_MAX)
      await answer.unless(sent(transport, lengthOf(part.length), part))
    }
    if (answer.isThere()) break // too large for it, or infected already
  }
  if (!answer.isThere()) await answer.unless(sent(transport, lengthOf(0)))
  return verdictIn(await answer.line)
}

/** `stream: OK`, `stream: NAME FOUND`, `... ERROR`. */
function verdictIn(line: string): Verdict {
  if (line === 'stream: OK') return { state: 'clean' }
  const found = /^stream: (.*) FOUND$/.exec(line)
  if (found) return infected(found[1] ?? '')
  if (line.endsWith('ERROR')) return { state: 'failed', why: lineIn(line) }
  throw new Error('The scanner answered what clamd does not say')
}

function lengthOf(bytes: number): Uint8Array {
  const head = new Uint8Array(4)
  new DataView(head.buffer).setUint32(0, bytes)
  return head
}

/** The one line that ends with a zero byte, which may come before all was sent. */
function answerOf(transport: Transport) {
  let text = ''
  let isThere = false
  const { promise: line, resolve, reject } = Promise.withResolvers<string>()
  line.catch(() => {}) // whoever waits for it hears it; nobody may, when the file cannot be read
  transport.onBytes((bytes) => {
    if (isThere) return
    text += new TextDecoder('latin1').decode(bytes)
    const end = text.indexOf('\0')
    if (end < 0 && text.length <= ANSWER_BYTES_MAX) return
    isThere = true
    resolve(text.slice(0, Math.max(0, end)).trim())
  })
  transport.onClose((reason) => {
    isThere = true
    reject(new Error(`The scanner ended without an answer: ${reason}`))
  })
  return {
    line,
    isThere: () => isThere,
    /** Waits for `work` or for the answer, whichever is first. */
    unless: (work: Promise<void>) => Promise.race([work, line.then(() => {})]),
  }
}
