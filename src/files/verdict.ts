/** What a scanner says of a file, in one form whatever it speaks, and how bytes are handed to it. */
import type { Transport } from '../world/network.ts'

/** `failed`: the scanner works, but cannot say it of this file. */
export type Verdict =
  | { state: 'clean' }
  | { state: 'infected'; threat: string }
  | { state: 'failed'; why: string }

/** Plain bytes, once; `size` is known before. */
export type Scanned = { size: number; bytes: AsyncIterable<Uint8Array> }

/** Longer names come from no scanner, and would fill pages. */
const THREAT_CHARACTERS_MAX = 100

/** With the name as pages show it, whatever a scanner writes. */
export function infected(threat: string): Verdict {
  const tidy = lineIn(threat)
  return { state: 'infected', threat: tidy === '' ? 'unnamed' : tidy }
}

/** A line of a scanner, short and without what a page or a terminal would obey. */
export function lineIn(text: string): string {
  return text
    .replace(/[^\x20-\x7e]/g, '')
    .trim()
    .slice(0, THREAT_CHARACTERS_MAX)
}

/** Hands bytes on and waits until the system has taken them: a slow scanner slows the reading of the file. */
export function sent(transport: Transport, ...pieces: readonly Uint8Array[]): Promise<void> {
  for (const piece of pieces) transport.send(piece)
  return new Promise((resolve) => transport.onDrain(resolve))
}
